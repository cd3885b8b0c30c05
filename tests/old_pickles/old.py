"""What runs in an old environment: scikit-learn 0.23 on, NumPy, Python 3.6 on; not this package.

python old.py write FOLDER     # fit the settings; keep pickles, and what they put out on data
python old.py record FOLDER    # run the recorders that lie there, one for each pickle
"""

import glob
import os
import pickle
import sys
import warnings

import numpy as np

METHODS = ("transform", "predict", "predict_proba", "decision_function", "score_samples")
TEXTS = ["red fox", "red dog runs", "a lazy fox sleeps", "dog and fox", "cats sleep", "no cats here"] * 6


def data():
    """Return what settings are fitted on, by name."""
    rng = np.random.RandomState(0)
    y = np.arange(36) % 3
    X = (rng.normal(size=(36, 4)) + y[:, None] * [1.0, -0.5, 0.0, 2.0]) * [1.0, 10.0, 0.1, 3.0] + [0.0, 5.0, 1.0, -2.0]
    gaps = X.copy()
    gaps[::5, 1] = gaps[::7, 3] = np.nan
    words = np.array([["ash", "oak"], ["elm", "oak"], ["ash", "fir"]], dtype=object)[y]
    real = X.dot([1.0, 0.2, -3.0, 0.5])
    return {
        "X": (X, y),
        "binary": (X, (y > 0).astype(int)),
        "named": (X, np.array(["ash", "elm", "fir"])[y]),
        "real": (X, real),
        "two": (X, np.column_stack([real, X[:, 0]])),
        "positive": (np.abs(X), y),
        "gaps": (gaps, y),
        "words": (words, y),
        "texts": (TEXTS, y),
    }


def settings():
    """Return what is fitted: the name of the data, and an expression."""
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "settings.txt")) as file:
        return [tuple(line.rstrip().split(": ", 1)) for line in file]


def names():
    """Return what expressions may name: every public class and maker of scikit-learn."""
    import importlib

    for name in ("enable_hist_gradient_boosting", "enable_iterative_imputer"):
        try:
            importlib.import_module("sklearn.experimental." + name)
        except ImportError:
            pass
    found = {"np": np}
    modules = (
        "calibration cluster compose covariance cross_decomposition decomposition discriminant_analysis dummy ensemble "
        "feature_extraction.text feature_selection gaussian_process impute isotonic kernel_approximation kernel_ridge "
        "linear_model mixture model_selection multiclass multioutput naive_bayes neighbors neural_network pipeline "
        "preprocessing svm tree"
    )
    for module in modules.split():
        found.update(vars(importlib.import_module("sklearn." + module)))
    return found


def outputs(model, X):
    """Return what a model puts out, by method; a method that raises is left out."""
    found = {}
    for method in METHODS:
        if hasattr(model, method):
            try:
                value = getattr(model, method)(X)
            except Exception:
                continue
            found[method] = np.asarray(value.toarray() if hasattr(value, "toarray") else value)
    return found


def write(folder):
    """Fit the settings; keep a pickle and its outputs for each that this version has."""
    known, sets = names(), data()
    for number, (kind, expression) in enumerate(settings()):
        X, y = sets[kind]
        X = X[:, 0] if expression.startswith("IsotonicR") else X
        try:
            model = eval(expression, dict(known)).fit(X, y)
            found = outputs(model, X)
            if not found:
                continue
        except Exception:  # not of this version
            continue
        with open(os.path.join(folder, f"{number:03}.pkl"), "wb") as file:
            pickle.dump(model, file, 2 + number % 3)
        with open(os.path.join(folder, f"{number:03}.outputs"), "wb") as file:
            pickle.dump({name: value.tolist() for name, value in found.items()}, file, 2)


def record(folder):
    """Run each recorder in a namespace of its own."""
    for program in sorted(glob.glob(os.path.join(folder, "*.recorder.py"))):
        with open(program, encoding="utf-8") as file:
            code = compile(file.read(), program, "exec")
        namespace = {"__name__": "recorder"}
        exec(code, namespace)
        artifact = program[: -len(".recorder.py")]
        namespace["main"]([artifact + ".pkl", artifact + ".recorded.json"])


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    {"write": write, "record": record}[sys.argv[1]](sys.argv[2])
