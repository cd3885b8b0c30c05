"""Run both pipelines on the same rows, in batches, and judge what they answer."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import NotFittedError

from ..errors import GateInputError, InputFaultError, NormLockError
from ..locks.trace import Trace
from ..persistence import load
from ..probes.outputs import outputs_of
from ..probes.walk import StepFailedError, quietly, walk
from ..records.environment import versions
from .cohorts import n_rows_of, rows_at, table_of
from .comparison import judge, limits_of, metrics_of
from .report import GateReport, Judgement
from .tasks import Outputs, asked_by, kind_of, kind_of_answers
from .together import TOGETHER, kept_behind_others

BATCH = 1 << 16  # rows that both are given at a time
_TRACED = 256
_CELLS = 200_000_000  # numbers of transformed rows that are kept


def gate(
    old: Any,
    new: Any,
    X: Any,
    y: Any = None,
    *,
    cohorts: Any = None,
    metrics: Any = None,
    limits: Any = None,
    sample_weight: Any = None,
    seed: int = 0,
    reference: Any = None,
    progress: Callable[[int, int], None] | None = None,
) -> GateReport:
    """Tell whether a new pipeline may replace an old one.

    Parameters
    ----------
    old, new : estimator or path-like
        Fitted; or files with their locks beside them, which are verified first.
    X : array-like or data frame of shape (n_rows, n_columns)
        The reference rows: none of them may have been trained on.
    y : array-like of shape (n_rows,), default=None
        Right answers. Without them, only the agreement of both is judged.
    cohorts : str, callable, list or mapping, default=None
        Groups of rows that are judged by themselves: names of columns; ``("age", 5)`` for that many bins; callables of
        X that return labels; arrays of labels; ``"found"``; or a mapping of names to any of these. ``"found"`` is the
        slice of one or two columns in which the new one is worst; its level pays for the search.
    metrics : str, callable, list or mapping, default=None
        Names of scikit-learn's scorers, or scorers; besides ``agreement``, ``negative_flips`` and
        ``neg_calibration_error``, the part of the Brier score that is calibration. Those that the limits name if None,
        else ``accuracy`` for labels and ``neg_mean_absolute_error`` for numbers.
    limits : path-like, mapping or Limits, default=None
        What may drop by how much; half a point of a share or 1 % of an error if None. ``docs/gate.md`` has the form.
    sample_weight : array-like of shape (n_rows,), default=None
        Weights.
    seed : int, default=0
        The seed of what is drawn.
    reference : ReferenceSet or path-like, default=None
        What :func:`pin` made of the rows. Other rows are an error, appended ones are said.
    progress : callable, default=None
        Called with the rows that are done, and all.

    Returns
    -------
    report : GateReport
        ``report.ok``, ``report.undecided``, ``report.explain("html")``.

    Raises
    ------
    GateInputError
        If the two can't be compared on these rows.
    GateLimitsError
        If the limits can't be read.
    ReferenceMismatchError
        If the rows are not the pinned ones.
    NormLockError
        If a file is not what its lock says.

    Examples
    --------
    >>> import sklearn_normlock as nl
    >>> from sklearn.datasets import make_classification
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn.pipeline import make_pipeline
    >>> from sklearn.preprocessing import StandardScaler
    >>> X, y = make_classification(6000, random_state=0)
    >>> old = make_pipeline(StandardScaler(), LogisticRegression()).fit(X[:3000], y[:3000])
    >>> new = make_pipeline(StandardScaler(), LogisticRegression(C=0.9)).fit(X[:3000], y[:3000])
    >>> report = nl.gate(old, new, X[3000:], y[3000:])
    >>> report.ok, report.step
    (True, 'logisticregression')
    """
    limits = limits_of(limits)
    said = ""
    notes: tuple[str, ...] = ()
    if reference is not None:
        from .reference import ReferenceSet

        if not isinstance(reference, (ReferenceSet, str, os.PathLike)):
            raise GateInputError(
                f"reference is of type {type(reference).__name__}.",
                path="reference",
                remedy="Give what nl.pin(X, y) made, or the path of its manifest.",
            )
        pinned = reference if isinstance(reference, ReferenceSet) else ReferenceSet.load(reference)
        notes = pinned.check(X, y)
        said = pinned.fingerprint
    (before, before_name), (after, after_name) = _opened(old), _opened(new)
    X = table_of(X)
    rows = n_rows_of(X)
    if rows == 0:
        raise GateInputError("There are no rows to judge by.", path="X", remedy="Give a reference set with rows.")
    kind = _same_kind(before, after)
    method = "transform" if kind == "transformer" else "predict"
    scores: Sequence[str] = ()
    if kind in ("classifier", None):
        offered = [n for n in ("predict_proba", "decision_function") if hasattr(before, n) and hasattr(after, n)]
        wanted = metrics_of(metrics, limits, "classifier", y is not None)
        scores = asked_by(list(wanted.values()), "classifier", offered, getattr(before, "classes_", None))
    answers = _answered(before, after, X, rows, (method, *scores), (before_name, after_name), progress)
    facts: dict[str, Any] = {"old": before_name, "new": after_name, "reference": said}
    some = _traced_rows(rows, None if isinstance(answers, Judgement) else answers)
    step, text, steps = _first_difference(before, after, rows_at(X, some))
    traced: dict[str, Any] = {"step": step, "step_text": text, "steps": steps}
    if isinstance(answers, Judgement):
        kind = kind or "classifier"
        return GateReport(
            kind=kind, rows=rows, level=limits.level, judgements=(answers,), notes=notes, **facts, **traced
        )
    kind = kind or kind_of_answers(answers[0].predictions, y)
    report = judge(
        *answers,
        y,
        X=X,
        cohorts=cohorts,
        metrics=metrics,
        limits=limits,
        sample_weight=sample_weight,
        seed=seed,
        kind=kind,
        found=_kept_model(before, after, X, some, answers),
    )
    return replace(report, notes=(*notes, *report.notes), **facts, **traced)


def _opened(side: Any) -> tuple[Any, str]:
    if isinstance(side, (str, os.PathLike)):
        return load(side, lock=True), str(Path(side))
    return side, type(side).__name__


def _same_kind(old: Any, new: Any) -> str | None:
    kinds = []
    for name, est in (("old", old), ("new", new)):
        if isinstance(est, type) or not (hasattr(est, "predict") or hasattr(est, "transform")):
            said = f"the class {est.__name__}" if isinstance(est, type) else f"a {type(est).__name__}"
            raise GateInputError(
                f"{name} is {said}, which neither predicts nor transforms new rows.",
                path=name,
                remedy="Give a fitted estimator, or the path of one with its lock.",
            )
        kinds.append(kind_of(est))
    if None not in kinds and kinds[0] != kinds[1]:
        raise GateInputError(
            f"old is a {kinds[0]} and new is a {kinds[1]}.",
            expected=kinds[0],
            actual=kinds[1],
            remedy="Compare two that answer the same question.",
        )
    return kinds[0] if kinds[0] is not None else kinds[1]


def _answered(
    old: Any,
    new: Any,
    X: Any,
    rows: int,
    methods: Sequence[str],
    names: tuple[str, str],
    progress: Callable[[int, int], None] | None,
) -> tuple[Outputs, Outputs] | Judgement:
    """Return what both answer; a judgement if only the new one fails."""
    parts: tuple[list[list[Any]], list[list[Any]]] = ([], [])
    for start in range(0, rows, BATCH):
        stop = min(start + BATCH, rows)
        for side, est in enumerate((old, new)):
            batch = rows_at(X, slice(start, stop))
            try:
                answers = [_plain(getattr(est, method)(_columns(est, batch))) for method in methods]
                if any(len(each) != stop - start for each in answers):
                    raise ValueError(f"{len(answers[0])} answers to {stop - start} rows")
            except GateInputError:
                raise
            except (Exception, SystemExit) as error:
                told = f"{type(error).__name__}: {error}"
                if side == 0 and isinstance(error, NormLockError) and not isinstance(error, InputFaultError):
                    raise  # the old one is not what was fitted: other rows don't help
                if side == 0:
                    raise GateInputError(
                        f"The old one ({names[0]}) can't answer these rows ({told}).",
                        path="X",
                        remedy="Give a fitted one."
                        if isinstance(error, NotFittedError)
                        else "Give rows with the columns that it was fitted on.",
                    ) from error
                return Judgement(
                    metric="answers",
                    rows=rows,
                    change=-1.0,
                    verdict="broken",
                    limit="an answer to each row",
                    reason=f"the new one ({names[1]}) fails on rows that the old one answers ({told})",
                )
            parts[side].append(answers)
            if sum(each[0].size for each in parts[side]) > _CELLS:
                raise GateInputError(
                    f"Their answers are of more than {_CELLS:,} numbers.", remedy="Give fewer reference rows."
                )
        if progress is not None:
            progress(stop, rows)
    made = []
    for est, each in zip((old, new), parts, strict=True):
        columns = [np.concatenate(values) for values in zip(*each, strict=True)]
        scores = dict(zip(methods[1:], columns[1:], strict=True))
        classes = getattr(est, "classes_", None)
        made.append(
            Outputs(predictions=columns[0], scores=scores, classes=None if isinstance(classes, list) else classes)
        )
    return made[0], made[1]


def _columns(est: Any, rows: Any) -> Any:
    """Return rows as an estimator was fitted on them: without further columns (of cohorts), or without names."""
    if not hasattr(type(rows), "columns"):
        return rows
    wanted = getattr(est, "feature_names_in_", None)
    if wanted is None:
        return rows.to_numpy() if getattr(est, "n_features_in_", None) == len(rows.columns) else rows
    if len(rows.columns) <= len(wanted) or not set(wanted) < set(rows.columns):
        return rows
    return rows[list(wanted)]


def _plain(values: Any) -> Any:
    if hasattr(values, "toarray"):
        return values.toarray()
    if isinstance(values, list) and values and hasattr(values[0], "shape"):
        raise GateInputError(
            "Probabilities of several outputs can't be judged together.",
            remedy="Judge them by labels: metrics='accuracy'.",
        )
    return np.asarray(values.to_numpy() if hasattr(values, "to_numpy") else values)


def _differing(answers: tuple[Outputs, Outputs], rows: int) -> NDArray[np.bool_] | None:
    """Return which rows both predict otherwise; None if their predictions are of other shapes."""
    before, after = (each.predictions for each in answers)
    if before.shape != after.shape:
        return None
    differing = np.asarray(before != after)  # one value if texts are beside numbers, before NumPy 2
    return np.asarray(np.broadcast_to(differing, before.shape).reshape(rows, -1).any(axis=1))


def _traced_rows(rows: int, answers: tuple[Outputs, Outputs] | None) -> NDArray[np.intp]:
    """Return a few rows, such as differ among them."""
    differing = None if answers is None else _differing(answers, rows)
    differs = np.empty(0, np.intp) if differing is None else np.flatnonzero(differing)[: _TRACED // 2]
    return np.union1d(differs, np.linspace(0, rows - 1, min(rows, _TRACED - len(differs))).astype(int))


def _first_difference(old: Any, new: Any, some: Any) -> tuple[str | None, str, tuple[str, ...]]:
    """Return the first step that puts out something else, on a few rows; how much; and the steps of the old one."""
    try:
        (one, _), (two, failed) = (_traced(est, some) for est in (old, new))
        found = one.diff(two)
    except (Exception, SystemExit) as error:  # a step that can't be traced is no reason not to judge its answers
        return None, f"The steps could not be traced ({type(error).__name__}: {error}).", ()
    steps = tuple(dict.fromkeys(output.path or type(old).__name__ for output in one.outputs))
    whole = {(output.path, output.method) for output in two.outputs}
    for first in found.deviations:
        if failed is None or (first.path, first.method) in whole:
            return first.path or type(old).__name__, first.text, steps
    if failed is not None:
        return failed.path or type(new).__name__, f"it fails: {type(failed.error).__name__}: {failed.error}", steps
    return None, "", steps


def _kept_model(
    old: Any, new: Any, X: Any, some: NDArray[np.intp], answers: tuple[Outputs, Outputs]
) -> tuple[Judgement, ...]:
    """Return a judgement that blocks if the old model is kept behind steps that put out something else."""
    try:
        reason = kept_behind_others(old, new, (_columns(old, rows_at(X, some)), _columns(new, rows_at(X, some))))
    except (Exception, SystemExit):  # a step that can't be run by itself is no reason not to judge the answers
        return ()
    if not reason:
        return ()
    rows = n_rows_of(X)
    differing = _differing(answers, rows)
    return (
        Judgement(
            metric=TOGETHER,
            rows=rows,
            change=-1.0 if differing is None else -float(differing.mean()),
            verdict="broken",
            limit="a model that is kept gets the same values",
            reason=reason,
        ),
    )


def _traced(est: Any, rows: Any) -> tuple[Trace, StepFailedError | None]:
    """Return what each step puts out, up to the one that fails."""
    outputs: list[Any] = []
    failed = None
    try:
        with quietly():
            for path, method, value in walk(est, _columns(est, rows)):
                outputs += outputs_of(path, method, value)
    except StepFailedError as failure:
        failed = failure
    return Trace(outputs=tuple(outputs), environment=versions()), failed
