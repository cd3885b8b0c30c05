"""Labels that differ at a tie: two classes are equally likely, and round-off decides which one is named.

The scores of such a row say what the object does; its label says nothing. A label is only excused where the scores of
all rows agree within their tolerance, and both labels are among the classes whose scores are the highest by no more
than that tolerance.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from .outputs import TOLERANCES, numbers_of
from .parts import Output


def differing_labels(expected: Output, actual: Output) -> list[tuple[int, ...]] | None:
    """Return where labels differ, or None if they are not labels, or not of one shape."""
    if expected.shape != actual.shape or len(expected.shape) not in (1, 2):
        return None
    if expected.dtype == actual.dtype == "text":
        if len(expected.texts) != len(actual.texts):
            return None
        differ = np.array([a != b for a, b in zip(expected.texts, actual.texts, strict=True)], dtype=bool)
    elif "text" not in (expected.dtype, actual.dtype) and not (expected.magnitude or actual.magnitude):
        differ = numbers_of(expected) != numbers_of(actual)
    else:
        return None
    return [tuple(int(i) for i in np.unravel_index(k, expected.shape)) for k in np.flatnonzero(differ)]


def is_tie(
    place: tuple[int, ...], labels: tuple[str, str], scores: Mapping[str, Any], est: Any, rtol: float | None
) -> bool:
    """Tell whether a label differs because round-off decides it.

    Parameters
    ----------
    place : tuple of int
        The row, and the column of several targets.
    labels : (str, str)
        The label that was expected, and the one that is there.
    scores : mapping of str to array
        By method, scores that agree with the expected ones.
    est : estimator
        Whose labels they are.
    rtol : float, default=None
        As in :func:`~sklearn_normlock.probes.outputs.compare_outputs`.
    """
    row, *target = place
    classes: Any = getattr(est, "classes_", None)
    for method, threshold in (("predict_proba", 0.5), ("decision_function", 0.0), ("transform", None)):
        name = f"{method}[{target[0]}]" if target and f"{method}[{target[0]}]" in scores else method
        if name not in scores or (threshold is None and not hasattr(est, "labels_")):
            continue
        table = np.asarray(scores[name])
        if table.dtype.kind != "f" or not len(table):
            return False
        tolerance = max(TOLERANCES.get(f"f{table.dtype.itemsize}", 0.0), rtol or 0.0)
        within = tolerance * float(np.abs(table[np.isfinite(table)]).max(initial=0.0))
        if threshold is None:
            table = -table  # distances: the nearest is named
        if table.ndim == 1:
            return bool(abs(table[row] - (threshold or 0.0)) <= within)
        if target and name == method:  # a score for each of several labels, which may hold together
            return table.ndim == 2 and bool(abs(table[row, target[0]] - (threshold or 0.0)) <= within)
        if target:
            classes = classes[target[0]] if isinstance(classes, list) else None
        return table.ndim == 2 and _highest(table[row], within, classes, labels)
    return False


def _highest(row: np.ndarray, within: float, classes: Any, labels: tuple[str, str]) -> bool:
    """Tell whether both labels are among those whose scores are the highest."""
    names: Sequence[Any] = range(len(row)) if classes is None else list(classes)
    if len(names) != len(row):
        return False
    highest = {_name(name) for name, score in zip(names, row, strict=True) if row.max() - score <= within}
    return set(labels) <= highest


def _name(label: Any) -> str:
    """Return a label as text; a number as a float, as outputs are kept."""
    item = label.item() if isinstance(label, np.generic) else label
    return item if isinstance(item, str) else str(float(item)) if isinstance(item, (int, float)) else str(item)


def label_at(output: Output, place: tuple[int, ...]) -> str:
    """Return the label at a place of an output as text."""
    flat = int(np.ravel_multi_index(place, output.shape))
    return output.texts[flat] if output.dtype == "text" else str(float(numbers_of(output)[flat]))


def tied(before: Output, output: Output, scores: Mapping[str, Any], est: Any, rtol: float | None) -> str | None:
    """Say which labels differ at a tie, if all that differ do."""
    places = differing_labels(before, output)
    if not places:
        return None
    pairs = [(label_at(before, place), label_at(output, place)) for place in places]
    if not all(is_tie(place, pair, scores, est, rtol) for place, pair in zip(places, pairs, strict=True)):
        return None
    shown = f"row {places[0][0]}: {pairs[0][0]} → {pairs[0][1]}"
    more = f", and {len(places) - 1} more" if len(places) > 1 else ""
    return f"({shown}{more}): a tie, judged by its scores, which agree"
