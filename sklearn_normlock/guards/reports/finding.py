"""The finding about a batch, and how it is said."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ...documents.rendering import html_table, one_line
from ..faults import FAULTS, MISSING

__all__ = ["Diagnosis"]

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
        Of some of the columns concerned (of the oddest, if it is the whole table), in training as far as the profile
        knows it, and in the batch. A time is text, in UTC if the column has a zone.
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
    >>> found = nl.diagnose(nl.Profile.from_data(X[::2]), -X[1::2])
    >>> found.fault
    'sign_flipped'
    >>> found.remedy
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
        own = FAULTS[MISSING if self.details.get("reason") == MISSING else self.fault].remedy
        return own + "".join(f" Or it is {n}: {text[0].lower()}{text[1:]}" for n, text in others)

    def explain(self) -> str:
        """Return the finding in a sentence or two.

        Returns
        -------
        text : str
            What happened to which columns, and what to do. One line, whatever columns and categories are called.
        """
        return one_line(self._said() + self._retyped() + self._left_open())

    def _said(self) -> str:
        rows = "1 row" if self.n_rows == 1 else f"{self.n_rows} rows"
        if not self.judged:
            return f"Nothing can be told: {self.details.get('reason', 'no data')}."
        if self.fault is None:
            return f"No fault found in {rows} (p = {self.p_value:.2g})."
        together = f" The {rows} of {self.requests} requests were judged together." if self.requests > 1 else ""
        if self.details.get("reason") == MISSING:
            return f"{self.fault}: {self._missing()}. {self.remedy}{together}"
        besides = f" Besides, {self._missing()}." if "missing" in self.details else ""
        second: Any = self.details
        while second := second.get("besides"):
            besides += f" Besides, {_sentence(second['fault'], tuple(second['columns']), second)}."
        text = _sentence(self.fault, self.columns, of_each(self))
        return f"{self.fault}: {text}. {self._compared()}{self.remedy}{besides}{together}"

    def _left_open(self) -> str:
        if not self.not_judged or not self.judged:
            return ""
        columns = _called(self.not_judged)
        return f" Not judged: where values of {columns} lie, which only grew in training, and rows as a whole."

    def _retyped(self) -> str:
        if not self.types or not self.judged:
            return ""
        facts = [f"{_called((column,))} {now} here, {was} in training" for column, (was, now) in self.types.items()]
        return f" Types differ: {'; '.join(facts[:_SHOWN])}{'; …' if len(facts) > _SHOWN else ''}."

    def _compared(self) -> str:
        facts = self.medians.items()
        return "".join(
            f"Median of {_called((column,))}: {_number(was)} in training, {_number(now)} in this batch. "
            for column, (was, now) in facts
        )

    def _missing(self) -> str:
        found = self.details["missing"]
        shares = _listed(
            [f"{_percent(each['share'])} (in training {_percent(each['training'])})" for each in found.values()]
        )
        return FAULTS[MISSING].sentence(_called(tuple(found)), {"missing": shares})

    def _repr_html_(self) -> str:
        """Show it in a notebook."""
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
            "alarm": self.alarm,
            "judged": self.judged,
            "fault": self.fault,
            "columns": list(self.columns),
            "details": self.details,
            "p_value": self.p_value,
            "n_rows": self.n_rows,
            "requests": self.requests,
            "not_judged": list(self.not_judged),
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


def _sentence(fault: str, columns: tuple[Any, ...], details: dict[str, Any]) -> str:
    because = f" ({details['reason']})" if "reason" in details else ""
    return FAULTS[fault].sentence(_called(columns), details) + because


def of_each(found: Diagnosis) -> dict[str, Any]:
    """Return the details, with those that differ between the columns as a list of what each has."""
    each = [found.details["each"][str(c)] for c in found.columns] if "each" in found.details else []
    return {**found.details, **{key: _listed([facts.get(key) for facts in each]) for facts in each for key in facts}}


def _number(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:.6g}"


def _called(columns: tuple[Any, ...]) -> str:
    if not columns:
        return "every column"
    shown = [_name(c) for c in columns[:_SHOWN]]
    more = len(columns) - len(shown)
    names = ", ".join(shown) + (f" and {more} more" if more else "")
    return f"column {names}" if len(columns) == 1 else f"columns {names}"


def _name(column: Any) -> str:
    return str(column) if str(column).isdigit() else f'"{column}"'


def _listed(values: list[Any]) -> str:
    """Return what the columns that are shown have, in their order, or what all have."""
    said = [f"{value:.6g}" if isinstance(value, float) else str(value) for value in values]
    return said[0] if len(set(said)) == 1 else "; ".join(said[:_SHOWN] + ["…"] * (len(said) > _SHOWN))


def _percent(share: float) -> str:
    return f"{100 * share:.3g}%"
