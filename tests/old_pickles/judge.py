"""Pickles of old versions of scikit-learn: are they ever called a match without evidence, and is the recorder right?

::

    python tests/old_pickles/judge.py /envs/old0.23/bin/python /envs/old1.0/bin/python ...

Each Python fits the settings of :mod:`old`. The pickles are opened and locked here, and the recorders that this package
prints run there. Both verdicts are held against the truth: what the pickles put out there and here.
"""

from __future__ import annotations

import argparse
import collections
import pickle
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))

import old

import sklearn_normlock as nl
from sklearn_normlock.errors import NormLockError, ProbeMismatchError, UndecidedError
from sklearn_normlock.locks.recorded import Recording, approved_by, recorder_source

ROUND_OFF = 1e-7
#: Changes that the recorder's rows show and the data of the settings don't.
REAL = {
    "KBinsDiscretizer": "up to 1.0 a value that lay below an edge by less than 1e-8 + 1e-5 of itself fell into the bin "
    "above; from 1.1 on edges are exact, and the recorder's rows hold the neighbours of each edge"
}
HERE = Path(__file__).parent


def truth(model: Any, before: dict[str, list[Any]], X: Any) -> str:
    """Return what became of the outputs: the same, changed, or they can't be had any more."""
    now = old.outputs(model, X)
    if not before.keys() <= now.keys():
        return "can't run"
    return "same" if all(_same(np.asarray(before[name]), now[name]) for name in before) else "changed"


def _same(then: np.ndarray, now: np.ndarray) -> bool:
    if then.shape != now.shape:
        return False
    if then.dtype.kind not in "fiub" or now.dtype.kind not in "fiub":
        return np.array_equal(then.astype(str), now.astype(str))
    if then.dtype.kind != "f" and now.dtype.kind != "f":
        return np.array_equal(then, now)
    scale = np.nanmax(np.abs(then), axis=0, keepdims=True, initial=1e-300)
    a, b = then / scale, now / scale
    return bool(np.allclose(a, b, rtol=0, atol=ROUND_OFF, equal_nan=True))


def by_lock(model: Any, path: Path) -> tuple[str, nl.Lock | None]:
    """Return what verifying says after the pickle was locked here, and the lock."""
    try:
        lock = nl.lock(model, artifact=path)
        return nl.compare(model, lock).verdict.value, lock
    except NormLockError as error:
        return f"refused, {type(error).__name__}", None


def by_recorder(model: Any, lock: nl.Lock | None, path: Path) -> str:
    """Return what the recording says."""
    if lock is None:
        return "refused"
    if not path.with_suffix(".recorded.json").exists():
        return "undecided"  # no rows could be made: the recorder says so, and takes the user's
    try:
        approved_by(lock, Recording.load(path.with_suffix(".recorded.json")), model, path)
    except ProbeMismatchError:
        return "changed"
    except UndecidedError:
        return "undecided"
    return "same"


def judged(python: str, folder: Path) -> list[tuple[str, str, str, str]]:
    """Return for each setting the truth, the verdict of its lock, and that of the recorder."""
    subprocess.run([python, HERE / "old.py", "write", folder], check=True)
    models: dict[Path, Any] = {}
    rows = []
    sets, settings = old.data(), old.settings()
    for path in sorted(folder.glob("*.pkl")):
        try:
            models[path] = pickle.loads(path.read_bytes())
            path.with_suffix(".recorder.py").write_text(recorder_source(models[path]), encoding="utf-8")
        except Exception:
            rows.append((settings[int(path.stem)][1], "can't load", "refused", "refused"))
    subprocess.run([python, HERE / "old.py", "record", folder], check=True, stdout=subprocess.DEVNULL)
    for path, model in models.items():
        kind, expression = settings[int(path.stem)]
        X = sets[kind][0]
        X = X[:, 0] if expression.startswith("IsotonicR") else X
        became = truth(pickle.loads(path.read_bytes()), pickle.loads(path.with_suffix(".outputs").read_bytes()), X)
        verdict, lock = by_lock(model, path)
        rows.append((expression, became, verdict, by_recorder(model, lock, path)))
    return rows


def main() -> int:
    """Judge the pickles of each Python; return 1 if one was called a match that is none."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("python", nargs="+", help="of an old environment with scikit-learn and NumPy")
    faults = 0
    for python in parser.parse_args().python:
        with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            rows = judged(python, Path(folder))
        table = collections.Counter(row[1:] for row in rows)
        print(f"{python}: {len(rows)} pickles")
        for (became, verdict, recorded), count in sorted(table.items()):
            print(f"  {count:4} {became:10} lock: {verdict:30} recorder: {recorded}")
        for expression, became, verdict, recorded in rows:
            wrong = verdict == "match" and became != "same"
            wrong |= recorded == "same" and became != "same" or recorded == "changed" and became == "same"
            if recorded == "changed" and verdict != "match" and expression.startswith(tuple(REAL)) and became == "same":
                print(f"    real  {expression}: {became}, {verdict}, {recorded}: {REAL[expression.partition('(')[0]]}")
                continue
            faults += wrong
            if wrong or recorded == "undecided":
                print(f"    {'WRONG' if wrong else 'open '} {expression}: {became}, {verdict}, {recorded}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
