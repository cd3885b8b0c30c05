"""Read a JSON document field by field, and name the place where it isn't what it should be.

``fields.count("size")`` gives the field or raises :class:`LockFormatError` with the whole path, such as
``files["model.skops"].size``. Each field is read as an :class:`~sklearn_normlock.documents.entries.Entry`; what is
added here is which fields were asked for, so that others can be refused, and the forms that our documents use.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator, Mapping
from typing import Any, NoReturn

from .entries import Entry, Origin
from .wellformed import entry_problem, is_base64, is_count, is_shape, rows_problem

LOCK = Origin("lock", "It is damaged or not a lock: take it from version control again.")

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
    origin : Origin, default=LOCK
        The kind of document.
    """

    def __init__(self, mapping: Any, path: str = "", later: bool = False, origin: Origin = LOCK) -> None:
        self.path = path
        self.later = later
        self._asked: set[str] = {"digest"} if not path else set()
        self._entry = Entry(mapping, origin, path)
        self._mapping = self._entry.mapping()

    def __contains__(self, name: str) -> bool:
        return name in self._mapping

    def __getitem__(self, name: str) -> Entry:
        self._asked.add(name)
        return self._entry[name]

    def _within(self, entry: Entry) -> Fields:
        return Fields(entry.value, entry.path, self.later, entry.origin)

    def nothing_else(self) -> None:
        """Refuse fields that nobody asked for, unless they are of a later revision."""
        unknown = sorted(set(self._mapping) - self._asked)
        if unknown and not self.later:
            self[unknown[0]].refuse("absent: this version of the format has no such field")

    # -- one value ---------------------------------------------------------------------------------------------------

    def text(self, name: str) -> str:
        """Return a string."""
        return self[name].text()

    def text_or_none(self, name: str) -> str | None:
        """Return a string, or None if the field isn't there."""
        return self.text(name) if name in self else None

    def one_of(self, name: str, values: tuple[str, ...]) -> str:
        """Return one of these strings."""
        return self[name].one_of(values)

    def count(self, name: str) -> int:
        """Return an integer that isn't negative."""
        entry = self[name]
        entry.require(is_count(entry.value), "an integer, not negative")
        return entry.value

    def count_or_none(self, name: str) -> int | None:
        """Return an integer that isn't negative, or None if the field isn't there."""
        return self.count(name) if name in self else None

    def digest(self, name: str) -> str:
        """Return a SHA-256 in hexadecimal."""
        return self[name].matching(_DIGEST, "a SHA-256 in 64 hexadecimal digits")

    def fingerprint(self, name: str) -> str:
        """Return a fingerprint."""
        return self[name].matching(_FINGERPRINT, "nl1-sha256: and 64 hexadecimal digits")

    # -- several -----------------------------------------------------------------------------------------------------

    def each(self, name: str) -> Iterator[Fields]:
        """Yield the objects of a list."""
        for entry in self[name].elements():
            yield self._within(entry)

    def items(self, name: str) -> Iterator[tuple[str, Fields]]:
        """Yield the names and the objects of a mapping."""
        for key, entry in self[name].items():
            yield key, self._within(entry)

    def names(self, name: str) -> dict[str, str]:
        """Return a mapping of strings to strings."""
        return {key: entry.text() for key, entry in self[name].items()}

    def texts_by_name(self, name: str) -> dict[str, tuple[str, ...]]:
        """Return a mapping of strings to lists of strings."""
        return {key: entry.texts() for key, entry in self[name].items()}

    def mapping_or_none(self, name: str) -> Mapping[str, Any] | None:
        """Return an object as it is, or None if the field isn't there."""
        return self[name].mapping("an object") if name in self else None

    def texts(self, name: str) -> tuple[str, ...]:
        """Return a list of strings."""
        return self[name].texts()

    def texts_or_none(self, name: str) -> tuple[str, ...] | None:
        """Return a list of strings, or None if the field isn't there."""
        return self.texts(name) if name in self else None

    def doubles(self, name: str) -> str:
        """Return numbers of eight bytes each, in base64."""
        entry = self[name]
        sound = is_base64(entry.value) and len(base64.b64decode(entry.value)) % 8 == 0
        entry.require(sound, "numbers of eight bytes in base64")
        return entry.value

    def shape(self, name: str) -> tuple[int, ...]:
        """Return a shape."""
        entry = self[name]
        entry.require(is_shape(entry.value), "a list of integers, none negative")
        return tuple(entry.value)

    def output_dtype(self, name: str) -> str:
        """Return the dtype of an output, or "text"."""
        return self[name].matching(_OUTPUT_DTYPE, "NumPy's name of a dtype, or text")

    def rows(self, name: str) -> Mapping[str, Any]:
        """Return rows of data, as :mod:`sklearn_normlock.probes.rows` writes them."""
        rows = self._within(self[name])
        rows._well_formed(rows_problem(rows._mapping, self.later))
        return rows._mapping

    def record(self, name: str) -> Mapping[str, Any]:
        """Return a record, every entry of which is well-formed."""
        for _, entry in self[name].items():
            if not isinstance(entry.value, str):
                fields = self._within(entry)
                fields._well_formed(entry_problem(fields._mapping, self.later))
        return self[name].value

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
        path = f"{self.path}.{name}" if self.path and name else name or self.path
        Entry(found, self._entry.origin, path).refuse(expected)
