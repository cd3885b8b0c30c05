"""Where does a graph go another way? The first step whose output it doesn't hold, and the node that comes closest."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..probes.outputs import Deviation
from ..probes.walk import walk
from .running import Runner


def located(est: Any, model: Any, rows: Any, tolerance: float) -> list[Deviation]:
    """Return the first step whose output no value in the graph agrees with, and the node that comes closest to it."""
    import onnx

    whole = onnx.ModelProto()
    whole.CopyFrom(model)
    known = {value.name for value in whole.graph.output}
    produced = [(node, name) for node in whole.graph.node for name in node.output if name]
    whole.graph.output.extend(onnx.ValueInfoProto(name=name) for _, name in produced if name not in known)
    try:
        runner = Runner(whole, getattr(est, "feature_names_in_", None), getattr(est, "n_features_in_", None))
        values = runner.run(rows)
        steps = list(walk(est, rows))
    except Exception:  # some values can't be put out, and rows may fail half way
        return []
    reached = -1
    for path, method, output in steps:
        if not path:
            continue
        output = np.asarray(output.toarray() if hasattr(output, "tocsr") else output)
        if output.dtype.kind not in "fiub":
            continue
        scale = np.abs(np.where(np.isfinite(output), output, 0.0)).max(initial=0.0) or 1.0
        nearest: tuple[float, int] | None = None
        for k in range(len(produced)):
            value = values.get(produced[k][1])
            if value is None or value.dtype.kind not in "fiub" or value.shape[:1] != output.shape[:1]:
                continue
            if value.size != output.size:
                continue
            with np.errstate(invalid="ignore", over="ignore"):
                gap = np.abs(value.reshape(output.shape).astype(np.float64) - output)
            same = np.isnan(output) & np.isnan(value.reshape(output.shape))
            distance = float(np.where(same, 0.0, np.nan_to_num(gap, nan=np.inf)).max(initial=0.0) / scale)
            if nearest is None or distance < nearest[0]:
                nearest = (distance, k)
        if nearest is None:
            continue
        if nearest[0] <= tolerance:
            reached = max(reached, nearest[1])
            continue
        node = produced[nearest[1]][0]
        name = f"{node.op_type} {node.name!r}" if node.name else node.op_type
        text = f"the node {name} is the first that differs, by {nearest[0]:.2g} of the largest value"
        return [Deviation(path=path, method=method, text=text, relative=nearest[0])]
    return []
