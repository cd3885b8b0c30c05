"""The report of a check of vectors: each fault, what it does to a search, and one of three answers.

A report is plain values and texts: it computes nothing, and turns into JSON as it is.
"""

from __future__ import annotations

import enum
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..documents.rendering import escaped, one_line
from ..locks.report import Verdict

_ROWS_SHOWN = 10
_ROWS_TOLD = 1_000  # in JSON; the object itself has them all


class Effect(enum.Enum):
    """The effect of a fault on the results of a search, from the least to the most.

    Examples
    --------
    >>> from sklearn_normlock.retrieval import Effect
    >>> [effect.value for effect in Effect]
    ['nothing', 'scores only', 'ranking changed', 'unusable']
    """

    NOTHING = "nothing"
    SCORES = "scores only"
    RANKING = "ranking changed"
    UNUSABLE = "unusable"


_ORDER = list(Effect)


@dataclass(frozen=True, kw_only=True)
class VectorFault:
    """One thing that is wrong.

    Parameters
    ----------
    name : str
        Such as ``"not_normalised"``.
    effect : Effect
        What it does, for the metric and the side that were asked about.
    text : str
        What was seen.
    remedy : str
        What to do next.
    rows : tuple of int, default=()
        The rows that have it; empty if all have it or it is not of rows.
    equals : tuple of str, default=()
        Other names that say what was seen as well.

    Examples
    --------
    >>> from sklearn_normlock.retrieval import Effect, VectorFault
    >>> VectorFault(name="not_normalised", effect=Effect.RANKING, text="lengths from 2 to 9", remedy="Normalise.").name
    'not_normalised'
    """

    name: str
    effect: Effect
    text: str
    remedy: str
    rows: tuple[int, ...] = ()
    equals: tuple[str, ...] = ()

    def describe(self) -> str:
        """Return it in one sentence or two.

        Returns
        -------
        text : str
            Without a newline at its end.
        """
        rows = ""
        if self.rows:
            shown = ", ".join(map(str, self.rows[:_ROWS_SHOWN]))
            more = f" and {len(self.rows) - _ROWS_SHOWN:,} more" if len(self.rows) > _ROWS_SHOWN else ""
            rows = f" Rows {shown}{more}."
        equals = f" It may as well be {' or '.join(self.equals)}." if self.equals else ""
        return f"{self.name} ({self.effect.value}): {self.text}.{rows}{equals} {self.remedy}"


@dataclass(frozen=True, kw_only=True)
class VectorReport:
    """The finding of a check of vectors, or of a search.

    Parameters
    ----------
    faults : tuple of VectorFault
        Those with the gravest effect first.
    undecided : tuple of str
        Why it can't be told, if nothing is wrong and the noise is too large.
    not_judged : mapping of str to str
        Faults that could not have been seen here, and why. A match is never said then.
    measures : mapping of str to float
        Figures that were measured.
    intervals : mapping of str to (float, float)
        95 % intervals of those that have one.
    n_rows : int
        How many vectors or queries were looked at.
    subject, metric, side : str
        What was looked at.
    worst : tuple of (int, float)
        The queries that suffer most, and their overlap; worst first.

    Examples
    --------
    >>> from sklearn_normlock.retrieval import VectorReport
    >>> VectorReport(n_rows=3).ok
    True
    """

    faults: tuple[VectorFault, ...] = ()
    undecided: tuple[str, ...] = ()
    not_judged: Mapping[str, str] = field(default_factory=dict)
    measures: Mapping[str, float] = field(default_factory=dict)
    intervals: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    n_rows: int = 0
    subject: str = ""
    metric: str = ""
    side: str = ""
    worst: tuple[tuple[int, float], ...] = ()

    @property
    def verdict(self) -> Verdict:
        """The answer: a match is said only if nothing is wrong and nothing was left unjudged."""
        if self.faults:
            return Verdict.MISMATCH
        return Verdict.UNDECIDED if self.undecided or self.not_judged else Verdict.MATCH

    @property
    def ok(self) -> bool:
        """Whether it is a match: neither a mismatch nor undecided."""
        return self.verdict is Verdict.MATCH

    @property
    def fault(self) -> str | None:
        """The name of the gravest fault; None if there is none."""
        return self.faults[0].name if self.faults else None

    @property
    def effect(self) -> Effect:
        """The gravest effect of all faults."""
        return max((each.effect for each in self.faults), key=_ORDER.index, default=Effect.NOTHING)

    @property
    def rows(self) -> tuple[int, ...]:
        """The rows that have a fault of rows, in order."""
        return tuple(sorted({row for fault in self.faults for row in fault.rows}))

    def explain(self, style: str = "text") -> str:
        """Say it.

        Parameters
        ----------
        style : {"text", "json", "github", "markdown"}, default="text"
            For a terminal, a program, the annotations of a GitHub workflow, or a review comment.

        Returns
        -------
        text : str
            Without a newline at its end.

        Raises
        ------
        ValueError
            If the style is another.
        """
        if style not in STYLES:
            raise ValueError(f"style is {style!r}; it must be one of {', '.join(map(repr, STYLES))}.")
        return STYLES[style](self)

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain JSON values, for a program; of very many rows the first are told.

        Returns
        -------
        document : dict
            Plain JSON values.
        """
        return {
            "ok": self.ok,
            "verdict": self.verdict.value,
            "subject": self.subject,
            "metric": self.metric,
            "side": self.side,
            "n_rows": self.n_rows,
            "effect": self.effect.value,
            "faults": [
                {
                    "name": each.name,
                    "effect": each.effect.value,
                    "text": each.text,
                    "remedy": each.remedy,
                    "n_rows": len(each.rows),
                    "rows": list(each.rows[:_ROWS_TOLD]),
                    "equals": list(each.equals),
                }
                for each in self.faults
            ],
            "undecided": list(self.undecided),
            "not_judged": dict(self.not_judged),
            "measures": {name: _finite(value) for name, value in self.measures.items()},
            "intervals": {name: [_finite(low), _finite(high)] for name, (low, high) in self.intervals.items()},
            "worst": [list(each) for each in self.worst],
        }

    def __str__(self) -> str:
        return self.explain()


def by_effect(faults: list[VectorFault]) -> tuple[VectorFault, ...]:
    """Return faults with the gravest effect first."""
    return tuple(sorted(faults, key=lambda each: -_ORDER.index(each.effect)))


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _first_line(report: VectorReport) -> str:
    subject = f"{report.subject}: " if report.subject else ""
    what = f"{report.n_rows:,} {'vector' if report.side else 'row'}{'s' * (report.n_rows != 1)}"
    place = f" on the {report.side} side" if report.side else ""
    metric = f", metric {report.metric}" if report.metric else ""
    if report.verdict is Verdict.MATCH:
        return f"{subject}match, {what}{place}{metric}"
    if report.verdict is Verdict.UNDECIDED:
        return f"{subject}CAN'T TELL, {what}{place}{metric}"
    return f"{subject}MISMATCH, {what}{place}{metric}: {report.effect.value}"


def _lines(report: VectorReport) -> list[str]:
    lines = [fault.describe() for fault in report.faults]
    lines += list(report.undecided)
    for name, value in report.measures.items():
        interval = report.intervals.get(name)
        between = f" (95 %: {interval[0]:.4g} to {interval[1]:.4g})" if interval else ""
        lines.append(f"{name}: {value:.6g}{between}")
    if report.worst:
        lines.append("worst queries: " + ", ".join(f"{row} ({overlap:.2f})" for row, overlap in report.worst))
    lines += [f"not judged, {name}: {why}" for name, why in report.not_judged.items()]
    return lines


def _text(report: VectorReport) -> str:
    return "\n".join([_first_line(report), *(f"  {one_line(line)}" for line in _lines(report))])


def _markdown(report: VectorReport) -> str:
    return "\n".join([f"**{_first_line(report)}**", "", *(f"* {one_line(line)}" for line in _lines(report))])


def _github(report: VectorReport) -> str:
    level = {Verdict.MATCH: "notice", Verdict.MISMATCH: "error", Verdict.UNDECIDED: "warning"}[report.verdict]
    return f"::{level} title=normlock::{escaped(_text(report))}"


def _json(report: VectorReport) -> str:
    return json.dumps(report.to_dict(), sort_keys=True)


STYLES: Mapping[str, Callable[[VectorReport], str]] = {
    "text": _text,
    "json": _json,
    "github": _github,
    "markdown": _markdown,
}
