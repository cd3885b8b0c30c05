"""Entries of a stored profile, read one by one: each is what it should be, or the error says where it is not."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import LockFormatError

#: Counts are whole in float64, too.
MOST = 2**53


@dataclass(frozen=True)
class Entry:
    """A value of the document, and where it stands in it."""

    value: Any
    path: str = ""

    def __getitem__(self, key: str) -> Entry:
        inner = Entry(self.value.get(key, ...) if isinstance(self.value, dict) else ..., self._at(key))
        inner.require(inner.value is not ..., "an entry")
        return inner

    def items(self) -> Iterator[tuple[str, Entry]]:
        """Yield the entries of a mapping."""
        self.require(isinstance(self.value, dict), "a mapping")
        for key, value in self.value.items():
            yield key, Entry(value, self._at(key))

    def elements(self, size: int) -> list[Entry]:
        """Return the elements of a list of a known length."""
        self.require(isinstance(self.value, list) and len(self.value) == size, f"a list of {size}")
        return [Entry(value, self._at(i)) for i, value in enumerate(self.value)]

    def text(self) -> str:
        """Return a string."""
        self.require(isinstance(self.value, str), "text")
        return self.value

    def whole(self, low: int = 0, high: int = MOST) -> int:
        """Return a whole number between two others."""
        whole = isinstance(self.value, int) and not isinstance(self.value, bool) and low <= self.value <= high
        self.require(whole, f"a whole number from {low} to {high}" if high < MOST else f"a whole number, {low} or more")
        return self.value

    def number(self, low: float, high: float) -> float:
        """Return a number between two others."""
        known = isinstance(self.value, (int, float)) and not isinstance(self.value, bool) and low <= self.value <= high
        self.require(known, f"a number from {low:g} to {high:g}")
        return float(self.value)

    def wholes(self, size: int, high: int = MOST) -> Any:
        """Return an array of counts."""
        return np.array([each.whole(0, high) for each in self.elements(size)], np.int64)

    def numbers(self, low: float, high: float, where: Any) -> Any:
        """Return an array of numbers; there is None in the document, and NaN here, where there is none."""
        out = np.full(len(where), np.nan)
        for j, each in enumerate(self.elements(len(where))):
            if where[j]:
                out[j] = each.number(low, high)
            else:
                each.require(each.value is None, "null, as the column has no number")
        return out

    def packed(self, dtype: str, size: int | None, low: float, high: float) -> Any:
        """Return an array that is base64 of its bytes, of a known size if one is given, as float64."""
        try:
            found = np.frombuffer(base64.b64decode(self.text(), validate=True), dtype=dtype).astype(np.float64)
        except ValueError:
            found = None
        self.require(found is not None and size in (None, len(found)), f"base64 of {size or 'some'} numbers ({dtype})")
        assert found is not None
        self.require(bool(((found >= low) & (found <= high)).all()), f"numbers from {low:g} to {high:g}")
        return found

    def require(self, ok: bool, expected: str) -> None:
        """Raise if it is not what it should be."""
        if not ok:
            shown = "missing" if self.value is ... else repr(self.value)
            raise LockFormatError(
                f"The profile's {self.path} is {shown if len(shown) < 60 else shown[:50] + '…'}; expected {expected}.",
                path=self.path,
                expected=expected,
                actual=None if self.value is ... else self.value,
                remedy="Copy the profile again from where it was saved, or learn it anew.",
            )

    def _at(self, key: str | int) -> str:
        if isinstance(key, int):
            return f"{self.path}[{key}]"
        return f"{self.path}.{key}" if self.path else str(key)


def packed(array: Any) -> str:
    """Return what :meth:`Entry.packed` reads."""
    return base64.b64encode(np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<")).tobytes()).decode("ascii")
