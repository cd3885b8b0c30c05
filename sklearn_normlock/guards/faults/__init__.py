"""The table of faults: all that may have happened to a batch. A new kind is a class and a line here."""

from __future__ import annotations

from .base import MISSING, Candidate, Case, Fault, MissingChanged, Unknown, replaced
from .order import ColumnCopied, ColumnsReordered, ColumnsSwapped
from .scale import LogExtra, LogMissing, MixedUnits, Rescaled, Shifted, SignFlipped, UnitChanged
from .types import SPELLINGS, TypeChanged, ZoneChanged, changed_types, respelled, seen_of_text
from .values import Clipped, Imputed, Quantised, Recoded, Stuck, Wrapped
from .whole import (
    BatchStandardised,
    DoubleNormalised,
    L2Extra,
    L2Missing,
    MixedNorms,
    NotNormalised,
    OneFactor,
    OtherModel,
    OtherNorm,
    OtherScaler,
    Refit,
    RowsRepeated,
    ScalerOmitted,
    StandardisedAfter,
)

__all__ = [
    "FAULTS",
    "MISSING",
    "PROPOSERS",
    "Candidate",
    "Case",
    "Fault",
    "changed_types",
    "replaced",
    "respelled",
    "seen_of_text",
]

PROPOSERS: tuple[Fault, ...] = (
    DoubleNormalised(), NotNormalised(), ScalerOmitted(), BatchStandardised(), StandardisedAfter(), Refit(),
    OtherScaler(), ColumnsSwapped(), ColumnsReordered(), ColumnCopied(), OneFactor(), UnitChanged(), Rescaled(),
    Shifted(), SignFlipped(), LogExtra(), LogMissing(), MixedUnits(), Imputed(), Clipped(), Stuck(), Quantised(),
    Wrapped(), Recoded(), L2Missing(), L2Extra(), OtherNorm(), MixedNorms(), RowsRepeated(), OtherModel(),
)  # fmt: skip
#: By name.
FAULTS: dict[str, Fault] = {
    fault.name: fault for fault in (*PROPOSERS, TypeChanged(), ZoneChanged(), *SPELLINGS, Unknown(), MissingChanged())
}
