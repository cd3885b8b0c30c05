"""Kernels of the linear decompositions: PCA and TruncatedSVD.

The product is the one that scikit-learn takes, of operands in the same layout, so that BLAS adds in the same order.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .compiler import VERSION, Compiler, Factory, demand, schema_of
from .inputs import Kernel, contiguous, finite, on_numbers


def _pca(compiler: Compiler, est: Any) -> Kernel:
    schema = schema_of(est)
    components, mean = compiler.array(est, "components_", ndim=2), compiler.array(est, "mean_", ndim=1)
    demand(components.shape[1] == schema.width, mean.shape == (schema.width,), type(est.whiten) is bool)
    demand(np.isfinite(components).all(), np.isfinite(mean).all())
    columns = components.T
    after = VERSION >= (1, 5)  # from then on the mean is subtracted after the projection
    offset = mean.reshape(1, -1) @ columns
    scale = np.sqrt(est.explained_variance_) if est.whiten else None
    if scale is not None:
        demand(np.isfinite(scale).all(), (scale > 1e-8).all())

    def kernel(X: Any) -> Any:
        if not finite(contiguous(X)):
            return None
        if after:
            out = X @ columns
            out -= offset
        else:
            out = (X - mean) @ columns
        if scale is not None:
            out /= scale
        return out if finite(contiguous(out)) else None

    return on_numbers(kernel, schema)


def _svd(compiler: Compiler, est: Any) -> Kernel:
    schema = schema_of(est)
    components = compiler.array(est, "components_", ndim=2)
    demand(components.shape[1] == schema.width, np.isfinite(components).all())
    columns = components.T

    def kernel(X: Any) -> Any:
        return X @ columns if finite(contiguous(X)) else None

    return on_numbers(kernel, schema, exact=True)


KERNELS: dict[tuple[str, str], Factory] = {("PCA", "transform"): _pca, ("TruncatedSVD", "transform"): _svd}
