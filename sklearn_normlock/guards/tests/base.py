"""A test, and the batch that it is asked of."""

from __future__ import annotations

from functools import cached_property
from typing import Any, ClassVar, Literal

import numpy as np

from ..calibration import CALIBRATION as C
from ..profiles.statistics import how_many, row_measures
from .reference import Reference


class Batch:
    """A batch as the tests look at it: an even sample of its rows if it has many.

    Missing numbers are NaN, infinite ones are kept; ``text`` has the columns of text, None where it is missing.
    """

    def __init__(self, reference: Reference, X: Any, text: dict[int, Any], requests: int = 1) -> None:
        self.requests = requests
        #: Rows that were served; ``n`` of them are looked at.
        self.rows = len(X)
        if self.rows > C.most_rows:
            at = np.linspace(0, self.rows - 1, C.most_rows).astype(np.int64)
            X, text = X[at], {j: values[at] for j, values in text.items()}
        self.n, self.d = X.shape
        self.as_served, self.text = X, text
        finite = np.isfinite(X)
        self.whole = bool(finite.all())
        self.X = X if self.whole else np.where(finite, X, np.nan)
        self.measures = row_measures(self.X, reference.mean, reference.std)
        #: Columns, and behind them the measures of rows; NaN throughout where training had no number.
        every = np.hstack([self.X, self.measures])
        self.every = every if reference.known.all() else np.where(reference.known, every, np.nan)

    @cached_property
    def count(self) -> Any:
        """How many numbers each column and measure has."""
        return how_many(~np.isnan(self.every))

    @cached_property
    def ordered(self) -> Any:
        """The columns, each sorted, missing values last."""
        return np.sort(self.X, axis=0)


class Test:
    """A question to a batch: how probable something at least as odd is, if the batch is from the profile.

    "From the profile" includes a drift: each column may have moved by the tolerance, in the direction that is kindest
    to it. A subclass says in its docstring under which assumption its answer is exact or conservative, and its source.
    """

    #: Its name in ``details["tests"]`` and in allowances.
    name: ClassVar[str]
    #: The subject of an answer: each column; each column and, behind them, each measure of a row; or the table.
    scope: ClassVar[Literal["column", "row", "table"]]
    #: Its part of the budget, among the tests that are asked; and in batches of few rows.
    share: ClassVar[float]
    share_of_few: ClassVar[float | None] = None
    #: Rows from which on it is asked.
    least_rows: ClassVar[int] = 1
    #: Whether it depends on where values lie, which a column that only grows can't be asked.
    of_place: ClassVar[bool] = False

    def asked(self, reference: Reference, batch: Batch) -> bool:
        """Return whether it has a question to this batch; decided by training and by the number of rows alone."""
        return batch.n >= self.least_rows

    def log_p(self, reference: Reference, batch: Batch) -> Any:
        """Return log p-values of shape (n_questions, n_columns), (n_questions, n_columns + 4) or (n_questions, 1)."""
        raise NotImplementedError

    def entries(self, reference: Reference, batch: Batch, log_p: Any) -> int:
        """Return among how many p-values its share is divided: those that could be odd at all."""
        return log_p.size

    def width(self, d: int) -> int:
        """Return how many columns its answers have in a table of d columns."""
        return {"column": d, "row": d + 4, "table": 1}[self.scope]

    def part(self, rows: int) -> float:
        """Return its part of the budget in a batch of so many rows."""
        few = rows < C.few and self.share_of_few is not None
        return self.share_of_few if few and self.share_of_few is not None else self.share
