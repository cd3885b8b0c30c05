"""Compare answers that were given: estimates by metric and cohort, then the answer to each limit."""

from __future__ import annotations

import datetime
import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import GateInputError, GateLimitsError
from .answers import Answers, answers_of, shifts_of
from .cohorts import Partition, partitions, table_of
from .estimates import estimate
from .limits import Limits
from .report import Flips, GateReport, Judgement
from .slices import search
from .statistics import clopper_pearson, mcnemar
from .tasks import Outputs, default_metrics
from .verdicts import Case, judged

__all__ = ["Outputs", "judge"]


def judge(
    old: Outputs,
    new: Outputs,
    y: Any = None,
    *,
    X: Any = None,
    cohorts: Any = None,
    metrics: Any = None,
    limits: Any = None,
    sample_weight: Any = None,
    seed: int = 0,
    kind: str | None = None,
    today: datetime.date | None = None,
    found: Sequence[Judgement] = (),
) -> GateReport:
    """Judge two sets of answers to the same rows.

    Parameters
    ----------
    old, new : Outputs
        The answers, in the same order.
    y : array-like of shape (n_rows,) or (n_rows, n_outputs), default=None
        The right answers, if they are known.
    X : array-like or data frame of shape (n_rows, n_columns), default=None
        The rows; only cohorts that are columns or callables need them.
    cohorts, metrics, limits, sample_weight, seed
        As :func:`sklearn_normlock.gate` takes them.
    kind : str, default=None
        The kind of task, as in :class:`GateReport`; made out from the answers if None.
    today : date, default=None
        The day on which waivers are looked at.
    found : sequence of Judgement, default=()
        Judgements of the estimators themselves; waivers count for them, too.

    Returns
    -------
    report : GateReport
        Without a trace: nothing is run here.

    Raises
    ------
    GateInputError
        If they can't be compared.
    """
    limits = limits_of(limits)
    X = table_of(X)
    try:
        np.random.default_rng(seed)
    except (TypeError, ValueError) as error:
        raise GateInputError(f"seed is {seed!r}: {error}.", path="seed", remedy="Give a whole number.") from None
    given = answers_of(old, new, y, sample_weight, kind, limits.margin)
    scorers = metrics_of(metrics, limits, given.kind, y is not None)
    parts, searched = partitions(cohorts, X, given.n_rows)
    if searched and given.harm is None:
        raise GateInputError(
            "Slices are found where answers got worse, and there are no right answers.",
            path="cohorts",
            remedy="Give y, or name the cohorts.",
        )
    report = GateReport(kind=given.kind, rows=given.n_rows, level=limits.level, flips=_flips(given, limits.level))
    if given.not_finite:
        return replace(report, judgements=(_not_finite(given), *found))
    everything = np.arange(given.n_rows)
    cases = [_case(given, name, scorer, "", everything, limits, seed) for name, scorer in scorers.items()]
    too_small: dict[str, int] = {}
    for cohort, rows in _cohorts(parts):
        if len(rows) < limits.min_rows and cohort not in limits.cohort:
            too_small[cohort] = len(rows)
            continue
        cases += [_case(given, name, scorer, cohort, rows, limits, seed) for name, scorer in scorers.items()]
    notes = list(_notes(given, parts, limits))
    slices, unsearched = None, ""
    if searched:
        assert given.harm is not None
        drop = _share_allowed(limits)
        slices = search(X, given.harm, limits.min_rows, drop, _names_and_sizes(parts))
        notes += [f"Search of slices: {each}." for each in slices.unsearched]
        if slices.worst is not None:
            for name, scorer in scorers.items():
                case = _case(given, name, scorer, slices.worst.name, slices.worst.rows, limits, seed)
                cases.append(replace(case, cohort=f"found: {case.cohort}", slice=slices.worst))
            notes.append(
                f"{slices.worst.name} is the worst of {len(slices.shares):,} slices. It blocks if a loss of more than "
                f"{drop:.2%} is proved at a level that pays for the search. Slices vary {slices.dispersion:.2g} times "
                "as much as independent flips would let them."
            )
        elif len(slices.shares):
            notes.append("No slice was found: no row of a large enough slice got worse.")
        else:
            unsearched = f"slices were to be searched, and none has {limits.min_rows} rows"
    judgements, more = judged(cases, limits, today or datetime.date.today(), slices, found)
    refused = unsearched or _refused(parts, too_small, judgements)
    return replace(
        report,
        judgements=tuple(judgements),
        shifts=shifts_of(given),
        too_small=too_small,
        refused=refused,
        notes=(*notes, *more),
    )


def limits_of(limits: Any) -> Limits:
    """Return limits from what a user gives: none, a path, a mapping, or limits."""
    if limits is None:
        return Limits()
    if isinstance(limits, Limits):
        return limits
    if isinstance(limits, (str, os.PathLike)):
        return Limits.load(limits)
    if not isinstance(limits, Mapping):
        raise GateLimitsError(f"limits is {limits!r}; it should be a path, a mapping or Limits.", actual=limits)
    return Limits.from_dict(limits)


def metrics_of(metrics: Any, limits: Limits, kind: str, has_y: bool) -> dict[str, Any]:
    """Return the metrics by their names; those that limits name are among them."""
    if metrics is None:
        named: dict[str, Any] = {name: name for name in (limits.metrics() or default_metrics(kind, has_y))}
    elif isinstance(metrics, Mapping):
        named = {str(name): scorer for name, scorer in metrics.items()}
    else:
        if not isinstance(metrics, (str, list, tuple, set)) and not callable(metrics):
            raise GateInputError(
                f"metrics is {metrics!r}.", path="metrics", actual=metrics, remedy="Name scorers, or give a mapping."
            )
        listed = [metrics] if isinstance(metrics, str) or callable(metrics) else list(metrics)
        named = {each if isinstance(each, str) else getattr(each, "__name__", repr(each)): each for each in listed}
    for name in limits.metrics():
        named.setdefault(name, name)
    if not named:
        raise GateInputError(
            "There is no metric to judge by.", path="metrics", remedy="Name one, or leave metrics out."
        )
    wanting = [name for name in named if name != "agreement"]
    if wanting and not has_y:
        raise GateInputError(
            f"{wanting[0]} needs right answers, and y is None.",
            path="metrics",
            actual=wanting[0],
            remedy="Give y, or judge by agreement alone.",
        )
    if wanting and kind not in ("classifier", "regressor"):
        raise GateInputError(
            f"{wanting[0]} can't be judged: a {kind} has no right answers, only agreement.",
            path="metrics",
            actual=wanting[0],
            remedy='Leave y out, and judge by metrics="agreement".',
        )
    return named


def _cohorts(parts: Sequence[Partition]) -> Iterator[tuple[str, NDArray[np.intp]]]:
    for part in parts:
        yield from ((name, rows) for name, rows in part if len(rows))


def _names_and_sizes(parts: Sequence[Partition]) -> set[tuple[str, int]]:
    return {(name, len(rows)) for name, rows in _cohorts(parts)}


def _share_allowed(limits: Limits) -> float:
    """Return the share of rows that a cohort may lose: what its limit says of accuracy, or 0."""
    limit = limits.on("accuracy", "found")
    return 0.0 if limit is None or limit.max_drop is None or limit.relative else limit.max_drop


# -- estimates ---------------------------------------------------------------------------------------------------------


def _case(
    given: Answers, metric: str, scorer: Any, cohort: str, rows: NDArray[np.intp], limits: Limits, seed: int
) -> Case:
    limit = limits.on(metric, cohort)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a metric that is not defined on some rows is undecided, and says so
        try:
            old, new, found = estimate(given, scorer, rows, seed)
        except GateInputError:
            raise
        except Exception as error:  # a scorer of the user's, on rows that it does not take
            problem = f"it can't be computed ({type(error).__name__}: {error})"
            return Case(cohort, metric, len(rows), None, None, None, limit, problem)
    if not np.isfinite(found.change):
        return Case(cohort, metric, len(rows), None, None, None, limit, "it is not defined on these rows")
    return Case(cohort, metric, len(rows), old, new, found, limit)


def _flips(given: Answers, level: float) -> Flips | None:
    if given.harm is None:
        return None
    worse, better = int((given.harm > 0).sum()), int((given.harm < 0).sum())
    low, high = clopper_pearson(worse, given.n_rows, (1 - level) / 2)
    right = wrong = None
    if given.right is not None:
        right = int((given.right[0] & given.right[1]).sum())
        wrong = given.n_rows - right - worse - better
    p_value = min(1.0, 2 * min(mcnemar(worse, better), mcnemar(better, worse)))
    return Flips(
        rows=given.n_rows,
        negative=worse,
        positive=better,
        low=low,
        high=high,
        p_value=p_value,
        kept_right=right,
        kept_wrong=wrong,
        margin=None if given.right is not None else given.margin,
    )


def _not_finite(given: Answers) -> Judgement:
    rows = given.not_finite
    return Judgement(
        metric="finite answers",
        rows=given.n_rows,
        change=-rows / given.n_rows,
        verdict="broken",
        limit="as many as before",
        reason=f"the new one puts out NaN or infinity in {rows} rows where the old one has numbers",
    )


def _refused(parts: Sequence[Partition], too_small: Mapping[str, int], judgements: Sequence[Judgement]) -> str:
    if parts and not any(each.cohort and not each.cohort.startswith("found: ") for each in judgements):
        return f"cohorts were asked for, and each is too small to be judged ({', '.join(list(too_small)[:5])})"
    return ""


def _notes(given: Answers, parts: Sequence[Partition], limits: Limits) -> Iterator[str]:
    known = {name for part in parts for name in part.names}
    for name in limits.cohort:
        if name not in known:
            yield f"There are limits for the cohort {name!r}, and no such cohort was made."
    if given.weight is not None:
        yield f"Rows are weighted: they count as {given.effective(np.arange(given.n_rows)):,.0f} equal ones."
