"""The knowledge of a fitted estimator about its columns, and rows made from it.

Where they lie, how wide they are, and where their edges are. An estimator that doesn't say so itself is asked for the
first estimator in it that does, at any depth: a scaler in a pipeline in a chain, for example.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np

from .members import members_of, width_of
from .walk import steps_of

_MEMBERS = 16  # of an ensemble, that are asked for statistics
_TREES = 3  # of a forest, whose splits are edges
_LADDER = (0.0, 1.0, -1.0, 0.5, -0.5, 2.0, -2.0, 1 / 3, -3.0, 3.0, 0.1, -6.0)  # in standard deviations
_EDGES = 5  # edges of a column that are probed, on both sides of each


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

    def only(self, at: list[int]) -> Columns:
        """Return the statistics of some of the columns."""
        edges = None if self.edges is None else self.edges[:, at]
        return Columns(centre=self.centre[at], scale=self.scale[at], low=self.low[at], high=self.high[at], edges=edges)

    def among(self, others: Columns, at: np.ndarray) -> Columns:
        """Return the statistics of others with these in their place at some columns."""

        def placed(mine: np.ndarray, theirs: np.ndarray) -> np.ndarray:
            result = theirs.copy()
            result[..., at] = mine
            return result

        edges = others.edges
        if self.edges is not None:
            edges = placed(self.edges, np.tile(others.centre, (len(self.edges), 1)))
        return Columns(
            centre=placed(self.centre, others.centre),
            scale=placed(self.scale, others.scale),
            low=placed(self.low, others.low),
            high=placed(self.high, others.high),
            edges=edges,
        )


def number_rows(columns: Columns, variant: int) -> np.ndarray:
    """Return rows around the centre of each column and at its edges.

    Parameters
    ----------
    columns : Columns
        Statistics of each column.
    variant : int
        As in :func:`~sklearn_normlock.probes.synthesis.rows_for`.

    Returns
    -------
    rows : ndarray of shape (n_rows, n_columns)
    """
    width = len(columns.centre)
    if variant == 4:
        return (np.arange(8)[:, None] + np.arange(width)[None, :]) % 3 + 0.0
    if variant == 3:
        return ((np.arange(9)[:, None] * 3 + np.arange(width)[None, :]) % 9) / 8.0
    ladder = np.asarray(_LADDER)
    # Another rung in each column of a row, so that columns don't only move together.
    rung = ladder[(np.arange(len(ladder))[:, None] + 5 * np.arange(width)[None, :]) % len(ladder)]
    with np.errstate(over="ignore", invalid="ignore"):
        blocks = [columns.centre + rung * columns.scale]
        blocks.append((columns.centre + 0.1 * columns.scale).astype(np.float32).astype(np.float64)[None, :])
        # Half way between two numbers of float32: which of them it is rounded to decides.
        blocks.append(blocks[-1] + np.spacing(blocks[-1].astype(np.float32)).astype(np.float64) * 0.5)
    blocks += [columns.low[None, :], columns.high[None, :]]
    if columns.edges is not None:
        at = np.unique(np.linspace(0, len(columns.edges) - 1, _EDGES).astype(int))
        for edge in columns.edges[at]:
            blocks += [np.nextafter(edge, -np.inf)[None, :], edge[None, :], np.nextafter(edge, np.inf)[None, :]]
    rows = np.vstack(blocks)
    rows = np.where(np.isfinite(rows), rows, 0.0)
    if variant == 2:
        rows = np.where(rows == 0, columns.scale, np.abs(rows))
    if variant == 0:
        missing = rows[:2].copy()
        missing[0, ::2] = np.nan
        missing[1, 1::2] = np.nan
        rows = np.vstack([rows, missing])
    return rows


def _finite(values: Any) -> np.ndarray:
    array = np.array(values, dtype=np.float64, ndmin=1).reshape(-1)
    return np.where(np.isfinite(array), array, 0.0)


def statistics_of(est: Any) -> Columns | None:
    """Return what an estimator says of its columns, or the first estimator in it that says anything of them.

    Parameters
    ----------
    est : estimator
        Fitted.

    Returns
    -------
    columns : Columns or None
        None if it doesn't even say how many there are.
    """
    known = known_columns(est)
    width = width_of(est)
    return Columns.unknown(width) if known is None and width is not None else known


def known_columns(est: Any) -> Columns | None:
    """Return the statistics that stand in an estimator, at any depth; None if there are none.

    Parameters
    ----------
    est : estimator
        Fitted.
    """
    width = getattr(est, "n_features_in_", None)
    for source in _SOURCES:
        try:
            columns = source(est)
        except (AttributeError, TypeError, ValueError, IndexError, KeyError, StopIteration):
            continue  # it has something else under that name
        if columns is not None and len(columns.centre) and width in (None, len(columns.centre)):
            return columns
    return _of_steps(est) if isinstance(getattr(est, "steps", None), list) else _of_members(est, width)


def _of_steps(est: Any) -> Columns | None:
    """Return the statistics of the first step that has any, as columns of the whole pipeline."""
    at: np.ndarray | None = None  # which of its columns a step is given, behind a selection
    width = None
    for _, step in steps_of(est):
        width = getattr(step, "n_features_in_", None) if width is None else width
        known = known_columns(step)
        if known is not None:
            if at is None:
                return known if width in (None, len(known.centre)) else None
            return known.among(Columns.unknown(int(width or 0)), at) if len(known.centre) == len(at) else None
        if hasattr(step, "get_support") and width is not None:
            at = (np.arange(width) if at is None else at)[step.get_support()]
    return None


def _of_members(est: Any, width: int | None) -> Columns | None:
    """Return the statistics of the first member that has any; of members that see some columns each, of several."""
    found: Columns | None = None
    missing = set(range(width or 0))
    for member, at in islice(members_of(est), _MEMBERS):
        known = known_columns(member)
        if known is None:
            continue
        if at is None:
            if width in (None, len(known.centre)):
                return known
        elif width is not None and len(known.centre) == len(at):
            new = [i for i, j in enumerate(at) if j in missing]
            found = known.only(new).among(found or Columns.unknown(width), at[new])
            missing -= set(at.tolist())
            if not missing:
                break
    return found


def _scaler(est: Any) -> Columns:
    if getattr(est, "center_", None) is not None:  # robust
        return Columns.around(est.center_, est.scale_)
    mean, variance = est.mean_, getattr(est, "var_", None)
    scale = np.sqrt(variance) if variance is not None else getattr(est, "scale_", None)
    return Columns.around(mean, scale)


def _power(est: Any) -> Columns:
    """Return where the training data of a power transformer lay, if it standardises."""
    power = np.asarray(est.lambdas_)
    fixed = np.full(len(power), float(est.method == "box-cox"))  # where the transform is next to the identity
    if getattr(est, "_scaler", None) is None:
        return Columns.around(fixed, np.full(len(power), 0.2))
    below, centre, above = est.inverse_transform(np.array([-1.0, 0.0, 1.0])[:, None] + np.zeros(len(power)))
    # A point that rounding moves on the way back lies next to the true one, or nowhere.
    small = np.minimum(est._scaler.scale_, 1 / np.maximum(np.abs(power), 1.0))
    scale = np.where(above > below, (above - below) / 2, small)
    return Columns.around(*_on_grid(np.where(np.isfinite(centre), centre, fixed), scale))


def _on_grid(centre: np.ndarray, scale: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return a centre and a scale without round-off: rows are made anew elsewhere, and must be the same to the bit."""
    scale = np.where(np.isfinite(scale) & (scale > 0), scale, 1.0)
    scale = np.ldexp(0.5, np.frexp(scale)[1])  # the power of two below
    return np.rint(centre / (scale / 8)) * (scale / 8), scale


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
    """Return the statistics of an imputer."""
    statistics = getattr(est, "statistics_", None)
    if statistics is None:
        statistics = est.initial_imputer_.statistics_
    return Columns.around(np.asarray(statistics, dtype=np.float64))


def _rows(est: Any) -> Columns:
    """Return the range of training rows that an estimator keeps, never a row."""
    rows = _kept_rows(est)
    low, high = np.nanmin(rows, axis=0), np.nanmax(rows, axis=0)
    # Far from all of them what weighs them by their distance has nothing left to go by.
    far = 16 * np.where(high > low, high - low, 1.0)
    return Columns.between(low, high, edges=np.array([low - far, low, high, high + far]))


def _kept_rows(est: Any) -> Any:
    for name in ("_fit_X", "support_vectors_", "X_train_", "_BaseLibSVM__Xfit"):
        rows = getattr(est, name, None)
        if rows is not None and np.size(rows):
            return rows
    inner = est.base_estimator_  # of a Gaussian process that classifies, which has one for each class
    return _kept_rows(inner.estimators_[0] if hasattr(inner, "estimators_") else inner)


def _centres(est: Any) -> Columns:
    for name in ("cluster_centers_", "centroids_", "means_", "theta_", "subcluster_centers_"):
        centres = getattr(est, name, None)
        if centres is not None:
            spread = np.std(centres, axis=0)
            return Columns.around(*_on_grid(np.mean(centres, axis=0), spread))
    raise AttributeError


def _components(est: Any) -> Columns:
    """Return how far each column goes from its mean, by the components of a PCA."""
    variance = (np.square(est.components_) * np.reshape(est.explained_variance_, (-1, 1))).sum(axis=0)
    return Columns.around(*_on_grid(np.asarray(est.mean_, dtype=np.float64), np.sqrt(variance)))


def _trees(est: Any) -> Columns:
    splits: dict[int, list[float]] = {}
    for tree, at in islice(_tree_objects(est), _TREES):
        for feature, threshold in zip(tree.feature, tree.threshold, strict=True):
            if feature >= 0:
                column = int(feature) if at is None else int(at[feature])
                splits.setdefault(column, []).append(float(threshold))
    if not splits:
        raise AttributeError
    return _from_edges([np.unique(splits.get(j, [0.0])) for j in range(est.n_features_in_)])


def _tree_objects(est: Any) -> Iterator[tuple[Any, np.ndarray | None]]:
    if hasattr(est, "tree_"):
        yield est.tree_, None
        return
    for member, at in members_of(est):
        yield member.tree_, at


def _histogram(est: Any) -> Columns:
    thresholds = [np.asarray(edges) for edges in est._bin_mapper.bin_thresholds_]
    return _from_edges([edges if len(edges) else np.zeros(1) for edges in thresholds])


_SOURCES: tuple[Callable[[Any], Columns], ...] = (
    _range,
    _largest,
    _quantiles,
    _bins,
    _knots,
    _statistics,
    _power,
    _components,
    _scaler,
    _trees,
    _histogram,
    _rows,
    _centres,
)
