"""Write weights/: one model in every container, by the frameworks themselves (``python make_weights.py``).

Needs torch, safetensors, onnx and gguf. The files are kept, so that the tests need none of them.
"""

from __future__ import annotations

from pathlib import Path

import gguf
import numpy as np
import onnx
import safetensors.torch
import torch
from onnx import TensorProto, helper, numpy_helper

FOLDER = Path(__file__).parent / "weights"


def tensors():
    """Return the tensors of the model: each dtype, a scalar, an empty one, and one that is not contiguous."""
    rng = np.random.default_rng(0)
    matrix = torch.from_numpy(rng.normal(size=(6, 4)).astype(np.float32))
    return {
        "encoder.weight": matrix,
        "encoder.turned": matrix.T,
        "encoder.rows": matrix[1:5:2],
        "norm.weight": torch.from_numpy(rng.normal(size=4).astype(np.float32)),
        "norm.half": torch.from_numpy(rng.normal(size=4).astype(np.float16)),
        "norm.double": torch.from_numpy(rng.normal(size=4)),
        "norm.brain": torch.from_numpy(rng.normal(size=(3, 2)).astype(np.float32)).to(torch.bfloat16),
        "steps": torch.tensor(7),
        "flags": torch.tensor([True, False, True]),
        "codes": torch.tensor([[-3, 5]], dtype=torch.int8),
        "empty": torch.zeros((0, 3)),
    }


def main():
    """Write the files."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    state = tensors()
    torch.save(state, FOLDER / "model.pt")
    torch.save(state, FOLDER / "legacy.pt", _use_new_zipfile_serialization=False)
    whole = {name: tensor.contiguous().clone() for name, tensor in state.items()}
    safetensors.torch.save_file(whole, FOLDER / "model.safetensors", metadata={"format": "pt"})
    safetensors.torch.save_file(dict(reversed(whole.items())), FOLDER / "turned.safetensors")
    initializers = []
    for name, tensor in whole.items():
        if tensor.dtype == torch.bfloat16:
            bits = tensor.view(torch.uint16).numpy().tobytes()
            made = TensorProto(dims=tensor.shape, data_type=TensorProto.BFLOAT16, name=name, raw_data=bits)
        else:
            made = numpy_helper.from_array(tensor.numpy(), name)
        initializers.append(made)
    graph = helper.make_graph([], "graph", [], [], initializers)
    onnx.save(helper.make_model(graph), FOLDER / "model.onnx")
    for initializer in initializers:  # in the typed fields
        if initializer.data_type in (TensorProto.FLOAT, TensorProto.INT64, TensorProto.DOUBLE):
            array = numpy_helper.to_array(initializer)
            initializer.ClearField("raw_data")
            field = {1: "float_data", 7: "int64_data", 11: "double_data"}[initializer.data_type]
            getattr(initializer, field).extend(array.ravel().tolist())
    onnx.save(helper.make_model(graph), FOLDER / "typed.onnx")
    onnx.save(
        onnx.load(FOLDER / "model.onnx"),
        FOLDER / "external.onnx",
        save_as_external_data=True,
        location="external.bin",
        size_threshold=0,
    )
    plain = {name: tensor.numpy() for name, tensor in whole.items() if tensor.dtype != torch.bfloat16}
    np.savez(FOLDER / "plain.npz", **plain)
    np.savez_compressed(FOLDER / "packed.npz", **plain)
    torch.save({name: state[name] for name in plain}, FOLDER / "plain.pt")
    writer = gguf.GGUFWriter(FOLDER / "model.gguf", "test")
    writer.add_array("words", ["a", "b"])
    writer.add_tensor("encoder.weight", whole["encoder.weight"].numpy())
    blocks = gguf.quants.quantize(
        np.linspace(-1, 1, 128, dtype=np.float32).reshape(2, 64), gguf.GGMLQuantizationType.Q8_0
    )
    writer.add_tensor("quantised", blocks, raw_dtype=gguf.GGMLQuantizationType.Q8_0)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


if __name__ == "__main__":
    main()
