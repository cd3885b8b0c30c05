"""Compare two sets of embeddings of the same texts, and name what was done to one of them.

Cosine similarity is blind to lengths, and near 1 for models that differ in a layer. Lengths, differences and neighbours
are therefore told beside it; and a fault has a name only if undoing it brings back the reference.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputFaultError
from .checking import in_8_bits, in_half
from .effects import METRICS
from .report import Effect, VectorFault, VectorReport
from .vectors import Array, as_vectors, unit

_NEIGHBOURS = 2_000  # rows among which neighbours are looked for
_COORDINATES = 4_096  # rows that a rotation is learned from


@np.errstate(all="ignore")  # of rows without a length, or of one beyond float64; their figures are not finite
def compare_embeddings(
    produced: Any, reference: Any, *, metric: str = "ip", k: int = 10, rtol: float = 1e-4
) -> VectorReport:
    """Compare embeddings of the same texts, row by row, and name what was done to them.

    Parameters
    ----------
    produced, reference : array-like of shape (n_rows, dim)
        Embeddings of the same texts in the same order: here, and where they are known to be right.
    metric : {"ip", "l2", "cosine"}, default="ip"
        By which neighbours are found, and by which the effect is told.
    k : int, default=10
        How many neighbours.
    rtol : float, default=1e-4
        How far a row may be off, relative to its length. Two runtimes of one model differ by about 1e-6 in float32.

    Returns
    -------
    report : VectorReport
        Its ``measures`` are cosine similarities, ratios of lengths, the overlap of neighbours, and a similarity that a
        rotation does not change (linear centred kernel alignment).

    Raises
    ------
    InputFaultError
        If they are no vectors, or not as many.
    ValueError
        If a parameter has no such value.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_normlock.retrieval import compare_embeddings
    >>> raw = np.random.default_rng(0).normal(size=(100, 16))
    >>> unit = raw / np.linalg.norm(raw, axis=1, keepdims=True)
    >>> report = compare_embeddings(raw, unit)
    >>> report.fault, report.effect.value, round(report.measures["median cosine"], 6)
    ('not_normalised', 'ranking changed', 1.0)
    """
    if metric not in METRICS:
        raise ValueError(f"metric is {metric!r}; it must be one of {', '.join(map(repr, METRICS))}.")
    if not isinstance(k, (int, np.integer)) or k < 1 or not 0 <= rtol < 1:
        raise ValueError(f"k is {k!r} and rtol {rtol!r}; they must be a positive integer, and a number from 0 to 1.")
    raw = as_vectors(produced, "produced")
    P, R = raw.astype(np.float64), as_vectors(reference, "reference").astype(np.float64)
    if len(P) != len(R):
        raise InputFaultError(
            f"There are {len(P):,} produced rows and {len(R):,} of the reference.",
            expected=len(R),
            actual=len(P),
            remedy="Embed the same texts, in the same order.",
        )
    common: dict[str, Any] = {"n_rows": len(P), "metric": metric}
    broken = np.flatnonzero(~np.isfinite(P).all(axis=1) | ~np.isfinite(R).all(axis=1))
    if len(broken):
        text = f"{len(broken):,} rows are not finite on one side"
        return _report([_fault("not_finite", Effect.UNUSABLE, text, "Find out what made them", broken)], **common)
    if P.shape[1] != R.shape[1]:
        return _report([_other_width(P, R, rtol)], **common)
    off = _off(P, R)
    measures = {**_similarities(P, R), "largest difference": float(off.max())}
    overlap = _overlap(P, R, metric, min(int(k), len(P) - 1))
    if overlap is not None:
        measures[f"overlap of {min(int(k), len(P) - 1)} neighbours"] = overlap
    common["measures"] = measures
    if off.max() <= rtol:
        return _report([], **common)
    same_order = overlap is not None and overlap >= 1.0
    effect = Effect.RANKING if not same_order else Effect.NOTHING if metric == "cosine" else Effect.SCORES
    return _report([_named(raw, P, R, off, rtol, effect)], **common)


def _named(raw: Any, P: Array, R: Array, off: Array, rtol: float, effect: Effect) -> VectorFault:
    """Return the fault whose undoing brings back the reference, the simplest first."""
    odd = np.flatnonzero(off > rtol)
    few = len(odd) <= len(P) / 2
    if few and np.max(_off(unit(P[odd]), unit(R[odd]))) <= rtol:
        text = f"{len(odd):,} of {len(P):,} rows have another length; all others are the same"
        return _fault("mixed", effect, text, "Find out what made these rows", odd)
    for fault in _UNDOINGS:
        if np.max(_off(*fault.undone(P, R))) <= rtol:
            return _fault(fault.name, effect, fault.text(P, R), fault.remedy)
    partner = _partners(P, R, rtol)
    if partner is not None:
        moved = np.flatnonzero(partner != np.arange(len(P)))
        text = f"{len(moved):,} rows stand in another place: row {moved[0]} is row {partner[moved[0]]} of the reference"
        return _fault("rows_permuted", effect, text, "Bring the texts into one order", moved)
    if few:
        text = f"{len(odd):,} of {len(P):,} rows have other numbers; all others are the same"
        return _fault("some_rows", effect, text, "Find out what made these rows", odd)
    if np.median(off) < 2e-3 and in_half(raw, P):
        return _fault("float16", effect, "They were rounded to float16", "Use float32 on both sides")
    if in_8_bits(P[:64]) and np.median(_off(unit(P), unit(R))) < 0.05:
        return _fault("int8", effect, "They were quantised to 8 bits", "Use floats on both sides")
    if _rotated(P, R, rtol):
        text = "A rotation brings them back: distances among them are the same, in other coordinates"
        return _fault("rotated", effect, text, "Don't mix both in one index: apply the rotation to both sides")
    cosine = float(np.median((unit(P) * unit(R)).sum(axis=1)))
    text = f"They are other vectors: median cosine {cosine:.4f}, and round-off leaves 1.0000"
    return _fault("other_vectors", effect, text, "Compare model, tokenizer, pooling and norm layers, step by step")


@dataclass(frozen=True)
class _Undoing:
    """A fault, and how to undo it: what both sides become, which then are the same."""

    name: str
    undone: Callable[[Array, Array], tuple[Array, Array]]
    text: Callable[[Array, Array], str]
    remedy: str


def _factor(P: Array, R: Array) -> float:
    return float(np.median(np.linalg.norm(P, axis=1) / np.maximum(np.linalg.norm(R, axis=1), 1e-300)))


def _is_unit(V: Array) -> bool:
    return bool(np.all(np.abs(np.linalg.norm(V, axis=1) - 1) < 1e-3))


def _if(condition: bool, P: Array, R: Array) -> tuple[Array, Array]:
    """Return both sides if a fault is possible at all, else two that differ."""
    return (P, R) if condition else (np.zeros((1, 1)), np.ones((1, 1)))


def _columns_of(P: Array) -> Array:
    return P / np.maximum(np.linalg.norm(P, axis=0, keepdims=True), 1e-300)


_UNDOINGS = (
    _Undoing(
        "scaled",
        lambda P, R: (P / max(_factor(P, R), 1e-300), R),
        lambda P, R: f"All are {_factor(P, R):.6g} times as long",
        "Find out which side has another unit.",
    ),
    _Undoing(
        "not_normalised",
        lambda P, R: _if(_is_unit(R), unit(P), R),
        lambda P, R: "Their directions are the same, and they don't have length 1 as the reference has",
        "Normalise them.",
    ),
    _Undoing(
        "normalised",
        lambda P, R: _if(_is_unit(P), P, unit(R)),
        lambda P, R: "Their directions are the same, and they have length 1, which the reference has not",
        "Leave them at their own lengths, or normalise both sides.",
    ),
    _Undoing(
        "other_lengths",
        lambda P, R: (unit(P), unit(R)),
        lambda P, R: "Their directions are the same, and their lengths are not",
        "Normalise both sides, or find out what scales them.",
    ),
    _Undoing(
        "negated",
        lambda P, R: (-unit(P), unit(R)),
        lambda P, R: "They point the opposite way",
        "Find out where the sign was lost.",
    ),
    _Undoing(
        "centred",
        lambda P, R: (P - P.mean(axis=0), R - R.mean(axis=0)),
        lambda P, R: f"They are shifted by one vector of length {np.linalg.norm(P.mean(0) - R.mean(0)):.4g}",
        "Centre both sides by one mean, or none.",
    ),
    _Undoing(
        "centred",
        lambda P, R: (unit(P), unit(R - R.mean(axis=0))),
        lambda P, R: "Their mean was taken away, and they were normalised after that",
        "Centre both sides by one mean, or none.",
    ),
    _Undoing(
        "wrong_axis",
        lambda P, R: (_columns_of(P), _columns_of(R)),
        lambda P, R: "Each column has another factor: columns were normalised in place of rows",
        "Normalise along the last axis: axis=1, not axis=0.",
    ),
    _Undoing(
        "reversed",
        lambda P, R: (P[:, ::-1], R),
        lambda P, R: "Their columns stand from the last to the first",
        "Keep the order of columns.",
    ),
)


def _other_width(P: Array, R: Array, rtol: float) -> VectorFault:
    width, whole = P.shape[1], R.shape[1]
    text = f"They have {width} columns, and the reference has {whole}"
    if width < whole:
        for name, part, end in (("truncated", R[:, :width], "first"), ("wrong_end", R[:, -width:], "last")):
            if np.max(_off(unit(P), unit(part))) <= rtol:
                short = np.max(_off(P, part)) <= rtol and not _is_unit(P)
                name = "truncated_not_renormalised" if name == "truncated" and short else name
                text = f"{text}: they are its {end} {width}{', not brought back to length 1' if short else ''}"
                return _fault(name, Effect.UNUSABLE, text, "Cut both sides at the same end, and normalise again")
    return _fault("another_width", Effect.UNUSABLE, text, "Use one model on both sides")


def _partners(P: Array, R: Array, rtol: float) -> NDArray[np.intp] | None:
    """Return which row of the reference each row is, if rows only changed places."""
    weights = np.random.default_rng(0).normal(size=P.shape[1])
    ours, theirs = np.argsort(P @ weights, kind="stable"), np.argsort(R @ weights, kind="stable")
    if np.max(_off(P[ours], R[theirs])) > rtol:
        return None
    partner = np.empty(len(P), np.intp)
    partner[ours] = theirs
    return partner


def _rotated(P: Array, R: Array, rtol: float) -> bool:
    """Tell whether an orthogonal map brings back the reference; with few rows one always does."""
    if len(P) < 2 * P.shape[1]:
        return False
    product = P[:_COORDINATES].T @ R[:_COORDINATES]
    if not np.isfinite(product).all():
        return False
    u, _, vt = np.linalg.svd(product)
    return bool(np.max(_off(P @ (u @ vt), R)) <= 10 * rtol)


def _off(P: Array, R: Array) -> Array:
    """Return how far each row is off, relative to the length of the reference's."""
    length = np.linalg.norm(R, axis=1)
    return np.linalg.norm(P - R, axis=1) / np.where(length > 0, length, 1.0)


def _similarities(P: Array, R: Array) -> dict[str, float]:
    cosine = (unit(P) * unit(R)).sum(axis=1)
    ratio = np.linalg.norm(P, axis=1) / np.maximum(np.linalg.norm(R, axis=1), 1e-300)
    return {
        "least cosine": float(cosine.min()),
        "median cosine": float(np.median(cosine)),
        "least ratio of lengths": float(ratio.min()),
        "greatest ratio of lengths": float(ratio.max()),
        "rotation-invariant similarity": _alignment(P, R),
    }


def _alignment(P: Array, R: Array) -> float:
    """Return the linear centred kernel alignment: 1 for the same vectors in other coordinates."""
    a, b = P[:_COORDINATES] - P[:_COORDINATES].mean(axis=0), R[:_COORDINATES] - R[:_COORDINATES].mean(axis=0)
    own = float(np.linalg.norm(a.T @ a) * np.linalg.norm(b.T @ b))
    return float(np.linalg.norm(a.T @ b) ** 2 / own) if own > 0 else 0.0


def nearest(Q: Array, V: Array, metric: str, k: int) -> tuple[NDArray[np.intp], Array]:
    """Return the rows of V that are nearest to each query by brute force, and their scores: greater is nearer."""
    if metric == "cosine":
        Q, V = unit(Q), unit(V)
    ids, scores = [], []
    squares = np.square(V).sum(axis=1) if metric == "l2" else None
    for part in np.array_split(Q, max(1, len(Q) * len(V) // 20_000_000)):
        found = part @ V.T
        if squares is not None:
            found = 2 * found - squares - np.square(part).sum(axis=1, keepdims=True)
        at = np.argpartition(-found, min(k, len(V)) - 1, axis=1)[:, :k]
        order = np.argsort(-np.take_along_axis(found, at, axis=1), axis=1, kind="stable")
        at = np.take_along_axis(at, order, axis=1)
        ids.append(at)
        scores.append(np.take_along_axis(found, at, axis=1))
    return np.concatenate(ids), np.concatenate(scores)


def _overlap(P: Array, R: Array, metric: str, k: int) -> float | None:
    """Return which share of the neighbours among the rows themselves is the same on both sides."""
    if k < 1:
        return None
    at = np.linspace(0, len(P) - 1, min(len(P), _NEIGHBOURS)).astype(np.intp)
    ours, theirs = (nearest(side[at], side[at], metric, k + 1)[0] for side in (P, R))
    shared = list(_shared(ours, theirs))
    return float(np.mean(shared)) / (k + 1)


def _shared(ours: Any, theirs: Any) -> Iterator[int]:
    for a, b in zip(ours, theirs, strict=True):
        yield len(np.intersect1d(a, b))


def _fault(name: str, effect: Effect, text: str, remedy: str, rows: Any = ()) -> VectorFault:
    remedy = remedy if remedy.endswith(".") else f"{remedy}."
    return VectorFault(name=name, effect=effect, text=text, remedy=remedy, rows=tuple(int(row) for row in rows))


def _report(faults: list[VectorFault], **common: Any) -> VectorReport:
    return VectorReport(faults=tuple(faults), **common)
