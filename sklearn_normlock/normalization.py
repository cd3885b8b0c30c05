"""The norm layers of networks as locked transformers, and L2 normalisation of vectors.

They compute in float64 what layers of the same name compute in networks, row by row (``BatchNorm``: column by column),
and are locked as the scalers are. Which variant a layer is counts: ``eps``, where it is added, the divisor of the
variance, ``1 + weight``, the convention of the momentum. Probes use rows with an offset and rows that are small:
on centred rows LayerNorm and RMSNorm agree, and on large ones nobody sees ``eps``.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from numbers import Integral, Real
from typing import Any, ClassVar, TypeVar

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from .fingerprints.weights.norms import NormTensors, read_norm
from .seals.mixin import Locked
from .seals.seal import seal

__all__ = ["BatchNorm", "GroupNorm", "L2Norm", "LayerNorm", "RMSNorm"]

Array = NDArray[np.float64]
_Layer = TypeVar("_Layer", bound="_Norm")
#: Scales of the rows of probes: beside each of them some usual ``eps`` is seen.
_SCALES = (1e-13, 1e-6, 1e-3, 1.0, 1e3)
_OFFSETS = (0.0, 1.0, -3.0)


class _Norm(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
    """The base of all layers: validation, precision, and making one from a checkpoint."""

    _operators: ClassVar[tuple[str, ...]] = ()  # of ONNX nodes that compute it
    _eps_keys: ClassVar[tuple[str, ...]] = ()  # in the configuration beside a checkpoint
    _least: ClassVar[int] = 1  # columns below which its output would not depend on its input

    def fit(self: _Layer, X: Any, y: Any = None) -> _Layer:
        """Check the parameters, and learn how many columns there are; nothing is learned from the values.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_features)
            Rows of the kind that is served.
        y : None
            Ignored.

        Returns
        -------
        self : object
            This layer.

        Raises
        ------
        ValueError
            If a parameter has no such value, or is of another width than X.
        """
        X = _validated(self, X, reset=True)
        self._take_parameters(X.shape[1])
        return self

    def transform(self, X: Any) -> Any:
        """Normalise rows.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_features)
            Rows.

        Returns
        -------
        X_new : ndarray of shape (n_rows, n_features)
            In float32 if X is, else in float64; computed in float64.
        """
        check_is_fitted(self)
        X = _validated(self, X, reset=False)
        return self._normalised(X.astype(np.float64)).astype(X.dtype, copy=False)

    @classmethod
    def from_weights(cls: type[_Layer], source: Any, name: str = "", **parameters: Any) -> _Layer:
        """Make a fitted layer from a checkpoint or a graph.

        Parameters
        ----------
        source : path-like, mapping of str to array, or module
            A checkpoint (safetensors, PyTorch, GGUF, npz), an ONNX graph, or arrays by name.
        name : str
            Of the layer, such as ``"encoder.layer.0.output.LayerNorm"``; of a node, or of its output, in a graph.
        **parameters
            What the source does not state. Tensors hold no ``eps``: unless the node of a graph or a ``config.json``
            beside the checkpoint states it, it must be given. Nodes without a weight for each column (L2 norms, and
            groups before opset 21) don't state how many columns there are: pass ``n_features``.

        Returns
        -------
        layer : object
            Fitted and sealed.

        Raises
        ------
        ArtifactReadError
            If there is no such layer, it is of another kind, or what is given is not what the source states.
        """
        found = read_norm(source, name, cls._eps_keys)
        stated = {**_stated(found, cls._operators), **{k: v for k, v in found.stated.items() if not found.operator}}
        for key in stated.keys() & parameters.keys():
            if stated[key] != parameters[key]:
                raise found.refuse(
                    f"{key} is {stated[key]!r} there, and {parameters[key]!r} was given",
                    f"Leave {key} out, or find out which of the two is right.",
                )
        made = {**stated, **parameters}
        if "eps" not in made and cls._eps_keys:
            raise found.refuse(
                "eps is not stated there: tensors alone do not hold it",
                "Pass eps=: it stands in the model's configuration, such as layer_norm_eps, or in its code.",
            )
        width = made.pop("n_features", None)
        if width is not None and (isinstance(width, bool) or not isinstance(width, Integral) or width < 1):
            raise found.refuse(f"n_features is {width!r}, no number of columns", "Pass how many it takes.")
        layer = cls._from_tensors(found, made, None if width is None else int(width))
        if width is not None and layer.n_features_in_ != width:
            raise found.refuse(
                f"it takes {layer.n_features_in_} columns, and n_features is {width}", "Leave n_features out."
            )
        return layer

    @classmethod
    def _from_tensors(cls: type[_Layer], found: NormTensors, parameters: dict[str, Any], width: int | None) -> _Layer:
        tensors = dict(found.tensors)
        if "mean" in tensors or "var" in tensors:
            raise found.refuse("it has running statistics", "It is a BatchNorm: use BatchNorm.from_weights.")
        unknown = set(tensors) - {*cls._get_param_names(), "count"}
        if unknown:
            raise found.refuse(f"it has a {sorted(unknown)[0]}, which no {cls.__name__} has", "Use LayerNorm.")
        for role in ("weight", "bias"):
            if role in tensors and tensors[role].ndim != 1:
                raise found.refuse(f"its {role} has shape {list(tensors[role].shape)}", "One number a column is read.")
        known = next((len(tensors[role]) for role in ("weight", "bias") if role in tensors), width)
        if not known:
            raise found.refuse("it has neither weight nor bias, so that its width is not known", "Pass n_features=.")
        tensors.pop("count", None)
        return cls(**{**tensors, **parameters}).fit(np.zeros((1, known)))

    def _take_parameters(self, width: int) -> None:
        """Check the parameters, and keep them as they are used."""
        if width < self._least:
            raise ValueError(
                f"{type(self).__name__} of n_features = {width} gives the same for every row: at least {self._least} "
                "are needed."
            )
        _check_number(self, "eps", 0.0, math.inf)
        for name in ("weight", "bias"):
            if name in self._get_param_names():
                setattr(self, f"{name}_", _vector(self, name, width))

    def _normalised(self, X: Array) -> Array:
        raise NotImplementedError

    def _affine(self, X: Array) -> Array:
        weight, bias = getattr(self, "weight_", None), getattr(self, "bias_", None)
        if weight is not None:
            X *= weight + 1.0 if getattr(self, "unit_offset", False) else weight
        if bias is not None:
            X += bias
        return X

    def __probe_rows__(self, variant: int) -> Array:
        """Return rows that tell variants of a layer apart."""
        width = self.n_features_in_
        base = ((np.arange(width) * 7 + 3) % 11 - 4.0) / 3.0
        rows = [(np.roll(base, i) + offset) * scale for scale in _SCALES for i, offset in enumerate(_OFFSETS)]
        return np.array([*rows, np.zeros(width), np.full(width, 5.0)])

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags

    def _more_tags(self) -> dict[str, Any]:
        return {"preserves_dtype": [np.float64, np.float32]}


class LayerNorm(Locked, _Norm):
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
        _check_ddof(self)
        super()._take_parameters(width)

    def _normalised(self, X: Array) -> Array:
        return self._affine(_standardised(X, self.eps, self.ddof))


class RMSNorm(Locked, _Norm):
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

    _operators = ("RMSNormalization", "SimplifiedLayerNormalization")
    _eps_keys = ("rms_norm_eps", "layer_norm_rms_eps", "norm_eps", "norm_epsilon")

    def __init__(self, weight: Any = None, *, eps: float = 1e-6, unit_offset: bool = False) -> None:
        self.weight = weight
        self.eps = eps
        self.unit_offset = unit_offset

    def _normalised(self, X: Array) -> Array:
        square = np.einsum("ij,ij->i", X, X) / X.shape[1] + self.eps
        return self._affine(X / _nonzero(np.sqrt(square))[:, None])


class GroupNorm(Locked, _Norm):
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
        by_group = bool(found.operator and tensors) and all(each.shape == (groups,) for each in tensors.values())
        if by_group:  # before opset 21 a node has one weight a group
            if width is None:
                raise found.refuse("it has one weight a group, so that its width is not known", "Pass n_features=.")
            if width % groups:
                raise found.refuse(f"n_features is {width}, no multiple of its {groups} groups", "Pass another.")
            tensors = {role: np.repeat(each, width // groups) for role, each in tensors.items()}
        return super()._from_tensors(replace(found, tensors=tensors), parameters, width)

    def _take_parameters(self, width: int) -> None:
        super()._take_parameters(width)
        _check_integer(self, "num_groups", 1)
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


class L2Norm(Locked, _Norm):
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
        # By the largest value first: squares of numbers beyond 1e154 or below 1e-162 are not to be had.
        largest = _nonzero(np.max(np.abs(X), axis=1))
        length = largest * np.sqrt(np.einsum("ij,ij->i", X / largest[:, None], X / largest[:, None]))
        if self.eps_rule == "max":
            divisor = np.maximum(length, self.eps)
        elif self.eps_rule == "add":
            divisor = length + self.eps
        else:
            divisor = np.hypot(length, math.sqrt(self.eps))
        return X / _nonzero(divisor)[:, None]


class BatchNorm(Locked, _Norm):
    """Standardise columns by running statistics, which batches update at fitting and serving never touches.

    ``y = (x - mean_) / sqrt(var_ + eps) * weight + bias``. The statistics of a served batch are never used: a layer
    that uses them was left in training mode.

    Parameters
    ----------
    weight, bias : array-like of shape (n_features,), default=None
        One number a column; none if None.
    eps : float, default=1e-5
        Added to the variance. torch's default is 1e-5, Keras has 1e-3.
    momentum : float or None, default=0.1
        How far a batch moves the running statistics at ``partial_fit``; None for the mean over all batches.
    momentum_convention : {"torch", "flax"}, default="torch"
        Whether ``momentum`` is the share of the new batch, or of what was there before (flax, Keras and ONNX). 0.1 in
        the one is 0.9 in the other.
    ddof : {0, 1}, default=1
        The running variance is over ``n_rows - ddof``: 1 in torch, 0 in flax, Keras and ONNX.
    min_batch_size : int, default=16
        Smaller batches are refused for fitting: of 16 rows the deviation has 18 % noise.

    Attributes
    ----------
    mean_, var_ : ndarray of shape (n_features,)
        The running statistics.
    n_batches_ : int
        Batches seen.
    weight_, bias_ : ndarray of shape (n_features,) or None
        As they are used.
    n_features_in_ : int
        Columns seen at ``fit``.

    Notes
    -----
    ``fit`` takes the statistics of all its rows. ``partial_fit`` on a layer that was not fitted starts where torch
    starts, with mean 0 and variance 1.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_normlock.normalization import BatchNorm
    >>> X = np.arange(40.0).reshape(20, 2)
    >>> layer = BatchNorm().fit(X)
    >>> layer.mean_
    array([19., 20.])
    >>> layer.transform([[19.0, 20.0]])
    array([[0., 0.]])
    """

    _operators = ("BatchNormalization",)
    _eps_keys = ("batch_norm_eps", "bn_eps")
    __probe_methods__ = ("updated_statistics",)

    def __init__(
        self,
        weight: Any = None,
        bias: Any = None,
        *,
        eps: float = 1e-5,
        momentum: float | None = 0.1,
        momentum_convention: str = "torch",
        ddof: int = 1,
        min_batch_size: int = 16,
    ) -> None:
        self.weight = weight
        self.bias = bias
        self.eps = eps
        self.momentum = momentum
        self.momentum_convention = momentum_convention
        self.ddof = ddof
        self.min_batch_size = min_batch_size

    def fit(self, X: Any, y: Any = None) -> BatchNorm:
        """Take the statistics of all rows.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_features)
            At least ``min_batch_size`` rows.
        y : None
            Ignored.

        Returns
        -------
        self : BatchNorm
            This layer.

        Raises
        ------
        ValueError
            If there are fewer rows; if a parameter has no such value, or is of another width than X.
        """
        X = _validated(self, X, reset=True).astype(np.float64)
        self._take_parameters(X.shape[1])
        self._refuse_few(len(X))
        self.mean_, self.var_ = X.mean(axis=0), X.var(axis=0, ddof=self.ddof)
        self.n_batches_ = 1
        return self

    def partial_fit(self, X: Any, y: Any = None) -> BatchNorm:
        """Move the running statistics by one batch.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_features)
            At least ``min_batch_size`` rows.
        y : None
            Ignored.

        Returns
        -------
        self : BatchNorm
            This layer.

        Raises
        ------
        ValueError
            If there are fewer rows; if a parameter has no such value, or is of another width than X.
        """
        first = not hasattr(self, "mean_")
        X = _validated(self, X, reset=first).astype(np.float64)
        self._take_parameters(X.shape[1])
        self._refuse_few(len(X))
        if first:
            self.mean_, self.var_, self.n_batches_ = np.zeros(X.shape[1]), np.ones(X.shape[1]), 0
        self.mean_, self.var_ = self._moved(X)
        self.n_batches_ += 1
        return self

    def updated_statistics(self, X: Any) -> Array:
        """Return what a batch would make of the running statistics; nothing is changed.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_features)
            A batch of any size: of fewer than ``ddof + 1`` rows nothing is learned.

        Returns
        -------
        statistics : ndarray of shape (2, n_features)
            Mean and variance.
        """
        check_is_fitted(self)
        X = _validated(self, X, reset=False).astype(np.float64)
        return np.array(self._moved(X) if len(X) > self.ddof else (self.mean_, self.var_))

    @classmethod
    def _from_tensors(cls, found: NormTensors, parameters: dict[str, Any], width: int | None) -> BatchNorm:
        tensors = dict(found.tensors)
        if "mean" not in tensors or "var" not in tensors:
            raise found.refuse(
                "it has no running mean and variance, without which a BatchNorm can't be served",
                "Export the model with track_running_stats=True; a norm of rows is a LayerNorm or RMSNorm.",
            )
        mean, var, count = tensors.pop("mean"), tensors.pop("var"), tensors.pop("count", np.zeros(()))
        sound = mean.ndim == 1 and mean.shape == var.shape and np.isfinite(mean).all() and np.isfinite(var).all()
        if not sound or (var < 0).any():
            raise found.refuse("its running statistics are no finite vectors of one length", "It is damaged.")
        layer = cls(**{**tensors, **parameters})
        layer.n_features_in_ = len(mean)
        layer._take_parameters(len(mean))
        layer.mean_, layer.var_, layer.n_batches_ = mean, var, int(count)
        seal(layer)
        return layer

    def _take_parameters(self, width: int) -> None:
        _check_ddof(self)
        if self.momentum is not None:
            _check_number(self, "momentum", 0.0, 1.0)
        if self.momentum_convention not in ("torch", "flax"):
            raise ValueError(f"momentum_convention is {self.momentum_convention!r}; it must be 'torch' or 'flax'.")
        _check_integer(self, "min_batch_size", 2)
        super()._take_parameters(width)

    def _refuse_few(self, rows: int) -> None:
        if rows >= self.min_batch_size:
            return
        if rows <= self.ddof:
            what = "says nothing of a deviation"
        else:
            noise, bias = _accuracy(rows, self.ddof)
            what = f"estimates a deviation with {noise:.0%} noise and {bias:+.0%} bias"
        raise ValueError(
            f"A batch of n_samples = {rows} {what}; at least {self.min_batch_size} are needed (min_batch_size). Gather "
            "more rows; 1 sample or a few can be transformed, by the running statistics."
        )

    def _moved(self, X: Array) -> tuple[Array, Array]:
        if self.momentum is None:
            share = 1.0 / (self.n_batches_ + 1)
        else:
            share = self.momentum if self.momentum_convention == "torch" else 1.0 - self.momentum
        mean, var = X.mean(axis=0), X.var(axis=0, ddof=self.ddof)
        return (1.0 - share) * self.mean_ + share * mean, (1.0 - share) * self.var_ + share * var

    def _normalised(self, X: Array) -> Array:
        return self._affine((X - self.mean_) / _nonzero(np.sqrt(self.var_ + self.eps)))

    def __probe_rows__(self, variant: int) -> Array:
        """Return rows in the units of the running statistics, and small ones around the running mean."""
        rows = super().__probe_rows__(variant)
        return self.mean_ + rows * np.sqrt(self.var_ + self.eps)


def _standardised(X: Array, eps: float, ddof: int) -> Array:
    centred = X - X.mean(axis=1, keepdims=True)
    variance = np.einsum("ij,ij->i", centred, centred) / (X.shape[1] - ddof)
    return centred / _nonzero(np.sqrt(variance + eps))[:, None]


def _nonzero(divisor: Array) -> Array:
    """Return divisors with 1 in place of 0: what they divide is 0 then."""
    return np.where(divisor == 0, 1.0, divisor)


def _accuracy(rows: int, ddof: int) -> tuple[float, float]:
    """Return the noise and the bias of a standard deviation of normal rows, relative to it."""
    c4 = math.sqrt(2 / (rows - 1)) * math.exp(math.lgamma(rows / 2) - math.lgamma((rows - 1) / 2))
    return math.sqrt(1 - c4**2), c4 * math.sqrt((rows - 1) / (rows - ddof)) - 1


def _validated(layer: Any, X: Any, reset: bool) -> Any:
    options = {"reset": reset, "dtype": [np.float64, np.float32]}
    try:
        from sklearn.utils.validation import validate_data
    except ImportError:  # before 1.6
        return layer._validate_data(X, **options)
    return validate_data(layer, X, **options)


def _vector(layer: Any, name: str, width: int) -> Array | None:
    value = getattr(layer, name)
    if value is None:
        return None
    try:
        array = np.array(value, np.float64)
    except (TypeError, ValueError):
        raise ValueError(f"{name} of {type(layer).__name__} must be numbers, one a column.") from None
    if array.shape != (width,) or not np.isfinite(array).all():
        raise ValueError(
            f"{name} of {type(layer).__name__} has shape {list(array.shape)}, and must have {width} finite numbers, "
            "one a column."
        )
    return array


def _check_number(layer: Any, name: str, low: float, high: float) -> None:
    value = getattr(layer, name)
    if not isinstance(value, Real) or isinstance(value, bool) or not low <= float(value) <= high or value == math.inf:
        bounds = "not negative" if high == math.inf else f"from {low:g} to {high:g}"
        raise ValueError(f"{name} is {value!r}; it must be a number {bounds}.")


def _check_integer(layer: Any, name: str, low: int) -> None:
    value = getattr(layer, name)
    if not isinstance(value, Integral) or isinstance(value, bool) or value < low:
        raise ValueError(f"{name} is {value!r}; it must be an integer, at least {low}.")


def _check_ddof(layer: Any) -> None:
    if layer.ddof not in (0, 1) or isinstance(layer.ddof, bool):
        raise ValueError(f"ddof is {layer.ddof!r}; it must be 0 or 1.")


def _stated(found: NormTensors, operators: tuple[str, ...]) -> dict[str, Any]:
    """Return the parameters that a node states, with the defaults of ONNX for those that it leaves out."""
    if not found.operator:
        return {}
    if found.operator not in operators:
        raise found.refuse(
            f"it is a {found.operator}, not {' or '.join(operators) or 'a layer with weights'}",
            "Use the class of that kind.",
        )
    attributes: Mapping[str, Any] = found.stated
    if attributes.get("training_mode"):
        raise found.refuse(
            "the node is in training mode, in which it uses the statistics of each batch", "Export anew."
        )
    # A weight of one number a column says that the axis is the last one; a norm without a weight says nothing.
    if attributes.get("axis", -1) != -1 and getattr(found.tensors.get("weight"), "ndim", 0) != 1:
        raise found.refuse(f"it normalises from axis {attributes['axis']} on, more than the columns", "It isn't read.")
    if found.operator == "LpNormalization":
        if attributes.get("p", 2) != 2:
            raise found.refuse(f"it divides by the norm of order {attributes['p']}", "Only the order 2 is an L2Norm.")
        return {"eps": 0.0, "eps_rule": "max"}  # a row of zeros stays as it is
    stated: dict[str, Any] = {"eps": float(f"{attributes.get('epsilon', 1e-5):.7g}")}
    if found.operator == "BatchNormalization":
        momentum = float(f"{attributes.get('momentum', 0.9):.7g}")
        stated.update(momentum=momentum, momentum_convention="flax", ddof=0)
    if found.operator == "GroupNormalization":
        if "num_groups" not in attributes:
            raise found.refuse("it does not state num_groups", "Export the model anew.")
        stated["num_groups"] = int(attributes["num_groups"])
    return stated
