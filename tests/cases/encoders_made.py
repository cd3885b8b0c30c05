"""A small encoder as an ONNX graph: embeddings, the mean of all tokens mixed in, and a layer norm."""

from __future__ import annotations

from typing import Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper

WIDTH, TOKENS = 16, 90


def weights(seed: int = 0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {
        "embeddings": rng.normal(size=(TOKENS, WIDTH)).astype(np.float32),
        "dense": rng.normal(size=(WIDTH, WIDTH)).astype(np.float32),
        "scale": np.ones(WIDTH, dtype=np.float32),
        "bias": np.zeros(WIDTH, dtype=np.float32),
    }


def encoder(seed: int = 0, half: bool = False) -> Any:
    """Return the model; ``half`` computes in float16."""
    kind = TensorProto.FLOAT16 if half else TensorProto.FLOAT
    tensors = [
        numpy_helper.from_array(array.astype(np.float16 if half else np.float32), name)
        for name, array in weights(seed).items()
    ]
    tensors.append(numpy_helper.from_array(np.array([2], dtype=np.int64), "last"))
    tensors.append(numpy_helper.from_array(np.array([1], dtype=np.int64), "middle"))
    node = helper.make_node
    nodes = [
        node("Gather", ["embeddings", "input_ids"], ["tokens"]),
        node("Cast", ["attention_mask"], ["mask"], to=kind),
        node("Unsqueeze", ["mask", "last"], ["mask3"]),
        node("Mul", ["tokens", "mask3"], ["kept"]),
        node("ReduceSum", ["kept", "middle"], ["sum"], keepdims=1),
        node("ReduceSum", ["mask3", "middle"], ["count"], keepdims=1),
        node("Div", ["sum", "count"], ["context"]),
        node("Add", ["tokens", "context"], ["mixed"]),
        node("MatMul", ["mixed", "dense"], ["projected"]),
        node("LayerNormalization", ["projected", "scale", "bias"], ["last_hidden_state"], epsilon=1e-5, axis=-1),
        node("Squeeze", ["context", "middle"], ["sentence"]),
    ]
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "length"])
        for name in ("input_ids", "attention_mask")
    ]
    outputs = [
        helper.make_tensor_value_info("last_hidden_state", kind, ["batch", "length", WIDTH]),
        helper.make_tensor_value_info("sentence", kind, ["batch", WIDTH]),
    ]
    graph = helper.make_graph(nodes, "encoder", inputs, outputs, initializer=tensors)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
