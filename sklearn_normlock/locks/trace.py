"""A trace: what each step of a pipeline put out for some rows, to find the first step that differs elsewhere."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..documents.entries import Origin
from ..documents.envelope import Envelope, parsed
from ..documents.files import read_bytes, replacing
from ..probes.outputs import TOLERANCES, Deviation, compare_outputs, outputs_of, require_tolerance
from ..probes.parts import Output
from ..probes.walk import StepFailedError, quietly, walk
from .code import code_in, environment_of
from .parts import Unjudged
from .report import Report

TRACE_VERSION = 1  # raised when a reader of the old one would misunderstand the new one
_ENVELOPE = Envelope(Origin("trace", "It is damaged: trace anew, or copy it again."), TRACE_VERSION, "trace anew")

_EMPTY = Unjudged(
    path="",
    why="neither trace has an output of a row",
    remedy="Trace rows through an object that puts something out for new rows.",
)


@dataclass(frozen=True, kw_only=True)
class Trace:
    """The output of each step.

    Parameters
    ----------
    outputs : tuple of Output
        Step by step: shape, dtype, digest, and the elements or, of many, sums of them. No rows are kept.
    environment : mapping of str to str
        The versions it was made under.

    Examples
    --------
    >>> import sklearn_normlock as nl
    >>> from sklearn.preprocessing import StandardScaler
    >>> trace = nl.trace(StandardScaler().fit([[0.0], [2.0]]), [[1.0], [3.0]])
    >>> nl.Trace.from_dict(trace.to_dict()).diff(trace).ok
    True
    """

    outputs: tuple[Output, ...]
    environment: Mapping[str, str]

    def diff(self, other: Trace, rtol: float | None = None) -> Report:
        """Find the first step whose output differs.

        Parameters
        ----------
        other : Trace
            Of the same rows through another pipeline, or on another machine.
        rtol : float, default=None
            The tolerance, relative to the largest absolute value of a column; a stated one for each dtype if None.

        Returns
        -------
        report : Report
            ``report.step`` is the first step that differs, or None.

        Raises
        ------
        NormLockError
            If ``rtol`` is neither None nor a number from 0 to below 1.
        """
        if rtol is not None:
            require_tolerance(rtol)
        theirs = {(output.path, output.method): output for output in other.outputs}
        deviations: list[Deviation] = []
        for output in self.outputs:
            match = theirs.pop((output.path, output.method), None)
            if match is None:
                text = "is not in the other trace"
                deviations.append(Deviation(path=output.path, method=output.method, text=text, relative=float("inf")))
                continue
            deviation = compare_outputs(output, match, rtol)
            if deviation is not None:
                deviations.append(deviation)
        for output in theirs.values():
            text = "is only in the other trace"
            deviations.append(Deviation(path=output.path, method=output.method, text=text, relative=float("inf")))
        names = dict.fromkeys([*self.environment, *other.environment])
        moved = {name: (self.environment.get(name, "none"), other.environment.get(name, "none")) for name in names}
        return Report(
            deviations=tuple(deviations),
            environment={name: both for name, both in moved.items() if both[0] != both[1]},
            undecided=() if any(each.shape[:1] != (0,) for each in (*self.outputs, *other.outputs)) else (_EMPTY,),
            probed=len(self.outputs),
            approval=False,
            tolerances=TOLERANCES if rtol is None else {name: max(rtol, least) for name, least in TOLERANCES.items()},
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the trace as plain JSON values.

        Returns
        -------
        document : dict
            With a digest, by which a damaged document is found.
        """
        content = {
            "environment": dict(self.environment),
            "outputs": [output.to_dict() for output in self.outputs],
        }
        return _ENVELOPE.closed(content)

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Trace:
        """Read a trace.

        Parameters
        ----------
        document : mapping
            As :meth:`to_dict` returns it.

        Returns
        -------
        trace : Trace
            The trace.

        Raises
        ------
        LockFormatError, LockVersionError
            If it is not one, or of a version that isn't known here.
        """
        fields = _ENVELOPE.opened(document)
        return cls(
            outputs=tuple(Output.from_fields(each) for each in fields.each("outputs")),
            environment=fields.names("environment"),
        )

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the trace as JSON, whole or not at all.

        Parameters
        ----------
        path : path-like
            Where it goes.
        """
        with replacing(Path(path)) as file:
            file.write((json.dumps(self.to_dict(), sort_keys=True) + "\n").encode("ascii"))

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Trace:
        """Read a trace that :meth:`save` wrote.

        Parameters
        ----------
        path : path-like
            Where it lies.

        Returns
        -------
        trace : Trace
            The trace.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        LockFormatError, LockVersionError
            If it can't be read.
        """
        return cls.from_dict(parsed(read_bytes(path)))


def trace(pipeline: Any, X: Any) -> Trace:
    """Trace rows through an object: keep what each step makes of them.

    Parameters
    ----------
    pipeline : estimator
        Fitted: a pipeline, a column transformer, a search with its best estimator, or a single step.
    X : array, DataFrame or list of shape (n_samples, n_features)
        The rows.

    Returns
    -------
    trace : Trace
        ``trace.diff(other)`` names the first step that differs; ``trace.save(path)`` takes it to another machine.

    Raises
    ------
    Exception
        What a step raises on these rows.

    Examples
    --------
    >>> import sklearn_normlock as nl
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import MinMaxScaler, StandardScaler
    >>> X = [[1.0], [2.0], [4.0]]
    >>> here = nl.trace(make_pipeline(StandardScaler(), MinMaxScaler()).fit(X), X)
    >>> there = nl.trace(make_pipeline(StandardScaler(with_mean=False), MinMaxScaler()).fit(X), X)
    >>> here.diff(there).step
    'standardscaler'
    """
    outputs: list[Output] = []
    try:
        with quietly():
            for path, method, value in walk(pipeline, X):
                outputs += outputs_of(path, method, value)
    except StepFailedError as failure:
        raise failure.error from None
    return Trace(outputs=tuple(outputs), environment=environment_of(code_in(pipeline)))
