"""Times of several ways to do one thing, taken in turn, so that the machine's moods fall on all of them alike."""

from __future__ import annotations

import time
from dataclasses import dataclass
from statistics import median, quantiles


@dataclass
class Measured:
    """Times of one way, beside the way that all are compared with."""

    ratios: list[float]
    seconds: list[float]

    @property
    def ratio(self):
        return median(self.ratios)

    @property
    def spread(self):
        low, _, high = quantiles(self.ratios, n=4)
        return low, high

    @property
    def microseconds(self):
        return 1e6 * median(self.seconds)

    def __str__(self):
        low, high = self.spread
        return f"{self.ratio:.3f} ({low:.3f}-{high:.3f})"


def compared(ways, base, *, rounds=31, budget=2.0, clock=time.process_time):
    """Time each of the ways in every round, in another order each time.

    The clock is the processor's time of this process, which does not count the time that others take; what runs on
    several threads has to be measured on the wall's (``time.perf_counter``).

    Parameters
    ----------
    ways : dict of str to callable
    base : str
        The way whose time in the same round is the divisor.
    rounds : int
    budget : float
        Seconds for all of it, about; decides how many calls a round has.
    clock : callable

    Returns
    -------
    measured : dict of str to Measured
    """
    names = list(ways)
    for way in ways.values():
        way()
    start = clock()
    for way in ways.values():
        way()
    once = clock() - start
    rounds = max(5, min(rounds, int(budget / max(once, 1e-7))))
    calls = max(1, min(1000, int(budget / rounds / max(once, 1e-7))))
    taken = {name: [] for name in names}
    for i in range(rounds):
        for name in names[i % len(names) :] + names[: i % len(names)]:
            way = ways[name]
            start = clock()
            for _ in range(calls):
                way()
            taken[name].append((clock() - start) / calls)
    return {
        name: Measured([a / b for a, b in zip(times, taken[base], strict=True)], times) for name, times in taken.items()
    }


def table(title, rows, columns, note=""):
    """Print rows of ``(label, {column: Measured})``."""
    print(f"\n{title}")
    width = max(len(label) for label, _ in rows)
    print(" " * width + "".join(f"  {column:>24s}" for column in columns))
    for label, found in rows:
        cells = [str(found[column]) if column in found else "" for column in columns]
        print(f"{label:{width}s}" + "".join(f"  {cell:>24s}" for cell in cells))
    if note:
        print(note)
