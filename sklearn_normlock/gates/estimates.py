"""The estimate of each metric: which of the methods of :mod:`.statistics` it is made by."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import GateInputError
from .answers import Answers
from .statistics import (
    Estimate,
    average_precision,
    bootstrap,
    calibration,
    delong,
    normal,
    paired_shares,
    ratio,
    share,
    widened,
)
from .tasks import CALIBRATION, scored, scorer_of

_FEW = 8  # differing rows below which their spread says little of the rest
_LOSSES = {"neg_mean_absolute_error": np.abs, "neg_mean_squared_error": np.square}
_RANKED = {"roc_auc": delong, "average_precision": average_precision}

Values = tuple[float | None, float | None, Estimate]


def estimate(given: Answers, metric: Any, rows: NDArray[np.intp], seed: int) -> Values:
    """Return a metric of both on some rows, and the estimate of its change.

    Parameters
    ----------
    given : Answers
        What is compared.
    metric : str or scorer
        Which metric.
    rows : ndarray of int
        The positions of a cohort's rows.
    seed : int
        Draws rows again where a metric needs that.
    """
    if metric == "agreement":
        return _share(given, given.agree, rows)
    if metric == "negative_flips":
        if given.harm is None:
            raise GateInputError("negative_flips needs right answers.", path="metrics", remedy="Give y.")
        return _share(given, given.harm > 0, rows)
    if metric == "accuracy" and given.right is not None:
        return _accuracy(given, rows)
    if metric in _LOSSES and given.kind == "regressor":
        return _mean_loss(given, metric, rows)
    if metric == CALIBRATION:
        return _few_differ(given, rows, *_calibration(given, rows))
    if metric == "r2" and given.kind == "regressor" and given.y.ndim == 1:
        return _few_differ(given, rows, *_explained(given, rows))
    scorer = scorer_of(metric)
    scores = _scores(given, rows) if metric in _RANKED and given.weight is None else None
    if scores is not None:
        found = _RANKED[metric](*scores)
    else:
        weight, y = given.weight, given.y

        def score(at: NDArray[np.intp]) -> tuple[float, float]:
            old = scored(given.kind, given.old, scorer, y, rows[at], weight)
            return old, scored(given.kind, given.new, scorer, y, rows[at], weight)

        strata = np.unique(y[rows], return_inverse=True)[1] if given.kind == "classifier" and y.ndim == 1 else None
        found = bootstrap(score, len(rows), np.random.default_rng(seed), strata)
    return _few_differ(given, rows, *found)


def _few_differ(given: Answers, rows: NDArray[np.intp], old: float, new: float, found: Estimate) -> Values:
    """Return an estimate that is widened if almost no row differs."""
    low, high = found.interval(0.025)
    # Scores may differ in every row and rank them alike: no spread was seen, which is not to say that there is none.
    differing = _differing(given, rows) if high > low else 0
    if differing < _FEW:
        bounded = max(abs(old), abs(new)) <= 1
        found = widened(found, differing, len(rows), 1.0 if bounded else max(abs(old), abs(new)))
    return old, new, found


def _share(given: Answers, hit: NDArray[np.bool_], rows: NDArray[np.intp]) -> Values:
    size = given.effective(rows)
    return None, None, share(given.share(hit, rows) * size, size)


def _accuracy(given: Answers, rows: NDArray[np.intp]) -> Values:
    assert given.right is not None and given.harm is not None
    old, new = (given.share(right, rows) for right in given.right)
    size = given.effective(rows)
    worse, better = given.share(given.harm > 0, rows) * size, given.share(given.harm < 0, rows) * size
    return old, new, paired_shares(worse, better, size)


def _mean_loss(given: Answers, metric: str, rows: NDArray[np.intp]) -> Values:
    """Return a mean over rows: the mean of paired differences, and Student's t."""
    y = given.y[rows]
    losses = []
    for outputs in (given.old, given.new):
        gaps = _LOSSES[metric](outputs.predictions[rows] - y)
        losses.append(-gaps.reshape(len(rows), -1).mean(axis=1))
    weight = np.ones(len(rows)) if given.weight is None else given.weight[rows]
    old, new = (float(np.average(each, weights=weight)) for each in losses)
    gap = losses[1] - losses[0]
    size = given.effective(rows)
    if len(rows) < 2:
        return old, new, Estimate(new - old, lambda tail: (-math.inf, math.inf), "one row has no spread", 1.0)
    variance = float((weight**2 * (gap - (new - old)) ** 2).sum() / weight.sum() ** 2) * size / max(size - 1, 1)
    found = normal(new - old, math.sqrt(variance), max(size - 1, 1), "mean of paired differences, Student's t")
    differing = int(np.count_nonzero(gap))
    if differing < _FEW:
        found = widened(found, differing, len(rows), max(abs(old), abs(new)))
    return old, new, found


def _calibration(given: Answers, rows: NDArray[np.intp]) -> tuple[float, float, Estimate]:
    tables = [outputs.scores.get("predict_proba") for outputs in (given.old, given.new)]
    classes = given.old.classes
    if tables[0] is None or tables[1] is None:
        raise ValueError(f"{CALIBRATION} needs predict_proba of both, and the same classes")
    if classes is None or given.y.ndim > 1 or len(classes) != 2:
        raise GateInputError(f"{CALIBRATION} is of two classes.", path="metrics", remedy="Use neg_log_loss.")
    positive = given.y[rows] == classes[1]
    before, after = (np.asarray(table)[rows, 1] for table in tables)
    return calibration(positive, before, after, None if given.weight is None else given.weight[rows])


def _explained(given: Answers, rows: NDArray[np.intp]) -> tuple[float, float, Estimate]:
    """Return the share of the variance that is explained: its change is a ratio of two means."""
    y = given.y[rows]
    weight = np.ones(len(rows)) if given.weight is None else given.weight[rows]
    sizes = (y - np.average(y, weights=weight)) ** 2
    variance = float(np.average(sizes, weights=weight))
    if not variance:
        raise ValueError(f"the right answers of {len(rows)} rows are all the same")
    errors = [(outputs.predictions[rows] - y) ** 2 for outputs in (given.old, given.new)]
    old, new = (1 - float(np.average(each, weights=weight)) / variance for each in errors)
    return old, new, ratio(errors[0] - errors[1], sizes, weight, given.effective(rows), "Fieller's interval")


def _scores(given: Answers, rows: NDArray[np.intp]) -> tuple[NDArray[np.bool_], Any, Any] | None:
    """Return the positive rows and both scores of two classes; None if they are not of that form."""
    classes = given.old.classes
    if classes is None or given.y.ndim > 1 or len(classes) != 2 or not np.array_equal(classes, given.new.classes):
        return None
    scores = []
    for outputs in (given.old, given.new):
        name = "decision_function" if "decision_function" in outputs.scores else "predict_proba"
        if name not in outputs.scores:
            return None
        values = np.asarray(outputs.scores[name])[rows]
        scores.append(values[:, 1] if values.ndim == 2 else values)
    positive = given.y[rows] == classes[1]
    if min(positive.sum(), (~positive).sum()) < 2:
        few = classes[int(positive.sum() < 2)]
        raise ValueError(f"fewer than two of {len(rows)} rows are of the class {few}")
    return positive, scores[0], scores[1]


def _differing(given: Answers, rows: NDArray[np.intp]) -> int:
    """Count the rows on which anything differs that a scorer could look at."""
    differs = (given.old.predictions[rows] != given.new.predictions[rows]).reshape(len(rows), -1).any(axis=1)
    for name in set(given.old.scores) & set(given.new.scores):
        if given.old.scores[name] is None:
            continue
        one, two = np.asarray(given.old.scores[name])[rows], np.asarray(given.new.scores[name])[rows]
        differs |= (one != two).reshape(len(rows), -1).any(axis=1) if one.shape == two.shape else True
    return int(differs.sum())
