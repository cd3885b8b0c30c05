"""Whether a batch is still what the profile allows: every test of the table, after Bonferroni.

The budget is shared out among the tests and, within a test, among its columns. Columns that go together cost power,
never false alarms.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import log
from typing import Any

import numpy as np

from ..calibration import CALIBRATION as C
from ..profiles.summary import Summary
from .columns import Beyond, Dependence, Location, Missing, Tails
from .exact import Standardised, Unit
from .reference import Batch, Reference, Test
from .values import Copies, Text, Ties, Values

#: The table of tests. An alarm is the least of their p-values after Bonferroni, and nothing else alarms.
TESTS: tuple[Test, ...] = (
    Location(), Tails(), Beyond(), Ties(), Copies(), Values(), Missing(), Text(), Dependence(), Unit(), Standardised(),
)  # fmt: skip
_TEST = {test.name: test for test in TESTS}


@dataclass
class Evidence:
    """The logarithms of p-values by test, as :meth:`Test.log_p` returns them."""

    log_p: dict[str, Any]
    log_budget: float
    n_columns: int
    requests: int = 1

    def limit(self, test: str) -> float:
        """Return the logarithm of the p-value from which on a column alarms."""
        every = sum(_TEST[name].share for name in self.log_p)
        return self.log_budget + log(_TEST[test].share / every / self.log_p[test].size)

    @property
    def log_p_value(self) -> float:
        """The logarithm of the p-value of the batch: the least of all, after Bonferroni."""
        return min(0.0, *(p.min() - self.limit(test) + self.log_budget for test, p in self.log_p.items()))

    @property
    def alarm(self) -> bool:
        """Whether the budget is overdrawn."""
        return self.log_p_value < self.log_budget

    @property
    def tests(self) -> list[str]:
        """The names of the tests that alarm."""
        return sorted(test for test, p in self.log_p.items() if p.min() < self.limit(test))

    def alarming(self, test: str) -> Any:
        """Return the columns at which a test alarms."""
        if test not in self.log_p or _TEST[test].scope == "table":
            return np.zeros(0, np.int64)
        return np.flatnonzero(self.log_p[test][:, : self.n_columns].min(axis=0) < self.limit(test))

    def spare_missing(self) -> None:
        """Forget what was said of missing values and, as rows have other lengths without them, of whole rows."""
        if len(self.alarming("missing")):
            self.spare_rows()
        if "missing" in self.log_p:
            self.log_p["missing"][:] = 0.0

    def spare_rows(self) -> None:
        """Forget what was said of the measures of whole rows."""
        for name, p in self.log_p.items():
            if _TEST[name].scope == "row":
                p[:, self.n_columns :] = 0.0
            elif name in ("unit", "copies"):
                p[:] = 0.0

    def leaning(self) -> Any:
        """Return the columns that some test finds odd, though not odd enough to alarm."""
        found = self.by_column()
        return np.flatnonzero(found < min(C.log_leaning, float(found.min(initial=0.0)) / 2))

    def by_column(self) -> Any:
        """Return the least log p-value of each column, in all tests of single columns of numbers."""
        least = np.zeros(self.n_columns)
        for name, p in self.log_p.items():
            if _TEST[name].scope != "table" and name != "categories":
                least = np.minimum(least, p[:, : self.n_columns].min(axis=0))
        return least

    def oddest(self) -> Any:
        """Return the columns that are odd at all, the oddest first."""
        found = self.by_column()
        return np.argsort(found)[: int((found < 0).sum())]

    def flagged(self) -> Any:
        """Return every column at which any test alarms; measures of rows left out."""
        return np.unique(np.concatenate([np.zeros(0, np.int64), *(self.alarming(test) for test in self.log_p)]))


def weigh(reference: Reference, X: Any, text: dict[int, Any], budget: float, requests: int = 1) -> Evidence:
    """Run the tests on numbers, of which missing ones are NaN, and on columns of text."""
    batch = Batch(reference, X, text, requests)
    log_p = {test.name: test.log_p(reference, batch) for test in TESTS if test.asked(reference, batch)}
    _allow(reference.profile, log_p, batch.rows)
    return Evidence(log_p, float(np.log(budget)), batch.d, requests)


def _allow(profile: Summary, log_p: dict[str, Any], rows: int) -> None:
    """Take off, in place, what blocks of training were allowed, and what a growing column can't be asked."""
    share = C.margin_of_blocks * max(rows / C.rows_of_allowance, 0.25)
    for name, allowed in profile.allowances.items():
        if name in log_p and log_p[name].shape[1] == len(allowed):
            log_p[name] = np.minimum(log_p[name] - share * allowed, 0.0)
    if not (columns := list(profile.growing)):
        return
    for name, p in log_p.items():
        if _TEST[name].of_place:
            p[:, columns] = 0.0
            p[:, profile.n_features_in_ :] = 0.0  # a row's distance and length have the growing column in them
