"""Canonical bytes of values by their type (section 3 of ``docs/spec.md``).

An encoder takes the walk that it is part of and a value; the walk goes into containers, arrays and objects.
"""

from __future__ import annotations

import functools
import types
from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable
from struct import Struct
from typing import Any

import numpy as np

from .arrays import array_bytes, dtype_name, u64
from .naming import class_name, function_name
from .state import params_only

_f64 = Struct("<d").pack
_NAN = _f64(float("nan"))


def frame(data: bytes) -> bytes:
    """Return the bytes with their length before them (clause 2.2)."""
    return u64(len(data)) + data


def _mapping(walker: Any, value: Any) -> bytes:
    return walker.mapping(value)


def _array(walker: Any, value: Any) -> bytes:
    return walker.array(value)


def string(walker: Any, value: str) -> bytes:
    """Encode a string (clause 3.3)."""
    return b"s" + frame(value.encode("utf-8", "surrogatepass"))


def _float(walker: Any, value: float) -> bytes:
    # Text formats keep no NaN payload, so a scalar NaN has one form (clause 3.4); in arrays the bits stand as they are.
    return b"f" + (_f64(value) if value == value else _NAN)


def _complex(walker: Any, value: complex) -> bytes:
    return b"c" + _float(walker, value.real) + _float(walker, value.imag)


def _numpy_scalar(walker: Any, value: np.generic) -> bytes:
    # Clause 3.5: a scalar that Python's own type holds exactly is that value; formats change one into the other.
    if isinstance(value, (np.bool_, np.float64, np.complex128, np.str_, np.bytes_)) or (
        value.dtype.kind in "iu" and value.dtype.itemsize == 8
    ):
        return walker.encode(value.item())
    if isinstance(value, np.void) and value.dtype.names:
        return walker.array(np.asarray(value))
    return b"n" + array_bytes(np.asarray(value), [])


def _function(walker: Any, value: Any) -> bytes:
    owner = getattr(value, "__self__", None)
    if owner is not None and not isinstance(owner, (type, types.ModuleType)):
        return b"m" + frame(value.__name__.encode("utf-8")) + walker.element(".__self__", owner)
    return b"u" + frame(function_name(value).encode("utf-8"))


def _partial(walker: Any, value: functools.partial) -> bytes:
    parts = (("func", value.func), ("args", value.args), ("keywords", value.keywords))
    return b"p" + b"".join(walker.element("." + label, part) for label, part in parts)


def _class(walker: Any, value: type) -> bytes:
    if issubclass(value, np.generic) and value.__module__ == "numpy" and value not in _ABSTRACT:
        # NumPy 2 renamed some of these classes (bool_ became bool); their dtypes kept their names.
        return b"C" + frame(b"numpy:" + _dtype_name(np.dtype(value)))
    return b"C" + frame(class_name(value).encode("utf-8"))


def _dtype(walker: Any, value: np.dtype) -> bytes:
    if value.names:
        fields: Any = value.fields
        return b"Y" + walker.encode([(name, fields[name][0]) for name in value.names])
    if value.subdtype is not None:
        return b"Y" + walker.encode(value.subdtype)
    return b"y" + frame(_dtype_name(value))


def _dtype_name(dtype: np.dtype) -> bytes:
    return b"|O" if dtype.kind == "O" else dtype_name(dtype)


def _set(walker: Any, value: Any) -> bytes:
    return b"S" + u64(len(value)) + b"".join(sorted(walker.encode(item) for item in value))


def _defaultdict(walker: Any, value: defaultdict) -> bytes:
    return walker.mapping(value, b"D" + walker.element(".default_factory", value.default_factory))


def _slice(walker: Any, value: slice) -> bytes:
    return b"L" + b"".join(map(walker.encode, (value.start, value.stop, value.step)))


def _object(walker: Any, value: Any) -> bytes:
    return b"O" + walker.digest(value)


PLAIN: dict[type, Callable[[Any, Any], bytes]] = {
    type(None): lambda walker, value: b"N",
    bool: lambda walker, value: b"T" if value else b"F",
    int: lambda walker, value: b"i" + frame(b"%d" % value),
    float: _float,
    str: string,
}

_ABSTRACT = frozenset(
    (np.generic, np.number, np.integer, np.signedinteger, np.unsignedinteger, np.inexact, np.floating)
    + (np.complexfloating, np.flexible, np.character)
)
ENCODERS: dict[type, Callable[[Any, Any], bytes]] = {
    **PLAIN,
    complex: _complex,
    bytes: lambda walker, value: b"b" + frame(value),
    bytearray: lambda walker, value: b"b" + frame(bytes(value)),
    type(Ellipsis): lambda walker, value: b".",
    list: lambda walker, value: walker.sequence(value, b"l"),
    tuple: lambda walker, value: walker.sequence(value, b"t"),
    deque: lambda walker, value: b"q" + walker.encode(value.maxlen) + walker.sequence(value, b"l"),
    dict: _mapping,
    OrderedDict: _mapping,
    types.MappingProxyType: _mapping,
    defaultdict: _defaultdict,
    set: _set,
    frozenset: _set,
    slice: _slice,
    range: lambda walker, value: b"r" + walker.encode([value.start, value.stop, value.step]),
    np.ndarray: _array,
    np.memmap: _array,
    np.matrix: _array,
    np.recarray: _array,
    types.FunctionType: _function,
    types.BuiltinFunctionType: _function,
    types.MethodType: _function,
    type(str.lower): _function,
    functools.partial: _partial,
    np.ufunc: _function,
    type: _class,
    params_only: lambda walker, value: b"P" + walker.digest(value),
}


def encoder_of(value: Any) -> Callable[[Any, Any], bytes]:
    """Choose the encoder of a type that has no entry of its own."""
    if isinstance(value, type):
        return _class
    if isinstance(value, np.generic):
        return _numpy_scalar
    if isinstance(value, np.dtype):
        return _dtype
    if type(value).__name__ == "Bunch" and isinstance(value, dict):
        return _mapping
    if type(value).__module__.partition(".")[0] == "numpy" and callable(value) and hasattr(value, "__wrapped__"):
        return _function  # np.mean and its like: functions behind NumPy's dispatcher
    if type(value).__name__ in ("cython_function_or_method", "fused_cython_function"):
        return _function
    return _object
