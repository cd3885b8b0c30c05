"""Kernels of PowerTransformer: all columns at once.

scikit-learn transforms column by column, and in each the numbers on either side of zero apart. The same functions are
applied here to the whole array, with an exponent for each number. That a function gives the same bits for a number
wherever it stands is a property of the libraries and of the processor. It is looked at once per process, and without it
there is no kernel.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import special, stats
from sklearn.preprocessing import PowerTransformer, StandardScaler

from ..fingerprints.naming import cached
from .compiler import VERSION, Compiler, Factory, demand, schema_of
from .inputs import F32, F64, NEP50, Kernel, contiguous, finite, finite_or_nan, on_numbers
from .scalers import BACKWARD, CAST, FORWARD, affine, switched

_BLOCK = 1 << 14  # elements that are transformed at once

Transform = Callable[[np.ndarray, np.ndarray], np.ndarray]


def _yeo_johnson(X: np.ndarray, lambdas: np.ndarray) -> np.ndarray:
    """As ``scipy.stats.yeojohnson`` of each column (scikit-learn from 1.9 on)."""
    negative = ~(X >= 0)
    powers = np.where(negative, 2 - lambdas, lambdas)
    logs = np.negative(X, where=negative, out=X.copy(order="K"))
    np.log1p(logs, logs)
    out = np.multiply(powers, logs)
    np.expm1(out, out)
    np.negative(out, where=negative, out=out)
    np.divide(out, powers, out)
    return out


def _yeo_johnson_by_power(X: np.ndarray, lambdas: np.ndarray) -> np.ndarray:
    """As ``PowerTransformer._yeo_johnson_transform`` of each column (scikit-learn up to 1.8)."""
    negative = ~(X >= 0)
    powers = np.where(negative, 2 - lambdas, lambdas)
    bases = np.negative(X, where=negative, out=X.copy(order="K"))
    bases += 1
    out = np.power(bases, powers)
    out -= 1
    np.negative(out, where=negative, out=out)
    np.divide(out, powers, out)
    return out


def _yeo_johnson_inverse(X: np.ndarray, lambdas: np.ndarray) -> np.ndarray:
    """As ``PowerTransformer._yeo_johnson_inverse_transform`` of each column."""
    negative = ~(X >= 0)
    bases = X * np.where(negative, -(2 - lambdas), lambdas)
    bases += 1
    powers = np.power(bases, np.where(negative, 1 / (2 - lambdas), 1 / lambdas))
    return np.subtract(1, powers, where=negative, out=powers - 1)


def _stock(name: str) -> Callable[..., Any]:
    if name == "_yeo_johnson":
        return stats.yeojohnson
    stock = PowerTransformer()
    return stock._yeo_johnson_transform if name == "_yeo_johnson_by_power" else stock._yeo_johnson_inverse_transform


@cached
def _agrees(transform: Transform) -> bool:
    """Tell whether a transform of a whole array gives the bits that scikit-learn gets column by column."""
    lambdas = np.array([-3.7, -2.0, -0.31, 0.21, 0.83, 1.0, 1.37, 1.93, 2.6, 4.0, 5.3])
    rng = np.random.default_rng(0)
    # Numbers that both ways of computing keep finite; rows in numbers that leave SIMD loops a rest.
    X = rng.normal(size=(77, len(lambdas))) * rng.choice([1e-6, 0.01, 0.1], size=(77, 1))
    X[:3] = [[0.0], [-0.0], [np.nan]]
    stock = _stock(transform.__name__)
    with np.errstate(all="ignore"):
        for data in (X, X.astype(F32), X[:1], X[5:6], np.asfortranarray(X)):
            expected, actual = data.copy(order="K"), data.copy(order="K")
            for i, power in enumerate(lambdas):
                expected[:, i] = stock(expected[:, i], power)
            actual[...] = transform(data, lambdas)
            if (
                not np.array_equal(expected, actual, equal_nan=True)
                or (np.signbit(expected) != np.signbit(actual))[~np.isnan(expected)].any()
            ):
                return False
    return True


def _lambdas(compiler: Compiler, est: Any, width: int) -> np.ndarray:
    lambdas = compiler.array(est, "lambdas_", ndim=1)
    demand(lambdas.shape == (width,), lambdas.dtype == F64, np.isfinite(lambdas).all())
    return lambdas


def _transform_of(est: Any, lambdas: np.ndarray, *, inverse: bool) -> Transform:
    if est.method == "box-cox":
        # Up to 1.5 the inverse was an expression, for which NumPy has short cuts at some exponents.
        demand(not inverse or VERSION >= (1, 6))
        transform: Any = special.inv_boxcox if inverse else special.boxcox
        return transform
    demand(est.method == "yeo-johnson")
    # At these other formulas hold.
    demand((np.abs(lambdas) > 1e-6).all(), (np.abs(lambdas - 2) > 1e-6).all())
    if inverse:
        transform, exponents = _yeo_johnson_inverse, [1 / lambdas, 1 / (2 - lambdas)]
    elif VERSION < (1, 9):
        transform, exponents = _yeo_johnson_by_power, [lambdas, 2 - lambdas]
    else:
        transform, exponents = _yeo_johnson, []
    # np.power has short cuts where one such number is the exponent of a whole column.
    demand(not any(np.isin(each, (-1.0, 0.5, 2.0)).any() for each in exponents))
    demand(_agrees(transform))
    return transform


def _applied(X: np.ndarray, transform: Transform, lambdas: np.ndarray) -> Any:
    """Return the transformed array, or None where scikit-learn could have something to say of an overflow or a NaN."""
    out = np.empty_like(X)
    rows = max(1, _BLOCK // len(lambdas))
    with np.errstate(all="ignore"):
        for start in range(0, len(X), rows):
            out[start : start + rows] = transform(X[start : start + rows], lambdas)
    if finite(out):
        return out
    if not finite_or_nan(out) or np.count_nonzero(np.isnan(out)) != np.count_nonzero(np.isnan(X)):
        return None
    return out


def _power(*, inverse: bool) -> Factory:
    def factory(compiler: Compiler, est: Any) -> Kernel:
        demand(est.copy is True)
        schema = schema_of(est)
        lambdas = _lambdas(compiler, est, schema.width)
        transform = _transform_of(est, lambdas, inverse=inverse)
        positive = est.method == "box-cox" and not inverse
        dtypes: set[np.dtype] = {F64, F32} if NEP50 else {F64}
        plans: Any = None
        if est.standardize:
            scaler = vars(est).get("_scaler")
            demand(type(scaler) is StandardScaler)
            plans = affine(schema.width, switched(compiler, scaler, BACKWARD if inverse else FORWARD), cast=CAST)
            dtypes &= set(plans)

        def kernel(X: Any) -> Any:
            if np.geterr()["under"] != "ignore":
                return None
            X = contiguous(X)
            if not finite_or_nan(X) or (positive and not np.fmin.reduce(X, axis=None) > 0):
                return None
            if inverse and plans is not None:
                X = plans[X.dtype](X)
                if X is None or not finite_or_nan(X):
                    return None
            out = _applied(X, transform, lambdas)
            return out if inverse or plans is None or out is None else plans[out.dtype](out)

        return on_numbers(kernel, schema, dtypes)

    return factory


KERNELS: dict[tuple[str, str], Factory] = {
    ("PowerTransformer", "transform"): _power(inverse=False),
    ("PowerTransformer", "inverse_transform"): _power(inverse=True),
}
