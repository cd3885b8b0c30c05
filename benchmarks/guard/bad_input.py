"""Show the guard's answers to input that is no batch: ``python benchmarks/guard/bad_input.py``.

Each must raise an error that says what is wrong, or alarm; a batch without any information (no rows) may also come
back without an alarm as long as it says so. `quiet` is a false match where the last column says that it is one.
"""

from __future__ import annotations

import sys
import time
import warnings
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import sklearn_normlock as nl


def inputs(rng: np.random.Generator, clean: np.ndarray) -> list[tuple[str, object, bool]]:
    """Return what it is, the input, and whether quiet is right."""
    holed, infinite = clean.copy(), clean.copy()
    holed[:, 2] = np.nan
    infinite[3, 2] = np.inf
    return [
        ("a column too many", np.hstack([clean, clean[:, :1]]), False),
        ("a column too few", clean[:, :-1], False),
        ("one-dimensional", clean[0], False),
        ("three-dimensional", clean[None], False),
        ("all NaN", np.full_like(clean, np.nan), False),
        ("one column NaN", holed, False),
        ("an infinity", infinite, False),
        ("all infinite", np.full_like(clean, np.inf), False),
        ("strings", clean.astype(str).astype(object), False),
        ("words", np.full(clean.shape, "abc", dtype=object), False),
        ("None", None, False),
        ("no rows", clean[:0], True),
        ("no columns", clean[:, :0], False),
        ("all zeros", np.zeros_like(clean), False),
        ("the largest floats", np.full_like(clean, 1.7e308), False),
        ("complex", clean + 1j, False),
        ("one row", clean[:1], True),
        ("two rows", clean[:2], True),
        ("the same row 64 times", np.repeat(clean[:1], 64, axis=0), False),
        ("single precision", clean.astype(np.float32), True),
        ("a list of lists", clean.tolist(), True),
        ("Fortran order", np.asfortranarray(clean), True),
        ("a million rows", None, True),
    ]


def main() -> None:
    warnings.simplefilter("ignore")
    rng = np.random.default_rng(0)
    location, scale = rng.uniform(5, 50, 8), rng.uniform(0.5, 5, 8)
    profile = nl.Profile.from_data(location + scale * rng.normal(size=(2000, 8)))
    clean = location + scale * rng.normal(size=(64, 8))
    print("| input | says | verdict |\n|---|---|---|")
    for what, X, quiet_is_right in inputs(rng, clean):
        X = location + scale * rng.normal(size=(1_000_000, 8)) if what == "a million rows" else X
        start = time.perf_counter()
        try:
            said = nl.diagnose(profile, X)
            text = f"alarm: {said.fault}" if said.alarm else "quiet"
            verdict = "right" if said.alarm != quiet_is_right else ("FALSE ALARM" if said.alarm else "FALSE MATCH")
        except Exception as error:
            text = f"{type(error).__name__}: {error}".replace("\n", " ").replace("|", "/")[:160]
            verdict = "refused" if what not in ("one row", "two rows", "a million rows") else "REFUSED WRONGLY"
        print(f"| {what} | {text} ({time.perf_counter() - start:.3f} s) | {verdict} |", flush=True)


if __name__ == "__main__":
    main()
