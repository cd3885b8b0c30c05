"""Encoders as steps of a pipeline: an ONNX graph, and how the states of its tokens become one vector.

The states of positions that only fill up are NaN in what :class:`OnnxTransformer` puts out. Pooling steps need no mask
beside the array, and a step that forgets to leave such positions out gives NaN in place of a vector that looks right.
"""

from .pooling import ClsPooling, LastTokenPooling, MeanPooling, Truncate
from .transformer import OnnxTransformer

__all__ = ["ClsPooling", "LastTokenPooling", "MeanPooling", "OnnxTransformer", "Truncate"]
