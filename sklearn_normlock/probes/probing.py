"""Probes: make them when an object is locked, and see later whether it still does the same.

The whole object is probed with rows for its first steps, and each step that doesn't see these rows as they are with
rows of its own. The rows of the whole are kept, so that another object can be compared by its outputs; those of a step
are made again from its statistics, which are the same if its state is.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..errors import MissingDependencyError, NormLockError
from .outputs import Deviation, compare_outputs, outputs_of
from .parts import Output, Probe
from .rows import LARGEST, decoded_rows, encoded_rows, rows_digest
from .synthesis import VARIANTS, rows_for
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
            reason = str(error)
            continue
        try:
            outputs, again = _run(est, rows, path), _run(est, decoded_rows(document), path)
        except StepFailedError as failure:
            if isinstance(failure.error, NormLockError):
                raise failure.error from None  # a sealed object that is not what was fitted is not approved
            if X is not None:
                raise NormLockError(
                    f"The rows can't be run through the object: {_brief(failure.error).removesuffix('.')}.",
                    path=failure.path,
                    remedy="Give rows of the kind that it is for, or none.",
                ) from None
            reason = f"it could not be run on rows made for it: {_brief(failure.error)}"
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
    count = X.shape[0] if hasattr(X, "shape") else len(X)
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


def run_probe(probe: Probe, est: Any, rtol: float | None = None) -> list[Deviation]:
    """Put the rows of a probe through an object again.

    Parameters
    ----------
    probe : Probe
        From a lock.
    est : estimator
        The one that stands where the probe's path says.
    rtol : float, default=None
        As in :func:`~sklearn_normlock.probes.outputs.compare_outputs`.

    Returns
    -------
    deviations : list of Deviation
        In the order of the steps; empty if all is as it was.

    Raises
    ------
    Undecided
        If its rows can't be had, or it has none.
    """
    if probe.left_out is not None:
        raise Undecided(probe.left_out)
    if not probe.outputs:
        return []
    if probe.rows is not None:
        try:
            rows = decoded_rows(probe.rows)
        except MissingDependencyError as error:
            raise Undecided(str(error)) from None
    else:
        rows = _made(est, probe.variant)
        try:
            known = rows is not None and rows_digest(encoded_rows(rows)) == probe.digest
        except TypeError:
            known = False
        if not known:
            raise Undecided("the rows of its probe are not in the lock, and those made of it here are others")
    expected = {(output.path, output.method): output for output in probe.outputs}
    asked: dict[str, list[str]] = {}
    for place, method in expected:
        name = method.partition("[")[0]  # of several targets each has an output of its own
        if name not in asked.setdefault(place, []):
            asked[place].append(name)
    deviations: list[Deviation] = []
    try:
        with quietly():
            for place, method, value in walk(est, rows, probe.path, asked=asked):
                for output in outputs_of(place, method, value):
                    before = expected.pop((output.path, output.method), None)
                    if before is None:
                        continue  # a later version offers more
                    deviation = compare_outputs(before, output, rtol)
                    if deviation is not None:
                        deviations.append(deviation)
    except StepFailedError as failure:
        text = f"can't be run: {_brief(failure.error)}"
        deviations.append(Deviation(path=failure.path, method=failure.method, text=text, relative=np.inf))
        return deviations
    for output in expected.values():
        text = "gave an output when it was locked, and gives none now"
        deviations.append(Deviation(path=output.path, method=output.method, text=text, relative=np.inf))
    return deviations
