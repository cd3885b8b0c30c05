"""The answer to each limit: kept, broken, undecided, told or waived.

Two errors are possible, and each has its own price. A limit is *broken* if the interval of the change lies below it at
a level that pays for all limits of its family: a release in which nothing changed is rarely blocked. It is *kept* if
the interval excludes the drop that is to be ruled out: each limit for itself, since all must be kept. Anything else is
undecided.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from .limits import Limit, Limits
from .report import Judgement
from .slices import Slice, Slices
from .statistics import Estimate, paid_level, rows_that_decide

_PAIRED = ("agreement", "negative_flips")  # one value for the pair, not one for each


@dataclass(frozen=True)
class Case:
    """One metric on one cohort, or on a found slice, before it is judged."""

    cohort: str
    metric: str
    rows: int
    old: float | None
    new: float | None
    estimate: Estimate | None
    limit: Limit | None
    problem: str = ""
    slice: Slice | None = None


def judged(
    cases: Sequence[Case],
    limits: Limits,
    today: datetime.date,
    slices: Slices | None = None,
    found: Sequence[Judgement] = (),
) -> tuple[list[Judgement], list[str]]:
    """Return the answer to each limit, after those that were found before, and what there is to say of waivers."""
    half = (1 - limits.level) / 2
    levels, searched = _levels(cases, half, slices)
    answers = []
    for case in cases:
        level = levels[bool(case.cohort)] if case.slice is None else min(searched * case.slice.share, half)
        made = _verdict(case, level, half)
        if case.slice is not None and case.estimate is not None and made.verdict in ("kept", "undecided"):
            # It may block, as a named cohort may. It was nobody's demand, so it needs no proof to let pass.
            made = replace(made, verdict="told", rows_needed=None, reason="no loss that blocks is proved")
        answers.append(made)
    judgements, notes, used = [], [], set()
    for made in (*answers, *found):
        waiver = limits.waiver(made.metric, made.cohort)
        if waiver is not None:
            used.add((waiver.metric, waiver.cohort))
            if waiver.until < today:
                notes.append(f"The waiver of {made.where} expired on {waiver.until}: it counts no more.")
            elif made.verdict in ("broken", "undecided"):
                reason = f"waived until {waiver.until}: {waiver.reason} ({made.verdict}: {made.reason})"
                made = replace(made, verdict="waived", reason=reason)
        judgements.append(made)
    for each in limits.waivers:
        if (each.metric, each.cohort) not in used:
            on = f" ({each.cohort})" if each.cohort else ""
            notes.append(f"The waiver of {each.metric}{on} is of nothing that was compared.")
    return judgements, notes


def _levels(cases: Sequence[Case], half: float, slices: Slices | None) -> tuple[dict[bool, float], float]:
    """Return the level of each limit on all rows and on a named cohort, and the level that all slices share.

    Named cohorts and slices are one family. Half of its error is for the names, half for the search, but for what
    can't be rejected.
    """
    families: dict[bool, list[Estimate]] = {False: [], True: []}
    for case in cases:
        if case.slice is None and case.estimate is not None and case.limit is not None:
            families[bool(case.cohort)].append(case.estimate)
    whole = max(len(families[True]), 1)  # the weight of all slices, beside 1 for each named cohort

    def error(family: bool, level: float) -> float:
        found = sum(each.attainable(min(level, 1.0)) for each in families[family])
        return found + slices.error(whole * level) if family and slices is not None else found

    levels = {family: paid_level(partial(error, family), half) for family in families}
    return {family: min(level, half) for family, level in levels.items()}, whole * levels[True]


def _verdict(case: Case, level: float, half: float) -> Judgement:
    made = Judgement(
        metric=case.metric, cohort=case.cohort, rows=case.rows, old=case.old, new=case.new, change=0.0, verdict="told"
    )
    if case.limit is not None:
        made = replace(made, limit=case.limit.text)
    if case.estimate is None:
        verdict = "undecided" if case.limit is not None or not case.cohort else "told"
        return replace(made, change=float("nan"), verdict=verdict, reason=case.problem)
    change = case.estimate.change
    low, high = case.estimate.interval(half if case.slice is None else level)
    made = replace(made, change=change, low=low, high=high, method=case.estimate.method, p_value=case.estimate.p_value)
    if case.metric in _PAIRED:
        return _share_verdict(made, case, level, half)
    if case.limit is None or case.limit.max_drop is None:
        return made
    scale = abs(case.old or 0.0) if case.limit.relative else 1.0
    floor = -case.limit.max_drop * scale
    least = case.limit.max_drop if case.limit.rule_out is None else case.limit.rule_out
    ruled_out = -least * scale
    adjusted = f"at the level {level:.2g}"
    # The change at the edge of the interval, and an exact test: the interval is approximate where flips are few.
    proved = case.estimate.p_value is None or case.estimate.p_value <= level
    if case.slice is not None:
        proved = proved and case.slice.p_value <= level
    if proved and case.estimate.interval(level)[1] < floor:
        edge = case.estimate.interval(level)[1]
        reason = f"{_size(change)}, by at least {-edge:.2g} {adjusted}; the limit is {-floor:.2g}"
        return replace(made, verdict="broken", reason=reason)
    if low >= ruled_out:
        return replace(made, verdict="kept", reason=f"a drop beyond {max(-low, 0.0):.2g} is ruled out")

    def decides(found: Estimate) -> bool:
        return found.interval(half)[0] >= ruled_out or found.interval(level)[1] < floor

    needed = rows_that_decide(case.rows, case.estimate, decides)
    enough = "" if needed is None else f"; about {needed:,} rows like these would decide"
    reason = f"a drop of {-low:.2g} can't be ruled out, and none beyond {-floor:.2g} is proved{enough}"
    return replace(made, verdict="undecided", rows_needed=needed, reason=reason)


def _share_verdict(made: Judgement, case: Case, level: float, half: float) -> Judgement:
    """Judge a share of rows: how many agree, or how many flipped."""
    assert case.estimate is not None and made.low is not None and made.high is not None
    limit = case.limit
    if case.metric == "agreement" and limit is None:
        if case.cohort:
            return made
        if made.low >= 1 - 0.02:
            return replace(made, verdict="kept", limit="", reason=f"at least {made.low:.2%} of such rows agree")
        return replace(
            made,
            verdict="undecided",
            reason="without right answers a difference is neither better nor worse: give y, or set a limit for it",
        )
    if limit is None:
        return made
    least = 0.0 if limit.min is None else limit.min
    most = 1.0 if limit.max is None else limit.max

    def broken(found: Estimate) -> bool:
        low, high = found.interval(level)
        return high < least or low > most

    def kept(found: Estimate) -> bool:
        low, high = found.interval(half)
        return low >= least and high <= most

    if broken(case.estimate):
        return replace(made, verdict="broken", reason=f"{made.change:.2%} of the rows; the limit is {limit.text}")
    if kept(case.estimate):
        return replace(made, verdict="kept", reason=f"between {made.low:.2%} and {made.high:.2%}")
    needed = rows_that_decide(case.rows, case.estimate, lambda found: broken(found) or kept(found))
    enough = "" if needed is None else f"; about {needed:,} rows like these would decide"
    reason = f"between {made.low:.2%} and {made.high:.2%}, and the limit is {limit.text}{enough}"
    return replace(made, verdict="undecided", rows_needed=needed, reason=reason)


def _size(change: float) -> str:
    return f"it dropped by {-change:.3g}" if change < 0 else f"it rose by {change:.3g}"
