"""Outputs of a graph beside those of an estimator: which is which, and both as tables."""

from __future__ import annotations

from typing import Any

import numpy as np


def preferred(value: np.ndarray, names: list[str]) -> list[str]:
    """Return the methods that an output may be, the likeliest first."""
    scores = ["predict_proba", "transform", "decision_function", "predict", "score_samples"]
    order = scores if value.dtype.kind == "f" else ["predict", "transform", *scores[2:]]
    return [name for name in order if name in names]


def aligned(expected: np.ndarray, got: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return two outputs as tables of the same width."""
    a = np.asarray(expected).reshape(len(expected), -1)
    b = got.reshape(len(got), -1)
    if a.shape[1] == 1 and b.shape[1] == 2:  # the score of the second of two classes
        b = b[:, 1:]
    return a, b


def fits(expected: Any, got: np.ndarray) -> bool:
    """Tell whether two outputs have one shape and are both texts or both numbers."""
    if isinstance(expected, list) or len(expected) != len(got):
        return False
    a, b = aligned(expected, got)
    texts = a.dtype.kind in "OUS", b.dtype.kind in "OUS"
    return a.shape == b.shape and texts[0] == texts[1]


def shown(value: Any) -> str:
    """Return a value as it is shown."""
    return repr(value.item() if isinstance(value, np.generic) else value)
