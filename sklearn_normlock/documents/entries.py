"""One value of a document, and where it stands: it is what it should be, or the error says where it is not.

The path grows while a reader goes down into the document, so that an error names the place, such as
``files["model.skops"].size`` or ``probes[2].outputs[0].shape``.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from ..errors import LockFormatError

MOST = 2**53  # the largest count that is whole in float64, too
_MISSING: Any = ...


@dataclass(frozen=True)
class Origin:
    """The kind of document that a value comes from.

    Parameters
    ----------
    noun : str
        Such as ``"lock"``.
    remedy : str
        What to do if it can't be read.
    """

    noun: str
    remedy: str


@dataclass(frozen=True)
class Entry:
    """A value of a document, and where it stands in it.

    Parameters
    ----------
    value : Any
        As JSON has it; an ellipsis if there is none.
    origin : Origin
        The kind of document.
    path : str, default=""
        Where it stands; empty for the document itself.

    Examples
    --------
    >>> from sklearn_normlock.documents.entries import Entry, Origin
    >>> document = Entry({"rows": [3, -1]}, Origin("profile", "Learn it anew."))
    >>> [each.whole() for each in document["rows"].elements(2)]
    Traceback (most recent call last):
        ...
    sklearn_normlock.errors.LockFormatError: rows[1] should be a whole number, 0 or more, and is -1. Learn it anew.
    """

    value: Any
    origin: Origin
    path: str = ""

    def __getitem__(self, key: str) -> Entry:
        value = self.value.get(key, _MISSING) if isinstance(self.value, Mapping) else _MISSING
        return Entry(value, self.origin, self._inside(key)).there()

    def _inside(self, key: str) -> str:
        return f"{self.path}.{key}" if self.path else key

    def there(self) -> Entry:
        """Return the entry, or raise if the document has none at this place."""
        if self.value is _MISSING:
            raise LockFormatError(
                f"{self.path} is missing: this is no {self.origin.noun}, or not a whole one.",
                path=self.path,
                remedy=self.origin.remedy,
            )
        return self

    def refuse(self, expected: str, actual: Any = _MISSING) -> NoReturn:
        """Raise: the value is not what it should be.

        Parameters
        ----------
        expected : str
            What it should be, in words.
        actual : Any, optional
            What to show in place of the whole value.
        """
        actual = self.value if actual is _MISSING else actual
        shown = repr(actual)
        shown = shown if len(shown) <= 60 else shown[:57] + "..."
        raise LockFormatError(
            f"{self.path or 'The ' + self.origin.noun} should be {expected}, and is {shown}.",
            path=self.path,
            expected=expected,
            actual=actual,
            remedy=self.origin.remedy,
        )

    def require(self, ok: bool, expected: str) -> None:
        """Raise unless it is what it should be."""
        if not ok:
            self.refuse(expected)

    # -- one value ---------------------------------------------------------------------------------------------------

    def text(self) -> str:
        """Return a string."""
        self.require(isinstance(self.value, str), "a string")
        return self.value

    def matching(self, pattern: re.Pattern[str], expected: str) -> str:
        """Return a string of a known form."""
        self.require(isinstance(self.value, str) and bool(pattern.match(self.value)), expected)
        return self.value

    def one_of(self, values: tuple[str, ...]) -> str:
        """Return one of these strings."""
        self.require(self.text() in values, " or ".join(values))
        return self.value

    def whole(self, low: int = 0, high: int = MOST) -> int:
        """Return a whole number between two others."""
        whole = type(self.value) is int and low <= self.value <= high
        self.require(whole, f"a whole number from {low} to {high}" if high < MOST else f"a whole number, {low} or more")
        return self.value

    def number(self, low: float, high: float) -> float:
        """Return a number between two others."""
        low, high = float(low), float(high)  # bounds of NumPy can't be compared with a huge integer
        known = isinstance(self.value, (int, float)) and not isinstance(self.value, bool) and low <= self.value <= high
        self.require(known, f"a number from {low:g} to {high:g}")
        return float(self.value)

    # -- several -----------------------------------------------------------------------------------------------------

    def mapping(self, expected: str = "an object with named fields") -> Mapping[str, Any]:
        """Return a mapping of strings to values."""
        self.require(isinstance(self.value, Mapping) and all(isinstance(key, str) for key in self.value), expected)
        return self.value

    def items(self) -> Iterator[tuple[str, Entry]]:
        """Yield the keys and the entries of a mapping."""
        for key, value in self.mapping().items():
            yield key, Entry(value, self.origin, f'{self.path}["{key}"]')

    def elements(self, size: int | None = None) -> list[Entry]:
        """Return the elements of a list, of a known length if one is given."""
        known = isinstance(self.value, list) and size in (None, len(self.value))
        self.require(known, "a list" if size is None else f"a list of {size}")
        return [Entry(value, self.origin, f"{self.path}[{i}]") for i, value in enumerate(self.value)]

    def texts(self) -> tuple[str, ...]:
        """Return a list of strings."""
        return tuple(each.text() for each in self.elements())

    # -- arrays ------------------------------------------------------------------------------------------------------

    def wholes(self, size: int, high: int = MOST) -> Any:
        """Return an array of counts."""
        import numpy as np

        return np.array([each.whole(0, high) for each in self.elements(size)], np.int64)

    def numbers(self, low: float, high: float, where: Any) -> Any:
        """Return an array of numbers; None in the document, and NaN in the array, stand where there is none."""
        import numpy as np

        out = np.full(len(where), np.nan)
        for j, each in enumerate(self.elements(len(where))):
            if where[j]:
                out[j] = each.number(low, high)
            else:
                each.require(each.value is None, "null, as the column has no number")
        return out

    def packed(self, dtype: str, size: int | None, low: float, high: float) -> Any:
        """Return an array that is base64 of its bytes, of a known size if one is given, as float64."""
        import numpy as np

        try:
            found = np.frombuffer(base64.b64decode(self.text(), validate=True), dtype=dtype).astype(np.float64)
        except ValueError:
            found = None
        self.require(found is not None and size in (None, len(found)), f"base64 of {size or 'some'} numbers ({dtype})")
        assert found is not None
        self.require(bool(((found >= low) & (found <= high)).all()), f"numbers from {low:g} to {high:g}")
        return found


def packed(array: Any) -> str:
    """Return what :meth:`Entry.packed` reads."""
    import numpy as np

    return base64.b64encode(np.ascontiguousarray(array, dtype=array.dtype.newbyteorder("<")).tobytes()).decode("ascii")
