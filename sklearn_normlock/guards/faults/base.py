"""A fault, and a candidate: one way in which a batch may have come about, and the batch without it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from ..calibration import CALIBRATION as C
from ..profiles.summary import Summary
from .case import Case, choice, replaced

MISSING = "missing values"
#: The table of faults: all that may have happened to a batch, by name. A class that has a name is in it.
FAULTS: dict[str, Fault] = {}


@dataclass(frozen=True)
class Candidate:
    """One way in which a batch may have come about, and the batch without it."""

    #: The name that it would have, and the columns that it touches.
    fault: str
    columns: Any
    #: The batch with the fault undone; NaN where a value is lost.
    undone: Any
    #: The price of what is told, in nats: an array with that of each column, or one number for all. See `price`.
    numbers: Any = 0.0
    #: The facts that are told, and those of single columns.
    details: dict[str, Any] = field(default_factory=dict)
    each: dict[int, dict[str, Any]] = field(default_factory=dict)
    #: Whether it touches the table as a whole, so that no columns are told.
    whole: bool = False
    #: Whether its parameters were estimated from the batch. Then the distributions must match, drift aside.
    free: bool = False
    #: Whether it may be true of some of its columns only; an order is not.
    separable: bool = True
    #: Whether values were drawn anew from training: they go together with no other column.
    drawn: bool = False
    #: Faults that would leave the same numbers; and another one, without which this one explains only a part.
    also: tuple[str, ...] = ()
    besides: Candidate | None = None

    def price(self, d: int) -> float:
        """Return how much there is to say, in nats: the kind, which of d columns, and the numbers."""
        told = self.whole or not self.separable
        return C.kind + (0.0 if told else choice(d, len(self.columns))) + float(np.sum(self.numbers))

    def part(self, X: Any, kept: Any) -> Candidate:
        """Return the candidate with some of its columns, done to X."""
        numbers = self.numbers[np.isin(self.columns, kept)] if np.ndim(self.numbers) else self.numbers
        each = {j: self.each[j] for j in map(int, kept) if j in self.each}
        return replace(self, columns=kept, undone=replaced(X, kept, self.undone[:, kept]), numbers=numbers, each=each)


def of_table(case: Case, fault: str, undone: Any, numbers: Any = 0.0, free: bool = False, **facts: Any) -> Candidate:
    """Return a candidate that touches the table as a whole."""
    return Candidate(fault, case.every, undone, numbers, facts, whole=True, free=free)


class Fault:
    """A kind of fault. A subclass with a name, in its family's file, is all that a new kind takes."""

    name: str
    #: A sentence without its full stop, completed with the columns and the details.
    words: str
    remedy: str

    def __init_subclass__(cls, name: str = "") -> None:
        if name:
            cls.name, FAULTS[name] = name, cls()

    def propose(self, case: Case) -> Iterator[Candidate]:
        """Yield what may have happened to a batch that alarms, if it was this fault, or one that is found with it."""
        return iter(())

    def inject(self, profile: Summary, X: Any, columns: Any, rng: np.random.Generator) -> Any:
        """Return rows to which the fault was done, in some columns or in all."""
        raise NotImplementedError

    def sentence(self, columns: str, details: dict[str, Any]) -> str:
        """Return what happened, in a sentence without its full stop."""
        told = {name: as_told(fact) for name, fact in details.items()}
        return self.words.format_map(defaultdict(lambda: "?", told, columns=columns))


class ColumnFault(Fault):
    """A fault that is done to each column by itself. A subclass says in which ways it may have been done to one."""

    #: Whether its parameters are estimated from the batch, and whether values are drawn anew.
    free = drawn = False

    def ways(self, case: Case, j: int, x: Any) -> Iterator[tuple[Any, float, dict[str, Any]]]:
        """Yield the values of column j (``x`` now) as they may have been, the price of saying so, and the facts."""
        return iter(())

    def propose(self, case: Case) -> Iterator[Candidate]:
        """Yield of each column that alarms the way that leads nearest to training, all together."""
        undone, prices, each = case.X.copy(), [], {}
        for j in case.columns.tolist():
            ways = []
            for values, price, facts in self.ways(case, j, case.X[:, j]):
                unseen = -C.log_unseen * float(case.impossible(j, values).sum())
                ways.append((case.divergence(j, values) + unseen + price, values, price, facts))
            if ways:
                _, undone[:, j], price, each[j] = min(ways, key=lambda way: way[0])
                prices.append(price)
        if each:
            # The same facts of several columns are one decision.
            alike = Counter(map(str, each.values()))
            numbers = np.array([price / alike[str(facts)] for price, facts in zip(prices, each.values(), strict=True)])
            at = np.array([*each])
            yield Candidate(self.name, at, undone, numbers, {}, each, free=self.free, drawn=self.drawn)


class Unknown(Fault, name="unknown"):
    """The answer if nothing in the table undoes what the tests saw."""

    words = "the data differs from training in {columns}, and nothing in the catalogue undoes it"
    remedy = "Look at the columns named. It may be the world that changed: retrain if the change is real."


class MissingChanged(Fault, name=MISSING):
    """Words about missing values, which are told beside any fault, and of `unknown` if there is nothing else."""

    words = "missing values differ from training in {columns}: {missing}"
    remedy = "Find where the values were lost, or filled in, upstream: a join, a parser, a feed that stopped."


def as_told(value: Any) -> Any:
    """Return a number to six digits, and an interval as its two ends."""
    if isinstance(value, float):
        return f"{value:.6g}"
    interval = isinstance(value, list) and len(value) == 2 and all(isinstance(each, float) for each in value)
    return " and ".join(map(as_told, value)) if interval else value
