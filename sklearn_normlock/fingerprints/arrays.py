"""Canonical bytes of NumPy arrays (clauses 4.1 to 4.7 of ``docs/spec.md``).

The bytes are those of the array in C order and little-endian, whatever its layout and byte order are. An array of more
than one block stands in them as the root of its block digests. A large array is never copied, its blocks can be hashed
by several threads, and a change can be located to a block.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from struct import Struct

import numpy as np

from ..errors import UnfingerprintableError

BLOCK = 1 << 20  # bytes; part of the format
_THREADED_FROM = 8 * BLOCK  # below this, starting threads costs more than it saves
_KINDS = "biufcmMSU"

u64 = Struct("<Q").pack


def dtype_name(dtype: np.dtype) -> bytes:
    """Return the canonical name of a plain dtype: NumPy's array-interface string, little-endian."""
    opaque = dtype.kind == "V" and dtype.names is None and dtype.subdtype is None and dtype.type is np.void
    if dtype.kind not in _KINDS and not opaque:
        raise UnfingerprintableError(
            f"dtype {dtype!r} has no canonical bytes.",
            remedy="Convert the array to a numeric, string or datetime dtype, or to object.",
        )
    if dtype.kind in "fc" and dtype.itemsize > (8 if dtype.kind == "f" else 16):
        raise UnfingerprintableError(
            f"dtype {dtype} has another layout on every platform.", remedy="Convert the array to float64 or complex128."
        )
    return dtype.newbyteorder("<").str.encode("ascii")


def array_bytes(array: np.ndarray, blocks: list[bytes]) -> bytes:
    """Return the canonical bytes of an array of a plain dtype (clauses 4.1 to 4.4).

    Parameters
    ----------
    array : ndarray of any shape and layout
        Neither structured nor of objects.
    blocks : list
        Receives the block digests of an array that has several.

    Returns
    -------
    canonical : bytes
        Header and data; for an array of more than one block, header and root digest.
    """
    header = _header((array.dtype.str, array.dtype.type), array.dtype, array.shape)
    if array.nbytes > BLOCK:
        blocks += block_digests(array)
        return b"A" + header + root_digest(blocks)
    if array.dtype.byteorder == ">" or _BIG_ENDIAN:
        array = array.astype(array.dtype.newbyteorder("<"))
    return b"a" + header + u64(array.nbytes) + array.tobytes()


@lru_cache(maxsize=1024)
def _header(key: tuple[str, type], dtype: np.dtype, shape: tuple[int, ...]) -> bytes:
    # The key tells apart what NumPy calls equal: 1000 milliseconds and a second, two opaque types of one size.
    name = dtype_name(dtype)
    return b"".join((u64(len(name)), name, u64(len(shape)), *map(u64, shape)))


def root_digest(blocks: list[bytes]) -> bytes:
    """Return the digest of the block digests (clause 4.4)."""
    return hashlib.sha256(b"nl1\0blocks" + u64(len(blocks)) + b"".join(blocks)).digest()


def block_digests(array: np.ndarray) -> list[bytes]:
    """Return the SHA-256 of each block of an array's canonical data (clause 4.4).

    Parameters
    ----------
    array : ndarray of a plain dtype
        A contiguous little-endian array (a memory-mapped one too) is read in place. Any other is converted block by
        block.

    Returns
    -------
    digests : list of bytes
        One for each ``BLOCK`` bytes; the last block may be shorter.
    """
    if array.flags.c_contiguous and array.dtype.newbyteorder("<") == array.dtype:
        data = memoryview(array.reshape(-1).view(np.uint8))  # type: ignore[arg-type]
        blocks: Iterator[memoryview] = (data[start : start + BLOCK] for start in range(0, len(data), BLOCK))
        threads = min(os.cpu_count() or 1, 8)
        if threads > 1 and array.nbytes >= _THREADED_FROM:
            with ThreadPoolExecutor(threads) as pool:
                return list(pool.map(_block_digest, blocks))
    else:
        blocks = _converted_blocks(array)
    return [_block_digest(block) for block in blocks]


def _block_digest(block: memoryview) -> bytes:
    return hashlib.sha256(block).digest()


def _converted_blocks(array: np.ndarray) -> Iterator[memoryview]:
    """Yield the blocks of an array that isn't contiguous or not little-endian, one buffer at a time."""
    dtype = array.dtype.newbyteorder("<")
    pending = bytearray()
    iterator = np.nditer(
        array,
        flags=["external_loop", "buffered", "zerosize_ok"],
        order="C",
        casting="equiv",
        op_dtypes=[dtype],
        buffersize=max(1, BLOCK // max(1, dtype.itemsize)),
    )
    for chunk in iterator:
        pending += np.ascontiguousarray(chunk).view(np.uint8).data
        while len(pending) >= BLOCK:
            yield memoryview(bytes(pending[:BLOCK]))
            del pending[:BLOCK]
    if pending:
        yield memoryview(bytes(pending))


def structured_bytes(array: np.ndarray, encode: Callable[[str, np.ndarray], bytes]) -> bytes:
    """Return the canonical bytes of a structured array: field by field, without padding (clause 4.6)."""
    names = array.dtype.names or ()
    parts = [b"v", u64(array.ndim), *map(u64, array.shape), u64(len(names))]
    for name in names:
        label = name.encode("utf-8")
        parts += (u64(len(label)), label, encode(name, array[name]))
    return b"".join(parts)


_BIG_ENDIAN = np.dtype("<i8") != np.dtype("i8")
