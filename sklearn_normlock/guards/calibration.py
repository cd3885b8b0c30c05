"""Every number that naming was calibrated with: its value, its unit, and where it is from."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


def _constant(value: Any, unit: str, source: str) -> Any:
    return field(default=value, metadata={"unit": unit, "source": source})


@dataclass(frozen=True)
class Calibration:
    """Constants, each with its unit and its source in the field's metadata."""

    #: Rows from which on rank correlations are compared.
    least_rows_of_correlations: int = _constant(16, "rows", "below, the correlation of ranks is mostly noise (1/√n)")
    #: An undoing must make the batch so much less odd.
    least_gain: float = _constant(3.0, "nats", "convention: a factor of 20, as in a test at 5 %")
    #: Estimated parameters must leave distributions at least this probable.
    log_fit: float = _constant(-1.5, "nats", "1 % of 2 D² n - log 2, parameters estimated (Lilliefors 1967)")
    #: And known ones at least this, after a drift within the tolerance.
    log_drifted: float = _constant(-7.0, "nats", "the default budget, one in a thousand")
    #: Names that are about as simple are told as equals.
    as_good: float = _constant(1.5, "nats", "a factor of 4.5: less is no evidence between two names")
    #: So far an estimate may miss a value of training, as a part of the distance between two of them.
    missed: float = _constant(0.1, "share", "convention: farther off, the value of training is not the one meant")
    errors: float = _constant(3.0, "standard errors", "convention: estimates lie farther off once in 370")
    #: The misfit of a distribution counts for no more than this, when undoings are ranked.
    most_misfit: float = _constant(10.0, "nats", "so that no single column outvotes the tests")
    #: What a name costs, beside its columns and parameters.
    kind: float = _constant(2.0, "nats", "about ten kinds of faults, the usual ones likelier")
    #: The prior of each power of ten, of each other unit, and of a factor of no known unit.
    power: float = _constant(0.1, "probability", "prefixes and per cent are the commonest changes of unit")
    unit: float = _constant(0.02, "probability", "so that all units together have about the weight of the powers")
    close_unit: float = _constant(
        0.01, "probability", "half of a unit's: rarer, and told from others only by exact ratios"
    )
    any_factor: float = _constant(0.05, "per nat", "one tenth, spread evenly over factors from 1/e to e and beyond")
    any_shift: float = _constant(0.1, "per deviation", "spread evenly over ten deviations")
    #: A unit's name is told if it is so probable among all factors.
    sure_of_unit: float = _constant(0.8, "probability", "four to one against every other factor")
    #: A drift that the factor of a known unit is forgiven.
    forgiven: float = _constant(0.1, "deviations", "a third of the default tolerance")
    #: The share of the columns from which on a change is one of the whole table.
    many: float = _constant(0.4, "share", "derived: a scaler touches every column, of which some don't show it")
    #: So improbable it must be that a batch has the moments or bounds that a scaler gives.
    log_certain: float = _constant(-10.0, "nats", "one in twenty thousand: nothing is undone and tested again")
    #: So odd a run of equal values was put in.
    log_run: float = _constant(-7.0, "nats", "one in a thousand")
    #: Columns between which an order is looked for.
    most_ordered: int = _constant(1024, "columns", "the assignment takes the cube of them: a second")


CALIBRATION = Calibration()
