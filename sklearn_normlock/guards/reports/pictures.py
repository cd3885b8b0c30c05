"""Pictures of a profile and a batch: one HTML page that needs nothing else, and scikit-learn's Display convention."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from html import escape
from typing import Any

import numpy as np

from ...documents.pages import html_page, key, range_bar
from ...drawing import Display
from ...errors import InputFaultError
from ..data.tables import aligned, as_table
from ..profile import Profile
from ..profiles.statistics import quantiles
from .finding import Diagnosis, headline, told

__all__ = ["ProfileDisplay"]

SHARES = (0.01, 0.25, 0.5, 0.75, 0.99)
_TICKS = np.array([1, 3, 10, 100, 1e3, 1e4, 1e6, 1e9, 1e12])
#: Columns that a page draws and lists; of more, those that moved most.
SHOWN = 60

_STYLE = """
h2 { margin-top: 2rem; } tr.named td:first-child { color: var(--bad); font-weight: 600; }
td svg { min-width: 260px; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem; margin: .5rem 0; }
dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
"""


def ranges(profile: Profile, X: Any = None) -> tuple[Any, Any]:
    """Return quantiles of a profile and of a batch, each (5, n_columns), in deviations; None if there is no batch."""
    scale = np.where(profile.moments.std > 0, profile.moments.std, 1.0)
    usual, batch = np.stack([profile.quantile(share) for share in SHARES]), None
    if X is not None:
        rows = aligned(profile, as_table(X)).looked_at().numbers
        rows = rows if len(rows) else np.full((1, rows.shape[1]), np.nan)
        batch = (quantiles(np.where(np.isfinite(rows), rows, np.nan), SHARES) - profile.mean) / scale
    return (usual - profile.mean) / scale, batch


class ProfileDisplay(Display):
    """The columns of a profile as ranges in deviations, and a batch laid over them.

    Make one with :meth:`from_profile`.

    Parameters
    ----------
    names : sequence of str
        What is drawn, one column each.
    usual, batch : ndarray of shape (5, n_columns)
        Quantiles at 0.01, 0.25, 0.5, 0.75 and 0.99, in deviations from the profile's mean; ``batch`` may be None.

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
        self._size = 8, 0.3 * len(self.names) + 1.5

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
            If X has other columns than the profile, or the profile not these columns.
        """
        names = list(profile.names or map(str, range(profile.n_features_in_)))
        chosen = names[:40] if columns is None else [c if isinstance(c, str) else names[c] for c in columns]
        if missing := [name for name in chosen if name not in names]:
            raise InputFaultError(f'The profile has no column "{missing[0]}".', expected=names, actual=missing[0])
        at = [names.index(name) for name in chosen]
        usual, batch = ranges(profile, X)
        return cls(chosen, usual[:, at], None if batch is None else batch[:, at]).plot(ax=ax)

    def _draw(self, ax: Any) -> None:
        at = np.arange(len(self.names))
        apart = 0.0 if self.batch is None else 0.16
        for values, colour, y, label in (
            (self.usual, "C0", at - apart, "profile"),
            (self.batch, "C1", at + apart, "batch"),
        ):
            if values is not None:
                ax.hlines(y, values[0], values[4], color=colour, lw=1)
                ax.hlines(y, values[1], values[3], color=colour, lw=5, alpha=0.6, label=label)
                ax.plot(values[2], y, "|", color=colour, ms=8)
        # A name is no formula: what is between two dollar signs is not to be read as one.
        ax.set_yticks(at, self.names, parse_math=False)
        ax.set_ylim(len(at) - 0.4, -0.6)
        # A unit of 1000 and a shift of 1 are both to be seen.
        ax.set_xscale("symlog", linthresh=3)
        low, high = ax.get_xlim()
        ticks = [tick for tick in (*-_TICKS[::-1], 0, *_TICKS) if low <= tick <= high]
        ax.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        ax.set_xlabel("deviations from the profile's mean (1 %, quartiles, 99 %)")
        # Above the frame, where no range is.
        ax.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2, frameon=False)


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
