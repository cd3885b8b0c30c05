"""Kernels of the transformers that look a number up in what its column held: QuantileTransformer, KBinsDiscretizer."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from scipy import stats
from scipy.special import ndtr, ndtri

from ..fingerprints.naming import cached
from .compiler import Compiler, Factory, Unsuited, demand, schema_of
from .inputs import F32, F64, NEP50, Kernel, Schema, by_rows, contiguous, finite, finite_or_nan, on_numbers
from .sparse import finish

_BOUNDS = 1e-7  # scikit-learn's BOUNDS_THRESHOLD
_BLOCK = 1 << 13  # elements that are looked up at once
_SEARCHED = 2_000  # elements up to which all columns are searched at once
_COMPARED = 32  # edges up to which a bin is found by comparing with each


def _quantile_of_normal(X: np.ndarray) -> np.ndarray:
    """As ``scipy.stats.norm.ppf``, for numbers from 0 to 1."""
    out = ndtri(X).astype(F64)
    out += 0.0  # the distribution's location: -0.0 becomes 0.0
    return out


def _probability_of_normal(X: np.ndarray) -> np.ndarray:
    """As ``scipy.stats.norm.cdf``."""
    return ndtr(X.astype(F64))


@cached
def _agrees() -> bool:
    """Tell whether SciPy's distribution gives the bits of the functions that it stands on."""
    with np.errstate(all="ignore"):
        for dtype in (F64, F32):
            p = np.concatenate([[0.0, 1.0, 0.5, np.nan], np.geomspace(1e-12, 0.5, 99), 1 - np.geomspace(1e-7, 0.5, 99)])
            z = np.concatenate([[0.0, -0.0, np.nan], np.linspace(-39, 39, 301)])
            p, z = p.astype(dtype), z.astype(dtype)
            for ours, theirs in (
                (_quantile_of_normal(p), stats.norm.ppf(p)),
                (_probability_of_normal(z), stats.norm.cdf(z)),
            ):
                if ours.dtype != theirs.dtype or not np.array_equal(ours, theirs, equal_nan=True):
                    return False
    return True


class Interpolation:
    """``np.interp`` of each column in a table of its own, by the same formula, for all columns at once.

    Parameters
    ----------
    xs, ys : ndarray of shape (n_points, n_columns)
        Finite; those in ``xs`` rise, or stay, from row to row.
    both : bool, default=False
        Whether the result is the mean of the interpolations from below and from above, which differ at a number that
        stands in the table more than once.

    even : bool, default=False
        Whether every column of ``xs`` is ``np.linspace(0, 1, n_points)``.

    Notes
    -----
    Between two points both interpolations use the same slope, so that one search serves both.
    """

    def __init__(self, xs: np.ndarray, ys: np.ndarray, *, both: bool = False, even: bool = False) -> None:
        self.both, self.even = both, even
        self.width = xs.shape[1]
        self.first, self.last = xs[0], xs[-1]
        self.bottom, self.top = ys[0], ys[-1]
        rows = np.arange(len(xs))[:, None]
        starts = np.maximum.accumulate(np.where(np.vstack([xs[:1] != xs[:1], xs[1:] == xs[:-1]]), 0, rows), axis=0)
        with np.errstate(all="ignore"):
            slopes = np.diff(ys, axis=0) / np.diff(xs, axis=0)
        rises = np.diff(xs, axis=0) > 0
        demand(np.isfinite(slopes[rises]).all(), np.isfinite(np.diff(xs, axis=0)).all())
        steps = 1 << len(xs).bit_length()  # more than the points, so that every search takes as many steps
        self.steps = [step * self.width for step in (steps >> i for i in range(1, steps.bit_length()))]
        self.xs = np.full((steps, self.width), np.inf)
        self.xs[: len(xs)] = xs
        self.ys, self.slopes, self.starts = (np.zeros((len(xs) + 1, self.width)) for _ in range(3))
        self.ys[: len(xs)] = ys
        self.slopes[: len(slopes)] = slopes
        self.starts[: len(xs)] = np.take_along_axis(ys, starts, axis=0)
        self.columns = np.arange(self.width)
        self.sorted = [np.ascontiguousarray(column) for column in xs.T]

    def at(self, X: np.ndarray) -> np.ndarray:
        """Return where in the flat tables the last point stands that each number has reached; below all, the first."""
        at = np.empty(X.shape, dtype=np.intp)
        if X.size <= _SEARCHED:
            at[...] = self.columns - self.width
            points = self.xs.ravel()
            for step in self.steps:
                reached = points.take(at + step) <= X
                at += reached * step
        elif self.even:
            scaled = np.fmin(np.fmax(X, 0), 1)
            scaled *= len(self.sorted[0]) - 1
            at[...] = scaled  # or one beside it
            at *= self.width
            at += self.columns
            at -= (self.xs.take(at) > X) * self.width
            at += (self.xs.take(at + self.width) <= X) * self.width
        else:
            for i, column in enumerate(self.sorted):
                at[:, i] = column.searchsorted(X[:, i], side="right")
            at -= 1
            at *= self.width
            at += self.columns
        return np.maximum(at, self.columns, out=at)

    def __call__(self, X: np.ndarray) -> np.ndarray:
        """Interpolate each number of an array of float64, of shape (n_samples, n_columns); NaN stays NaN."""
        at = self.at(X)
        x, y, slope = self.xs.take(at), self.ys.take(at), self.slopes.take(at)
        here = x == X
        out = slope * (X - x)
        out += y
        if self.both:
            at += self.width
            above = slope
            above *= X - self.xs.take(at)  # as in the mirrored table, less the sign
            above += self.ys.take(at)
            at -= self.width
            out += above
            out *= 0.5
            np.copyto(out, 0.5 * (y + self.starts.take(at)), where=here)
        else:
            np.copyto(out, y, where=here)
        np.copyto(out, self.bottom, where=self.first > X)
        np.copyto(out, self.top, where=self.last < X)
        return out


@cached
def _interpolates() -> bool:
    """Tell whether the formula gives the bits of ``np.interp``: a compiler may fuse a product and a sum into one."""
    rng = np.random.default_rng(0)
    xs, X = np.sort(rng.normal(size=(99, 3)), axis=0), rng.normal(size=(501, 3))
    xs[7:11] = xs[7]
    X[:99], X[99] = xs, np.nan
    ys = np.linspace(0, 1, 99)
    for data in (X, X[:9]):
        up = np.stack([np.interp(x, points, ys) for x, points in zip(data.T, xs.T, strict=True)], axis=1)
        down = [np.interp(-x, -points[::-1], -ys[::-1]) for x, points in zip(data.T, xs.T, strict=True)]
        table = np.repeat(ys[:, None], 3, axis=1)
        with np.errstate(all="ignore"):
            found = Interpolation(xs, table)(data), Interpolation(xs, table, both=True)(data)
        if not all(map(partial(np.array_equal, equal_nan=True), found, (up, 0.5 * (up - np.stack(down, axis=1))))):
            return False
    return True


def _quantile(*, inverse: bool) -> Factory:
    def factory(compiler: Compiler, est: Any) -> Kernel:
        demand(est.copy is True, est.output_distribution in ("uniform", "normal"))
        normal = est.output_distribution == "normal"
        demand(not normal or _agrees(), _interpolates())
        schema = schema_of(est)
        width = schema.width
        quantiles, references = compiler.array(est, "quantiles_", ndim=2), compiler.array(est, "references_", ndim=1)
        demand(quantiles.shape == (len(references), width), np.isfinite(quantiles).all())
        first, last = quantiles[0], quantiles[-1]
        points, levels = quantiles.astype(F64), np.repeat(references.astype(F64)[:, None], width, axis=1)
        if inverse:
            even = np.array_equal(references, np.linspace(0, 1, len(references)))
            interpolate = Interpolation(levels, points, even=even)
        else:
            interpolate = Interpolation(points, levels, both=True)
        low = stats.norm.ppf(_BOUNDS - np.spacing(1))
        high = stats.norm.ppf(1 - (_BOUNDS - np.spacing(1)))
        dtypes: set[np.dtype] = {F64, F32} if NEP50 else {F64}
        rows = max(1, _BLOCK // width)

        def bounds(X: np.ndarray, lower: Any, upper: Any) -> tuple[np.ndarray, np.ndarray]:
            if normal:
                return X - _BOUNDS < lower, X + _BOUNDS > upper
            return lower == X, upper == X

        def forward(X: np.ndarray, out: np.ndarray) -> None:
            below, above = bounds(X, first, last)
            out[...] = interpolate(X.astype(F64, copy=False))
            np.copyto(out, 1, where=above)
            np.copyto(out, 0, where=below)
            if normal:
                out[...] = np.clip(_quantile_of_normal(out), low, high)

        def backward(X: np.ndarray, out: np.ndarray) -> None:
            chances = _probability_of_normal(X) if normal else X
            below, above = bounds(chances, 0, 1)
            out[...] = interpolate(chances.astype(F64, copy=False))
            np.copyto(out, last, where=above)
            np.copyto(out, first, where=below)

        run = backward if inverse else forward

        def kernel(X: Any) -> Any:
            if np.geterr()["under"] != "ignore":
                return None
            X = contiguous(X)
            if not finite_or_nan(X):
                return None
            out = np.empty_like(X)
            with np.errstate(all="ignore"):
                for start in range(0, len(X), rows):
                    run(X[start : start + rows], out[start : start + rows])
            return out

        return on_numbers(kernel, schema, dtypes)

    return factory


def _edges(compiler: Compiler, est: Any) -> tuple[Schema, list[np.ndarray]]:
    schema = schema_of(est)
    width = schema.width
    edges = [compiler.frozen(each) for each in est.bin_edges_]
    demand(len(edges) == width, all(each.ndim == 1 and len(each) > 1 and each.dtype.kind == "f" for each in edges))
    if any(np.isnan(each).any() for each in edges):
        raise Unsuited
    return schema, edges


def _bins(compiler: Compiler, est: Any) -> Kernel:
    if est.encode == "onehot":
        return _one_hot(compiler, est, finish)
    if est.encode == "onehot-dense":
        return _dense_bins(compiler, est)
    demand(est.encode == "ordinal")
    return _ordinal_bins(compiler, est)


def _dense_bins(compiler: Compiler, est: Any) -> Kernel:
    demand(est.encode in ("onehot", "onehot-dense"))
    return by_rows(_one_hot(compiler, est, None), 2)


def _one_hot(compiler: Compiler, est: Any, finish: Any) -> Kernel:
    """Return what marks each number's bin: in an array, or in the matrix that ``finish`` makes."""
    bins_of = _ordinal_bins(compiler, est)
    counts = [len(each) - 1 for each in est.bin_edges_]
    starts = np.cumsum([0, *counts])
    offsets, width = starts[:-1], int(starts[-1])
    demand(width > 1)

    def kernel(X: Any) -> Any:
        bins = bins_of(X)
        if bins is None:
            return None
        rows = len(bins)
        at = (bins.astype(int) + offsets).ravel()
        if finish is not None:
            indptr = np.arange(0, len(at) + 1, bins.shape[1])
            return finish((np.ones(len(at)), at, indptr), (rows, width), bins.dtype)
        out = np.zeros((rows, width), dtype=bins.dtype)
        out[np.repeat(np.arange(rows), bins.shape[1]), at] = 1
        return out

    return kernel


def _ordinal_bins(compiler: Compiler, est: Any) -> Kernel:
    schema, edges = _edges(compiler, est)
    width = schema.width
    dtypes: set[np.dtype] = {F64, F32} if est.dtype is None else {np.dtype(est.dtype)} & {F64, F32}
    demand(dtypes)
    inner = [each[1:-1] for each in edges]
    most = max(len(each) for each in inner)
    # A number's bin is how many of the edges between bins it has reached.
    table = np.full((most, width), np.inf)
    for i, each in enumerate(inner):
        table[: len(each), i] = each
    rows = max(1, _BLOCK // width)

    def counted(part: np.ndarray, out: np.ndarray) -> None:
        reached = np.zeros(part.shape, dtype=np.uint8)
        for edge in table:
            reached += (edge <= part).view(np.uint8)
        out[...] = reached

    def searched(part: np.ndarray, out: np.ndarray) -> None:
        for i, each in enumerate(inner):
            out[:, i] = each.searchsorted(part[:, i], side="right")

    run = counted if most <= _COMPARED else searched

    def kernel(X: Any) -> Any:
        X = contiguous(X)
        if not finite(X):
            return None
        out = np.empty_like(X)
        for start in range(0, len(X), rows):
            run(X[start : start + rows], out[start : start + rows])
        return out

    return on_numbers(kernel, schema, dtypes)


def _bin_centres(compiler: Compiler, est: Any) -> Kernel:
    demand(est.encode == "ordinal")
    schema, edges = _edges(compiler, est)
    centres = [(each[1:] + each[:-1]) * 0.5 for each in edges]
    counts = np.array([len(each) for each in centres])
    demand(all(np.isfinite(each).all() for each in centres))

    def kernel(X: Any) -> Any:
        X = contiguous(X)
        if not finite(X) or not (X > -1).all() or not (counts > X).all():
            return None
        out, which = np.empty_like(X), X.astype(np.int64)
        for i, each in enumerate(centres):
            out[:, i] = each[which[:, i]]
        return out

    return on_numbers(kernel, schema)


KERNELS: dict[tuple[str, str], Factory] = {
    ("QuantileTransformer", "transform"): _quantile(inverse=False),
    ("QuantileTransformer", "inverse_transform"): _quantile(inverse=True),
    ("KBinsDiscretizer", "transform"): _bins,
    ("KBinsDiscretizer", "dense"): _dense_bins,
    ("KBinsDiscretizer", "inverse_transform"): _bin_centres,
}
