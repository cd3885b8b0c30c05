"""What is this graph? The identity of an ONNX model by what it computes, not by how its file is laid out.

Nodes are numbered in the order in which the outputs need them. The names of intermediate values, the order of nodes,
attributes and initialisers in the file, doc strings, the producer and nodes that no output needs therefore don't count.
Operators, attributes, initialisers to the last bit, operator sets, and names and types of inputs and outputs do.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ..errors import ArtifactReadError, MissingDependencyError
from ..fingerprints import PREFIX, object_digest

STAMP = "normlock.fingerprint"  # among the metadata of a graph: the fingerprint of what it was exported from
EXPORTER = "skl2onnx"  # the producer whose graphs stand for a scikit-learn object

Resolve = Callable[[str], str]


def read_graph(path: str | os.PathLike[str]) -> Any:
    """Return the ONNX model in a file, external data included.

    Raises
    ------
    MissingDependencyError
        If the package onnx isn't installed.
    ArtifactReadError
        If the file is no ONNX model.
    """
    try:
        import onnx
    except ImportError as error:
        raise MissingDependencyError(
            f"{path} can't be read: it is an ONNX graph, and the package onnx isn't here ({error}).",
            path=str(path),
            remedy="Install it: pip install 'sklearn-normlock[onnx]'.",
        ) from None
    with open(path, "rb"):
        pass  # a file that isn't there is said as for any other
    try:
        model = onnx.load(os.fspath(path))
    except Exception as error:  # protobuf's and the file system's
        model, reason = None, f"{type(error).__name__}: {error}"
    else:
        reason = "it has no nodes"
    if model is None or not len(model.graph.output):
        raise ArtifactReadError(
            f"{path} can't be read as an ONNX graph ({reason}).",
            path=str(path),
            remedy="It is cut short, damaged or of another format; export it again.",
        )
    return model


def stamp_of(model: Any) -> str | None:
    """Return the fingerprint that a graph says it was exported from, or None."""
    return next((entry.value for entry in model.metadata_props if entry.key == STAMP), None)


class Graph:
    """An ONNX model, as something that has a fingerprint.

    Parameters
    ----------
    model : onnx.ModelProto
        See :func:`read_graph`.
    """

    __fingerprint_class__ = "sklearn_normlock:Graph"

    def __init__(self, model: Any) -> None:
        self.model = model

    @property
    def fingerprint(self) -> str:
        """Identity of what the graph computes."""
        return PREFIX + object_digest(self).hex()

    def __fingerprint_state__(self) -> Mapping[str, Any]:
        graph = self.model.graph
        body = _Body(graph.node, graph.initializer, graph.sparse_initializer, [v.name for v in graph.input], _missing)
        held = {item.name for item in graph.initializer}
        functions = sorted(self.model.functions, key=lambda each: (each.domain, each.name))
        return {
            "opsets": {_domain(opset.domain): opset.version for opset in self.model.opset_import},
            "inputs": {value.name: _type(value.type) for value in graph.input if value.name not in held},
            "outputs": {value.name: [body.resolve(value.name), _type(value.type)] for value in graph.output},
            "nodes": body.nodes,
            "initialisers": body.constants,
            "functions": {f"{_domain(each.domain)}:{each.name}": _function(each) for each in functions},
        }


def _missing(name: str) -> str:
    return f"undefined {name}"


def _domain(name: str) -> str:
    return "" if name == "ai.onnx" else name


def _type(proto: Any) -> str:
    """Return a type as text; the names of free dimensions don't count."""
    kind = proto.WhichOneof("value")
    if kind == "tensor_type":
        tensor = proto.tensor_type
        if not tensor.HasField("shape"):
            return f"tensor({tensor.elem_type})"
        sizes = [str(dim.dim_value) if dim.HasField("dim_value") else "?" for dim in tensor.shape.dim]
        return f"tensor({tensor.elem_type})[{', '.join(sizes)}]"
    if kind == "sequence_type":
        return f"sequence({_type(proto.sequence_type.elem_type)})"
    if kind == "map_type":
        return f"map({proto.map_type.key_type}, {_type(proto.map_type.value_type)})"
    return str(kind)


def _function(proto: Any) -> Mapping[str, Any]:
    body = _Body(proto.node, (), (), list(proto.input), _missing)
    outputs = [body.resolve(name) for name in proto.output]
    return {
        "opsets": {_domain(opset.domain): opset.version for opset in proto.opset_import},
        "attributes": sorted(proto.attribute),
        "outputs": outputs,
        "nodes": body.nodes,
        "initialisers": body.constants,
    }


class _Body:
    """The nodes of a graph in the order in which they are needed; the inner graph of a loop has a body of its own."""

    def __init__(self, nodes: Any, initialisers: Any, sparse: Any, inputs: list[str], outer: Resolve) -> None:
        self.nodes: list[Mapping[str, Any]] = []
        self.constants: list[Any] = []
        self._known = {name: f"input {i}" for i, name in enumerate(inputs)}
        self._tensors = {item.name: item for item in initialisers}
        self._tensors.update({item.values.name: item for item in sparse})
        self._producers = {name: (node, i) for node in nodes for i, name in enumerate(node.output) if name}
        self._outer = outer

    def resolve(self, name: str) -> str:
        """Return what a value is called in the canonical order; nodes that it needs are numbered first."""
        # By a stack: a graph may be deeper than Python's own.
        waiting = [name]
        while waiting:
            current = waiting[-1]
            if not current or current in self._known or current not in self._producers:
                waiting.pop()
                continue
            node, _ = self._producers[current]
            needed = [each for each in _needs(node) if self._open(each)]
            if needed:
                waiting += reversed(needed)
            else:
                self._number(node)
        if not name:
            return "absent"
        if name in self._tensors and (name not in self._known or self._known[name].startswith("input")):
            self._known[name] = f"initialiser {len(self.constants)}"
            self.constants.append(_tensor(self._tensors[name]))
        return self._known[name] if name in self._known else self._outer(name)

    def _open(self, name: str) -> bool:
        return bool(name) and name not in self._known and name in self._producers

    def _number(self, node: Any) -> None:
        described = {
            "operator": f"{_domain(node.domain)}:{node.op_type}".lstrip(":"),
            "inputs": [self.resolve(name) for name in node.input],
            **{f"@{each.name}": self._attribute(each) for each in node.attribute},
        }
        for i, output in enumerate(node.output):
            if output:
                self._known[output] = f"node {len(self.nodes)} output {i}"
        self.nodes.append(described)

    def _attribute(self, attribute: Any) -> Any:
        from onnx import AttributeProto, helper

        if attribute.ref_attr_name:
            return ("the function's", attribute.ref_attr_name)
        value = helper.get_attribute_value(attribute)
        kinds = AttributeProto.AttributeType
        if attribute.type in (kinds.TENSOR, kinds.SPARSE_TENSOR):
            return _tensor(value)
        if attribute.type == kinds.GRAPH:
            return self._inner(value)
        if attribute.type in (kinds.TENSORS, kinds.SPARSE_TENSORS):
            return [_tensor(each) for each in value]
        if attribute.type == kinds.GRAPHS:
            return [self._inner(each) for each in value]
        if attribute.type == kinds.FLOATS:
            return np.array(value, dtype=np.float32)  # of trees there are thousands
        if attribute.type == kinds.INTS:
            return np.array(value, dtype=np.int64)
        if attribute.type in (kinds.TYPE_PROTO, kinds.TYPE_PROTOS):
            protos = [value] if attribute.type == kinds.TYPE_PROTO else value
            return [_type(each) for each in protos]
        return list(value) if attribute.type == kinds.STRINGS else value

    def _inner(self, graph: Any) -> Mapping[str, Any]:
        def outer(name: str) -> str:
            return f"outer {self.resolve(name)}"

        inputs = [value.name for value in graph.input]
        body = _Body(graph.node, graph.initializer, graph.sparse_initializer, inputs, outer)
        outputs = [body.resolve(value.name) for value in graph.output]
        return {"inputs": len(inputs), "outputs": outputs, "nodes": body.nodes, "initialisers": body.constants}


def _needs(node: Any) -> Iterator[str]:
    """Yield the names that a node reads, those that its inner graphs take from outside included."""
    yield from node.input
    for attribute in sorted(node.attribute, key=lambda each: each.name):
        for graph in [*([attribute.g] if attribute.HasField("g") else []), *attribute.graphs]:
            for inner in graph.node:
                yield from _needs(inner)
            yield from (value.name for value in graph.output)


def _tensor(proto: Any) -> Any:
    from onnx import numpy_helper

    if hasattr(proto, "indices"):
        return {
            "shape": list(proto.dims),
            "values": numpy_helper.to_array(proto.values),
            "indices": numpy_helper.to_array(proto.indices),
        }
    array = numpy_helper.to_array(proto)
    if array.dtype.kind in "fiub":
        return array
    if array.dtype.kind in "OSU":
        return [list(array.shape), [item if isinstance(item, bytes) else str(item) for item in array.ravel().tolist()]]
    # Types that NumPy has no name for, such as bfloat16.
    return {"type": int(proto.data_type), "shape": list(array.shape), "data": array.tobytes()}


def stands_for_another(path: str | os.PathLike[str]) -> bool:
    """Tell whether an ONNX file was exported from a scikit-learn object: by skl2onnx, or with a stamp."""
    producer, stamp = header(path) if os.path.isfile(path) else ("", None)
    return producer == EXPORTER or stamp is not None


def header(path: str | os.PathLike[str]) -> tuple[str, str | None]:
    """Return producer and stamp of an ONNX file, without any package: only the outermost fields are read.

    Returns
    -------
    producer : str
        Empty if the file doesn't say, or is no ONNX model.
    stamp : str or None
        See :func:`stamp_of`.
    """
    producer, stamp = "", None
    try:
        for number, value in _fields(Path(path).read_bytes()):
            if number == 2:
                producer = value.decode("utf-8")
            elif number == 14:
                entry = dict(_fields(value))
                if entry.get(1) == STAMP.encode():
                    stamp = entry.get(2, b"").decode("utf-8")
    except (IndexError, ValueError):
        return "", None
    return producer, stamp


def _fields(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the length-delimited fields of a protobuf message; numbers are passed over."""
    at = 0

    def number() -> int:
        nonlocal at
        value = shift = 0
        while True:
            byte = data[at]
            at += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7

    while at < len(data):
        key = number()
        kind = key & 7
        if kind == 0:
            number()
        elif kind == 2:
            size = number()
            if at + size > len(data):
                raise ValueError("cut short")
            yield key >> 3, data[at : at + size]
            at += size
        elif kind in (1, 5):
            at += 8 if kind == 1 else 4
        else:
            raise ValueError("not protobuf")
