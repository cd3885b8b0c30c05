"""Kernels of the transformers that make several columns of one: PolynomialFeatures and SplineTransformer."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from scipy.interpolate import BSpline

from .compiler import VERSION, Compiler, Factory, demand, schema_of
from .inputs import F64, Kernel, by_rows, contiguous, finite, on_numbers

_GATHERED = 1 << 13  # elements up to which all products of a degree are taken at once


class Product(NamedTuple):
    """Columns ``start`` to ``end``, each times one feature, become the columns from ``to`` on."""

    start: int
    end: int
    feature: int
    to: int


def _products(features: int, degree: int, first: int, *, interaction_only: bool) -> list[list[Product]]:
    """Return, for each degree from 2 on, the products in scikit-learn's order: each stands on the degree below."""
    degrees = []
    index = list(range(first, first + features + 1))
    to = first + features
    for _ in range(2, degree + 1):
        products, starts, end = [], [], index[-1]
        for feature in range(features):
            start = index[feature]
            starts.append(to)
            if interaction_only:
                start += index[feature + 1] - index[feature]
            if end <= start:
                break
            products.append(Product(start, end, feature, to))
            to += end - start
        index = [*starts, to]
        degrees.append(products)
    return degrees


def _polynomial(compiler: Compiler, est: Any) -> Kernel:
    schema = schema_of(est)
    features, bias, order = schema.width, est.include_bias, est.order
    demand(type(bias) is bool, type(est.interaction_only) is bool, order in ("C", "F"))
    first, full, kept = int(bias), est._n_out_full, est.n_output_features_
    demand(est._max_degree >= 1, full >= first + features)
    degrees = _products(features, est._max_degree, first, interaction_only=est.interaction_only)
    gathers = []
    for products in degrees:
        left = np.concatenate([np.arange(each.start, each.end) for each in products] or [np.arange(0)])
        right = np.repeat([each.feature for each in products], [each.end - each.start for each in products])
        gathers.append((left, right.astype(np.intp)))
    kept_order: Any = "K" if VERSION >= (1, 8) else "C"
    lower = est._min_degree > 1  # the degrees below are computed, and cut off

    def kernel(X: Any) -> Any:
        X = contiguous(X)
        if not finite(X):
            return None
        out = np.empty((len(X), full), dtype=X.dtype, order=order)
        out[:, :first] = 1
        out[:, first : first + features] = X
        try:
            with np.errstate(all="raise"):  # what would be warned of is handed over
                if out.size <= _GATHERED:
                    to = first + features
                    for left, right in gathers:
                        np.multiply(
                            out.take(left, axis=1), X.take(right, axis=1), out=out[:, to : to + len(left)], casting="no"
                        )
                        to += len(left)
                else:
                    for start, end, feature, to in (each for products in degrees for each in products):
                        np.multiply(
                            out[:, start:end],
                            X[:, feature : feature + 1],
                            out=out[:, to : to + end - start],
                            casting="no",
                        )
        except FloatingPointError:
            return None
        if not lower:
            return out
        if not bias:
            return out[:, full - kept :].copy(order=kept_order)
        cut = np.empty((len(X), kept), dtype=X.dtype, order=order)
        cut[:, 0] = 1
        cut[:, 1:] = out[:, full - kept + 1 :]
        return cut

    return by_rows(on_numbers(kernel, schema), kept if order == "C" else 0)


class Basis:
    """The B-splines of one feature, and how they go on beyond the knots.

    Parameters
    ----------
    compiler : Compiler
        Knows which arrays nobody can edit.
    spline : BSpline
        Fitted.
    n_splines : int
        How many basis functions there are.
    extrapolation : str
        As for SplineTransformer.
    knot : int
        Which knot, from either end, is the bound of what was fitted.
    edge : int
        How many basis functions, at either end, go on beyond it.
    """

    def __init__(
        self, compiler: Compiler, spline: Any, n_splines: int, extrapolation: str, knot: int, edge: int
    ) -> None:
        knots, coef = compiler.frozen(spline.t), compiler.frozen(spline.c)
        demand(type(spline) is BSpline, knots.dtype == coef.dtype == F64, coef.shape[1:] == (n_splines,))
        demand(np.isfinite(knots).all(), spline.axis == 0, type(spline.k) is int)
        # A spline of its own, over the same arrays: nobody can edit it.
        self.spline = BSpline.construct_fast(knots, coef, spline.k, extrapolate=spline.extrapolate)
        self.n_splines, self.extrapolation, self.edge = n_splines, extrapolation, edge
        if extrapolation == "periodic":
            self.start = knots[spline.k]
            self.period = knots[knots.size - spline.k - 1] - self.start
            demand(self.period > 0)
        if extrapolation in ("constant", "linear"):
            self.low, self.high = knots[knot], knots[-knot - 1]
            self.at_low, self.at_high = self.spline(self.low), self.spline(self.high)
        if extrapolation == "linear":
            self.slope_low, self.slope_high = self.spline(self.low, nu=1), self.spline(self.high, nu=1)

    def __call__(self, x: np.ndarray, out: np.ndarray) -> None:
        """Write the basis functions at the numbers of one column."""
        if self.extrapolation == "periodic":
            x = self.start + (x - self.start) % self.period
        if self.extrapolation not in ("constant", "linear"):
            out[...] = self.spline(x)
            return
        inside = (self.low <= x) & (x <= self.high)
        if inside.all():
            out[...] = self.spline(x)
        else:
            out[inside] = self.spline(x[inside])
            self._continue(x, out)

    def _continue(self, x: np.ndarray, out: np.ndarray) -> None:
        """Write the basis functions beyond the bounds; those that stand inside are zero there already."""
        edge = self.edge
        below, above = x < self.low, x > self.high
        if self.extrapolation == "constant":
            out[below, :edge] = self.at_low[:edge]
            out[above, self.n_splines - edge :] = self.at_high[-edge:]
            return
        for j in range(edge):
            k = self.n_splines - 1 - j
            out[below, j] = self.at_low[j] + (x[below] - self.low) * self.slope_low[j]
            out[above, k] = self.at_high[k] + (x[above] - self.high) * self.slope_high[k]


def _splines(compiler: Compiler, est: Any) -> Kernel:
    schema = schema_of(est)
    width, bias, order, extrapolation = schema.width, est.include_bias, est.order, est.extrapolation
    demand(est.sparse_output is False, type(bias) is bool, order in ("C", "F"))
    demand(extrapolation in ("continue", "error", "periodic", "constant", "linear"))
    splines, degree = est.bsplines_, est.degree
    demand(type(splines) is list, len(splines) == width, degree or extrapolation != "constant")
    n_splines = splines[0].c.shape[1]
    bases = []
    for spline in splines:
        knot = degree
        if extrapolation == "linear" and degree <= 1:
            degree += 1  # scikit-learn's, too, is kept for the features that follow
        bases.append(Basis(compiler, spline, n_splines, extrapolation, knot, degree))
    kept = None if bias else [j for j in range(width * n_splines) if (j + 1) % n_splines]

    def kernel(X: Any) -> Any:
        # SciPy takes one row that isn't aligned for contiguous, and refuses it.
        if not X.flags.aligned or not finite(contiguous(X)):
            return None
        out = np.zeros((len(X), width * n_splines), dtype=X.dtype, order=order)
        try:
            with np.errstate(all="raise"):  # what would be warned of is handed over
                for i, basis in enumerate(bases):
                    basis(X[:, i], out[:, i * n_splines : (i + 1) * n_splines])
        except FloatingPointError:
            return None
        if extrapolation == "error" and np.isnan(out).any():
            return None
        return out if kept is None else out[:, kept]

    numbers = on_numbers(kernel, schema, exact=True)
    return by_rows(numbers, width * n_splines if order == "C" and bias else 0)


KERNELS: dict[tuple[str, str], Factory] = {
    ("PolynomialFeatures", "transform"): _polynomial,
    ("SplineTransformer", "transform"): _splines,
}
