"""Measure a seal and a fingerprint: at fit, at a call, at a load; and against other digests of the same object."""

from __future__ import annotations

import hashlib
import os
import pickle
import time
from concurrent.futures import ThreadPoolExecutor

import joblib
import numpy as np
from _timing import compared, table
from sklearn import pipeline as stock_pipeline
from sklearn import preprocessing as stock
from sklearn.linear_model import LogisticRegression

import sklearn_normlock as nl
from sklearn_normlock import pipeline, preprocessing
from sklearn_normlock.feature_extraction import text

SIZES = {"1 kB": 1_000, "32 kB": 32_000, "1 MiB": 1 << 20, "32 MiB": 1 << 25, "256 MiB": 1 << 28, "1 GiB": 1 << 30}
BLOCK = 1 << 20
THREADS = min(os.cpu_count() or 1, 8)
rng = np.random.default_rng(0)


def fits(budget):
    """Time ``fit``, locked and stock."""
    found = {}
    for rows in (10_000, 100_000):
        X = rng.normal(size=(rows, 30))
        y = X[:, 0] > 0
        for name in ("StandardScaler", "MinMaxScaler", "RobustScaler", "Normalizer"):
            ours, theirs = getattr(preprocessing, name), getattr(stock, name)
            ways = {"stock": lambda c=theirs, X=X: c().fit(X), "locked": lambda c=ours, X=X: c().fit(X)}
            found[f"{name}, {rows:,} x 30"] = compared(ways, "stock", budget=budget)
        ways = {
            "stock": lambda X=X, y=y: stock_pipeline.make_pipeline(stock.StandardScaler(), LogisticRegression()).fit(
                X, y
            ),
            "locked": lambda X=X, y=y: pipeline.make_pipeline(preprocessing.StandardScaler(), LogisticRegression()).fit(
                X, y
            ),
        }
        found[f"StandardScaler + LogisticRegression, {rows:,} x 30"] = compared(ways, "stock", budget=budget)
    return found


def raw_sha256(data):
    """SHA-256 of memory, block by block, on as many threads as a fingerprint uses."""
    view = memoryview(data).cast("B")
    blocks = [view[start : start + BLOCK] for start in range(0, len(view), BLOCK)]
    if len(blocks) < 8:
        return hashlib.sha256(view).digest()
    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(lambda block: hashlib.sha256(block).digest(), blocks))


def scaler_of(size, cls):
    """Return a fitted scaler whose arrays have about so many bytes in all."""
    width = max(1, size // 24)
    scaler = cls()
    scaler.mean_, scaler.var_, scaler.scale_ = (rng.normal(size=width) for _ in range(3))
    scaler.n_features_in_, scaler.n_samples_seen_ = width, np.int64(100)
    return scaler


def sealed_of(size):
    scaler = scaler_of(size, preprocessing.StandardScaler)
    with nl.thaw(scaler):
        pass
    return scaler


def vocabularies(number=346_000):
    """Yield as many different words of 3 to 12 letters, as they come and in order."""
    letters = np.frombuffer(b"etaoinshrdlucmfwypvbgkjqxz", np.uint8)
    found = {}
    while len(found) < number:
        drawn = rng.choice(letters, (number, 12), p=np.arange(26, 0, -1) / 351)
        ends = rng.integers(3, 13, number)
        found |= dict.fromkeys(row[:end].tobytes().decode() for row, end in zip(drawn, ends, strict=True))
    words = list(found)[:number]
    yield "in random order", words
    yield "in order", sorted(words)


def loads(budget, sizes):
    """Time ``pickle.loads``: verified against not verified, and against that plus a raw SHA-256 of the state."""
    found = {}
    X = rng.normal(size=(500, 30))
    y = X[:, 0] > 0
    locked = pipeline.make_pipeline(preprocessing.StandardScaler(), LogisticRegression()).fit(X, y)
    ours, theirs = pickle.dumps(locked), pickle.dumps(nl.unlock(locked))
    ways = {"stock": lambda: pickle.loads(theirs), "locked": lambda: pickle.loads(ours)}
    found["pipeline of 30 features"] = compared(ways, "stock", budget=2 * budget, rounds=61)
    for order, words in vocabularies():
        locked = text.TfidfVectorizer(analyzer=str.split).fit(words)
        ours, theirs = pickle.dumps(locked), pickle.dumps(nl.unlock(locked))
        ways = {
            "stock": lambda theirs=theirs: pickle.loads(theirs),
            "locked": lambda ours=ours: pickle.loads(ours),
        }
        found[f"{len(words):,} words {order}"] = compared(ways, "stock", budget=16 * budget)
    for label, size in sizes.items():
        sealed = sealed_of(size)
        ours, theirs = pickle.dumps(sealed, 5), pickle.dumps(nl.unlock(sealed), 5)
        del sealed

        def plain_and_raw(theirs=theirs):
            scaler = pickle.loads(theirs)
            for array in (scaler.mean_, scaler.var_, scaler.scale_):
                raw_sha256(array)

        ways = {
            "stock": lambda theirs=theirs: pickle.loads(theirs),
            "stock + raw SHA-256": plain_and_raw,
            "locked": lambda ours=ours: pickle.loads(ours),
        }
        found[f"scaler of {label}"] = compared(ways, "stock + raw SHA-256", budget=2 * budget, clock=time.perf_counter)
    return found


def digests(budget, sizes):
    """Time a fingerprint of a scaler of each size, and the peers' digests of the same object."""
    try:
        from dask.base import tokenize
    except ImportError:
        tokenize = None
    found = {}
    for label, size in sizes.items():
        scaler = scaler_of(size, stock.StandardScaler)
        arrays = (scaler.mean_, scaler.var_, scaler.scale_)
        lock = nl.fingerprint(scaler)
        ways = {
            "raw SHA-256": lambda arrays=arrays: [hashlib.sha256(array).digest() for array in arrays],
            "fingerprint": lambda scaler=scaler: nl.fingerprint(scaler),
            "verify": lambda scaler=scaler, lock=lock: nl.fingerprint(scaler) == lock,
            "SHA-256 of pickle": lambda scaler=scaler: hashlib.sha256(pickle.dumps(scaler, 5)).digest(),
            "joblib.hash": lambda scaler=scaler: joblib.hash(scaler),
        }
        if tokenize is not None:
            ways["dask.tokenize"] = lambda scaler=scaler: tokenize(scaler)
        # From 8 MiB on a fingerprint uses several threads.
        clock = time.perf_counter if size >= 1 << 23 else time.process_time
        found[label] = compared(ways, "raw SHA-256", budget=budget, clock=clock)
    return found


def main(budget, largest):
    """Print the tables; return all that was measured."""
    every = {
        "1 kB": 1 << 10,
        "32 kB": 1 << 15,
        "1 MiB": 1 << 20,
        "32 MiB": 1 << 25,
        "256 MiB": 1 << 28,
        "1 GiB": 1 << 30,
    }
    sizes = {label: size for label, size in every.items() if size <= largest}
    fitted = fits(budget)
    loaded = loads(budget, {k: v for k, v in sizes.items() if 1 << 20 <= v <= 1 << 28})
    hashed = digests(budget, sizes)
    table("fit, locked / stock", [(name, {"locked": f["locked"]}) for name, f in fitted.items()], ["locked"])
    table(
        "pickle.loads, locked / stock",
        [(name, {"locked": f["locked"]}) for name, f in loaded.items() if "stock + raw SHA-256" not in f],
        ["locked"],
    )
    table(
        f"pickle.loads / (stock pickle.loads + raw SHA-256 of its arrays on {THREADS} threads), wall clock",
        [(name, found) for name, found in loaded.items() if "stock + raw SHA-256" in found],
        ["locked", "stock"],
    )
    columns = ["fingerprint", "verify", "SHA-256 of pickle", "joblib.hash", "dask.tokenize"]
    table(
        "digest of a fitted scaler / raw SHA-256 of its arrays on one thread, by size; wall clock from 32 MiB on",
        list(hashed.items()),
        columns,
    )
    return {"fit": fitted, "load": loaded, "digest": hashed}
