"""Decide what counts as right: the verdict on one diagnosis, and intervals of shares."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np
from scipy.stats import beta

from guard.faults import EQUIVALENT, OPPOSITES

MOST_TOLD = 3
"""Who tells more names than this has told none."""

NEAR = 0.02


@dataclass(frozen=True)
class Record:
    """One batch and what was said of it. `verdict`: quiet, right, equivalent, unknown, wrong name, wrong factor."""

    part: str
    family: str
    side: str
    case: str
    rows: int
    verdict: str
    told: str | None = None
    also: tuple[str, ...] = ()
    detail: str = ""
    columns_right: bool | None = None
    p_value: float = 1.0


@dataclass(frozen=True)
class Truth:
    """The truth of a batch: the names that say it, the factors, columns; `strict` if an alarm must have the name."""

    names: tuple[str, ...]
    factors: dict[int, float] = field(default_factory=dict)
    columns: tuple[int, ...] | None = None


def accepted(name: str, more: Iterable[str] = ()) -> set[str]:
    """Return a fault's own name and its equivalents."""
    return {name, *(other for other, _ in EQUIVALENT.get(name, ())), *more}


def verdict(found, truth: Truth, allowed: set[str]) -> str:
    """Judge one diagnosis: `allowed` are the names that count besides the truth's own."""
    if not found.alarm:
        return "quiet"
    also = tuple(found.details.get("also", ()))
    if found.fault == "unknown" and "unknown" not in truth.names:
        return "unknown"
    if 1 + len(also) > MOST_TOLD:
        return "wrong name"
    told = {found.fault, *also}
    own = set(truth.names)
    right = found.fault in own | allowed
    opposite = any(OPPOSITES.get(name) == found.fault and name in told for name in own)
    if not (right or opposite):
        return "wrong name"
    if truth.factors and found.fault in ("unit_changed", "rescaled") and not factors_right(found, truth.factors):
        return "wrong factor"
    return "right" if found.fault in own else "equivalent"


def factors_right(found, factors: dict[int, float]) -> bool:
    """Tell whether each told factor is within 2 % of the truth; a `rescaled` one: whether its interval holds it."""
    details = found.details
    each = {int(str(c)): details["each"][str(c)] for c in found.columns} if "each" in details else {}
    if not each:
        each = dict.fromkeys([int(str(c)) for c in found.columns] or factors, details)
    for column, facts in each.items():
        true = factors.get(column)
        if true is None or "factor" not in facts:
            return False
        close = abs(facts["factor"] / true - 1) <= NEAR
        if found.fault == "rescaled" and not close:
            low, high = facts.get("interval", details.get("interval", (np.nan, np.nan)))
            close = low <= true <= high
        if not close:
            return False
    return True


def columns_right(found, columns: tuple[int, ...] | None) -> bool | None:
    """Tell whether the columns told are those that were touched (half and more of them, and hardly others)."""
    if columns is None or not found.alarm:
        return None
    told = {int(str(c)) for c in found.columns}
    both = len(told & set(columns))
    return 2 * both >= len(columns) and 5 * both >= 4 * len(told)


def interval(hits: int, asked: int, confidence: float = 0.95) -> tuple[float, float]:
    """Return the Clopper-Pearson interval of a share."""
    tail = (1 - confidence) / 2
    low = beta.ppf(tail, hits, asked - hits + 1) if hits else 0.0
    high = beta.ppf(1 - tail, hits + 1, asked - hits) if hits < asked else 1.0
    return float(low), float(high)


def share(hits: int, asked: int) -> str:
    """Return a share in words: `97.2 % (95.9-98.2) of 823`."""
    if not asked:
        return "-"
    low, high = interval(hits, asked)
    digits = 2 if asked >= 2000 and hits / asked < 0.02 else 1
    return f"{100 * hits / asked:.{digits}f} % ({100 * low:.{digits}f}-{100 * high:.{digits}f}), {hits} of {asked}"
