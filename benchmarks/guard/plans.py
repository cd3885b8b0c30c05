"""What a fault is to the benchmark: a plan made for a scene, kept if it matters there, and the names that count."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.random import Generator

from guard.scenes import ENOUGH, Scene


@dataclass(frozen=True)
class Plan:
    """One fault on one scene: `apply(rng, raw rows)` is what the guard sees; `severity` is for the tables.

    `accepted_of_one` are names that count besides where requests have one row; `whole`: only a batch can show it (so
    single-row requests are rows of one faulty batch).
    """

    apply: Callable[[Generator, np.ndarray], np.ndarray]
    accepted: frozenset[str]
    severity: str = ""
    accepted_of_one: frozenset[str] = frozenset()
    whole: bool = False


@dataclass(frozen=True)
class Fault:
    """A kind of fault: where it can happen, how few rows can show it, whether its size is judged on distributions."""

    name: str
    sides: tuple[str, ...]
    rows: int
    judged: bool
    make: Callable[[Generator, Scene], Plan | None]

    def plan(self, rng: Generator, scene: Scene, tries: int = 6) -> Plan | None:
        """Return a plan that matters on this scene, None if there is none."""
        for _ in range(tries):
            plan = self.make(rng, scene)
            if plan is None:
                continue
            if not self.judged or scene.evidence(plan.apply(rng, scene.reference)) >= ENOUGH:
                return plan
        return None


FAULTS: list[Fault] = []


def fault(name: str, sides: tuple[str, ...], rows: int = 1, judged: bool = True):
    """Register what makes a plan."""

    def register(make):
        FAULTS.append(Fault(name, sides, rows, judged, make))
        return make

    return register


def names(*accepted: str) -> frozenset[str]:
    return frozenset(accepted)


def some(rng: Generator, scene: Scene, among: np.ndarray, every: bool = True) -> np.ndarray | None:
    """Return one column, a quarter or all of those in `among` (vectors: a sixteenth, a quarter, all)."""
    if not len(among):
        return None
    d = len(among)
    sizes = [max(1, d // 16) if scene.wide else 1, max(1, d // 4)] + ([d] if every else [])
    return rng.choice(among, rng.choice(sizes), replace=False)


def on_columns(scene: Scene, columns: np.ndarray, change: Callable[[np.ndarray], np.ndarray]):
    """Return an `apply` that changes some columns of what the guard sees."""

    def apply(rng: Generator, raw: np.ndarray) -> np.ndarray:
        X = scene.seen(raw).copy()
        X[:, columns] = change(X[:, columns])
        return X

    return apply
