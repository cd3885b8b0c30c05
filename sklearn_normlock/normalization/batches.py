"""The layer that normalises each column, by statistics that it gathered over batches."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from ..fingerprints.weights.norms import NormTensors
from ..seals.mixin import Locked
from ..seals.seal import seal
from .base import Array, Norm, check_ddof, check_integer, check_number, nonzero, refuse_overflow, validated


class BatchNorm(Locked, Norm):
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

    __module__ = "sklearn_normlock.normalization"  # the name that fingerprints and files know it by

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
            If there are fewer rows; if a parameter has no such value, or is of another width than X; if numbers are so
            large that a variance has no room.
        """
        X = validated(self, X, reset=True).astype(np.float64)
        self._take_parameters(X.shape[1])
        self._refuse_few(len(X))
        mean, var = self._statistics(X)
        refuse_overflow(var, "variance", "column {}")
        self.mean_, self.var_, self.n_batches_ = mean, var, 1
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
            If there are fewer rows; if a parameter has no such value, or is of another width than X; if numbers are so
            large that a variance has no room.
        """
        first = not hasattr(self, "mean_")
        X = validated(self, X, reset=first).astype(np.float64)
        self._take_parameters(X.shape[1])
        self._refuse_few(len(X))
        refuse_overflow(self._statistics(X)[1], "variance", "column {}")
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
        X = validated(self, X, reset=False).astype(np.float64)
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
        if count.ndim or not (0 <= count < 1 << 63 and count == np.floor(count)):
            raise found.refuse("its count of batches is no whole number", "It is damaged.")
        layer = cls(**{**tensors, **parameters})
        layer.n_features_in_ = len(mean)
        layer._take_parameters(len(mean))
        layer.mean_, layer.var_, layer.n_batches_ = mean, var, int(count)
        seal(layer)
        return layer

    def _take_parameters(self, width: int) -> None:
        check_ddof(self)
        if self.momentum is not None:
            check_number(self, "momentum", 0.0, 1.0)
        if self.momentum_convention not in ("torch", "flax"):
            raise ValueError(f"momentum_convention is {self.momentum_convention!r}; it must be 'torch' or 'flax'.")
        check_integer(self, "min_batch_size", 2)
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

    def _statistics(self, X: Array) -> tuple[Array, Array]:
        with np.errstate(over="ignore", invalid="ignore"):
            return X.mean(axis=0), X.var(axis=0, ddof=self.ddof)

    def _moved(self, X: Array) -> tuple[Array, Array]:
        if self.momentum is None:
            share = 1.0 / (self.n_batches_ + 1)
        else:
            share = self.momentum if self.momentum_convention == "torch" else 1.0 - self.momentum
        mean, var = self._statistics(X)
        return (1.0 - share) * self.mean_ + share * mean, (1.0 - share) * self.var_ + share * var

    def _normalised(self, X: Array) -> Array:
        return self._affine((X - self.mean_) / nonzero(np.sqrt(self.var_ + self.eps)))

    def __probe_rows__(self, variant: int) -> Array:
        """Return rows in the units of the running statistics, and small ones around the running mean."""
        rows = super().__probe_rows__(variant)
        return self.mean_ + rows * np.sqrt(self.var_ + self.eps)


def _accuracy(rows: int, ddof: int) -> tuple[float, float]:
    """Return the noise and the bias of a standard deviation of normal rows, relative to it."""
    c4 = math.sqrt(2 / (rows - 1)) * math.exp(math.lgamma(rows / 2) - math.lgamma((rows - 1) / 2))
    return math.sqrt(1 - c4**2), c4 * math.sqrt((rows - 1) / (rows - ddof)) - 1
