"""The tensors of an ONNX graph, read from the wire format of protocol buffers in place.

The whole of a message is never unpacked: fields are found by their tags, and large ones are views. Sources: the
encoding page of the protocol buffers documentation, and ``onnx.proto`` of the ONNX project for the field numbers.
"""

from __future__ import annotations

import math
import os
import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from .files import WeightsFile, array_from
from .tensors import BITS, Bits, Tensor

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5
_MODEL_GRAPH = 7
_GRAPH_NODE, _GRAPH_INITIALIZER, _GRAPH_SPARSE = 1, 5, 15
_NODE_INPUT, _NODE_OUTPUT, _NODE_NAME, _NODE_OP, _NODE_ATTRIBUTE = 1, 2, 3, 4, 5
_ATTRIBUTE_NAME, _ATTRIBUTE_FLOAT, _ATTRIBUTE_INT, _ATTRIBUTE_TENSOR, _ATTRIBUTE_GRAPH = 1, 2, 3, 5, 6
_DIMS, _DTYPE, _FLOATS, _INT32S, _INT64S, _NAME, _RAW, _DOUBLES, _UINT64S, _EXTERNAL, _LOCATION = (
    1, 2, 4, 5, 7, 8, 9, 10, 11, 13, 14,
)  # fmt: skip
_DTYPES = {
    1: "f4", 2: "u1", 3: "i1", 4: "u2", 5: "i2", 6: "i4", 7: "i8", 9: "bool", 10: "f2", 11: "f8", 12: "u4", 13: "u8",
    14: "c8", 15: "c16", 16: "bfloat16", 17: "float8_e4m3fn", 18: "float8_e4m3fnuz", 19: "float8_e5m2",
    20: "float8_e5m2fnuz", 24: "float8_e8m0fnu",
}  # fmt: skip
_PACKED = {21: ("uint4", 4), 22: ("int4", 4), 23: ("float4_e2m1", 4), 25: ("uint2", 2), 26: ("int2", 2)}
_DEPTH = 32  # graphs within graphs


def is_onnx(head: bytes) -> bool:
    """Tell whether bytes begin as an ONNX model does: with its version of the intermediate representation."""
    return len(head) > 4 and head[0] == 0x08 and 1 <= head[1] <= 30 and head[2] in (0x12, 0x1A, 0x22, 0x3A, 0x42)


class _Message:
    """The fields of a message that lies in a buffer from ``start`` to ``end``."""

    def __init__(self, file: WeightsFile, start: int, end: int) -> None:
        self.file, self.start, self.end = file, start, end

    def __iter__(self) -> Iterator[tuple[int, int, Any]]:
        at, data, file = self.start, self.file.data, self.file
        while at < self.end:
            tag, at = self._varint(data, at)
            number, kind = tag >> 3, tag & 7
            if kind == _VARINT:
                value, at = self._varint(data, at)
                yield number, kind, value
                continue
            if kind == _BYTES:
                size, at = self._varint(data, at)
            else:
                file.require(kind in (_FIXED32, _FIXED64), "it is no sound protocol buffer")
                size = 4 if kind == _FIXED32 else 8
            file.require(number > 0 and at + size <= self.end, "a field of it lies outside of its message")
            yield number, kind, _Message(file, at, at + size)
            at += size

    def _varint(self, data: Any, at: int) -> tuple[int, int]:
        value = 0
        for shift in range(0, 70, 7):
            self.file.require(at < self.end, "it ends within a number")
            byte = data[at]
            at += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value & 0xFFFFFFFFFFFFFFFF, at
        self.file.refuse("a number in it has no end")

    @property
    def size(self) -> int:
        return self.end - self.start

    def text(self) -> str:
        try:
            return self.file.data[self.start : self.end].decode("utf-8")
        except UnicodeDecodeError:
            self.file.refuse("a name in it is not UTF-8")

    def varints(self) -> list[int]:
        at, found = self.start, []
        while at < self.end:
            value, at = self._varint(self.file.data, at)
            found.append(value)
        return found


def read_onnx(file: WeightsFile) -> dict[str, Tensor]:
    """Return the initialisers and constants of an ONNX model, those of inner graphs under the name of their node."""
    file.beside = "the operators of its graph"
    found: dict[str, Tensor] = {}
    graphs = 0
    for number, kind, value in _Message(file, 0, file.size):
        if number == _MODEL_GRAPH and kind == _BYTES:
            graphs += 1
            _graph(file, value, "", found, 0)
    file.require(graphs == 1, f"it has {graphs} graphs; an ONNX model has one")
    return found


def _graph(file: WeightsFile, graph: _Message, prefix: str, found: dict[str, Tensor], depth: int) -> None:
    file.require(depth < _DEPTH, "its graphs are nested too deeply")
    nodes = 0
    for number, kind, value in graph:
        if kind != _BYTES:
            continue
        if number == _GRAPH_INITIALIZER:
            name, tensor = _tensor(file, value)
            _add(file, found, prefix + name, tensor)
        elif number == _GRAPH_SPARSE:
            file.refuse("it has sparse initialisers, which are not read", "Export the model with dense initialisers.")
        elif number == _GRAPH_NODE:
            _node(file, value, f"{prefix}node{nodes}", prefix, found, depth)
            nodes += 1


@dataclass(frozen=True)
class Node:
    """A node of a graph.

    Parameters
    ----------
    operator, name : str
        Such as ``"LayerNormalization"``, and what the exporter called it, perhaps nothing.
    inputs, outputs : tuple of str
        Names of tensors; an optional input that is not given is empty.
    attributes : mapping of str to int or float
        Those that are single numbers.
    """

    operator: str
    name: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    attributes: Mapping[str, float] = field(default_factory=dict)


def read_nodes(file: WeightsFile) -> list[Node]:
    """Return the nodes of the outer graph of an ONNX model."""
    return [
        _described(file, node)
        for number, kind, graph in _Message(file, 0, file.size)
        if number == _MODEL_GRAPH and kind == _BYTES
        for inner, wire, node in graph
        if inner == _GRAPH_NODE and wire == _BYTES
    ]


def _described(file: WeightsFile, node: _Message) -> Node:
    texts: dict[int, list[str]] = {_NODE_INPUT: [], _NODE_OUTPUT: [], _NODE_NAME: [""], _NODE_OP: [""]}
    attributes = {}
    for number, kind, value in node:
        if kind == _BYTES and number in texts:
            texts[number].append(value.text())
        elif kind == _BYTES and number == _NODE_ATTRIBUTE:
            name, content = "", None
            for inner, wire, part in value:
                if inner == _ATTRIBUTE_NAME and wire == _BYTES:
                    name = part.text()
                elif inner == _ATTRIBUTE_FLOAT and wire == _FIXED32:
                    content = struct.unpack("<f", file.data[part.start : part.end])[0]
                elif inner == _ATTRIBUTE_INT and wire == _VARINT:
                    content = part - (1 << 64) if part >= 1 << 63 else part
            if content is not None:
                attributes[name] = content
    return Node(
        texts[_NODE_OP][-1], texts[_NODE_NAME][-1], tuple(texts[_NODE_INPUT]), tuple(texts[_NODE_OUTPUT]), attributes
    )


def _add(file: WeightsFile, found: dict[str, Tensor], name: str, tensor: Tensor) -> None:
    file.require(name not in found, f"two tensors have the name {name!r}")
    found[name] = tensor


def _node(file: WeightsFile, node: _Message, place: str, prefix: str, found: dict[str, Tensor], depth: int) -> None:
    outputs, operator, attributes = [], "", []
    for number, kind, value in node:
        if kind == _BYTES and number == _NODE_OUTPUT:
            outputs.append(value.text())
        elif kind == _BYTES and number == _NODE_OP:
            operator = value.text()
        elif kind == _BYTES and number == _NODE_ATTRIBUTE:
            attributes.append(value)
    for attribute in attributes:
        name = ""
        for number, kind, value in attribute:
            if kind != _BYTES:
                continue
            if number == _ATTRIBUTE_NAME:
                name = value.text()
            elif number == _ATTRIBUTE_TENSOR:
                _, tensor = _tensor(file, value)
                named = operator == "Constant" and outputs
                _add(file, found, prefix + outputs[0] if named else f"{place}.{name}", tensor)
            elif number == _ATTRIBUTE_GRAPH:
                inner = outputs[0] if outputs else place
                _graph(file, value, f"{prefix}{inner}.{name}.", found, depth + 1)


def _tensor(file: WeightsFile, message: _Message) -> tuple[str, Tensor]:
    dims: list[int] = []
    values: dict[int, list[Any]] = {}
    name, dtype, raw, external, location = "", 0, None, {}, 0
    for number, kind, value in message:
        if number == _DIMS:
            dims += value.varints() if kind == _BYTES else [value]
        elif number == _DTYPE and kind == _VARINT:
            dtype = value
        elif number == _NAME and kind == _BYTES:
            name = value.text()
        elif number == _RAW and kind == _BYTES:
            raw = value
        elif number == _EXTERNAL and kind == _BYTES:
            pair = [part.text() for _, wire, part in value if wire == _BYTES]
            file.require(len(pair) == 2, f"tensor {name!r} has a damaged reference to its data")
            external[pair[0]] = pair[1]
        elif number == _LOCATION and kind == _VARINT:
            location = value
        elif number in (_FLOATS, _INT32S, _INT64S, _DOUBLES, _UINT64S):
            values.setdefault(number, []).append(value)
    file.require(len(dims) <= 32 and all(n < 1 << 62 for n in dims), f"tensor {name!r} has no sound shape")
    shape = tuple(dims)
    if dtype in _PACKED:
        dtype_name, bits = _PACKED[dtype]
        size = -(-math.prod(shape) * bits // 8)
        file.require(raw is not None and raw.size == size, f"tensor {name!r} has not the bytes that its shape needs")
        assert raw is not None
        return name, Bits(dtype_name, shape, file.tensor(name, "u1", (size,), raw.start, size))
    file.require(dtype in _DTYPES, f"tensor {name!r} is of type {dtype}, no numbers")
    if location == 1:
        return name, _external(file, name, _DTYPES[dtype], shape, external)
    if raw is not None:
        return name, file.tensor(name, _DTYPES[dtype], shape, raw.start, raw.size)
    return name, _typed(file, name, _DTYPES[dtype], shape, values)


def _typed(file: WeightsFile, name: str, dtype: str, shape: tuple[int, ...], values: dict[int, list[Any]]) -> Tensor:
    """Return a tensor whose elements stand in one of the typed fields, packed or one by one."""
    file.require(len(values) <= 1, f"tensor {name!r} has its elements twice")
    width = {_FLOATS: "<f4", _DOUBLES: "<f8"}
    for number, parts in values.items():
        if number in width:
            data = b"".join(file.data[part.start : part.end] for part in parts)
            kind = "<c8" if dtype == "c8" else "<c16" if dtype == "c16" else width[number]
            file.require(
                np.dtype(kind) == np.dtype(dtype if dtype not in BITS else "u1"),
                f"tensor {name!r} has {dtype} elements in a field of {width[number]}",
            )
        else:
            numbers = [n for part in parts for n in ([part] if isinstance(part, int) else part.varints())]
            element = f"u{BITS[dtype]}" if dtype in BITS else "u2" if dtype == "f2" else dtype
            itemsize = np.dtype(element).itemsize
            mask = (1 << 8 * itemsize) - 1
            data = np.array([n & mask for n in numbers], f"<u{itemsize}").tobytes()
        return array_from(data, dtype, shape, 0, len(data), lambda what: file.refuse(f"tensor {name!r} {what}"))
    return array_from(b"", dtype, shape, 0, 0, lambda what: file.refuse(f"tensor {name!r} {what}"))


def _external(file: WeightsFile, name: str, dtype: str, shape: tuple[int, ...], about: dict[str, str]) -> Tensor:
    """Return a tensor whose elements lie in a file beside the model; nothing outside of the folder is opened."""
    place = about.get("location", "")
    relative = PurePosixPath(place.replace("\\", "/"))
    sound = (
        place and not relative.is_absolute() and ".." not in relative.parts and ":" not in place and "\0" not in place
    )
    file.require(bool(sound), f"tensor {name!r} refers to {place!r}, which is not beside the model")
    folder = file.path.parent.resolve()
    target = folder.joinpath(*relative.parts)
    resolved = Path(os.path.realpath(target))
    file.require(
        folder in resolved.parents, f"tensor {name!r} refers to {place!r}, which leads out of the model's folder"
    )
    try:
        start, size = int(about.get("offset", "0")), int(about.get("length", "-1"))
    except ValueError:
        file.refuse(f"tensor {name!r} has a damaged reference to its data")
    data = WeightsFile(resolved)
    return data.tensor(name, dtype, shape, start, data.size - start if size < 0 else size)
