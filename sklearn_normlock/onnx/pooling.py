"""One vector of the states of tokens, and the first numbers of vectors."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from ..errors import InputFaultError, NormLockError
from ..normalization.base import refuse_overflow, validated
from ..seals.mixin import Locked
from .steps import Step, as_array


class _Pooling(Step):
    """A step that makes one vector of the states of tokens."""

    dim_: int | None

    def fit(self, X: Any = None, y: Any = None) -> Any:
        """Note the width of the states.

        Parameters
        ----------
        X : ndarray of shape (n_texts, length, dim), default=None
            States of tokens.
        y : None
            Ignored.

        Returns
        -------
        self : object
            Sealed.
        """
        self.dim_ = None if X is None else self._checked(X)[0].shape[2]
        return self

    def transform(self, X: Any) -> np.ndarray:
        """Pool states of tokens.

        Parameters
        ----------
        X : ndarray of shape (n_texts, length, dim)
            States; NaN where there is no token.

        Returns
        -------
        vectors : ndarray of shape (n_texts, dim)

        Raises
        ------
        InputFaultError
            If X has another shape or width, a text has no token, or a state is NaN in part or infinite.
        """
        check_is_fitted(self)
        states, tokens = self._checked(X)
        if self.dim_ not in (None, states.shape[2]):
            raise InputFaultError(
                f"X has states of {states.shape[2]} numbers; they had {self.dim_} at fit.",
                path="X",
                expected=self.dim_,
                actual=states.shape[2],
                remedy="Run the graph that the pipeline was fitted with.",
            )
        return self._pooled(states, tokens)

    def _checked(self, X: Any) -> tuple[np.ndarray, np.ndarray]:
        states = as_array(X)
        if states.ndim != 3 or states.dtype.kind != "f" or 0 in states.shape:
            raise InputFaultError(
                f"X has shape {states.shape} and dtype {states.dtype}; pooling takes floats of shape (n_texts, length, "
                "dim).",
                path="X",
                actual=states.shape,
                remedy="Choose the output of the graph that has a state for each token: OnnxTransformer(output=...).",
            )
        empty = np.isnan(states)
        tokens = ~empty.all(axis=2)
        odd = (empty.any(axis=2) & tokens) | np.isinf(states).any(axis=2)
        bare = ~tokens.any(axis=1)
        if odd.any() or bare.any():
            row = int(np.flatnonzero(odd.any(axis=1) | bare)[0])
            raise InputFaultError(
                f"X[{row}] has {'a state with NaN or infinity in it' if odd[row].any() else 'no token'}.",
                path=f"X[{row}]",
                remedy="Look at that text: is it empty, and did training have such?",
            )
        return states, tokens

    def _pooled(self, states: np.ndarray, tokens: np.ndarray) -> np.ndarray:
        raise NotImplementedError

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "dim_")


class MeanPooling(_Pooling):
    """Average the states of the tokens of each text, in float64.

    Attributes
    ----------
    dim_ : int or None
        Numbers of a state, if ``fit`` was given some.

    See Also
    --------
    ClsPooling, LastTokenPooling : Take the state of one token.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_normlock.onnx import MeanPooling
    >>> states = np.array([[[1.0, 2.0], [3.0, 4.0], [np.nan, np.nan]]])
    >>> MeanPooling().fit_transform(states)
    array([[2., 3.]])
    """

    __module__ = "sklearn_normlock.onnx"  # the name that fingerprints and files know it by

    def _pooled(self, states: np.ndarray, tokens: np.ndarray) -> np.ndarray:
        with np.errstate(over="ignore", invalid="ignore"):
            sums = np.where(tokens[:, :, None], states, 0.0).sum(axis=1, dtype=np.float64)
            means = (sums / tokens.sum(axis=1)[:, None]).astype(states.dtype)
        refuse_overflow(means, "mean", "X[{}]")
        return means


class ClsPooling(_Pooling):
    """Take the state of the first token of each text.

    Attributes
    ----------
    dim_ : int or None
        Numbers of a state, if ``fit`` was given some.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_normlock.onnx import ClsPooling
    >>> ClsPooling().fit_transform(np.array([[[np.nan], [3.0], [5.0]]]))
    array([[3.]])
    """

    __module__ = "sklearn_normlock.onnx"  # the name that fingerprints and files know it by

    def _pooled(self, states: np.ndarray, tokens: np.ndarray) -> np.ndarray:
        return states[np.arange(len(states)), tokens.argmax(axis=1)]


class LastTokenPooling(_Pooling):
    """Take the state of the last token of each text.

    Attributes
    ----------
    dim_ : int or None
        Numbers of a state, if ``fit`` was given some.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_normlock.onnx import LastTokenPooling
    >>> LastTokenPooling().fit_transform(np.array([[[3.0], [5.0], [np.nan]]]))
    array([[5.]])
    """

    __module__ = "sklearn_normlock.onnx"  # the name that fingerprints and files know it by

    def _pooled(self, states: np.ndarray, tokens: np.ndarray) -> np.ndarray:
        return states[np.arange(len(states)), tokens.shape[1] - 1 - tokens[:, ::-1].argmax(axis=1)]


class Truncate(Locked, TransformerMixin, BaseEstimator):
    """Keep the first numbers of each vector, and make its length 1 again.

    Parameters
    ----------
    dim : int
        How many are kept.
    renormalise : bool, default=True
        Whether rows are divided by their length after that. Without it, vectors of length 1 are shorter then, and
        inner products are no cosines any more.

    Attributes
    ----------
    n_features_in_ : int
        Columns seen at ``fit``.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_normlock.onnx import Truncate
    >>> Truncate(2).fit_transform(np.array([[3.0, 4.0, 12.0]]))
    array([[0.6, 0.8]])
    """

    __module__ = "sklearn_normlock.onnx"  # the name that fingerprints and files know it by

    n_features_in_: int

    def __init__(self, dim: int = 256, *, renormalise: bool = True) -> None:
        self.dim = dim
        self.renormalise = renormalise

    def fit(self, X: Any, y: Any = None) -> Truncate:
        """Note the width.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_columns)
            Vectors.
        y : None
            Ignored.

        Returns
        -------
        self : Truncate
            Sealed.

        Raises
        ------
        NormLockError
            If ``dim`` is no whole number from 1 to the number of columns.
        """
        width = validated(self, X, reset=True).shape[1]
        if isinstance(self.dim, bool) or not isinstance(self.dim, (int, np.integer)) or not 1 <= self.dim <= width:
            raise NormLockError(
                f"dim is {self.dim!r}; it must be a whole number from 1 to {width}, the width of the vectors.",
                path="dim",
                expected=width,
                actual=self.dim,
                remedy="Choose how many numbers of a vector are kept.",
            )
        return self

    def transform(self, X: Any) -> np.ndarray:
        """Cut vectors.

        Parameters
        ----------
        X : array-like of shape (n_rows, n_columns)
            Vectors.

        Returns
        -------
        vectors : ndarray of shape (n_rows, dim)
        """
        check_is_fitted(self)
        kept = validated(self, X, reset=False)[:, : self.dim]
        if not self.renormalise:
            return kept.copy()
        wide = kept.astype(np.float64)
        scale = np.abs(wide).max(axis=1, keepdims=True)
        wide = np.divide(
            wide, scale, out=np.zeros_like(wide), where=scale > 0
        )  # squares of it neither vanish nor overflow
        length = np.sqrt((wide**2).sum(axis=1, keepdims=True))
        return np.divide(wide, length, out=np.zeros_like(wide), where=length > 0).astype(kept.dtype)
