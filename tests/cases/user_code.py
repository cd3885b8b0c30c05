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
