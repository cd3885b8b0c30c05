"""The verdict: whether the batch is at fault, and what happened to it."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import numpy as np

from .copies import copies
from .data.tables import Table, aligned, as_table
from .faults.words import MISSING, OFF_STEPS
from .hypotheses import Hypothesis, Search
from .likelihood import Likelihood
from .permutations import exchanged, permutations, swaps, traded
from .profiles.parameters import check_numbers, check_profile
from .profiles.profile import Profile
from .profiles.statistics import median
from .repeats import REPEATED, repeats
from .reports.finding import Diagnosis
from .side import Side
from .signs import flips
from .singles import singles
from .stepped import by_steps
from .tests.evidence import Evidence, missing_of, weigh
from .tests.exact import standardised_by
from .tests.norms import NormVerdict, norm_fault
from .tests.reference import Reference
from .tests.values import new_values

__all__ = ["diagnose"]

#: A hypothesis must beat an unchanged batch by this much (a log-likelihood) to give its name.
_LEAST = 3.0
#: Hypotheses whose undoing is tested anew, and the tests that an undoing must pass.
_LOOKED_AT, _OF_A_NAME = 12, 3
#: Columns of which the medians are told.
_COMPARED = 2
_OF_DISTRIBUTION = ("location", "tails", "narrow", "ties", "dependence")
#: What, once undone, gives the very numbers of training back; behind a scaler an order before it does not.
_EXACT, _ORDERS = ("log_extra", "log_missing", *REPEATED), ("columns_swapped", "columns_reordered")
#: Of an order of many columns, so many may have been taken for their neighbours.
_ASTRAY = 0.2
#: Rounding does not move a column as far as this (a log-likelihood).
_DISPLACED = 10.0
#: A unit that explains a batch as well as the best but for this (a log-likelihood) is told, too.
_AS_WELL = 4.0
#: And a name that explains this much of what `unknown` does is the better answer, if nothing odd is left.
_ABOUT_AS_GOOD = 0.9
#: How sure of a name one can be that has another for the same numbers, if it is the likelier one.
_LIKELIER = 0.7
#: Names for the same numbers: seen from the profile, they can't be told apart.
_SAME = {
    ("double_normalised", "raw"): ("standardised_after",),
    ("other_scaler", "minmax"): ("standardised_after",),
    ("other_scaler", "maxabs"): ("standardised_after",),
    ("other_scaler", "robust"): ("standardised_after",),
}


def diagnose(profile: Profile, X: Any, *, budget: float = 1e-3, drift: float = 0.3) -> Diagnosis:
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
    with np.errstate(over="ignore"):  # a batch may hold any number; what overflows is far out either way
        return _Case(profile, table, budget, drift).verdict()


class _Case:
    def __init__(self, profile: Profile, table: Table, budget: float, drift: float) -> None:
        self.profile, self.budget = profile, budget
        self.reference = profile.reference(drift)
        self.n = table.shape[0]
        self.X, self.categories = table.looked_at().numbers, table.categories

    def verdict(self) -> Diagnosis:
        if not self.n:
            return Diagnosis(False, judged=False, details={"reason": "no rows"})
        empty = not self.categories and np.isnan(self.X).all()
        evidence = weigh(self.reference, self.X, self.categories, self.budget)
        log_p = evidence.log_p_value
        if log_p >= evidence.log_budget and not empty:
            self._ask(evidence, leans=log_p < 0)
            log_p = evidence.log_p_value
        p_value = float(np.exp(log_p))
        if log_p >= evidence.log_budget:
            if empty:
                return Diagnosis(False, n_rows=self.n, judged=False, details={"reason": "no value that is not missing"})
            return Diagnosis(False, p_value=p_value, n_rows=self.n)
        fault, columns, details, confidence = self._named(evidence)
        if len(missing := self._missing(evidence)):
            seen, gone = missing_of(self.reference, self.X, self.categories)
            shares = zip(gone.mean(axis=0).tolist(), (seen / self.profile.n_rows).tolist(), strict=True)
            of_each = [{"share": share, "training": training} for share, training in shares]
            details = {**details, "missing": {self._key(j): of_each[j] for j in missing}}
        named = tuple(self.profile.names[j] if self.profile.names else int(j) for j in columns)
        medians = self._medians(columns if len(columns) else evidence.excess(_OF_DISTRIBUTION).argsort()[-1:])
        return Diagnosis(True, fault, named, details, confidence, p_value, self.n, medians=medians)

    def _medians(self, columns: Any) -> dict[str, tuple[float, float]]:
        """Return of the first columns of numbers the median in training and in the batch."""
        columns = [j for j in map(int, columns) if j not in self.categories and self.reference.rows[j]][:_COMPARED]
        both = zip(self.reference.middle[columns], median(self.X[:, columns]), strict=True)
        return {self._key(j): (float(was), float(now)) for j, (was, now) in zip(columns, both, strict=True)}

    def _named(self, evidence: Evidence) -> tuple[str, Any, dict[str, Any], float]:
        everywhere: Any = ()
        infinite = np.isinf(self.X).any(axis=0)
        if infinite.any() and not self.profile.moments.infinite.any():
            return "unknown", np.flatnonzero(infinite), {"reason": "infinite values, of which training had none"}, 1.0
        X = np.where(np.isfinite(self.X), self.X, np.nan)
        missing = self._missing(evidence)
        if len(missing) and not len(_without(evidence, "missing").flagged()):
            return "unknown", missing, {"reason": MISSING}, 1.0
        if np.isnan(X).all():
            return "unknown", evidence.flagged(), self._odd(evidence), 1.0
        scaler, log_p = standardised_by(self.reference, X)
        if scaler and log_p < -10:
            alone = {"reason": "or a row of zeros is empty"} if self.n == 1 else {}
            return "batch_standardised", everywhere, {"scaler": scaler, **alone}, 1.0
        complete = not np.isnan(X).any()
        norm = norm_fault(self.reference, Side(self.reference), X, self._rejected) if complete else None
        # A constant put into unit vectors spoils their length, but it is not their length that is at fault.
        repeated = len(evidence.alarming("ties")) and norm is not None and norm.fault in ("mixed_norms", "l2_missing")
        if norm is not None and not repeated:
            return self._of_norm(norm)
        return self._searched(X, evidence)

    def _missing(self, evidence: Evidence) -> Any:
        """Return the columns of which far more values are missing than were in training, or far fewer."""
        if "missing" not in evidence.log_p:
            return np.zeros(0, np.int64)
        log_p = evidence.log_p["missing"].reshape(4, -1)[:2]  # the others are about infinite values
        return np.flatnonzero(log_p.min(axis=0) < evidence.limit("missing"))

    def _key(self, j: Any) -> str:
        return self.profile.names[j] if self.profile.names else str(j)

    def _rejected(self, X: Any) -> bool:
        return weigh(self.reference, X, {}, self.budget / 10).alarm

    def _of_norm(self, norm: NormVerdict) -> tuple[str, Any, dict[str, Any], float]:
        return norm.fault, (), norm.details, 1.0

    def _ask(self, evidence: Evidence, leans: bool) -> None:
        """Ask of a batch that no test has found odd whether it is one of those that a known change makes.

        Columns negated, in another's place, in another unit, through a logarithm; another scaler of training's. A
        likelihood ratio exceeds 1/p with probability p at most (Markov's inequality); what is chosen here, which
        columns and behind a scaler about which middle, is paid for, and drift is the denominator's.
        """
        if "directed" not in evidence.log_p:
            return
        if not leans and not self.reference.density.suspects(self.X).any():
            return
        X = np.where(np.isfinite(self.X), self.X, np.nan)
        search = apart = self._search(self.reference, X, evidence, drifted=True)
        if self.reference.singles is not self.reference:
            apart = self._search(self.reference.singles, singles(self.reference, X), evidence, drifted=True)
            apart.company = search.company
        with np.errstate(all="ignore"):
            of_all = [*search.scalers(), *flips(search)]
            of_singles = [*swaps(apart), *apart.units(), *apart.logs(), apart.replaced()]
            found = [*self._told(of_all, search, evidence), *self._told(of_singles, apart, evidence)]
        if found:
            evidence.log_p["directed"] = np.array([-max(h.score / self._alike(h.columns) for h in found)])

    def _told(self, asked: list[Hypothesis], search: Search, evidence: Evidence) -> list[Hypothesis]:
        for h in asked:  # which of many columns it is must be paid for, or by chance it is always some
            h.any_number = not h.whole
            h.price = h.price if h.whole else max(h.price, float(np.log(search.fit.columns)))
        told = [h for h in asked if -h.score < evidence.limit("directed")]
        return self._explaining(sorted(told, key=lambda h: -h.score), search)

    def _alike(self, columns: Any) -> float:
        """Return for how many columns one of some stands: what columns that go together tell is told once."""
        dependence = self.reference.profile.dependence
        if dependence is None or len(columns) < 2:
            return float(max(len(columns), 1))
        return float((dependence.correlation(columns) ** 2).sum() / len(columns))

    def _search(self, reference: Reference, X: Any, evidence: Evidence, drifted: bool = False) -> Search:
        with np.errstate(all="ignore"):
            moved = evidence.excess(("location", "tails", "narrow")) > 0
            displaced = evidence.excess(("location", "tails")) > _DISPLACED
            fit, side = Likelihood(reference, X), Side(self.reference)
            return Search(fit, side, evidence.flagged(), moved, displaced, drifted)

    def _searched(self, X: Any, evidence: Evidence) -> tuple[str, Any, dict[str, Any], float]:
        flagged, search = evidence.flagged(), self._search(self.reference, X, evidence)
        with np.errstate(all="ignore"):
            displaced = np.union1d(flagged, evidence.leaning("dependence"))
            found = [*search.all(), *repeats(search), *flips(search), *permutations(search, displaced)]
            found += [*copies(search, flagged), *traded(search), *by_steps(search), *exchanged(search)]
        found = sorted((h for h in found if h.score > _LEAST and len(h.columns)), key=lambda h: -h.score)
        found = _named_first(self._explaining(found, search))
        if not found:
            return "unknown", flagged, self._odd(evidence), 0.5
        best = found[0]
        details = {**self._details_of(best), **_other_units(found)}
        sure = _confidence(found)
        return best.fault, self._columns_of(best), details, min(sure, _LIKELIER) if "also" in details else sure

    def _explaining(self, found: list[Hypothesis], search: Search) -> list[Hypothesis]:
        """Return those of the best that explain more than they leave open, less what they leave, the best first."""
        seen: Counter[str] = Counter()
        kept: list[Hypothesis] = []
        for h in found:
            seen[h.fault] += 1
            if seen[h.fault] > _OF_A_NAME or len(kept) == _LOOKED_AT:
                continue
            restored = h.restored(search.X)
            evidence = weigh(search.fit.reference, search.fit.on_values(restored), {}, self.budget)
            odd = evidence.excess(_OF_DISTRIBUTION)
            # (Among values that were made single by a little, none is one of training's.)
            if "values" in evidence.log_p and search.fit.reference is self.reference:
                exact = h.fault in _EXACT or (h.fault in _ORDERS and not search.side.scaled)
                new = np.maximum(evidence.limit("values") - new_values(self.reference, restored), 0.0)
                if exact and (new[h.columns] > 0).mean() > _ASTRAY:
                    continue
                new[h.columns] = 0.0
                odd += new  # columns that it does not explain
            kept.append(h)
            if h.fault == "quantised":  # steps that are fine stay as they are
                odd[h.columns] = evidence.excess(("location", "tails", "dependence"))[h.columns]
            elif h.fault in REPEATED:  # what is left of a cut column is narrow, and goes together with less
                odd[h.columns] = evidence.excess(("ties", "tails"))[h.columns]
            h.left = float(odd.sum())
        return sorted((h for h in kept if h.score > _LEAST), key=lambda h: -h.score)

    def _columns_of(self, best: Hypothesis) -> Any:
        return () if best.whole and best.touched is None else best.columns

    def _details_of(self, best: Hypothesis) -> dict[str, Any]:
        details = dict(best.details)
        if details.get("scaler") == "standard" and (also := _SAME.get((best.fault, Side(self.reference).kind))):
            details["also"] = list(also)
        shown = [best.of_columns[int(j)] for j in best.columns if int(j) in best.of_columns]
        if shown:
            # Of the column that says most; the others follow one by one.
            first = best.of_columns[max(best.of_columns, key=lambda j: best.gain[j])]
            details = {**first, **details}
            if any(facts != first for facts in shown):
                details["each"] = {
                    self._key(j): best.of_columns[int(j)] for j in best.columns if int(j) in best.of_columns
                }
        return details

    def _odd(self, evidence: Evidence) -> dict[str, Any]:
        tests = sorted(test for test in evidence.log_p if (evidence.log_p[test] < evidence.limit(test)).any())
        steps = {self._key(j): {"step": float(self.profile.steps[1, j])} for j in evidence.flagged()}
        if tests == ["values"] and all(of["step"] for of in steps.values()):
            return {"tests": tests, "reason": OFF_STEPS, "each": steps}
        return {"tests": tests}


def _without(evidence: Evidence, test: str) -> Evidence:
    return replace(evidence, log_p={name: p for name, p in evidence.log_p.items() if name != test})


def _named_first(found: list[Hypothesis]) -> list[Hypothesis]:
    """Return them without `unknown`, if that is best though a name leaves nothing odd.

    A slope and an offset of its own for each column can be about as good as any name.
    """
    if not found or found[0].fault != "unknown":
        return found
    least = 0.0 if found[0].left else _ABOUT_AS_GOOD * found[0].score
    best = next((h for h in found if h.fault != "unknown" and not h.left and h.score > least), None)
    return found if best is None else [best, *(h for h in found if h is not best and h.fault != "unknown")]


def _other_units(found: list[Hypothesis]) -> dict[str, Any]:
    """Return the units that explain the same columns about as well as the best does, if that is one."""
    best = found[0]
    near = [h for h in found if h.fault == "unit_changed" and h.score > best.score - _AS_WELL]
    alike = [h.details for h in near if np.array_equal(h.columns, best.columns)]
    if best.fault != "unit_changed" or len(alike) < 2:
        return {}
    return {"unit": " or ".join(details["unit"] for details in alike), "or": alike[1:]}


def _confidence(found: list[Hypothesis]) -> float:
    best = found[0]
    rival = max((h.score for h in found[1:] if h.fault != best.fault), default=0.0)
    # Columns and rows that go together make scores too sure of themselves: a tenth of the difference counts.
    return float(1 / (1 + np.exp(-min((best.score - max(rival, 0.0)) / 10, 50))))
