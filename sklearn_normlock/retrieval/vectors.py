"""Lengths of all vectors, and directions of some: one read of the array, in blocks that fit a cache."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import InputFaultError

Array = NDArray[np.float64]

_BLOCK = 1 << 19  # numbers: 2 MB in float32
_SAMPLE = 8_192  # vectors whose directions are looked at
_AXES = 16  # principal directions that are kept
LEAST = 32  # vectors from which directions are judged


def as_vectors(V: Any, name: str = "V") -> Any:
    """Return vectors as a two-dimensional array of numbers; nothing is copied that is one already.

    Raises
    ------
    InputFaultError
        If it is something else.
    """
    if isinstance(V, np.ma.MaskedArray):
        raise InputFaultError(
            f"{name} has masked values, which no vector has.", path=name, remedy="Leave these rows out."
        )
    try:
        array = V if isinstance(V, np.ndarray) else np.asarray(V)
    except ValueError as error:
        raise InputFaultError(
            f"{name} makes no array ({error}).", path=name, remedy="Give vectors of one width."
        ) from None
    if array.dtype.kind not in "fiub":
        raise InputFaultError(
            f"{name} has dtype {array.dtype}, which is no number.", path=name, remedy="Pass an array of floats."
        )
    if array.ndim != 2:
        raise InputFaultError(
            f"{name} has {array.ndim} dimension{'s' * (array.ndim != 1)}; vectors are the rows of an array of 2.",
            path=name,
            actual=array.shape,
            remedy="Reshape a single vector with reshape(1, -1).",
        )
    if 0 in array.shape:
        raise InputFaultError(f"{name} is empty: its shape is {array.shape}.", path=name, remedy="Pass some vectors.")
    return array


def blocks(V: Any) -> Iterator[tuple[int, Any]]:
    """Yield the first row of each block, and the block in float32 or float64."""
    step = max(1, _BLOCK // V.shape[1])
    kept = V.dtype in (np.float32, np.float64) and V.dtype.isnative
    wide = np.float64 if V.dtype.kind in "iu" and V.dtype.itemsize > 2 else np.float32
    for start in range(0, len(V), step):
        block = V[start : start + step]
        yield start, block if kept else block.astype(np.float64 if V.dtype.itemsize > 4 else wide)


def lengths(V: Any) -> Array:
    """Return the length of each vector; NaN or infinite where the vector is not finite."""
    found = np.empty(len(V))
    with np.errstate(all="ignore"):
        for start, block in blocks(V):
            found[start : start + len(block)] = np.einsum("ij,ij->i", block, block)
        # Squares of what is very large or small have no room in float32: those rows are looked at again.
        again = np.flatnonzero(~((found > 1e-30) & (found < 1e30)))
        found = np.sqrt(found)
        for part in np.array_split(again, -(-len(again) // 4096)) if len(again) else ():
            rows = V[part].astype(np.float64)
            largest = np.max(np.abs(rows), axis=1)
            safe = np.where((largest > 0) & np.isfinite(largest), largest, 1.0)
            found[part] = np.linalg.norm(rows / safe[:, None], axis=1) * safe
    return found


def sample(V: Any, usable: NDArray[np.bool_]) -> Array:
    """Return some vectors in float64, evenly over those that are finite and not zero."""
    at = np.flatnonzero(usable)
    if len(at) > _SAMPLE:
        at = at[np.linspace(0, len(at) - 1, _SAMPLE).astype(np.intp)]
    return V[at].astype(np.float64)


def unit(V: Array) -> Array:
    """Return vectors at length 1."""
    largest = np.max(np.abs(V), axis=1, keepdims=True)
    scaled = V / np.where(largest > 0, largest, 1.0)
    length = np.linalg.norm(scaled, axis=1, keepdims=True)
    return scaled / np.where(length > 0, length, 1.0)


def column_figures(V: Any) -> tuple[Array, Array]:
    """Return the sum and the sum of squares of each column."""
    total, square = np.zeros(V.shape[1]), np.zeros(V.shape[1])
    for _, block in blocks(V):
        total += block.sum(axis=0, dtype=np.float64)
        square += np.einsum("ij,ij->j", block, block, dtype=np.float64)
    return total, square


@dataclass(frozen=True)
class Directions:
    """Where unit vectors point: their mean, and the directions in which they vary most.

    Parameters
    ----------
    mean : ndarray of shape (dim,)
        Of vectors at length 1.
    axes : ndarray of shape (n_axes, dim)
        Orthonormal.
    captured : float
        The share of the variance of vectors that were not used for the axes that lies in them.
    noise : float
        How far that share may be off, one standard deviation.
    count : int
        Vectors that were used.
    """

    mean: Array
    axes: Array
    captured: float
    noise: float
    count: int

    @classmethod
    def of(cls, U: Array) -> Directions:
        """Learn them from vectors at length 1."""
        dim = U.shape[1]
        count = min(_AXES, max(1, dim // 4), max(1, len(U) // 4))
        learn, held = U[::2], U[1::2] if len(U) > 1 else U
        _, _, axes = np.linalg.svd(learn - learn.mean(axis=0), full_matrices=False)
        axes = axes[:count]
        axes = axes * np.where(axes[np.arange(len(axes)), np.abs(axes).argmax(axis=1)] < 0, -1.0, 1.0)[:, None]
        captured, noise = _captured(held, axes)
        return cls(U.mean(axis=0), axes, captured, noise, len(U))

    @property
    def chance(self) -> float:
        """The share of the variance that axes of no relation would have."""
        return len(self.axes) / len(self.mean)

    @property
    def shows_variance(self) -> bool:
        """Whether vectors vary in some directions more than in others, so that other vectors can be told."""
        return self.count >= 2 * LEAST and self.captured - self.chance > max(6 * self.noise, 0.25 * self.chance)

    @property
    def shows_mean(self) -> bool:
        """Whether the mean lies far enough from 0 for its absence to be seen."""
        return self.count >= 2 * LEAST and float(self.mean @ self.mean) * self.count > 25.0

    def kept_variance(self, U: Array) -> tuple[float, float]:
        """Return which share of what the axes have to say vectors keep (1: as at fit, 0: by chance), and its noise."""
        captured, noise = _captured(U, self.axes)
        whole = self.captured - self.chance
        return (captured - self.chance) / whole, (noise + self.noise) / whole

    def kept_mean(self, U: Array) -> tuple[float, float, float]:
        """Return which share of the mean vectors keep, its noise, and the size of their mean relative to this one."""
        size = float(self.mean @ self.mean)
        along = U @ self.mean / size
        own = U.mean(axis=0)
        # Without the part that a mean over few vectors has by chance.
        squared = float(own @ own) - (1 - float(own @ own)) / max(len(U) - 1, 1)
        return float(along.mean()), float(along.std() / np.sqrt(len(U))), float(np.sqrt(max(squared, 0.0) / size))


def _captured(U: Array, axes: Array) -> tuple[float, float]:
    centred = U - U.mean(axis=0)
    inside = np.square(centred @ axes.T).sum(axis=1)
    total = np.square(centred).sum(axis=1).mean()
    if total <= 0:
        return 0.0, 1.0
    return float(inside.mean() / total), float(inside.std() / total / np.sqrt(len(U)))
