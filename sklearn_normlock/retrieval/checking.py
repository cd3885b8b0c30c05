"""Tell what is wrong with vectors: lengths row by row, precision, and directions as a whole.

A fault has a name only if it explains what is seen better than the others do. Vectors that were centred have lost the
mean but vary as before, and those of another model have lost both. Those that were cut at the wrong end point where the
last columns point.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from .effects import of_lengths
from .report import Effect, VectorFault, VectorReport, by_effect
from .vectors import LEAST, Array, Directions, column_figures, lengths, sample, unit

if TYPE_CHECKING:
    from .contract import EmbeddingContract

_UNLIKE = 0.2  # share of variance below which vectors that keep the mean alone say nothing of their model
_KEPT = 0.4  # share of mean or variance below which it is lost: other topics keep more
_VARIES = 0.55  # share of the variance from which vectors vary as those of the contract do
_ALIKE = 1e-3  # spread of lengths, relative to their mean, below which all have one length
_TOLD = 1.001  # how far beyond the lengths at fit a length must be
_NORMALISE = "Normalise them to length 1, as the vectors of the contract are"


class _Check:
    """The vectors of one check, what was measured of them, and what was found."""

    def __init__(self, contract: EmbeddingContract, V: Any, side: str) -> None:
        self.contract, self.V, self.side = contract, V, side
        self.metric = contract.metric
        self.faults: list[VectorFault] = []
        self.not_judged: dict[str, str] = {}
        self.length = lengths(V)
        self.finite = np.isfinite(self.length)
        self.usable = self.finite & (self.length > 0)
        self.tolerance = max(contract.tolerance_, 2e-3 if V.dtype == np.float16 else 0.0)
        self.drawn = sample(V, self.usable) if self.usable.any() else np.empty((0, V.shape[1]))

    def add(self, name: str, effect: Effect, text: str, remedy: str, **more: Any) -> None:
        self.faults.append(VectorFault(name=name, effect=effect, text=text, remedy=f"{remedy}.", **more))

    def add_lengths(self, name: str, text: str, remedy: str, *, uniform: bool = False, **more: Any) -> None:
        """Add a fault that leaves directions as they were."""
        effect = of_lengths(self.metric, self.side, uniform=uniform, unit_index=bool(self.contract.normalized_))
        self.add(name, effect, text, remedy, **more)

    @property
    def named(self) -> set[str]:
        return {fault.name for fault in self.faults}


def check_vectors(contract: EmbeddingContract, V: Any, side: str, model: str | None) -> VectorReport:
    """Return what is wrong with vectors.

    Parameters
    ----------
    contract : EmbeddingContract
        Fitted.
    V : ndarray of shape (n_vectors, n_columns)
        The vectors.
    side : {"index", "query"}
        What they are used for.
    model : str or None
        The name of the model that made them.
    """
    check = _Check(contract, V, side)
    if model is not None and contract.model is not None and model != contract.model:
        check.add(
            "another_model",
            Effect.RANKING,
            f"They are from {model!r}, and the contract is about {contract.model!r}",
            "Embed both sides with one model",
        )
    measures: dict[str, float] = {}
    if _width(check):
        _rows(check)
        _precision(check)
        if len(check.drawn):
            measures = _directions(check)
            _lengths(check)
            known = check.length[check.usable]
            middle = float(np.median(known))
            measures = {"least length": float(known.min()), "median length": middle, **measures}
            measures["greatest length"] = float(known.max())
    return VectorReport(
        faults=by_effect(check.faults),
        not_judged=check.not_judged,
        measures=measures,
        n_rows=len(V),
        metric=contract.metric,
        side=side,
    )


def _width(check: _Check) -> bool:
    """Judge the width; tell whether the rest can be judged."""
    V, dim = check.V, check.contract.dim_
    rows, width = V.shape
    if width == dim:
        return True
    shape = f"They have {width} columns, and the index has {dim}"
    if rows == dim:
        check.add("transposed", Effect.UNUSABLE, f"{shape}, which is how many rows they have", "Transpose the array")
    elif V.dtype == np.uint8 and width == -(-dim // 8):
        check.add(
            "binary", Effect.UNUSABLE, f"{shape}: one bit a dimension, in bytes", "Search them by Hamming distance"
        )
    elif len(check.contract.tail_mean_) and width > dim:
        check.add("not_truncated", Effect.UNUSABLE, shape, f"Keep the first {dim} columns, and normalise them again")
    elif width < dim:
        check.add("truncated", Effect.UNUSABLE, shape, "Embed them in the width of the index")
    else:
        check.add("another_width", Effect.UNUSABLE, shape, "Embed them with the model of the index")
    return False


def _rows(check: _Check) -> None:
    """Judge rows that nothing can be said of."""
    broken = np.flatnonzero(~check.finite)
    if len(broken):
        text = f"{len(broken):,} of {len(check.V):,} vectors are not finite"
        check.add(
            "not_finite", Effect.UNUSABLE, text, "Find out what made them: a text of no tokens, say", rows=_of(broken)
        )
    zero = np.flatnonzero(check.length == 0)
    if len(zero):
        effect = Effect.UNUSABLE if check.metric == "cosine" else Effect.RANKING
        text = f"{len(zero):,} of {len(check.V):,} vectors are zero, which has no direction"
        check.add("zero", effect, text, "Leave them out, and find out what made them", rows=_of(zero))


def _precision(check: _Check) -> None:
    """Judge whether numbers were rounded to fewer values than those of the contract."""
    V, drawn, contract = check.V, check.drawn, check.contract
    if not len(drawn):
        return
    if contract.dtype_ in ("bool", "int8", "uint8"):
        if V.dtype.name != contract.dtype_:
            check.not_judged["precision"] = (
                f"the contract's vectors are {contract.dtype_}, and these are {V.dtype.name}; pass them as stored"
            )
        return
    few = np.unique(drawn[:64])
    values = len(few)
    enough = drawn[:64].size >= 256
    if V.dtype.kind == "b" or (enough and values <= 2 and contract.n_levels_ != 2):
        text = "They have one bit a dimension: " + ", ".join(f"{value:g}" for value in few)
        check.add("binary", Effect.RANKING, text, "Search them by Hamming distance, or embed them anew in floats")
    elif not contract.n_levels_ and (V.dtype.kind in "iu" or (enough and in_8_bits(drawn[:64]))):
        text = f"They are quantised to 8 bits, in {V.dtype.name}"
        check.add("int8", Effect.RANKING, f"{text}: neighbours that are nearly as near change places", "Use floats")
    elif contract.dtype_ != "float16" and in_half(V, drawn):
        what = "They are float16" if V.dtype == np.float16 else f"They are {V.dtype.name}, rounded to float16 before"
        effect = Effect.SCORES
        check.add("float16", effect, f"{what}: scores move by about 1e-3", "Use float32 on both sides")


def in_8_bits(V: Array) -> bool:
    """Tell whether vectors are whole multiples of one step, or each row of a step of its own, at most 127 of them."""
    if V.shape[1] < 16:
        return False
    steps = V * (127.0 / np.abs(V).max(axis=1, keepdims=True))
    if np.all(np.abs(steps - np.rint(steps)) < 1e-3):
        return True
    values = np.unique(V)
    return len(values) <= 256 and V.size >= 16 * len(values)


def in_half(V: Any, drawn: Array) -> bool:
    """Tell whether vectors are float16, or were rounded to it."""
    if V.dtype == np.float16:
        return True
    if V.dtype.kind != "f" or drawn.size < 64:
        return False
    with np.errstate(over="ignore"):
        return bool(np.array_equal(drawn.astype(np.float16).astype(np.float64), drawn))


# -- directions --------------------------------------------------------------------------------------------------------


def _directions(check: _Check) -> dict[str, float]:
    """Judge where vectors point; return the shares that were measured."""
    contract, known = check.contract, check.contract.directions
    padded = _trailing_zeros(check.drawn)
    if padded and padded < contract.dim_ and known.mean[-padded:].any():
        text = f"The last {padded} of {contract.dim_} columns are zero in every row"
        check.add("truncated", Effect.RANKING, text, "Embed them in the width of the index, or cut the index too")
        return {}
    U = unit(check.drawn)
    if not known.shows_mean and not known.shows_variance:
        check.not_judged["another_model, centred, wrong_end"] = (
            "the vectors of the contract point everywhere alike; compare_embeddings tells it from the same texts"
            if known.count >= 2 * LEAST
            else f"the contract was learned from {known.count} vectors; fit it with {2 * LEAST} or more"
        )
        return {}
    if len(U) < LEAST:
        check.not_judged["another_model, centred, wrong_end"] = (
            f"directions are judged from {LEAST} vectors on; check more of them at once"
        )
        return {}
    state = _kept(known, U)
    figures = {key: value for key, value in state.items() if key in ("kept mean", "kept variance")}
    lost = state["lost"] > 0
    if state.get("kept mean", 0.0) + 4 * state.get("noise of mean", 0.0) < -_KEPT:
        check.add("negated", Effect.RANKING, "They point the opposite way", "Find out where the sign was lost")
    elif state["centred"] > 0:
        # A vector that is taken from the whole index takes one number from all scores of a query by inner product.
        unit_lengths = bool(np.all(np.abs(check.length[check.usable] - 1) <= check.tolerance))
        one_number = check.metric == "ip" and check.side == "index" and not unit_lengths
        check.add(
            "centred",
            Effect.SCORES if one_number else Effect.RANKING,
            f"Their mean was taken away: it has {state['size of mean']:.0%} of the length that it had",
            "Don't centre them, or centre both sides by one mean and build the index anew",
            equals=() if known.shows_variance else ("another_model",),
        )
    elif lost:
        _name_directions(check, U, figures)
    elif state["unlike"] > 0:
        check.not_judged["another_model"] = (
            "they keep the mean of the contract's vectors and nothing of how these vary, as another topic or another "
            "model may; compare_embeddings tells it from the same texts"
        )
    return figures


def _kept(known: Directions, U: Array) -> Mapping[str, float]:
    """Return what vectors keep of the directions of a contract, and which of centred and lost that means."""
    found: dict[str, float] = {}
    shares, noises, gone, size = [], [], False, 1.0
    found["unlike"] = 0.0
    if known.shows_mean:
        share, noise, size = known.kept_mean(U)
        found |= {"kept mean": share, "noise of mean": noise, "size of mean": size}
        gone = share + 4 * noise < _KEPT
        shares.append(share)
        noises.append(noise)
    small = gone and size < _KEPT
    if known.shows_variance:
        share, noise = known.kept_variance(U)
        found["kept variance"] = share
        shares.append(share)
        noises.append(noise)
        # Vectors that vary as before are of this model: a mean that is mostly gone was then taken away.
        small = gone and share > _VARIES and size < 2 * _KEPT
        found["unlike"] = float(known.shows_mean and share + 4 * noise < _UNLIKE)
    found["centred"] = float(small)
    found["lost"] = float(np.mean(shares) + 4 * np.linalg.norm(noises) / len(noises) < _KEPT + 0.05)
    return found


def _name_directions(check: _Check, U: Array, figures: Mapping[str, float]) -> None:
    contract, known = check.contract, check.contract.directions
    seen = ", ".join(f"{share:.0%} of the {name.removeprefix('kept ')}" for name, share in figures.items())
    text = f"They don't point where the contract's vectors point: they keep {seen}"
    tail = contract.tail
    if tail is not None and _found_again(tail, U):
        check.add(
            "wrong_end",
            Effect.RANKING,
            f"They are the last {contract.dim_} columns of the model's vectors: there they point where those point",
            f"Keep the first {contract.dim_} columns",
        )
    elif _found_again(known, U[:, ::-1]):
        check.add("reversed", Effect.RANKING, f"{text}; from the last column to the first they do", "Keep the order")
    else:
        check.add(
            "another_model",
            Effect.RANKING,
            text,
            "Embed both sides with one model and one build of it",
            equals=("another pooling",)
            if tail is not None
            else ("another pooling", "wrong_end", "columns in another order"),
        )


def _found_again(known: Directions, U: Array) -> bool:
    """Tell whether vectors point where others do, in all that can be seen of it."""
    if not known.shows_mean and not known.shows_variance:
        return False
    means = not known.shows_mean or known.kept_mean(U)[0] > 2 * _KEPT
    return means and (not known.shows_variance or known.kept_variance(U)[0] > _KEPT)


def _trailing_zeros(V: Array) -> int:
    columns = np.flatnonzero(np.any(V != 0, axis=0))
    return V.shape[1] - (int(columns[-1]) + 1 if len(columns) else 0)


# -- lengths -----------------------------------------------------------------------------------------------------------

#: Faults that move lengths too, or take the place of a name for them.
_EXPLAINS = frozenset({"int8", "binary", "truncated", "wrong_axis", "standardised"})


def _lengths(check: _Check) -> None:
    if check.named & _EXPLAINS:
        return
    if check.contract.normalized_:
        _against_unit(check)
    else:
        _against_raw(check)


def _against_unit(check: _Check) -> None:
    """Judge lengths where all should be 1."""
    odd = (np.abs(check.length - 1) > check.tolerance) & check.usable
    count, usable = int(odd.sum()), int(check.usable.sum())
    if not count:
        return
    known = check.length[odd]
    low, high = float(known.min()), float(known.max())
    between = f"their lengths are {low:.4g} to {high:.4g}" if high > low else f"its length is {low:.4g}"
    if count < usable:
        check.add_lengths(
            "mixed",
            f"{count:,} of {usable:,} vectors don't have length 1; {between}",
            _NORMALISE,
            rows=_of(np.flatnonzero(odd)),
        )
        return
    if _by_columns(check):
        return
    factor = float(known.mean())
    if high - low < _ALIKE * factor and count > 1:
        text = f"All have the length {factor:.6g}"
        check.add_lengths("scaled", text, _NORMALISE, uniform=True)
        return
    if "centred" in check.named:
        return  # which moves lengths
    short = check.contract.short_norm_quantiles_
    if len(short) and low > short[0] / 1.5 and high < min(short[-1] * 1.5, 1.0):
        check.add_lengths(
            "truncated_not_renormalised",
            f"They were cut to {check.contract.dim_} columns and not brought back to length 1: {between}",
            _NORMALISE,
        )
        return
    for name, measure in _OTHER_NORMS.items():
        if count > 1 and np.all(np.abs(measure(check.drawn) - 1) < 2 * check.tolerance):
            check.add_lengths(name, f"They were normalised by another norm: {between}", _NORMALISE)
            return
    equals = ("truncated_not_renormalised",) if high < 1 else ()
    check.add_lengths("not_normalised", f"No vector has length 1: {between}", _NORMALISE, equals=equals)


_OTHER_NORMS = {
    "l1_normalised": lambda V: np.abs(V).sum(axis=1),
    "max_normalised": lambda V: np.abs(V).max(axis=1),
}


def _by_columns(check: _Check) -> bool:
    """Tell whether columns were normalised in place of rows."""
    V = check.V
    if len(V) < 3:
        return False
    total, square = column_figures(V)
    with np.errstate(all="ignore"):
        if np.all(np.abs(np.sqrt(square) - 1) < 1e-3):
            text = "Every column has length 1 over the rows of this batch: the wrong axis was normalised"
            check.add("wrong_axis", Effect.RANKING, text, "Normalise along the last axis: axis=1, not axis=0")
            return True
        mean = total / len(V)
        deviation = np.sqrt(np.maximum(square / len(V) - mean**2, 0.0))
        for rows in (len(V), len(V) - 1):  # which of both divisors was used is not known
            unit_deviation = np.abs(deviation * np.sqrt(len(V) / rows) - 1) < 1e-3
            if np.all(np.abs(mean) < 1e-3) and np.all(unit_deviation):
                text = "Every column has mean 0 and deviation 1 over the rows of this batch: columns were standardised"
                check.add("standardised", Effect.RANKING, text, "Leave columns as they are, and normalise the rows")
                return True
    return False


def _against_raw(check: _Check) -> None:
    """Judge lengths where they differ from vector to vector."""
    quantiles = check.contract.norm_quantiles_
    low, high = float(quantiles[0]), float(quantiles[-1])
    outside_one = low > _TOLD + check.tolerance or high < 1 / _TOLD - check.tolerance
    known = check.length[check.usable]
    of_one = (np.abs(check.length - 1) <= check.tolerance) & check.usable
    count, usable = int(of_one.sum()), len(known)
    if count and (outside_one or (count == usable and usable > 2)):
        text = f"{count:,} of {usable:,} vectors have length 1; those of the contract have {low:.4g} to {high:.4g}"
        remedy = "Leave them at their own lengths, or normalise all and fit the contract anew"
        if count == usable:
            check.add_lengths("normalised", text, remedy)
        else:
            check.add_lengths("mixed", text, remedy, rows=_of(np.flatnonzero(of_one)))
        return
    middle = float(np.median(known)) / float(np.median(quantiles))
    if usable >= LEAST and not low <= float(np.median(known)) <= high and "centred" not in check.named:
        if not _by_columns(check):
            text = f"Their lengths are {middle:.4g} times those of the contract"
            check.add_lengths("scaled", text, "Find out which side has another unit", uniform=True)
        return
    apart = ((check.length < low / 4) | (check.length > high * 4)) & check.usable
    if apart.any():
        text = f"{int(apart.sum()):,} of {usable:,} vectors are far from the lengths {low:.4g} to {high:.4g}"
        check.add_lengths("mixed", text, "Find out what made these rows", rows=_of(np.flatnonzero(apart)))


def _of(rows: Any) -> tuple[int, ...]:
    return tuple(rows.tolist())
