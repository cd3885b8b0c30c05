"""The norm layers of networks as locked transformers, and L2 normalisation of vectors.

They compute in float64 what layers of the same name compute in networks, row by row (``BatchNorm``: column by column),
and are locked as the scalers are. Which variant a layer is counts: ``eps``, where it is added, the divisor of the
variance, ``1 + weight``, the convention of the momentum. Probes use rows with an offset and rows that are small:
on centred rows LayerNorm and RMSNorm agree, and on large ones nobody sees ``eps``.
"""

from .batches import BatchNorm
from .rows import GroupNorm, L2Norm, LayerNorm, RMSNorm

__all__ = ["BatchNorm", "GroupNorm", "L2Norm", "LayerNorm", "RMSNorm"]
