"""The relation between two versions of some numbers: a unit, an order, a rounding, a refit.

A change from 51203.4 to 51.2034 says little; that every element is a thousandth of what it was says what happened. A
relation is only named where it could hardly be chance: one number alone is a multiple of any other, so that a lone
ratio counts only if it is that of two units.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from ..units import CLOSE_FACTORS, FACTORS, TEMPERATURES

_EXACT = 1e-9  # relative: numbers that were converted and then averaged agree to about 1e-12
_LOOSE = 1e-5  # a lone ratio this close to one of two units is taken for it: inputs are rounded before they are fitted
_ROUND_OFF = 1e-12


class RelationKind(str, Enum):
    """The relation between the numbers of two sides. Its value is the word in JSON."""

    SCALED = "scaled"
    AFFINE = "affine"
    SHIFTED = "shifted"
    NEGATED = "negated"
    PERMUTED = "permuted"
    ROUND_OFF = "round-off"
    FLOAT32 = "float32"
    CAST = "cast"
    REFITTED = "refitted"


@dataclass(frozen=True, kw_only=True)
class Relation:
    """How the numbers of one side follow from those of the other.

    Parameters
    ----------
    kind : RelationKind
        Which relation it is.
    text : str
        In words, such as ``"×0.001: a change of unit?"``.
    factor, offset : float, default=None
        ``actual = factor * expected + offset``, where that is the relation.
    """

    kind: RelationKind
    text: str
    factor: float | None = None
    offset: float | None = None


def relation(
    before: Sequence[Any], after: Sequence[Any], label: Callable[[int], str] = "element {}".format
) -> Relation | None:
    """Return how the elements of one array follow from those of another.

    Parameters
    ----------
    before, after : sequences of one length
        All elements, also those that are the same on both sides.
    label : callable, default="element {}".format
        Gives the name of an element by its position in the two.

    Returns
    -------
    relation : Relation or None
        None if they have no relation that is known, or too few elements to tell it from chance.
    """
    if not all(isinstance(x, (int, float)) and not isinstance(x, bool) for x in (*before, *after)):
        return _permuted(before, after, label)
    pairs = [(float(a), float(b)) for a, b in zip(before, after, strict=True) if a != b and (a == a or b == b)]
    if not pairs or not all(math.isfinite(a) and math.isfinite(b) for a, b in pairs):
        return None
    scale = max(abs(float(x)) for x in (*before, *after) if math.isfinite(x))
    if all(abs(a - b) <= _ROUND_OFF * max(abs(a), abs(b), 1e-3 * scale) for a, b in pairs):
        return Relation(kind=RelationKind.ROUND_OFF, text="only round-off")
    if all(_as_single(a) == b or _as_single(b) == a for a, b in pairs):
        return Relation(kind=RelationKind.FLOAT32, text="rounded to float32")
    if all(a == -b for a, b in pairs) and len(pairs) > 1:
        return Relation(kind=RelationKind.NEGATED, text="sign flipped", factor=-1.0)
    return _permuted(before, after, label) or _scaled(pairs) or _affine(pairs)


def named_relation(path: str, old: str, new: str) -> Relation | None:
    """Return the relation of two single values, given as text.

    Parameters
    ----------
    path : str
        Whose last name may say what is counted there.
    old, new : str
        Their ``repr``.
    """
    try:
        before, after = float(old), float(new)
    except ValueError:
        return None
    if not math.isfinite(before) or not math.isfinite(after):
        return None
    if path.rpartition(".")[2] in ("n_samples_seen_", "n_samples_", "n_samples_fit_"):
        more = "more" if after > before else "fewer"
        return Relation(
            kind=RelationKind.REFITTED, text=f"refitted on {more} rows: {after:,.0f} instead of {before:,.0f}"
        )
    return relation([before], [after])


def _permuted(before: Sequence[Any], after: Sequence[Any], label: Callable[[int], str]) -> Relation | None:
    moved = [i for i, (a, b) in enumerate(zip(before, after, strict=True)) if not _alike(a, b)]
    if len(moved) < 2:
        return None
    try:
        old, new = sorted(before[i] for i in moved), sorted(after[i] for i in moved)
    except TypeError:
        return None
    if not all(map(_alike, old, new)) or _alike(old[0], old[-1]):
        return None
    if len(moved) == 2:
        return Relation(kind=RelationKind.PERMUTED, text=f"{label(moved[0])} and {label(moved[1])} swapped")
    return Relation(kind=RelationKind.PERMUTED, text="the same values in another order")


def _alike(a: Any, b: Any) -> bool:
    """Tell whether two elements are the same, up to round-off: columns in another order may be summed in another."""
    if isinstance(a, float) and isinstance(b, float):
        return a == b or (a != a and b != b) or abs(a - b) <= _ROUND_OFF * max(abs(a), abs(b))
    return bool(a == b)


def _scaled(pairs: Sequence[tuple[float, float]]) -> Relation | None:
    if any(a == 0 for a, _ in pairs):
        return None
    ratios = [b / a for a, b in pairs]
    known = _unit(ratios[0], _EXACT if len(pairs) > 1 else _LOOSE)
    factor = known[0] if known else ratios[0]
    if any(abs(r - ratios[0]) > _EXACT * abs(ratios[0]) for r in ratios[1:]):
        return None
    if known:
        return Relation(kind=RelationKind.SCALED, text=f"×{factor:.6g}: {known[1]}", factor=factor)
    if len(pairs) < 3 or factor == 0:
        return None
    return Relation(kind=RelationKind.SCALED, text=f"all ×{factor:.6g}", factor=factor)


def _unit(ratio: float, tolerance: float) -> tuple[float, str] | None:
    """Return the factor between two units that a ratio is, and what to say of it."""
    if not 0 < ratio < math.inf:
        return None
    power = round(math.log10(ratio))
    if power and abs(ratio / 10.0**power - 1) <= tolerance:
        return 10.0**power, "a change of unit?"
    for value, names in (*FACTORS.items(), *CLOSE_FACTORS.items()):
        for factor in (value, 1 / value):
            if abs(ratio / factor - 1) <= tolerance:
                return factor, f"{names}?"
    return None


def _affine(pairs: Sequence[tuple[float, float]]) -> Relation | None:
    for (factor, offset), names in TEMPERATURES.items():
        tolerance = _EXACT if len(pairs) > 1 else _LOOSE * 1e-2
        if all(abs(factor * a + offset - b) <= tolerance * max(abs(b), abs(offset)) for a, b in pairs):
            return Relation(kind=RelationKind.AFFINE, text=f"{names}?", factor=factor, offset=offset)
    if len(pairs) < 3:
        return None
    # The line through the two elements that lie furthest apart must pass through all others.
    (a0, b0), (a1, b1) = min(pairs), max(pairs)
    if a0 == a1:
        return None
    factor = (b1 - b0) / (a1 - a0)
    offset = b0 - factor * a0
    if factor == 0 or any(abs(factor * a + offset - b) > _EXACT * max(abs(b), abs(offset)) for a, b in pairs):
        return None
    if abs(factor - 1) <= _EXACT:
        return Relation(kind=RelationKind.SHIFTED, text=f"all shifted by {offset:+.6g}", factor=1.0, offset=offset)
    if len(pairs) < 4:
        return None
    return Relation(kind=RelationKind.AFFINE, text=f"all ×{factor:.6g} {offset:+.6g}", factor=factor, offset=offset)


def _as_single(value: float) -> float:
    if abs(value) > 3.4e38:
        return value
    return struct.unpack("<f", struct.pack("<f", value))[0]
