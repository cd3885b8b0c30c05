"""The verdict: the tests decide whether a batch is at fault; undoing a fault and testing again decides which."""

from __future__ import annotations

from dataclasses import replace
from numbers import Integral, Real
from typing import Any

import numpy as np

from ..errors import InputFaultError
from .calibration import CALIBRATION as C
from .data.tables import Table, aligned, as_table, shown_time
from .faults import FAULTS, MISSING, Candidate, Case, changed_types, respelled, seen_of_text
from .profile import Profile
from .profiles.statistics import quantiles
from .reports import Diagnosis
from .tests import Evidence, weigh
from .tests.columns import missing_of
from .tests.reference import reference_of
from .tests.values import log_p_of_text

__all__ = ["diagnose"]


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
        return _Verdict(profile, table, budget, drift, line).diagnosis()


def _line(scaler: Any, d: int) -> tuple[Any, Any]:
    """Return centre and scale of a scaler that gives each column a slope and an offset."""
    why = "it gives a column more than a slope and an offset"
    try:
        points = np.repeat([[0.0], [0.5], [1.0]], d, axis=1)
        low, middle, high = np.asarray(scaler.inverse_transform(points), dtype=float)
        if np.allclose((low + high) / 2, middle, C.exact, C.exact) and np.all(high != low):
            return low, high - low
    except (AttributeError, ValueError, TypeError) as error:
        why = f"{type(error).__name__}: {error}"
    raise InputFaultError(
        f"The scaler can't be undone on {d} columns: {why}.",
        remedy="Hand over the fitted standard, min-max, max-abs or robust scaler that the profile is behind of.",
    )


#: A name, the columns that it is told of, the facts of each, and those of all together.
Finding = tuple[str, Any, dict[int, dict[str, Any]], dict[str, Any]]


class _Verdict:
    def __init__(self, profile: Profile, table: Table, budget: float, drift: float, scaler: Any) -> None:
        self.profile, self.table, self.budget, self.scaler = profile, table, budget, scaler
        self.reference = reference_of(profile, drift)
        self.names: Any = profile.names or range(profile.n_features_in_)
        self.X, self.categories = table.looked_at().numbers, table.categories

    def diagnosis(self) -> Diagnosis:
        certainly, compared = changed_types(self.profile, self.table)
        types = {self._key(j): both for j, both in compared.items()}
        growing = tuple(self.names[j] for j in self.profile.growing)
        found = Diagnosis(False, n_rows=self.table.shape[0], types=types, not_judged=growing)
        if not found.n_rows:
            return replace(found, judged=False, details={"reason": "no rows"})
        evidence = self._weighed(self.X, self.categories)
        found = replace(found, p_value=0.0 if certainly else float(np.exp(evidence.log_p_value)))
        findings: list[Finding] = [(fault, np.array([*each]), each, {}) for fault, each in certainly.items()]
        findings += self._findings(evidence) if evidence.alarm else []
        if not findings:
            reason = self._why_not_judged()
            return replace(found, p_value=1.0, judged=False, details={"reason": reason}) if reason else found
        fault, columns, details = self._together(findings)
        gone = evidence.alarming("missing")
        if len(gone := gone[~np.isinf(self.X[:, gone]).any(axis=0)]):  # infinite ones are told as such
            seen, now = missing_of(self.reference, self.X, self.categories)
            both = np.stack([now.mean(axis=0), seen / self.profile.n_rows], axis=1)[gone].tolist()
            shares = [dict(zip(("share", "training"), each, strict=True)) for each in both]
            details = {**details, "missing": dict(zip(map(self._key, gone), shares, strict=True))}
        odd = evidence.by_column()
        oddest = np.argsort(odd)[: int((odd < 0).sum())]
        medians = self._medians(columns if len(columns) else oddest)
        concerned = tuple(self.names[j] for j in columns)
        return replace(found, alarm=True, fault=fault, columns=concerned, details=details, medians=medians)

    def _weighed(self, X: Any, text: dict[int, Any]) -> Evidence:
        return weigh(self.reference, X, text, self.budget, self.table.requests)

    def _why_not_judged(self) -> str:
        """Return why nothing can be told: no value, or even rows that lie far from all of training would not alarm."""
        if not self.categories and np.isnan(self.X).all():
            return "no value that is not missing"
        if self.profile.n_rows < C.rows_of_single_values:
            low, high = (ends[: self.X.shape[1]] for ends in (self.reference.low, self.reference.high))
            far = self.X + C.out_of_reach * (1 + np.abs(high) + high - low)
            new = {j: np.array([text and "\uffff" for text in texts], object) for j, texts in self.categories.items()}
            if not self._weighed(far, new).alarm:
                return f"too few rows, {self.profile.n_rows} of training and {self.table.shape[0]} here"
        return ""

    def _together(self, findings: list[Finding]) -> tuple[str, Any, dict[str, Any]]:
        """Return the first of several findings, with the others beside it; unknown ones come last."""
        (fault, columns, each, details), *others = sorted(findings, key=lambda found: found[0] == "unknown")
        told = {self._key(j): each[j] for j in map(int, columns) if j in each}
        facts = list(told.values())
        details = {**(facts[0] if facts else {}), **details}
        if any(some != facts[0] for some in facts):
            details["each"] = told
        if others and not (others[0][0] == "unknown" and set(others[0][1]) <= set(columns)):
            second, at, more = self._together(others)
            details["besides"] = {"fault": second, "columns": [self._key(j) for j in at], **more}
        return fault, columns, details

    def _findings(self, evidence: Evidence) -> list[Finding]:
        rest = self._weighed(self.X, {})  # nothing that is done to numbers undoes text or missing values
        rest.spare_missing()
        infinite = np.flatnonzero(np.isinf(self.X).any(axis=0))
        found: list[Finding] = []
        if len(infinite) and not self.profile.moments.infinite.any():
            found = [("unknown", infinite, {}, {"reason": "infinite values, of which training had none"})]
        elif rest.alarm:
            found = self._of_numbers(evidence, rest)
        found += self._of_text(evidence)
        return found or [("unknown", evidence.flagged(), {}, {"tests": evidence.tests, "reason": MISSING})]

    def _of_text(self, evidence: Evidence) -> list[Finding]:
        """Return the columns of text that alarm by the change of spelling that was undone."""
        found: dict[str, dict[int, dict[str, Any]]] = {}
        for j in map(int, evidence.alarming("categories")):
            learned, values = self.profile.categories[j], self.categories[j]
            name, told = "unknown", {"tests": evidence.tests, **seen_of_text(learned, values)}
            best = np.nextafter(evidence.limit("categories"), -np.inf)
            for spelling, undone, facts in respelled(learned, values):
                if (log_p := log_p_of_text(learned, undone, self.reference.drift)) > best:
                    best, name, told = log_p, spelling, facts
            found.setdefault(name, {})[j] = told
        return [(name, np.array([*each]), each, {}) for name, each in found.items()]

    def _of_numbers(self, evidence: Evidence, rest: Evidence) -> list[Finding]:
        X = np.where(np.isfinite(self.X), self.X, np.nan)
        X = X[np.linspace(0, len(X) - 1, min(len(X), C.most_rows)).astype(np.int64)]
        with np.errstate(all="ignore"):
            passed = [] if np.isnan(X).all() else explained(Case(self.reference, X, rest, self.budget, self.scaler))
        if not passed:
            columns = np.setdiff1d(evidence.flagged(), evidence.alarming("categories"))
            return [("unknown", columns, {}, {"tests": evidence.tests})]
        least, best = passed[0]
        equals = [candidate.fault for score, candidate in passed if score <= least + C.as_good]
        also = [name for name in dict.fromkeys([*best.also, *equals]) if name != best.fault]
        told = {**best.details, **({"also": also} if also else {})}
        second = [(c.fault, c.columns, c.each, c.details) for c in [best.besides] if c]
        return [(best.fault, () if best.whole else best.columns, best.each, told), *second]

    def _medians(self, columns: Any) -> dict[str, tuple[Any, Any]]:
        """Return of the first columns of finite numbers the median in training and in the batch; times as text."""
        columns = [j for j in map(int, columns) if j not in self.categories and self.reference.rows[j]]
        columns = [j for j in columns if not np.isinf(self.X[:, j]).any()][:2]
        both = zip(self.reference.middle[columns].tolist(), quantiles(self.X[:, columns], 0.5).tolist(), strict=True)
        return {
            self._key(j): (shown_time(was, self.profile.types[j]), shown_time(now, self.profile.types[j]))
            for j, (was, now) in zip(columns, both, strict=True)
            if now == now  # not NaN, as of a column of which every value is missing
        }

    def _key(self, j: Any) -> str:
        return str(self.names[j])


def explained(case: Case, alone: bool = False) -> list[tuple[float, Candidate]]:
    """Return the candidates that leave nothing odd, each behind its score: the simpler and the nearer, the lower.

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
    both: list[tuple[float, Candidate]] = []
    parts = [] if passed or alone else sorted(parts, key=lambda c: (-len(c.columns), c.price(case.d)))
    for part in parts[: C.parts_together]:
        rest = Case(case.reference, part.undone, case.weigh(part.undone, part.columns), case.budget, case.scaler)
        for _, other in explained(rest, alone=True):
            if not other.whole and not len(np.intersect1d(other.columns, part.columns)):
                price = part.price(case.d) + other.price(case.d)
                both.append((price + case.unexplained(other.undone), replace(part, besides=other)))
    return sorted(passed or both, key=lambda found: found[0])[: None if passed else 1]


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
    price = candidate.price(case.d) - after.log_p_value
    score = price + case.unexplained(candidate.undone)
    named = price < case.oddness(candidate.columns) and (score < case.untold or candidate.whole)
    return [(score, candidate)] if named and case.fits(candidate.undone, candidate.columns, fitted) else []


def check_profile(profile: Any) -> None:
    """Raise if it is no profile: the data itself, say."""
    if not isinstance(profile, Profile):
        raise TypeError(
            f"profile is of type {type(profile).__name__}; expected a Profile. Make one with Profile.from_data(X)."
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
