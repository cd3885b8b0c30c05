"""The GGUF format of llama.cpp: key-value metadata, tensor infos, then aligned data.

Source: ``docs/gguf.md`` of the ggml project; block sizes from ``ggml-quants.h``. GGUF lists the fastest dimension
first; shapes are turned round here, so that they are those of the other containers.
"""

from __future__ import annotations

import math
import struct
from typing import Any

import numpy as np

from .files import WeightsFile
from .tensors import Bits, Tensor

_PLAIN = {0: "f4", 1: "f2", 24: "i1", 25: "i2", 26: "i4", 27: "i8", 28: "f8", 30: "bfloat16"}
#: Quantised types: name, elements of a block, bytes of a block.
_BLOCKS = {
    2: ("q4_0", 32, 18), 3: ("q4_1", 32, 20), 6: ("q5_0", 32, 22), 7: ("q5_1", 32, 24), 8: ("q8_0", 32, 34),
    9: ("q8_1", 32, 36), 10: ("q2_k", 256, 84), 11: ("q3_k", 256, 110), 12: ("q4_k", 256, 144), 13: ("q5_k", 256, 176),
    14: ("q6_k", 256, 210), 15: ("q8_k", 256, 292), 16: ("iq2_xxs", 256, 66), 17: ("iq2_xs", 256, 74),
    18: ("iq3_xxs", 256, 98), 19: ("iq1_s", 256, 50), 20: ("iq4_nl", 32, 18), 21: ("iq3_s", 256, 110),
    22: ("iq2_s", 256, 82), 23: ("iq4_xs", 256, 136), 29: ("iq1_m", 256, 56), 34: ("tq1_0", 256, 54),
    35: ("tq2_0", 256, 66), 39: ("mxfp4", 32, 17),
}  # fmt: skip
_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "B", 10: "Q", 11: "q", 12: "d"}
_STRING, _ARRAY = 8, 9
_MOST = 1 << 24  # items of the metadata, tensors


class _Cursor:
    def __init__(self, file: WeightsFile) -> None:
        self.file, self.at = file, 4

    def scalar(self, code: str) -> Any:
        size = struct.calcsize(code)
        value = struct.unpack("<" + code, self.file.bytes(self.at, size, "its metadata"))[0]
        self.at += size
        return value

    def string(self) -> str:
        size = self.scalar("Q")
        text = self.file.bytes(self.at, size, "a name")
        self.at += size
        try:
            return text.decode("utf-8")
        except UnicodeDecodeError:
            self.file.refuse("a name in it is not UTF-8")

    def count(self) -> int:
        number = self.scalar("Q")
        self.file.require(number <= min(_MOST, self.file.size), f"it claims {number:,} entries")
        return number

    def value(self, kind: int, depth: int = 0) -> Any:
        if kind in _SCALARS:
            return self.scalar(_SCALARS[kind])
        if kind == _STRING:
            return self.string()
        self.file.require(kind == _ARRAY and depth < 4, f"its metadata has a value of unknown type {kind}")
        inner, count = self.scalar("I"), self.count()
        if inner in _SCALARS:  # skipped as a whole
            size = count * struct.calcsize(_SCALARS[inner])
            self.file.require(self.at + size <= self.file.size, "its metadata lies outside of the file")
            self.at += size
            return None
        for _ in range(count):
            self.value(inner, depth + 1)
        return None


def read_gguf(file: WeightsFile) -> dict[str, Tensor]:
    """Return the tensors of a GGUF file, versions 2 and 3."""
    file.beside = "the settings in it"
    cursor = _Cursor(file)
    version = cursor.scalar("I")
    file.require(version in (2, 3), f"it is of GGUF version {version}; 2 and 3 are read")
    n_tensors, n_values = cursor.count(), cursor.count()
    alignment = 32
    for _ in range(n_values):
        key = cursor.string()
        value = cursor.value(cursor.scalar("I"))
        if key == "general.alignment":
            sound = isinstance(value, int) and 0 < value <= 1 << 20 and value % 8 == 0
            file.require(sound, "its alignment is not a multiple of 8")
            alignment = value
    infos = {}
    for _ in range(n_tensors):
        name, dims = cursor.string(), cursor.scalar("I")
        file.require(dims <= 8 and name not in infos, f"tensor {name!r} occurs twice or has {dims} dimensions")
        shape = tuple(cursor.scalar("Q") for _ in range(dims))[::-1]
        infos[name] = (shape, cursor.scalar("I"), cursor.scalar("Q"))
    start = -(-cursor.at // alignment) * alignment
    return {name: _tensor(file, name, start, *info) for name, info in infos.items()}


def _tensor(file: WeightsFile, name: str, base: int, shape: tuple[int, ...], kind: int, offset: int) -> Tensor:
    count = math.prod(shape)
    if kind in _PLAIN:
        itemsize = 2 if _PLAIN[kind] == "bfloat16" else np.dtype(_PLAIN[kind]).itemsize
        return file.tensor(name, _PLAIN[kind], shape, base + offset, count * itemsize)
    file.require(kind in _BLOCKS, f"tensor {name!r} is of unknown type {kind}")
    dtype, elements, size = _BLOCKS[kind]
    file.require(count % elements == 0, f"tensor {name!r} does not fill its blocks")
    bits = file.tensor(name, "u1", (count // elements * size,), base + offset, count // elements * size)
    return Bits(dtype, shape, bits)
