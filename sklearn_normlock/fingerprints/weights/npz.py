"""NumPy's ``.npz`` and ``.npy``: arrays without objects, read through the sizes that their headers state."""

from __future__ import annotations

import io
import math
import warnings
import zipfile
import zlib
from typing import Any

import numpy as np

from .files import WeightsFile, array_from
from .tensors import Tensor

_MOST = 1_000_000  # members


def members_of(file: WeightsFile) -> tuple[zipfile.ZipFile, list[zipfile.ZipInfo]]:
    """Return the archive that a file is and its members; names that occur twice are refused."""
    try:
        archive = zipfile.ZipFile(io.BufferedReader(MappedStream(file)))
        members = archive.infolist()
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError, EOFError) as error:
        file.refuse(f"it is no sound zip archive ({error})")
    file.require(len(members) <= _MOST, f"it has {len(members):,} members")
    file.require(len({member.filename for member in members}) == len(members), "two of its members have one name")
    return archive, members


class MappedStream(io.RawIOBase):
    """A memory-mapped file as a stream, for :mod:`zipfile`."""

    def __init__(self, file: WeightsFile) -> None:
        self.file, self.at = file, 0

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def seekable(self) -> bool:
        """Tell that it can be read from anywhere."""
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go to a place."""
        self.at = max(0, offset + (0, self.at, self.file.size)[whence])
        return self.at

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer."""
        data = self.file.data[self.at : self.at + len(buffer)]
        buffer[: len(data)] = data
        self.at += len(data)
        return len(data)


def content(file: WeightsFile, archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> tuple[Any, int, int]:
    """Return a buffer, and where in it the content of a member lies: in place if it is stored as it is."""
    if member.compress_type == zipfile.ZIP_STORED and not member.flag_bits & 0x1:
        header = file.bytes(member.header_offset, 30, f"member {member.filename!r}")
        file.require(header[:4] == b"PK\3\4", f"member {member.filename!r} has no header")
        skip = int.from_bytes(header[26:28], "little") + int.from_bytes(header[28:30], "little")
        start = member.header_offset + 30 + skip
        inside = member.compress_size == member.file_size and start + member.file_size <= file.size
        file.require(inside, f"member {member.filename!r} lies outside of the file")
        return file.data, start, member.file_size
    # A deflated byte becomes at most 1032: what claims more is no archive of weights.
    file.require(member.file_size <= 1040 * (member.compress_size + 100), f"member {member.filename!r} claims too much")
    try:
        with archive.open(member) as stream:
            data = stream.read(member.file_size + 1)
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError, RuntimeError, EOFError, zlib.error) as error:
        file.refuse(f"member {member.filename!r} can't be unpacked ({error})")
    file.require(len(data) == member.file_size, f"member {member.filename!r} has another size than it states")
    return data, 0, len(data)


def read_npz(file: WeightsFile) -> dict[str, Tensor]:
    """Return the arrays of an ``.npz`` file."""
    archive, members = members_of(file)
    found = {}
    for member in members:
        name = member.filename.removesuffix(".npy")
        data, start, size = content(file, archive, member)
        found[name] = _array(file, name, data, start, size)
    return found


def read_npy(file: WeightsFile) -> dict[str, Tensor]:
    """Return the array of an ``.npy`` file, under the name ``""``."""
    return {"": _array(file, "", file.data, 0, file.size)}


def _array(file: WeightsFile, name: str, data: Any, start: int, size: int) -> Tensor:
    head = io.BytesIO(bytes(data[start : start + min(size, 1 << 16)]))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a header of Python 2
            version = np.lib.format.read_magic(head)
            read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
            shape, fortran, dtype = read(head)
    except Exception as error:  # NumPy evaluates the header as a literal: whatever that raises is damage
        file.refuse(f"array {name!r} has no sound header ({type(error).__name__})")
    file.require(dtype.kind in "biufc" and dtype.names is None, f"array {name!r} has dtype {dtype}, no numbers")
    start, size = start + head.tell(), size - head.tell()
    plain = dtype.newbyteorder("<").str

    def refuse(what: str) -> None:
        file.refuse(f"array {name!r} {what}")

    if math.prod(shape) * dtype.itemsize != size:
        refuse(f"has {size} bytes, which is not what {dtype} of shape {list(shape)} takes")
    array = array_from(data, plain, tuple(shape[::-1]) if fortran else tuple(shape), start, size, refuse)
    if dtype.newbyteorder("<") != dtype:
        array = array.view(dtype)
    return array.T if fortran else array
