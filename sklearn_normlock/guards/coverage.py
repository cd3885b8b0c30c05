"""Faults that could not be seen: each is done to rows drawn from the profile, and the tests are run on them."""

from __future__ import annotations

import json
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import InputFaultError
from .calibration import CALIBRATION as C
from .diagnosis import check_numbers, check_profile
from .faults import FAULTS
from .profile import Profile
from .profiles.statistics import quantile, residual
from .tests import TESTS, Evidence, weigh
from .tests.columns import Dependence
from .tests.reference import reference_of


@dataclass(frozen=True)
class Coverage:
    """The columns on which each fault could not be seen.

    Parameters
    ----------
    unseen : dict of str to tuple
        The columns by the fault: names, or positions if there are none. ``columns_swapped`` has pairs, for up to 64
        columns; ``double_normalised`` is there if a scaler was.
    n_columns, n_rows : int
        Columns of the profile, and rows of a batch.

    Examples
    --------
    >>> import sklearn_normlock as nl
    >>> print(nl.Coverage({"sign_flipped": (0, 2)}, n_columns=4, n_rows=64).explain())
    sign_flipped: not to be seen in 2 of 4 columns: 0, 2
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
        return json.loads(json.dumps(vars(self)))

    def explain(self) -> str:
        """Return a line for each fault that could go unseen.

        Returns
        -------
        text : str
            Without a newline at its end.
        """
        lines = []
        for fault, columns in self.unseen.items():
            shown = [" with ".join(map(str, c)) if isinstance(c, tuple) else str(c) for c in columns[:6]]
            shown += [f"{len(columns) - 6} more"] * (len(columns) > 6)
            if columns:
                where = "pairs" if fault == "columns_swapped" else f"of {self.n_columns} columns"
                lines.append(f"{fault}: not to be seen in {len(columns)} {where}: {', '.join(shown)}")
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
        The fitted scaler that follows the guard. Its output is tried in place of its input.
    n_rows : int, default=64
        Rows of the batch.
    budget, drift : float
        As in :func:`diagnose`.

    Returns
    -------
    coverage : Coverage
        For each fault, done as the catalogue does it, the columns of numbers on which it alone would not alarm.

    Raises
    ------
    InputFaultError
        If the scaler makes other columns.
    TypeError, ValueError
        If profile is no profile, or n_rows, budget or drift no such number; if the scaler takes other columns.

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
    reference, d, rng = reference_of(profile, drift), profile.n_features_in_, np.random.default_rng(0)
    X, numbers = _drawn(profile, n_rows), np.flatnonzero(reference.known[:d])

    @np.errstate(all="ignore")
    def weighed(rows: Any, tests: Any = TESTS) -> Evidence:
        return weigh(reference, rows, {}, budget, tests=tests)

    drawn = weighed(X)
    # A test that alarms at the rows themselves says nothing of a fault.
    telling = {test for test in drawn.log_p if not len(drawn.alarming(test))}

    def unseen(rows: Any) -> list[int]:
        """Return the columns at which no test of a single column alarms."""
        return np.setdiff1d(numbers, weighed(rows).alarming(*telling - {"dependence"})).tolist()

    def unseen_alone(fault: str, *columns: int) -> bool:
        """Tell whether columns go together as before after one change, which may be seen by that if it is alone."""
        if "dependence" not in telling:
            return True
        changed = weighed(FAULTS[fault].inject(profile, X, np.array(columns), rng), [Dependence()])
        return bool((changed.log_p["dependence"] >= drawn.limit("dependence")).all())

    done: dict[str, Any] = {}
    if scaler is not None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that the columns have no names
            scaled = scaler.transform(X)
        if (made := scaled.shape[1]) != d:
            remedy = "Coverage is told for transformers that keep the columns."
            raise InputFaultError(f"The scaler makes {made} columns of {d}.", expected=d, actual=made, remedy=remedy)
        done["double_normalised"] = np.asarray(scaled, dtype=float)
    for fault in ("shifted", "unit_changed", "log_extra", "sign_flipped"):
        done[fault] = FAULTS[fault].inject(profile, X, np.arange(d), rng)
    found = {fault: unseen(rows) for fault, rows in done.items()}
    found["sign_flipped"] = [j for j in found["sign_flipped"] if unseen_alone("sign_flipped", j)]
    names = profile.names or range(d)
    told: dict[str, tuple[Any, ...]] = {fault: tuple(names[j] for j in columns) for fault, columns in found.items()}
    if d <= C.most_swapped:
        pairs: list[tuple[int, int]] = []
        for total in range(d):  # each pair has one sum, modulo d; those of one sum change places at once
            place = (total - np.arange(d)) % d
            left = unseen(X[:, place])
            pairs += [(j, k) for j, k in enumerate(place.tolist()) if j < k and {j, k}.issubset(left)]
        pairs = sorted(pair for pair in pairs if unseen_alone("columns_swapped", *pair))
        told["columns_swapped"] = tuple((names[j], names[k]) for j, k in pairs)
    return Coverage(told, d, n_rows)


def _drawn(profile: Profile, n: int) -> Any:
    """Return rows of evenly spaced quantiles of each column, which go together by a normal copula."""
    rng, d = np.random.default_rng(0), profile.n_features_in_
    factor = np.zeros((d, 1)) if profile.dependence is None else profile.dependence.factor
    own = np.sqrt(np.maximum(1 - (factor**2).sum(axis=1), 0))
    scores = rng.normal(size=(n, factor.shape[1])) @ factor.T + rng.normal(size=(n, d)) * own
    shares = (scores.argsort(axis=0).argsort(axis=0) + 0.5) / n
    X = np.stack([quantile(*profile.sketches[j], shares[:, j]) for j in range(d)], axis=1)
    offset, step, _ = profile.steps
    return np.where(step > 0, X - residual(X, offset, np.where(step > 0, step, 1.0)), X)
