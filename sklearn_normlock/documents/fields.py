"""Read a JSON document field by field, and name the place where it isn't what it should be.

``fields.count("size")`` gives the field or raises :class:`LockFormatError` with the whole path, such as
``files["model.skops"].size``.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

from ..errors import LockFormatError
from .wellformed import entry_problem, is_base64, is_count, is_shape, rows_problem

_DIGEST = re.compile(r"[0-9a-f]{64}\Z")
_FINGERPRINT = re.compile(r"nl1-sha256:[0-9a-f]{64}\Z")
_OUTPUT_DTYPE = re.compile(r"(text|[<|][biufc][0-9]{1,2})\Z")


class Fields:
    """The fields of one mapping in a document.

    Parameters
    ----------
    mapping : mapping
        What was read.
    path : str, default=""
        Where it stands.
    later : bool, default=False
        Whether it is of a later revision of the format, and may have fields that are unknown here.
    """

    def __init__(self, mapping: Any, path: str = "", later: bool = False) -> None:
        self.path = path
        self.later = later
        self._asked: set[str] = {"digest"} if not path else set()
        if not isinstance(mapping, Mapping) or not all(isinstance(key, str) for key in mapping):
            self._refuse(path or "the document", "an object with named fields", mapping)
        self._mapping: Mapping[str, Any] = mapping

    def __contains__(self, name: str) -> bool:
        return name in self._mapping

    def _refuse(self, where: str, expected: str, actual: Any) -> NoReturn:
        shown = repr(actual)
        shown = shown if len(shown) <= 60 else shown[:57] + "..."
        raise LockFormatError(
            f"{where} should be {expected}, and is {shown}.",
            path=where,
            expected=expected,
            actual=actual,
            remedy="It is damaged or not a lock: take it from version control again.",
        )

    def _where(self, name: str) -> str:
        return f"{self.path}.{name}" if self.path else name

    def _get(self, name: str, kind: type | tuple[type, ...], expected: str) -> Any:
        self._asked.add(name)
        if name not in self._mapping:
            raise LockFormatError(
                f"{self._where(name)} is missing.",
                path=self._where(name),
                expected=expected,
                remedy="It is not a lock, or not a whole one: take it from version control again.",
            )
        value = self._mapping[name]
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            self._refuse(self._where(name), expected, value)
        return value

    def nothing_else(self) -> None:
        """Refuse fields that nobody asked for, unless they are of a later revision."""
        unknown = sorted(set(self._mapping) - self._asked)
        if unknown and not self.later:
            raise LockFormatError(
                f"{self._where(unknown[0])} is not known: this version of the format has no such field.",
                path=self._where(unknown[0]),
                remedy="It is damaged or not a lock: take it from version control again.",
            )

    # -- one value ---------------------------------------------------------------------------------------------------

    def text(self, name: str) -> str:
        """Return a string."""
        return self._get(name, str, "a string")

    def text_or_none(self, name: str) -> str | None:
        """Return a string, or None if the field isn't there."""
        self._asked.add(name)
        return self.text(name) if name in self._mapping else None

    def one_of(self, name: str, values: tuple[str, ...]) -> str:
        """Return one of these strings."""
        value = self.text(name)
        if value not in values:
            self._refuse(self._where(name), " or ".join(values), value)
        return value

    def count(self, name: str) -> int:
        """Return an integer that isn't negative."""
        value = self._get(name, int, "an integer, not negative")
        if not is_count(value):
            self._refuse(self._where(name), "an integer, not negative", value)
        return value

    def count_or_none(self, name: str) -> int | None:
        """Return an integer that isn't negative, or None if the field isn't there."""
        self._asked.add(name)
        return self.count(name) if name in self._mapping else None

    def digest(self, name: str) -> str:
        """Return a SHA-256 in hexadecimal."""
        return self._matching(name, _DIGEST, "a SHA-256 in 64 hexadecimal digits")

    def fingerprint(self, name: str) -> str:
        """Return a fingerprint."""
        return self._matching(name, _FINGERPRINT, "nl1-sha256: and 64 hexadecimal digits")

    def _matching(self, name: str, pattern: re.Pattern[str], expected: str) -> str:
        value = self._get(name, str, expected)
        if not pattern.match(value):
            self._refuse(self._where(name), expected, value)
        return value

    # -- several -----------------------------------------------------------------------------------------------------

    def each(self, name: str) -> Iterator[Fields]:
        """Yield the objects of a list."""
        for i, value in enumerate(self._get(name, list, "a list")):
            yield Fields(value, f"{self._where(name)}[{i}]", self.later)

    def items(self, name: str) -> Iterator[tuple[str, Fields]]:
        """Yield the names and the objects of a mapping."""
        for key, value in self._get(name, Mapping, "an object").items():
            yield key, Fields(value, f'{self._where(name)}["{key}"]', self.later)

    def names(self, name: str) -> dict[str, str]:
        """Return a mapping of strings to strings."""
        mapping = self._get(name, Mapping, "an object with strings")
        for key, value in mapping.items():
            if not isinstance(value, str):
                self._refuse(f'{self._where(name)}["{key}"]', "a string", value)
        return dict(mapping)

    def mapping_or_none(self, name: str) -> Mapping[str, Any] | None:
        """Return an object as it is, or None if the field isn't there."""
        self._asked.add(name)
        return self._get(name, Mapping, "an object") if name in self._mapping else None

    def texts(self, name: str) -> tuple[str, ...]:
        """Return a list of strings."""
        values = self._get(name, list, "a list of strings")
        for i, value in enumerate(values):
            if not isinstance(value, str):
                self._refuse(f"{self._where(name)}[{i}]", "a string", value)
        return tuple(values)

    def texts_or_none(self, name: str) -> tuple[str, ...] | None:
        """Return a list of strings, or None if the field isn't there."""
        self._asked.add(name)
        return self.texts(name) if name in self._mapping else None

    def doubles(self, name: str) -> str:
        """Return numbers of eight bytes each, in base64."""
        value = self._get(name, str, "numbers of eight bytes in base64")
        if not is_base64(value) or len(base64.b64decode(value)) % 8:
            self._refuse(self._where(name), "numbers of eight bytes in base64", value)
        return value

    def shape(self, name: str) -> tuple[int, ...]:
        """Return a shape."""
        values = self._get(name, list, "a list of integers")
        if not is_shape(values):
            self._refuse(self._where(name), "a list of integers, none negative", values)
        return tuple(values)

    def output_dtype(self, name: str) -> str:
        """Return the dtype of an output, or "text"."""
        return self._matching(name, _OUTPUT_DTYPE, "NumPy's name of a dtype, or text")

    def rows(self, name: str) -> Mapping[str, Any]:
        """Return rows of data, as :mod:`sklearn_normlock.probes.rows` writes them."""
        rows = Fields(self._get(name, Mapping, "rows"), self._where(name))
        rows._well_formed(rows_problem(rows._mapping, self.later))
        return rows._mapping

    def record(self, name: str) -> Mapping[str, Any]:
        """Return a record, every entry of which is well-formed."""
        record = self._get(name, Mapping, "an object")
        for path, entry in record.items():
            if not isinstance(entry, str):
                fields = Fields(entry, f'{self._where(name)}["{path}"]')
                fields._well_formed(entry_problem(entry, self.later))
        return record

    def _well_formed(self, problem: tuple[str, str] | None) -> None:
        if problem is not None:
            name, expected = problem
            self.refuse(name, expected)

    def refuse(self, name: str, expected: str) -> NoReturn:
        """Raise for a field, or for the whole if it has no name."""
        found: Any = self._mapping
        for key in re.findall(r"[^.\[\]]+", name):  # such as "columns[0].dtype"
            try:
                found = found[int(key)] if isinstance(found, list) else found[key]
            except (KeyError, IndexError, ValueError, TypeError):
                found = "not"
                break
        self._refuse(self._where(name) if name else self.path, expected, found)
