"""The norm layer of a name in a checkpoint or a graph: its tensors, and what the source says of how they are used.

A checkpoint holds tensors alone; ``eps`` stands in the configuration beside it, or in code. A node of an ONNX graph
states all of it. Nothing is guessed: a layer that isn't there, or isn't of the kind that was asked for, is refused.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import ArtifactReadError
from .containers import is_weights, open_weights
from .files import WeightsFile
from .onnx import Node, is_onnx, read_nodes
from .tensors import Bits, Weights

_ROLES = {
    "weight": ("weight", "gamma", "scale"),
    "bias": ("bias", "beta"),
    "mean": ("running_mean", "moving_mean", "mean"),
    "var": ("running_var", "moving_variance", "moving_var", "var"),
    "count": ("num_batches_tracked",),
}
_NORM = re.compile(r"(norm|(^|[._/])(ln|bn|gn)(_?\d|_f|[._/]|$))", re.IGNORECASE)
_CONFIG = 1_000_000  # bytes of a configuration


@dataclass(frozen=True, kw_only=True)
class NormTensors:
    """The tensors and numbers that a source holds for one norm layer.

    Parameters
    ----------
    where : str
        For messages: the source and the name.
    operator : str, default=""
        That of the ONNX node; empty if the source is a checkpoint, which names none.
    tensors : mapping of str to ndarray
        In float64, by role: weight, bias, mean, var, count.
    stated : mapping of str to object
        Parameters that the source states.
    """

    where: str
    operator: str = ""
    tensors: Mapping[str, np.ndarray]
    stated: Mapping[str, Any] = field(default_factory=dict)

    def refuse(self, what: str, remedy: str) -> ArtifactReadError:
        """Return the error that the layer is not what was asked for."""
        return ArtifactReadError(f"{self.where}: {what}.", path=self.where, remedy=remedy)

    def parameters(self, operators: tuple[str, ...]) -> dict[str, Any]:
        """Return the parameters that the source states; a node's defaults are those of ONNX.

        Parameters
        ----------
        operators : tuple of str
            Of the nodes that compute the layer that was asked for.

        Raises
        ------
        ArtifactReadError
            If the node is of another kind, in training mode, or normalises more than columns.
        """
        if not self.operator:
            return dict(self.stated)
        if self.operator not in operators:
            raise self.refuse(
                f"it is a {self.operator}, not {' or '.join(operators) or 'a layer with weights'}",
                "Use the class of that kind.",
            )
        attributes = self.stated
        if attributes.get("training_mode"):
            raise self.refuse(
                "the node is in training mode, in which it uses the statistics of each batch", "Export anew."
            )
        # A weight of one number a column says that the axis is the last one; a norm without a weight says nothing.
        if attributes.get("axis", -1) != -1 and getattr(self.tensors.get("weight"), "ndim", 0) != 1:
            raise self.refuse(
                f"it normalises from axis {attributes['axis']} on, more than the columns", "It isn't read."
            )
        if self.operator == "LpNormalization":
            if attributes.get("p", 2) != 2:
                raise self.refuse(
                    f"it divides by the norm of order {attributes['p']}", "Only the order 2 is an L2Norm."
                )
            return {"eps": 0.0, "eps_rule": "max"}  # a row of zeros stays as it is
        stated: dict[str, Any] = {"eps": float(f"{attributes.get('epsilon', 1e-5):.7g}")}
        if self.operator == "BatchNormalization":
            momentum = float(f"{attributes.get('momentum', 0.9):.7g}")
            stated.update(momentum=momentum, momentum_convention="flax", ddof=0)
        if self.operator == "GroupNormalization":
            if "num_groups" not in attributes:
                raise self.refuse("it does not state num_groups", "Export the model anew.")
            stated["num_groups"] = attributes["num_groups"]  # whether it is a whole number, the layer checks
        return stated


def read_norm(source: Any, name: str, eps_keys: tuple[str, ...] = ()) -> NormTensors:
    """Return the norm layer of a name.

    Parameters
    ----------
    source : path-like, mapping of str to array, or module
        A checkpoint in any container that is known, an ONNX graph, or what :meth:`Weights.of` takes.
    name : str
        Of the layer, such as ``"encoder.layer.0.output.LayerNorm"``; of a node or its output in a graph.
    eps_keys : tuple of str, default=()
        Under which names a ``config.json`` beside the checkpoint states ``eps`` of such layers.

    Raises
    ------
    ArtifactReadError
        If there is no such layer, or it can't be told which of two.
    """
    if not isinstance(name, str):
        raise ArtifactReadError(
            f"The name of a layer is a text, not {name!r}.", path="name", remedy='Pass one, such as "encoder.norm".'
        )
    nodes: list[Node] = []
    if isinstance(source, (str, os.PathLike)):
        path = Path(source)
        if not is_weights(path):
            open_weights(path)  # which says what is wrong with it
            raise ArtifactReadError(f"{path}: it is no container of tensors that is known.", path=str(path))
        weights, place = open_weights(path), str(path)
        if path.suffix != ".json":
            file = WeightsFile(path)
            nodes = read_nodes(file) if is_onnx(bytes(file.data[:64])) else []
        stated = _beside(path, eps_keys)
    else:
        taken = Weights.of(source)
        if taken is None:
            raise ArtifactReadError(
                f"A norm layer can't be read from a {type(source).__name__}.",
                remedy="Pass the path of a checkpoint or graph, a mapping of names to arrays, or a module.",
            )
        weights, place, stated = taken, "the mapping", {}
        if any(each == name or name.startswith(f"{each}.") or not each for each in weights.training):
            raise ArtifactReadError(
                f"{name}: the module is in training mode, in which it uses the statistics of each batch.",
                path=name,
                remedy="Call eval() on it first.",
            )
    where = f"{place}: {name}" if name else place
    node = next((node for node in nodes if name in (node.name, *node.outputs) and name), None)
    if node is not None:
        return _of_node(node, weights, where)
    found = {role: _tensor(weights, name, spellings, where) for role, spellings in _ROLES.items()}
    tensors = {role: value for role, value in found.items() if value is not None}
    if not tensors:
        raise _missing(name, where, weights, nodes)
    return NormTensors(where=where, tensors=tensors, stated=stated)


def _tensor(weights: Weights, name: str, spellings: tuple[str, ...], where: str) -> np.ndarray | None:
    keys = [f"{name}{joint}{spelling}" for spelling in spellings for joint in ("./" if name else ("",))]
    present = [key for key in keys if key in weights]
    if len(present) > 1:
        raise ArtifactReadError(
            f"{where}: {present[0]} and {present[1]} are both there; which of them is used can't be told.",
            path=name,
            remedy="Pass a mapping that holds one of them.",
        )
    return numbers(weights[present[0]], f"{where}: {present[0]}") if present else None


def numbers(tensor: Any, where: str) -> np.ndarray:
    """Return a tensor of floats, or of a count, in float64."""
    if isinstance(tensor, Bits):
        if tensor.dtype != "bfloat16":
            raise ArtifactReadError(
                f"{where} is of {tensor.dtype}, whose numbers are not read.",
                path=where,
                remedy="Take the layer from the checkpoint before it was quantised.",
            )
        return (np.ascontiguousarray(tensor.bits).astype(np.uint32) << 16).view(np.float32).astype(np.float64)
    if tensor.dtype.kind not in "fiu":
        raise ArtifactReadError(f"{where} is of {tensor.dtype}, no numbers.", path=where)
    if tensor.dtype.kind in "iu" and tensor.ndim:
        raise ArtifactReadError(
            f"{where} is of {tensor.dtype}: it was quantised, and its scale is not known here.",
            path=where,
            remedy="Take the layer from the checkpoint before it was quantised.",
        )
    return np.array(tensor, np.float64)


def _of_node(node: Node, weights: Weights, where: str) -> NormTensors:
    roles = ("weight", "bias", "mean", "var")
    tensors = {}
    for role, given in zip(roles, node.inputs[1:], strict=False):
        if not given:
            continue
        if given not in weights:
            raise ArtifactReadError(
                f"{where}: its {role} {given!r} is computed in the graph, and is no constant.",
                path=node.name,
                remedy="Export the model with constant folding.",
            )
        tensors[role] = numbers(weights[given], f"{where}: {given}")
    return NormTensors(where=where, operator=node.operator, tensors=tensors, stated=node.attributes)


def _missing(name: str, where: str, weights: Weights, nodes: list[Node]) -> ArtifactReadError:
    """Return the error that there is no such layer: other names that are near, or that no norm is left at all."""
    layers = {_owner(key) for key in weights if _NORM.search(key) or _is_vector_of_weights(key, weights[key])}
    layers |= {node.name or node.outputs[0] for node in nodes if "Norm" in node.operator and node.outputs}
    if not layers:
        return ArtifactReadError(
            f"{where}: there is no such layer, and no norm at all among {len(weights)} tensors: norms were folded into "
            "the layers beside them, or the model has none.",
            path=name,
            remedy="Take the layer from the checkpoint before it was exported; or lock the folded model as it is.",
        )
    near = get_close_matches(name, sorted(layers), n=3, cutoff=0.3) or sorted(layers)[:3]
    return ArtifactReadError(
        f"{where}: there is no such layer.", path=name, expected=near, remedy=f"Name one of {', '.join(near)}, …"
    )


def _owner(key: str) -> str:
    return re.split(r"[./](?=[^./]*$)", key)[0]


def _is_vector_of_weights(key: str, tensor: Any) -> bool:
    """Tell whether a tensor scales columns, as those of norms do and those of other layers hardly ever."""
    role = re.split(r"[./]", key)[-1]
    return len(tensor.shape) == 1 and role in (*_ROLES["weight"], *_ROLES["mean"], *_ROLES["var"])


def _beside(path: Path, keys: tuple[str, ...]) -> dict[str, Any]:
    """Return ``eps`` if the configuration beside a checkpoint states one."""
    file = path.parent / "config.json"
    try:
        if not file.is_file() or file.stat().st_size > _CONFIG:
            return {}
        document = json.loads(file.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    if not isinstance(document, dict):
        return {}
    try:
        # JSON's true is no number, though an int for Python
        known = {float(document[key]) for key in keys if type(document.get(key)) in (int, float)}
    except OverflowError:  # an integer of 400 digits
        return {}
    return {"eps": known.pop()} if len(known) == 1 else {}
