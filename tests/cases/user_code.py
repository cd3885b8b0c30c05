"""Code of a user's: what no version vouches for. Tests edit what it does."""

from __future__ import annotations

from typing import Any

from sklearn.base import BaseEstimator, ClassifierMixin, TransformerMixin

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


def back(rows: Any) -> Any:
    """Undo a step."""
    return rows / FACTOR


def names_of(step: Any, names: Any) -> Any:
    """Name columns."""
    return [f"{name} x {FACTOR}" for name in names]


class Turning(TransformerMixin, BaseEstimator):
    """A transformer whose way back and names are code of their own."""

    def fit(self, X: Any, y: Any = None) -> Turning:
        """Keep the width."""
        self.n_features_in_ = len(X[0])
        return self

    def transform(self, X: Any) -> Any:
        """Turn signs."""
        return -X

    def inverse_transform(self, X: Any) -> Any:
        """Turn them back."""
        return -X * FACTOR / 2

    def get_feature_names_out(self, input_features: Any = None) -> Any:
        """Name columns."""
        return [f"minus {i} x {FACTOR}" for i in range(self.n_features_in_)]


class Split(ClassifierMixin, BaseEstimator):
    """A classifier with several kinds of scores, each of them code of its own."""

    def fit(self, X: Any, y: Any) -> Split:
        """Keep the labels."""
        self.classes_ = sorted(set(y))
        self.n_features_in_ = len(X[0])
        return self

    def predict(self, X: Any) -> Any:
        """Say the first."""
        return [self.classes_[0]] * len(X)

    def predict_proba(self, X: Any) -> Any:
        """Say that nobody knows."""
        return [[0.5, 0.5]] * len(X)

    def decision_function(self, X: Any) -> Any:
        """Score rows."""
        return X[:, 0] * FACTOR

    def score_samples(self, X: Any) -> Any:
        """Refuse: it was not fitted for that."""
        raise AttributeError("no density")
