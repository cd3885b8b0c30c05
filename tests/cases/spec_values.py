"""From the notation of the specification's Annex A to live values and back, and random values in that notation."""

from __future__ import annotations

import functools
import importlib
import itertools
import struct
from collections import defaultdict, deque
from typing import Any

import numpy as np
from hypothesis import strategies as st
from spec_reference import Doc, _text_of, counted, data_of, is_template

LAYOUTS = ("fortran", "big-endian", "strided", "reversed", "unaligned", "read-only")


# -- notation to live values -----------------------------------------------------------------------------------------


def build(doc: Doc) -> Any:
    """Return the value that a document describes."""
    kind = doc["type"]
    if kind in _MAKERS:
        return _MAKERS[kind](doc)
    return {"array": _array, "objects": _objects, "structured": _structured, "sparse": _sparse}[kind](doc)


def laid_out(array: np.ndarray, layout: str | None) -> np.ndarray:
    """Return an array of the same elements that lies otherwise in memory."""
    if layout is None:
        return array
    if layout == "fortran":
        return np.array(array, order="F")
    if layout == "big-endian":
        return array.byteswap().view(array.dtype.newbyteorder(">"))
    if layout == "strided":
        wide = np.zeros((*array.shape[:-1], 2 * array.shape[-1]) if array.ndim else (2,), array.dtype)
        view = wide[..., ::2] if array.ndim else wide[:1].reshape(())
        view[...] = array
        return view
    if layout == "reversed":
        back = (slice(None, None, -1),) * array.ndim
        return array[back].copy()[back] if back else array
    if layout == "unaligned":
        room = np.zeros(array.nbytes + 1, np.uint8)
        view = room[1:].view(array.dtype).reshape(array.shape) if array.nbytes else array
        view[...] = array
        return view
    if layout == "read-only":
        array = array.copy()
        array.flags.writeable = False
        return array
    raise ValueError(layout)


def _array(doc: Doc) -> np.ndarray:
    dtype = np.dtype(doc["dtype"])
    data = data_of(doc)
    if not data:
        return laid_out(np.zeros(doc["shape"], dtype), doc.get("layout"))
    return laid_out(np.frombuffer(data, dtype).reshape(doc["shape"]).copy(), doc.get("layout"))


def _objects(doc: Doc) -> np.ndarray:
    array = np.empty(doc["shape"], object)
    for at, item in zip(np.ndindex(*doc["shape"]), doc["items"], strict=True):
        array[at] = build(item)
    return laid_out(array, doc.get("layout"))


def _structured(doc: Doc) -> np.ndarray:
    fields = [(name, build(array)) for name, array in doc["fields"]]
    depth = len(doc["shape"])
    dtype = np.dtype([(name, a.dtype, a.shape[depth:]) for name, a in fields], align=doc.get("layout") == "padded")
    array = np.empty(doc["shape"], dtype)
    array.view(np.uint8).fill(0xA5) if array.ndim else None  # what lies in the gaps
    for name, values in fields:
        array[name] = values
    return array if doc.get("layout") == "padded" else laid_out(array, doc.get("layout"))


def _sparse(doc: Doc) -> Any:
    sparse = importlib.import_module("scipy.sparse")
    cls = getattr(sparse, doc["class"].partition(":")[2])
    entries = (build(doc["data"]), (np.array(doc["rows"], int), np.array(doc["columns"], int)))
    if cls.__name__.startswith("coo"):
        return cls(entries, shape=doc["shape"])
    # compressed by hand, as scipy would sort and add up
    major = 0 if cls.__name__.startswith("csr") else 1
    order = np.argsort(entries[1][major], kind="stable")
    starts = np.searchsorted(entries[1][major][order], np.arange(doc["shape"][major] + 1))
    return cls((entries[0][order], entries[1][1 - major][order], starts), shape=doc["shape"])


def _resolved(name: str) -> Any:
    module, _, qualname = name.partition(":")
    return functools.reduce(getattr, qualname.split("."), importlib.import_module(module))


def _class(doc: Doc) -> type:
    name = doc["name"].partition(":")[2]
    return np.dtype(name).type if name[0] in "<|" else _resolved(doc["name"])


def _dtype(doc: Doc) -> np.dtype:
    if "base" in doc:
        return np.dtype((_dtype(doc["base"]), tuple(doc["shape"])))
    return np.dtype([(name, _dtype(d)) for name, d in doc["fields"]] if "fields" in doc else doc["name"])


def _object(doc: Doc) -> Any:
    """Return an estimator of the named class, or of a class that goes by that name, with these attributes."""
    try:
        cls = _resolved(doc["class"])
    except ImportError:
        body = {
            "fit": None,
            "get_params": lambda self, deep=True: dict(vars(self)),
            "__fingerprint_class__": doc["class"],
        }
        cls = type("Standin", (), body)
    made = cls.__new__(cls)
    vars(made).update({name: build(value) for name, value in doc["attributes"].items()})
    return made


def _items(doc: Doc) -> list[Any]:
    return [build(item) for item in doc["items"]]


def _pairs(doc: Doc) -> list[tuple[Any, Any]]:
    return [(build(key), build(value)) for key, value in doc["pairs"]]


def _bounds(doc: Doc) -> tuple[Any, Any, Any]:
    return build(doc["start"]), build(doc["stop"]), build(doc["step"])


def _binary64(text: str) -> float:
    return struct.unpack("<d", bytes.fromhex(text))[0]


_MAKERS: dict[str, Any] = {
    "none": lambda doc: None,
    "true": lambda doc: True,
    "false": lambda doc: False,
    "ellipsis": lambda doc: ...,
    "int": lambda doc: int(doc["value"]),
    "float": lambda doc: _binary64(doc["hex"]),
    "complex": lambda doc: complex(_binary64(doc["real"]), _binary64(doc["imag"])),
    "str": _text_of,
    "bytes": lambda doc: bytes.fromhex(doc["hex"]),
    "list": _items,
    "tuple": lambda doc: tuple(_items(doc)),
    "deque": lambda doc: deque(_items(doc), doc.get("longest")),
    "set": lambda doc: set(_items(doc)),
    "dict": lambda doc: dict(_pairs(doc)),
    "defaultdict": lambda doc: defaultdict(build(doc["factory"]), _pairs(doc)),
    "slice": lambda doc: slice(*_bounds(doc)),
    "range": lambda doc: range(*_bounds(doc)),
    "class": _class,
    "function": lambda doc: _resolved(doc["name"]),
    "method": lambda doc: getattr(build(doc["owner"]), doc["name"]),
    "partial": lambda doc: functools.partial(build(doc["function"]), *build(doc["args"]), **build(doc["keywords"])),
    "dtype": _dtype,
    "scalar": lambda doc: _array({**doc, "shape": [1]})[0],
    "masked": lambda doc: np.ma.MaskedArray(build(doc["data"]), mask=build(doc["mask"])),
    "object": _object,
    "template": _object,
}


# -- live values to notation -----------------------------------------------------------------------------------------


def describe(value: Any) -> Doc:
    """Return the document of a plain value, an array, or an estimator made of such."""
    kind = type(value)
    if value is None or kind is bool:
        return {"type": {None: "none", True: "true", False: "false"}[value]}
    if kind is int:
        return {"type": "int", "value": str(value)}
    if kind is float:
        return {"type": "float", "hex": struct.pack("<d", value).hex()}
    if kind is str:
        return {"type": "str", "text": value}
    if kind in (list, tuple, set):
        return {"type": kind.__name__, "items": [describe(item) for item in value]}
    if kind is dict:
        return {"type": "dict", "pairs": [[describe(k), describe(v)] for k, v in value.items()]}
    if kind is np.ndarray and value.dtype == object:
        return {"type": "objects", "shape": list(value.shape), "items": [describe(value[at]) for at in _places(value)]}
    if kind is np.ndarray:
        name = value.dtype.str.replace(">", "<")
        return {"type": "array", "dtype": name, "shape": list(value.shape), "hex": _data(value).hex()}
    if isinstance(value, np.generic):
        return {"type": "scalar", "dtype": value.dtype.str, "hex": value.tobytes().hex()}
    if isinstance(value, np.dtype):
        return {"type": "dtype", "name": value.str}
    if kind is type:
        return {
            "type": "class",
            "name": "numpy:" + np.dtype(value).str if issubclass(value, np.generic) else _name(value),
        }
    return estimator(value)


def estimator(fitted: Any) -> Doc:
    """Return the document of an estimator, less what doesn't count and with its templates (clauses 7.3 and 7.5)."""
    attributes = vars(fitted)
    names = counted(set(attributes), _bases(fitted))
    state = {
        name: _templates(attributes[name]) if is_template(name, names) else describe(attributes[name]) for name in names
    }
    return {"type": "object", "class": _name(type(fitted)), "attributes": state}


def _templates(value: Any) -> Doc:
    if type(value) in (list, tuple):
        return {"type": type(value).__name__, "items": [_templates(item) for item in value]}
    if not hasattr(type(value), "get_params"):
        return describe(value)
    names = {name for name in counted(set(vars(value)), _bases(value)) if name[0] != "_" and name[-1] != "_"}
    attributes = {name: _templates(vars(value)[name]) for name in names}
    return {"type": "template", "class": _name(type(value)), "attributes": attributes}


def _name(cls: type) -> str:
    return ".".join(part for part in cls.__module__.split(".") if part[0] != "_") + ":" + cls.__qualname__


def _bases(value: Any) -> set[str]:
    return {f"{base.__module__}.{base.__qualname__}" for base in type(value).__mro__}


def _places(array: np.ndarray) -> Any:
    return itertools.product(*map(range, array.shape))


def _data(array: np.ndarray) -> bytes:
    """Return an array's data element by element: slowly, and without any of NumPy's own conversions of layout."""
    return b"".join(array[at].tobytes() for at in _places(array))


# -- random documents ------------------------------------------------------------------------------------------------

_hex8 = st.binary(min_size=8, max_size=8).map(bytes.hex)
_special = st.sampled_from(["000000000000f0ff", "0000000000000080", "010000000000f07f", "0100000000000000"])
_bits = _hex8 | _special
_texts = st.text(st.characters(), max_size=12).map(lambda text: {"type": "str", "code_points": [*map(ord, text)]})
_ints = st.integers(-(2**70), 2**70).map(lambda n: {"type": "int", "value": str(n)})
_keys = _texts | _ints | st.binary(max_size=4).map(lambda data: {"type": "bytes", "hex": data.hex()})
scalars = st.one_of(
    st.sampled_from([{"type": "none"}, {"type": "true"}, {"type": "false"}, {"type": "ellipsis"}]),
    _keys,
    _bits.map(lambda bits: {"type": "float", "hex": bits}),
    st.builds(lambda a, b: {"type": "complex", "real": a, "imag": b}, _bits, _bits),
)
_NUMBERS = ("|i1", "<i2", "<i4", "<i8", "|u1", "<u2", "<u4", "<u8", "<f2", "<f4", "<f8", "<c8", "<c16")
_OTHERS = ("|b1", "<M8[ns]", "<m8[25s]", "|S3", "<U2", "|V3")


@st.composite
def arrays(draw: st.DrawFn, dtypes: tuple[str, ...] = _NUMBERS + _OTHERS, most: int = 4) -> Doc:
    """Draw an array of any bits, shape and layout."""
    dtype = draw(st.sampled_from(dtypes))
    shape = draw(st.lists(st.integers(0, most), max_size=3))
    size = int(np.prod(shape, dtype=int)) * np.dtype(dtype).itemsize
    if dtype == "|b1":
        data = bytes(draw(st.lists(st.integers(0, 1), min_size=size, max_size=size)))
    elif dtype[1] == "U":
        points = draw(st.lists(st.integers(0, 0x10FFFF), min_size=size // 4, max_size=size // 4))
        data = struct.pack(f"<{size // 4}I", *points)
    else:
        data = draw(st.binary(min_size=size, max_size=size))
    doc = {"type": "array", "dtype": dtype, "shape": shape, "hex": data.hex()}
    layout = draw(st.sampled_from([None, *LAYOUTS]))
    return doc if layout is None or (layout == "unaligned" and not shape) else {**doc, "layout": layout}


def _containers(children: st.SearchStrategy[Doc]) -> st.SearchStrategy[Doc]:
    few = st.lists(children, max_size=4)
    pairs = st.lists(st.tuples(_keys, children), max_size=4, unique_by=lambda pair: str(pair[0])).map(
        lambda pairs: [list(pair) for pair in pairs]
    )
    return st.one_of(
        st.builds(lambda kind, items: {"type": kind, "items": items}, st.sampled_from(["list", "tuple", "deque"]), few),
        pairs.map(lambda pairs: {"type": "dict", "pairs": pairs}),
        st.lists(_keys, max_size=4, unique_by=str).map(lambda items: {"type": "set", "items": items}),
        few.map(lambda items: {"type": "objects", "shape": [len(items)], "items": items}),
        st.dictionaries(st.text("abcé_", min_size=1, max_size=3), children, max_size=3).map(
            lambda attributes: {"type": "object", "class": "example:Thing", "attributes": attributes}
        ),
    )


values = st.recursive(scalars | arrays(most=2), _containers, max_leaves=12)
