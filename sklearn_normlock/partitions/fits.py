"""Which estimators can be fitted over parts, and how: a table of the class, and the fit that it names.

A fit reduces the parts to a summary, and hands scikit-learn's own ``fit`` a small table in their likeness (its rows are
the bounds, the categories, the values to fill in). Validation, names and kinds are therefore scikit-learn's. Numbers
that such a table can't give, moments and quantiles, are put in afterwards.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from sklearn import impute, preprocessing
from sklearn.base import clone
from sklearn.pipeline import Pipeline

from ..drop_ins import drop_ins
from ..errors import InputFaultError, NormLockError
from ..resealing import seal
from ..seals.mixin import Locked
from ..seals.opening import thaw
from .ranks import interpolated, neighbours, order_statistics
from .sums import ExactSum, exact_sums
from .tables import Heading, floats_of, heading_of, merged_heading, numbers, table_like

#: Runs a round: reduce(summarise, merge) -> the merged summary of all parts. ``merge`` may be called in any order.
Reduce = Callable[[Callable[[Any], Any], Callable[[Any, Any], Any]], Any]


def fit(est: Any, reduce: Reduce) -> Any:
    """Fit a transformer over the parts of a table, and seal it.

    Parameters
    ----------
    est : estimator
        ``StandardScaler``, ``MinMaxScaler``, ``MaxAbsScaler``, ``RobustScaler``, ``QuantileTransformer``,
        ``SimpleImputer``, ``OneHotEncoder``, ``OrdinalEncoder``, or a ``Pipeline`` of these; locked or scikit-learn's
        own. It is left as it is.
    reduce : callable
        ``reduce(summarise, merge)`` applies ``summarise`` to every part, and ``merge`` to two summaries at a time until
        one is left, in any order; it returns that. Both can be pickled. It is called once for each round.

    Returns
    -------
    fitted : Locked
        A new, locked estimator. Its fingerprint depends on the rows alone, not on how they were parted or ordered.

    Raises
    ------
    NormLockError
        If the estimator, or one of its parameters, has no fit of this kind.
    InputFaultError
        If the parts differ in their columns, have no rows, or hold what the estimator doesn't take.

    Examples
    --------
    Parts that are at hand:

    >>> from functools import reduce
    >>> import numpy as np
    >>> from sklearn_normlock.partitions import fit
    >>> from sklearn_normlock.preprocessing import StandardScaler
    >>> X = np.random.default_rng(0).normal(size=(100, 2))
    >>> def over(*parts):
    ...     return lambda summarise, merge: reduce(merge, map(summarise, parts))
    >>> one, other = fit(StandardScaler(), over(X)), fit(StandardScaler(), over(X[30:], X[:10], X[10:30]))
    >>> one.fingerprint_ == other.fingerprint_
    True
    """
    stock = getattr(type(est), "__fingerprint_class__", type(est))
    if stock is Pipeline:
        return _fit_pipeline(est, reduce)
    if stock not in _FITS:
        supported = ", ".join(cls.__name__ for cls in _FITS)
        raise NormLockError(
            f"A {type(est).__name__} can't be fitted over parts of a table.",
            expected=supported,
            actual=type(est).__name__,
            remedy=f"These can: {supported}, and a Pipeline of them. Fit others on a sample that one machine holds.",
        )
    if not isinstance(est, Locked):
        est = drop_ins()[stock](**est.get_params(deep=False))
    name = type(est).__name__

    def over_rows(summarise: Any, merge: Any) -> Any:
        found = reduce(_IfAny(summarise), _MergeAny(merge))
        if found is None or not found.heading.width:
            raise InputFaultError(
                f"The table has no rows or no columns: a {name} needs at least one of each.",
                remedy="Look at what the parts are read from.",
            )
        return found

    return _FITS[stock](clone(est), over_rows)


def _fit_pipeline(pipeline: Any, reduce: Reduce) -> Any:
    steps: list[tuple[str, Any]] = []
    done: list[Any] = []
    for name, step in pipeline.steps:
        if step is not None and not isinstance(step, str):
            step = fit(step, partial(_reduce_behind, reduce, tuple(done)))
            done.append(step)
        steps.append((name, step))
    if not done:
        raise NormLockError("This pipeline has no step to be fitted.", remedy="Add one of those that can be fitted.")
    return seal(Pipeline(**{**pipeline.get_params(deep=False), "steps": steps}))


def _reduce_behind(reduce: Reduce, done: tuple[Any, ...], summarise: Any, merge: Any) -> Any:
    return reduce(_Behind(done, summarise), merge)


@dataclass(frozen=True)
class _Behind:
    """Summarise a part as it comes out of the steps before."""

    done: tuple[Any, ...]
    summarise: Any

    def __call__(self, part: Any) -> Any:
        if not len(part):  # fitted steps refuse tables without rows
            return None
        for step in self.done:
            part = step.transform(part)
        return self.summarise(part)


@dataclass(frozen=True)
class _IfAny:
    """Summarise parts that have rows: one without may have columns of any kind, and says nothing."""

    summarise: Any

    def __call__(self, part: Any) -> Any:
        return self.summarise(part) if getattr(part, "shape", (1,))[0] else None


@dataclass(frozen=True)
class _MergeAny:
    merge: Any

    def __call__(self, one: Any, other: Any) -> Any:
        return self.merge(one, other) if one is not None and other is not None else one or other


# -- numbers ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Numbers:
    """Counts, bounds and, if asked for, exact sums of each column."""

    heading: Heading
    counts: Any
    low: Any
    high: Any
    sums: tuple[ExactSum, ...] | None

    def merge(self, other: Numbers) -> Numbers:
        """Return the summary of both."""
        heading = merged_heading(self.heading, other.heading)
        sums = None
        if self.sums is not None and other.sums is not None:
            sums = tuple(a + b for a, b in zip(self.sums, other.sums, strict=True))
        low, high = np.fmin(self.low, other.low), np.fmax(self.high, other.high)
        return Numbers(heading, self.counts + other.counts, low, high, sums)


@dataclass(frozen=True)
class _Measure:
    whose: str
    sums: bool

    def __call__(self, part: Any) -> Numbers:
        heading, table = numbers(part, self.whose)
        counts = len(table) - np.isnan(table).sum(axis=0)
        # (+ 0.0: which of two zeros comes first in a part would be left to chance.)
        low, high = np.fmin.reduce(table, axis=0) + 0.0, np.fmax.reduce(table, axis=0) + 0.0
        return Numbers(heading, counts, low, high, tuple(exact_sums(table)) if self.sums else None)


def _measured(est: Any, reduce: Reduce, sums: bool = False) -> Numbers:
    return reduce(_Measure(type(est).__name__, sums), Numbers.merge)


def _between(found: Numbers) -> Any:
    """Return a table of the bounds; a third row has a gap where a column has gaps."""
    gaps = np.where(found.counts < found.heading.rows, np.nan, found.high)
    return table_like(found.heading, np.array([found.low, found.high, gaps]).T, floats_of(found.heading))


def _changed(est: Any, **state: Any) -> Any:
    with thaw(est):
        for name, value in state.items():
            setattr(est, name, value)
    return est


def _fit_bounds(est: Any, reduce: Reduce) -> Any:
    found = _measured(est, reduce)
    return _changed(est.fit(_between(found)), n_samples_seen_=found.heading.rows)


def _fit_moments(est: Any, reduce: Reduce) -> Any:
    found = _measured(est, reduce, sums=True)
    assert found.sums is not None
    est.fit(_between(found))
    # Its kind differs between versions of scikit-learn.
    counts = found.counts.astype(est.n_samples_seen_.dtype)
    state: dict[str, Any] = {"n_samples_seen_": counts if counts.max() > counts.min() else counts[0]}
    if est.with_mean or est.with_std:
        mean = state["mean_"] = np.array([each.mean() for each in found.sums])
    if est.with_std:
        variance = state["var_"] = np.array([each.variance() for each in found.sums])
        # scikit-learn's own bound below which a column counts as constant, and isn't scaled.
        eps = np.finfo(np.float64).eps
        constant = variance <= counts * eps * variance + (counts * mean * eps) ** 2
        state["scale_"] = np.where(constant, 1.0, np.sqrt(variance))
    return _changed(est, **state)


def _quantiles(est: Any, reduce: Reduce, shares_of: Callable[[int], Any]) -> tuple[Heading, Any, list[int]]:
    """Return quantiles of shape (n_shares, n_columns), exact up to the interpolation between two rows."""

    def ranks(count: int, rows: int) -> Any:
        return neighbours(count, shares_of(rows))

    heading, values, counts = order_statistics(reduce, ranks, type(est).__name__)
    shares = shares_of(heading.rows)
    columns = [interpolated(each, count, shares) for each, count in zip(values, counts, strict=True)]
    # (+ 0.0: a tiny negative number becomes -0.0 in single precision.)
    return heading, np.array(columns).T.astype(floats_of(heading)) + 0.0, counts


def _fit_robust(est: Any, reduce: Reduce) -> Any:
    low, high = est.quantile_range
    heading, found, _ = _quantiles(est, reduce, lambda rows: np.array([0.5, low / 100, high / 100]))
    est.fit(table_like(heading, found.T, found.dtype))
    state: dict[str, Any] = {}
    if est.with_centering:
        state["center_"] = found[0]
    if est.with_scaling:
        scale = found[2] - found[1]
        scale[scale < 10 * np.finfo(scale.dtype).eps] = 1.0
        if est.unit_variance:
            from scipy.stats import norm

            scale = scale / (norm.ppf(high / 100.0) - norm.ppf(low / 100.0))
        state["scale_"] = scale
    return _changed(est, **state)


def _fit_quantile(est: Any, reduce: Reduce) -> Any:
    def references(rows: int) -> Any:
        return np.linspace(0, 1, max(1, min(est.n_quantiles, rows)), endpoint=True)

    # (By way of percentiles, as scikit-learn has it: that is a rounding.)
    heading, found, _ = _quantiles(est, reduce, lambda rows: references(rows) * 100 / 100)
    found = np.maximum.accumulate(found)  # interpolation between equal rows may be off by a rounding
    est.fit(table_like(heading, found.T, found.dtype))
    return _changed(est, n_quantiles_=len(found), references_=references(heading.rows), quantiles_=found)


# -- values that repeat ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Distinct:
    """How often each value of each column was met, by the keys of :func:`_key`."""

    heading: Heading
    columns: tuple[dict[Any, int], ...]

    def merge(self, other: Distinct) -> Distinct:
        """Return the counts of both."""
        heading = merged_heading(self.heading, other.heading)
        columns = []
        for mine, theirs in zip(self.columns, other.columns, strict=True):
            together = dict(mine)
            for value, count in theirs.items():
                together[value] = together.get(value, 0) + count
            columns.append(together)
        return Distinct(heading, tuple(columns))


def _tell(part: Any) -> Distinct:
    heading = heading_of(part)
    columns = []
    for j in range(heading.width):
        column = part[:, j] if heading.names is None else part.iloc[:, j].to_numpy()
        values: Any
        if column.dtype == object:
            values, counts = column.tolist(), [1] * len(column)
        else:
            one_zero = column + 0.0 if column.dtype.kind == "f" else column
            values, counts = (each.tolist() for each in np.unique(one_zero, return_counts=True))
        found: dict[Any, int] = {}
        for value, count in zip(values, counts, strict=True):
            key = _key(value)
            found[key] = found.get(key, 0) + count
        columns.append(found)
    return Distinct(heading, tuple(columns))


_NAN = float("nan")  # one object: two NaNs are equal as keys of a dict only if they are the same


class _Missing:
    """Stands for NaN among the keys, also when it came from another process."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Missing)

    def __hash__(self) -> int:
        return 7


def _key(value: Any) -> Any:
    """Return a key under which only the same values are counted: 1, 1.0 and True are three; ``pandas.NA`` is None."""
    if isinstance(value, str) or value is None:
        return value
    if isinstance(value, (float, np.floating)):
        return _Missing() if value != value else (type(value).__name__, value + 0.0)
    if type(value).__name__ in ("NAType", "NaTType"):
        return None
    return type(value).__name__, value


def _counts(keys: dict[Any, int]) -> dict[Any, int]:
    """Return the counts by value. The first type by name stands for equal values, whichever came first."""
    found: dict[Any, int] = {}
    for key in sorted(keys, key=lambda key: key[0] if isinstance(key, tuple) else ""):
        value = _NAN if isinstance(key, _Missing) else key[1] if isinstance(key, tuple) else key
        found[value] = found.get(value, 0) + keys[key]
    return found


def _fit_categories(est: Any, reduce: Reduce) -> Any:
    for name in ("min_frequency", "max_categories"):
        if getattr(est, name, None) is not None:
            raise NormLockError(
                f"{name}={getattr(est, name)!r}: rare categories are told by counts, which a fit over parts doesn't "
                "hand to scikit-learn.",
                path=name,
                remedy=f"Leave {name} out, or name the categories by `categories=`.",
            )
    found = reduce(_tell, Distinct.merge)
    told = [list(_counts(each)) for each in found.columns]
    longest = max(map(len, told))
    columns = [values + values[:1] * (longest - len(values)) for values in told]
    return est.fit(table_like(found.heading, columns))


def _fit_imputer(est: Any, reduce: Reduce) -> Any:
    if not (isinstance(est.missing_values, float) and np.isnan(est.missing_values)):
        raise NormLockError(
            f"missing_values={est.missing_values!r}: a fit over parts takes NaN alone for missing.",
            path="missing_values",
            remedy="Replace that value by NaN when the table is read.",
        )
    if est.strategy == "mean":
        numbers_found = _measured(est, reduce, sums=True)
        assert numbers_found.sums is not None
        heading, counts = numbers_found.heading, numbers_found.counts
        filled = [each.mean() for each in numbers_found.sums]
        kind: Any = floats_of(heading)
    elif est.strategy == "median":
        heading, middle, n = _quantiles(est, reduce, lambda rows: np.array([0.5]))
        filled, counts, kind = middle[0].tolist(), np.array(n), middle.dtype
    elif est.strategy in ("most_frequent", "constant"):
        told = reduce(_tell, Distinct.merge)
        heading, kind = told.heading, None
        for j, each in enumerate(told.columns):
            if None in each:
                raise InputFaultError(
                    f"Column {heading.called(j)} holds None or NA; a fit over parts takes NaN alone for missing.",
                    path=heading.called(j),
                    remedy="Replace them by NaN before the fit.",
                )
        present = [{value: n for value, n in _counts(each).items() if value is not _NAN} for each in told.columns]
        counts = np.array([sum(each.values()) for each in present])
        filled = [_most_frequent(each) for each in present]
    else:
        raise NormLockError(
            f"strategy={est.strategy!r} has no fit over parts.",
            path="strategy",
            remedy="Take mean, median, most_frequent or constant.",
        )
    # A second row says which columns have missing values, which the indicator asks; a missing one moves no statistic.
    gaps = [_NAN if count < heading.rows else value for count, value in zip(counts, filled, strict=True)]
    return est.fit(table_like(heading, list(zip(filled, gaps, strict=True)), kind))


def _most_frequent(counts: dict[Any, int]) -> Any:
    if not counts:
        return _NAN
    most = max(counts.values())
    return min(value for value, count in counts.items() if count == most)


_FITS: dict[type, Callable[[Any, Reduce], Any]] = {
    preprocessing.StandardScaler: _fit_moments,
    preprocessing.MinMaxScaler: _fit_bounds,
    preprocessing.MaxAbsScaler: _fit_bounds,
    preprocessing.RobustScaler: _fit_robust,
    preprocessing.QuantileTransformer: _fit_quantile,
    preprocessing.OneHotEncoder: _fit_categories,
    preprocessing.OrdinalEncoder: _fit_categories,
    impute.SimpleImputer: _fit_imputer,
}
