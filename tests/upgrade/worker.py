"""One end of an upgrade: what an old scikit-learn leaves, and what a new one makes of it.

::

    python -m upgrade.worker write DIR SEED [NAME ...]   # fit the settings; keep pickles, locks and outputs in DIR
    python -m upgrade.worker check DIR RESULT            # load each here; compare outputs with the lock's verdict

``check`` writes one JSON object: the environments and, for each setting, the truth (do the outputs on real data agree?)
beside what the lock said without knowing it. Both run with ``tests`` and the package on the path.
"""

from __future__ import annotations

import json
import pickle
import platform
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import scipy
import sklearn
from scipy import sparse
from sklearn.exceptions import InconsistentVersionWarning
from zoo_case import Case, quiet

import sklearn_normlock as nl
from sklearn_normlock.errors import NormLockError
from sklearn_normlock.probes.rows import decoded_rows, encoded_rows

from .settings import SEALED, SETTINGS

INDEX = "index.json"
PROTOCOL = 4
#: What a skops file of ours holds of scikit-learn's and skops doesn't trust: compiled code.
TRUSTED = ("sklearn.metrics._dist_metrics.EuclideanDistance64", "sklearn.neighbors._kd_tree.KDTree")

#: What an object is asked for, each of a copy fresh from the pickle: use may change it, and its random generator.
METHODS = ("transform", "predict", "predict_proba", "decision_function")
#: What is asked of those that have none of them.
OTHERWISE = ("score_samples", "kneighbors", "mahalanobis")
#: Up to here outputs agree, relative to the scale of their column: another order of summation makes no more of them.
ROUND_OFF, ROUND_OFF_32 = 1e-7, 1e-5


def environment() -> dict[str, str]:
    return {
        "python": platform.python_version(),
        "scikit-learn": sklearn.__version__,
        "numpy": np.__version__,
        "scipy": scipy.__version__,
    }


def reason(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}"[:300]


# -- outputs ----------------------------------------------------------------------------------------------------------


class Inquiry(NamedTuple):
    """The data that outputs are asked of, by name, and the methods that they don't suit."""

    rows: Mapping[str, Any]
    not_used: Sequence[str]


def queries(case: Case, seed: int) -> dict[str, Any]:
    """Return the data that outputs are asked of: those it was fitted on and others of their kind.

    Also what arrives in production of them: drifted, with gaps, sparse. Whatever refuses these under the old version
    may go on to.
    """
    new = case.data(seed + 1)[0]
    found = {"seen": case.data(seed)[0], "new": new}
    if isinstance(new, np.ndarray) and new.dtype.kind == "f" and new.ndim == 2:
        found["far"] = 10 * new
        found["gaps"] = np.where(np.add.outer(np.arange(len(new)), np.arange(new.shape[1])) % 5 == 0, np.nan, new)
        size = np.nan_to_num(np.abs(new))
        found["sparse"] = sparse.csr_matrix(np.where(size > np.median(size, axis=0), new, 0.0))
    return found


def flat(output: Any) -> list[np.ndarray]:
    """Return an output as arrays of numbers or of text."""
    if isinstance(output, (tuple, list)) and output and not isinstance(output[0], (str, tuple, float, int)):
        return [array for part in output for array in flat(part)]
    if sparse.issparse(output):
        return [output.toarray()]
    if hasattr(output, "columns"):
        return [array for name in output.columns for array in flat(output[name].to_numpy())]
    array = np.asarray(output if not isinstance(output, (tuple, list)) else np.array(output, dtype=object))
    if array.dtype.kind in "biuf":
        return [array]
    if array.dtype.kind == "O":
        try:
            return [array.astype(np.float64)]  # numbers that came from an object column
        except (TypeError, ValueError):
            pass
    return [np.array([str(item) for item in array.ravel().tolist()] or [""])]


Ask = Callable[[Any], list[np.ndarray]]


def questions(estimator: Any, asked: Inquiry) -> Iterator[tuple[str, Ask]]:
    """Yield what a fitted object is asked: what each step of a pipeline puts out, and then the whole of it."""
    usable = [m for m in (*METHODS, *OTHERWISE) if m not in asked.not_used and hasattr(estimator, m)]
    methods = [m for m in usable if m in METHODS] or usable[:1]
    for name, X in asked.rows.items():
        for i, (step, _) in enumerate(estimator.steps[:-1] if type(estimator).__name__ == "Pipeline" else ()):
            yield f"{step} {name}", lambda est, upto=i + 1, X=X: _output(est[:upto], "transform", X)
        for method in methods:
            yield f"{method} {name}", lambda est, method=method, X=X: _output(est, method, X)


def _output(estimator: Any, method: str, X: Any) -> list[np.ndarray]:
    with quiet():
        output = getattr(estimator, method)(X)
    # of neighbours the distances: which of two equally near ones comes first is nobody's word
    arrays = flat(output[0] if method == "kneighbors" else output)
    if getattr(X, "dtype", None) != np.float32:
        return arrays
    # what goes in as float32 comes out with its accuracy
    return [array.astype(np.float32) if array.dtype.kind == "f" else array for array in arrays]


def outputs(data: bytes, asked: Inquiry) -> tuple[dict[str, list[np.ndarray]], dict[str, str]]:
    """Return what the pickled object puts out, and why not where it raises."""
    found: dict[str, list[np.ndarray]] = {}
    errors: dict[str, str] = {}
    for key, ask in questions(_unpickled(data), asked):
        try:
            found[key] = ask(_unpickled(data))
        except Exception as error:
            errors[key] = reason(error)
    return found, errors


def at_random(data: bytes, asked: Inquiry, found: Mapping[str, list[np.ndarray]]) -> set[str]:
    """Return which outputs one object doesn't give twice: they are drawn at random, and say nothing of versions."""
    drawn = set()
    for key, ask in questions(_unpickled(data), asked):
        if key in found:
            estimator = _unpickled(data)
            ask(estimator)
            if difference(found[key], ask(estimator)) > ROUND_OFF:
                drawn.add(key)
    return drawn


def _unpickled(data: bytes) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pickle.loads(data)


def difference(old: list[np.ndarray], new: list[np.ndarray]) -> float:
    """Return how far outputs are apart: 0 the same bits, else relative to the scale of their column; inf not alike.

    What is in float32 is scaled so that `ROUND_OFF` holds for it too.
    """
    if len(old) != len(new):
        return np.inf
    return max((_apart(a, b) for a, b in zip(old, new, strict=True)), default=0.0)


def _apart(old: np.ndarray, new: np.ndarray) -> float:
    if old.shape != new.shape or (old.dtype.kind == "U") != (new.dtype.kind == "U"):
        return np.inf
    if old.dtype.kind == "U":
        return 0.0 if np.array_equal(old, new) else np.inf
    if old.dtype == new.dtype and old.tobytes() == new.tobytes():
        return 0.0
    a, b = np.asarray(old, dtype=np.float64), np.asarray(new, dtype=np.float64)
    special = ~np.isfinite(a) | ~np.isfinite(b)
    if not np.array_equal(a[special], b[special], equal_nan=True):
        return np.inf
    a, b = np.where(special, 0.0, a), np.where(special, 0.0, b)
    size = np.abs(a)
    column = size.max(axis=0, keepdims=True, initial=0.0) if a.ndim > 1 else size.max(initial=0.0)
    # a column that is round-off beside the others (the last component of a flat cloud) has no scale of its own
    scale = np.maximum(column, max(1e-9 * float(size.max(initial=0.0)), 1e-300))
    gap = float((np.abs(a - b) / scale).max(initial=0.0))
    if old.dtype == np.float32:
        gap *= ROUND_OFF / ROUND_OFF_32
    return gap or 5e-324  # other bits, the same numbers: a zero's sign, say


def truth(old: dict[str, Any], new: dict[str, Any], errors: dict[str, str]) -> tuple[str, float, str]:
    """Return what became of the outputs, how far they are apart, and of which most.

    What raised before may do what it likes; what did not and raises now can't run.
    """
    gaps = {key: _gap(key, old, new) for key in old if key in new}
    lost = {key: errors.get(key, "the method is gone") for key in old if key not in new}
    if lost:
        key = next(iter(lost))
        return "can't run", np.inf, f"{key}: {lost[key]}"
    worst = max(gaps, key=lambda key: gaps[key], default="")
    gap = gaps.get(worst, 0.0)
    if not gaps:
        return "no output", 0.0, ""
    if gap == 0.0:
        return "same bits", 0.0, ""
    return ("agrees" if gap <= ROUND_OFF else "changed"), gap, worst


def _gap(key: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> float:
    """Return how far an output is apart; a label that differs only where its scores tie is none."""
    gap = difference(old[key], new[key])
    method, _, rows = key.partition(" ")
    scores = f"predict_proba {rows}"
    if method != "predict" or not np.isinf(gap) and gap <= ROUND_OFF or scores not in old or scores not in new:
        return gap
    if difference(old[scores], new[scores]) > ROUND_OFF or len(old[key]) != 1 or len(old[scores]) != 1:
        return gap
    (before,), (after,), (p,) = old[key], new[key], old[scores]
    if before.shape != after.shape or before.ndim != 1 or p.ndim != 2:
        return gap
    best = np.sort(p, axis=1)
    tied = best[:, -1] - best[:, -2] <= ROUND_OFF
    return 5e-324 if tied[before != after].all() else gap


def culprit(estimator: Any, old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    """Return the first step of a pipeline that puts out something else or fails; empty if it isn't a pipeline."""
    if type(estimator).__name__ != "Pipeline":
        return ""
    for name, _ in estimator.steps[:-1]:
        keys = [key for key in old if key.rpartition(" ")[0] == name]
        if any(key not in new or difference(old[key], new[key]) > ROUND_OFF for key in keys):
            return name
    return estimator.steps[-1][0]


# -- the two ends -----------------------------------------------------------------------------------------------------


def write(folder: Path, seed: int = 0, names: Sequence[str] = ()) -> dict[str, Any]:
    """Fit all or some settings on the data of a seed; keep in `folder` what is needed to see what became of them."""
    folder.mkdir(parents=True, exist_ok=True)
    index: dict[str, Any] = {"environment": environment(), "seed": seed, "cases": {}, "errors": {}}
    arrays: dict[str, np.ndarray] = {}
    for number, name in enumerate(names or SETTINGS):
        case = SETTINGS[name]
        path = folder / f"{number:03}{'.skops' if name.startswith(SEALED) else '.pkl'}"
        try:
            estimator = case.fitted(seed)
        except Exception as error:  # not of this version, or not on these data
            index["errors"][name] = reason(error)
            continue
        with quiet():
            nl.dump(estimator, path, lock=True)
            data = _pickled(path, estimator)
            entry = {"file": path.name, "fingerprint": nl.fingerprint(estimator)}
        asked = Inquiry(queries(case, seed), case.not_used)
        if names:  # to be kept: what is asked must not change with the settings
            entry["asked"] = {key: encoded_rows(X) for key, X in asked.rows.items()}, list(asked.not_used)
        found, _ = outputs(data, asked)
        drawn = at_random(data, asked, found)
        entry["outputs"] = {key: len(value) for key, value in found.items() if key not in drawn}
        entry["drawn"] = sorted(drawn)
        for key in entry["outputs"]:
            arrays.update({f"{number:03} {key} {i}": array for i, array in enumerate(found[key])})
        index["cases"][name] = entry
    np.savez_compressed(folder / "outputs.npz", **arrays)
    (folder / INDEX).write_text(json.dumps(index, indent=1, sort_keys=True), encoding="utf-8")
    return index


def _pickled(path: Path, estimator: Any) -> bytes:
    """Return the artifact if it is a pickle; else pickle the object beside it, to ask it anew as often as needed."""
    if path.suffix == ".pkl":
        return path.read_bytes()
    data = pickle.dumps(estimator, protocol=PROTOCOL)
    path.with_suffix(".pickle").write_bytes(data)
    return data


def check(folder: Path) -> dict[str, Any]:
    """Load what `folder` holds; return for each setting the truth and what the lock says."""
    index = json.loads((folder / INDEX).read_text(encoding="utf-8"))
    result: dict[str, Any] = {"wrote": index["environment"], "checked": environment(), "cases": {}}
    with np.load(folder / "outputs.npz") as arrays:
        for name, entry in index["cases"].items():
            old = {
                key: [arrays[f"{entry['file'][:3]} {key} {i}"] for i in range(count)]
                for key, count in entry["outputs"].items()
            }
            result["cases"][name] = _checked(folder / entry["file"], _asked(name, index), entry, old)
    return result


def _asked(name: str, index: dict[str, Any]) -> Inquiry:
    kept = index["cases"][name].get("asked")
    if kept is None and name not in SETTINGS:
        return Inquiry({}, ())  # of a class that this version has not: it can't be loaded, let alone asked
    if kept is None:
        return Inquiry(queries(SETTINGS[name], index["seed"]), SETTINGS[name].not_used)
    return Inquiry({key: decoded_rows(rows) for key, rows in kept[0].items()}, kept[1])


def _checked(path: Path, asked: Inquiry, entry: dict[str, Any], old: dict[str, Any]) -> dict[str, Any]:
    data = (path if path.suffix == ".pkl" else path.with_suffix(".pickle")).read_bytes()
    row: dict[str, Any] = {"load": said(lambda: nl.load(path, lock=True, trusted=TRUSTED))}
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            estimator = pickle.loads(data)
        row["stock warned"] = any(issubclass(w.category, InconsistentVersionWarning) for w in caught)
    except Exception as error:
        return {**row, "truth": "can't load", "detail": reason(error)}
    lock = nl.Lock.load(f"{path}.normlock.json")
    row["verify"] = said(lambda: nl.verify(estimator, lock))
    new, errors = outputs(data, asked)
    row["truth"], row["gap"], row["detail"] = truth(old, new, errors)
    if row["truth"] == "no output" and entry["drawn"]:
        row["truth"] = "at random"
    row["step"] = culprit(estimator, old, new) if row["truth"] in ("changed", "can't run") else ""
    try:
        with quiet():
            row["fingerprint"] = "same" if nl.fingerprint(_unpickled(data)) == entry["fingerprint"] else "other"
    except Exception as error:
        row["fingerprint"] = reason(error)
    return row


def said(ask: Callable[[], Any]) -> dict[str, Any]:
    """Return what the lock said: the error, the step it named, and every warning that is about versions or of ours."""
    error: Exception | None = None
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            ask()
        except Exception as raised:
            error = raised
    return {
        "raised": "" if error is None else type(error).__name__,
        "ours": isinstance(error, NormLockError),
        "path": getattr(error, "path", None),
        "message": "" if error is None else str(error)[:600],
        "warnings": sorted({f"{w.category.__name__}: {w.message}"[:200] for w in caught if _of_versions(w.category)}),
    }


def _of_versions(category: type[Warning]) -> bool:
    """Tell a warning of ours or of scikit-learn's versions from others, such as of a class that will be removed."""
    return issubclass(category, InconsistentVersionWarning) or category.__module__.startswith("sklearn_normlock")


def main(arguments: list[str]) -> int:
    if arguments[:1] == ["write"] and len(arguments) >= 3:
        index = write(Path(arguments[1]), int(arguments[2]), arguments[3:])
        print(json.dumps({"wrote": len(index["cases"]), "errors": index["errors"]}))
    elif arguments[:1] == ["check"] and len(arguments) == 3:
        Path(arguments[2]).write_text(json.dumps(check(Path(arguments[1])), indent=1), encoding="utf-8")
    else:
        print(__doc__, file=sys.stderr)
        return 64
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
