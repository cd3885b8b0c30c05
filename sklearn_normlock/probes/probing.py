"""Probes: make them when an object is locked, and see later whether it still does the same.

The whole object is probed with rows for its first steps, and each step that doesn't see these rows as they are with
rows of its own. The rows of the whole are kept, so that another object can be compared by its outputs; those of a step
are made again from its statistics, which are the same if its state is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ..errors import InputFaultError, MissingDependencyError, NormLockError
from .outputs import Deviation, compare_outputs, outputs_of, some_rows
from .parts import FAILED, Output, Probe
from .rows import LARGEST, are_locked, decoded_rows, encoded_rows, rows_digest
from .synthesis import VARIANTS, rows_for
from .ties import tied
from .walk import StepFailedError, calls, leaves, quietly, walk

_HANDED_OVER = 16  # rows of the user's that are kept
_NUMBERS = 16_384  # and how many numbers they may be, in wide data


def probes_of(est: Any, path: str = "", X: Any = None) -> tuple[Probe, ...]:
    """Return the probes of an object.

    Parameters
    ----------
    est : estimator
        Fitted.
    path : str, default=""
        Its name in a bundle.
    X : array, DataFrame or list, default=None
        Rows to probe the whole with, a few of which are kept.
    """
    whole = _probe(est, path, X, keep=True)
    probes = [whole]
    for place, leaf, first in leaves(est, path):
        # In the first layer the whole's rows are those of the leaf, unless another leaf could not take them.
        if leaf is not est and not (first and X is None and whole.variant == 0 and whole.left_out is None):
            probes.append(_probe(leaf, place, None, keep=False))
    return tuple(probes)


def _probe(est: Any, path: str, X: Any, *, keep: bool) -> Probe:
    if X is not None:
        candidates: Iterator[tuple[int, Any]] = iter([(0, _some(X))])
    else:
        candidates = ((variant, _made(est, variant)) for variant in range(VARIANTS))
    source = "statistics" if X is None else "rows"
    if not _says_anything(est):
        # It does nothing with new rows that could be compared: its state is all there is to it.
        return Probe(path=path, source=source, variant=0, digest=rows_digest({}))
    reason = "no rows could be made for it"
    for variant, rows in candidates:
        if rows is None:
            continue
        try:
            document = encoded_rows(rows)
        except TypeError as error:
            if X is not None:  # a row that can't be kept exactly is refused: without it the lock would say less
                raise NormLockError(
                    f"{str(error)[0].upper()}{str(error)[1:]}.",
                    path=path,
                    remedy="Give that column another dtype, or leave the rows out.",
                ) from None
            reason = str(error)
            continue
        try:
            outputs, again = _run(est, rows, path), _run(est, decoded_rows(document), path)
        except StepFailedError as failure:
            if isinstance(failure.error, NormLockError) and not isinstance(failure.error, InputFaultError):
                raise failure.error from None  # a sealed object that is not what was fitted is not approved
            if X is not None:
                raise NormLockError(
                    f"The rows can't be run through the object: {_brief(failure.error).removesuffix('.')}.",
                    path=failure.path,
                    remedy="Give rows of the kind that it is for, or none.",
                ) from None
            reason = f"{FAILED}: {_brief(failure.error)}"
            continue
        except MissingDependencyError as error:
            reason = str(error)
            continue
        left_out = None
        if any(compare_outputs(a, b) for a, b in zip(outputs, again, strict=True)):
            outputs, left_out = (), "its output is not the same twice on the same rows"
        return Probe(
            path=path,
            source=source,
            variant=variant,
            digest=rows_digest(document),
            rows=document if source == "rows" or (keep and _size(rows) <= LARGEST) else None,
            outputs=outputs,
            left_out=left_out,
        )
    return Probe(path=path, source=source, variant=0, digest=rows_digest({}), left_out=reason)


def _says_anything(est: Any) -> bool:
    return any(calls(leaf) for _, leaf, _ in leaves(est))


def _made(est: Any, variant: int) -> Any:
    with quietly():
        try:
            return rows_for(est, variant)
        except Exception:  # it keeps something else under a name that scikit-learn uses: nothing is known of its rows
            return None


def _some(X: Any) -> Any:
    """Return a few of the user's rows, evenly over all of them."""
    shape = getattr(X, "shape", None)
    if shape == () or not hasattr(X, "__getitem__") or isinstance(X, (str, bytes, Mapping)):
        raise NormLockError(
            f"X is of type {type(X).__name__}, which has no rows.",
            remedy="Give an array, a data frame or a list of rows.",
        )
    count = len(X) if shape is None else shape[0]
    if count == 0:
        raise NormLockError("X has no rows: nothing can be probed with it.", remedy="Give some rows, or leave X out.")
    width = X.shape[1] if len(getattr(X, "shape", ())) > 1 else 1
    at = np.unique(np.linspace(0, count - 1, max(1, min(_HANDED_OVER, _NUMBERS // max(1, width)))).astype(int))
    if hasattr(X, "iloc"):
        return X.iloc[at]
    return X[at.tolist()] if hasattr(X, "shape") else [X[i] for i in at]


def _size(rows: Any) -> int:
    return int(np.prod(rows.shape)) if hasattr(rows, "shape") else len(rows)


def _run(est: Any, rows: Any, path: str) -> tuple[Output, ...]:
    outputs: list[Output] = []
    with quietly():
        for place, method, value in walk(est, rows, path):
            outputs += outputs_of(place, method, value)
    return tuple(outputs)


def _brief(error: Exception) -> str:
    text = " ".join(f"{type(error).__name__}: {error}".split())
    return text if len(text) <= 160 else text[:157] + "..."


class Undecided(Exception):  # noqa: N818 - an answer, not an error
    """A probe can't be run here; the text says why."""


@dataclass(frozen=True, kw_only=True)
class Replay:
    """How the outputs of a probe compare with those that were locked.

    Parameters
    ----------
    deviations : tuple of Deviation
        In the order of the steps; empty if all that was judged is as it was.
    ties : tuple of str
        The labels that differ only because two classes are equally likely: rows that their scores judge.
    refused : str, default=None
        Why rows with missing values were not judged: an estimator refuses them here that took them when it was locked.
    """

    deviations: tuple[Deviation, ...] = ()
    ties: tuple[str, ...] = ()
    refused: str | None = None


def replay(probe: Probe, est: Any, rtol: float | None = None) -> Replay:
    """Put the rows of a probe through an object again.

    Parameters
    ----------
    probe : Probe
        From a lock.
    est : estimator
        The one that stands where the probe's path says.
    rtol : float, default=None
        As in :func:`~sklearn_normlock.probes.outputs.compare_outputs`.

    Raises
    ------
    Undecided
        If its rows can't be had, or it has none.
    """
    if probe.left_out is not None:
        raise Undecided(probe.left_out)
    if not probe.outputs:
        return Replay()
    rows = _rows_again(probe, est)
    try:
        found = _collected(probe, est, rows)
    except StepFailedError as failure:
        text = f"can't be run: {_brief(failure.error)}"
        failed = Deviation(path=failure.path, method=failure.method, text=text, relative=np.inf)
        whole = _whole_rows(rows) if probe.source == "statistics" else None
        if whole is None:
            return Replay(deviations=(failed,))
        try:
            found = _collected(probe, est, _taken(rows, whole))
        except StepFailedError:
            return Replay(deviations=(failed,))  # it can't be run on any rows
        kept = [some_rows(output, whole, _count(rows)) for output in probe.outputs]
        rest = _judged(replace(probe, outputs=tuple(filter(None, kept))), est, found, rtol)
        return rest if rest.deviations else replace(rest, refused=f"{failed.place} {text}")
    return _judged(probe, est, found, rtol)


def _rows_again(probe: Probe, est: Any) -> Any:
    """Return the rows of a probe: from the lock, or made anew."""
    if probe.rows is not None:
        try:
            return decoded_rows(probe.rows)
        except MissingDependencyError as error:
            raise Undecided(str(error)) from None
    rows = _made(est, probe.variant)
    try:
        known = rows is not None and are_locked(encoded_rows(rows), probe.digest)
    except TypeError:
        known = False
    if not known:
        raise Undecided("the rows of its probe are not in the lock, and those made of it here are others")
    return rows


def _collected(probe: Probe, est: Any, rows: Any) -> list[tuple[Output, Any]]:
    """Return the outputs that a probe asks for, each with its value."""
    asked: dict[str, list[str]] = {}
    for output in probe.outputs:
        name = output.method.partition("[")[0]  # of several targets each has an output of its own
        if name not in asked.setdefault(output.path, []):
            asked[output.path].append(name)
    found: list[tuple[Output, Any]] = []
    with quietly():
        for place, method, value in walk(est, rows, probe.path, asked=asked):
            for i, output in enumerate(outputs_of(place, method, value)):
                found.append((output, value if output.method == method else value[i]))
    return found


def _judged(probe: Probe, est: Any, found: Sequence[tuple[Output, Any]], rtol: float | None) -> Replay:
    """Compare outputs with those that were locked."""
    expected = {(output.path, output.method): output for output in probe.outputs}
    deviations: list[Deviation] = []
    labels: list[tuple[Deviation, Output, Output]] = []
    agreed: dict[str, dict[str, Any]] = {}
    for output, value in found:
        before = expected.pop((output.path, output.method), None)
        if before is None:
            continue  # a later version offers more
        deviation = compare_outputs(before, output, rtol)
        if deviation is None:
            agreed.setdefault(output.path, {})[output.method] = value
        else:
            deviations.append(deviation)
            labels += [(deviation, before, output)] if output.method == "predict" else []
    ties: list[str] = []
    members = {place: leaf for place, leaf, _ in leaves(est, probe.path)} if labels else {}
    for deviation, before, output in labels:
        said = tied(before, output, agreed.get(output.path, {}), members.get(output.path), rtol)
        if said is not None:
            deviations.remove(deviation)
            ties.append(f"{deviation.place} {said}")
    for output in expected.values():
        text = "gave an output when it was locked, and gives none now"
        deviations.append(Deviation(path=output.path, method=output.method, text=text, relative=np.inf))
    return Replay(deviations=tuple(deviations), ties=tuple(ties))


def _count(rows: Any) -> int:
    return int(rows.shape[0]) if hasattr(rows, "shape") else len(rows)


def _whole_rows(rows: Any) -> np.ndarray | None:
    """Return which rows have no missing value; None if all have none, or none has all."""
    if hasattr(rows, "isna"):
        missing = rows.isna().to_numpy()
    elif isinstance(rows, np.ndarray) and rows.ndim == 2:
        missing = np.isnan(rows) if rows.dtype.kind == "f" else rows != rows  # noqa: PLR0124 - an object that is NaN
    else:
        return None
    whole = np.flatnonzero(~missing.astype(bool).any(axis=1))
    return whole if 0 < len(whole) < len(rows) else None


def _taken(rows: Any, at: np.ndarray) -> Any:
    return rows.iloc[at] if hasattr(rows, "iloc") else rows[at]
