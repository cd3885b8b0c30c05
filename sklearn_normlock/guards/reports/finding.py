"""The finding about a batch, and how it is said."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from ...documents.rendering import html_table, one_line
from ..faults import FAULTS, MISSING

#: Columns that are named in a sentence.
_SHOWN = 4


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
        The columns concerned: names if the profile has them, positions if not. Empty if it is the whole table.
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
        Of some of the columns concerned, or of the oddest, in training (as the profile has it) and in the batch. A time
        is text, in UTC if the column has a zone.
    requests : int
        How many requests the rows came in; a guard gathers small ones.
    not_judged : tuple
        Columns that only grew in training. Where their values lie is not judged, nor are rows as a whole.
    types : dict of str to (str, str)
        Of columns whose type is another, but whose values can be compared (a width, a resolution): in training, here.

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
        own = FAULTS[told(self)[0][0]].remedy
        return own + "".join(f" Or it is {n}: {text[0].lower()}{text[1:]}" for n, text in others)

    def explain(self) -> str:
        """Return the finding in a sentence or two.

        Returns
        -------
        text : str
            What happened to which columns, and what to do. One line, whatever columns and categories are called.
        """
        return one_line(" ".join(self._sentences()))

    def _sentences(self) -> Iterator[str]:
        rows = "1 row" if self.n_rows == 1 else f"{self.n_rows} rows"
        if not self.judged:
            yield f"Nothing can be told: {self.details.get('reason', 'no data')}."
            return
        if self.fault is None:
            yield f"No fault found in {rows} (p = {self.p_value:.2g})."
        else:
            first, *others = (_sentence(*each) for each in told(self))
            yield f"{self.fault}: {first}."
            if self.details.get("reason") != MISSING:
                for column, both in self.medians.items():
                    was, now = (each if isinstance(each, str) else f"{each:.6g}" for each in both)
                    yield f"Median of {_called((column,))}: {was} in training, {now} in this batch."
            yield self.remedy
            yield from (f"Besides, {other}." for other in others)
            if self.requests > 1:
                yield f"The {rows} of {self.requests} requests were judged together."
        if self.types:
            facts = [f"{_called((column,))} {now} here, {was} in training" for column, (was, now) in self.types.items()]
            yield f"Types differ: {_listed(facts)}."
        if self.not_judged:
            columns = _called(self.not_judged)
            yield f"Not judged: where values of {columns} lie, which only grew in training, and rows as a whole."

    def _repr_html_(self) -> str:
        title, facts, text = headline(self)
        return html_table(title, list(facts), [list(facts.values())], text)

    def to_dict(self) -> dict[str, Any]:
        """Return the finding as JSON has it.

        Returns
        -------
        document : dict
            Plain JSON values, and the explanation as text.
        """
        return {
            **{name: list(value) if isinstance(value, tuple) else value for name, value in vars(self).items()},
            "types": {column: list(both) for column, both in self.types.items()},
            "medians": {column: list(both) for column, both in self.medians.items()},
            "remedy": self.remedy,
            "explanation": self.explain(),
        }


def headline(found: Diagnosis) -> tuple[str, dict[str, str], str]:
    """Return a title, facts and a text, as a notebook and a page show them."""
    facts = {"rows": str(found.n_rows), "p-value": f"{found.p_value:.2g}"}
    if found.alarm:
        facts["columns"] = ", ".join(map(str, found.columns)) or "the whole table"
    if "tests" in found.details:
        facts["tests"] = ", ".join(found.details["tests"])
    title = found.fault or ("no fault found" if found.judged else "nothing can be told")
    return title, facts, found.explain().removeprefix(f"{found.fault}: ")


def told(found: Diagnosis) -> list[tuple[str, tuple[Any, ...], dict[str, Any]]]:
    """Return the names of the faults of a finding, the main one first, each with its columns and details."""
    faults = []
    fault: Any = {"fault": found.fault, "columns": found.columns, **found.details} if found.fault else None
    while fault:
        faults.append((fault["fault"], tuple(fault["columns"]), fault))
        fault = fault.get("besides")
    if missing := found.details.get("missing"):
        shares = [
            f"{100 * each['share']:.3g}% (in training {100 * each['training']:.3g}%)" for each in missing.values()
        ]
        faults.insert(1, (MISSING, tuple(missing), {"missing": _listed(shares)}))
    return faults[1:] if found.details.get("reason") == MISSING else faults


def _sentence(fault: str, columns: tuple[Any, ...], details: dict[str, Any]) -> str:
    because = f" ({details['reason']})" if "reason" in details else ""
    # Details that differ between the columns become a list of what each has.
    each = [details["each"][str(c)] for c in columns] if "each" in details else []
    listed = {key: _listed([facts.get(key) for facts in each]) for facts in each for key in facts}
    return FAULTS[fault].sentence(_called(columns), {**details, **listed}) + because


def _called(columns: tuple[Any, ...]) -> str:
    if not columns:
        return "every column"
    names = ", ".join(str(c) if str(c).isdigit() else f'"{c}"' for c in columns[:_SHOWN])
    more = f" and {len(columns) - _SHOWN} more" if len(columns) > _SHOWN else ""
    return f"column{'s' if len(columns) > 1 else ''} {names}{more}"


def _listed(values: list[Any]) -> str:
    """Return what the columns that are shown have, in their order, or what all have."""
    said = [f"{value:.6g}" if isinstance(value, float) else str(value) for value in values]
    return said[0] if len(set(said)) == 1 else "; ".join(said[:_SHOWN] + ["…"] * (len(said) > _SHOWN))
