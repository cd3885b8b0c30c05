"""A record: what stood at each path when an object was fingerprinted, small enough to travel with it.

Its entries are a plain mapping for JSON. The entry of a path is

* a string, the ``repr`` of a parameter or another small value;
* ``{"class": …, "digest": …}`` for an object, with ``"member": true`` if it is an estimator;
* ``{"dtype": …, "shape": […], "data": …}`` for a small array, its canonical data in base64;
* ``{"dtype": …, "shape": […], "digest": …, "summary": {…}}`` for a large one, with the digests of
  ``"blocks"`` of ``"span"`` bytes where it has several;
* ``{"digest": …, "text": …}`` for a value of another type, cut if it is long;
* ``{"digest": …}`` for a container whose members have entries of their own, or a value too long to keep.

The root has ``"cut": true`` if something was left out for its size.

Nothing here decides a match: the fingerprint does. A record locates a mismatch and shows both sides of it. Taking one
is part of every fit, so that it only notes what can't be had later; the entries are made when somebody asks for them.
"""

from __future__ import annotations

import hashlib
import json
import re
from binascii import b2a_base64
from typing import Any

import numpy as np

from ..documents.wellformed import entry_problem
from .arrays import BLOCK

LARGEST = 16_000  # bytes of one record as JSON
_MARGIN = 2_000  # the size of notes in JSON isn't known while they are taken
ARRAY_BYTES = 2_048  # an array up to this size is kept by value
_TEXT = 240  # characters of a value's repr
_NAMES = 4_000  # and of an array of objects
_PATH = 400  # characters of a path
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")
_GROUPS = 128  # a large array is located to one in this many parts


class Record:
    """Takes notes during a walk, within a budget.

    Parameters
    ----------
    text : str, default=None
        A record that came with an object, as :attr:`text` gave it; read when it is first asked for.
    largest : int, default=LARGEST
        Bytes of the whole as JSON.
    array_bytes : int, default=ARRAY_BYTES
        An array up to this size is kept by value.
    reserve : int, default=0
        Bytes beyond that for objects alone: a change is located to a member though its arrays have no room.
    """

    def __init__(
        self, text: str | None = None, largest: int = LARGEST, array_bytes: int = ARRAY_BYTES, reserve: int = 0
    ) -> None:
        self._text = text
        self._largest = largest
        self._array_bytes = array_bytes
        self._notes: list[tuple[Any, ...]] = []
        self._entries: dict[str, Any] | None = None
        self._left = largest - _MARGIN
        self._reserve = self._kept = reserve
        self._cut = False

    def __len__(self) -> int:
        return len(self._notes)

    def noted(self, path: str) -> bool:
        """Tell whether the last note is of this path."""
        return bool(self._notes) and self._notes[-1][1] == path

    # -- taking notes ------------------------------------------------------------------------------------------------

    def object(self, path: str, name: str, digest: bytes, member: bool) -> None:
        """Note an object; the root of a record is noted whatever is left."""
        if self._fits(path, 64 + len(name), reserve=True) or not path:
            self._notes.append((_object_entry, path, name, digest, member))

    def container(self, path: str, blob: bytes, text: str | None = None) -> None:
        """Note a value by the digest of its canonical bytes, and the names of its members if it has names for them."""
        if self._fits(path, 32 + len(text or "")):
            self._notes.append((_digest_entry, path, hashlib.sha256(blob).digest(), text))

    def plain(self, path: str, value: Any, blob: bytes) -> None:
        """Note a number, a string, a truth value or None."""
        if len(blob) > _TEXT:
            self.value(path, value, blob)
        elif self._fits(path, len(blob)):
            self._notes.append((_value_entry, path, value))

    def value(self, path: str, value: Any, blob: bytes) -> None:
        """Note a value that is neither an array nor an object."""
        limit = _NAMES if isinstance(value, np.ndarray) else _TEXT  # of objects: names of features, categories
        if len(blob) > 4 * limit:
            self.container(path, blob)
            return
        if self._left < 32:
            self._cut = True  # no text is made where none has room
            return
        text = stable_repr(value.tolist() if isinstance(value, (np.ndarray, np.generic)) else value)
        text = _ADDRESS.sub("", text)
        text = text if len(text) <= limit else text[:_TEXT] + "…"
        if self._fits(path, 32 + len(text)):
            # Two equal values may have two texts still, so that the digest is what is compared.
            self._notes.append((_digest_entry, path, hashlib.sha256(blob).digest(), text))

    def array(self, path: str, array: np.ndarray, blob: bytes, blocks: list[bytes]) -> None:
        """Note an array: by value if it is small, else by digests and a summary."""
        if array.nbytes <= self._array_bytes and self._fits(path, array.nbytes * 4 // 3 + 40):
            self._notes.append((_array_entry, path, array.dtype, array.shape, blob[len(blob) - array.nbytes :]))
        elif self._fits(path, 200 + 15 * min(len(blocks), _GROUPS)):
            run = -(-len(blocks) // _GROUPS)  # blocks in a group
            groups = [b"".join(blocks[i : i + run]) for i in range(0, len(blocks), run or 1)]
            digest = hashlib.sha256(blob).digest()
            about = summary(array)
            self._notes.append((_large_entry, path, array.dtype, array.shape, digest, about, groups, run * BLOCK))

    def absorb(self, prefix: str, record: Record) -> None:
        """Take over the notes of a nested object that has a record of its own."""
        for path, entry in record.entries.items():
            joined = f"{prefix}.{path}" if prefix and path and not path.startswith("[") else prefix + path
            if self._fits(joined, len(str(entry))):
                self._notes.append((_known_entry, joined, entry))

    def _fits(self, path: str, size: int, reserve: bool = False) -> bool:
        """Take the size of an entry from the budget, if there is so much left and its path is not absurd."""
        if len(path) <= _PATH and self._left >= size:
            self._left -= size + len(path) + 8
            return True
        self._cut = True
        if len(path) > _PATH or not reserve or self._reserve < size:
            return False
        self._reserve -= size + len(path) + 8
        return True

    # -- reading them ------------------------------------------------------------------------------------------------

    @property
    def entries(self) -> dict[str, Any]:
        """The entries by path; empty if the record was damaged on its way."""
        if self._entries is None:
            self._entries = _read(self._text) if self._text is not None else self._made()
        return self._entries

    def _made(self) -> dict[str, Any]:
        """Make the entries; while notes were taken their size could only be guessed."""
        entries: dict[str, Any] = {}
        left = self._largest - 200  # for the root
        reserve = self._kept
        for entry, path, *facts in self._notes:
            made = entry(*facts)
            size = len(json.dumps(path)) + len(json.dumps(made)) + 4
            if left >= size or not path:
                left -= size
            elif entry is _object_entry and reserve >= size:
                reserve -= size
            else:
                self._cut = True
                continue
            entries[path] = made
        if self._cut and isinstance(entries.get(""), dict):
            entries[""] = {**entries[""], "cut": True}
        return entries

    @property
    def text(self) -> str:
        """The entries as JSON."""
        if self._text is None:
            self._text = json.dumps(self.entries, separators=(",", ":"))
        return self._text


def _read(text: Any) -> dict[str, Any]:
    try:
        entries = json.loads(text)
    except (TypeError, ValueError, RecursionError):
        return {}
    if not isinstance(entries, dict):
        return {}
    # One damaged entry speaks for others that only look sound: no place is named rather than a wrong one.
    sound = all(
        isinstance(each, str) or (isinstance(each, dict) and not entry_problem(each, True)) for each in entries.values()
    )
    return entries if sound else {}


def _object_entry(name: str, digest: bytes, member: bool) -> Any:
    entry = {"class": name, "digest": digest.hex()}
    return {**entry, "member": True} if member else entry


def _digest_entry(digest: bytes, text: str | None = None) -> Any:
    return {"digest": digest.hex()[:32]} if text is None else {"digest": digest.hex()[:32], "text": text}


def _value_entry(value: Any) -> Any:
    return repr(value)


def _known_entry(entry: Any) -> Any:
    return entry


def _array_entry(dtype: np.dtype, shape: tuple[int, ...], data: bytes) -> Any:
    text = b2a_base64(data, newline=False).decode("ascii")
    return {"dtype": dtype.newbyteorder("<").str, "shape": list(shape), "data": text}


def _large_entry(
    dtype: np.dtype, shape: tuple[int, ...], digest: bytes, about: dict[str, Any], groups: list[bytes], span: int
) -> Any:
    entry = {"dtype": dtype.newbyteorder("<").str, "shape": list(shape), **_digest_entry(digest), "summary": about}
    if not groups:
        return entry
    return {**entry, "blocks": [hashlib.sha256(group).hexdigest()[:12] for group in groups], "span": span}


def stable_repr(value: Any) -> str:
    """Return the repr of a value; that of dicts and sets does not depend on their order, nor so on the hash seed."""
    kind = type(value)
    if kind is dict:
        return "{" + ", ".join(sorted(f"{_repr(key)}: {stable_repr(item)}" for key, item in value.items())) + "}"
    if kind in (set, frozenset) and value:
        text = "{" + ", ".join(sorted(map(stable_repr, value))) + "}"
        return text if kind is set else f"frozenset({text})"
    if kind is list:
        return "[" + ", ".join(map(stable_repr, value)) + "]"
    if kind is tuple and value:
        return "(" + ", ".join(map(stable_repr, value)) + (",)" if len(value) == 1 else ")")
    return _repr(value)


def _repr(value: Any) -> str:
    """Return the repr of a value, which only describes it: if that can't be had, the name of its class."""
    try:
        return repr(value)
    except Exception:  # an estimator of another version may lack a parameter that its class prints
        return object.__repr__(value)


def summary(array: np.ndarray) -> dict[str, Any]:
    """Return what a reader of a diff wants to know of a large array: its range and mean, of a sample if it is huge."""
    if array.dtype.kind not in "fiub" or array.size == 0:
        return {}
    # In C order whatever the layout is, and summed as contiguous native numbers are: the same array, the same summary.
    if array.size <= 1 << 16:
        flat = array.reshape(-1)
    else:
        at = np.arange(0, array.size, array.size >> 16)
        flat = array.reshape(-1)[at] if array.flags.c_contiguous else array[np.unravel_index(at, array.shape)]
    flat = np.ascontiguousarray(flat, dtype=flat.dtype.newbyteorder("="))
    finite = flat[np.isfinite(flat)] if array.dtype.kind == "f" else flat
    if finite.size == 0:
        return {"finite": 0}
    with np.errstate(over="ignore"):
        about = {"min": finite.min(), "max": finite.max(), "mean": finite.mean(dtype=np.float64)}
    return {name: float(value) for name, value in about.items() if np.isfinite(value)}
