"""PyTorch's checkpoints, read without torch and without running what a pickle asks for.

A checkpoint is a pickle of dicts whose leaves are tensors over storages; the storages' bytes lie beside it: as members
of a zip archive, or behind it in the format before version 1.6. The pickle is read by a machine that knows the few
names a checkpoint of tensors needs, as torch's own ``weights_only`` does, and refuses every other by name.
"""

from __future__ import annotations

import io
import pickle
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import numpy as np

from ...errors import ArtifactReadError
from .files import WeightsFile
from .npz import MappedStream, content, members_of
from .tensors import BITS, Bits, Tensor

_MAGIC, _PROTOCOL = 0x1950A86A20F9469CFC6C, 1001
_DTYPES = {
    "float32": "f4", "float64": "f8", "float16": "f2", "uint8": "u1", "int8": "i1", "int16": "i2", "int32": "i4",
    "int64": "i8", "bool": "bool", "complex64": "c8", "complex128": "c16", "uint16": "u2", "uint32": "u4",
    "uint64": "u8", **{name: name for name in BITS},
}  # fmt: skip
_STORAGES = {
    "FloatStorage": "float32", "DoubleStorage": "float64", "HalfStorage": "float16", "BFloat16Storage": "bfloat16",
    "ByteStorage": "uint8", "CharStorage": "int8", "ShortStorage": "int16", "IntStorage": "int32",
    "LongStorage": "int64", "BoolStorage": "bool", "ComplexFloatStorage": "complex64",
    "ComplexDoubleStorage": "complex128", "UntypedStorage": "uint8",
}  # fmt: skip
_MOST = 1_000_000  # values in a checkpoint: what has more repeats itself without end


class _Storage:
    """The bytes behind some tensors: where they lie is known when the pickle has been read."""

    def __init__(self, dtype: str, key: str, numel: int) -> None:
        self.dtype, self.key, self.numel = dtype, key, numel
        self.place: tuple[Any, int, int] | None = None


class _View:
    """A tensor over a storage: its first element, shape and strides, all in elements."""

    def __init__(self, storage: Any, offset: Any, shape: Any, stride: Any, dtype: str | None = None) -> None:
        self.storage, self.offset, self.shape, self.stride = storage, offset, shape, stride
        self.dtype = dtype


class _Dtype(str):
    """The name of a dtype of torch."""


def _rebuild_tensor(storage: Any, offset: Any, shape: Any, stride: Any, *_: Any) -> _View:
    return _View(storage, offset, shape, stride)


def _rebuild_tensor_v3(storage: Any, offset: Any, shape: Any, stride: Any, grad: Any, hooks: Any, dtype: Any, *_: Any):
    return _View(storage, offset, shape, stride, str(dtype))


def _first(value: Any, *_: Any) -> Any:
    return value


def _nothing(*_: Any) -> str:
    return ""


# The names that a checkpoint of tensors may use. Each stands for torch's own, and does no more than keep its arguments.
_KNOWN: Mapping[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): OrderedDict,
    ("torch._utils", "_rebuild_tensor"): _rebuild_tensor,
    ("torch._utils", "_rebuild_tensor_v2"): _rebuild_tensor,
    ("torch._utils", "_rebuild_tensor_v3"): _rebuild_tensor_v3,
    ("torch._utils", "_rebuild_parameter"): _first,
    ("torch._utils", "_rebuild_parameter_with_state"): _first,
    ("torch._tensor", "_rebuild_from_type_v2"): lambda make, kind, args, state: make(*args),
    ("torch", "Size"): tuple,
    ("torch", "device"): _nothing,
    ("torch.serialization", "_get_layout"): _nothing,
    ("torch.nn.parameter", "Parameter"): _first,
    ("torch", "Tensor"): _first,
}


class _Machine(pickle._Unpickler):
    # The one written in Python: the memo of the other is an array, which a damaged index makes as large as it likes.
    def __init__(self, file: WeightsFile, stream: Any, storages: dict[str, _Storage]) -> None:
        super().__init__(stream, encoding="utf-8")
        self.file, self.storages = file, storages

    def find_class(self, module: str, name: str) -> Any:
        known = _KNOWN.get((module, name))
        if known is not None:
            return known
        if module in ("torch", "torch.storage") and name in _STORAGES:
            return _Dtype(_STORAGES[name])
        if module == "torch" and name in _DTYPES:
            return _Dtype(name)
        self.file.refuse(
            f"it names {module}.{name}, which no checkpoint of tensors needs, and nothing in it is run",
            "Save the state_dict alone, or convert it to safetensors where it comes from.",
        )

    def persistent_load(self, pid: Any) -> _Storage:
        sound = isinstance(pid, tuple) and len(pid) >= 5 and pid[0] == "storage" and isinstance(pid[1], _Dtype)
        self.file.require(
            sound and isinstance(pid[2], str) and type(pid[4]) is int, "it refers to no storage of tensors"
        )
        known = self.storages.setdefault(pid[2], _Storage(str(pid[1]), pid[2], pid[4]))
        self.file.require(known.dtype == str(pid[1]), f"storage {pid[2]!r} has two dtypes")
        return known


def _unpickled(file: WeightsFile, stream: Any, storages: dict[str, _Storage]) -> Any:
    try:
        return _Machine(file, stream, storages).load()
    except ArtifactReadError:
        raise
    except MemoryError:
        file.refuse("its pickle claims more memory than there is")
    except Exception as error:  # a damaged pickle raises whatever its last opcode meets
        file.refuse(f"its pickle can't be read ({type(error).__name__}: {error})")


def read_torch_zip(file: WeightsFile) -> dict[str, Tensor]:
    """Return the tensors of a checkpoint in PyTorch's zip format (from version 1.6 on)."""
    archive, members = members_of(file)
    by_name = {member.filename: member for member in members}
    pickles = [name for name in by_name if name == "data.pkl" or name.endswith("/data.pkl")]
    file.require(len(pickles) == 1, "it has no data.pkl, or several")
    root = pickles[0].removesuffix("data.pkl")
    data, start, size = content(file, archive, by_name[pickles[0]])
    storages: dict[str, _Storage] = {}
    value = _unpickled(file, io.BytesIO(bytes(data[start : start + size])), storages)
    order = b"little"
    if root + "byteorder" in by_name:
        data, start, size = content(file, archive, by_name[root + "byteorder"])
        order = bytes(data[start : start + size]).strip()
        file.require(order in (b"little", b"big"), f"its byte order is {order!r}")
    for storage in storages.values():
        member = by_name.get(f"{root}data/{storage.key}")
        file.require(member is not None, f"storage {storage.key!r} is not in it")
        assert member is not None
        storage.place = content(file, archive, member)
    return _tensors(file, value, "<" if order == b"little" else ">")


def is_torch_zip(names: Iterable[str]) -> bool:
    """Tell whether an archive with these members is a checkpoint."""
    return any(name == "data.pkl" or name.endswith("/data.pkl") for name in names)


def is_torch_legacy(head: bytes) -> bool:
    """Tell by its first bytes whether a file is a checkpoint in the format before version 1.6."""
    return head.startswith(b"\x80\x02\x8a\x0a" + _MAGIC.to_bytes(10, "little") + b".")


def read_torch_legacy(file: WeightsFile) -> dict[str, Tensor]:
    """Return the tensors of a checkpoint in PyTorch's format before version 1.6."""
    stream = io.BufferedReader(MappedStream(file))
    storages: dict[str, _Storage] = {}
    magic = _unpickled(file, stream, {})
    protocol = _unpickled(file, stream, {})
    system = _unpickled(file, stream, {})
    file.require(magic == _MAGIC and protocol == _PROTOCOL, "it is no checkpoint of a known protocol")
    file.require(isinstance(system, dict) and system.get("little_endian") is True, "it was written big-endian")
    value = _unpickled(file, stream, storages)
    keys = _unpickled(file, stream, {})
    file.require(isinstance(keys, list) and len(set(map(str, keys))) == len(keys), "its list of storages is damaged")
    at = stream.tell()
    for key in keys:
        storage = storages.get(key) if isinstance(key, str) else None
        file.require(storage is not None, f"it has a storage {key!r} that no tensor uses")
        assert storage is not None
        count = int.from_bytes(file.bytes(at, 8, "the size of a storage"), "little")
        file.require(count == storage.numel, f"storage {key!r} has another size than its tensors say")
        size = count * _itemsize(storage.dtype)
        file.require(at + 8 + size <= file.size, f"storage {key!r} lies outside of the file")
        storage.place = (file.data, at + 8, size)
        at += 8 + size
    return _tensors(file, value, "<")


def _itemsize(dtype: str) -> int:
    return BITS.get(dtype) or np.dtype(_DTYPES[dtype]).itemsize


def _tensors(file: WeightsFile, value: Any, order: str) -> dict[str, Tensor]:
    found = {}
    for name, view in _views(file, value):
        file.require(name not in found, f"two tensors have the name {name!r}")
        found[name] = _tensor(file, name, view, order)
    return found


def _views(file: WeightsFile, value: Any) -> Iterator[tuple[str, _View]]:
    """Yield the tensors of nested dicts and lists under dotted names; other values are said to stand beside them."""
    todo: list[tuple[str, Any]] = [("", value)]
    seen = 0
    while todo:
        name, value = todo.pop()
        seen += 1
        file.require(seen <= _MOST, f"it has more than {_MOST:,} values")
        if isinstance(value, _View):
            yield name, value
        elif isinstance(value, (dict, list, tuple)):
            items = value.items() if isinstance(value, dict) else enumerate(value)
            file.require(len(todo) + len(value) <= _MOST, f"it has more than {_MOST:,} values")
            todo += [(f"{name}.{key}" if name else str(key), item) for key, item in items]
        elif value is not None:
            file.beside = "the values in it that are no tensors"


def _tensor(file: WeightsFile, name: str, view: _View, order: str) -> Tensor:
    storage = view.storage
    whole = isinstance(storage, _Storage) and storage.place is not None
    file.require(whole, f"tensor {name!r} has no storage")
    dtype = view.dtype or storage.dtype
    shape, stride = view.shape, view.stride
    lists = all(isinstance(each, tuple) and all(type(n) is int and n >= 0 for n in each) for each in (shape, stride))
    file.require(lists and len(shape) == len(stride) <= 32, f"tensor {name!r} has no sound shape or strides")
    file.require(type(view.offset) is int and view.offset >= 0, f"tensor {name!r} has no sound offset")
    data, start, size = storage.place
    itemsize = _itemsize(dtype)
    element = np.dtype(f"u{itemsize}" if dtype in BITS else _DTYPES[dtype])
    element = element if order == "<" else element.newbyteorder(">")
    start += view.offset * itemsize
    available = size // itemsize - view.offset
    last = sum((n - 1) * step for n, step in zip(shape, stride, strict=True)) if all(shape) else -1
    file.require(last < max(available, 0), f"tensor {name!r} reaches out of its storage")
    if last < 0:
        try:
            array = np.empty(shape, element)
        except ValueError:  # no elements, and other dimensions beyond any address
            file.refuse(f"tensor {name!r} has the shape {list(shape)}, which no array has")
    else:
        flat = np.frombuffer(data, element, last + 1, start)
        array = np.lib.stride_tricks.as_strided(flat, shape, [s * itemsize for s in stride], writeable=False)
    return Bits(dtype, shape, array) if dtype in BITS else array
