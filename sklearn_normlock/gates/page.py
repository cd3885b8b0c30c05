"""A gate report as one HTML page with pictures; it needs no script, no font and no file from elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from ..documents.pages import html_page, key, range_bar, table
from .explain import facts, numbers, sorted_judgements, verdict
from .report import Flips, GateReport, Judgement, Shift

_ROWS = 200  # judgements in the table
_DRAWN = 40  # judgements in a picture
_STYLE = """
.panels { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(22rem, 100%), 1fr)); gap: 1.5rem;
  margin: 1.5rem 0; }
section { min-width: 0; } .wide { margin: 1.5rem 0; } td.why { white-space: normal; }
td.cohort { white-space: normal; overflow-wrap: anywhere; min-width: 8rem; }
tr.broken td:first-child { color: var(--bad); font-weight: 600; } tr.kept td:first-child { color: var(--good); }
tr.undecided td:first-child, tr.waived td:first-child { color: var(--unsure); font-weight: 600; }
tr.told td:first-child { color: var(--soft); }
.matrix { display: grid; grid-template-columns: max-content 1fr 1fr; gap: .3rem; max-width: 26rem; }
.matrix div { padding: .5rem .6rem; text-align: center; border-radius: .3rem; }
.matrix .cell { background: var(--panel); font-size: 1.15rem; font-variant-numeric: tabular-nums; }
.matrix .cell small { display: block; font-size: .8rem; color: var(--soft); }
.matrix .worse { box-shadow: inset 0 0 0 2px var(--bad); } .matrix .better { box-shadow: inset 0 0 0 2px var(--good); }
.matrix .head { color: var(--soft); align-self: center; }
ol.steps { display: flex; flex-wrap: wrap; gap: .4rem; list-style: none; padding: 0; margin: .4rem 0; }
ol.steps li { border: 1px solid var(--line); border-radius: 1rem; padding: .1rem .7rem; overflow-wrap: anywhere; }
ol.steps li.first { border-color: var(--bad); color: var(--bad); font-weight: 600; }
ol.steps li.after { border-style: dashed; color: var(--soft); }
"""


def page(report: GateReport) -> str:
    """Return the page.

    Parameters
    ----------
    report : GateReport
        What is shown.

    Returns
    -------
    html : str
        A whole document.
    """
    title = f"{report.new or 'the new one'} against {report.old or 'the old one'}"
    said = "".join(f"<li>{escape(fact)}</li>" for fact in facts(report))
    panels = [_flips(report.flips, report.level), _shifts(report.shifts), _steps(report)]
    metrics = dict.fromkeys(each.metric for each in report.judgements)
    pictures = f'<div class="panels">{"".join(_intervals(metric, report.judgements) for metric in metrics)}</div>'
    body = f'<div class="panels">{"".join(panels)}</div>\n{pictures}\n{_table(report)}'
    return html_page(f"normlock gate: {title}", report.answer, verdict(report), f"<ul>{said}</ul>", body, _STYLE)


def _flips(flips: Flips | None, level: float) -> str:
    if flips is None:
        return ""

    def cell(count: int | None, kind: str, word: str) -> str:
        share = "" if count is None or not flips.rows else f"<small>{word} {count / flips.rows:.2%}</small>"
        return f'<div class="cell {kind}">{"" if count is None else f"{count:,}"}{share}</div>'

    if flips.margin is None:
        body = (
            '<div class="head"></div><div class="head">new right</div><div class="head">new wrong</div>'
            f'<div class="head">old right</div>{cell(flips.kept_right, "", "")}'
            f"{cell(flips.negative, 'worse', 'lost')}"
            f'<div class="head">old wrong</div>{cell(flips.positive, "better", "won")}'
            f"{cell(flips.kept_wrong, '', '')}"
        )
    else:
        rest = flips.rows - flips.negative - flips.positive
        body = "".join(
            f'<div class="head">{head}</div>{cell(count, kind, "")}<div></div>'
            for head, count, kind in (
                ("error grew", flips.negative, "worse"),
                ("error shrank", flips.positive, "better"),
                ("neither", rest, ""),
            )
        )
    note = (
        f"{level:.0%} interval of what was lost: {flips.low:.2%} to {flips.high:.2%}; McNemar p = {flips.p_value:.2g}"
    )
    more = "" if flips.margin is None else f" An error counts if it changed by more than {flips.margin:.3g}."
    return f'<section><h2>Flips</h2><div class="matrix">{body}</div><p class="soft">{escape(note)}.{more}</p></section>'


def _shifts(shifts: Sequence[Shift]) -> str:
    if not shifts:
        return ""
    shares = all(len(each.old) == 1 for each in shifts)
    width, left, height = 360, 96, 34
    if shares:
        most = max(max(each.old[0], each.new[0]) for each in shifts) or 1.0
        least = 0.0
    parts = []
    for i, each in enumerate(shifts):
        y = i * height
        name = escape(each.output if len(each.output) < 14 else each.output[:12] + "…")
        parts.append(f'<text x="0" y="{y + 20}">{name}<title>{escape(each.output)}</title></text>')
        if not shares:
            least, most = min(each.old[0], each.new[0]), max(each.old[-1], each.new[-1])
        span = (width - left - 56) / ((most - least) or 1.0)
        for values, at, colour in ((each.old, y + 6, "--old"), (each.new, y + 18, "--new")):
            x = [left + (value - least) * span for value in values]
            if shares:
                parts.append(
                    f'<rect x="{left}" y="{at}" width="{x[0] - left:.1f}" height="9" fill="var({colour})"/>'
                    f'<text class="soft" x="{x[0] + 5:.1f}" y="{at + 9}">{values[0]:.2%}</text>'
                )
            else:
                parts.append(range_bar(x, at, colour))
        if not shares:
            parts.append(f'<text class="soft" x="{width - 50}" y="{y + 20}">{each.new[2]:.3g}</text>')
    what = "Share of the rows with each answer" if shares else "5, 25, 50, 75 and 95 % of the answers; new median right"
    picture = f'<svg viewBox="0 0 {width} {len(shifts) * height}" width="{width}" role="img" aria-label="{what}">'
    return (
        f"<section><h2>Answers</h2>{_KEY}{picture}{''.join(parts)}</svg>"
        f'<p class="soft">{what}.{_largest(shifts)}</p></section>'
    )


_KEY = key("old", "new")


def _largest(shifts: Sequence[Shift]) -> str:
    known = [each.largest for each in shifts if each.largest is not None]
    return f" No row moved by more than {max(known):.3g}." if known else ""


def _steps(report: GateReport) -> str:
    names = list(report.steps)
    if report.step is not None and report.step not in names:
        names.append(report.step)
    if not names:
        return ""
    first = names.index(report.step) if report.step is not None else len(names)
    classes = [" class='first'" if i == first else " class='after'" if i > first else "" for i in range(len(names))]
    items = "".join(f"<li{kind}>{escape(name)}</li>" for name, kind in zip(names, classes, strict=True))
    said = f"They differ from {report.step} on: {report.step_text}" if report.step else "No step puts out anything else"
    return f'<section><h2>Steps</h2><ol class="steps">{items}</ol><p class="soft">{escape(said)}.</p></section>'


def _intervals(metric: str, judgements: Sequence[Judgement]) -> str:
    """Draw the change of one metric, overall and by cohort, each with its interval."""
    own = [each for each in judgements if each.metric == metric and each.low is not None and each.high is not None]
    if not own:
        return ""
    shown = [each for each in own if not each.cohort]
    shown += sorted((each for each in own if each.cohort), key=lambda each: each.change)[:_DRAWN]
    paired = own[0].old is None
    low = min([each.low for each in shown if each.low is not None] + ([] if paired else [0.0]))
    high = max([each.high for each in shown if each.high is not None] + ([] if paired else [0.0]))
    width, edge, height = 360, 6, 36
    span = (width - 2 * edge) / ((high - low) or 1.0)

    def at(value: float) -> float:
        return edge + (value - low) * span

    bottom = len(shown) * height
    parts = [] if paired else [f'<line x1="{at(0):.1f}" x2="{at(0):.1f}" y1="0" y2="{bottom}" stroke="var(--line)"/>']
    colours = {"broken": "--bad", "undecided": "--unsure", "waived": "--unsure", "kept": "--good", "told": "--soft"}
    for i, each in enumerate(shown):
        assert each.low is not None and each.high is not None
        y, colour = i * height + 14, colours[each.verdict]
        name = each.cohort or "all rows"
        parts.append(
            f'<text x="0" y="{y}">{escape(_short(name))}<title>{escape(f"{name}: {numbers(each)}")}</title></text>'
            f'<line x1="{at(each.low):.1f}" x2="{at(each.high):.1f}" y1="{y + 9}" y2="{y + 9}" stroke="var({colour})" '
            f'stroke-width="2"/><circle cx="{at(each.change):.1f}" cy="{y + 9}" r="4" fill="var({colour})"/>'
            f'<text class="soft" x="{width}" y="{y}" text-anchor="end">'
            f"{each.change:{'.3g' if paired else '+.3g'}} {each.verdict}</text>"
        )
    axis = bottom + 14
    parts.append(
        f'<text class="soft" x="{at(low):.1f}" y="{axis}">{low:.2g}</text>'
        f'<text class="soft" x="{at(high):.1f}" y="{axis}" text-anchor="end">{high:.2g}</text>'
    )
    what = "share of the rows" if paired else "change of the metric; left of the line the new one is worse"
    left_out = len(own) - len(shown)
    more = f" The {left_out} best cohorts are not drawn." if left_out else ""
    return (
        f'<section><h2>{escape(metric)}</h2><p class="soft">{what}.{more}</p>'
        f'<svg viewBox="0 0 {width} {axis + 4}" width="{width}" role="img" '
        f'aria-label="{escape(metric)}">{"".join(parts)}</svg></section>'
    )


def _short(name: str) -> str:
    """Return a name that fits, without its middle: cohorts of one column differ at their end."""
    return name if len(name) < 37 else f"{name[:15]}…{name[-20:]}"


def _table(report: GateReport) -> str:
    if not report.judgements:
        return ""
    headers = {"verdict": "text", "metric": "text", "cohort": "text cohort"}
    headers |= {"rows": "", "old": "", "new": "", "change": "", "interval": "", "why": "text why"}
    rows = []
    for each in sorted_judgements(report)[:_ROWS]:
        named = [each.verdict, escape(each.metric), escape(each.cohort or "all rows"), f"{each.rows:,}"]
        values = [f"{v:.4g}" if v is not None and v == v else "" for v in (each.old, each.new, each.change)]
        between = "" if each.low is None or each.high is None else f"{each.low:.3g} to {each.high:.3g}"
        rows.append((each.verdict, [*named, *values, between, escape(each.reason)]))
    left = len(report.judgements) - _ROWS
    more = f"{left} more are not shown." if left > 0 else ""
    return f'<section class="wide"><h2>Limits</h2>{table(headers, rows, more)}</section>'
