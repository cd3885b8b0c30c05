"""The changes between two encoders, in words: another checkpoint, a cast, other operators, another output."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

OWNER = "sklearn_normlock.onnx:OnnxTransformer"

_NAMES = {"<f8": "float64", "<f4": "float32", "<f2": "float16", "|i1": "int8", "|u1": "uint8", "<i4": "int32"}


def graph_findings(path: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Return what happened between two graphs in two records.

    Parameters
    ----------
    path : str
        Where the encoder stands in both.
    old, new : mapping of path to entry
        The whole records.

    Returns
    -------
    findings : list of str
        A sentence each.
    """
    prefix = f"{path}." if path else ""
    place = f"{prefix}graph."
    found: list[str] = []
    # A large graph has more tensors than a record has room for: only what both hold is counted.
    tensors = [
        (entry, new[name])
        for name, entry in old.items()
        if name.startswith(f"{place}initialisers[") and _is_array(entry) and _is_array(new.get(name))
    ]
    casts = Counter((a["dtype"], b["dtype"]) for a, b in tensors if a["dtype"] != b["dtype"])
    for (before, after), count in casts.most_common():
        names = _NAMES.get(before, before), _NAMES.get(after, after)
        found.append(f"{count} of {len(tensors)} tensors were cast from {names[0]} to {names[1]}")
    resized = sum(a["shape"] != b["shape"] for a, b in tensors if a["dtype"] == b["dtype"])
    if resized:
        found.append(f"{resized} of {len(tensors)} tensors have another shape: another architecture")
    moved = sum(a != b for a, b in tensors if (a["dtype"], a["shape"]) == (b["dtype"], b["shape"]))
    same = all(old.get(f"{place}{name}") == new.get(f"{place}{name}") for name in ("nodes", "opsets", "functions"))
    if moved:
        kind = "another checkpoint of the same architecture" if same and not resized and not casts else "other values"
        found.append(f"{moved} of {len(tensors)} tensors hold other numbers: {kind}")
    if not same and not casts:
        found.append("other operators or attributes: the graph computes otherwise")
    outputs = [str(record.get(f"{prefix}output")) for record in (old, new)]
    if outputs[0] != outputs[1]:
        found.append(f"another output is taken: {outputs[0]} → {outputs[1]}")
    return [f"{path}: {text}." if path else f"{text}." for text in found]


def _is_array(entry: Any) -> bool:
    return isinstance(entry, Mapping) and "dtype" in entry and "shape" in entry
