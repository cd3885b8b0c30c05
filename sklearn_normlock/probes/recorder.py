"""Record what a fitted object puts out, in the environment it was fitted in. A file by itself: NumPy, Python 3.7 on.

    python recorder.py MODEL OUTPUTS.json

opens MODEL (which runs code if it is a pickle), puts the rows below through it, and writes what came out. Where
sklearn-normlock is installed, `normlock lock MODEL --recorded OUTPUTS.json` compares today's outputs with these.
"""

from __future__ import annotations

import base64
import hashlib
import json
import pickle
import platform
import sys
import warnings
from typing import Any

import numpy as np

ROWS: list[Any] = []  # candidates; `normlock recorder MODEL` puts rows in here that were made for the model
METHODS = ("transform", "predict")
SCORES = ("predict_proba", "decision_function")
OTHERWISE = ("score_samples",)


def item(value: Any) -> Any:
    """Return a value that JSON has no name for."""
    if isinstance(value, dict):
        if set(value) == {"float"}:
            return float(value["float"])
        if set(value) == {"tuple"}:
            return tuple(item(each) for each in value["tuple"])
        if set(value) == {"record"}:
            return {name: item(each) for name, each in value["record"].items()}
        raise ValueError(f"this recorder knows no value like {value!r}")
    return value


def array(document: dict[str, Any]) -> Any:
    """Return an array."""
    if "data" in document:
        numbers = np.frombuffer(base64.b64decode(document["data"]), document["dtype"])
        return numbers.reshape(document["shape"]).copy()
    values = [item(each) for each in document["items"]]
    if document["dtype"] == "str":
        return np.array(values, dtype=str).reshape(document["shape"])
    if document["dtype"] != "object":
        raise ValueError(f"this recorder knows no rows of dtype {document['dtype']!r}")
    found = np.empty(len(values), dtype=object)
    found[:] = values
    return found.reshape(document["shape"])


def column(document: dict[str, Any]) -> Any:
    """Return a column of a frame; one of text is of objects, as every pandas has it."""
    import pandas as pd

    form = document["form"]
    if form == "array":
        return pd.Series(array(document))
    if form == "text":
        return pd.Series(np.array([np.nan if text is None else text for text in document["items"]], dtype=object))
    if form == "categorical":
        names = list(column(document["categories"]))
        codes = array(document["codes"])
        return pd.Series(pd.Categorical.from_codes(codes, names, ordered=document["ordered"]))
    if form == "masked":
        values = pd.Series(array(document["values"]), dtype=document["dtype"])
        values[array(document["mask"])] = None
        return values
    raise ValueError(f"this recorder knows no column of the form {form!r}")


def rows(document: dict[str, Any]) -> Any:
    """Return rows."""
    if document["form"] == "list":
        return [item(each) for each in document["items"]]
    if document["form"] == "frame":
        import pandas as pd

        columns = [column(each) for each in document["columns"]]
        frame = pd.concat(columns, axis=1)
        frame.columns = [item(name) for name in document["names"]]
        return frame
    if document["form"] == "sparse":
        from scipy import sparse

        parts = tuple(array(document[name]) for name in ("values", "indices", "starts"))
        return sparse.csr_matrix(parts, shape=document["shape"]).asformat(document["layout"])
    return array(document)


def output(value: Any) -> dict[str, Any]:
    """Return an output as plain JSON values."""
    if hasattr(value, "toarray"):
        value = value.toarray()
    if hasattr(value, "to_numpy"):
        value = value.to_numpy()
    value = np.asarray(value)
    if value.dtype.kind == "O":
        try:
            value = value.astype(np.float64)
        except (TypeError, ValueError):
            pass
    if value.dtype.kind in "fiub":
        data = np.ascontiguousarray(value, dtype=value.dtype.newbyteorder("<"))
        text = base64.b64encode(data.tobytes()).decode("ascii")
        return {"dtype": data.dtype.str, "shape": list(value.shape), "data": text}
    return {"dtype": "text", "shape": list(value.shape), "texts": [str(each) for each in value.ravel().tolist()]}


def asked(model: Any) -> list[str]:
    """Return what a model is asked."""
    found = [name for name in METHODS if hasattr(model, name)]
    found += [name for name in SCORES if hasattr(model, name)][:1]
    return found or [name for name in OTHERWISE if hasattr(model, name)][:1]


def recorded(model: Any, candidates: list[Any]) -> dict[str, Any]:
    """Return the outputs on the first rows that the model takes, or why it takes none."""
    errors = ["it has none of " + ", ".join(METHODS + SCORES + OTHERWISE)]
    for document in candidates:
        try:
            outputs: dict[str, Any] = {}
            for name in asked(model):
                value = getattr(model, name)(rows(document))
                if isinstance(value, (list, tuple)) and value and all(isinstance(each, np.ndarray) for each in value):
                    outputs.update((f"{name}[{i}]", output(each)) for i, each in enumerate(value))
                else:
                    outputs[name] = output(value)
        except Exception as error:
            errors.append(f"{type(error).__name__}: {error}")
            continue
        if outputs:
            return {"rows": document, "outputs": outputs}
    return {"rows": None, "outputs": {}, "error": errors[-1][:300]}


def opened(path: str) -> Any:
    """Return the object in a file."""
    try:
        import joblib
    except ImportError:
        with open(path, "rb") as file:
            return pickle.load(file)
    return joblib.load(path)  # it reads plain pickles, too


def main(arguments: list[str]) -> int:
    """Record one model."""
    if len(arguments) != 2:
        print("usage: python recorder.py MODEL OUTPUTS.json")
        return 64
    if not ROWS:
        print("There are no rows in this file: print it with `normlock recorder MODEL` or with --rows FILE.")
        return 64
    warnings.simplefilter("ignore")
    with open(arguments[0], "rb") as file:
        sha256 = hashlib.sha256(file.read()).hexdigest()
    import sklearn

    found = recorded(opened(arguments[0]), ROWS)
    found["recording_version"] = 1
    found["sha256"] = sha256
    found["environment"] = {
        "scikit-learn": sklearn.__version__,
        "numpy": np.__version__,
        "python": ".".join(platform.python_version_tuple()[:2]),
    }
    with open(arguments[1], "w") as file:
        json.dump(found, file, sort_keys=True)
    names = ", ".join(sorted(found["outputs"])) or found["error"]
    print(f"{arguments[1]}: recorded under scikit-learn {sklearn.__version__}: {names}")
    return 0 if found["outputs"] else 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
