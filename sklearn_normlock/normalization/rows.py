"""Layers that normalise each row by itself."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np

from ..fingerprints.weights.norms import NormTensors
from ..seals.mixin import Locked
from .base import Array, Norm, check_ddof, check_integer, nonzero


class LayerNorm(Locked, Norm):
    """Subtract each row's mean and divide by its standard deviation.

    ``y = (x - mean(x)) / sqrt(var(x) + eps) * weight + bias``, as torch's and ONNX's ``LayerNorm`` over the last axis.

    Parameters
    ----------
    weight, bias : array-like of shape (n_features,), default=None
        One number a column; none if None.
    eps : float, default=1e-5
        Added to the variance. torch's default is 1e-5, BERT's models have 1e-12, Keras has 1e-3.
    ddof : {0, 1}, default=0
        The variance is divided by ``n_features - ddof``. Layers written by hand with ``x.std()`` have 1.
    unit_offset : bool, default=False
        Whether columns are multiplied by ``1 + weight``.

    Attributes
    ----------
    weight_, bias_ : ndarray of shape (n_features,) or None
        As they are used.
    n_features_in_ : int
        Columns seen at ``fit``.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_normlock.normalization import LayerNorm
    >>> LayerNorm().fit_transform([[1.0, 2.0, 3.0]]).round(3)
    array([[-1.225,  0.   ,  1.225]])
    >>> weights = {"norm.weight": np.array([2.0, 1.0]), "norm.bias": np.array([0.0, 5.0])}
    >>> layer = LayerNorm.from_weights(weights, "norm", eps=1e-12)
    >>> layer.transform([[1.0, 3.0]])
    array([[-2.,  6.]])
    """

    __module__ = "sklearn_normlock.normalization"  # the name that fingerprints and files know it by

    _operators = ("LayerNormalization",)
    _eps_keys = ("layer_norm_eps", "layer_norm_epsilon", "layernorm_epsilon", "norm_eps", "norm_epsilon")
    _least = 2

    def __init__(
        self, weight: Any = None, bias: Any = None, *, eps: float = 1e-5, ddof: int = 0, unit_offset: bool = False
    ) -> None:
        self.weight = weight
        self.bias = bias
        self.eps = eps
        self.ddof = ddof
        self.unit_offset = unit_offset

    @classmethod
    def _from_tensors(cls, found: NormTensors, parameters: dict[str, Any], width: int | None) -> LayerNorm:
        if not found.operator and "bias" not in found.tensors and "bias" not in parameters:
            raise found.refuse(
                "it has no bias, as an RMSNorm has none: which of the two it is can't be told from its tensors",
                "Use RMSNorm.from_weights; or, if it is a LayerNorm, say so with bias=None.",
            )
        return super()._from_tensors(found, parameters, width)

    def _take_parameters(self, width: int) -> None:
        check_ddof(self)
        super()._take_parameters(width)

    def _normalised(self, X: Array) -> Array:
        return self._affine(_standardised(X, self.eps, self.ddof))


class RMSNorm(Locked, Norm):
    """Divide each row by the root of its mean square.

    ``y = x / sqrt(mean(x**2) + eps) * weight``. On rows whose mean is 0 it is a LayerNorm without bias, on others not.

    Parameters
    ----------
    weight : array-like of shape (n_features,), default=None
        One number a column; none if None.
    eps : float, default=1e-6
        Added to the mean square. Llama's models have 1e-5 or 1e-6.
    unit_offset : bool, default=False
        Whether columns are multiplied by ``1 + weight``, as Gemma's are.

    Attributes
    ----------
    weight_ : ndarray of shape (n_features,) or None
        As it is used.
    n_features_in_ : int
        Columns seen at ``fit``.

    Examples
    --------
    >>> from sklearn_normlock.normalization import RMSNorm
    >>> RMSNorm().fit_transform([[1.0, 2.0, 2.0]]).round(3)
    array([[0.577, 1.155, 1.155]])
    """

    __module__ = "sklearn_normlock.normalization"  # the name that fingerprints and files know it by

    _operators = ("RMSNormalization", "SimplifiedLayerNormalization")
    _eps_keys = ("rms_norm_eps", "layer_norm_rms_eps", "norm_eps", "norm_epsilon")

    def __init__(self, weight: Any = None, *, eps: float = 1e-6, unit_offset: bool = False) -> None:
        self.weight = weight
        self.eps = eps
        self.unit_offset = unit_offset

    def _normalised(self, X: Array) -> Array:
        X, scale, eps = scaled(X, self.eps)
        square = np.einsum("ij,ij->i", X, X) / X.shape[1] + eps / scale
        return self._affine(X / nonzero(np.sqrt(square))[:, None])


class GroupNorm(Locked, Norm):
    """Normalise the columns of each row in groups, each group by its own mean and deviation.

    Parameters
    ----------
    num_groups : int, default=1
        How many groups the columns are cut into, one after the other; with 1 it is a LayerNorm. As many groups as
        columns are refused: every group would become 0, whatever its value was.
    weight, bias : array-like of shape (n_features,), default=None
        One number a column; none if None.
    eps : float, default=1e-5
        Added to each variance.

    Attributes
    ----------
    weight_, bias_ : ndarray of shape (n_features,) or None
        As they are used.
    n_features_in_ : int
        Columns seen at ``fit``.

    Examples
    --------
    >>> from sklearn_normlock.normalization import GroupNorm
    >>> GroupNorm(2).fit_transform([[1.0, 3.0, 10.0, 30.0]]).round(3)
    array([[-1.,  1., -1.,  1.]])
    """

    __module__ = "sklearn_normlock.normalization"  # the name that fingerprints and files know it by

    _operators = ("GroupNormalization",)
    _eps_keys = ("group_norm_eps", "norm_eps", "norm_epsilon")
    _least = 2

    def __init__(self, num_groups: int = 1, weight: Any = None, bias: Any = None, *, eps: float = 1e-5) -> None:
        self.num_groups = num_groups
        self.weight = weight
        self.bias = bias
        self.eps = eps

    @classmethod
    def _from_tensors(cls, found: NormTensors, parameters: dict[str, Any], width: int | None) -> GroupNorm:
        if "num_groups" not in parameters:
            raise found.refuse("how many groups it has is not stated there", "Pass num_groups=.")
        groups = parameters["num_groups"]
        tensors = dict(found.tensors)
        by_group = bool(found.operator and tensors and groups)
        by_group = by_group and all(each.shape == (groups,) for each in tensors.values())
        if by_group:  # before opset 21 a node has one weight a group
            if width is None:
                raise found.refuse("it has one weight a group, so that its width is not known", "Pass n_features=.")
            if width % groups:
                raise found.refuse(f"n_features is {width}, no multiple of its {groups} groups", "Pass another.")
            tensors = {role: np.repeat(each, width // groups) for role, each in tensors.items()}
        return super()._from_tensors(replace(found, tensors=tensors), parameters, width)

    def _take_parameters(self, width: int) -> None:
        super()._take_parameters(width)
        check_integer(self, "num_groups", 1)
        if width % self.num_groups:
            raise ValueError(f"num_groups is {self.num_groups}, which does not divide n_features = {width}.")
        if width == self.num_groups:
            raise ValueError(
                f"num_groups is {width}, one column a group: each group's mean is its only value, and every output "
                "would be the bias. Use fewer groups."
            )

    def _normalised(self, X: Array) -> Array:
        groups = X.reshape(-1, X.shape[1] // self.num_groups)
        return self._affine(_standardised(groups, self.eps, 0).reshape(X.shape))


class L2Norm(Locked, Norm):
    """Scale each row to length 1.

    Parameters
    ----------
    eps : float, default=1e-12
        What keeps a row of zeros from being divided by 0.
    eps_rule : {"max", "add", "square"}, default="max"
        The divisor: ``max(length, eps)`` as torch and sentence-transformers have it, ``length + eps``, or
        ``sqrt(length**2 + eps)``.

    Attributes
    ----------
    n_features_in_ : int
        Columns seen at ``fit``.

    Examples
    --------
    >>> from sklearn_normlock.normalization import L2Norm
    >>> L2Norm().fit_transform([[3.0, 4.0], [0.0, 0.0]])
    array([[0.6, 0.8],
           [0. , 0. ]])
    """

    __module__ = "sklearn_normlock.normalization"  # the name that fingerprints and files know it by

    _operators = ("LpNormalization",)

    def __init__(self, *, eps: float = 1e-12, eps_rule: str = "max") -> None:
        self.eps = eps
        self.eps_rule = eps_rule

    @classmethod
    def _from_tensors(cls, found: NormTensors, parameters: dict[str, Any], width: int | None) -> L2Norm:
        if not found.operator:
            raise found.refuse("an L2Norm has no weights, and this layer has", "Make one with L2Norm(eps=...).")
        if width is None:
            raise found.refuse("how many columns it takes is not stated there", "Pass n_features=.")
        return cls(**parameters).fit(np.zeros((1, width)))

    def _take_parameters(self, width: int) -> None:
        if self.eps_rule not in ("max", "add", "square"):
            raise ValueError(f"eps_rule is {self.eps_rule!r}; it must be 'max', 'add' or 'square'.")
        super()._take_parameters(width)

    def _normalised(self, X: Array) -> Array:
        X, scale, eps = scaled(X, self.eps)
        length = np.sqrt(np.einsum("ij,ij->i", X, X))
        if self.eps_rule == "max":
            divisor = np.maximum(length, eps)
        elif self.eps_rule == "add":
            divisor = length + eps
        else:
            divisor = np.hypot(length, math.sqrt(self.eps) / scale)
        return X / nonzero(divisor)[:, None]


def scaled(X: Array, eps: float) -> tuple[Array, Array, Array]:
    """Return rows whose squares have room, by which power of two each was divided, and ``eps`` divided likewise.

    Powers of two move no other bit. Rows that are small beside ``eps`` stay as they are.
    """
    scale = np.ldexp(1.0, np.frexp(np.max(np.abs(X), axis=1))[1] - 1)
    scale = np.maximum(scale, 1.0) if eps else scale
    return X / scale[:, None], scale, eps / scale


def _standardised(X: Array, eps: float, ddof: int) -> Array:
    X, scale, eps_of_rows = scaled(X, eps)
    centred = X - X.mean(axis=1, keepdims=True)
    variance = np.einsum("ij,ij->i", centred, centred) / (X.shape[1] - ddof)
    return centred / nonzero(np.sqrt(variance + eps_of_rows / scale))[:, None]
