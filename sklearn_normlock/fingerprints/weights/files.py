"""A file that is looked at but never trusted: its bytes in place, every bound checked before it is used."""

from __future__ import annotations

import math
import mmap
import os
import stat
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from ...errors import ArtifactReadError
from .tensors import BITS, Bits, Tensor


class WeightsFile:
    """The bytes of a regular file, memory-mapped.

    Parameters
    ----------
    path : path-like
        Of a container of tensors.

    Attributes
    ----------
    beside : str
        What else is in it that outputs depend on, in words; its reader says so.
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        self.beside = ""
        try:
            descriptor = os.open(self.path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
        except OSError as error:
            self.refuse(f"it can't be read ({error.strerror})", "Name a file that is there and readable.")
        except ValueError as error:  # a NUL in the name, or a letter that the locale hasn't
            self.refuse(f"that can't be the name of a file ({error})", "Name a file.")
        try:
            state = os.fstat(descriptor)
            if not stat.S_ISREG(state.st_mode):
                self.refuse("it is no regular file", "Name a file.")
            self.size = state.st_size
            if self.size == 0:
                self.refuse("it is empty")
            self.data = mmap.mmap(descriptor, 0, access=mmap.ACCESS_READ)
        finally:
            os.close(descriptor)

    def refuse(self, what: str, remedy: str = "It is damaged or cut short: copy it again.") -> NoReturn:
        """Raise: the file is not what it should be."""
        raise ArtifactReadError(f"{self.path}: {what}.", path=str(self.path), remedy=remedy)

    def require(self, ok: bool, what: str) -> None:
        """Raise unless the file is as it should be."""
        if not ok:
            self.refuse(what)

    def bytes(self, start: int, size: int, what: str) -> bytes:
        """Return some bytes, which must all be there."""
        self.require(0 <= start and 0 <= size and start + size <= self.size, f"{what} lies outside of the file")
        return self.data[start : start + size]

    def tensor(self, name: str, dtype: str, shape: tuple[int, ...], start: int, size: int) -> Tensor:
        """Return a tensor that lies in the file as it stands, little-endian and in C order.

        Parameters
        ----------
        name : str
            For the message.
        dtype : str
            NumPy's name, or one of ``BITS``.
        shape : tuple of int
            Of the tensor.
        start, size : int
            Where its bytes lie.
        """
        self.require(
            0 <= start and 0 <= size and start + size <= self.size, f"tensor {name!r} lies outside of the file"
        )
        return array_from(self.data, dtype, shape, start, size, lambda what: self.refuse(f"tensor {name!r} {what}"))


def array_from(data: Any, dtype: str, shape: tuple[int, ...], start: int, size: int, refuse: Any) -> Tensor:
    """Return an array over part of a buffer."""
    element = np.dtype(f"u{BITS[dtype]}") if dtype in BITS else np.dtype(dtype)
    element = element.newbyteorder("<")
    count = math.prod(shape)
    if len(shape) > 32 or any(length < 0 for length in shape) or count * element.itemsize != size:
        refuse(f"has {size} bytes, which is not what {dtype} of shape {list(shape)} takes")
    array = np.frombuffer(data, element, count, start) if count else np.empty(0, element)
    try:
        array = array.reshape(shape)
    except ValueError:  # no elements, and other dimensions beyond any address
        refuse(f"has the shape {list(shape)}, which no array has")
    return Bits(dtype, shape, array) if dtype in BITS else array
