"""Where a picture is drawn: the one place that needs matplotlib."""

from __future__ import annotations

from typing import Any

from .errors import MissingDependencyError


def axes(ax: Any = None, **options: Any) -> Any:
    """Return the axes to draw on.

    Parameters
    ----------
    ax : matplotlib Axes, default=None
        The user's; those of a new figure by default.
    **options
        Of the new figure.

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
    return plt.subplots(layout="constrained", **options)[1] if ax is None else ax
