"""A gate report in words: for a terminal, a program, a review comment, a workflow's annotations."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from ..documents.rendering import escaped, html_table, spelled_out

if TYPE_CHECKING:
    from .report import Flips, GateReport, Judgement

_SHOWN = 30  # judgements that are listed, worst first
_WORDS = {"match": "MAY REPLACE", "mismatch": "MUST NOT REPLACE", "undecided": "UNDECIDED"}
_ORDER = ("broken", "undecided", "waived", "kept", "told")


def verdict(report: GateReport) -> str:
    """Return the first line: the answer."""
    both = f"{report.new or 'the new one'} against {report.old or 'the old one'}"
    count = len(report.broken) or len(report.undecided)
    noun = f" ({count} limit{'s' * (count != 1)})" if report.answer != "match" and count else ""
    return f"{_WORDS[report.answer]}{noun}: {both}, {_counted(report.rows)}"


def _counted(count: int) -> str:
    return f"{count:,} row{'s' * (count != 1)}"


def judgement_line(each: Judgement) -> str:
    """Return one judgement in a line."""
    return f"{each.verdict:9} {each.where}: {numbers(each)}" + (f"; {each.reason}" if each.reason else "")


def numbers(each: Judgement) -> str:
    """Return the values of a judgement, and the interval of the change."""
    if each.change != each.change:
        return _counted(each.rows)
    paired = each.old is None or each.new is None
    values = f"{each.change:.4g}" if paired else f"{each.old:.4g} → {each.new:.4g} ({each.change:+.2g})"
    between = "" if each.low is None or each.high is None else f", {each.low:+.2g} to {each.high:+.2g}"
    if paired and between:
        between = f", {each.low:.4g} to {each.high:.4g}"
    return f"{values}{between}, {_counted(each.rows)}"


def sorted_judgements(report: GateReport) -> list[Judgement]:
    """Return the judgements, worst first."""
    return sorted(report.judgements, key=lambda each: (_ORDER.index(each.verdict), bool(each.cohort), each.change))


def flips_line(flips: Flips) -> str:
    """Return the flips in a line."""
    if flips.margin is None:
        said = f"{_counted(flips.negative)} went from right to wrong, {flips.positive:,} from wrong to right"
    else:
        grown = f"the error of {_counted(flips.negative)} grew by more than {flips.margin:.3g}"
        said = f"{grown}, of {flips.positive:,} it shrank"
    return f"{said} ({flips.rate:.2%}, {flips.low:.2%} to {flips.high:.2%} negative; McNemar p = {flips.p_value:.2g})"


def details(report: GateReport) -> Iterator[str]:
    """Yield what follows the first line."""
    for each in sorted_judgements(report)[:_SHOWN]:
        yield judgement_line(each)
    if len(report.judgements) > _SHOWN:
        yield f"… and {len(report.judgements) - _SHOWN} more"
    yield from facts(report)


def facts(report: GateReport) -> Iterator[str]:
    """Yield what there is to say beside the judgements."""
    if report.refused:
        yield f"not judged: {report.refused}"
    if report.flips is not None:
        yield f"flips: {flips_line(report.flips)}"
    if report.step is not None:
        yield f"first step that differs: {report.step} ({report.step_text})"
    elif report.step_text:
        yield report.step_text
    if report.too_small:
        shown = ", ".join(f"{name} ({rows})" for name, rows in list(report.too_small.items())[:8])
        more = f" and {len(report.too_small) - 8} more" if len(report.too_small) > 8 else ""
        yield f"too small to be judged: {shown}{more}"
    yield f"reference set: {report.reference}" if report.reference else "reference set: not pinned"
    yield from report.notes


def _text(report: GateReport) -> str:
    return spelled_out("\n".join([verdict(report), *(f"  {line}" for line in details(report))]))


def _json(report: GateReport) -> str:
    return json.dumps(report.to_dict(), sort_keys=True)


def _github(report: GateReport) -> str:
    level = {"match": "notice", "mismatch": "error", "undecided": "warning"}[report.answer]
    shown = [each for each in sorted_judgements(report) if each.verdict in ("broken", "undecided")][:_SHOWN]
    lines = [verdict(report), *map(judgement_line, shown), *facts(report)]
    return f"::{level} title=normlock gate::{escaped(chr(10).join(lines))}"


_HEADERS = ("verdict", "metric", "cohort", "rows", "old", "new", "change", "interval", "why")


def _rows(report: GateReport) -> Iterator[list[str]]:
    """Yield the cells of a table of the judgements that are shown, the worst first."""
    for each in sorted_judgements(report)[:_SHOWN]:
        values = [f"{value:.4g}" if value is not None and value == value else "" for value in (each.old, each.new)]
        change = f"{each.change:+.3g}" if each.old is not None else f"{each.change:.4g}"
        between = "" if each.low is None or each.high is None else f"{each.low:+.3g} to {each.high:+.3g}"
        yield [each.verdict, each.metric, each.cohort or "all", f"{each.rows:,}", *values, change, between, each.reason]


def notebook(report: GateReport) -> str:
    """Return the report as a table, for a notebook."""
    left = len(report.judgements) - _SHOWN
    more = [f"and {left} more judgements"] if left > 0 else []
    return html_table(verdict(report), _HEADERS, _rows(report), "; ".join([*more, *facts(report)]))


def _markdown(report: GateReport) -> str:
    mark = {"match": "✅", "mismatch": "❌", "undecided": "⚠️"}[report.answer]
    lines = [f"### {mark} {_cell(verdict(report))}", "", f"| {' | '.join(_HEADERS)} |"]
    lines += ["|---|---|---|---:|---:|---:|---:|---|---|"]
    lines += [f"| {' | '.join(map(_cell, row))} |" for row in _rows(report)]
    if len(report.judgements) > _SHOWN:
        lines += ["", f"… and {len(report.judgements) - _SHOWN} more."]
    return "\n".join([*lines, "", *(f"* {_cell(fact)}" for fact in facts(report))])


def _cell(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace("|", "\\|").replace("\n", " ")


def _html(report: GateReport) -> str:
    from .page import page

    return page(report)


STYLES: dict[str, Callable[[GateReport], str]] = {
    "text": _text,
    "json": _json,
    "markdown": _markdown,
    "github": _github,
    "html": _html,
}
