"""The base of all norm layers: validation, precision, the rows of their probes, and making one from a checkpoint."""

from __future__ import annotations

import math
from numbers import Integral, Real
from typing import Any, ClassVar, TypeVar

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, OneToOneFeatureMixin, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from ..errors import ArtifactReadError, InputFaultError
from ..fingerprints.weights.norms import NormTensors, read_norm

Array = NDArray[np.float64]
_Layer = TypeVar("_Layer", bound="Norm")
#: Scales of the rows of probes: beside each of them some usual ``eps`` is seen.
_SCALES = (1e-13, 1e-6, 1e-3, 1.0, 1e3)
_OFFSETS = (0.0, 1.0, -3.0)
_MOST_COLUMNS = 1 << 24
_LARGEST = float(np.finfo(np.float64).max)


class Norm(OneToOneFeatureMixin, TransformerMixin, BaseEstimator):
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
        X = validated(self, X, reset=True)
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

        Raises
        ------
        InputFaultError
            If a row is so large that its output has no room in that dtype.
        """
        check_is_fitted(self)
        X = validated(self, X, reset=False)
        with np.errstate(over="ignore", invalid="ignore"):
            done = self._normalised(X.astype(np.float64)).astype(X.dtype, copy=False)
        refuse_overflow(done, "output", "X[{}]")
        return done

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
        stated = found.parameters(cls._operators)
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
        whole = isinstance(width, Integral) and not isinstance(width, bool)
        if width is not None and not (whole and 1 <= width <= _MOST_COLUMNS):
            raise found.refuse(f"n_features is {width!r}, no number of columns", "Pass how many it takes.")
        try:
            layer = cls._from_tensors(found, made, None if width is None else int(width))
        except ArtifactReadError:
            raise
        except ValueError as error:  # a parameter without such a value, from the source or given
            raise found.refuse(
                str(error).rstrip("."), "Look at the source; what it does not state can be given."
            ) from None
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
        check_number(self, "eps", 0.0, math.inf)
        for name in ("weight", "bias"):
            if name in self._get_param_names():
                setattr(self, f"{name}_", vector(self, name, width))

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


def nonzero(divisor: Array) -> Array:
    """Return divisors with 1 in place of 0: what they divide is 0 then."""
    return np.where(divisor == 0, 1.0, divisor)


def refuse_overflow(values: Any, what: str, place: str) -> None:
    """Raise if numbers of some rows or columns, which the place names, left the range of their dtype."""
    odd = ~np.isfinite(values)
    if odd.any():
        path = place.format(int(np.argwhere(odd)[0][0]))
        raise InputFaultError(
            f"The {what} for {path} has no room in {values.dtype}: its numbers are too large.",
            path=path,
            remedy="Look at its unit; is it a sentinel for a missing value?",
        )


def validated(layer: Any, X: Any, reset: bool) -> Any:
    """Return rows in float64 or float32, checked by scikit-learn."""
    options = {"reset": reset, "dtype": [np.float64, np.float32]}
    with np.errstate(over="ignore", invalid="ignore"):  # of the sum by which scikit-learn looks for NaN
        try:
            from sklearn.utils.validation import validate_data
        except ImportError:  # before 1.6
            return layer._validate_data(X, **options)
        return validate_data(layer, X, **options)


def vector(layer: Any, name: str, width: int) -> Array | None:
    """Return a parameter that has one number a column, or None."""
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


def check_number(layer: Any, name: str, low: float, high: float) -> None:
    """Raise unless a parameter is a finite number in a range."""
    value: Any = getattr(layer, name)
    number = isinstance(value, Real) and not isinstance(value, bool)
    if not number or not low <= value <= min(high, _LARGEST):
        bounds = "not negative" if high == math.inf else f"from {low:g} to {high:g}"
        raise ValueError(f"{name} is {value!r}; it must be a number {bounds}.")


def check_integer(layer: Any, name: str, low: int) -> None:
    """Raise unless a parameter is a whole number from some bound on."""
    value = getattr(layer, name)
    if not isinstance(value, Integral) or isinstance(value, bool) or value < low:
        raise ValueError(f"{name} is {value!r}; it must be an integer, at least {low}.")


def check_ddof(layer: Any) -> None:
    """Raise unless the divisor of a variance is the count of values, or one less."""
    if layer.ddof not in (0, 1) or isinstance(layer.ddof, bool):
        raise ValueError(f"ddof is {layer.ddof!r}; it must be 0 or 1.")
