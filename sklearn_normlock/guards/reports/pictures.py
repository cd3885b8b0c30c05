"""A picture of a profile and a batch, in scikit-learn's Display convention."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...drawing import Display
from ...errors import InputFaultError
from ..data.tables import aligned, as_table
from ..profile import Profile
from ..profiles.statistics import quantiles

SHARES = (0.01, 0.25, 0.5, 0.75, 0.99)


def ranges(profile: Profile, X: Any = None) -> tuple[Any, Any]:
    """Return quantiles of a profile and of a batch, each (5, n_columns), in deviations; None if there is no batch."""
    scale = np.where(profile.moments.std > 0, profile.moments.std, 1.0)
    usual, batch = np.stack([profile.quantile(share) for share in SHARES]), None
    if X is not None:
        rows = aligned(profile, as_table(X)).looked_at().numbers
        rows = rows if len(rows) else np.full((1, rows.shape[1]), np.nan)
        batch = (quantiles(np.where(np.isfinite(rows), rows, np.nan), SHARES) - profile.mean) / scale
    return (usual - profile.mean) / scale, batch


class ProfileDisplay(Display):
    """The columns of a profile as ranges in deviations, and a batch laid over them.

    Make one with :meth:`from_profile`.

    Parameters
    ----------
    names : sequence of str
        What is drawn, one column each.
    usual, batch : ndarray of shape (5, n_columns)
        Quantiles at 0.01, 0.25, 0.5, 0.75 and 0.99, in deviations from the profile's mean; ``batch`` may be None.

    Examples
    --------
    >>> import sklearn_normlock as nl
    >>> from sklearn.datasets import load_wine
    >>> X = load_wine().data
    >>> profile = nl.Profile.from_data(X[::2])
    >>> display = nl.ProfileDisplay.from_profile(profile, X[1::2])  # doctest: +SKIP
    """

    def __init__(self, names: Any, usual: Any, batch: Any = None) -> None:
        self.names, self.usual, self.batch = list(names), usual, batch
        self._size = 8, 0.3 * len(self.names) + 1.5

    @classmethod
    def from_profile(cls, profile: Profile, X: Any = None, *, columns: Any = None, ax: Any = None) -> ProfileDisplay:
        """Draw a profile, and a batch over it.

        Parameters
        ----------
        profile : Profile
            The profile.
        X : array-like or data frame of shape (n_rows, n_columns), default=None
            A batch.
        columns : sequence of int or str, default=None
            Which to draw; the first 40 by default.
        ax : matplotlib Axes, default=None
            Where to draw.

        Returns
        -------
        display : ProfileDisplay
            With ``ax_`` and ``figure_``.

        Raises
        ------
        MissingDependencyError
            If matplotlib isn't installed.
        InputFaultError
            If X has other columns than the profile, or the profile not these columns.
        """
        names = list(profile.names or map(str, range(profile.n_features_in_)))
        chosen = names[:40] if columns is None else [c if isinstance(c, str) else names[c] for c in columns]
        if missing := [name for name in chosen if name not in names]:
            raise InputFaultError(f'The profile has no column "{missing[0]}".', expected=names, actual=missing[0])
        at = [names.index(name) for name in chosen]
        usual, batch = ranges(profile, X)
        return cls(chosen, usual[:, at], None if batch is None else batch[:, at]).plot(ax=ax)

    def _draw(self, ax: Any) -> None:
        at = np.arange(len(self.names))
        drawn = {"profile": self.usual} if self.batch is None else {"profile": self.usual, "batch": self.batch}
        for i, (label, values) in enumerate(drawn.items()):
            y = at + 0.32 * i - 0.16 * (len(drawn) - 1)
            ax.hlines(y, values[0], values[4], color=f"C{i}", lw=1)
            ax.hlines(y, values[1], values[3], color=f"C{i}", lw=5, alpha=0.6, label=label)
            ax.plot(values[2], y, "|", color=f"C{i}", ms=8)
        # A name is no formula: what is between two dollar signs is not to be read as one.
        ax.set_yticks(at, self.names, parse_math=False)
        ax.set_ylim(len(at) - 0.4, -0.6)
        # A unit of 1000 and a shift of 1 are both to be seen.
        ax.set_xscale("symlog", linthresh=3)
        (low, high), beyond = ax.get_xlim(), (1, 3, 10, 100, 1e3, 1e4, 1e6, 1e9, 1e12)
        ticks = [tick for tick in sorted({0, *beyond, *(-each for each in beyond)}) if low <= tick <= high]
        ax.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        ax.set_xlabel("deviations from the profile's mean (1 %, quartiles, 99 %)")
        # Above the frame, where no range is.
        ax.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2, frameon=False)
