"""Canonical bytes of a value and digest tree of an object: ``docs/spec.md`` is normative, and its clauses are cited.

One walk serves both purposes. It gives the digest and, if it is asked to, a *record* on the way: what stood at each
path, so that a later mismatch can be located and shown.
"""

from __future__ import annotations

import functools
import hashlib
import re
import types
from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable, Mapping
from struct import Struct
from typing import Any

import numpy as np

from ..errors import UnfingerprintableError
from .arrays import array_bytes, dtype_name, structured_bytes, u64
from .naming import class_name, function_name
from .record import Record
from .state import fingerprint_state, params_only

INLINE = 64  # bytes; part of the format: a shorter attribute stands for itself, a longer one as its digest

Vouched = Callable[[Any], "tuple[bytes, Record] | None"]

_f64 = Struct("<d").pack
_NAN = _f64(float("nan"))
_sha256 = hashlib.sha256
_IDENTIFIER = re.compile(r"[^\W\d]\w*\Z")
# Containers of named members: the name is the label of the member's path (``scaler.mean_``, not ``steps[0][1].mean_``).
_NAMED_MEMBERS = frozenset({"steps", "transformer_list", "transformers_", "estimators", "estimators_"})


class _Framed(dict):
    """Attribute names as they stand in an object's canonical bytes: few, and each is asked for often."""

    def __missing__(self, key: str) -> bytes:
        if len(self) > 10_000:
            self.clear()
        framed = self[key] = frame(key.encode("utf-8"))
        return framed


def frame(data: bytes) -> bytes:
    """Return the bytes with their length before them (clause 2.2)."""
    return u64(len(data)) + data


class Walker:
    """One walk over a value.

    Parameters
    ----------
    record : Record, default=None
        Takes what stood at each path.
    vouched : callable, default=None
        ``vouched(obj)`` gives the digest of an object that is known to be intact, and its record, or None: it is not
        walked again.
    """

    def __init__(self, record: Record | None = None, vouched: Vouched | None = None) -> None:
        self.record = record
        self.vouched = vouched
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
        parts = [b"nl1\0object", frame(name.encode("utf-8")), u64(len(state))]
        for key in sorted(state):
            value = state[key]
            plain = _PLAIN.get(type(value))
            if plain is not None and record is None:
                blob = plain(self, value)
            else:
                self.labels.append("." + key)
                blob = encode(value)
                self.labels.pop()
            parts += (
                (_KEYS[key], _LENGTHS[len(blob)], blob)
                if len(blob) <= INLINE
                else (_KEYS[key], b"#", _sha256(blob).digest())
            )
        self.leave()
        result = _sha256(b"".join(parts)).digest()
        if record is not None:
            record.object(self.path(), name, result)
        return result

    def recorded(self, value: Any) -> bytes:
        """Encode the value of an attribute and record it, unless what is in it was recorded by itself."""
        record = self.record
        assert record is not None
        if type(value) in _PLAIN:
            blob = _PLAIN[type(value)](self, value)
            record.value(self.path(), value, blob)
            return blob
        before = len(record)
        blob = self.encode(value)
        if len(record) == before:
            record.value(self.path(), value, blob)
        elif not isinstance(value, np.ndarray) or value.dtype.hasobject or value.dtype.names:
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
        return (_ENCODERS.get(type(value)) or _encoder_of(value))(self, value)

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
            return structured_bytes(value, self.field)
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
        parts = [b"o", u64(value.ndim), *map(u64, value.shape)]
        self.enter(value)
        for i, item in enumerate(value.ravel().tolist()):
            parts.append(_string(self, item) if type(item) is str else self.element(f"[{i}]", item))
        self.leave()
        return b"".join(parts)

    def sequence(self, value: Any, tag: bytes) -> bytes:
        """Clause 3.6: the items of a sequence, in order."""
        self.enter(value)
        parts = [tag, u64(len(value))]
        named = bool(self.labels) and self.labels[-1][1:] in _NAMED_MEMBERS
        for i, item in enumerate(value):
            if type(item) is str:
                parts.append(_string(self, item))
            elif named and type(item) is tuple and len(item) > 1 and type(item[0]) is str:
                parts.append(self.member(item))
            else:
                parts.append(self.element(f"[{i}]", item))
        self.leave()
        return b"".join(parts)

    def member(self, item: tuple[Any, ...]) -> bytes:
        """Encode a ``(name, estimator, ...)`` tuple; its path is the estimator's name."""
        container = self.labels.pop()
        self.labels.append("." + item[0] if _IDENTIFIER.match(item[0]) else f"[{item[0]!r}]")
        parts = [b"t", u64(len(item)), _string(self, item[0]), self.encode(item[1])]
        parts += (self.element(f".{container.lstrip('.')}[{i}]", item[i]) for i in range(2, len(item)))
        self.labels[-1] = container
        return b"".join(parts)

    def mapping(self, value: Mapping[Any, Any], tag: bytes = b"d") -> bytes:
        """Clause 3.8: the pairs of a mapping are sorted by the bytes of their keys."""
        self.enter(value)
        pairs = []
        for key, item in value.items():
            label = f"[{key!r}]" if type(key) in (str, int) else "[...]"
            pairs.append(self.encode(key) + self.element(label, item))
        pairs.sort()
        self.leave()
        return tag + u64(len(pairs)) + b"".join(pairs)


# -- encoders by type ------------------------------------------------------------------------------------------------


def _string(walker: Walker, value: str) -> bytes:
    return b"s" + frame(value.encode("utf-8", "surrogatepass"))


def _float(walker: Walker, value: float) -> bytes:
    # Text formats keep no NaN payload, so a scalar NaN has one form (clause 3.4); in arrays the bits stand as they are.
    return b"f" + (_f64(value) if value == value else _NAN)


def _complex(walker: Walker, value: complex) -> bytes:
    return b"c" + _float(walker, value.real) + _float(walker, value.imag)


def _numpy_scalar(walker: Walker, value: np.generic) -> bytes:
    # Clause 3.5: a scalar that Python's own type holds exactly is that value; formats change one into the other.
    if isinstance(value, (np.bool_, np.float64, np.complex128, np.str_, np.bytes_)) or (
        value.dtype.kind in "iu" and value.dtype.itemsize == 8
    ):
        return walker.encode(value.item())
    if isinstance(value, np.void) and value.dtype.names:
        return walker.array(np.asarray(value))
    return b"n" + array_bytes(np.asarray(value), [])


def _function(walker: Walker, value: Any) -> bytes:
    owner = getattr(value, "__self__", None)
    if owner is not None and not isinstance(owner, (type, types.ModuleType)):
        return b"m" + frame(value.__name__.encode("utf-8")) + walker.element(".__self__", owner)
    return b"u" + frame(function_name(value).encode("utf-8"))


def _partial(walker: Walker, value: functools.partial) -> bytes:
    parts = (("func", value.func), ("args", value.args), ("keywords", value.keywords))
    return b"p" + b"".join(walker.element("." + label, part) for label, part in parts)


def _class(walker: Walker, value: type) -> bytes:
    if issubclass(value, np.generic) and value.__module__ == "numpy" and value not in _ABSTRACT:
        # NumPy 2 renamed some of these classes (bool_ became bool); their dtypes kept their names.
        return b"C" + frame(b"numpy:" + _dtype_name(np.dtype(value)))
    return b"C" + frame(class_name(value).encode("utf-8"))


def _dtype(walker: Walker, value: np.dtype) -> bytes:
    if value.names:
        fields: Any = value.fields
        return b"Y" + walker.encode([(name, fields[name][0]) for name in value.names])
    if value.subdtype is not None:
        return b"Y" + walker.encode(value.subdtype)
    return b"y" + frame(_dtype_name(value))


def _dtype_name(dtype: np.dtype) -> bytes:
    return b"|O" if dtype.kind == "O" else dtype_name(dtype)


def _set(walker: Walker, value: Any) -> bytes:
    return b"S" + u64(len(value)) + b"".join(sorted(walker.encode(item) for item in value))


def _defaultdict(walker: Walker, value: defaultdict) -> bytes:
    return walker.mapping(value, b"D" + walker.element(".default_factory", value.default_factory))


def _slice(walker: Walker, value: slice) -> bytes:
    return b"L" + b"".join(map(walker.encode, (value.start, value.stop, value.step)))


def _object(walker: Walker, value: Any) -> bytes:
    return b"O" + walker.digest(value)


_PLAIN: dict[type, Callable[[Walker, Any], bytes]] = {
    type(None): lambda walker, value: b"N",
    bool: lambda walker, value: b"T" if value else b"F",
    int: lambda walker, value: b"i" + frame(b"%d" % value),
    float: _float,
    str: _string,
}
_KEYS = _Framed()
_LENGTHS = [b"=" + u64(length) for length in range(INLINE + 1)]
_ABSTRACT = frozenset(
    (np.generic, np.number, np.integer, np.signedinteger, np.unsignedinteger, np.inexact, np.floating)
    + (np.complexfloating, np.flexible, np.character)
)
_ENCODERS: dict[type, Callable[[Walker, Any], bytes]] = {
    **_PLAIN,
    complex: _complex,
    bytes: lambda walker, value: b"b" + frame(value),
    bytearray: lambda walker, value: b"b" + frame(bytes(value)),
    type(Ellipsis): lambda walker, value: b".",
    list: lambda walker, value: walker.sequence(value, b"l"),
    tuple: lambda walker, value: walker.sequence(value, b"t"),
    deque: lambda walker, value: b"q" + walker.encode(value.maxlen) + walker.sequence(value, b"l"),
    dict: Walker.mapping,
    OrderedDict: Walker.mapping,
    types.MappingProxyType: Walker.mapping,
    defaultdict: _defaultdict,
    set: _set,
    frozenset: _set,
    slice: _slice,
    range: lambda walker, value: b"r" + walker.encode([value.start, value.stop, value.step]),
    np.ndarray: Walker.array,
    np.memmap: Walker.array,
    np.matrix: Walker.array,
    np.recarray: Walker.array,
    types.FunctionType: _function,
    types.BuiltinFunctionType: _function,
    types.MethodType: _function,
    type(str.lower): _function,
    functools.partial: _partial,
    np.ufunc: _function,
    type: _class,
    params_only: lambda walker, value: b"P" + walker.digest(value),
}


def _encoder_of(value: Any) -> Callable[[Walker, Any], bytes]:
    """Choose the encoder of a type that has no entry of its own."""
    if isinstance(value, type):
        return _class
    if isinstance(value, np.generic):
        return _numpy_scalar
    if isinstance(value, np.dtype):
        return _dtype
    if type(value).__name__ == "Bunch" and isinstance(value, dict):
        return Walker.mapping
    if type(value).__module__.partition(".")[0] == "numpy" and callable(value) and hasattr(value, "__wrapped__"):
        return _function  # np.mean and its like: functions behind NumPy's dispatcher
    if type(value).__name__ in ("cython_function_or_method", "fused_cython_function"):
        return _function
    return _object
