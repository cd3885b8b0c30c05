"""What was found in a batch, and how it is said."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .faults import FAULTS

__all__ = ["Diagnosis"]


@dataclass(frozen=True)
class Diagnosis:
    """What was found in a batch.

    Attributes
    ----------
    alarm : bool
        Whether the batch differs from the profile by more than the tolerated drift, at the stated budget.
    fault : str or None
        The name of the fault, one of :data:`sklearn_normlock.guards.faults.FAULTS`; None without an alarm.
    columns : tuple
        The columns concerned: names if the profile has them, positions if not. Empty if it is the whole table.
    details : dict
        What is known of the fault: ``factor`` and ``offset``, ``value``, ``scaler``, ``function``, ``norm``, ``order``;
        ``also`` names faults that would leave the same numbers.
    confidence : float
        From 0 to 1, how far the name stands out among the hypotheses; 0 without an alarm.
    p_value : float
        How probable so odd a batch is without a fault, drift included. At most ``budget`` if there is an alarm.
    n_rows : int
        Rows judged.
    judged : bool
        Whether anything could be told. False for no rows, or none with a value in it.
    remedy : str
        What to do.

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
    confidence: float = 0.0
    p_value: float = 1.0
    n_rows: int = 0
    judged: bool = True

    @property
    def remedy(self) -> str:
        """What to do; empty without an alarm."""
        return FAULTS[self.fault].remedy if self.fault else ""

    def explain(self) -> str:
        """Return the finding in a sentence or two.

        Returns
        -------
        text : str
            What happened to which columns, and what to do.
        """
        rows = "1 row" if self.n_rows == 1 else f"{self.n_rows} rows"
        if not self.judged:
            return f"Nothing can be told: {self.details.get('reason', 'no data')}."
        if self.fault is None:
            return f"No fault found in {rows} (p = {self.p_value:.2g})."
        because = f" ({self.details['reason']})" if "reason" in self.details else ""
        return f"{self.fault}: {FAULTS[self.fault].sentence(self._columns(), self.details)}{because}. {self.remedy}"

    def _columns(self) -> str:
        if not self.columns:
            return "every column"
        shown = [f'"{c}"' if isinstance(c, str) else str(c) for c in self.columns[:4]]
        more = len(self.columns) - len(shown)
        names = ", ".join(shown) + (f" and {more} more" if more else "")
        return f"column {names}" if len(self.columns) == 1 else f"columns {names}"

    def to_dict(self) -> dict[str, Any]:
        """Return the finding as JSON has it."""
        return {
            "alarm": self.alarm,
            "judged": self.judged,
            "fault": self.fault,
            "columns": list(self.columns),
            "details": self.details,
            "confidence": self.confidence,
            "p_value": self.p_value,
            "n_rows": self.n_rows,
            "remedy": self.remedy,
            "explanation": self.explain(),
        }
