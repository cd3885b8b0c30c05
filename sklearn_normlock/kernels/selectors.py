"""Kernels of the selectors of columns: VarianceThreshold and the univariate ones."""

from __future__ import annotations

from typing import Any

import numpy as np

from .compiler import Compiler, Factory, demand, schema_of
from .inputs import Kernel, contiguous, finite, on_numbers


def _selected(compiler: Compiler, est: Any) -> Kernel:
    schema = schema_of(est)
    mask = np.array(est.get_support())
    demand(mask.shape == (schema.width,), mask.dtype.kind == "b", mask.any())

    def kernel(X: Any) -> Any:
        return X[:, mask] if finite(contiguous(X)) else None

    return on_numbers(kernel, schema, exact=True)


_NAMES = ("SelectKBest", "SelectPercentile", "SelectFpr", "SelectFdr", "SelectFwe", "GenericUnivariateSelect")

KERNELS: dict[tuple[str, str], Factory] = {(name, "transform"): _selected for name in ("VarianceThreshold", *_NAMES)}
