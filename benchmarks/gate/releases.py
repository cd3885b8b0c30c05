"""Releases through the gate: how many are blocked when nothing changed, and how many when something did.

``python benchmarks/gate/releases.py null --releases 200``, ``null-named``, ``planted``, ``faults``; figures are in
``docs/gate.md``.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.stats import norm
from sklearn.base import clone
from sklearn.datasets import make_classification
from sklearn.ensemble import RandomForestClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

import sklearn_normlock as nl
from sklearn_normlock.gates.comparison import judge
from sklearn_normlock.gates.statistics import margin_score, mcnemar
from sklearn_normlock.gates.tasks import Outputs


def table(seed: int, n: int) -> tuple[pd.DataFrame, np.ndarray]:
    """Return rows of ten sites, and their labels."""
    X, y = make_classification(n, 8, n_informative=5, flip_y=0.05, random_state=seed)
    frame = pd.DataFrame(X, columns=[f"x{i}" for i in range(8)])
    frame["site"] = np.random.default_rng(seed).integers(0, 10, n)
    return frame, y


def null(releases: int, searched: bool = True) -> None:
    """Refits on a bootstrap, or with another seed, at the default limits; ten named cohorts, and found slices.

    Refits differ in truth, too. Each found slice that blocks is looked at in 100,000 fresh rows: did it lose as much?
    """
    columns = [f"x{i}" for i in range(8)]
    trained, judged, fresh = slice(0, 4000), slice(4000, 9000), slice(9000, None)
    for name in ("logistic, bootstrap", "forest, seed"):
        answers, by_search, lost = [], 0, []
        for release in range(releases):
            rng = np.random.default_rng(release)
            X, y = table(release, 109_000 if searched else 9000)
            pair = []
            for side in range(2):
                rows = rng.integers(0, 4000, 4000) if "bootstrap" in name else np.arange(4000)
                model = RandomForestClassifier(30, min_samples_leaf=5, random_state=side)
                est = make_pipeline(StandardScaler(), LogisticRegression() if "bootstrap" in name else model)
                pair.append(est.fit(X[columns][trained].iloc[rows], y[trained][rows]))
            report = nl.gate(*pair, X[judged], y[judged], cohorts=["site", *["found"] * searched], seed=release)
            answers.append(report.answer)
            found = [each.cohort.removeprefix("found: ") for each in report.broken if "found: " in each.cohort]
            by_search += len(found) == len(report.broken) > 0
            for each in found:
                inside = within(X[fresh], each)
                old, new = (est.score(X[columns][fresh][inside], y[fresh][inside]) for est in pair)
                lost.append(old - new)
        shares = {answer: f"{answers.count(answer) / releases:.1%}" for answer in ("mismatch", "undecided", "match")}
        print(f"{name}, {releases} releases: {shares}; by a found slice alone {by_search / releases:.1%}")
        true = sum(each > 0.005 for each in lost)
        if not searched:
            continue
        print(f"  found slices that block: {len(lost)}; {true} lose more than half a point in fresh rows", flush=True)


def within(X: pd.DataFrame, name: str) -> np.ndarray:
    """Return which rows are in a slice, by its name: "x0 < 1.2 and x1 in [0, 0.5)"."""
    inside = np.ones(len(X), bool)
    for part in name.split(" and "):
        column, sign, *values = part.replace("=", " = ").split(" ")
        low, high = {
            "<": lambda v: (-np.inf, float(v[0])),
            "≥": lambda v: (float(v[0]), np.inf),
            "=": lambda v: (float(v[0]), float(v[0]) + 1),
            "in": lambda v: (float(v[0].strip("[,")), float(v[1].strip(")"))),
        }[sign](values)
        inside &= (X[column] >= low) & (X[column] < high)
    return inside


def planted(releases: int, points: float, sizes: Sequence[int], churns: Sequence[float]) -> None:
    """Points lost in one cohort of a tenth of the rows, as many won elsewhere, among flips of both kinds.

    The oracle knows the cohort, and tests nothing else: at half of the error, against the same limit. The other one
    knows as much, and pays by Bonferroni for all slices of one column.
    """
    heads = "rows in the cohort, other flips each way, oracle, cohorts named, oracle that pays, slices searched"
    print("| " + " | ".join(heads.split(", ")) + " |")
    print("|---:|---:|---:|---:|---:|---:|")
    for size in sizes:
        for churn in churns:
            hits = [0, 0, 0, 0]
            for release in range(releases):
                rng = np.random.default_rng(release)
                n = 10 * size
                X = pd.DataFrame({f"x{i}": rng.normal(size=n) for i in range(5)})
                X["site"] = np.arange(n) % 10
                y = rng.integers(0, 2, n)
                noise = rng.random(n)
                before = np.where(noise < churn, 1 - y, y)
                after = np.where((noise >= churn) & (noise < 2 * churn), 1 - y, y)
                calm = (noise >= 2 * churn) & (X["site"] == 3).to_numpy()
                lost = rng.permutation(np.flatnonzero(calm))[: round(points / 100 * size)]
                after[lost] = 1 - y[lost]
                won = rng.permutation(np.flatnonzero((noise >= 2 * churn) & (X["site"] != 3).to_numpy()))[: len(lost)]
                before[won] = 1 - y[won]
                both = Outputs(predictions=before), Outputs(predictions=after)
                inside = (X["site"] == 3).to_numpy()
                pairs = ((before, after), (after, before))
                flips = [np.sum(inside & (one == y) & (other != y)) for one, other in pairs]
                beyond = norm.cdf(margin_score(*flips, size, -0.005))
                slices = 10 + 5 * (4 + 10)  # sites, and quarters and tenths of each other column
                for i, level in ((0, 0.025), (2, 0.025 / slices)):
                    hits[i] += max(mcnemar(*flips), beyond) <= level
                for i, cohorts in ((1, "site"), (3, "found")):
                    report = judge(*both, y, X=X, cohorts=cohorts, seed=release)
                    hits[i] += any("site=3" in each.cohort for each in report.broken)
            cells = " | ".join(f"{100 * hit / releases:.0f} %" for hit in hits)
            print(f"| {size} | {100 * churn:.1f} % | {cells} |", flush=True)


def null_named(releases: int) -> None:
    """The same refits, with the named cohorts alone."""
    null(releases, searched=False)


def faults(_: int) -> None:
    """The faults of preprocessing, as releases: what the gate says, and from which step on the outputs differ."""
    rng = np.random.default_rng(0)
    X, y = make_classification(8000, 8, n_informative=5, random_state=0)
    X = X * 10.0 ** np.arange(8) + 3 * 10.0 ** np.arange(8)
    old = make_pipeline(StandardScaler(), LogisticRegression()).fit(X[:3000], y[:3000])
    model = old[-1]
    later = X[3000:4000] * rng.uniform(0.7, 1.6, 8)
    drift = rng.uniform(0.6, 1.8, 8)
    releases = {
        "scaler refitted on new data": make_pipeline(StandardScaler().fit(later), model),
        "scaler left out": make_pipeline(FunctionTransformer().fit(X), model),
        "last year's scaler, all columns 20 % smaller then": make_pipeline(StandardScaler().fit(X[:3000] * 0.8), model),
        "last year's scaler, each column drifted since": make_pipeline(StandardScaler().fit(X[:3000] * drift), model),
        "input in float16": make_pipeline(FunctionTransformer(_half).fit(X), old[0], model),
    }
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, new in releases.items():
            print(f"{name}: {_said(nl.gate(old, new, X[4000:], y[4000:]))}")
        print(f"TF-IDF upgrade: {_said(_tfidf())}")


def _half(X: np.ndarray) -> np.ndarray:
    return np.asarray(X, np.float16).astype(float)


def _tfidf() -> nl.GateReport:
    """IDF weights that an upgrade lost, on texts whose rare words matter."""
    rng = np.random.default_rng(1)
    words = np.array([f"w{i}" for i in range(400)])
    rates = 1 / np.arange(1, 401)
    y = rng.integers(0, 2, 6000)
    texts = []
    for label in y:
        some = rng.choice(words, 25, p=rates / rates.sum())
        texts.append(" ".join([*some, *rng.choice(words[200 + 60 * label : 320 + 60 * label], 2)]))
    old = make_pipeline(TfidfVectorizer(), LogisticRegression()).fit(texts[:2000], y[:2000])
    new = make_pipeline(clone(old[0]).fit(texts[:2000]), old[-1])
    new[0].idf_ = np.ones_like(new[0].idf_)
    return nl.gate(old, new, texts[2000:], y[2000:])


def _said(report: nl.GateReport) -> str:
    first = report.judgements[0]
    values = "" if first.old is None else f", accuracy {first.old:.3f} → {first.new:.3f}"
    return f"{report.answer}{values}, first step {report.step}"


def main() -> None:
    """Run one part."""
    parser = argparse.ArgumentParser(description=__doc__)
    parts = {"null": null, "null-named": null_named, "faults": faults}
    parser.add_argument("part", choices=[*parts, "planted"])
    parser.add_argument("--releases", type=int, default=200)
    parser.add_argument("--points", type=float, default=2.0, help="lost in the cohort of planted releases")
    parser.add_argument("--rows", type=int, nargs="*", default=[300, 500, 1000, 2000], help="in the planted cohort")
    parser.add_argument("--flips", type=float, nargs="*", default=[0.0, 0.001, 0.005, 0.01, 0.02], help="each way")
    arguments = parser.parse_args()
    if arguments.part == "planted":
        planted(arguments.releases, arguments.points, arguments.rows, arguments.flips)
    else:
        parts[arguments.part](arguments.releases)


if __name__ == "__main__":
    main()
