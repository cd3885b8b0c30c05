"""Which weights are they? Tensors of a checkpoint, the same in every container.

A container is read without running anything in it, memory-mapped where it is not compressed: safetensors, PyTorch's two
formats, ONNX, GGUF, NumPy's ``.npz``, and index files of shards. Each tensor counts by its name, dtype, shape and
elements; order, alignment, metadata and the container do not.
"""

from .containers import is_weights, open_weights
from .tensors import Bits, Weights

__all__ = ["Bits", "Weights", "is_weights", "open_weights"]
