"""How long a contract takes to find the raw rows of a large index, relative to one read of the array.

Run with ``python benchmarks/retrieval_contract.py [ROWS] [DIM]``; 1,000,000 x 384 takes 1.6 GB.
"""

from __future__ import annotations

import sys
import time

import numpy as np

from sklearn_normlock.retrieval import EmbeddingContract


def best(call, repeats=3):
    """Return the shortest of some runs, and the last result."""
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        result = call()
        times.append(time.perf_counter() - start)
    return min(times), result


def main() -> None:
    rows, dim = (int(text) for text in (sys.argv[1:] + ["1000000", "384"][len(sys.argv) - 1 :])[:2])
    rng = np.random.default_rng(0)
    V = np.empty((rows, dim), np.float32)
    for start in range(0, rows, 50_000):
        part = rng.standard_normal((min(50_000, rows - start), dim), np.float32) + 0.2
        V[start : start + len(part)] = part / np.linalg.norm(part, axis=1, keepdims=True)
    contract = EmbeddingContract("ip").fit(V[:20_000])
    odd = np.sort(rng.choice(rows, rows // 1000, replace=False))
    V[odd] *= rng.uniform(2.0, 9.0, (len(odd), 1)).astype(np.float32)
    read, _ = best(lambda: float(V.sum()))
    checked, report = best(lambda: contract.check(V))
    print(f"{rows:,} x {dim}: one read (sum) {read:.2f} s, check {checked:.2f} s, ratio {checked / read:.2f}")
    print(f"rows exact: {report.rows == tuple(odd.tolist())}, {len(report.rows):,} of {len(odd):,}")


if __name__ == "__main__":
    main()
