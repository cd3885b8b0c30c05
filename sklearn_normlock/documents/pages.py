"""A whole HTML page for a browser: a verdict and what it rests on. It loads nothing: no script, no font, no picture."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape

_STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #5c6672; --line: #d8dce2; --paper: #fff; --old: #3a6ea5;
  --new: #c4700f; --bad: #b3261e; --good: #1b7f4b; --unsure: #8a6100; --panel: #f6f7f9; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e8eb; --soft: #a6afb9; --line: #3a4048; --paper: #16191d;
  --old: #7fb0e6; --new: #f0a860; --bad: #ff8a80; --good: #6fd6a0; --unsure: #e6c25c; --panel: #20242a; } }
* { box-sizing: border-box; }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); margin: 2rem auto;
  max-width: 76rem; padding: 0 1rem; }
h1 { font-size: 1.3rem; margin: 0 0 1rem; overflow-wrap: anywhere; } h2 { font-size: 1.05rem; margin: 0 0 .5rem; }
.answer { border-left: .4rem solid var(--good); background: var(--panel); padding: .8rem 1rem; border-radius: .3rem;
  overflow-wrap: anywhere; }
.answer.mismatch { border-color: var(--bad); } .answer.undecided { border-color: var(--unsure); }
.answer strong { font-size: 1.15rem; } .answer ul { margin: .4rem 0 0; padding-left: 1.2rem; }
.soft { color: var(--soft); } p { margin: .3rem 0; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .6rem; text-align: right; border-bottom: 1px solid var(--line); white-space: nowrap; }
th { font-weight: 600; } td.text, th.text { text-align: left; }
@media (max-width: 60rem) { thead { display: none; } tr { display: block; padding: .5rem 0;
  border-bottom: 1px solid var(--line); } td, td.text { display: flex; justify-content: space-between; gap: 1rem;
  border: 0; padding: .1rem 0; text-align: right; white-space: normal; } td::before { content: attr(data-name);
  color: var(--soft); font-weight: 400; } }
.scroll { overflow-x: auto; } svg { display: block; max-width: 100%; height: auto; }
text { fill: var(--ink); font: 12px system-ui, sans-serif; } text.soft { fill: var(--soft); }
.key i { display: inline-block; width: .8rem; height: .8rem; border-radius: .2rem; margin: 0 .3rem 0 1rem;
  vertical-align: -.1rem; } .key i:first-child { margin-left: 0; }
"""


def html_page(title: str, answer: str, verdict: str, said: str, body: str, style: str = "") -> str:
    """Return a page.

    Parameters
    ----------
    title : str
        Its heading.
    answer : {"match", "mismatch", "undecided"}
        The colour of the verdict.
    verdict : str
        In a few words.
    said, body : str
        HTML: what stands with the verdict, and below it.
    style : str, default=""
        Rules of the page's own.
    """
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title)}</title><style>{_STYLE}{style}</style></head><body>
<h1>{escape(title)}</h1>
<div class="answer {answer}"><strong>{escape(verdict)}</strong>{said}</div>
{body}
</body></html>"""


def table(headers: Mapping[str, str], rows: Iterable[tuple[str, Sequence[str]]], more: str = "") -> str:
    """Return a table as HTML; on a narrow screen the cells of a row stand below each other, each behind its header.

    Parameters
    ----------
    headers : dict of str to str
        The names of the columns, and the classes of their cells; ``text`` begins on the left.
    rows : iterable of (str, sequence of str)
        The class of each row, and its cells as HTML.
    more : str, default=""
        What there is to say below the table.
    """
    head = "".join(f'<th class="{kind}">{name}</th>' for name, kind in headers.items())
    body = ""
    for kind, cells in rows:
        named = zip(headers, headers.values(), cells, strict=True)
        row = "".join(f'<td class="{of}" data-name="{name}">{cell}</td>' for name, of, cell in named)
        body += f'<tr class="{kind}">{row}</tr>\n'
    below = f'<p class="soft">{more}</p>' if more else ""
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead>\n<tbody>\n{body}</tbody></table></div>{below}'


def key(old: str, new: str) -> str:
    """Return the key to the two colours, as HTML."""
    colours = f'<i style="background:var(--old)"></i>{old}<i style="background:var(--new)"></i>{new}'
    return f'<p class="key soft">{colours}</p>'


def range_bar(x: Sequence[float], y: float, colour: str) -> str:
    """Return a range as SVG, 8 high: a line between its ends, a box between its quartiles, a tick at its median."""
    return (
        f'<line x1="{x[0]:.1f}" x2="{x[4]:.1f}" y1="{y + 4}" y2="{y + 4}" stroke="var({colour})"/>'
        f'<rect x="{x[1]:.1f}" y="{y}" width="{max(x[3] - x[1], 1):.1f}" height="8" fill="var({colour})" '
        f'fill-opacity=".55"/><rect x="{x[2] - 1:.1f}" y="{y - 1}" width="2" height="10" fill="var({colour})"/>'
    )
