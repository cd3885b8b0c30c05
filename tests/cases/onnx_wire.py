"""A model of one ONNX node, written as its wire format has it: the tests need no package for that."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Any

import numpy as np


def _varint(value: int) -> bytes:
    value &= (1 << 64) - 1
    parts = bytearray()
    while True:
        parts.append(value & 0x7F | (0x80 if value > 0x7F else 0))
        value >>= 7
        if not value:
            return bytes(parts)


def _field(number: int, value: Any) -> bytes:
    if isinstance(value, float):
        return _varint(number << 3 | 5) + struct.pack("<f", value)
    if isinstance(value, int):
        return _varint(number << 3) + _varint(value)
    value = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | 2) + _varint(len(value)) + value


def _attribute(name: str, value: float | int) -> bytes:
    number, kind = (2, 1) if isinstance(value, float) else (3, 2)
    return _field(1, name) + _field(number, value) + _field(20, kind)


def _value(name: str, shape: tuple[Any, ...]) -> bytes:
    dims = b"".join(_field(1, _field(1 if isinstance(n, int) else 2, n)) for n in shape)
    return _field(1, name) + _field(2, _field(1, _field(1, 1) + _field(2, dims)))


def one_node(
    operator: str,
    tensors: Mapping[str, np.ndarray],
    attributes: Mapping[str, float | int],
    *,
    shape: tuple[Any, ...] = ("N", 4),
    name: str = "the_norm",
    opset: int = 18,
) -> bytes:
    """Return a model ``y = operator(x, *tensors)`` in float32; the tensors are its initialisers."""
    node = b"".join(_field(1, each) for each in ("x", *tensors)) + _field(2, "y") + _field(3, name)
    node += _field(4, operator) + b"".join(_field(5, _attribute(*each)) for each in attributes.items())
    graph = _field(1, node) + _field(2, "graph")
    for key, value in tensors.items():
        raw = np.ascontiguousarray(value, "<f4")
        dims = b"".join(_field(1, n) for n in raw.shape)
        graph += _field(5, dims + _field(2, 1) + _field(8, key) + _field(9, raw.tobytes()))
    graph += _field(11, _value("x", shape)) + _field(12, _value("y", shape))
    return _field(1, 8) + _field(2, "tests") + _field(7, graph) + _field(8, _field(2, opset))
