"""Run a graph by onnxruntime on rows of an estimator, and give its outputs as the estimator would."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..errors import ArtifactReadError, MissingDependencyError
from ..probes.probing import Undecided

_TYPES: dict[str, type] = {
    "tensor(float)": np.float32,
    "tensor(double)": np.float64,
    "tensor(float16)": np.float16,
    "tensor(int64)": np.int64,
    "tensor(int32)": np.int32,
    "tensor(bool)": np.bool_,
    "tensor(string)": np.object_,
}


def open_session(data: bytes, threads: int = 1) -> Any:
    """Return a session of onnxruntime, on the processor.

    Parameters
    ----------
    data : bytes
        A whole ONNX model.
    threads : int, default=1
        How many it computes with.

    Raises
    ------
    MissingDependencyError
        If onnxruntime isn't installed.
    ArtifactReadError
        If it can't run the graph.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise MissingDependencyError(
            f"The graph can't be run ({error}): what it computes is not known.",
            remedy="Install onnxruntime: pip install 'sklearn-normlock[onnx]'.",
        ) from None
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4  # what it would print is raised
    options.intra_op_num_threads = threads
    try:
        return onnxruntime.InferenceSession(data, sess_options=options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise ArtifactReadError(
            f"onnxruntime {onnxruntime.__version__} can't run the graph ({_line(error)}).",
            remedy="Export it for an operator set that this version knows (target_opset=), or install a later one.",
        ) from None


class Runner:
    """A session of a graph.

    Parameters
    ----------
    model : onnx.ModelProto
        The graph.
    names : sequence of str or None
        The estimator's columns, to find the inputs of a graph that has one for each.
    width : int or None
        How many there are.
    """

    def __init__(self, model: Any, names: Sequence[str] | None, width: int | None) -> None:
        self._session = open_session(model.SerializeToString())
        self.inputs = self._session.get_inputs()
        self.outputs = [output.name for output in self._session.get_outputs()]
        unknown = [f"{each.name}: {each.type}" for each in self.inputs if each.type not in _TYPES]
        if unknown:
            raise Undecided(f"the graph takes {', '.join(unknown)}, which rows can't be made into")
        self._columns = self._places(list(names) if names is not None else None, width)

    def _places(self, names: list[str] | None, width: int | None) -> list[list[int]] | None:
        """Return the columns that each input takes; None if the one input takes the rows as they are."""
        if len(self.inputs) == 1:
            return None
        shapes = [each.shape for each in self.inputs]
        sizes = [shape[1] if len(shape) == 2 and isinstance(shape[1], int) else 1 for shape in shapes]
        ours = [each.name for each in self.inputs]
        if names is not None and set(ours) == set(names):
            return [[names.index(name)] for name in ours]
        if width == sum(sizes):
            starts = np.cumsum([0, *sizes])
            return [list(range(starts[i], starts[i + 1])) for i in range(len(sizes))]
        raise Undecided(f"the graph's inputs ({', '.join(ours)}) are not the estimator's columns")

    @property
    def kinds(self) -> tuple[str, ...]:
        """The types of numbers that the graph takes, such as ``("float",)``."""
        return tuple(sorted({each.type[7:-1] for each in self.inputs}))

    def rounded(self, rows: Any) -> Any:
        """Return rows as the graph sees them, each number rounded to the type of its input, as float64 again."""
        columns = self._columns
        if columns is None and not hasattr(rows, "iloc"):
            return self._rounded(rows, self.inputs[0].type)
        if hasattr(rows, "iloc"):
            rounded = rows.copy()
            if columns is None:
                columns = [list(range(rows.shape[1]))]
            for places, each in zip(columns, self.inputs, strict=True):
                for j in places:
                    rounded[rows.columns[j]] = self._rounded(rows.iloc[:, j], each.type)
            return rounded
        rounded = rows.copy()
        for places, each in zip(columns or (), self.inputs, strict=True):
            rounded[:, places] = self._rounded(rows[:, places], each.type)
        return rounded

    def _rounded(self, values: Any, kind: str) -> Any:
        target = _TYPES[kind]
        if target in (np.object_, np.float64) or not _numeric(values):
            return values
        with np.errstate(all="ignore"):
            if target in (np.int64, np.int32, np.bool_):
                return np.rint(values) if target is not np.bool_ else values
            return values.astype(target).astype(np.float64)

    def feeds(self, rows: Any) -> dict[str, np.ndarray]:
        """Return what the session is given for rows."""
        if self._columns is None:
            return {self.inputs[0].name: self._fed(_table(rows), self.inputs[0])}
        table = rows if hasattr(rows, "iloc") else None
        fed = {}
        for places, each in zip(self._columns, self.inputs, strict=True):
            part = table.iloc[:, places].to_numpy() if table is not None else np.asarray(rows)[:, places]
            fed[each.name] = self._fed(part, each)
        return fed

    def _fed(self, values: np.ndarray, each: Any) -> np.ndarray:
        target = _TYPES[each.type]
        shaped = values.reshape(-1, 1) if len(each.shape) == 2 and values.ndim == 1 else values
        shaped = shaped.reshape(-1) if len(each.shape) == 1 else shaped
        if target is np.object_:
            if any(not isinstance(item, str) and item is not None and item == item for item in shaped.ravel().tolist()):
                shaped = np.array([str(item) for item in shaped.ravel().tolist()], dtype=object).reshape(shaped.shape)
            return shaped.astype(object)
        with np.errstate(all="ignore"):
            return shaped.astype(target)

    def run(self, rows: Any) -> dict[str, np.ndarray]:
        """Return the outputs of the graph by name.

        Raises
        ------
        Undecided
            If it refuses the rows.
        """
        try:
            outputs = self._session.run(self.outputs, self.feeds(rows))
        except Exception as error:
            raise Undecided(f"onnxruntime refuses the rows: {_line(error)}") from None
        return {name: _plain(value) for name, value in zip(self.outputs, outputs, strict=True)}


def _plain(value: Any) -> np.ndarray:
    """Return an output as an array; a map for each row (ZipMap) gives a column for each key, in the order of keys."""
    if isinstance(value, list) and value and isinstance(value[0], dict):
        keys = sorted(value[0])
        return np.array([[row[key] for key in keys] for row in value])
    return np.asarray(value)


def _table(rows: Any) -> np.ndarray:
    if hasattr(rows, "tocsr"):
        return rows.toarray()
    if hasattr(rows, "iloc"):
        return rows.to_numpy()
    if isinstance(rows, list):
        table = np.empty(len(rows), dtype=object)
        table[:] = rows
        return table
    return np.asarray(rows)


def _numeric(values: Any) -> bool:
    dtype = getattr(values, "dtype", None)
    return dtype is not None and getattr(dtype, "kind", "O") in "fiub"


def _line(error: Exception) -> str:
    text = " ".join(str(error).split())
    return text if len(text) <= 200 else text[:197] + "..."
