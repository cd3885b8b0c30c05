"""Two sets of answers side by side, checked: the same rows, the same kind, and which rows got worse."""

from __future__ import annotations

import warnings
from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import GateInputError
from .report import Shift
from .tasks import KINDS, Outputs, as_rows, kind_of_answers

_MARGIN = 0.05  # standard deviations by which a number must change to count
_SHOWN = 12  # classes or columns whose shift is told
_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


@dataclass(frozen=True)
class Answers:
    """The answers that are compared.

    ``agree`` says of each row whether both answered the same. ``harm`` is 1 where the new one got worse and -1 where it
    got better. ``right`` has, for labels, which answers of either were right.
    """

    kind: str
    old: Outputs
    new: Outputs
    y: Any
    weight: Any
    agree: NDArray[np.bool_]
    harm: NDArray[np.int8] | None
    right: tuple[NDArray[np.bool_], NDArray[np.bool_]] | None
    margin: float | None
    not_finite: int

    @property
    def n_rows(self) -> int:
        """How many rows there are."""
        return len(self.agree)

    def effective(self, rows: Any) -> float:
        """Return as how many rows of equal weight these count (Kish 1965)."""
        if self.weight is None:
            return float(len(rows))
        weight = self.weight[rows]
        return float(weight.sum() ** 2 / max((weight**2).sum(), np.finfo(float).tiny))

    def share(self, hit: NDArray[np.bool_], rows: Any) -> float:
        """Return the share of rows that are hit, by weight."""
        if self.weight is None:
            return float(np.mean(hit[rows]))
        return float(np.average(hit[rows], weights=self.weight[rows]))


def answers_of(old: Outputs, new: Outputs, y: Any, sample_weight: Any, kind: str | None, margin: Any) -> Answers:
    """Check two sets of answers, and lay them side by side.

    Raises
    ------
    GateInputError
        If they can't be compared, and why.
    """
    if kind is not None and kind not in KINDS:
        raise GateInputError(f"kind is {kind!r}; it must be one of {', '.join(KINDS)}.", path="kind", actual=kind)
    before, after = as_rows(np.asarray(old.predictions)), as_rows(np.asarray(new.predictions))
    n = len(before)
    if n == 0:
        raise GateInputError("There are no rows to judge by.", path="X", remedy="Give a reference set with rows.")
    if before.shape != after.shape:
        raise GateInputError(
            f"The old one answers with shape {before.shape}, the new one with {after.shape}.",
            expected=before.shape,
            actual=after.shape,
            remedy="Compare two that answer the same question.",
        )
    target = None if y is None else _target(y, n)
    if kind is None:
        kind = kind_of_answers(before, target)
    numbers = kind in ("regressor", "transformer")
    if numbers and (before.dtype.kind not in "fiub" or after.dtype.kind not in "fiub"):
        raise GateInputError(
            f"A {kind} puts out numbers; these answers are of dtype {before.dtype} and {after.dtype}.",
            remedy="Compare two of the same kind.",
        )
    if not numbers:
        _same_labels(before, after, target)
    if target is not None and target.shape != before.shape and kind in ("classifier", "regressor"):
        raise GateInputError(
            f"y has shape {target.shape}, the answers have {before.shape}.",
            path="y",
            expected=before.shape,
            actual=target.shape,
            remedy="Give one right answer for each answer.",
        )
    weight = None if sample_weight is None else _weight(sample_weight, n)
    broken = 0
    if before.dtype.kind == "f" or after.dtype.kind == "f":
        finite = [np.isfinite(each.astype(float)).reshape(n, -1).all(axis=1) for each in (before, after)]
        broken = int((finite[0] & ~finite[1]).sum())
        if (~finite[0]).any() and kind != "transformer":  # which may hand missing values on
            raise GateInputError(
                f"The old one puts out NaN or infinity in {int((~finite[0]).sum())} rows: there is nothing to compare "
                "with.",
                remedy="Leave these rows out.",
            )
    aligned = old.classes is None or new.classes is None or np.array_equal(old.classes, new.classes)
    scores = [each.scores if aligned else dict.fromkeys(each.scores) for each in (old, new)]
    old = Outputs(predictions=before, scores=scores[0], classes=old.classes)
    new = Outputs(predictions=after, scores=scores[1], classes=new.classes)
    if numbers:
        return _numbers(kind, old, new, target, weight, margin, broken)
    agree = _same(before, after)
    if target is None or kind != "classifier":
        return Answers(kind, old, new, None, weight, agree, None, None, None, broken)
    right = _same(before, target), _same(after, target)
    harm = right[0].astype(np.int8) - right[1].astype(np.int8)
    return Answers(kind, old, new, target, weight, agree, harm, right, None, broken)


def _numbers(kind: str, old: Outputs, new: Outputs, y: Any, weight: Any, margin: float | None, broken: int) -> Answers:
    before, after = old.predictions.astype(float), new.predictions.astype(float)
    columns = before if before.ndim == 2 else before[:, None]
    if y is not None and y.dtype.kind not in "fiubO":
        raise GateInputError(
            f"y is of dtype {y.dtype}, and the answers are numbers.",
            path="y",
            actual=str(y.dtype),
            remedy="Give the right numbers, or compare two classifiers.",
        )
    try:
        y = None if y is None else np.asarray(y, float)
    except (TypeError, ValueError) as error:
        raise GateInputError(f"y has values that are no numbers ({error}).", path="y", remedy="Give numbers.") from None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a column without a number has no deviation
        scale = np.nanstd(columns if y is None else y.reshape(len(columns), -1), axis=0)
    allowed = _MARGIN * scale if margin is None else np.full(columns.shape[1], float(margin))
    with np.errstate(invalid="ignore"):
        moved = np.abs(after - before).reshape(len(before), -1)
    alike = (np.isnan(before) & np.isnan(after)) | (before == after)  # the same infinity, too
    agree = ((moved <= allowed) | alike.reshape(moved.shape)).all(axis=1)
    if y is None or kind != "regressor":
        return Answers(kind, old, new, None, weight, agree, None, None, float(allowed.mean()), broken)
    with np.errstate(invalid="ignore"):
        errors = [np.abs(each - y).reshape(len(before), -1).mean(axis=1) for each in (before, after)]
        grown = errors[1] - errors[0]
    limit = float(allowed.mean())
    harm = (grown > limit).astype(np.int8) - (grown < -limit).astype(np.int8)
    return Answers(kind, old, new, y, weight, agree, harm, None, limit, broken)


def _target(y: Any, n: int) -> NDArray[Any]:
    plain = y.toarray() if hasattr(y, "toarray") else y.to_numpy() if hasattr(y, "to_numpy") else y
    array = np.asarray(plain)
    if array.ndim not in (1, 2) or len(array) != n:
        raise GateInputError(
            f"y has shape {array.shape}; there are {n} rows.",
            path="y",
            expected=(n,),
            actual=array.shape,
            remedy="Give one right answer for each row.",
        )
    flat = array.ravel()
    if array.dtype.kind == "f":
        missing = int((~np.isfinite(flat)).sum())
    else:
        missing = sum(v is None or v != v for v in flat.tolist()) if array.dtype.kind == "O" else 0
    if missing:
        raise GateInputError(
            f"y is missing or not finite in {missing} of {n} rows.",
            path="y",
            actual=missing,
            remedy="Judge by the rows whose right answers are known.",
        )
    return as_rows(array)


def _weight(sample_weight: Any, n: int) -> NDArray[np.float64]:
    try:
        weight = np.asarray(sample_weight, dtype=float)
    except (TypeError, ValueError):
        weight = np.empty(0)
    if weight.shape != (n,) or not np.isfinite(weight).all() or (weight < 0).any() or not weight.any():
        raise GateInputError(
            f"sample_weight should be {n} finite numbers, none negative and not all zero.",
            path="sample_weight",
            actual=weight.shape,
            remedy="Give one weight for each row.",
        )
    return weight / weight.max()


def _same(one: NDArray[Any], other: NDArray[Any]) -> NDArray[np.bool_]:
    return np.asarray((one == other).reshape(len(one), -1).all(axis=1))


def _same_labels(before: NDArray[Any], after: NDArray[Any], y: NDArray[Any] | None) -> None:
    """Refuse texts beside numbers: no row would agree, and no metric would say why."""
    kinds = {name: _is_text(each) for name, each in (("old", before), ("new", after), ("y", y)) if each is not None}
    if len(set(kinds.values())) > 1:
        said = ", ".join(f"{name} has {'text' if text else 'numbers'}" for name, text in kinds.items())
        raise GateInputError(f"Labels can't be compared: {said}.", remedy="Give labels of one type.")


def _is_text(array: NDArray[Any]) -> bool:
    if array.dtype.kind in "US":
        return True
    return array.dtype.kind == "O" and any(isinstance(value, str) for value in array.ravel()[:100].tolist())


def _counted(values: NDArray[Any]) -> list[tuple[Any, int]]:
    if values.dtype.kind == "O":  # which may have no order
        return list(Counter(values.tolist()).items())
    return list(zip(*(each.tolist() for each in np.unique(values, return_counts=True)), strict=True))


def shifts_of(given: Answers) -> tuple[Shift, ...]:
    """Return how the outputs moved."""
    before, after = given.old.predictions, given.new.predictions
    n = given.n_rows
    if given.kind in ("regressor", "transformer"):
        one, two = before.reshape(n, -1).astype(float), after.reshape(n, -1).astype(float)
        shifts = []
        for j in range(min(one.shape[1], _SHOWN)):
            name = "prediction" if one.shape[1] == 1 else f"output {j}"
            known = [each[np.isfinite(each)] for each in (one[:, j], two[:, j])]
            if not all(map(len, known)):
                continue
            quantiles = [tuple(np.quantile(each, _QUANTILES).tolist()) for each in known]
            both = np.isfinite(one[:, j]) & np.isfinite(two[:, j])
            largest = float(np.abs(two[both, j] - one[both, j]).max(initial=0.0))
            shifts.append(Shift(output=name, old=quantiles[0], new=quantiles[1], largest=largest))
        return tuple(shifts)
    if before.ndim != 1:
        return ()
    counts: dict[Any, list[int]] = {}
    for place, values in enumerate((before, after)):
        for label, count in _counted(values):
            counts.setdefault(label, [0, 0])[place] = count
    largest_first = sorted(counts.items(), key=lambda each: (-max(each[1]), str(each[0])))[:_SHOWN]
    return tuple(Shift(output=str(label), old=(a / n,), new=(b / n,)) for label, (a, b) in largest_first)
