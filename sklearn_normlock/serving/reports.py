"""The report of a shadow: its status in exact numbers, and the report of a gate on the sample that it kept."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ..gates.comparison import judge
from ..gates.report import GateReport, Judgement
from ..gates.tasks import Outputs, kind_of
from .members import Member
from .tally import Tally

__all__ = ["ShadowStatus", "shadow_report"]

# The answers that are judged, if a service asked for several kinds: the first that it asked for.
_ORDER = ("predict", "predict_proba", "decision_function", "transform")


@dataclass(frozen=True)
class ShadowStatus:
    """How far the candidate was tried, in exact numbers.

    Parameters
    ----------
    calls, sampled : int
        Requests that were served, and those that the candidate was meant to see.
    compared : int
        Requests that both answered.
    rows, differing : dict of str to int
        Rows compared and rows that differ, by method.
    failures : dict of str to int
        Requests that the candidate failed in, by the class of the error.
    dropped : int
        Requests that it was not asked, because it was behind or had been given up.
    pending : int
        Requests that it is still to answer.
    seconds : dict of str to dict of str to float
        Latency of the primary and of the candidate: quantiles ``p50``, ``p95`` and ``p99`` of a sample.
    refused : str
        Why the candidate is not asked at all; empty if it is.
    """

    calls: int = 0
    sampled: int = 0
    compared: int = 0
    rows: dict[str, int] = field(default_factory=dict)
    differing: dict[str, int] = field(default_factory=dict)
    failures: dict[str, int] = field(default_factory=dict)
    dropped: int = 0
    pending: int = 0
    seconds: dict[str, dict[str, float]] = field(default_factory=dict)
    refused: str = ""

    @property
    def ok(self) -> bool:
        """Whether something was compared, all of it was equal, and the candidate never failed."""
        return self.compared > 0 and not (self.failures or self.refused or any(self.differing.values()))

    def explain(self) -> str:
        """Return it as text."""
        lines = [f"{self.compared} of {self.calls} requests compared, {self.dropped} dropped, {self.pending} pending."]
        lines += [f"  {name}: {self.differing[name]} of {rows} rows differ" for name, rows in self.rows.items()]
        lines += [f"  the candidate failed {count} times: {kind}" for kind, count in self.failures.items()]
        if self.refused:
            lines.append(f"  the candidate is not asked: {self.refused}")
        for who, found in self.seconds.items():
            lines.append(f"  {who}: " + ", ".join(f"{name} {1000 * value:.3g} ms" for name, value in found.items()))
        return "\n".join(lines)


def shadow_report(primary: Member, tally: Tally, status: ShadowStatus, limits: Any) -> GateReport:
    """Return the report of a gate on the answers that a shadow kept.

    Parameters
    ----------
    primary : Member
        The model that answered.
    tally : Tally
        What was kept.
    status : ShadowStatus
        The exact counts.
    limits : path-like, mapping or Limits
        As a gate takes them.
    """
    est = primary.estimator
    kind = kind_of(est) or "transformer"
    with tally.lock:
        methods = [*(name for name in _ORDER if name in tally.pairs), *tally.pairs]
        pairs = list(tally.pairs[methods[0]].items) if methods else []
    if pairs:
        old, new = (_outputs(methods[0], [pair[side] for pair in pairs], est) for side in (0, 1))
        kind = kind if methods[0] != "transform" else "transformer"
        report = judge(old, new, kind=kind, limits=limits)
    else:
        report = GateReport(kind=kind, rows=0, refused=status.refused or "the candidate has answered no request yet")
    failed = sum(status.failures.values())
    judgements = report.judgements
    if failed:
        asked = failed + status.compared
        kinds = ", ".join(f"{name} ({count})" for name, count in status.failures.items())
        failing = Judgement(
            metric="answered requests",
            rows=asked,
            change=-failed / asked,
            verdict="broken",
            limit="all of them",
            reason=f"the candidate failed in {failed} of {asked} requests: {kinds}",
        )
        judgements = (failing, *judgements)
    refused = report.refused or status.refused
    notes = (*report.notes, *_notes(methods[0] if methods else "", len(pairs), status))
    return replace(report, judgements=judgements, refused=refused, notes=notes, old=primary.name, new="candidate")


def _outputs(method: str, rows: list[Any], est: Any) -> Outputs:
    answers = np.array(rows)
    classes = getattr(est, "classes_", None)
    if method in ("predict_proba", "decision_function") and isinstance(classes, np.ndarray):
        if answers.ndim == 1:
            chosen = (answers > 0).astype(int)
        elif answers.shape[1] == len(classes):
            chosen = answers.argmax(axis=1)
        else:
            return Outputs(predictions=answers)
        return Outputs(predictions=classes[chosen], scores={method: answers}, classes=classes)
    return Outputs(predictions=answers)


def _notes(method: str, kept: int, status: ShadowStatus) -> Iterator[str]:
    counts: Mapping[str, int] = status.rows
    for name, rows in counts.items():
        sample = f"; judged is a sample of {kept:,} of them" if name == method and kept < rows else ""
        yield f"{name}: {status.differing[name]:,} of {rows:,} rows differ{sample}."
    if status.dropped or status.pending:
        yield f"{status.dropped:,} requests were dropped and {status.pending:,} are pending: nothing is known of them."
    for who, found in status.seconds.items():
        yield f"Latency of the {who}: " + ", ".join(f"{name} {1000 * value:.3g} ms" for name, value in found.items())
