"""The safetensors format: a JSON header with dtype, shape and offsets, then the bytes.

Source: the format's description in the README of the safetensors project.
"""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from ...errors import ArtifactReadError
from .files import WeightsFile
from .tensors import Bits, Tensor

_LARGEST_HEADER = 100_000_000  # bytes; the reference implementation's own limit
_DTYPES = {
    "BOOL": "bool", "U8": "u1", "I8": "i1", "U16": "u2", "I16": "i2", "U32": "u4", "I32": "i4", "U64": "u8",
    "I64": "i8", "F16": "f2", "F32": "f4", "F64": "f8", "C64": "c8", "BF16": "bfloat16", "F8_E4M3": "float8_e4m3fn",
    "F8_E5M2": "float8_e5m2", "F8_E8M0": "float8_e8m0fnu", "F8_E4M3FNUZ": "float8_e4m3fnuz",
    "F8_E5M2FNUZ": "float8_e5m2fnuz",
}  # fmt: skip


def is_safetensors(head: bytes, size: int) -> bool:
    """Tell a safetensors file by its first bytes."""
    return len(head) > 8 and head[8:9] == b"{" and int.from_bytes(head[:8], "little") <= min(size, _LARGEST_HEADER)


def read_safetensors(file: WeightsFile) -> dict[str, Tensor]:
    """Return the tensors of a safetensors file."""
    length = int.from_bytes(file.bytes(0, 8, "the header's length"), "little")
    file.require(length <= _LARGEST_HEADER, f"its header claims {length:,} bytes")
    text = file.bytes(8, length, "the header")
    try:
        header = json.loads(text.decode("utf-8"), object_pairs_hook=lambda pairs: _unique(file, pairs))
    except ArtifactReadError:
        raise
    except (ValueError, RecursionError) as error:
        file.refuse(f"its header is not JSON ({error})")
    file.require(isinstance(header, dict), "its header is not an object")
    start = 8 + length
    found: dict[str, Tensor] = {}
    spans = []
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        found[name], span = _tensor(file, name, entry, start)
        spans.append(span)
    end = start
    for begins, ends in sorted(spans):
        file.require(begins == end, "its tensors overlap or leave a gap")
        end = ends
    file.require(end == file.size, "bytes follow its last tensor")
    return found


def _unique(file: WeightsFile, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    file.require(len(result) == len(pairs), "a name occurs twice in its header")
    return result


def _tensor(file: WeightsFile, name: str, entry: Any, start: int) -> tuple[Tensor, tuple[int, int]]:
    file.require(isinstance(entry, dict), f"the header's entry {name!r} is not an object")
    shape, offsets, code = entry.get("shape"), entry.get("data_offsets"), entry.get("dtype")
    wholes = all(
        isinstance(values, list) and all(type(value) is int and 0 <= value < 1 << 63 for value in values)
        for values in (shape, offsets)
    )
    file.require(wholes and len(offsets) == 2 and offsets[0] <= offsets[1], f"tensor {name!r} has no sound place")
    begins, ends = start + offsets[0], start + offsets[1]
    file.require(ends <= file.size, f"tensor {name!r} lies outside of the file")
    file.require(isinstance(code, str), f"tensor {name!r} has no dtype")
    if code in _DTYPES:
        return file.tensor(name, _DTYPES[code], tuple(shape), begins, ends - begins), (begins, ends)
    # Elements that share bytes, and dtypes of later versions: known by name and bytes.
    bits = np.frombuffer(file.data, np.uint8, ends - begins, begins) if ends > begins else np.empty(0, np.uint8)
    return Bits(code.lower(), tuple(shape), bits), (begins, ends)
