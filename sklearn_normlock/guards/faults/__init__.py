"""The table of faults, all that may have happened to a batch: each family's file puts its kinds into it."""

from __future__ import annotations

from . import scale, table, values  # noqa: F401 - each fills the table
from .base import FAULTS, MISSING, Candidate, Fault
from .case import Case, replaced
from .types import changed_types, explained_text

__all__ = ["FAULTS", "MISSING", "Candidate", "Case", "Fault", "changed_types", "explained_text", "replaced"]
