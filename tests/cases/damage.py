"""Damage to saved pipelines, counted by what became of it: ``python tests/cases/damage.py --flips 3000 --edits 500``.

One bit is flipped in the bytes of a pickle, joblib or skops file; or a skops file is edited and zipped again, so that
its checksums are right. The file is then loaded by pickle, joblib or skops themselves, and used. A damaged file may
hang its reader or ask for any amount of memory, so that reading is done in a process with limits; a death of it counts
as said.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import pickle
import random
import signal
import subprocess
import sys
import tempfile
import warnings
import zipfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
import skops.io
from sklearn import compose, decomposition, impute, linear_model, pipeline, preprocessing

import sklearn_normlock as nl
from sklearn_normlock.errors import EnvironmentMismatchWarning, NormLockError, SealWarning

OUTCOMES = ("ours", "others", "identical", "SILENT")
FORMATS = ("pickle", "joblib", "skops")
KINDS = ("locked", "stock")
_SECONDS = 20  # for one file
_MEMORY = 1 << 30  # beyond what the process has when it starts


# -- what is damaged -------------------------------------------------------------------------------------------------


NUMBERS = [f"measure{i}" for i in range(30)]  # enough of them that arrays are the greater part of a file


def rows(seed: int, n: int = 80) -> tuple[pd.DataFrame, np.ndarray]:
    rng = np.random.RandomState(seed)
    scale = 10.0 ** (np.arange(30) % 7 - 3)
    X = pd.DataFrame(rng.normal(3.0, 1.0, size=(n, 30)) * scale, columns=NUMBERS)
    y = (X.to_numpy() / scale).sum(axis=1) + 3 * rng.normal(size=n) > 90
    X["town"] = np.array(["Bonn", "Graz", "Ulm"])[rng.randint(3, size=n)]
    X.loc[rng.rand(n) < 0.1, "measure3"] = np.nan
    return X, np.where(y, "pays", "owes")


def fitted(kind: str) -> Any:
    """Return a pipeline of five kinds of steps, fitted on a frame; ``"locked"`` or ``"stock"``."""
    modules: Any = {"compose": compose, "decomposition": decomposition, "impute": impute, "pipeline": pipeline}
    modules["preprocessing"] = preprocessing
    if kind == "locked":
        from sklearn_normlock import compose as c
        from sklearn_normlock import decomposition as d
        from sklearn_normlock import impute as i
        from sklearn_normlock import pipeline as p
        from sklearn_normlock import preprocessing as pp

        modules = {"compose": c, "decomposition": d, "impute": i, "pipeline": p, "preprocessing": pp}
    pp = modules["preprocessing"]
    numbers = modules["pipeline"].make_pipeline(
        modules["impute"].SimpleImputer(), pp.StandardScaler(), modules["decomposition"].PCA(10)
    )
    columns = modules["compose"].ColumnTransformer(
        [("num", numbers, NUMBERS), ("cat", pp.OneHotEncoder(handle_unknown="ignore"), ["town"])]
    )
    whole = modules["pipeline"].make_pipeline(columns, linear_model.LogisticRegression())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # an older scikit-learn on a newer SciPy
        return whole.fit(*rows(0))


def written(estimator: Any, format: str) -> bytes:
    if format == "pickle":
        return pickle.dumps(estimator, protocol=5)
    if format == "skops":
        return skops.io.dumps(estimator)
    file = io.BytesIO()
    joblib.dump(estimator, file)
    return file.getvalue()


def read(data: bytes, format: str, trusted: Sequence[str]) -> Any:
    if format == "pickle":
        return pickle.loads(data)
    return skops.io.loads(data, trusted=list(trusted)) if format == "skops" else joblib.load(io.BytesIO(data))


def used(estimator: Any) -> tuple[Any, ...]:
    """Return what a user of the pipeline sees, for held rows: exactly."""
    X = rows(1, 20)[0]
    labels, chances = estimator.predict(X), estimator.predict_proba(X)
    names = estimator[:-1].get_feature_names_out()
    return (
        [str(label) for label in labels],
        (chances.shape, str(chances.dtype), chances.tobytes()),
        [str(name) for name in names],
        [str(name) for name in estimator.feature_names_in_],
    )


# -- kinds of damage: a bit, or an edit [member, ...] of a skops file ------------------------------------------------


def flips(data: bytes, n: int, seed: int = 0) -> list[Any]:
    return random.Random(seed).sample(range(8 * len(data)), min(n, 8 * len(data)))


def edits(data: bytes, n: int, seed: int = 0) -> list[Any]:
    """Return edits of a skops file: bits of the arrays' data, and values of its JSON, in equal parts."""
    rng = random.Random(seed)
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    # Where the header of a .npy file ends and data begin.
    starts = {
        name: 10 + int.from_bytes(content[8:10], "little") for name, content in members.items() if name.endswith(".npy")
    }
    arrays = sorted(name for name, start in starts.items() if start < len(members[name]))
    leaves = list(_leaves(json.loads(members["schema.json"])))
    made: list[Any] = []
    while len(made) < n:
        if len(made) % 2:
            path, value = rng.choice(leaves)
            made.append(["schema.json", path, _other(value, rng)])
        else:
            name = rng.choice(arrays)
            made.append([name, rng.randrange(starts[name], len(members[name])), rng.randrange(8)])
    return made


def _leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[list[Any], Any]]:
    if isinstance(value, (dict, list)):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _leaves(item, (*path, key))
    else:
        yield list(path), value


def _other(value: Any, rng: random.Random) -> Any:
    """Return another value of the same type; text that is JSON itself is edited inside."""
    if isinstance(value, str):
        try:
            inner = json.loads(value)
        except ValueError:
            inner = value
        if not isinstance(inner, (str, dict, list)):
            return json.dumps(_other(inner, rng))
        if not value:
            return "x"
        at = rng.randrange(len(value))
        return value[:at] + chr(ord(value[at]) ^ 1) + value[at + 1 :]
    if isinstance(value, bool) or value is None:
        return not value
    return value + rng.choice([1, -1]) if isinstance(value, int) else value * 2 + 1


def damaged(data: bytes, damage: Any) -> bytes:
    if isinstance(damage, int):
        changed = bytearray(data)
        changed[damage // 8] ^= 1 << damage % 8
        return bytes(changed)
    name, where, what = damage
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as archive, zipfile.ZipFile(out, "w") as again:
        for info in archive.infolist():
            content = archive.read(info.filename)
            if info.filename == name:
                content = _schema(content, where, what) if name == "schema.json" else _bit(content, where, what)
            again.writestr(info.filename, content)
    return out.getvalue()


def _bit(content: bytes, at: int, bit: int) -> bytes:
    return damaged(content, 8 * at + bit)


def _schema(content: bytes, path: list[Any], value: Any) -> bytes:
    schema = json.loads(content)
    holder = schema
    for key in path[:-1]:
        holder = holder[key]
    holder[path[-1]] = value
    if path[-1] == "content" and "__id__" in holder:
        holder["__id__"] = -1  # skops reads a value of one id once: all that are True, say
    return json.dumps(schema).encode()


# -- what becomes of it ----------------------------------------------------------------------------------------------


def outcome(data: bytes, format: str, trusted: Sequence[str], expected: Any) -> str:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            same = used(read(data, format, trusted)) == expected
        except NormLockError:
            return "ours"
        except Exception:
            return "others"
    if any(issubclass(warning.category, (SealWarning, EnvironmentMismatchWarning)) for warning in caught):
        return "ours"
    return "identical" if same else "SILENT"


def work(path: str, format: str) -> None:
    """Run in the process with limits: read damages from stdin, write an outcome for each."""
    import resource

    results = os.fdopen(os.dup(1), "w")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
    data = Path(path).read_bytes()
    trusted = sorted({*nl.trusted_types(), *(skops.io.get_untrusted_types(data=data) if format == "skops" else ())})
    expected = used(read(data, format, trusted))
    if Path("/proc/self/statm").exists():
        limit = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize() + _MEMORY
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    signal.signal(signal.SIGALRM, signal.SIG_DFL)  # ends the process
    print("ready", file=results, flush=True)
    for damage in json.load(sys.stdin):
        signal.alarm(_SECONDS)
        print(outcome(damaged(data, damage), format, trusted, expected), file=results, flush=True)


def run(data: bytes, format: str, damages: list[Any]) -> list[str]:
    """Return the outcome of each damage."""
    outcomes: list[str] = []
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "artifact")
        path.write_bytes(data)
        while len(outcomes) < len(damages):
            process = subprocess.run(
                [sys.executable, "-W", "ignore", __file__, "--work", str(path), format],
                input=json.dumps(damages[len(outcomes) :]),
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
                cwd=folder,
                env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path)), "OMP_NUM_THREADS": "1"},
                check=False,
            )
            ready, *done = process.stdout.split() or [""]
            if not ready:
                raise RuntimeError(f"the reader of {format} files does not start")
            outcomes += done
            if process.returncode != 0:
                outcomes.append("others")  # it died of this one
    return outcomes


def table(n_flips: int, n_edits: int, kinds: Sequence[str] = KINDS, seed: int = 0) -> dict[tuple[str, str], Counter]:
    """Return the counts of the outcomes, by what was done and to which kind of pipeline."""
    counts = {}
    for kind in kinds:
        estimator = fitted(kind)
        for format in FORMATS:
            data = written(estimator, format)
            if n_flips:
                counts[f"{format}, a bit flipped", kind] = Counter(run(data, format, flips(data, n_flips, seed)))
            if n_edits and format == "skops":
                counts["skops, edited and zipped again", kind] = Counter(run(data, format, edits(data, n_edits, seed)))
    return counts


def as_text(counts: dict[tuple[str, str], Counter]) -> str:
    lines = [f"{'':32}{'':8}" + "".join(f"{name:>11}" for name in OUTCOMES)]
    for (what, kind), count in sorted(counts.items()):
        lines.append(f"{what:32}{kind:8}" + "".join(f"{count[name]:11}" for name in OUTCOMES))
    return "\n".join(lines)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--flips", type=int, default=3000)
    parser.add_argument("--edits", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--work", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        work(*options.work)
    else:
        print(as_text(table(options.flips, options.edits, seed=options.seed)))
