"""The base of steps whose input is no table."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin

from ..errors import InputFaultError
from ..seals.mixin import Locked


class Step(Locked, TransformerMixin, BaseEstimator):
    """The base of steps that take arrays of three dimensions, NaN included."""

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.no_validation = True
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        tags.input_tags.allow_nan = True
        return tags

    def _more_tags(self) -> dict[str, Any]:
        return {"no_validation": True, "X_types": ["3darray"], "allow_nan": True}


def as_array(X: Any) -> np.ndarray:
    """Return rows as an array; those of different lengths make none."""
    try:
        return np.asarray(X)
    except ValueError as error:
        raise InputFaultError(
            f"X makes no array ({error}).", path="X", remedy="Give rows of one shape; fill up what is shorter."
        ) from None
