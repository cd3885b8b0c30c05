"""The verdict: the tests decide whether a batch is at fault; undoing a fault and testing again decides which."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from numbers import Integral, Real
from operator import itemgetter
from typing import Any

import numpy as np

from ..errors import InputFaultError
from .calibration import CALIBRATION as C
from .data.tables import Table, aligned, as_table, shown_time
from .faults import FAULTS, MISSING, Candidate, Case, changed_types, explained_text
from .profile import Profile
from .profiles.statistics import quantiles
from .reports import Diagnosis
from .tests import Evidence, weigh
from .tests.columns import missing_of
from .tests.reference import Batch, reference_of

__all__ = ["diagnose"]


def diagnose(profile: Profile, X: Any, *, budget: float = 1e-3, drift: float = 0.3, scaler: Any = None) -> Diagnosis:
    """Tell whether a batch differs from what a profile was learned on, and what happened to it.

    Parameters
    ----------
    profile : Profile
        What the pipeline was fitted on.
    X : array-like, sparse matrix or data frame of shape (n_rows, n_columns)
        The batch; one row is enough, more tell more. A sparse matrix of many rows is judged by an even sample.
    budget : float, default=1e-3
        The probability of a false alarm that is allowed for a batch.
    drift : float, default=0.3
        How far the mean of each column may have moved, in its standard deviations, without being a fault.
    scaler : estimator, default=None
        The fitted standard, min-max, max-abs or robust scaler whose output the profile was learned on, if it was. With
        it, faults before the scaler are undone before it.

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
    >>> X = load_wine().data
    >>> profile = nl.Profile.from_data(X[::2])
    >>> nl.diagnose(profile, X[1::2]).alarm
    False
    >>> nl.diagnose(profile, 1000 * X[1::2]).fault
    'unit_changed'
    """
    check_profile(profile)
    check_numbers(budget=budget, drift=drift)
    table = aligned(profile, as_table(X))
    line = None if scaler is None else _line(scaler, profile.n_features_in_)
    with np.errstate(over="ignore"):  # a batch may hold any number; what overflows is far out either way
        return _Verdict(profile, table, budget, drift, line).diagnosis()


def _line(scaler: Any, d: int) -> tuple[Any, Any]:
    """Return centre and scale of a scaler that gives each column a slope and an offset."""
    try:
        low, middle, high = np.asarray(scaler.inverse_transform(np.tile([[0.0], [0.5], [1.0]], d)), dtype=float)
        if not np.allclose((low + high) / 2, middle, C.exact, C.exact) or (high == low).any():
            raise ValueError("it gives a column more than a slope and an offset")
    except (AttributeError, ValueError, TypeError) as error:
        remedy = "Hand over the fitted standard, min-max, max-abs or robust scaler that the profile is behind of."
        raise InputFaultError(f"The scaler can't be undone on {d} columns: {error}.", remedy=remedy) from None
    return low, high - low


class _Verdict:
    def __init__(self, profile: Profile, table: Table, budget: float, drift: float, scaler: Any) -> None:
        self.profile, self.table, self.budget, self.scaler = profile, table, budget, scaler
        self.reference = reference_of(profile, drift)
        self.names: Any = profile.names or range(profile.n_features_in_)
        self.X, self.categories = table.looked_at().numbers, table.categories
        self.weighed = partial(weigh, self.reference, budget=budget, requests=table.requests)
        self.infinite = np.flatnonzero(np.isinf(self.X).any(axis=0)).tolist()

    def diagnosis(self) -> Diagnosis:
        certainly, compared = changed_types(self.profile, self.table)
        types = {str(self.names[j]): both for j, both in compared.items()}
        growing = tuple(self.names[j] for j in self.profile.growing)
        found = Diagnosis(False, n_rows=self.table.shape[0], types=types, not_judged=growing)
        if not found.n_rows:
            return replace(found, judged=False, details={"reason": "no rows"})
        evidence = self.weighed(self.X, self.categories)
        found = replace(found, p_value=0.0 if certainly else float(np.exp(evidence.log_p_value)))
        findings = [Candidate(fault, np.array([*each]), None, each=each) for fault, each in certainly.items()]
        findings += self._findings(evidence) if evidence.alarm else []
        if not findings:
            reason = self._why_not_judged()
            return replace(found, p_value=1.0, judged=False, details={"reason": reason}) if reason else found
        fault, columns, details = self._together(findings, evidence.tests)
        if gone := [j for j in evidence.alarming("missing").tolist() if j not in self.infinite]:
            seen, now = missing_of(self.reference, self.X, self.categories)
            shares = {"share": now.mean(axis=0), "training": seen / self.profile.n_rows}
            details["missing"] = {str(self.names[j]): {name: float(of[j]) for name, of in shares.items()} for j in gone}
        odd = evidence.by_column()
        medians = self._medians(columns or [j for j in np.argsort(odd).tolist() if odd[j] < 0])
        concerned = tuple(self.names[j] for j in columns)
        return replace(found, alarm=True, fault=fault, columns=concerned, details=details, medians=medians)

    def _why_not_judged(self) -> str:
        """Return why nothing can be told: no value, or even rows that lie far from all of training would not alarm."""
        if not self.categories and np.isnan(self.X).all():
            return "no value that is not missing"
        if self.profile.n_rows < C.rows_of_single_values:
            low, high = (ends[: self.X.shape[1]] for ends in (self.reference.low, self.reference.high))
            far = self.X + C.out_of_reach * (1 + np.abs(high) + high - low)  # steps stay steps
            new = {j: np.array([text and "\uffff" for text in texts], object) for j, texts in self.categories.items()}
            if not self.weighed(far, new).alarm:
                return f"too few rows, {self.profile.n_rows} of training and {self.table.shape[0]} here"
        return ""

    def _together(self, findings: list[Candidate], tests: list[str]) -> tuple[str, list[int], dict[str, Any]]:
        """Return name, columns and facts of the first of several findings, the others among them; unknown come last."""
        first, *others = sorted(findings, key=lambda found: found.fault == "unknown")
        columns = [] if first.whole else first.columns.tolist()
        facts = [*first.each.values()]
        details = (facts[0] if facts else {}) | first.details
        if first.fault == "unknown":
            details["tests"] = tests
        if any(some != facts[0] for some in facts):
            details["each"] = {str(self.names[j]): some for j, some in first.each.items()}
        if others and not (others[0].fault == "unknown" and {*others[0].columns} <= {*columns}):
            second, at, more = self._together(others, tests)
            details["besides"] = {"fault": second, "columns": [str(self.names[j]) for j in at], **more}
        return first.fault, columns, details

    def _findings(self, evidence: Evidence) -> list[Candidate]:
        rest = self.weighed(self.X, {})  # nothing that is done to numbers undoes text or missing values
        rest.spare_missing()
        text = evidence.alarming("categories")
        found: list[Candidate] = []
        if self.infinite and not self.profile.moments.infinite.any():
            reason = {"reason": "infinite values, of which training had none"}
            found = [Candidate("unknown", np.array(self.infinite), None, details=reason)]
        elif rest.alarm:
            with np.errstate(all="ignore"):
                X = Batch(self.reference, self.X, {}).X
                best = explained(Case(self.reference, X, rest, self.budget, self.scaler))
            best = best or Candidate("unknown", np.setdiff1d(evidence.flagged(), text), None)
            found = [each for each in (best, best.besides) if each]
        spelled: dict[str, dict[int, Any]] = {}
        for j in text.tolist():
            column, limit = self.categories[j], evidence.limit("categories")
            fault, facts = explained_text(self.profile.categories[j], column, self.reference.drift, limit)
            spelled.setdefault(fault, {})[j] = facts
        found += [Candidate(fault, np.array([*each]), None, each=each) for fault, each in spelled.items()]
        return found or [Candidate("unknown", evidence.flagged(), None, details={"reason": MISSING})]

    def _medians(self, columns: list[int]) -> dict[str, tuple[Any, Any]]:
        """Return of the first columns of finite numbers the median in training and in the batch; times as text."""
        columns = [j for j in columns if j not in self.infinite and not np.isnan(self.X[:, j]).all()][:2]
        both = zip(self.reference.middle[columns].tolist(), quantiles(self.X[:, columns], 0.5).tolist(), strict=True)
        types = self.profile.types
        return {
            str(self.names[j]): (shown_time(was, types[j]), shown_time(now, types[j]))
            for j, (was, now) in zip(columns, both, strict=True)
        }


def explained(case: Case, alone: bool = False) -> Candidate | None:
    """Return the candidate that leaves nothing odd, the simplest and nearest of several, with the names of its equals.

    If none does so by itself, two together may, unless a fault must stand ``alone``: what one explains is undone, and
    the rest is looked at anew.
    """
    candidates = sorted((c for fault in FAULTS.values() for c in fault.propose(case)), key=lambda c: c.price(case.d))
    passed: list[tuple[float, Candidate]] = []
    parts: list[Candidate] = []
    for candidate in candidates:
        if passed and candidate.price(case.d) > min(score for score, _ in passed) + C.as_good:
            break
        passed += _tried(case, candidate, parts)
    if passed:
        passed.sort(key=itemgetter(0))
        least, best = passed[0]
        equals = [candidate.fault for score, candidate in passed if score <= least + C.as_good]
        also = [name for name in dict.fromkeys([*best.also, *equals]) if name != best.fault]
        return replace(best, details={**best.details, "also": also}) if also else best
    pairs: list[tuple[float, Candidate]] = []
    parts.sort(key=lambda c: (-len(c.columns), c.price(case.d)))
    for part in parts[: 0 if alone else C.parts_together]:
        rest = Case(case.reference, part.undone, case.weigh(part.undone, part.columns), case.budget, case.scaler)
        other = explained(rest, alone=True)
        if other and not len(np.intersect1d(other.columns, part.columns)):
            price = part.price(case.d) + other.price(case.d)
            pairs.append((price + case.unexplained(other.undone), replace(part, besides=other)))
    return min(pairs, key=itemgetter(0))[1] if pairs else None


def _tried(case: Case, candidate: Candidate, parts: list[Candidate]) -> list[tuple[float, Candidate]]:
    """Undo a candidate and test again; return it behind its score if it passes, or else the part of it that does.

    ``parts`` takes in the parts that leave their own columns with nothing odd, but not the batch.
    """
    if np.isinf(candidate.undone).any() or (candidate.free and case.n < 3):
        return []  # it overflowed, or one or two rows fit any estimate
    if candidate.free or candidate.whole:
        candidate = replace(candidate, undone=case.on_values(candidate.undone, candidate.columns))
    after = case.weigh(candidate.undone, candidate.columns, candidate.drawn)
    # An estimate must fit better than a known number, which leaves room for a drift.
    fitted = candidate.free or not candidate.separable
    if after.alarm:
        # Columns that are as odd as they were are not explained by it.
        kept = np.intersect1d(np.setdiff1d(candidate.columns, after.flagged()), case.odd)
        if candidate.whole or not candidate.separable or not len(kept) or not case.fits(candidate.undone, kept, fitted):
            return []
        part = candidate.part(case.X, kept)
        parts.append(part)
        return _tried(case, part, parts) if len(kept) < len(candidate.columns) else []
    # No name is better if it costs more than what it explains, or than to tell the distributions in its place.
    price, left = candidate.price(case.d) - after.log_p_value, case.unexplained(candidate.undone)
    explained, score = max(case.oddness(candidate.columns), case.unlike - left), price + left
    named = price < explained and (score < case.untold or candidate.whole)
    return [(score, candidate)] if named and case.fits(candidate.undone, candidate.columns, fitted) else []


def check_profile(profile: Any) -> None:
    """Raise if it is no profile: the data itself, say."""
    if not isinstance(profile, Profile):
        said = f"profile is of type {type(profile).__name__}; expected a Profile. Make one with Profile.from_data(X)."
        raise TypeError(said)


def check_numbers(**numbers: Any) -> None:
    """Raise if a parameter of this name can't be this number, or is none."""
    for name, value in numbers.items():
        number = isinstance(value, Real) and not isinstance(value, bool)
        what, holds = "a whole number, 1 or more", number and isinstance(value, Integral) and not value < 1
        if name == "budget":
            what, holds = "a number between 0 and 1", number and 0 < value < 1
        elif name == "drift":
            what, holds = "a number of deviations, 0 or more", number and 0 <= value < float("inf")
        if not holds:
            raise (ValueError if number else TypeError)(f"{name} is {value!r}; it must be {what}.")
