"""The price of what a name tells, in nats: the length of a description (Rissanen 1978)."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy.special import gammaln

_ROOT_2_PI = float(np.sqrt(2 * np.pi))


def choice(d: int, k: int) -> float:
    """Return the price of saying which k of d columns, in nats: all, or else how many, and which of as many."""
    if k in (0, d):
        return float(np.log(2))
    return float(np.log(2 * k * (k + 1)) + gammaln(d + 1) - gammaln(k + 1) - gammaln(d - k + 1))


def estimated(density: Any, error: Any) -> Any:
    """Return the price of a number of this prior density that is known to a standard error, in nats.

    It is the part of the prior that the estimate leaves (Laplace's approximation, from which BIC is derived). That is
    about half the logarithm of the number of rows, and how much the number might have been.
    """
    return np.maximum(0.0, -np.log(np.maximum(density * _ROOT_2_PI * error, 1e-300)))


def normal(x: Any, deviation: float) -> Any:
    """Return the density of a normal variable of mean 0."""
    return np.exp(-0.5 * (np.asarray(x) / deviation) ** 2) / (_ROOT_2_PI * deviation)
