"""The finding about a batch, and how it is shown: in sentences, as a page, and as a picture."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from html import escape
from typing import Any

import numpy as np

from ..documents.pages import html_page, key, range_bar, table
from ..documents.rendering import html_table, one_line
from ..drawing import Display
from .calibration import CALIBRATION as C
from .data.tables import aligned, as_table, positions
from .faults import FAULTS, MISSING
from .faults.base import as_told
from .profile import Profile

#: How many columns a sentence names, and how many a page shows: those that moved most.
_NAMED, SHOWN = 4, 60


@dataclass(frozen=True)
class Diagnosis:
    """The finding about a batch.

    Parameters
    ----------
    alarm : bool
        Whether the batch differs from the profile by more than the tolerated drift, at the stated budget.
    fault : str or None
        The name of the fault; None without an alarm.
    columns : tuple
        Names of the columns concerned, positions if the profile has no names; empty if it is the whole table.
    details : dict
        What is known of the fault: ``factor`` and ``offset``, ``value``, ``scaler``, ``function``, ``norm``, ``order``.
        ``each`` has them column by column, ``or`` other units that are as likely, ``missing`` the shares of columns
        whose missing values have changed. ``also`` names faults that would leave the same numbers.
    p_value : float
        How probable so odd a batch is without a fault, drift included. At most ``budget`` if there is an alarm.
    n_rows : int
        Rows judged.
    judged : bool
        Whether anything could be told. False for no rows, none with a value in it, or too few for any alarm.
    medians : dict of str to (float, float) or (str, str)
        Medians of some columns concerned, or of the oddest, in training (as the profile has it) and in the batch.
        A time is text, in UTC if the column has a zone.
    requests : int
        Requests that the rows came in; a guard gathers small ones.
    not_judged : tuple
        Columns that only grew in training. Where their values lie is not judged, nor are rows as a whole.
    types : dict of str to (str, str)
        Columns whose type is another, but whose values can be compared (a width, a resolution): in training, here.

    Examples
    --------
    >>> import sklearn_normlock as nl
    >>> from sklearn.datasets import load_wine
    >>> X = load_wine().data
    >>> nl.diagnose(nl.Profile.from_data(X[::2]), -X[1::2]).remedy
    'Look for a changed convention (debit and credit, up and down), and negate.'
    """

    alarm: bool
    fault: str | None = None
    columns: tuple[Any, ...] = ()
    details: dict[str, Any] = field(default_factory=dict)
    p_value: float = 1.0
    n_rows: int = 0
    judged: bool = True
    medians: dict[str, tuple[Any, Any]] = field(default_factory=dict)
    requests: int = 1
    not_judged: tuple[Any, ...] = ()
    types: dict[str, tuple[str, str]] = field(default_factory=dict)

    @property
    def remedy(self) -> str:
        """The next thing to do; empty without an alarm."""
        if not self.fault:
            return ""
        others = [(name, FAULTS[name].remedy) for name in self.details.get("also", ())]
        own = FAULTS[self._parts()[0]["fault"]].remedy
        return own + "".join(f" Or it is {name}: {text[0].lower()}{text[1:]}" for name, text in others)

    def explain(self) -> str:
        """Return the finding in a sentence or two.

        Returns
        -------
        text : str
            What happened to which columns, and what to do. One line, whatever columns and categories are called.
        """
        rows = "1 row" if self.n_rows == 1 else f"{self.n_rows} rows"
        if not self.judged:
            return f"Nothing can be told: {self.details.get('reason', 'no data')}."
        said = [f"No fault found in {rows} (p = {self.p_value:.2g})."]
        if self.fault:
            first, *others = map(_sentence, self._parts())
            said = [f"{self.fault}: {first}."]
            if self.details.get("reason") != MISSING:
                for column, (was, now) in self.medians.items():
                    both = f"{as_told(was)} in training, {as_told(now)} in this batch"
                    said.append(f"Median of {_called((column,))}: {both}.")
            said += [self.remedy, *(f"Besides, {other}." for other in others)]
            if self.requests > 1:
                said.append(f"The {rows} of {self.requests} requests were judged together.")
        if self.types:
            facts = [f"{_called((column,))} {now} here, {was} in training" for column, (was, now) in self.types.items()]
            said.append(f"Types differ: {_listed(facts)}.")
        if self.not_judged:
            columns = _called(self.not_judged)
            said.append(f"Not judged: where values of {columns} lie, which only grew in training, and rows as a whole.")
        return one_line(" ".join(said))

    def _repr_html_(self) -> str:
        title, facts, text = self._headline()
        return html_table(title, [*facts], [[*facts.values()]], text)

    def to_dict(self) -> dict[str, Any]:
        """Return the finding as JSON has it.

        Returns
        -------
        document : dict
            Plain JSON values, and the explanation as text.
        """
        document = {**vars(self), "remedy": self.remedy, "explanation": self.explain()}
        return dict(json.loads(json.dumps(document)))

    def _headline(self) -> tuple[str, dict[str, str], str]:
        """Return a title, facts and a text, as a notebook and a page show them."""
        facts = {"rows": str(self.n_rows), "p-value": f"{self.p_value:.2g}"}
        if self.alarm:
            facts["columns"] = ", ".join(map(str, self.columns)) or "the whole table"
        if "tests" in self.details:
            facts["tests"] = ", ".join(self.details["tests"])
        title = self.fault or ("no fault found" if self.judged else "nothing can be told")
        return title, facts, self.explain().removeprefix(f"{self.fault}: ")

    def _parts(self) -> list[dict[str, Any]]:
        """Return what is known of each fault of a finding: the main one first, missing values last."""
        part: Any = {"fault": self.fault, "columns": self.columns, **self.details} if self.fault else None
        parts = []
        while part:
            parts.append(part)
            part = part.get("besides")
        if missing := self.details.get("missing"):
            each = {}
            for column, both in missing.items():
                each[column] = {"missing": f"{100 * both['share']:.3g}% (in training {100 * both['training']:.3g}%)"}
            alone = self.details.get("reason") == MISSING
            parts = [*parts[alone:], {"fault": MISSING, "columns": list(missing), "each": each}]
        return parts


def _sentence(part: dict[str, Any]) -> str:
    because = f" ({part['reason']})" if "reason" in part else ""
    # Details that differ between the columns become a list of what each has.
    each = [part["each"][str(column)] for column in part["columns"]] if "each" in part else []
    listed = {key: _listed([facts.get(key) for facts in each]) for facts in each for key in facts}
    return FAULTS[part["fault"]].sentence(_called(part["columns"]), {**part, **listed}) + because


def _called(columns: Any) -> str:
    if not columns:
        return "every column"
    names = ", ".join(str(c) if str(c).isdigit() else f'"{c}"' for c in columns[:_NAMED])
    more = f" and {len(columns) - _NAMED} more" if len(columns) > _NAMED else ""
    return f"column{'s' if len(columns) > 1 else ''} {names}{more}"


def _listed(values: list[Any]) -> str:
    """Return what the columns that are shown have, in their order, or what all have."""
    each = [str(as_told(value)) for value in values]
    return each[0] if len(set(each)) == 1 else "; ".join(each[:_NAMED] + ["…"] * (len(each) > _NAMED))


_STYLE = """
h2 { margin-top: 2rem; } tr.named td:first-child { color: var(--bad); font-weight: 600; } td svg { min-width: 260px; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem; margin: .5rem 0; }
dt { color: var(--soft); } dd { margin: 0; overflow-wrap: anywhere; }
"""


def page(profile: Profile, X: Any, found: Diagnosis, title: str = "", against: Mapping[str, str] | None = None) -> str:
    """Return a whole page on what was checked, ``title``, and facts of what it was compared with, ``against``."""
    sides = _sides(profile, X)
    ranges, facts = _ranges(sides), [_facts(side) for side in sides]
    names = profile.names or tuple(map(str, range(profile.n_features_in_)))
    concerned = np.isin(names, [str(column) for part in found._parts() for column in part["columns"] or names])
    shifts = np.nan_to_num(np.ptp(ranges, axis=0).max(axis=0), nan=-1.0) + 1e12 * concerned
    shown = sorted(np.argsort(-shifts)[:SHOWN].tolist())
    # Deviations are drawn as they are near the middle, and logarithmically far out.
    x = np.arcsinh(ranges)
    x = 130 * (1 + 0.98 * x / np.nanmax(np.abs(x[:, :, shown]), initial=2.0))
    headers = {"column": "text", "ranges": "text", **dict.fromkeys(facts[0], "")}
    rows = []
    for j in shown:
        bars = zip(x[:, :, j], (4, 15), ("--old", "--new"), strict=False)
        drawn = "".join(range_bar(bar, y, colour) for bar, y, colour in bars if not np.isnan(bar).any())
        middle = '<line x1="130" x2="130" y1="0" y2="26" stroke="var(--line)"/>'
        picture = f'<svg width="260" height="26" role="img" aria-label="ranges">{middle}{drawn}</svg>'
        both = [" → ".join(side[name][j] for side in facts) for name in facts[0]]
        rows.append(("named" if concerned[j] else "", [escape(names[j]), picture, *both]))
    left = len(names) - len(shown)
    more = f"The {len(shown)} columns that moved most; {left} more are not shown." if left else ""
    answer = "mismatch" if found.alarm else "match" if found.judged else "undecided"
    verdict, about, text = found._headline()
    about["rows"] += f" (profile: {profile.n_rows} rows, {profile.n_features_in_} columns)"
    listed = "".join(f"<dt>{escape(k)}</dt><dd>{escape(v)}</dd>" for k, v in {**about, **(against or {})}.items())
    body = f"""<dl>{listed}</dl>
<h2>Columns, in training → in this batch</h2>
{key("training", "this batch")}
<p class="soft">1 % to 99 %, quartiles and median, in deviations from the mean of training, logarithmic far out</p>
{table(headers, rows, more)}"""
    heading = "normlock check" + (f": {title}" if title else "")
    return html_page(heading, answer, verdict, f"<p>{escape(text[:1].upper() + text[1:])}</p>", body, _STYLE)


def _sides(profile: Profile, X: Any) -> list[Profile]:
    """Return the profile, and a batch summarised if it has rows. Values whose squares overflow count as infinite."""
    batch = aligned(profile, as_table(X)).looked_at()
    if not batch.shape[0]:
        return [profile]
    numbers = np.where(np.abs(batch.numbers) > C.largest, np.inf, batch.numbers)
    return [profile, Profile.from_data(replace(batch, numbers=numbers))]


def _ranges(sides: list[Profile]) -> Any:
    """Return quantiles of each side, in deviations of the first, of shape (n_sides, 5, n_columns)."""
    values = np.array([[side.quantile(share) for share in (0.01, 0.25, 0.5, 0.75, 0.99)] for side in sides])
    std = sides[0].moments.std
    return (values - sides[0].mean) / np.where(std > 0, std, 1.0)


def _facts(side: Profile) -> dict[str, list[str]]:
    """Return mean, deviation and share of missing values of each column, as text."""
    gone = side.moments.missing / side.n_rows
    for j, text in side.categories.items():
        gone[j] = text.missing / side.n_rows
    facts = {"mean": (side.mean, ".5g"), "deviation": (side.std, ".5g"), "missing": (gone, ".0%")}
    return {name: ["–" if v != v else f"{v:{form}}" for v in values] for name, (values, form) in facts.items()}


class ProfileDisplay(Display):
    """The columns of a profile as ranges in deviations, and a batch laid over them.

    Make one with :meth:`from_profile`.

    Parameters
    ----------
    names : sequence of str
        What is drawn, one column each.
    usual, batch : ndarray of shape (5, n_columns)
        Quantiles at 0.01, 0.25, 0.5, 0.75 and 0.99, in deviations from the profile's mean; ``batch`` may be None.

    Examples
    --------
    >>> import sklearn_normlock as nl
    >>> from sklearn.datasets import load_wine
    >>> X = load_wine().data
    >>> nl.ProfileDisplay.from_profile(nl.Profile.from_data(X[::2]), X[1::2])  # doctest: +SKIP
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
        columns : str, int, slice, list of these or mask, default=None
            Which to draw, as ``ColumnTransformer`` takes them; the first 40 by default.
        ax : matplotlib Axes, default=None
            Where to draw; a new figure by default.

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
        at = positions(names, slice(40) if columns is None else columns, "the profile")
        sides = [profile] if X is None else _sides(profile, X)
        return cls([names[j] for j in at], *_ranges(sides)[:, :, at]).plot(ax=ax)

    def _draw(self, ax: Any) -> None:
        at = np.arange(len(self.names))
        sides = ("profile", self.usual), ("batch", self.batch)
        drawn = [(label, values) for label, values in sides if values is not None]
        for i, (label, values) in enumerate(drawn):
            y = at + 0.32 * i - 0.16 * (len(drawn) - 1)
            ax.hlines(y, values[0], values[4], color=f"C{i}", lw=1)
            ax.hlines(y, values[1], values[3], color=f"C{i}", lw=5, alpha=0.6, label=label)
            ax.plot(values[2], y, "|", color=f"C{i}", ms=8)
        # A name is no formula: what is between two dollar signs is not to be read as one.
        ax.set_yticks(at, self.names, parse_math=False)
        ax.set_ylim(len(at) - 0.4, -0.6)
        # A unit of 1000 and a shift of 1 are both to be seen.
        ax.set_xscale("symlog", linthresh=3)
        limits, far = ax.get_xlim(), np.array([1, 3, 10, 100, 1e3, 1e4, 1e6, 1e9, 1e12])
        ticks = [0, *far, *-far]
        ax.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        ax.set_xlim(limits)
        ax.set_xlabel("deviations from the profile's mean (1 %, quartiles, 99 %)")
        # Above the frame, where no range is.
        ax.legend(loc="lower right", bbox_to_anchor=(1, 1), ncols=2, frameon=False)
