"""Fit a StandardScaler over Dask partitions: this package's exact one beside dask-ml's, in turns, in one process.

``python benchmarks/dask_fit.py`` needs ``dask-ml``. Two cases: an array that is in memory already, and one whose chunks
are drawn at random while it is fitted, which stands for a table that is read. Ratios are medians of interleaved pairs.
"""

from __future__ import annotations

import statistics
from time import perf_counter

import dask
import dask.array as da
import numpy as np
from dask_ml.preprocessing import StandardScaler as Theirs

from sklearn_normlock.integrations.dask import fit
from sklearn_normlock.preprocessing import StandardScaler

ROWS, COLUMNS, CHUNK = 2_000_000, 10, 200_000


def seconds(call) -> float:
    began = perf_counter()
    call()
    return perf_counter() - began


def main() -> None:
    drawn = da.random.default_rng(0).normal(size=(ROWS, COLUMNS), chunks=(CHUNK, COLUMNS))
    held = da.from_array(np.random.default_rng(0).normal(size=(ROWS, COLUMNS)), chunks=(CHUNK, COLUMNS))
    for name, X in (("in memory", held), ("drawn while it is fitted", drawn)):
        ratios = []
        for _ in range(6):
            theirs = seconds(lambda X=X: Theirs().fit(X))
            ours = seconds(lambda X=X: fit(StandardScaler(), X))
            ratios.append(theirs / ours)
        low, middle, high = statistics.quantiles(ratios[1:], n=4)
        print(f"{name}: throughput {middle:.2f} of dask-ml's (quartiles {low:.2f} to {high:.2f}), last {ours:.2f} s")


if __name__ == "__main__":
    with dask.config.set(scheduler="threads", num_workers=2):
        main()
