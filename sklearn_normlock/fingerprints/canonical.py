"""Canonical bytes of a value and digest tree of an object: ``docs/spec.md`` is normative, and its clauses are cited.

One walk serves both purposes. It gives the digest and, if it is asked to, a *record* on the way: what stood at each
path, so that a later mismatch can be located and shown.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ..errors import UnfingerprintableError
from .arrays import array_bytes, structured_bytes, u64
from .bulk import BULK, column_of, encoded, key_order
from .encoders import ENCODERS, PLAIN, encoder_of, frame, string
from .paths import step_label
from .record import Record
from .state import fingerprint_state, is_estimator

INLINE = 64  # bytes; part of the format: a shorter attribute stands for itself, a longer one as its digest

Vouched = Callable[[Any], "tuple[bytes, Record] | None"]
Renamed = Callable[[str, Any, str], str]

_sha256 = hashlib.sha256
# Containers of named members: the name is the label of the member's path (``scaler.mean_``, not ``steps[0][1].mean_``).
_NAMED_MEMBERS = frozenset({"steps", "transformer_list", "transformers_", "estimators", "estimators_"})


class _Framed(dict):
    """Attribute names as they stand in an object's canonical bytes: few, and each is asked for often."""

    def __missing__(self, key: str) -> bytes:
        if len(self) > 10_000:
            self.clear()
        framed = self[key] = frame(key.encode("utf-8"))
        return framed


class Walker:
    """One walk over a value.

    Parameters
    ----------
    record : Record, default=None
        Takes what stood at each path.
    vouched : callable, default=None
        ``vouched(obj)`` gives the digest of an object that is known to be intact, and its record, or None: it is not
        walked again.
    renamed : callable, default=None
        ``renamed(path, obj, name)`` gives the name to use for the class of an object: what the digest would be if a
        class still had another name.
    """

    def __init__(
        self, record: Record | None = None, vouched: Vouched | None = None, renamed: Renamed | None = None
    ) -> None:
        self.record = record
        self.vouched = vouched
        self.renamed = renamed
        self.labels: list[str] = []
        self.open: list[int] = []  # ids of the objects and containers being walked: one that is met again is a cycle

    def path(self) -> str:
        """Return where the walk is."""
        return "".join(self.labels).lstrip(".")

    # -- objects -----------------------------------------------------------------------------------------------------

    def digest(self, obj: Any) -> bytes:
        """Return the digest of an object with state (clauses 6.1 to 6.4)."""
        if self.vouched is not None:
            known = self.vouched(obj)
            if known is not None:
                if self.record is not None:
                    self.record.absorb(self.path(), known[1])
                return known[0]
        name, state = fingerprint_state(obj)
        return self.node(name, state, obj)

    def node(self, name: str, state: Mapping[str, Any], obj: Any) -> bytes:
        """Return the digest of an object's name and state; ``obj`` stands for it where cycles are looked for."""
        self.enter(obj)
        record = self.record
        encode = self.encode if record is None else self.recorded
        path = self.path()
        if self.renamed is not None:
            name = self.renamed(path, obj, name)
        parts = [b"nl1\0object", frame(name.encode("utf-8")), u64(len(state))]
        for key in sorted(state):
            value = state[key]
            plain = PLAIN.get(type(value))
            if plain is not None:  # most attributes, without the ceremony
                blob = plain(self, value)
                if record is not None:
                    record.plain(f"{path}.{key}" if path else key, value, blob)
            elif type(value) is np.ndarray and value.dtype.char in _NUMERIC:  # and most of the others
                blocks: list[bytes] = []
                blob = array_bytes(value, blocks)
                if record is not None:
                    before, where = len(record), f"{path}.{key}" if path else key
                    record.array(where, value, blob, blocks)
                    if len(record) == before:
                        record.value(where, value, blob)
            else:
                self.labels.append("." + key)
                blob = encode(value)
                self.labels.pop()
            if len(blob) <= INLINE:
                parts += (_KEYS[key], _LENGTHS[len(blob)], blob)
            else:
                parts += (_KEYS[key], b"#", _sha256(blob).digest())
        self.leave()
        result = _sha256(b"".join(parts)).digest()
        if record is not None:
            record.object(path, name, result, is_estimator(obj))
        return result

    def recorded(self, value: Any) -> bytes:
        """Encode the value of an attribute and record it, unless what is in it was recorded by itself."""
        record = self.record
        assert record is not None
        before = len(record)
        blob = self.encode(value)
        if isinstance(value, np.generic) and blob[:1] in _PLAIN_TAGS:
            record.plain(self.path(), value.item(), blob)
        elif len(record) == before:
            record.value(self.path(), value, blob)
        elif self.labels[-1][1:] in _NAMED_MEMBERS:
            # By its names: the members have entries of their own.
            names = repr([item[0] for item in value if type(item) is tuple and item])
            record.container(self.path(), names.encode("utf-8", "surrogatepass"), names)
        elif not record.noted(self.path()):
            record.container(self.path(), blob)
        return blob

    def enter(self, obj: Any) -> None:
        """Go into an object or container; one that the walk is in already refers to itself."""
        if id(obj) in self.open:
            raise UnfingerprintableError(
                f"{type(obj).__name__} refers back to itself.", remedy="Break the cycle, or declare the state to count."
            )
        self.open.append(id(obj))

    def leave(self) -> None:
        """Come out of the innermost object or container."""
        self.open.pop()

    # -- values ------------------------------------------------------------------------------------------------------

    def encode(self, value: Any) -> bytes:
        """Return the canonical bytes of any value (clauses 3.1 to 3.12)."""
        return (ENCODERS.get(type(value)) or encoder_of(value))(self, value)

    def element(self, label: str, value: Any) -> bytes:
        """Encode a value that lies at a label in the present one."""
        self.labels.append(label)
        blob = self.encode(value)
        self.labels.pop()
        return blob

    def array(self, value: np.ndarray) -> bytes:
        """Clauses 4.1 to 4.6: an array of any dtype."""
        if type(value) is not np.ndarray:
            value = np.asarray(value)
        if value.dtype.kind == "O":
            return self.objects(value)
        if value.dtype.kind == "T":  # strings of any length: NumPy 2's StringDType
            return self.objects(value.astype(object))
        if value.dtype.names:
            blob = structured_bytes(value, self.field)
            if self.record is not None:
                self.record.container(self.path(), blob)
            return blob
        blocks: list[bytes] = []
        blob = array_bytes(value, blocks)
        if self.record is not None:
            self.record.array(self.path(), value, blob, blocks)
        return blob

    def field(self, name: str, value: np.ndarray) -> bytes:
        """Encode one field of a structured array."""
        return self.element(f"[{name!r}]", value)

    def objects(self, value: np.ndarray) -> bytes:
        """Clause 4.5: an array of objects is its shape and its elements."""
        record = self.record
        before = 0 if record is None else len(record)
        parts = [b"o", u64(value.ndim), *map(u64, value.shape)]
        values = value.ravel().tolist()
        plain = column_of(values) if len(values) >= BULK else None
        if plain is not None:
            parts.append(encoded((plain,)))
        else:
            self.enter(value)
            for i, item in enumerate(values):
                parts.append(string(self, item) if type(item) is str else self.element(f"[{i}]", item))
            self.leave()
        blob = b"".join(parts)
        if record is not None and len(record) == before:
            record.value(self.path(), value, blob)
        elif record is not None:
            record.container(self.path(), blob)
        return blob

    def sequence(self, value: Any, tag: bytes) -> bytes:
        """Clause 3.6: the items of a sequence, in order."""
        if len(value) >= BULK:
            items = column_of([*value])
            if items is not None:
                return tag + u64(len(value)) + encoded((items,))
        self.enter(value)
        parts = [tag, u64(len(value))]
        named = bool(self.labels) and self.labels[-1][1:] in _NAMED_MEMBERS
        for i, item in enumerate(value):
            if type(item) is str:
                parts.append(string(self, item))
            elif named and type(item) is tuple and len(item) > 1 and type(item[0]) is str:
                parts.append(self.member(item))
            else:
                parts.append(self.element(f"[{i}]", item))
        self.leave()
        return b"".join(parts)

    def member(self, item: tuple[Any, ...]) -> bytes:
        """Encode a ``(name, estimator, ...)`` tuple; its path is the estimator's name."""
        container = self.labels.pop()
        self.labels.append(step_label(item[0]))
        encode = self.encode if self.record is None else self.recorded
        parts = [b"t", u64(len(item)), string(self, item[0]), encode(item[1])]
        for value in item[2:]:  # of a ColumnTransformer: the columns
            self.labels.append(".columns")
            parts.append(encode(value))
            self.labels.pop()
        self.labels[-1] = container
        return b"".join(parts)

    def mapping(self, value: Mapping[Any, Any], tag: bytes = b"d") -> bytes:
        """Clause 3.8: the pairs of a mapping are sorted by the bytes of their keys."""
        if len(value) >= BULK:
            keys = column_of([*value])
            items = None if keys is None else column_of([*value.values()])
            order = None if keys is None or items is None else key_order(keys)
            if keys is not None and items is not None and order is not None:
                return tag + u64(len(value)) + encoded((keys, items), order)
        self.enter(value)
        pairs = []
        for key, item in value.items():
            label = f"[{key!r}]" if type(key) in (str, int) else "[...]"
            pairs.append(self.encode(key) + self.element(label, item))
        pairs.sort()
        self.leave()
        return tag + u64(len(pairs)) + b"".join(pairs)


_KEYS = _Framed()
_NUMERIC = frozenset("?bBhHiIlLqQefd")
_LENGTHS = [b"=" + u64(length) for length in range(INLINE + 1)]
_PLAIN_TAGS = frozenset({b"T", b"F", b"i", b"f", b"s"})
