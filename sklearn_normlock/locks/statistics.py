"""What a fitted estimator says of the columns it takes: where they lie, how wide, and where their edges are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np

_TREES = 3  # of a forest, whose splits are edges


@dataclass(frozen=True, kw_only=True)
class Columns:
    """Statistics of each column.

    Parameters
    ----------
    centre, scale, low, high : ndarray of shape (n_columns,)
        In the units of the data.
    edges : ndarray of shape (n_edges, n_columns), default=None
        Where the output has a step or a bend.
    """

    centre: np.ndarray
    scale: np.ndarray
    low: np.ndarray
    high: np.ndarray
    edges: np.ndarray | None = None

    @classmethod
    def around(cls, centre: Any, scale: Any = None, edges: Any = None) -> Columns:
        """Make them from a centre and a deviation."""
        centre = _finite(centre)
        scale = np.where(centre != 0, np.abs(centre) / 4, 1.0) if scale is None else np.abs(_finite(scale))
        scale = np.where(scale > 0, scale, 1.0)
        return cls(centre=centre, scale=scale, low=centre - 4 * scale, high=centre + 4 * scale, edges=edges)

    @classmethod
    def between(cls, low: Any, high: Any, edges: Any = None) -> Columns:
        """Make them from a range."""
        low, high = _finite(low), _finite(high)
        width = np.where(high > low, high - low, 1.0)
        return cls(centre=(low + high) / 2, scale=width / 4, low=low, high=high, edges=edges)

    @classmethod
    def unknown(cls, width: int) -> Columns:
        """Make them for columns of which nothing is known."""
        return cls.around(np.zeros(width), np.ones(width))


def _finite(values: Any) -> np.ndarray:
    array = np.array(values, dtype=np.float64, ndmin=1).reshape(-1)
    return np.where(np.isfinite(array), array, 0.0)


def statistics_of(est: Any) -> Columns | None:
    """Return what an estimator says of its columns.

    Parameters
    ----------
    est : estimator
        Fitted.

    Returns
    -------
    columns : Columns or None
        None if it doesn't even say how many there are.
    """
    width = getattr(est, "n_features_in_", None)
    for source in _SOURCES:
        try:
            columns = source(est)
        except (AttributeError, TypeError, ValueError, IndexError, KeyError, StopIteration):
            continue  # it has something else under that name
        if columns is not None and len(columns.centre) and width in (None, len(columns.centre)):
            return columns
    return None if width is None else Columns.unknown(width)


def _scaler(est: Any) -> Columns:
    if getattr(est, "center_", None) is not None:  # robust
        return Columns.around(est.center_, est.scale_)
    mean, variance = est.mean_, getattr(est, "var_", None)
    scale = np.sqrt(variance) if variance is not None else getattr(est, "scale_", None)
    return Columns.around(mean, scale)


def _range(est: Any) -> Columns:
    return Columns.between(est.data_min_, est.data_max_, edges=np.array([est.data_min_, est.data_max_]))


def _largest(est: Any) -> Columns:
    return Columns.between(-np.asarray(est.max_abs_), est.max_abs_)


def _quantiles(est: Any) -> Columns:
    edges = np.asarray(est.quantiles_)
    return Columns.between(edges[0], edges[-1], edges=edges)


def _bins(est: Any) -> Columns:
    return _from_edges([np.asarray(edges) for edges in est.bin_edges_])


def _knots(est: Any) -> Columns:
    inner = [np.asarray(spline.t)[spline.k : -spline.k or None] for spline in est.bsplines_]
    return _from_edges(inner)


def _from_edges(each: list[np.ndarray]) -> Columns:
    most = max(map(len, each))
    # A column with fewer edges is probed at its last one again.
    edges = np.column_stack([edges[np.minimum(np.arange(most), len(edges) - 1)] for edges in each])
    return Columns.between(edges[0], edges[-1], edges=edges)


def _statistics(est: Any) -> Columns:
    """Of an imputer."""
    statistics = getattr(est, "statistics_", None)
    if statistics is None:
        statistics = est.initial_imputer_.statistics_
    return Columns.around(np.asarray(statistics, dtype=np.float64))


def _rows(est: Any) -> Columns:
    """Of what keeps its training rows: their range, never a row."""
    names = ("_fit_X", "X_train_", "support_vectors_")
    rows = next(value for name in names if (value := getattr(est, name, None)) is not None)
    if hasattr(rows, "toarray"):
        rows = rows.toarray()
    return Columns.between(np.nanmin(rows, axis=0), np.nanmax(rows, axis=0))


def _power(est: Any) -> Columns:
    """Of a power transform: where its data lay is what the inverse makes of the middle and of one deviation."""
    points = np.asarray(est.inverse_transform(np.array([[-1.0], [0.0], [1.0]]) * np.ones(len(est.lambdas_))))
    return Columns.around(points[1], (points[2] - points[0]) / 2, edges=points)


def _centres(est: Any) -> Columns:
    for name in ("cluster_centers_", "centroids_", "means_", "theta_", "subcluster_centers_"):
        centres = getattr(est, name, None)
        if centres is not None:
            spread = np.std(centres, axis=0)
            return Columns.around(np.mean(centres, axis=0), np.where(spread > 0, spread, 1.0))
    raise AttributeError


def _trees(est: Any) -> Columns:
    splits: dict[int, list[float]] = {}
    for tree in islice(_tree_objects(est), _TREES):
        for feature, threshold in zip(tree.feature, tree.threshold, strict=True):
            if feature >= 0:
                splits.setdefault(int(feature), []).append(float(threshold))
    if not splits:
        raise AttributeError
    return _from_edges([np.unique(splits.get(j, [0.0])) for j in range(est.n_features_in_)])


def _tree_objects(est: Any) -> Iterator[Any]:
    if hasattr(est, "tree_"):
        yield est.tree_
        return
    for member in np.ravel(np.asarray(est.estimators_, dtype=object)):
        yield member.tree_


def _histogram(est: Any) -> Columns:
    thresholds = [np.asarray(edges) for edges in est._bin_mapper.bin_thresholds_]
    return _from_edges([edges if len(edges) else np.zeros(1) for edges in thresholds])


def _width_alone(est: Any) -> Columns:
    """Of what doesn't say its width by the usual name."""
    for name in ("idf_", "lambdas_", "coef_"):
        value = getattr(est, name, None)
        if value is not None:
            return Columns.unknown(int(np.shape(value)[-1]))
    raise AttributeError


_SOURCES: tuple[Callable[[Any], Columns], ...] = (
    _range,
    _largest,
    _quantiles,
    _bins,
    _knots,
    _statistics,
    _power,
    _scaler,
    _trees,
    _histogram,
    _rows,
    _centres,
    _width_alone,
)
