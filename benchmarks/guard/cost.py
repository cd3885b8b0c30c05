"""Measure the guard's costs: ``python benchmarks/guard/cost.py`` prints ratios of paired runs, and sizes.

Check of a batch to alibi-detect's KSDrift on the same training rows (without alibi-detect: to scipy's KS test of each
column, which is what KSDrift runs), fit to `StandardScaler.fit`, and the bytes of a profile. The pairs are taken
alternately; a ratio is the median and its quartiles. Absolute times are the machine's.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
import warnings
from collections.abc import Callable
from itertools import cycle
from pathlib import Path
from statistics import quantiles

import numpy as np
from sklearn.preprocessing import StandardScaler

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import sklearn_normlock as nl
from guard import peers


def seconds(function: Callable[[], object], number: int) -> float:
    start = time.perf_counter()
    for _ in range(number):
        function()
    return (time.perf_counter() - start) / number


def row(what: str, bar: str, ours, theirs, number: int = 1, pairs: int = 15) -> None:
    """Print the ratio of ours to theirs; `number` calls of ours for each timing."""
    ours(), theirs()
    ratios, mine, base = [], [], []
    for i in range(pairs):
        if i % 2:
            a, b = seconds(ours, number), seconds(theirs, max(1, number // 20))
        else:
            b, a = seconds(theirs, max(1, number // 20)), seconds(ours, number)
        ratios.append(a / b)
        mine.append(a)
        base.append(b)
    low, middle, high = quantiles(ratios, n=4)
    times = f"{1e3 * quantiles(mine, n=2)[0]:.3g} | {1e3 * quantiles(base, n=2)[0]:.3g}"
    shown = (
        f"1/{1 / middle:.1f} (1/{1 / low:.1f} to 1/{1 / high:.1f})"
        if middle < 1
        else f"{middle:.2f} ({low:.2f} to {high:.2f})"
    )
    print(f"| {what} | {bar} | {shown} | {times} |", flush=True)


def table(rng: np.random.Generator, rows: int, columns: int) -> np.ndarray:
    """Return correlated columns in units of their own."""
    z = rng.normal(size=(rows, 4)) @ rng.normal(size=(4, columns)) + rng.normal(size=(rows, columns))
    return 10.0 ** rng.uniform(-2, 3, columns) * (z + 3)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--no-million", action="store_true", help="leave out the fit at a million rows")
    asked = parser.parse_args()
    warnings.simplefilter("ignore")
    rng = np.random.default_rng(0)
    train = table(rng, 11_000, 30)
    train, unseen = train[:10_000], train[10_000:]
    profile = nl.Profile.from_data(train)
    there = {peer.name: peer for peer in peers.installed()}
    peer = there.get("alibi-detect KSDrift") or there["KS, budget 1e-3"]
    kept = peer.fit(train)
    print(f"| ratio to {peer.name} or StandardScaler.fit | bar | median (quartiles) | ours, ms | theirs, ms |")
    print("|---|---|---|---|---|")
    shifted = unseen + 2 * train.std(axis=0)
    guard = nl.InputGuard(on_fault=lambda *said: None).fit(train)
    for rows, bar, number in ((1000, "1/8", 20), (64, "", 40), (1, "1/50", 200)):
        X, bad = unseen[:rows], shifted[:rows]
        requests = cycle([unseen[at : at + rows] for at in range(0, 1001 - rows, rows)])  # small ones are pooled
        row(
            f"check of {rows}x30, clean",
            bar,
            lambda X=X: nl.diagnose(profile, X),
            lambda X=X: peer.check(kept, X),
            number,
        )
        row(
            f"check of {rows}x30, faulty",
            "",
            lambda X=bad: nl.diagnose(profile, X),
            lambda X=bad: peer.check(kept, X),
            number,
        )
        row(
            f"InputGuard.transform of {rows}x30, clean",
            "",
            lambda requests=requests: guard.transform(next(requests)),
            lambda X=X: peer.check(kept, X),
            number,
        )
    sizes = (10_000, 100_000) if asked.no_million else (10_000, 100_000, 1_000_000)
    for rows in sizes:
        X = table(rng, rows, 30)
        bar = {10_000: "about 0.5 s", 1_000_000: "10"}.get(rows, "")
        row(f"fit, {rows}x30", bar, lambda X=X: nl.Profile.from_data(X), lambda X=X: StandardScaler().fit(X), 1, 7)
    print("\n| profile, as JSON | bar, kB | kB |\n|---|---|---|")
    wide = rng.normal(size=(4000, 1536)) * rng.normal(size=1536)
    for what, bar, X in (
        ("30 columns, 10,000 rows", 50, train),
        ("30 columns, 100 rows", 50, train[:100]),
        ("30 columns of counts", 50, np.round(train / train.std(axis=0) * 5)),
        ("1,536 columns, 4,000 rows", 2000, wide),
    ):
        print(f"| {what} | {bar} | {len(json.dumps(nl.Profile.from_data(X).to_dict())) / 1000:.1f} |", flush=True)


if __name__ == "__main__":
    main()
