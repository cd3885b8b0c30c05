"""Pictures of a profile and a batch: one HTML page that needs nothing else, and scikit-learn's Display convention."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import Any

import numpy as np

from ...drawing import axes
from ...errors import InputFaultError
from ..data.tables import aligned, as_table
from ..profile import Profile
from ..profiles.sketch import share_below
from ..profiles.statistics import quantiles
from .finding import Diagnosis, headline, of_each

__all__ = ["ProfileDisplay"]

SHARES = (0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
#: Up to so many deviations the scale is linear, beyond logarithmic.
_LINEAR = 3
#: Columns that a page draws and lists; of more, those that moved most.
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


def ranges(profile: Profile, X: Any = None) -> tuple[Any, Any]:
    """Return quantiles of a profile and of a batch, each (7, n_columns), in deviations; None if there is no batch."""
    scale = np.where(profile.moments.std > 0, profile.moments.std, 1.0)
    usual, batch = np.stack([profile.quantile(share) for share in SHARES]), None
    if X is not None:
        rows = aligned(profile, as_table(X)).looked_at().numbers
        batch = (quantiles(np.where(np.isfinite(rows), rows, np.nan), SHARES) - profile.mean) / scale
    return (usual - profile.mean) / scale, batch


class ProfileDisplay:
    """The columns of a profile as ranges in deviations, and a batch laid over them.

    Make one with :meth:`from_profile`.

    Parameters
    ----------
    names : sequence of str
        What is drawn, one column each.
    usual, batch : ndarray of shape (7, n_columns)
        Quantiles at 0.01, 0.05, 0.25, 0.5, 0.75, 0.95 and 0.99, in deviations from the profile's mean; ``batch`` may be
        None.

    Attributes
    ----------
    ax_ : matplotlib Axes
        Where it was drawn.
    figure_ : matplotlib Figure
        The figure.

    Examples
    --------
    >>> import sklearn_normlock as nl
    >>> from sklearn.datasets import load_wine
    >>> X = load_wine().data
    >>> profile = nl.Profile.from_data(X[::2])
    >>> display = nl.ProfileDisplay.from_profile(profile, X[1::2])  # doctest: +SKIP
    """

    def __init__(self, names: Any, usual: Any, batch: Any = None) -> None:
        self.names, self.usual, self.batch = list(names), usual, batch

    @classmethod
    def from_profile(cls, profile: Profile, X: Any = None, *, columns: Any = None, ax: Any = None) -> ProfileDisplay:
        """Draw a profile, and a batch over it.

        Parameters
        ----------
        profile : Profile
            The profile.
        X : array-like or data frame of shape (n_rows, n_columns), default=None
            A batch.
        columns : sequence of int or str, default=None
            Which to draw; the first 40 by default.
        ax : matplotlib Axes, default=None
            Where to draw.

        Returns
        -------
        display : ProfileDisplay
            With ``ax_`` and ``figure_``.

        Raises
        ------
        MissingDependencyError
            If matplotlib isn't installed.
        InputFaultError
            If X has other columns than the profile.
        """
        chosen = _positions(profile, columns)
        usual, batch = ranges(profile, X)
        names = [profile.names[j] if profile.names else str(j) for j in chosen]
        return cls(names, usual[:, chosen], None if batch is None else batch[:, chosen]).plot(ax=ax)

    def plot(self, *, ax: Any = None) -> ProfileDisplay:
        """Draw it.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; a new figure by default.

        Returns
        -------
        self : ProfileDisplay
            This display.

        Raises
        ------
        MissingDependencyError
            If matplotlib isn't installed.
        """
        count = len(self.names)
        ax = axes(ax, figsize=(8, 0.3 * count + 1.5))
        at, apart = np.arange(count), 0.0 if self.batch is None else 0.16
        for values, colour, shift, label in (
            (self.usual, "C0", -apart, "profile"),
            (self.batch, "C1", apart, "batch"),
        ):
            if values is None:
                continue
            ax.hlines(at + shift, values[0], values[6], color=colour, lw=1)
            ax.hlines(at + shift, values[2], values[4], color=colour, lw=5, alpha=0.6, label=label)
            ax.plot(values[3], at + shift, "|", color=colour, ms=8)
        # A name is no formula: what is between two dollar signs is not to be read as one.
        ax.set_yticks(at, self.names, parse_math=False)
        ax.set_ylim(count - 0.4, -0.6)
        # A unit of 1000 and a shift of 1 are both to be seen.
        ax.set_xscale("symlog", linthresh=_LINEAR)
        reach = np.nanmax(np.abs([self.usual, self.usual if self.batch is None else self.batch]), initial=_LINEAR)
        powers = np.arange(1, np.log10(reach) + 1, max(1, np.log10(reach) // 4))
        beyond = np.concatenate([[1, _LINEAR], 10**powers])
        limits = ax.get_xlim()
        ax.set_xticks([*-beyond[::-1], 0, *beyond], [f"{tick:g}" for tick in (*-beyond[::-1], 0, *beyond)])
        ax.set_xlim(limits)
        ax.set_xlabel("deviations from the profile's mean (1 %, quartiles, 99 %)")
        # Above the frame, where no range is.
        ax.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2, frameon=False)
        self.ax_, self.figure_ = ax, ax.figure
        return self


def _positions(profile: Profile, columns: Any) -> list[int]:
    if columns is None:
        return list(range(min(profile.n_features_in_, 40)))
    names = profile.names or ()
    for column in columns:
        if isinstance(column, str) and column not in names:
            raise InputFaultError(f'The profile has no column "{column}".', expected=names, actual=column)
    return [names.index(column) if isinstance(column, str) else int(column) for column in columns]


def page(profile: Profile, X: Any, found: Diagnosis, title: str = "", against: Mapping[str, str] | None = None) -> str:
    """Return the page, a whole document.

    ``title`` says what was checked; ``against`` has facts about what it was compared with: the lock, its fingerprint,
    the time.
    """
    table = aligned(profile, as_table(X)).looked_at()
    usual, batch = ranges(profile, table)
    rows = table.numbers
    names = profile.names or tuple(map(str, range(profile.n_features_in_)))
    hit = np.isin(names, list(_touched(found, profile)))
    shown = _most_moved(usual, batch, hit)
    lines = [_line(profile, rows, usual, batch, j, names[j], hit[j]) for j in shown]
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
    name, facts, text = headline(found)
    facts["rows"] += f" (profile: {profile.n_rows} rows, {profile.n_features_in_} columns)"
    if found.alarm:
        facts |= {k: _plain(v) for k, v in of_each(found).items() if k not in _TOLD}
    text = text[:1].upper() + text[1:]
    listed = "".join(f"<dt>{escape(k)}</dt><dd>{escape(v)}</dd>" for k, v in {**facts, **against}.items())
    return f'<div class="verdict{kind}"><strong>{escape(name)}</strong><p>{escape(text)}</p></div><dl>{listed}</dl>'


def _plain(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    return ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)


def _most_moved(usual: Any, batch: Any, hit: Any) -> list[int]:
    moved = np.nan_to_num(np.abs(batch - usual).max(axis=0), nan=-1.0) + 1e12 * hit
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


def _detail(profile: Profile, rows: Any, found: Diagnosis, names: tuple[str, ...]) -> str:
    """Return the distribution functions of the columns that the finding names, the first four of them."""
    drawn = [names.index(str(c)) for c in found.columns if str(c) in names][:4]
    curves = "".join(_curves(profile, rows, j, names[j]) for j in drawn)
    return curves and f"<h2>Distribution functions of the columns named</h2>{curves}"


def _curves(profile: Profile, rows: Any, j: int, name: str) -> str:
    values, shares = profile.sketches[j]
    known = np.sort(rows[np.isfinite(rows[:, j]), j])
    if not len(values) or not len(known):
        return ""
    scale = profile.std[j] if profile.std[j] > 0 else 1.0
    ends = np.array([values[0], values[-1], known[0], known[-1]])
    width, height = 460, 150

    def place(at: Any) -> Any:
        return _place((at - profile.mean[j]) / scale)

    def points(at: Any, share: Any) -> str:
        x = 10 + (place(at) - place(ends.min())) / max(np.ptp(place(ends)), 1e-9) * (width - 20)
        return " ".join(f"{a:.1f},{130 - 120 * b:.1f}" for a, b in zip(x, share, strict=True))

    some, grid = known[:: max(1, len(known) // 200)], np.unique(values)
    share = np.searchsorted(known, some, side="right") / len(known)
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
