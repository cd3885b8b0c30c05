"""A whole ONNX model as bytes, with the external data that lies beside it and nowhere else."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

from ..documents.files import reading
from ..errors import ArtifactReadError, MissingDependencyError, NormLockError

_RANDOM = frozenset(
    {"Bernoulli", "Multinomial", *(f"Random{n}{like}" for n in ("Normal", "Uniform") for like in ("", "Like"))}
)

_LARGEST = (1 << 31) - 1  # bytes: what protobuf holds


def read_model(model: Any) -> bytes:
    """Return a whole model as bytes, external data included."""
    if hasattr(model, "SerializeToString"):
        found, folder = model, None
    elif isinstance(model, bytes):
        found, folder = _from_bytes(model, "the bytes"), None
    elif isinstance(model, (str, os.PathLike)):
        try:
            with reading(model) as file:
                data = file.read(_LARGEST + 1)
        except ArtifactReadError:
            raise
        except OSError as error:
            raise ArtifactReadError(
                f"{model} can't be read ({error.strerror}).", path="model", remedy="Name an ONNX file."
            ) from None
        found, folder = _from_bytes(data, str(model)), Path(model).parent
    else:
        raise NormLockError(
            f"model is a {type(model).__name__}.", path="model", actual=model, remedy="Give the path of an ONNX file."
        )
    _refuse_training(found)
    outside = [tensor for tensor in _tensors(found) if tensor.data_location == tensor.EXTERNAL]
    for tensor in outside:
        _check_place(tensor, folder)
    try:
        if outside:
            package().external_data_helper.load_external_data_for_model(found, str(folder))
        return found.SerializeToString()
    except Exception as error:
        raise ArtifactReadError(
            f"The model can't be made whole ({type(error).__name__}: {' '.join(str(error).split())[:200]}).",
            path="model",
            remedy="Its external data is missing or damaged, or it has more than 2 GiB.",
        ) from None


def _from_bytes(data: bytes, where: str) -> Any:
    onnx = package()
    try:
        found = onnx.load_model_from_string(data)
        reason = "it has no outputs"
    except Exception as error:  # protobuf's own
        found, reason = None, f"{type(error).__name__}: {error}"
    if found is None or not len(found.graph.output):
        raise ArtifactReadError(
            f"{where} can't be read as an ONNX graph ({reason}).",
            path="model",
            remedy="It is cut short, damaged or of another format; export it again.",
        )
    return found


def _bodies(model: Any) -> Iterator[Any]:
    """Yield the graph of a model, its functions, and all inner graphs."""
    waiting = [model.graph, *model.functions]
    while waiting:
        body = waiting.pop()
        yield body
        for node in body.node:
            for attribute in node.attribute:
                waiting += [attribute.g, *attribute.graphs]


def _tensors(model: Any) -> Iterator[Any]:
    """Yield every tensor of a model, those in attributes and inner graphs included."""
    for body in _bodies(model):
        yield from getattr(body, "initializer", ())
        for each in getattr(body, "sparse_initializer", ()):
            yield from (each.values, each.indices)
        for node in body.node:
            for attribute in node.attribute:
                yield from (attribute.t, *attribute.tensors)


def _refuse_training(model: Any) -> None:
    """Raise if a node draws random numbers or uses the statistics of each batch: no output would be that of its row."""
    bodies = list(_bodies(model))
    constants = {each.name for body in bodies for each in getattr(body, "initializer", ()) if _is_true(each)}
    nodes = [node for body in bodies for node in body.node if node.domain in ("", "ai.onnx")]
    constants |= {node.output[0] for node in nodes if node.op_type == "Constant" and any(map(_is_true, _values(node)))}
    for node in nodes:
        training = any(each.name == "training_mode" and each.i for each in node.attribute)
        dropping = node.op_type == "Dropout" and len(node.input) > 2 and node.input[2] in constants
        if training or dropping or node.op_type in _RANDOM:
            what = "draws random numbers" if node.op_type in _RANDOM else "is in training mode"
            raise ArtifactReadError(
                f"The node {node.name or node.output[0]!r} ({node.op_type}) {what}: the output of a row would "
                "depend on more than the row.",
                path="model",
                actual=node.op_type,
                remedy="Export the model for inference: call eval() on it first.",
            )


def _values(node: Any) -> list[Any]:
    return [attribute.t for attribute in node.attribute]


def _is_true(tensor: Any) -> bool:
    return tensor.data_type == tensor.BOOL and (any(tensor.raw_data[:1]) or any(tensor.int32_data[:1]))


def _check_place(tensor: Any, folder: Path | None) -> None:
    """Refuse external data that lies anywhere but beside the model; nothing else is opened."""
    place = {entry.key: entry.value for entry in tensor.external_data}.get("location", "")
    relative = PurePosixPath(place.replace("\\", "/"))
    sound = bool(place) and not relative.is_absolute() and ".." not in relative.parts and not {":", "\0"} & set(place)
    if folder is not None and sound:
        real = (folder / relative).resolve()
        sound = real.is_file() and real.is_relative_to(folder.resolve())
    if folder is None or not sound:
        raise ArtifactReadError(
            f"The tensor {tensor.name!r} refers to {place[:200]!r}, which is not a file beside the model.",
            path="model",
            actual=place,
            remedy="Name the model's path, and put its data beside it.",
        )


def package() -> Any:
    """Return the package onnx, or raise if it isn't here."""
    try:
        import onnx
    except ImportError as error:
        raise MissingDependencyError(
            f"The graph can't be read: the package onnx isn't here ({error}).",
            remedy="Install it: pip install 'sklearn-normlock[onnx]'.",
        ) from None
    return onnx
