"""Code of a user's: what no version vouches for. Tests edit what it does."""

from __future__ import annotations

from typing import Any

from sklearn.base import BaseEstimator, TransformerMixin

FACTOR = 2.0


def of_columns(rows: Any) -> Any:
    """Take columns by names that rows made from statistics don't have."""
    return rows[["age", "income"]].to_numpy() * FACTOR


def doubled(rows: Any) -> Any:
    """Take rows of any kind."""
    return rows * FACTOR


class Picky(TransformerMixin, BaseEstimator):
    """A transformer that takes nothing but what it was fitted on."""

    def fit(self, X: Any, y: Any = None) -> Picky:
        """Keep the first row."""
        self.first_ = X[0][0]
        return self

    def transform(self, X: Any) -> Any:
        """Refuse rows of another kind."""
        if X[0][0] != self.first_:
            raise ValueError("other rows")
        return X


class Silent(BaseEstimator):
    """A class that puts nothing out for new rows."""

    def fit(self, X: Any, y: Any = None) -> Silent:
        """Keep the width."""
        self.n_ = len(X[0])
        return self


def ratio(frame: Any) -> Any:
    """Divide one column of numbers by another."""
    return frame[["a"]].assign(ratio=frame["a"] / (frame["b"].abs() + 1)) * FACTOR


def of_dates(frame: Any) -> Any:
    """Take a date apart."""
    return frame["on"].dt.hour.to_frame().assign(a=frame["a"] * FACTOR, day=frame["on"].dt.day)


def of_zoned(frame: Any) -> Any:
    """Take the hours of another zone."""
    return frame["at"].dt.tz_convert("Asia/Tokyo").dt.hour.to_frame() * FACTOR


def of_spans(frame: Any) -> Any:
    """Count seconds."""
    return frame["span"].dt.total_seconds().to_frame() * FACTOR


def of_categories(frame: Any) -> Any:
    """Count categories."""
    return frame["kind"].cat.codes.to_frame() * FACTOR


def of_texts(frame: Any) -> Any:
    """Measure texts."""
    return frame["name"].str.len().to_frame() * FACTOR


def of_truths(frame: Any) -> Any:
    """Turn truth values over."""
    return (~frame["paid"]).to_frame() * FACTOR


def of_amounts(frame: Any) -> Any:
    """Round amounts."""
    return frame["amount"].map(lambda amount: float(amount.quantize(amount.__class__("0.1")))).to_frame() * FACTOR


def of_days(frame: Any) -> Any:
    """Count days of dates that are objects."""
    return frame["day"].map(lambda day: day.toordinal() % 97).to_frame() * FACTOR


def of_nullable(frame: Any) -> Any:
    """Fill what is missing."""
    return frame["count"].fillna(0).astype(float).to_frame() * FACTOR
