"""Every fault that is told by name: what it says, and what to do about it. The one table of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["COPIED", "FAULTS", "MISSING", "OF_UNKNOWN", "Fault"]


@dataclass(frozen=True)
class Fault:
    """``says`` is completed with the columns and the details; ``remedy`` is what to do."""

    says: str
    remedy: str

    def sentence(self, columns: str, details: dict[str, Any]) -> str:
        """Return what happened, in a sentence without its full stop."""
        return self.says.format_map(_Details(details, columns=columns))


class _Details(dict):
    def __init__(self, details: dict[str, Any], columns: str) -> None:
        super().__init__({k: f"{v:.6g}" if isinstance(v, float) else v for k, v in details.items()}, columns=columns)

    def __missing__(self, key: str) -> str:
        return "?"


FAULTS = {
    "double_normalised": Fault(
        "the data is normalised already ({scaler}): the scaler would be applied once too often, or was",
        "Hand over the data as it was before the scaler, or leave out the second scaler.",
    ),
    "not_normalised": Fault(
        "the data is not normalised: it looks like the values before the scaler",
        "Pass the data through the fitted scaler first.",
    ),
    "batch_standardised": Fault(
        "each column of this batch is scaled exactly by its own values ({scaler}): a scaler was fitted on the batch",
        "Call transform of the scaler that was fitted in training, never fit_transform on what is served.",
    ),
    "standardised_after": Fault(
        "the data was standardised after the last step of preprocessing",
        "Where a model was fitted on data without this scaler, remove the one that was put before it.",
    ),
    "refit": Fault(
        "{columns} moved and stretched, each by its own factor: a scaler that was fitted on other data",
        "Load the scaler that was fitted in training; see normlock verify.",
    ),
    "other_scaler": Fault(
        "the data went through another scaler ({scaler}) than in training",
        "Use the scaler that the model was trained behind; see normlock verify.",
    ),
    "columns_swapped": Fault(
        "{columns} are swapped",
        "Select the columns by name, in the order of training (feature_names_in_).",
    ),
    "columns_reordered": Fault(
        "{columns} are in another order",
        "Select the columns by name, in the order of training (feature_names_in_).",
    ),
    "unit_changed": Fault(
        "{columns} in another unit: {unit}",
        "Convert back to the unit of training.",
    ),
    "shifted": Fault(
        "{columns} moved by a constant: {shift}",
        "Look for an offset, a baseline or a new source; retrain if it is real.",
    ),
    "sign_flipped": Fault(
        "{columns} with the other sign",
        "Look for a changed convention (debit and credit, up and down), and negate.",
    ),
    "log_extra": Fault(
        "{columns} went through a logarithm ({function}) that there was none of in training",
        "Leave out the logarithm.",
    ),
    "log_missing": Fault(
        "{columns} without the logarithm ({function}) of training",
        "Apply the logarithm first.",
    ),
    "imputed": Fault(
        "{columns} filled with a constant ({value}) in {share} of the rows",
        "Impute with the imputer that was fitted in training, or find out why the values are missing.",
    ),
    "clipped": Fault(
        "{columns} cut off at {bounds}",
        "Look for a sensor's range, a type that overflows or a validation rule upstream.",
    ),
    "stuck": Fault(
        "{columns} constant throughout ({value})",
        "Look for a feed that has stopped or a default that has taken over.",
    ),
    "quantised": Fault(
        "{columns} coarser than in training: {precision}",
        "Look for rounding, an integer or half-precision type, or a quantised index upstream.",
    ),
    "l2_missing": Fault(
        "the rows do not have unit length, as they had in training ({norm})",
        "Normalise each row first.",
    ),
    "l2_extra": Fault(
        "every row has unit length ({norm}), which it had not in training",
        "Leave out the Normalizer.",
    ),
    "other_norm": Fault(
        "the rows are normalised by another norm ({norm}) than in training ({expected})",
        "Use the norm of training.",
    ),
    "mixed_norms": Fault(
        "{share} of the rows have unit length and the others have not: rows from two sources",
        "Normalise all rows in the same way; rebuild an index that holds both kinds.",
    ),
    "unknown": Fault(
        "the data differs from training in {columns}, and no fault that has a name explains it",
        "Look at the columns named; retrain if the change is real.",
    ),
}

#: Why a fault is unknown, of which more can be told than that; beside one that has a name, what is missing is told too.
MISSING, COPIED, OFF_STEPS = "missing values", "copied", "off the steps of training"
OF_UNKNOWN = {
    MISSING: Fault(
        "missing values differ from training in {columns}: {missing}",
        "Find where the values were lost, or filled in, upstream: a join, a parser, a feed that stopped, an imputer.",
    ),
    COPIED: Fault(
        "{columns} with the same numbers as another column: {copy_of}",
        "Look for a column that was selected or joined twice, or written over.",
    ),
    OFF_STEPS: Fault(
        "values in {columns} that are no multiples of {step}, as those of training are (after an offset, if scaled)",
        "Look for what fills in, converts or computes these values upstream, and did not in training.",
    ),
}
