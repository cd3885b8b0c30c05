"""A record: what stood at each path when an object was fingerprinted, small enough to travel with it.

It is a plain mapping for JSON. The entry of a path is

* a string, the ``repr`` of a parameter or another small value;
* ``{"class": …, "digest": …}`` for an object;
* ``{"dtype": …, "shape": […], "data": …}`` for a small array, its canonical data in base64;
* ``{"dtype": …, "shape": […], "digest": …, "summary": {…}}`` for a large one, with ``"blocks"`` where it has several;
* ``{"digest": …}`` for a container whose members have entries of their own, or a value too long to keep.

Nothing here decides a match: the fingerprint does. A record locates a mismatch and shows both sides of it.
"""

from __future__ import annotations

import hashlib
from binascii import b2a_base64
from typing import Any

import numpy as np

BUDGET = 12_000  # bytes kept by value in one record
_ARRAY_BYTES = 2_048  # an array up to this size is kept by value
_TEXT = 240  # characters of a value's repr
_GROUPS = 128  # a large array is located to one in this many parts
_ENTRIES = 2_000  # paths in one record; what lies beyond is covered by the digest of its container


class Record:
    """Collects entries during a walk, within a budget."""

    def __init__(self) -> None:
        self.entries: dict[str, Any] = {}
        self.left = BUDGET

    def object(self, path: str, name: str, digest: bytes) -> None:
        self._put(path, {"class": name, "digest": digest.hex()}, 16)

    def container(self, path: str, blob: bytes) -> None:
        self._put(path, {"digest": _short(blob)}, 8)

    def value(self, path: str, value: Any, blob: bytes) -> None:
        names = path.endswith("feature_names_in_")  # kept at length: elements are shown by the names of their features
        if len(blob) > (8 if names else 1) * 4 * _TEXT:
            self._put(path, {"digest": _short(blob)}, 8)
            return
        text = repr(value.tolist() if isinstance(value, np.ndarray) else value)
        fits = names or len(text) <= _TEXT
        self._put(path, text if fits else {"digest": _short(blob), "text": text[:_TEXT]}, len(text))

    def array(self, path: str, array: np.ndarray, blob: bytes, blocks: list[bytes]) -> None:
        entry: dict[str, Any] = {"dtype": array.dtype.newbyteorder("<").str, "shape": list(array.shape)}
        if array.nbytes <= _ARRAY_BYTES and array.nbytes <= self.left:
            # The canonical data are the last bytes of the canonical form.
            data = blob[len(blob) - array.nbytes :] if array.nbytes else b""
            entry["data"] = b2a_base64(data, newline=False).decode("ascii")
            self._put(path, entry, array.nbytes)
        else:
            entry["digest"] = _short(blob)
            entry["summary"] = summary(array)
            if blocks:
                entry["blocks"] = _grouped(blocks)
            self._put(path, entry, 64 + 8 * len(entry.get("blocks", ())))

    def absorb(self, prefix: str, entries: dict[str, Any]) -> None:
        """Take over the entries of a nested object that has a record of its own."""
        for path, entry in entries.items():
            joined = f"{prefix}.{path}" if prefix and path and not path.startswith("[") else prefix + path
            self._put(joined, entry, 0)

    def _put(self, path: str, entry: Any, cost: int) -> None:
        if len(self.entries) < _ENTRIES and (self.left > 0 or not path):
            self.entries[path] = entry
            self.left -= cost


def _grouped(blocks: list[bytes]) -> list[str]:
    """Return a short digest for each block, or for each of `_GROUPS` runs of blocks."""
    run = -(-len(blocks) // _GROUPS)
    return [_short(b"".join(blocks[i : i + run]))[:12] for i in range(0, len(blocks), run)]


def _short(blob: bytes) -> str:
    return hashlib.sha256(blob).hexdigest()[:32]


def summary(array: np.ndarray) -> dict[str, Any]:
    """Return what a reader of a diff wants to know of a large array: its range and mean, of a sample if it is huge."""
    if array.dtype.kind not in "fiub" or array.size == 0:
        return {}
    flat = array.reshape(-1) if array.flags.c_contiguous else array.ravel(order="K")
    if flat.size > 1 << 16:
        flat = flat[:: flat.size >> 16]
    finite = flat[np.isfinite(flat)] if array.dtype.kind == "f" else flat
    if finite.size == 0:
        return {"finite": 0}
    return {"min": float(finite.min()), "max": float(finite.max()), "mean": float(finite.mean(dtype=np.float64))}
