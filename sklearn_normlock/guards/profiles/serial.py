"""A profile as JSON, and back. The format's version is here, with what a change to it needs.

To change the format: raise ``VERSION``; keep reading the versions before; say in the change log, under Formats, what
moved.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ...documents.entries import MOST, Entry, Origin, packed
from ...documents.envelope import Envelope
from ..calibration import CALIBRATION as C
from .categories import Categories
from .dependence import Dependence
from .statistics import MEASURES, Moments

if TYPE_CHECKING:
    from .summary import Summary

VERSION = 1
_ORIGIN = Origin("profile", "Copy the profile again from where it was saved, or learn it anew.")
_ENVELOPE = Envelope(_ORIGIN, VERSION, "learn the profile anew", digest=False)


def write_profile(profile: Summary) -> dict[str, Any]:
    """Return a profile as plain lists, strings and numbers."""
    found = profile.dependence
    content = {
        "n_rows": profile.n_rows,
        "n_columns": profile.n_features_in_,
        "names": None if profile.names is None else list(profile.names),
        "types": list(profile.types),
        "moments": profile.moments.to_lists(),
        "categories": {str(j): kept.to_dict() for j, kept in sorted(profile.categories.items())},
        "sketches": [[packed(values), packed(shares.astype("<f4"))] for values, shares in profile.sketches],
        "sampled": profile.sampled.tolist(),
        "ties": profile.ties.tolist(),
        "steps": packed(profile.steps),
        "copies": profile.copies,
        "unit": profile.unit.tolist(),
        "growing": list(profile.growing),
        "allowances": {test: packed(p.astype("<f4")) for test, p in sorted(profile.allowances.items())},
        "dependence": found
        and {
            "rows": found.rows,
            "factor": packed(found.factor.astype("<f2")),
            "expected": packed(found.expected.astype("<f4")),
            "spread": packed(found.spread.astype("<f4")),
        },
    }
    return _ENVELOPE.closed(content)


def read_profile(profile: Summary, d: Any) -> None:
    """Fill a bare profile from what :func:`write_profile` returned."""
    _ENVELOPE.opened(d)
    _fill(profile, Entry(d, _ORIGIN))


def _fill(profile: Summary, d: Entry) -> None:
    rows, columns = d["n_rows"].whole(1), d["n_columns"].whole(1)
    measured = columns + len(MEASURES)
    profile.n_rows, profile.n_features_in_ = rows, columns
    named = d["names"].value is not None
    profile.names = tuple(name.text() for name in d["names"].elements(columns)) if named else None
    types = d["types"].elements(columns)
    profile.types = tuple(None if each.value is None else each.text() for each in types)
    profile.moments = moments = _moments(d["moments"], rows, columns)
    of_text = {str(j): j for j in range(columns) if not moments.count[j]}
    profile.categories = {}
    for key, kept in d["categories"].items():
        kept.require(key in of_text, "to be of a column without numbers")
        profile.categories[of_text[key]] = _categories(kept, rows)
    profile.sampled = d["sampled"].wholes(measured)
    most = np.concatenate([moments.count, np.full(len(MEASURES), rows)])
    d["sampled"].require(bool((profile.sampled <= most).all()), "at most the rows that have a number")
    largest = np.where(np.arange(measured) < columns, C.largest, C.largest * columns)
    sketches = zip(d["sketches"].elements(measured), profile.sampled, largest, strict=True)
    profile.sketches = [_sketch(each, bool(n), float(size)) for each, n, size in sketches]
    profile.ties = d["ties"].numbers(0, 1, np.ones(measured, bool))
    profile.steps = d["steps"].packed("<f8", 3 * columns, -C.largest, C.largest).reshape(3, columns)
    _, step, share = profile.steps
    sound = ((step == 0) | (step >= C.smallest_step)) & (share >= 0) & (share <= 1)
    d["steps"].require(
        bool(sound.all()), f"offsets, steps of 0 or at least {C.smallest_step:g}, and shares from 0 to 1"
    )
    profile.copies = d["copies"].number(0, 1)
    profile.unit = d["unit"].numbers(0, 1, np.ones(len(MEASURES) - 1, bool))
    profile.growing = tuple(each.whole(0, columns - 1) for each in d["growing"].elements())
    profile.allowances = {test: kept.packed("<f4", None, -C.oddest_block, 0) for test, kept in d["allowances"].items()}
    profile.dependence = None if d["dependence"].value is None else _dependence(d["dependence"], rows, columns)


def _moments(d: Entry, rows: int, columns: int) -> Moments:
    count, missing, infinite = (d[name].wholes(columns, rows) for name in ("count", "missing", "infinite"))
    d["count"].require(bool((count + missing + infinite == rows).all()), f"with missing and infinite {rows} rows")
    mean, low, high = (d[name].numbers(-C.largest, C.largest, count > 0) for name in ("mean", "low", "high"))
    m2 = d["m2"].numbers(0, np.finfo(float).max, np.ones(columns, bool))
    some = count > 0
    d["high"].require(bool((low[some] <= high[some]).all()), "no number below that of low")
    # Sums round: in columns of large numbers that hardly differ by more than these differ.
    slack = 1e-6 * np.maximum(np.abs(low), np.abs(high))[some]
    within = (mean[some] >= low[some] - slack) & (mean[some] <= high[some] + slack)
    d["mean"].require(bool(within.all()), "numbers from low to high")
    widest = count[some] * (high[some] - low[some] + slack) ** 2
    d["m2"].require(bool((m2[some] <= widest).all()), "at most the square of high less low for each row")
    return Moments(count, missing, infinite, mean, m2, low, high)


def _categories(d: Entry, rows: int) -> Categories:
    values = {key: n.whole(1, rows) for key, n in d["values"].items()}
    other, once, missing = (d[name].whole(0, rows) for name in ("other", "once", "missing"))
    found = Categories(values, other, once, missing)
    d.require(found.count + found.missing == rows, f"values of {rows} rows")
    d["once"].require(found.once <= found.count, "at most the rows that have a value")
    found.words = {word: n.whole(1, rows) for word, n in d["words"].items()}
    if d["bounds"].value is not None:
        found.bounds = d["bounds"].numbers(0, MOST, np.ones(18, bool)).reshape(2, 3, 3)
    return found


def _sketch(d: Entry, some: bool, largest: float) -> tuple[Any, Any]:
    values, shares = d.elements(2)
    of_values, of_shares = values.packed("<f8", None, -largest, largest), shares.packed("<f4", None, 0, 1)
    shares.require(len(of_shares) == len(of_values) and (len(of_values) > 1) == some, "as many as values")
    values.require(bool((np.diff(of_values) >= 0).all()), "ascending values")
    ends = not some or (of_shares[0], of_shares[-1]) == (0, 1)
    shares.require(bool((np.diff(of_shares) >= 0).all()) and ends, "ascending shares from 0 to 1")
    return of_values, of_shares


def _dependence(d: Entry, rows: int, columns: int) -> Dependence:
    factor = d["factor"].packed("<f2", None, -2, 2)
    d["factor"].require(len(factor) > 0 and len(factor) % columns == 0, f"some numbers for each of {columns} columns")
    largest = float(np.finfo(np.float32).max)
    return Dependence(
        factor.reshape(columns, -1),
        d["rows"].whole(C.rows_of_ranks, rows),
        d["expected"].packed("<f4", columns, -largest, largest),
        d["spread"].packed("<f4", columns, 0, largest),
    )
