"""Fit over Dask partitions: throughput beside dask-ml's StandardScaler, and the memory of workers while data grows.

``python benchmarks/dask_fit.py throughput`` needs ``dask-ml``. Two cases: an array that is in memory already, and one
whose chunks are drawn at random while it is fitted, which stands for a table that is read. Ratios of processor time are
medians of interleaved pairs, in one process.

``python benchmarks/dask_fit.py memory`` fits on a new cluster of two processes for each size of data: 153 MB, and 8
times as much. It prints the highest resident memory that a worker has had.
"""

from __future__ import annotations

import statistics
import sys
from time import process_time

import dask
import dask.array as da
import numpy as np
from distributed import Client, LocalCluster

from sklearn_normlock.integrations.dask import fit
from sklearn_normlock.preprocessing import QuantileTransformer, StandardScaler

ROWS, COLUMNS, CHUNK = 2_000_000, 10, 200_000


def drawn(rows: int) -> da.Array:
    return da.random.default_rng(0).normal(size=(rows, COLUMNS), chunks=(CHUNK, COLUMNS))


def seconds(call) -> float:
    """Return the processor time of a call, in all threads: what else runs on the machine counts little."""
    began = process_time()
    call()
    return process_time() - began


def throughput() -> None:
    from dask_ml.preprocessing import StandardScaler as Theirs

    held = da.from_array(np.random.default_rng(0).normal(size=(ROWS, COLUMNS)), chunks=(CHUNK, COLUMNS))
    for name, X in (("in memory", held), ("drawn while it is fitted", drawn(ROWS))):
        ratios = []
        for _ in range(6):
            theirs = seconds(lambda X=X: Theirs().fit(X))
            ours = seconds(lambda X=X: fit(StandardScaler(), X))
            ratios.append(theirs / ours)
        low, middle, high = statistics.quantiles(ratios[1:], n=4)
        print(f"{name}: throughput {middle:.2f} of dask-ml's (quartiles {low:.2f} to {high:.2f}), last {ours:.2f} s")


def highest() -> float:
    """Return the highest resident memory of this process so far, in MB."""
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024  # kilobytes on Linux


def memory() -> None:
    scalers = {"StandardScaler": StandardScaler(), "QuantileTransformer": QuantileTransformer(subsample=ROWS)}
    for name, scaler in scalers.items():
        for times in (1, 8):
            with (
                LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0") as cluster,
                Client(cluster) as client,
            ):
                fit(scaler, drawn(times * ROWS))
                peak = max(client.run(highest).values())
            size = times * ROWS * COLUMNS * 8 / 2**20
            print(f"{name}: {size:6.0f} MB of data, {peak:4.0f} MB the most that a worker held", flush=True)


if __name__ == "__main__":
    chosen = sys.argv[1:] or ["throughput", "memory"]
    if "throughput" in chosen:
        with dask.config.set(scheduler="threads", num_workers=2):
            throughput()
    if "memory" in chosen:
        memory()
