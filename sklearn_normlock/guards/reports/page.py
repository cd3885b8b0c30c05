"""A finding as one HTML page that needs nothing else: no script, no font, no picture from elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

import numpy as np

from ..data.tables import aligned, as_table
from ..profile import Profile
from ..profiles.sketch import share_below
from .display import ranges
from .finding import Diagnosis, of_each

#: Columns that are drawn and listed; of more, those that moved most.
SHOWN = 60

#: Details that the sentence tells, or that are no single fact.
_TOLD = ("each", "missing", "or", "order", "besides", "reason", "spelled", "training", "here")

_STYLE = """
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #667; --line: #d8dce2; --paper: #fff; --usual: #3a6ea5;
  --batch: #d9822b; --bad: #b3261e; --good: #1b7f4b; --panel: #f6f7f9; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e8eb; --soft: #9aa3ad; --line: #3a4048; --paper: #16191d;
  --usual: #7fb0e6; --batch: #f0a860; --bad: #ff8a80; --good: #6fd6a0; --panel: #20242a; } }
* { box-sizing: border-box; }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); margin: 2rem auto;
  max-width: 76rem; padding: 0 1rem; }
h1 { font-size: 1.3rem; margin: 0 0 1rem; } h2 { font-size: 1.05rem; margin: 2rem 0 .5rem; }
.verdict { border-left: .4rem solid var(--good); background: var(--panel); padding: .8rem 1rem; border-radius: .3rem; }
.verdict.alarm { border-color: var(--bad); } .verdict strong { font-size: 1.15rem; }
.verdict p { margin: .3rem 0 0; } .soft { color: var(--soft); }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem; margin: .5rem 0; }
dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { padding: .25rem .5rem; text-align: right; border-bottom: 1px solid var(--line); white-space: nowrap; }
th { white-space: normal; vertical-align: bottom; font-weight: 600; }
th:first-child, td:first-child { text-align: left; } tr.named td:first-child { color: var(--bad); font-weight: 600; }
.scroll { overflow-x: auto; } svg { display: block; max-width: 100%; height: auto; }
.scroll svg { max-width: none; } text { fill: var(--soft); font: 11px system-ui, sans-serif; }
@media (max-width: 40rem) { body { margin: 1rem auto; padding: 0 .6rem; } dl { grid-template-columns: 1fr; }
  dd { margin-bottom: .4rem; } h1 { overflow-wrap: anywhere; } .verdict p { overflow-wrap: anywhere; } }
.key i { display: inline-block; width: 1.6rem; height: .5rem; border-radius: .2rem; margin: 0 .3rem 0 1rem; }
"""


def page(profile: Profile, X: Any, found: Diagnosis, title: str = "", against: Mapping[str, str] | None = None) -> str:
    """Return the page, a whole document.

    ``title`` says what was checked; ``against`` has facts about what it was compared with: the lock, its fingerprint,
    the time.
    """
    table = aligned(profile, as_table(X)).looked_at()
    usual, batch = ranges(profile, table)
    rows = table.numbers
    named = _touched(found, profile)
    shown = _most_moved(profile, usual, batch, named)
    names = [profile.names[j] if profile.names else str(j) for j in range(profile.n_features_in_)]
    lines = [_line(profile, rows, usual, batch, j, names[j], names[j] in named) for j in shown]
    left = profile.n_features_in_ - len(shown)
    more = f"<p class='soft'>The {len(shown)} columns that moved most; {left} more are not shown.</p>" if left else ""
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{escape(title or "normlock check")}</title><style>{_STYLE}</style></head><body>
<h1>normlock check{": " + escape(title) if title else ""}</h1>
{_verdict(profile, found, against or {})}
<h2>Columns</h2>
<p class="key soft">1 % to 99 %, quartiles and median, in deviations from the mean of training (logarithmic beyond 3)
<i style="background:var(--usual)"></i>training<i style="background:var(--batch)"></i>this batch</p>
<div class="scroll"><table><thead><tr><th>column</th><th></th><th>mean, training</th><th>mean, batch</th>
<th>deviation, training</th><th>deviation, batch</th><th>missing, training</th><th>missing, batch</th></tr></thead>
<tbody>
{"".join(lines)}</tbody></table></div>
{more}{_detail(profile, rows, found, names)}
</body></html>"""


def _touched(found: Diagnosis, profile: Profile) -> set[str]:
    """Return the columns that a finding touches, all of them if it is of the whole table."""
    touched: set[str] = set()
    fault: Any = {"columns": found.columns, **found.details} if found.alarm else None
    while fault:
        touched |= set(map(str, fault["columns"] or profile.names or range(profile.n_features_in_)))
        fault = fault.get("besides")
    return touched


def _verdict(profile: Profile, found: Diagnosis, against: Mapping[str, str]) -> str:
    kind = " alarm" if found.alarm else ""
    name = found.fault or ("nothing can be told" if not found.judged else "no fault found")
    facts = {
        "rows": f"{found.n_rows} (profile: {profile.n_rows} rows, {profile.n_features_in_} columns)",
        "p-value": f"{found.p_value:.2g}",
    }
    if found.alarm:
        facts["columns"] = ", ".join(map(str, found.columns)) or "the whole table"
        facts |= {k: _plain(v) for k, v in of_each(found).items() if k not in _TOLD}
    facts |= against
    text = found.explain().removeprefix(f"{found.fault}: ")
    text = text[:1].upper() + text[1:]
    listed = "".join(f"<dt>{escape(k)}</dt><dd>{escape(v)}</dd>" for k, v in facts.items())
    return f'<div class="verdict{kind}"><strong>{escape(name)}</strong><p>{escape(text)}</p></div><dl>{listed}</dl>'


def _plain(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)


def _most_moved(profile: Profile, usual: Any, batch: Any, named: set[str]) -> list[int]:
    d = profile.n_features_in_
    if d <= SHOWN:
        return list(range(d))
    moved = np.nan_to_num(np.abs(batch - usual).max(axis=0), nan=-1.0)
    names = profile.names or tuple(map(str, range(d)))
    moved += 1e12 * np.array([name in named for name in names])
    return sorted(np.argsort(-moved)[:SHOWN].tolist())


def _place(values: Any) -> Any:
    """Return where deviations are drawn: as they are up to 3, logarithmically beyond."""
    size = np.abs(values)
    far = 3 + np.log10(np.maximum(size, 3) / 3) * 2
    return np.sign(values) * np.where(size <= 3, size, np.minimum(far, 9))


def _line(profile: Profile, rows: Any, usual: Any, batch: Any, j: int, name: str, hit: bool) -> str:
    known = rows[np.isfinite(rows[:, j]), j]
    total = max(profile.n_rows, 1)
    gone = profile.moments.missing[j] / total
    now = 1 - len(known) / max(len(rows), 1)
    if j in profile.categories:
        gone, now = profile.categories[j].missing / total, 0.0
    numbers = [profile.mean[j], known.mean() if len(known) else np.nan]
    numbers += [profile.std[j], known.std() if len(known) else np.nan]
    cells = "".join(f"<td>{_short(value)}</td>" for value in numbers) + f"<td>{gone:.0%}</td><td>{now:.0%}</td>"
    row = ' class="named"' if hit else ""
    return f"<tr{row}><td>{escape(name)}</td><td>{_bars(usual[:, j], batch[:, j])}</td>{cells}</tr>\n"


def _short(value: float) -> str:
    return "" if value != value else f"{value:.5g}"


def _bars(usual: Any, batch: Any) -> str:
    width, height, middle = 260, 26, 130
    parts = [f'<line x1="{middle}" x2="{middle}" y1="0" y2="{height}" stroke="var(--line)"/>']
    for values, y, colour in ((usual, 8, "--usual"), (batch, 18, "--batch")):
        if np.isnan(values).any():
            continue
        x = middle + _place(values) * (middle - 5) / 9
        parts.append(
            f'<line x1="{x[0]:.1f}" x2="{x[6]:.1f}" y1="{y}" y2="{y}" stroke="var({colour})"/>'
            f'<line x1="{x[2]:.1f}" x2="{max(x[4], x[2] + 1):.1f}" y1="{y}" y2="{y}" stroke="var({colour})" '
            f'stroke-width="6" stroke-opacity=".55"/>'
            f'<line x1="{x[3]:.1f}" x2="{x[3]:.1f}" y1="{y - 4}" y2="{y + 4}" stroke="var({colour})" stroke-width="2"/>'
        )
    return f'<svg width="{width}" height="{height}" role="img" aria-label="ranges">{"".join(parts)}</svg>'


def _detail(profile: Profile, rows: Any, found: Diagnosis, names: list[str]) -> str:
    """Return the distribution functions of the columns that the finding names, the first four of them."""
    drawn = [names.index(str(c)) for c in found.columns if str(c) in names][:4]
    curves = [_curves(profile, rows, j, names[j]) for j in drawn]
    curves = [curve for curve in curves if curve]
    return "<h2>Distribution functions of the columns named</h2>" + "".join(curves) if curves else ""


def _curves(profile: Profile, rows: Any, j: int, name: str) -> str:
    values, shares = profile.sketches[j]
    known = np.sort(rows[np.isfinite(rows[:, j]), j])
    if not len(values) or not len(known):
        return ""
    scale = profile.std[j] if profile.std[j] > 0 else 1.0
    ends = np.array([values[0], values[-1], known[0], known[-1]])
    low, high = _place((ends - profile.mean[j]) / scale).min(), _place((ends - profile.mean[j]) / scale).max()
    width, height = 460, 150

    def points(at: Any, share: Any) -> str:
        x = 10 + (_place((at - profile.mean[j]) / scale) - low) / max(high - low, 1e-9) * (width - 20)
        return " ".join(f"{a:.1f},{130 - 120 * b:.1f}" for a, b in zip(x, share, strict=True))

    step = max(1, len(known) // 200)
    some = known[::step]
    share = np.searchsorted(known, some, side="right") / len(known)
    grid = np.unique(values)
    usual = np.mean(share_below(values, shares, grid), axis=0)
    return (
        f'<svg width="{width}" viewBox="0 0 {width} {height}" role="img" aria-label="distribution of {escape(name)}">'
        f'<rect x="10" y="10" width="{width - 20}" height="120" fill="none" stroke="var(--line)"/>'
        f'<polyline points="{points(grid, usual)}" fill="none" stroke="var(--usual)" stroke-width="2"/>'
        f'<polyline points="{points(some, share)}" fill="none" stroke="var(--batch)" stroke-width="2"/>'
        f'<text x="12" y="146">{_short(float(ends.min()))}</text>'
        f'<text x="{width / 2}" y="146" text-anchor="middle">{escape(name)}</text>'
        f'<text x="{width - 12}" y="146" text-anchor="end">{_short(float(ends.max()))}</text></svg>'
    )
