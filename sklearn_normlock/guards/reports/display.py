"""Pictures of a profile, in scikit-learn's Display convention; needs matplotlib."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...drawing import axes
from ...errors import InputFaultError
from ..data.tables import aligned, as_table
from ..profile import Profile
from ..profiles.sketch import quantile

__all__ = ["ProfileDisplay"]

SHARES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
#: Up to so many deviations the scale is linear, beyond logarithmic.
_LINEAR = 3


class ProfileDisplay:
    """The columns of a profile as ranges in deviations, and a batch laid over them.

    Make one with :meth:`from_profile`.

    Parameters
    ----------
    names : sequence of str
        What is drawn, one column each.
    usual, batch : ndarray of shape (7, n_columns)
        Quantiles at 0.01, 0.05, 0.25, 0.5, 0.75, 0.95 and 0.99, in deviations from the profile's mean; ``batch`` may be
        None.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Where it was drawn.
    figure_ : matplotlib Figure
        The figure.

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
            If X has other columns than the profile.
        """
        chosen = _positions(profile, columns)
        usual, batch = ranges(profile, X)
        names = [profile.names[j] if profile.names else str(j) for j in chosen]
        return cls(names, usual[:, chosen], None if batch is None else batch[:, chosen]).plot(ax=ax)

    def plot(self, *, ax: Any = None) -> ProfileDisplay:
        """Draw it.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; a new figure by default.

        Returns
        -------
        self : ProfileDisplay
            This display.

        Raises
        ------
        MissingDependencyError
            If matplotlib isn't installed.
        """
        count = len(self.names)
        ax = axes(ax, figsize=(8, 0.3 * count + 1.5))
        at, apart = np.arange(count), 0.0 if self.batch is None else 0.16
        for quantiles, colour, shift, label in (
            (self.usual, "C0", -apart, "profile"),
            (self.batch, "C1", apart, "batch"),
        ):
            if quantiles is None:
                continue
            ax.hlines(at + shift, quantiles[0], quantiles[6], color=colour, lw=1)
            ax.hlines(at + shift, quantiles[2], quantiles[4], color=colour, lw=5, alpha=0.6, label=label)
            ax.plot(quantiles[3], at + shift, "|", color=colour, ms=8)
        # A name is no formula: what is between two dollar signs is not to be read as one.
        ax.set_yticks(at, self.names, parse_math=False)
        ax.set_ylim(count - 0.4, -0.6)
        # A unit of 1000 and a shift of 1 are both to be seen.
        ax.set_xscale("symlog", linthresh=_LINEAR)
        reach = np.nanmax(np.abs([self.usual, self.usual if self.batch is None else self.batch]), initial=_LINEAR)
        powers = np.arange(1, np.log10(reach) + 1, max(1, np.log10(reach) // 4))
        beyond = np.concatenate([[1, _LINEAR], 10**powers])
        limits = ax.get_xlim()
        ax.set_xticks([*-beyond[::-1], 0, *beyond], [f"{tick:g}" for tick in (*-beyond[::-1], 0, *beyond)])
        ax.set_xlim(limits)
        ax.set_xlabel("deviations from the profile's mean (1 %, quartiles, 99 %)")
        # Above the frame, where no range is.
        ax.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2, frameon=False)
        self.ax_, self.figure_ = ax, ax.figure
        return self


def ranges(profile: Profile, X: Any = None) -> tuple[Any, Any]:
    """Return quantiles of a profile and of a batch, each (7, n_columns), in deviations; None if there is no batch."""
    d = profile.n_features_in_
    usual = np.full((len(SHARES), d), np.nan)
    for j, (values, shares) in enumerate(profile.sketches[:d]):
        if len(values):
            usual[:, j] = quantile(values, shares, SHARES)
    scale = np.where(profile.moments.std > 0, profile.moments.std, 1.0)
    batch = None
    if X is not None:
        rows = aligned(profile, as_table(X)).looked_at().numbers
        batch = np.full_like(usual, np.nan)
        for j in range(d):
            known = rows[np.isfinite(rows[:, j]), j]
            if len(known):
                batch[:, j] = (np.quantile(known, SHARES) - profile.mean[j]) / scale[j]
    return (usual - profile.mean) / scale, batch


def _positions(profile: Profile, columns: Any) -> list[int]:
    if columns is None:
        return list(range(min(profile.n_features_in_, 40)))
    names = profile.names or ()
    out = []
    for column in columns:
        if isinstance(column, str):
            if column not in names:
                raise InputFaultError(f'The profile has no column "{column}".', expected=names, actual=column)
            column = names.index(column)
        out.append(int(column))
    return out
