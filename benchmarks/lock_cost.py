"""Measure a lock: its size, and the time and memory to make it and to verify by it.

``python benchmarks/lock_cost.py`` prints a table, each figure beside its bar. Times are ratios to what is measured in
the same run, in turns: loading the artifact, importing scikit-learn, SHA-256 of the same bytes on as many threads.
``--gib 0.25`` measures a smaller state than the 1 GiB of the bar; ``--part`` one part alone.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import pickle
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from statistics import median, quantiles

_MIB = 1 << 20


def seconds(function):
    start = time.perf_counter()
    function()
    return time.perf_counter() - start


def paired(ours, theirs, pairs):
    """Return the quartiles of ours/theirs over runs in turns, and the median of ours in milliseconds."""
    ours(), theirs()
    both = []
    for i in range(pairs):
        if i % 2:
            both.append((seconds(ours), seconds(theirs)))
        else:
            b = seconds(theirs)
            both.append((seconds(ours), b))
    return quantiles([a / b for a, b in both], n=4), 1e3 * median(a for a, _ in both)


def row(what, value, bar, met):
    print(f"{what:66s} {value:32s} {bar:18s} {'met' if met else 'NOT MET'}", flush=True)


# -- a typical pipeline ------------------------------------------------------------------------------------------------


def typical():
    from sklearn.datasets import load_breast_cancer
    from sklearn.impute import SimpleImputer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    data = load_breast_cancer()
    return make_pipeline(SimpleImputer(), StandardScaler(), LogisticRegression(max_iter=500)).fit(
        data.data, data.target
    )


def forest():
    from sklearn.datasets import load_breast_cancer
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    data = load_breast_cancer()
    return make_pipeline(StandardScaler(), RandomForestClassifier(100, random_state=0)).fit(data.data, data.target)


def small(folder, pairs):
    import joblib
    import skops.io

    import sklearn_normlock as nl

    est = typical()
    nl.lock(est)
    times = [1e3 * seconds(lambda: nl.lock(est)) for _ in range(pairs)]
    nl.lock(est).save(folder / "typical.json")
    size = (folder / "typical.json").stat().st_size
    row("lock of a pipeline of 30 features: size", f"{size / 1000:.1f} kB", "< 40 kB", size < 40_000)
    row("  time to make it", f"{median(times):.1f} ms", "< 50 ms", median(times) < 50)

    tree = ["sklearn.tree._tree.Tree"]
    readers = {
        ".skops": lambda path: skops.io.load(path, trusted=[*nl.trusted_types(), *tree]),
        ".joblib": joblib.load,
        ".pkl": lambda path: pickle.loads(path.read_bytes()),
    }
    for what, made in (("pipeline", est), ("scaler and forest of 100 trees", forest())):
        for suffix, read in readers.items():
            path = folder / f"model{suffix}"
            nl.dump(made, path, lock=True)
            lock = nl.Lock.load(path.with_name(path.name + ".normlock.json"))
            loaded = read(path)
            (low, middle, high), ms = paired(
                lambda e=loaded, k=lock: nl.verify(e, k), lambda r=read, p=path: r(p), pairs
            )
            row(
                f"verify / load, {what}, {suffix}",
                f"{middle:.2f} ({low:.2f} to {high:.2f}), {ms:.1f} ms",
                "<= 3",
                middle <= 3,
            )
            verify = [sys.executable, "-m", "sklearn_normlock", "verify", str(path), "--trusted", *tree]
            module = {".skops": "skops.io", ".joblib": "joblib", ".pkl": "pickle"}[suffix]
            opener = f"{module}.load(sys.argv[1])"
            if suffix == ".pkl":
                opener = "pickle.load(open(sys.argv[1], 'rb'))"
            elif suffix == ".skops":
                opener = f"skops.io.load(sys.argv[1], trusted={tree})"
            load = [sys.executable, "-c", f"import sys, {module}; {opener}", str(path)]
            processes(
                f"  as processes: normlock verify / python -c '{module}.load(...)'",
                verify,
                load,
                "<= 3",
                3.0,
                pairs // 4,
            )


def processes(what, ours, theirs, bar, limit, pairs):
    def run(command):
        return lambda: subprocess.run(command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    (low, middle, high), ms = paired(run(ours), run(theirs), max(5, pairs))
    row(what, f"{middle:.2f} ({low:.2f} to {high:.2f}), {ms:.0f} ms", bar, middle <= limit)


def start_up(folder, pairs):
    command = [sys.executable, "-m", "sklearn_normlock"]
    theirs = [sys.executable, "-c", "import sklearn"]
    import sklearn_normlock as nl

    old, new = str(folder / "old.json"), str(folder / "new.json")
    nl.lock(typical()).save(old)
    nl.lock(forest()).save(new)
    for ours in (["show", old], ["diff", old, new]):
        processes(f"normlock {ours[0]} / python -c 'import sklearn'", [*command, *ours], theirs, "< 0.5", 0.5, pairs)


# -- a large state: each in a process of its own -----------------------------------------------------------------------


class Peak:
    """The highest anonymous memory of this process while it is entered, above that before, in MiB (Linux).

    Pages of a memory-mapped file aren't counted: they are the system's, which takes them back.
    """

    def __enter__(self):
        self.before = self.highest = self.now()
        self.running = True
        self.thread = threading.Thread(target=self.watch)
        self.thread.start()
        return self

    def watch(self):
        while self.running:
            self.highest = max(self.highest, self.now())
            time.sleep(0.002)

    @staticmethod
    def now():
        status = Path("/proc/self/status").read_text()
        return int(status.partition("RssAnon:")[2].split()[0]) / 1024

    def __exit__(self, *_):
        self.running = False
        self.thread.join()
        self.mib = self.highest - self.before


def raw(array):
    """SHA-256 of an array's bytes, block by block, on the threads that the fingerprint uses."""
    data = memoryview(array.reshape(-1).view("u1"))
    with ThreadPoolExecutor(min(os.cpu_count() or 1, 8)) as pool:
        blocks = (data[start : start + _MIB] for start in range(0, len(data), _MIB))
        return list(pool.map(lambda block: hashlib.sha256(block).digest(), blocks))


def noise(shape):
    import numpy as np

    array = np.empty(shape)
    rng = np.random.default_rng(0)
    step = max(1, (1 << 20) * len(array) // array.size)
    for start in range(0, len(array), step):
        rng.standard_normal(out=array[start : start + step])
    return array


def lookup(X, points, values):
    """Return the value of the next point: a function that neither copies its tables nor goes through all of them."""
    import numpy as np

    return values[np.minimum(np.searchsorted(points, X), len(points) - 1)]


def table(size):
    """Return a lookup in two large tables."""
    import lock_cost  # by a name that is the same everywhere, unlike __main__
    import numpy as np
    from sklearn.preprocessing import FunctionTransformer

    tables = {"points": np.linspace(-9, 9, size // 16), "values": noise(size // 16)}
    return FunctionTransformer(lock_cost.lookup, kw_args=tables).fit([[0.0]])


def neighbours(size):
    """Return nearest neighbours, every prediction of which goes through all of the state."""
    import numpy as np
    from sklearn.neighbors import KNeighborsClassifier

    X = noise((size // (8 * 64), 64))
    return KNeighborsClassifier(1, algorithm="brute").fit(X, np.arange(len(X)) % 3 == 0)


KINDS = {"table": table, "neighbours": neighbours}


def large(path, kind, mapped, size):
    """Print as JSON what locking and verifying a large state takes; run in a process of its own."""
    import joblib

    import sklearn_normlock as nl
    from sklearn_normlock.locks.target import Target

    nl.verify(KINDS[kind](1 << 16), nl.lock(KINDS[kind](1 << 16)))  # everything is imported and warm
    if not Path(path).exists():
        joblib.dump(KINDS[kind](size), path)
    est = joblib.load(path, mmap_mode="r" if mapped else None)
    arrays = [est._fit_X] if kind == "neighbours" else [*est.kw_args.values()]

    def reference():
        for array in arrays:
            raw(array)

    reference()  # a mapped file is in the system's cache
    with Peak() as locking:
        lock = nl.lock(est)
    with Peak() as verifying:
        nl.verify(est, lock)
    runs = []
    for _ in range(5):
        a = seconds(reference)
        b = seconds(lambda: Target(est))
        runs.append((a, b, seconds(lambda: nl.lock(est)), seconds(lambda: nl.verify(est, lock))))
    facts = {
        "MiB": [locking.mib, verifying.mib],
        "state": [a / b for a, b, _, _ in runs],
        "lock": [a / c for a, _, c, _ in runs],
        "verify": [a / d for a, _, _, d in runs],
        "GB/s": median(sum(array.nbytes for array in arrays) / a / 1e9 for a, *_ in runs),
    }
    print(json.dumps(facts))


def file(path):
    """Print as JSON what reading the bytes of a large file takes beside SHA-256 alone, on one thread."""
    import mmap

    from sklearn_normlock.documents.files import file_digest

    with open(path, "rb") as source, mmap.mmap(source.fileno(), 0, access=mmap.ACCESS_READ) as view:
        hashlib.sha256(view).digest()
        runs = [
            (seconds(lambda: hashlib.sha256(view).digest()), seconds(lambda: file_digest(source))) for _ in range(3)
        ]
        with Peak() as peak:
            file_digest(source)
    print(json.dumps({"MiB": [peak.mib], "file": [a / b for a, b in runs]}))


def child(*arguments):
    command = [sys.executable, __file__, "--child", *map(str, arguments)]
    return json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)


def big(folder, gib):
    threads = min(os.cpu_count() or 1, 8)
    for size, kind in [(min(gib, 0.25), "table"), (gib, "table"), (min(gib, 0.25), "neighbours")]:
        path = folder / f"{kind}{size}.joblib"
        for mapped in (0, 1):
            facts = child("large", path, kind, mapped, int(size * (1 << 30)))
            what = f"{kind} of {size:g} GiB, {'memory-mapped' if mapped else 'in memory'}"
            mib = max(facts["MiB"])
            row(f"{what}: extra memory", f"{mib:.0f} MiB", "<= 64 MiB", mib <= 64)
            for name in ("state", "lock", "verify"):
                share = median(facts[name])
                spread = f"{min(facts[name]):.0%} to {max(facts[name]):.0%}"
                about = f"  {name}: of SHA-256 on {threads} threads ({facts['GB/s']:.2f} GB/s)"
                row(about, f"{share:.0%} ({spread})", ">= 80 %", share >= 0.8)
        facts = child("file", path)
        share = median(facts["file"])
        row(
            f"{size:g} GiB file: its digest, of SHA-256 on 1 thread",
            f"{share:.0%}, {facts['MiB'][0]:.0f} MiB",
            ">= 80 %",
            share >= 0.8,
        )
        path.unlink()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--gib", type=float, default=1.0)
    parser.add_argument("--part", choices=["small", "start", "large"])
    parser.add_argument("--pairs", type=int, default=41)
    parser.add_argument("--child", nargs="+", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        name, path, *rest = options.child
        large(path, rest[0], rest[1] == "1", int(rest[2])) if name == "large" else file(path)
        return
    warnings.simplefilter("ignore", DeprecationWarning)
    with tempfile.TemporaryDirectory() as folder:
        if options.part in (None, "small"):
            small(Path(folder), options.pairs)
        if options.part in (None, "start"):
            start_up(Path(folder), max(5, options.pairs // 3))
        if options.part in (None, "large"):
            big(Path(folder), options.gib)


if __name__ == "__main__":
    main()
