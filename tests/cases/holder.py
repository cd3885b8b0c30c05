"""A fitted estimator that holds whatever a test gives it."""

from __future__ import annotations

import json
from typing import Any

from sklearn.base import BaseEstimator, TransformerMixin

import sklearn_normlock as nl
from sklearn_normlock.fingerprints import Record, object_digest
from sklearn_normlock.records.diff import Change, compare_records


class Holder(TransformerMixin, BaseEstimator):
    """Has the attribute ``held_``, and those that are named."""

    def __init__(self, param: Any = None) -> None:
        self.param = param

    def fit(self, X: Any, y: Any = None) -> Holder:
        return self

    def transform(self, X: Any) -> Any:
        return X


def holding(value: Any = None, **attributes: Any) -> Holder:
    holder = Holder()
    vars(holder).update(attributes, held_=value)
    return holder


def of(value: Any) -> str:
    """Return the fingerprint of an estimator that holds a value."""
    return nl.fingerprint(holding(value))


def entries_of(obj: Any) -> dict[str, Any]:
    """Return the entries of an object's record, as they come back from JSON."""
    record = Record()
    object_digest(obj, record)
    return json.loads(record.text)


def compared(a: Any, b: Any) -> list[Change]:
    """Return the changes between two objects."""
    return compare_records(entries_of(a), entries_of(b))


def one(a: Any, b: Any) -> Change:
    """Return the only change between holders of two values."""
    (change,) = compared(holding(a), holding(b))
    return change
