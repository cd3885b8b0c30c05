"""Faults that could not be seen: those that would leave a column as it is, or nearly so.

Nothing is assumed about a fault's visibility: each is done to data drawn from the profile, and the tests are run on
it.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from ..errors import InputFaultError
from .diagnosis import check_numbers, check_profile
from .faults import FAULTS
from .profile import Profile
from .profiles.sketch import quantile, residual
from .tests import weigh
from .tests.reference import reference_of

__all__ = ["Coverage", "coverage"]

_MOST_PAIRS = 64


@dataclass(frozen=True)
class Coverage:
    """The columns on which each fault could not be seen.

    Parameters
    ----------
    unseen : dict of str to tuple
        The columns by the name of the fault: names, or positions if there are none; ``columns_swapped`` has pairs.
    n_columns : int
        Columns of the profile.
    n_rows : int
        Rows of the batch for which this holds.

    Examples
    --------
    >>> import sklearn_normlock as nl
    >>> from sklearn.datasets import load_wine
    >>> covered = nl.coverage(nl.Profile.from_data(load_wine(as_frame=True).data))
    >>> covered.unseen["unit_changed"]
    ()
    """

    unseen: dict[str, tuple[Any, ...]]
    n_columns: int
    n_rows: int

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON has it.

        Returns
        -------
        document : dict
            Plain JSON values.
        """
        unseen = {fault: [list(c) if isinstance(c, tuple) else c for c in cs] for fault, cs in self.unseen.items()}
        return {"unseen": unseen, "n_columns": self.n_columns, "n_rows": self.n_rows}

    def explain(self) -> str:
        """Return a line for each fault that could go unseen.

        Returns
        -------
        text : str
            Without a newline at its end.
        """
        lines = []
        for fault, columns in self.unseen.items():
            if not columns:
                continue
            shown = ", ".join(" with ".join(map(str, c)) if isinstance(c, tuple) else str(c) for c in columns[:6])
            more = f" and {len(columns) - 6} more" if len(columns) > 6 else ""
            of = "" if fault == "columns_swapped" else f" of {self.n_columns}"
            what = "pairs" if fault == "columns_swapped" else "columns"
            lines.append(f"{fault}: not to be seen in {len(columns)}{of} {what}: {shown}{more}")
        return "\n".join(lines) or f"Every fault that was tried can be seen in {self.n_rows} rows on every column."


def coverage(
    profile: Profile, scaler: Any = None, *, n_rows: int = 64, budget: float = 1e-3, drift: float = 0.3
) -> Coverage:
    """Tell which faults a guard could not see, and on which columns.

    Parameters
    ----------
    profile : Profile
        What the guard compares with.
    scaler : estimator, default=None
        The fitted scaler that follows the guard; it is asked what its output would look like where its input should be.
    n_rows : int, default=64
        Rows of the batch.
    budget, drift : float
        As in :func:`diagnose`.

    Returns
    -------
    coverage : Coverage
        For each fault, the columns on which it alone would not raise an alarm. Each fault is done as the catalogue
        does it: a shift by one deviation, a unit of 2.54. This counts the tests of single columns.

    Raises
    ------
    InputFaultError
        If the scaler was fitted on another number of columns.
    TypeError, ValueError
        If profile is no profile, or n_rows, budget or drift no such number.

    Examples
    --------
    A column that has mean 0 and deviation 1 already can't show that it was scaled twice:

    >>> import numpy as np
    >>> import sklearn_normlock as nl
    >>> from sklearn.preprocessing import StandardScaler
    >>> rng = np.random.default_rng(0)
    >>> X = np.column_stack([rng.normal(size=500), rng.normal(50, 9, size=500)])
    >>> nl.coverage(nl.Profile.from_data(X), StandardScaler().fit(X)).unseen["double_normalised"]
    (0,)
    """
    check_profile(profile)
    check_numbers(n_rows=n_rows, budget=budget, drift=drift)
    d = profile.n_features_in_
    expected = getattr(scaler, "n_features_in_", d)
    if expected != d:
        raise InputFaultError(
            f"The scaler has {expected} features, the profile {d}.",
            expected=d,
            actual=expected,
            remedy="Hand over the scaler that stands behind this profile's data.",
        )
    reference = reference_of(profile, drift)
    X = _drawn(profile, n_rows)

    def unseen(change: Callable[[Any], Any]) -> Any:
        with np.errstate(all="ignore"):
            evidence = weigh(reference, change(X), {}, budget)
        # Rows made of columns that are drawn one by one say nothing of rows, nor of what goes together.
        for test in ("dependence", "unit", "standardised"):
            evidence.log_p.pop(test, None)
        return np.setdiff1d(np.flatnonzero(reference.known[:d]), evidence.flagged())

    names = profile.names or range(d)
    found: dict[str, tuple[Any, ...]] = {}
    if scaler is not None:
        found["double_normalised"] = _named(unseen(lambda rows: _transformed(scaler, rows)), names)
    unseen_of = {
        fault: unseen(partial(FAULTS[fault].inject, profile, columns=np.arange(d), rng=np.random.default_rng(0)))
        for fault in ("shifted", "unit_changed", "log_extra", "sign_flipped")
    }
    together = profile.dependence.informative() if profile.dependence is not None else np.zeros(d, bool)
    unseen_of["sign_flipped"] = unseen_of["sign_flipped"][~together[unseen_of["sign_flipped"]]]
    found |= {fault: _named(columns, names) for fault, columns in unseen_of.items()}
    found["columns_swapped"] = _alike(profile, reference, X, together, budget, names)
    return Coverage(found, d, n_rows)


def _named(columns: Any, names: Any) -> tuple[Any, ...]:
    return tuple(names[int(j)] for j in columns)


def _drawn(profile: Profile, n: int) -> Any:
    """Return rows whose columns are evenly spaced quantiles, in an order of its own each."""
    rng = np.random.default_rng(0)
    at = (np.arange(n) + 0.5) / n
    X = np.empty((n, profile.n_features_in_))
    for j in range(profile.n_features_in_):
        X[:, j] = rng.permutation(quantile(*profile.sketches[j], at))
    offset, step, _ = profile.steps
    return np.where(step > 0, X - residual(X, offset, np.where(step > 0, step, 1.0)), X)


def _transformed(scaler: Any, X: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that the columns have no names
        out = scaler.transform(X)
    out = np.asarray(out.toarray() if hasattr(out, "toarray") else out, dtype=float)
    if out.shape != X.shape:
        raise InputFaultError(
            f"The scaler makes {out.shape[1]} columns of {X.shape[1]}.",
            expected=X.shape[1],
            actual=out.shape[1],
            remedy="Coverage is told for transformers that keep the columns.",
        )
    return out


def _alike(profile: Profile, reference: Any, X: Any, together: Any, budget: float, names: Any) -> tuple[Any, ...]:
    """Return the pairs of columns that could change places unseen."""
    d = X.shape[1]
    if d > _MOST_PAIRS:
        return ()
    fits = np.zeros((d, d), bool)  # whether column j passes for column k
    for step in range(1, d):
        k = (np.arange(d) + step) % d
        rolled = np.empty_like(X)
        rolled[:, k] = X  # each column in the place `step` further on
        evidence = weigh(reference, rolled, {}, budget)
        for test in ("dependence", "missing"):
            evidence.log_p.pop(test, None)
        seen = np.isin(np.arange(d), evidence.flagged())
        fits[np.arange(d), k] = ~seen[k]
    pairs = [(j, k) for j in range(d) for k in range(j + 1, d) if fits[j, k] and fits[k, j]]
    if together.any():
        rows = _jointly(profile, X)
        pairs = [
            (j, k) for j, k in pairs if not (together[j] or together[k]) or not _told(reference, rows, j, k, budget)
        ]
    return tuple((names[j], names[k]) for j, k in pairs)


def _jointly(profile: Profile, X: Any) -> Any:
    """Return the rows so that their columns go together as those of the profile do, by a normal copula."""
    assert profile.dependence is not None
    size, axes = np.linalg.eigh(profile.dependence.correlation())
    scores = np.random.default_rng(0).normal(size=X.shape) @ (axes * np.sqrt(np.maximum(size, 0.0))).T
    return np.take_along_axis(np.sort(X, axis=0), scores.argsort(axis=0).argsort(axis=0), axis=0)


def _told(reference: Any, X: Any, j: int, k: int, budget: float) -> bool:
    """Return whether two columns in each other's place no longer go together with the others as they did."""
    Y = X.copy()
    Y[:, [j, k]] = X[:, [k, j]]
    with np.errstate(all="ignore"):
        evidence = weigh(reference, Y, {}, budget)
    return bool(len(evidence.alarming("dependence")))
