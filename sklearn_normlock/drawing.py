"""The frame of a picture, in scikit-learn's Display convention: the one place that needs matplotlib."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .errors import MissingDependencyError

if TYPE_CHECKING:
    from typing_extensions import Self


class Display:
    """A picture that is drawn by ``plot``, as often as one likes; a subclass says how in ``_draw``.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Where it was drawn.
    figure_ : matplotlib Figure
        The figure.
    """

    #: Width and height of a new figure, in inches.
    _size: tuple[float, float] | None = None

    def plot(self, *, ax: Any = None) -> Self:
        """Draw it.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; a new figure by default.

        Returns
        -------
        self : Display
            This display, with ``ax_`` and ``figure_``.

        Raises
        ------
        MissingDependencyError
            If matplotlib isn't installed.
        """
        try:
            import matplotlib.pyplot as plt
        except ImportError as error:
            raise MissingDependencyError(
                "Drawing needs matplotlib, which isn't installed.", remedy="pip install matplotlib."
            ) from error
        self.ax_ = plt.subplots(layout="constrained", figsize=self._size)[1] if ax is None else ax
        self.figure_ = self.ax_.figure
        self._draw(self.ax_)
        return self

    def _draw(self, ax: Any) -> None:
        raise NotImplementedError
