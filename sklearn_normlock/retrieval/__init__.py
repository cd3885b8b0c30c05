"""Embeddings and searches: whether vectors are what the index was built for, and a search finds what it found.

The effect of a fault depends on the metric and on the side. A raw query against an index of unit length ranks exactly
the same by inner product, so that recall can't see it; one raw row in the index comes first for every query.
"""

from .comparing import compare_embeddings
from .contract import EmbeddingContract
from .display import NormDisplay
from .gate import RetrievalGate
from .report import Effect, VectorFault, VectorReport

__all__ = [
    "EmbeddingContract",
    "Effect",
    "NormDisplay",
    "RetrievalGate",
    "VectorFault",
    "VectorReport",
    "compare_embeddings",
]
