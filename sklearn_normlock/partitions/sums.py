"""Sums and sums of squares without a rounding: the result depends neither on the order of rows nor on their parts.

A column is cut into slices of 20 bits by adding and subtracting a large constant, which is an error-free
transformation [1]_. Products of slices are whole numbers of at most 40 bits in a known unit. An ordinary dot product
adds a block of 8,192 rows of them without a rounding, as in matrix products of that kind [2]_. The totals of blocks are
added in Python's integers: fixed-point numbers wide enough for every float64 and its square. Moments are rounded once,
at the end, and are therefore the floats nearest to the true ones.

.. [1] S. M. Rump, T. Ogita, S. Oishi, "Accurate floating-point summation, part I: faithful rounding", SIAM Journal on
   Scientific Computing 31 (2008).
.. [2] K. Ozaki, T. Ogita, S. Oishi, S. M. Rump, "Error-free transformations of matrix multiplication by using fast
   routines of matrix multiplication and its applications", Numerical Algorithms 59 (2012).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

#: Every float64 is a whole multiple of 2**-UNIT, and its square of 2**-(2 * UNIT).
UNIT = 1074
_BITS = 20  # of a slice
_ROWS = 2 ** (53 - 2 * _BITS)  # so many products of two slices stay below 2**53
_SLICES = 6
# Between these exponents no product of two slices overflows or loses bits to underflow.
_HIGHEST, _LOWEST = 480, -380


@dataclass(frozen=True)
class ExactSum:
    """Count, sum and sum of squares of some values, each exact.

    Parameters
    ----------
    count : int
        Number of values.
    total : int
        Their sum, in units of 2**-1074.
    squares : int
        The sum of their squares, in units of 2**-2148.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_normlock.partitions.sums import exact_sum
    >>> parts = exact_sum(np.array([1e16, 1.0])) + exact_sum(np.array([-1e16, 1.0]))
    >>> parts.mean()
    0.5
    """

    count: int = 0
    total: int = 0
    squares: int = 0

    def __add__(self, other: ExactSum) -> ExactSum:
        return ExactSum(self.count + other.count, self.total + other.total, self.squares + other.squares)

    def mean(self) -> float:
        """Return the float nearest to the mean; NaN without values."""
        return _ratio(self.total, self.count << UNIT)

    def variance(self) -> float:
        """Return the float nearest to the variance (divided by the count); NaN without values."""
        n = self.count
        return _ratio(n * self.squares - self.total**2, n * n << 2 * UNIT)


def exact_sum(values: Array) -> ExactSum:
    """Return the exact count, sum and sum of squares.

    Parameters
    ----------
    values : ndarray of shape (n_values,), float64
        Finite; it is left as it is.
    """
    total = squares = 0
    for start in range(0, len(values), _ROWS):
        block = np.array(values[start : start + _ROWS], dtype=np.float64)
        part, part_squares = _of_block(block)
        total += part
        squares += part_squares
    return ExactSum(len(values), total, squares)


def _of_block(rest: Array) -> tuple[int, int]:
    """Sum a block, which is used up."""
    largest = float(max(rest.max(), -rest.min()))
    total = squares = 0
    if largest >= 2.0**_HIGHEST:
        high = np.flatnonzero(np.abs(rest) >= 2.0**_HIGHEST)
        total, squares = _one_by_one(rest[high])
        rest[high] = 0.0
        largest = float(np.abs(rest).max())
    exponent = max(math.frexp(largest)[1], _LOWEST)
    slices: list[Array] = []
    for k in range(1, _SLICES + 1):
        if not rest.any():
            break
        constant = math.ldexp(1.5, 52 + exponent - _BITS * k)
        part = rest + constant
        part -= constant
        rest -= part
        slices.append(part)
    else:
        odd = np.flatnonzero(rest)
        if len(odd):  # values that are tiny beside the largest: put together again, and added singly
            whole = rest[odd]
            for part in reversed(slices):
                whole += part[odd]
                part[odd] = 0.0
            more, more_squares = _one_by_one(whole)
            total += more
            squares += more_squares
    units = [exponent - _BITS * k for k in range(1, len(slices) + 1)]
    for i, (one, unit) in enumerate(zip(slices, units, strict=True)):
        total += int(math.ldexp(float(one.sum()), -unit)) << (unit + UNIT)
        for other, other_unit in zip(slices[i:], units[i:], strict=True):
            product = int(math.ldexp(float(one.dot(other)), -unit - other_unit))
            squares += product << (unit + other_unit + 2 * UNIT + (other is not one))
    return total, squares


def _one_by_one(values: Array) -> tuple[int, int]:
    total = squares = 0
    for value in values.tolist():
        numerator, denominator = value.as_integer_ratio()
        units = (numerator << UNIT) // denominator  # the denominator is a power of two, at most 2**UNIT
        total += units
        squares += units * units
    return total, squares


def _ratio(numerator: int, denominator: int) -> float:
    if not denominator:
        return math.nan
    try:
        # Python divides integers with a single rounding, to -0.0 if the result is tiny; there is one zero here.
        return numerator / denominator + 0.0
    except OverflowError:
        return math.inf if numerator > 0 else -math.inf


def exact_sums(columns: Any) -> list[ExactSum]:
    """Return the exact sums of each column's values that aren't NaN.

    Parameters
    ----------
    columns : ndarray of shape (n_rows, n_columns)
        Floats of any precision, without infinities.
    """
    found = []
    for j in range(columns.shape[1]):
        column = columns[:, j]
        missing = np.isnan(column)
        found.append(exact_sum(column[~missing] if missing.any() else column))
    return found
