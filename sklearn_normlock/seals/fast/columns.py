"""Kernels of QuantileTransformer and KBinsDiscretizer."""

from .compiler import Factory

KERNELS: dict[tuple[str, str], Factory] = {}
