"""Fingerprints of the whole zoo, carried from one process, or one Python, to another.

::

    python tests/cases/fingerprint_worker.py write DIR    # fit the zoo; keep pickles and fingerprints in DIR
    python tests/cases/fingerprint_worker.py check DIR    # load the pickles and fit the zoo anew: same fingerprints?

``check`` needs the scikit-learn that wrote DIR, in any Python with any hash seed. It prints one JSON object. Pickles
are compared always. Fits are compared too, but count against the result only where NumPy and SciPy are the ones that
wrote DIR: another build may round differently, and an honest fingerprint says so. For the same reason a pickle that
another SciPy can't read (some name its private modules) is listed as unreadable. Exit code: 0 all the same, 1 a
mismatch, 2 it could not be checked, 3 nothing was.
"""

from __future__ import annotations

import json
import os
import pickle
import platform
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy
import scipy
import sklearn
from sklearn.exceptions import InconsistentVersionWarning
from zoo import iter_zoo

import sklearn_normlock as nl

INDEX = "zoo.json"
PROTOCOL = 4  # every Python that is supported reads it


def environment() -> dict[str, str]:
    return {
        "python": platform.python_version(),
        "scikit-learn": sklearn.__version__,
        "numpy": numpy.__version__,
        "scipy": scipy.__version__,
        "hash_seed": os.environ.get("PYTHONHASHSEED", "random"),
    }


def _reason(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


def write(folder: Path) -> dict[str, Any]:
    """Fit every case; keep its pickle and its fingerprint in `folder`, and return the index of what is there."""
    folder.mkdir(parents=True, exist_ok=True)
    index: dict[str, Any] = {"environment": environment(), "cases": {}, "errors": {}}
    for number, case in enumerate(iter_zoo()):
        try:
            estimator = case.fitted()
            file = f"{number:03}.pkl"  # the names of cases aren't names of files
            (folder / file).write_bytes(pickle.dumps(estimator, protocol=PROTOCOL))
            index["cases"][case.name] = {"file": file, "fingerprint": nl.fingerprint(estimator)}
        except Exception as error:
            # one case that fails must not hide what the others would say
            index["errors"][case.name] = _reason(error)
    (folder / INDEX).write_text(json.dumps(index, indent=1, sort_keys=True), encoding="utf-8")
    return index


def check(folder: Path) -> dict[str, Any]:
    """Compare the zoo of this process with what `folder` holds; return every difference."""
    index = json.loads((folder / INDEX).read_text(encoding="utf-8"))
    there, here = index["environment"], environment()
    if there["scikit-learn"] != here["scikit-learn"]:
        raise ValueError(
            f"{folder} was written by scikit-learn {there['scikit-learn']}, this is {here['scikit-learn']}."
        )
    zoo = {case.name: case for case in iter_zoo()}
    result: dict[str, Any] = {
        "wrote": there,
        "checked": here,
        "same_numerics": all(there[name] == here[name] for name in ("numpy", "scipy")),
        "loaded_same": 0,
        "refitted_same": 0,
        "loaded": [],
        "refitted": [],
        "unreadable": {},
        # packages differ between environments: a case on one side only is named, not passed over
        "only_there": sorted(set(index["cases"]) - set(zoo)),
        "only_here": sorted(set(zoo) - set(index["cases"]) - set(index["errors"])),
        "errors": {f"write {name}": reason for name, reason in index["errors"].items()},
    }
    for name, entry in index["cases"].items():
        if name in zoo:
            for way in ("loaded", "refitted"):
                try:
                    now = nl.fingerprint(_load(folder / entry["file"]) if way == "loaded" else zoo[name].fitted())
                except ModuleNotFoundError as error:
                    result["unreadable"][name] = _reason(error)
                    continue
                except Exception as error:
                    result["errors"][f"{way} {name}"] = _reason(error)
                    continue
                if now == entry["fingerprint"]:
                    result[f"{way}_same"] += 1
                else:
                    result[way].append(name)
    return result


def _load(path: Path) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("error", InconsistentVersionWarning)  # a pickle of another scikit-learn proves nothing
        # naming a class that is deprecated warns, and is not what is checked here
        warnings.filterwarnings("ignore", "Class .* is deprecated", FutureWarning)
        return pickle.loads(path.read_bytes())


def exit_code(result: dict[str, Any]) -> int:
    if result["loaded"] or (result["refitted"] and result["same_numerics"]):
        return 1
    if result["errors"] or (result["unreadable"] and result["same_numerics"]):
        return 2
    return 0 if result["loaded_same"] else 3


def main(arguments: list[str]) -> int:
    if len(arguments) != 2 or arguments[0] not in ("write", "check"):
        print(__doc__, file=sys.stderr)
        return 64
    folder = Path(arguments[1])
    if arguments[0] == "write":
        index = write(folder)
        print(json.dumps({"wrote": len(index["cases"]), "errors": index["errors"]}))
        return 2 if index["errors"] else 0 if index["cases"] else 3
    try:
        result = check(folder)
    except (OSError, ValueError) as error:
        print(_reason(error), file=sys.stderr)
        return 2
    print(json.dumps(result))
    return exit_code(result)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
