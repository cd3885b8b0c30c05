"""The page that ``normlock check --format html`` writes: the finding, and a picture of each column."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from html import escape
from typing import Any

import numpy as np

from ...documents.pages import html_page, key, range_bar
from ..data.tables import aligned, as_table
from ..profile import Profile
from .finding import Diagnosis, headline, told
from .pictures import ranges

#: Columns that a page draws and lists; of more, those that moved most.
SHOWN = 60

_STYLE = """
h2 { margin-top: 2rem; } tr.named td:first-child { color: var(--bad); font-weight: 600; }
td svg { min-width: 260px; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem; margin: .5rem 0; }
dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
"""


def page(profile: Profile, X: Any, found: Diagnosis, title: str = "", against: Mapping[str, str] | None = None) -> str:
    """Return the page, a whole document.

    ``title`` says what was checked; ``against`` has facts about what it was compared with: the lock, its fingerprint,
    the time.
    """
    table = aligned(profile, as_table(X)).looked_at()
    usual, batch = ranges(profile, table)
    names = profile.names or tuple(map(str, range(profile.n_features_in_)))
    hit = np.isin(names, [str(c) for _, columns, _ in told(found) for c in columns or names])
    moved = np.nan_to_num(np.abs(batch - usual).max(axis=0), nan=-1.0) + 1e12 * hit
    shown = sorted(np.argsort(-moved)[:SHOWN].tolist())
    # Deviations are drawn as they are near the middle, and logarithmically far out.
    x = np.arcsinh(np.stack([usual, batch])[:, :, shown])
    x = 130 * (1 + 0.98 * x / np.nanmax(np.abs(x), initial=2.0))
    facts = _facts(profile, table)
    lines = []
    for i, j in enumerate(shown):
        cells = "".join(f'<td data-name="{name}">{values[j]}</td>' for name, values in facts.items())
        lines.append(
            f'<tr{" class=named" if hit[j] else ""}><td class="text" data-name="column">{escape(names[j])}</td>'
            f'<td data-name="ranges">{_bars(*x[:, :, i])}</td>{cells}</tr>\n'
        )
    left = len(names) - len(shown)
    more = f"<p class='soft'>The {len(shown)} columns that moved most; {left} more are not shown.</p>" if left else ""
    answer = "mismatch" if found.alarm else "match" if found.judged else "undecided"
    verdict, about, text = headline(found)
    about["rows"] += f" (profile: {profile.n_rows} rows, {profile.n_features_in_} columns)"
    listed = "".join(f"<dt>{escape(k)}</dt><dd>{escape(v)}</dd>" for k, v in {**about, **(against or {})}.items())
    body = f"""<dl>{listed}</dl>
<h2>Columns, in training → in this batch</h2>
<p class="key soft">{key("training", "this batch")}</p>
<p class="soft">1 % to 99 %, quartiles and median, in deviations from the mean of training, logarithmic far out</p>
<div class="scroll"><table><thead><tr><th class="text">column</th><th></th>
{"".join(f"<th>{name}</th>" for name in facts)}</tr></thead>
<tbody>
{"".join(lines)}</tbody></table></div>
{more}"""
    heading = "normlock check" + (f": {title}" if title else "")
    return html_page(heading, answer, verdict, f"<p>{escape(text[:1].upper() + text[1:])}</p>", body, _STYLE)


def _facts(profile: Profile, table: Any) -> dict[str, list[str]]:
    """Return for each column, as text, its mean, deviation and share of missing values in training and in a batch."""
    rows, gone = np.where(np.isfinite(table.numbers), table.numbers, np.nan), profile.moments.missing / profile.n_rows
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a column without a number, a batch without a row
        mean, std, now = np.nanmean(rows, axis=0), np.nanstd(rows, axis=0), np.isnan(rows).mean(axis=0)
        for j, learned in profile.categories.items():
            gone[j], now[j] = learned.missing / profile.n_rows, np.mean([v is None for v in table.categories[j]])
    of = {"mean": (profile.mean, mean, ".5g"), "deviation": (profile.std, std, ".5g"), "missing": (gone, now, ".0%")}
    return {
        name: [" → ".join("–" if v != v else f"{v:{form}}" for v in both) for both in zip(was, here, strict=True)]
        for name, (was, here, form) in of.items()
    }


def _bars(usual: Any, batch: Any) -> str:
    bars = "".join(
        range_bar(x, y, colour) for x, y, colour in ((usual, 4, "--old"), (batch, 15, "--new")) if not np.isnan(x).any()
    )
    axis = '<line x1="130" x2="130" y1="0" y2="26" stroke="var(--line)"/>'
    return f'<svg width="260" height="26" role="img" aria-label="ranges">{axis}{bars}</svg>'
