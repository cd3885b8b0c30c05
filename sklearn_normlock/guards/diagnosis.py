"""The verdict: the tests decide whether a batch is at fault; undoing a fault and testing again decides which."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import combinations
from numbers import Integral, Real
from typing import Any

import numpy as np

from ..errors import InputFaultError
from .calibration import CALIBRATION as C
from .data.tables import Table, aligned, as_table, shown_time
from .faults import MISSING, PROPOSERS, Candidate, Case, changed_types, replaced, respelled, seen_of_text
from .profile import Profile
from .profiles.statistics import median
from .reports.finding import Diagnosis
from .tests import Evidence, weigh
from .tests.columns import missing_of
from .tests.reference import reference_of
from .tests.values import log_p_of_text

__all__ = ["diagnose"]

#: Tests of what is no number; nothing that is done to numbers undoes it.
_APART = ("missing", "categories")


def diagnose(profile: Profile, X: Any, *, budget: float = 1e-3, drift: float = 0.3, scaler: Any = None) -> Diagnosis:
    """Tell whether a batch differs from what a profile was learned on, and what happened to it.

    Parameters
    ----------
    profile : Profile
        What the pipeline was fitted on.
    X : array-like, sparse matrix or data frame of shape (n_rows, n_columns)
        The batch; one row is enough, more tell more.
        A sparse matrix of many rows is judged by an even sample.
    budget : float, default=1e-3
        The probability of a false alarm that is allowed for a batch.
    drift : float, default=0.3
        How far the mean of each column may have moved, in its standard deviations, without being a fault.
    scaler : estimator, default=None
        The fitted scaler whose output the profile was learned on, if it was: a StandardScaler, MinMaxScaler,
        MaxAbsScaler or RobustScaler. With it, faults before the scaler are undone before it.

    Returns
    -------
    diagnosis : Diagnosis
        The finding.

    Raises
    ------
    InputFaultError
        If X has other columns than the profile: their number, their names, or text where there were numbers.
    TypeError, ValueError
        If profile is no profile, or budget or drift no such number.

    Examples
    --------
    >>> import sklearn_normlock as nl
    >>> from sklearn.datasets import load_wine
    >>> data = load_wine(as_frame=True).data
    >>> profile = nl.Profile.from_data(data[::2])
    >>> nl.diagnose(profile, data[1::2]).alarm
    False
    >>> wrong = data[1::2].assign(proline=lambda d: d.proline * 1000)
    >>> nl.diagnose(profile, wrong).fault
    'unit_changed'
    """
    check_profile(profile)
    check_numbers(budget=budget, drift=drift)
    table = aligned(profile, as_table(X))
    line = None if scaler is None else _line(scaler, profile.n_features_in_)
    with np.errstate(over="ignore"):  # a batch may hold any number; what overflows is far out either way
        found = _Verdict(profile, table, budget, drift, line).diagnosis()
    found = replace(found, not_judged=tuple(profile.names[j] if profile.names else j for j in profile.growing))
    return _with_types(profile, table, found)


def _with_types(profile: Profile, table: Table, found: Diagnosis) -> Diagnosis:
    """Return the finding of the tests beside a change of types, which is certain."""
    certainly, compared = changed_types(profile, table)
    names: tuple[Any, ...] = profile.names or tuple(range(profile.n_features_in_))
    for fault, changed in certainly.items():
        columns = tuple(names[j] for j in changed)
        details = {**next(iter(changed.values())), "each": {str(names[j]): facts for j, facts in changed.items()}}
        if found.alarm and not (found.fault == "unknown" and set(found.columns) <= set(columns)):
            details = _beside(details, str(found.fault), list(map(str, found.columns)), found.details)
            details |= {key: found.details[key] for key in ("missing",) if key in found.details}
        found = replace(found, alarm=True, fault=fault, columns=columns, details=details, p_value=0.0)
    return replace(found, types={str(names[j]): both for j, both in compared.items()})


def _beside(details: dict[str, Any], fault: str, columns: list[str], more: dict[str, Any]) -> dict[str, Any]:
    """Return the details of a finding with those of another fault beside it."""
    if "besides" in details:
        return {**details, "besides": _beside(details["besides"], fault, columns, more)}
    return {**details, "besides": {"fault": fault, "columns": columns, **more}}


def _line(scaler: Any, d: int) -> tuple[Any, Any]:
    """Return centre and scale of a scaler that gives each column a slope and an offset."""
    ends = np.stack([np.zeros(d), np.ones(d)])
    try:
        low, high = np.asarray(scaler.inverse_transform(ends), dtype=float)
        middle = np.asarray(scaler.inverse_transform(np.full((1, d), 0.5)), dtype=float)[0]
    except (AttributeError, ValueError, TypeError) as error:
        raise InputFaultError(
            f"The scaler can't be undone on {d} columns ({type(error).__name__}: {error}).",
            remedy="Hand over the fitted scaler whose output the profile was learned on.",
        ) from None
    if np.any(np.abs((low + high) / 2 - middle) > 1e-6 * (1 + np.abs(middle))) or np.any(high == low):
        raise InputFaultError(
            "The scaler gives no column a slope and an offset alone.",
            remedy="Leave scaler out: only standard, min-max, max-abs and robust scalers can be undone so.",
        )
    return low, high - low


@dataclass
class _Passed:
    """A candidate that leaves nothing odd; the lower its score, the simpler and the better it fits."""

    candidate: Candidate
    score: float


class _Verdict:
    def __init__(self, profile: Profile, table: Table, budget: float, drift: float, scaler: Any) -> None:
        self.profile, self.budget, self.scaler = profile, budget, scaler
        self.reference = reference_of(profile, drift)
        self.n = table.shape[0]
        self.X, self.categories, self.requests = table.looked_at().numbers, table.categories, table.requests

    def diagnosis(self) -> Diagnosis:
        if not self.n:
            return Diagnosis(False, judged=False, details={"reason": "no rows"})
        empty = not self.categories and np.isnan(self.X).all()
        evidence = weigh(self.reference, self.X, self.categories, self.budget, self.requests)
        p_value = float(np.exp(evidence.log_p_value))
        if not evidence.alarm:
            if empty:
                return Diagnosis(False, n_rows=self.n, judged=False, details={"reason": "no value that is not missing"})
            if self._too_few():
                reason = f"too few rows, {self.profile.n_rows} of training and {self.n} here"
                return Diagnosis(False, n_rows=self.n, judged=False, details={"reason": reason})
            return Diagnosis(False, p_value=p_value, n_rows=self.n)
        fault, columns, details = self._named(evidence)
        gone = evidence.alarming("missing")
        if len(missing := gone[~np.isinf(self.X[:, gone]).any(axis=0)]):  # infinite ones are told as such
            details = {**details, "missing": self._shares_of_missing(missing)}
        named = tuple(self.profile.names[j] if self.profile.names else int(j) for j in columns)
        shown = columns if len(columns) else evidence.oddest()[:2]
        return Diagnosis(True, fault, named, details, p_value, self.n, medians=self._medians(shown))

    def _too_few(self) -> bool:
        """Tell whether even rows that lie far from all of training would not alarm."""
        if self.profile.n_rows >= C.rows_of_single_values:
            return False
        low, high = (ends[: self.X.shape[1]] for ends in (self.reference.low, self.reference.high))
        far = self.X + C.out_of_reach * (1 + np.abs(high) + high - low)
        new = {
            j: np.array([None if each is None else "\uffff" for each in values], object)
            for j, values in self.categories.items()
        }
        return not weigh(self.reference, far, new, self.budget, self.requests).alarm

    def _named(self, evidence: Evidence) -> tuple[str, Any, dict[str, Any]]:
        found = self._of_text(evidence)
        rest = replace(evidence, log_p={name: p for name, p in evidence.log_p.items() if name not in _APART})
        if rest.alarm or (np.isinf(self.X).any() and not self.profile.moments.infinite.any()):
            found = [self._of_numbers(evidence, rest), *found]
        if not found:
            return "unknown", evidence.flagged(), {**self._seen(evidence), "reason": MISSING}
        (fault, columns, details), *others = sorted(found, key=lambda each: each[0] == "unknown")
        for other, at, more in others:
            details = _beside(details, other, [self._key(j) for j in at], more)
        return fault, columns, details

    def _of_text(self, evidence: Evidence) -> list[tuple[str, Any, dict[str, Any]]]:
        """Return the columns of text that alarm by the change of spelling that was undone; unknown ones last."""
        found: dict[str, dict[int, dict[str, Any]]] = {}
        for j in map(int, evidence.alarming("categories")):
            learned, values = self.profile.categories[j], self.categories[j]
            tried = [
                (log_p_of_text(learned, undone, self.reference.drift), name, told)
                for name, undone, told in respelled(learned, values)
            ]
            log_p, name, told = max(tried, key=lambda each: each[0], default=(-np.inf, "", {}))
            if log_p < evidence.limit("categories"):
                name, told = "unknown", {**self._seen(evidence), **seen_of_text(learned, values)}
            found.setdefault(name, {})[j] = told
        return [
            (name, np.array([*of]), {**next(iter(of.values())), "each": {self._key(j): told for j, told in of.items()}})
            for name, of in found.items()
        ]

    def _of_numbers(self, evidence: Evidence, rest: Evidence) -> tuple[str, Any, dict[str, Any]]:
        infinite = np.isinf(self.X).any(axis=0)
        if infinite.any() and not self.profile.moments.infinite.any():
            return "unknown", np.flatnonzero(infinite), {"reason": "infinite values, of which training had none"}
        flagged = np.setdiff1d(evidence.flagged(), evidence.alarming("categories"))
        X = np.where(np.isfinite(self.X), self.X, np.nan)
        if not np.isnan(X).all():
            X = X[np.linspace(0, len(X) - 1, min(len(X), C.rows_undone)).astype(np.int64)]
            with np.errstate(all="ignore"):
                if found := self._explained(Case(self.reference, X, rest, self.budget, self.scaler)):
                    return self._told(found)
        return "unknown", flagged, self._seen(evidence)

    def _explained(self, case: Case) -> list[_Passed]:
        """Return the candidates that leave nothing odd, the simplest first; of none alone, two that do together."""
        candidates = sorted((c for fault in PROPOSERS for c in fault.propose(case)), key=lambda c: c.price(case.d))
        passed: list[_Passed] = []
        parts: list[Candidate] = []
        for candidate in candidates:
            if passed and candidate.price(case.d) > min(p.score for p in passed) + C.as_good:
                break
            found, part = self._tried(case, candidate)
            if found is not None:
                passed.append(found)
            elif part is not None and len(part.columns):
                parts.append(part)
        if not passed:
            passed = list(self._both(case, parts))
        return sorted(passed, key=lambda p: p.score)

    def _tried(self, case: Case, candidate: Candidate) -> tuple[_Passed | None, Candidate | None]:
        """Undo a candidate and test again; return it if it passes, and otherwise the part of it that does."""
        if (candidate.free or candidate.rounded) and len(candidate.undone) == case.n:
            undone = case.on_values(candidate.undone, candidate.columns)
            candidate = replace(candidate, undone=undone)
        after = case.weigh(candidate.undone, candidate.columns)
        if not after.alarm:
            # A scaler is exact, and leaves no room for a change of shape; an estimate must fit better still.
            misfit = case.misfit(candidate.undone, candidate.columns, not (candidate.free or candidate.rounded))
            if -misfit < (C.log_fit if candidate.free else C.log_drifted):
                return None, None
            return self._scored(case, candidate, after), None
        if candidate.whole or len(candidate.undone) != case.n:
            return None, None
        # Columns that are as odd as they were are not explained by it.
        kept = np.setdiff1d(candidate.columns, after.flagged())
        if not candidate.separable:
            return None, candidate if len(kept) == len(candidate.columns) else None
        kept = np.intersect1d(kept, case.odd)
        if not len(kept) or (candidate.free and -case.misfit(candidate.undone, kept) < C.log_fit):
            return None, None
        part = candidate.part(case.X, kept)
        return (None if len(kept) == len(candidate.columns) else self._tried(case, part)[0]), part

    def _scored(self, case: Case, candidate: Candidate, after: Evidence) -> _Passed | None:
        """Return a candidate with its score, unless no name is better: that costs nothing, and explains nothing."""
        price = candidate.price(case.d) - after.log_p_value
        score = price + case.unexplained(candidate.undone, candidate.columns)
        named = price < case.oddness(candidate.columns) and (score < case.untold or candidate.whole)
        return _Passed(candidate, score) if named else None

    def _both(self, case: Case, parts: list[Candidate]) -> Iterator[_Passed]:
        """Yield two simple faults on different columns that leave nothing odd together."""
        best: dict[tuple[int, ...], Candidate] = {}
        for part in parts:
            best.setdefault(tuple(map(int, part.columns)), part)
        likely = sorted(best.values(), key=lambda c: (-len(c.columns), c.price(case.d)))[: C.parts_together]
        for one, other in combinations(likely, 2):
            if len(np.intersect1d(one.columns, other.columns)):
                continue
            undone = replaced(one.undone, other.columns, other.undone[:, other.columns])
            columns = np.union1d(one.columns, other.columns)
            after, price = case.weigh(undone, columns), one.price(case.d) + other.price(case.d)
            if not after.alarm and price - after.log_p_value < case.oddness(columns):
                names = [self._key(j) for j in other.columns]
                details = {**one.details, "besides": {"fault": other.fault, "columns": names, **other.details}}
                yield _Passed(replace(one, undone=undone, details=details), price - after.log_p_value)

    def _told(self, passed: list[_Passed]) -> tuple[str, Any, dict[str, Any]]:
        best = passed[0].candidate
        equals = [p.candidate.fault for p in passed[1:] if p.score <= passed[0].score + C.as_good]
        also = [name for name in dict.fromkeys([*best.also, *equals]) if name != best.fault]
        details = dict(best.details)
        if best.each:
            told = [best.each[int(j)] for j in best.columns if int(j) in best.each]
            details = {**told[0], **details}
            if any(facts != told[0] for facts in told):
                details["each"] = {self._key(j): best.each[int(j)] for j in best.columns if int(j) in best.each}
        if also:
            details["also"] = also
        return best.fault, () if best.whole else best.columns, details

    def _seen(self, evidence: Evidence) -> dict[str, Any]:
        """Return what the tests saw of a batch that no fault explains."""
        return {"tests": evidence.tests}

    def _shares_of_missing(self, columns: Any) -> dict[str, Any]:
        seen, gone = missing_of(self.reference, self.X, self.categories)
        shares = zip(gone.mean(axis=0).tolist(), (seen / self.profile.n_rows).tolist(), strict=True)
        each = [{"share": share, "training": training} for share, training in shares]
        return {self._key(j): each[j] for j in columns}

    def _medians(self, columns: Any) -> dict[str, tuple[Any, Any]]:
        """Return of the first columns of finite numbers the median in training and in the batch; times as text."""
        columns = [j for j in map(int, columns) if j not in self.categories and self.reference.rows[j]]
        columns = [j for j in columns if not np.isinf(self.X[:, j]).any()][:2]
        both = zip(self.reference.middle[columns].tolist(), median(self.X[:, columns]).tolist(), strict=True)
        types = self.profile.types
        return {
            self._key(j): (shown_time(was, types[j]), shown_time(now, types[j]))
            for j, (was, now) in zip(columns, both, strict=True)
        }

    def _key(self, j: Any) -> str:
        return self.profile.names[j] if self.profile.names else str(j)


def check_profile(profile: Any) -> None:
    """Raise if it is no profile: the data itself, say."""
    if not isinstance(profile, Profile):
        raise TypeError(
            f"profile is of type {type(profile).__name__}; expected a Profile. Make one of the data of "
            "training with Profile.from_data(X), or of a document with Profile.from_dict(d)."
        )


def check_numbers(**numbers: Any) -> None:
    """Raise if a parameter of this name can't be this number, or is none."""
    for name, value in numbers.items():
        number = isinstance(value, Real) and not isinstance(value, bool)
        if name == "budget":
            what, holds = "a number between 0 and 1", number and 0 < value < 1
        elif name == "drift":
            what, holds = "a number of deviations, 0 or more", number and 0 <= value < float("inf")
        else:
            what, holds = "a whole number, 1 or more", number and isinstance(value, Integral) and not value < 1
        if not holds:
            raise (ValueError if number else TypeError)(f"{name} is {value!r}; it must be {what}.")
