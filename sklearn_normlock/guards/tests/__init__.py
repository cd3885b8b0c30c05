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
from .columns import Beyond, Dependence, Location, Missing, Tails, Unit
from .reference import Batch, Reference, Test
from .values import Copies, Standardised, Text, Ties, Values

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
    def tests(self) -> list[str]:
        """The names of the tests that alarm."""
        return sorted(test for test, p in self.log_p.items() if p.min() < self.limit(test))

    @property
    def alarm(self) -> bool:
        return self.log_p_value < self.log_budget

    def _of_columns(self) -> dict[str, Any]:
        """Return what each test says of columns, measures of rows and the table left out."""
        return {name: p[:, : self.n_columns] for name, p in self.log_p.items() if _TEST[name].scope != "table"}

    def alarming(self, *tests: str) -> Any:
        """Return the columns at which one of some tests alarms."""
        odd = [(p < self.limit(name)).any(axis=0) for name, p in self._of_columns().items() if name in tests]
        return np.flatnonzero(np.any(odd, axis=0))

    def flagged(self) -> Any:
        return self.alarming(*self.log_p)

    def by_column(self) -> Any:
        return np.concatenate([*self._of_columns().values()]).min(axis=0)

    def leaning(self) -> Any:
        """Return the columns that some test finds odd, though not odd enough to alarm."""
        found = self.by_column()
        return np.flatnonzero(found < min(C.log_leaning, found.min() / 2))

    def spare_missing(self, lost: bool = False) -> None:
        """Forget what was said of missing values and, as rows have other lengths without those ``lost``, of rows."""
        lost = lost or len(self.alarming("missing")) > 0
        self.log_p["missing"][:] = 0.0
        for name, p in self.log_p.items() if lost else ():
            if name in ("unit", "copies"):
                p[:] = 0.0
            elif _TEST[name].scope == "row":
                p[:, self.n_columns :] = 0.0


def weigh(reference: Reference, X: Any, text: Any, budget: float, requests: int = 1, tests: Any = TESTS) -> Evidence:
    """Run tests on numbers, of which missing ones are NaN, and on columns of text."""
    batch = Batch(reference, X, text, requests)
    every = {test.name: test.log_p(reference, batch) for test in tests if batch.n >= test.least_rows}
    log_p = {name: p for name, p in every.items() if p is not None}
    # Blocks of training have an allowance, which is taken off.
    share = C.margin_of_blocks * max(len(X) / C.rows_of_allowance, C.least_allowance)
    for name, allowed in reference.profile.allowances.items():
        if name in log_p and log_p[name].shape[1] == len(allowed):
            log_p[name] = np.minimum(log_p[name] - share * allowed, 0.0)
    if columns := list(reference.profile.growing):
        for name in [name for name in log_p if _TEST[name].of_place]:
            log_p[name][:, columns] = 0.0
            log_p[name][:, batch.d :] = 0.0  # a row's distance and length have the growing column in them
    return Evidence(log_p, log(budget), batch.d, requests)
