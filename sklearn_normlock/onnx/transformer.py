"""``OnnxTransformer``: a graph as a locked step, run by onnxruntime."""

from __future__ import annotations

import weakref
from functools import lru_cache
from hashlib import sha256
from typing import Any

import numpy as np
from sklearn.utils.validation import check_is_fitted

from ..errors import ArtifactReadError, InputFaultError, NormLockError
from ..graphs.identity import Graph
from ..graphs.running import open_session
from .models import package, read_model
from .steps import Step, as_array

_LIMITS = {"batch_size": 1 << 20, "threads": 256}
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


class OnnxTransformer(Step):
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

    __module__ = "sklearn_normlock.onnx"  # the name that fingerprints and files know it by

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
        for name, most in _LIMITS.items():
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, np.integer)) or not 1 <= value <= most:
                raise NormLockError(
                    f"{name} is {value!r}; it must be a whole number from 1 to {most}.", path=name, remedy="Give one."
                )
        graph = np.frombuffer(read_model(self.model), dtype=np.uint8)
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
        output = self.output or outputs[0]
        kind = next(each.type for each in session.get_outputs() if each.name == output)
        if not kind.startswith("tensor(") or kind == "tensor(string)":
            raise NormLockError(
                f"The output {output!r} is a {kind}, no array of numbers.",
                path="output",
                actual=kind,
                remedy=f"Choose another: {', '.join(outputs)}.",
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
        self.graph_, self.inputs_, self.output_ = graph, inputs, output
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
            If X isn't what the graph takes, or the graph gives NaN or infinity for it, or not one result a row.
        """
        check_is_fitted(self, "graph_")
        session, done = _session(self.graph_, self.threads), []
        rows = as_array(X)
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
            values = np.asarray(values)
            count = min(part.stop, len(rows)) - start
            if values.ndim < 1 or len(values) != count:
                raise InputFaultError(
                    f"The graph gives an output of shape {values.shape} for {count} rows: not one result a row.",
                    path="output",
                    expected=count,
                    actual=values.shape,
                    remedy="Choose another output, or export the model with the rows as its first axis.",
                )
            done.append(_states(values, None if mask is None else mask[part], start))
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
            return {name: _converted(rows[:, _TOKENS[name]], _TYPES[kind]) for name, kind in self.inputs_}
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
        return {name: _converted(rows, target)}

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
    onnx = package()
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


def _converted(rows: np.ndarray, target: Any) -> np.ndarray:
    """Return numbers in the type that a graph takes; none may lose its size on the way."""
    with np.errstate(over="ignore", invalid="ignore"):
        found = np.ascontiguousarray(rows, dtype=target)
    kept = np.isfinite(found) | ~np.isfinite(rows) if found.dtype.kind == "f" else found == rows
    if not kept.all():
        row = int(np.argwhere(~kept)[0][0])
        raise InputFaultError(
            f"X[{row}] has a number that {found.dtype} has no room for.",
            path=f"X[{row}]",
            expected=str(found.dtype),
            actual=str(rows.dtype),
            remedy="Look at its unit; is it a sentinel for a missing value?",
        )
    return found


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
