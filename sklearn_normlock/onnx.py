"""Encoders as steps of a pipeline: an ONNX graph, and how the states of its tokens become one vector.

The states of positions that only fill up are NaN in what :class:`OnnxTransformer` puts out. Pooling steps need no mask
beside the array, and a step that forgets to leave such positions out gives NaN in place of a vector that looks right.
"""

from __future__ import annotations

import os
import weakref
from collections.abc import Iterator
from functools import lru_cache
from hashlib import sha256
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from .documents.files import reading
from .errors import ArtifactReadError, InputFaultError, MissingDependencyError, NormLockError
from .graphs.identity import Graph
from .graphs.running import open_session
from .seals.mixin import Locked

__all__ = ["ClsPooling", "LastTokenPooling", "MeanPooling", "OnnxTransformer", "Truncate"]

_LARGEST = (1 << 31) - 1  # bytes: what protobuf holds
#: The inputs that tokens are handed to, and where they stand in what a Tokenizer puts out.
_TOKENS = {"input_ids": 0, "attention_mask": 1, "token_type_ids": 2}
_TYPES = {
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
    "tensor(float16)": np.float16,
    "tensor(int64)": np.int64,
    "tensor(int32)": np.int32,
    "tensor(uint8)": np.uint8,
}


class _Step(Locked, TransformerMixin, BaseEstimator):
    """The base of the steps of this module: their input is no table."""

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.no_validation = True
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        tags.input_tags.allow_nan = True
        return tags

    def _more_tags(self) -> dict[str, Any]:
        return {"no_validation": True, "X_types": ["3darray"], "allow_nan": True}


class OnnxTransformer(_Step):
    """Run an ONNX graph by onnxruntime, as a locked step.

    Parameters
    ----------
    model : path-like, bytes or onnx.ModelProto
        The graph. It is read at ``fit``, with the external data that lies beside it, and kept in the object.
    output : str, default=None
        The output that counts; the first if None.
    batch_size : int, default=64
        Rows that are run at a time.
    threads : int, default=1
        Threads of onnxruntime.

    Attributes
    ----------
    graph_ : ndarray of uint8
        The whole model.
    output_ : str
        The output that counts.
    inputs_ : tuple of (name, type)
        What the graph takes.
    fingerprint_ : str
        Identity of what the graph computes: nodes, attributes and tensors to the last bit, not names of values, the
        order in the file or the producer. ``batch_size`` and ``threads`` don't count.

    See Also
    --------
    sklearn_normlock.text.Tokenizer : Makes ids for graphs that take ``input_ids``.
    MeanPooling, ClsPooling, LastTokenPooling : Make one vector of the states of tokens.

    Notes
    -----
    The state is compared exactly. Outputs in float32 are compared to 1e-5 of the largest value of a column, which holds
    on one kind of processor. Between kinds, compare a :func:`sklearn_normlock.trace` with ``rtol=1e-3``. Graphs that
    are quantised dynamically scale by the whole batch, so that their outputs depend on what else is in it: use
    ``batch_size=1`` where that matters.

    Examples
    --------
    >>> import numpy as np
    >>> from onnx import TensorProto, helper
    >>> from sklearn_normlock.onnx import OnnxTransformer
    >>> x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [None, 2]) for name in "xy")
    >>> graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "g", [x], [y])
    >>> model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    >>> OnnxTransformer(model).fit().transform(np.array([[-1.0, 2.0]], dtype=np.float32)).tolist()
    [[0.0, 2.0]]
    """

    __computes_with__ = ("onnxruntime",)
    graph_: np.ndarray
    output_: str
    inputs_: tuple[tuple[str, str], ...]

    def __init__(self, model: Any = None, *, output: str | None = None, batch_size: int = 64, threads: int = 1) -> None:
        self.model = model
        self.output = output
        self.batch_size = batch_size
        self.threads = threads

    def fit(self, X: Any = None, y: Any = None) -> OnnxTransformer:
        """Read the graph; nothing is learned from data.

        Parameters
        ----------
        X, y : None
            Ignored.

        Returns
        -------
        self : OnnxTransformer
            Sealed.

        Raises
        ------
        ArtifactReadError
            If it is no ONNX model, its external data lies elsewhere, or onnxruntime can't run it.
        NormLockError
            If it takes or gives something that isn't supported, or a parameter has no such value.
        """
        for name in ("batch_size", "threads"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or value < 1:
                raise NormLockError(
                    f"{name} is {value!r}; it must be a whole number from 1 on.", path=name, remedy="Give one."
                )
        graph = np.frombuffer(_read(self.model), dtype=np.uint8)
        session = _session(graph, self.threads)
        outputs = [each.name for each in session.get_outputs()]
        if self.output is not None and self.output not in outputs:
            raise NormLockError(
                f"The graph has no output {self.output!r}.",
                path="output",
                expected=tuple(outputs),
                actual=self.output,
                remedy=f"Its outputs: {', '.join(outputs)}.",
            )
        inputs = tuple((each.name, each.type) for each in session.get_inputs())
        names = {name for name, _ in inputs}
        unknown = [f"{name}: {kind}" for name, kind in inputs if kind not in _TYPES]
        if unknown or not names or (len(names) > 1 and not names <= set(_TOKENS)):
            raise NormLockError(
                f"The graph takes {', '.join(unknown) or ', '.join(sorted(names)) or 'nothing'}.",
                path="inputs",
                actual=inputs,
                remedy=f"It must take one array of numbers, or some of {', '.join(_TOKENS)}.",
            )
        self.graph_, self.inputs_, self.output_ = graph, inputs, self.output or outputs[0]
        return self

    def transform(self, X: Any) -> np.ndarray:
        """Run the graph.

        Parameters
        ----------
        X : ndarray
            What the graph takes. For graphs of tokens: integers of shape (n_texts, 3, length), as
            :class:`~sklearn_normlock.text.Tokenizer` makes them.

        Returns
        -------
        states : ndarray
            The chosen output, float16 as float32. States of positions without a token are NaN.

        Raises
        ------
        InputFaultError
            If X isn't what the graph takes, or the graph gives NaN or infinity for it.
        """
        check_is_fitted(self, "graph_")
        session, done = _session(self.graph_, self.threads), []
        rows = np.asarray(X)
        feeds = self._feeds(rows)
        mask = rows[:, 1].astype(bool) if self._of_tokens else None
        for start in range(0, len(rows), self.batch_size):
            part = slice(start, start + self.batch_size)
            try:
                (values,) = session.run([self.output_], {name: array[part] for name, array in feeds.items()})
            except Exception as error:
                raise InputFaultError(
                    f"onnxruntime refuses rows {start} to {min(part.stop, len(rows)) - 1} "
                    f"({' '.join(str(error).split())[:200]}).",
                    path="X",
                    remedy="Give what the graph was exported for.",
                ) from None
            done.append(_states(np.asarray(values), None if mask is None else mask[part], start))
        return np.concatenate(done)

    @property
    def _of_tokens(self) -> bool:
        return {name for name, _ in self.inputs_} <= set(_TOKENS)

    def input_shape(self) -> list[int | str | None]:
        """Return the shape that a graph of one input takes; what is no number is free."""
        return list(_session(self.graph_, self.threads).get_inputs()[0].shape)

    def _feeds(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        if rows.ndim < 1 or not len(rows) or rows.dtype.kind not in "fiub":
            raise InputFaultError(
                f"X has shape {rows.shape} and dtype {rows.dtype}; the graph takes numbers, at least one row.",
                path="X",
                remedy="Put the step before it that makes numbers of the input.",
            )
        if self._of_tokens:
            if rows.ndim != 3 or rows.shape[1] != len(_TOKENS) or rows.dtype.kind not in "iu":
                raise InputFaultError(
                    f"X has shape {rows.shape} and dtype {rows.dtype}; a graph of tokens takes integers of shape "
                    "(n_texts, 3, length).",
                    path="X",
                    remedy="Put sklearn_normlock.text.Tokenizer before it.",
                )
            return {name: rows[:, _TOKENS[name]].astype(_TYPES[kind]) for name, kind in self.inputs_}
        ((name, kind),) = self.inputs_
        target = np.dtype(_TYPES[kind])
        if rows.dtype != target and (rows.dtype == np.uint8 or (target.kind != "f" and rows.dtype.kind != target.kind)):
            raise InputFaultError(
                f"X is of {rows.dtype}; the graph takes {target}.",
                path="X",
                expected=str(target),
                actual=str(rows.dtype),
                remedy="Pixels from 0 to 255 have to be rescaled first." if rows.dtype == np.uint8 else "Convert it.",
            )
        return {name: np.ascontiguousarray(rows, dtype=target)}

    def __fingerprint_state__(self) -> dict[str, Any]:
        """Return what counts: what the graph computes, and the output that is taken."""
        chosen = {} if self.output in (None, self.output_) else {"parameters": {"output": self.output}}
        return {"graph": Graph(_parsed(_Digested(self.graph_))), "output": self.output_, **chosen}


class _Digested:
    """Bytes of a model with their digest as identity, for a cache."""

    def __init__(self, graph: np.ndarray) -> None:
        self.graph = graph
        self.digest = sha256(graph.tobytes()).digest()

    def __hash__(self) -> int:
        return hash(self.digest)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Digested) and self.digest == other.digest


@lru_cache(maxsize=2)
def _parsed(model: _Digested) -> Any:
    onnx = _package()
    try:
        return onnx.load_model_from_string(model.graph.tobytes())
    except Exception as error:  # protobuf's own
        raise ArtifactReadError(
            f"The graph can't be read ({type(error).__name__}: {error}).",
            path="graph_",
            remedy="It is damaged: load the object again, or fit it anew.",
        ) from None


_sessions: dict[tuple[int, int], tuple[Any, Any]] = {}


def _session(graph: np.ndarray, threads: int) -> Any:
    """Return the session of an array, which lives as long as the array does."""
    key = (id(graph), threads)
    held = _sessions.get(key)
    if held is not None and held[0]() is graph:
        return held[1]
    session = open_session(graph.tobytes(), threads)
    _sessions[key] = (weakref.ref(graph, lambda _: _sessions.pop(key, None)), session)
    return session


def _package() -> Any:
    try:
        import onnx
    except ImportError as error:
        raise MissingDependencyError(
            f"The graph can't be read: the package onnx isn't here ({error}).",
            remedy="Install it: pip install 'sklearn-normlock[onnx]'.",
        ) from None
    return onnx


def _read(model: Any) -> bytes:
    """Return a whole model as bytes, external data included."""
    if hasattr(model, "SerializeToString"):
        found, folder = model, None
    elif isinstance(model, bytes):
        found, folder = _from_bytes(model, "the bytes"), None
    elif isinstance(model, (str, os.PathLike)):
        try:
            with reading(model) as file:
                data = file.read(_LARGEST + 1)
        except ArtifactReadError:
            raise
        except OSError as error:
            raise ArtifactReadError(
                f"{model} can't be read ({error.strerror}).", path="model", remedy="Name an ONNX file."
            ) from None
        found, folder = _from_bytes(data, str(model)), Path(model).parent
    else:
        raise NormLockError(
            f"model is a {type(model).__name__}.", path="model", actual=model, remedy="Give the path of an ONNX file."
        )
    outside = [tensor for tensor in _tensors(found) if tensor.data_location == tensor.EXTERNAL]
    for tensor in outside:
        _check_place(tensor, folder)
    try:
        if outside:
            _package().external_data_helper.load_external_data_for_model(found, str(folder))
        return found.SerializeToString()
    except Exception as error:
        raise ArtifactReadError(
            f"The model can't be made whole ({type(error).__name__}: {' '.join(str(error).split())[:200]}).",
            path="model",
            remedy="Its external data is missing or damaged, or it has more than 2 GiB.",
        ) from None


def _from_bytes(data: bytes, where: str) -> Any:
    onnx = _package()
    try:
        found = onnx.load_model_from_string(data)
        reason = "it has no outputs"
    except Exception as error:  # protobuf's own
        found, reason = None, f"{type(error).__name__}: {error}"
    if found is None or not len(found.graph.output):
        raise ArtifactReadError(
            f"{where} can't be read as an ONNX graph ({reason}).",
            path="model",
            remedy="It is cut short, damaged or of another format; export it again.",
        )
    return found


def _tensors(model: Any) -> Iterator[Any]:
    """Yield every tensor of a model, those in attributes and inner graphs included."""
    waiting = [model.graph, *model.functions]
    while waiting:
        body = waiting.pop()
        yield from getattr(body, "initializer", ())
        for each in getattr(body, "sparse_initializer", ()):
            yield from (each.values, each.indices)
        for node in body.node:
            for attribute in node.attribute:
                yield from (attribute.t, *attribute.tensors)
                waiting += [attribute.g, *attribute.graphs]


def _check_place(tensor: Any, folder: Path | None) -> None:
    """Refuse external data that lies anywhere but beside the model; nothing else is opened."""
    place = {entry.key: entry.value for entry in tensor.external_data}.get("location", "")
    relative = PurePosixPath(place.replace("\\", "/"))
    sound = bool(place) and not relative.is_absolute() and ".." not in relative.parts and not {":", "\0"} & set(place)
    if folder is not None and sound:
        real = (folder / relative).resolve()
        sound = real.is_file() and real.is_relative_to(folder.resolve())
    if folder is None or not sound:
        raise ArtifactReadError(
            f"The tensor {tensor.name!r} refers to {place[:200]!r}, which is not a file beside the model.",
            path="model",
            actual=place,
            remedy="Name the model's path, and put its data beside it.",
        )


def _states(values: np.ndarray, mask: np.ndarray | None, start: int) -> np.ndarray:
    if values.dtype == np.float16:
        values = values.astype(np.float32)
    per_token = mask is not None and values.ndim == 3 and values.shape[:2] == mask.shape and values.dtype.kind == "f"
    strange = ~np.isfinite(values) if values.dtype.kind == "f" else np.zeros(values.shape, dtype=bool)
    if per_token:
        strange &= mask[:, :, None]  # type: ignore[index]
    if strange.any():
        row = start + int(np.argwhere(strange)[0][0])
        raise InputFaultError(
            f"The graph gives NaN or infinity for X[{row}].",
            path=f"X[{row}]",
            remedy="Look at that row; a graph in float16 overflows beyond 65504.",
        )
    return np.where(mask[:, :, None], values, values.dtype.type(np.nan)) if per_token else values  # type: ignore[index]


# -- one vector of many ------------------------------------------------------------------------------------------------


class _Pooling(_Step):
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
            If X has another shape or width, a text has no token, or a state is NaN in part.
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
        states = np.asarray(X)
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
        odd = empty.any(axis=2) & tokens
        bare = ~tokens.any(axis=1)
        if odd.any() or bare.any():
            row = int(np.flatnonzero(odd.any(axis=1) | bare)[0])
            raise InputFaultError(
                f"X[{row}] has {'a state that is NaN in part' if odd[row].any() else 'no token'}.",
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

    def _pooled(self, states: np.ndarray, tokens: np.ndarray) -> np.ndarray:
        sums = np.where(tokens[:, :, None], states, 0.0).sum(axis=1, dtype=np.float64)
        return (sums / tokens.sum(axis=1)[:, None]).astype(states.dtype)


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
        width = _numbers(self, X, reset=True).shape[1]
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
        kept = _numbers(self, X, reset=False)[:, : self.dim]
        if not self.renormalise:
            return kept.copy()
        wide = kept.astype(np.float64)
        scale = np.abs(wide).max(axis=1, keepdims=True)
        wide = np.divide(
            wide, scale, out=np.zeros_like(wide), where=scale > 0
        )  # squares of it neither vanish nor overflow
        length = np.sqrt((wide**2).sum(axis=1, keepdims=True))
        return np.divide(wide, length, out=np.zeros_like(wide), where=length > 0).astype(kept.dtype)


def _numbers(est: Any, X: Any, reset: bool) -> np.ndarray:
    try:
        from sklearn.utils.validation import validate_data
    except ImportError:  # before 1.6
        return est._validate_data(X, reset=reset, dtype=[np.float64, np.float32])
    return validate_data(est, X, reset=reset, dtype=[np.float64, np.float32])
