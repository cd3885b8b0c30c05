"""Coverage of the gate's 95 % intervals: how often they hold the true change, by method and number of rows.

``python benchmarks/gate/coverage.py --draws 2000``; ties and rare flips are among the cases.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import numpy as np
from sklearn.metrics import f1_score, log_loss

from sklearn_normlock.gates.statistics import Estimate, delong, jackknife, normal, paired_shares, share

Draw = Callable[[np.random.Generator, int], tuple[Estimate, float]]


def accuracy(worse: float, better: float) -> Draw:
    """Flips of either kind, independent of each other."""

    def draw(rng: np.random.Generator, n: int) -> tuple[Estimate, float]:
        counts = rng.multinomial(n, [worse, better, 1 - worse - better])
        return paired_shares(int(counts[0]), int(counts[1]), n), better - worse

    return draw


def flips(rate: float) -> Draw:
    """The share of negative flips."""
    return lambda rng, n: (share(int(rng.binomial(n, rate)), n), rate)


def areas(round_to: int | None) -> Draw:
    """Two scores of one truth; rounded, most of them are tied. Both are as good, so the true change is 0."""

    def draw(rng: np.random.Generator, n: int) -> tuple[Estimate, float]:
        y = np.arange(n) % 3 == 0
        common = rng.normal(size=n) + y
        scores = [common + 0.5 * rng.normal(size=n) for _ in range(2)]
        if round_to is not None:
            scores = [np.round(each, round_to) for each in scores]
        return delong(y, *scores)[2], 0.0

    return draw


def errors(heavy: bool) -> Draw:
    """Mean absolute error, of normal or of exponential errors."""

    def draw(rng: np.random.Generator, n: int) -> tuple[Estimate, float]:
        noise = rng.exponential(size=(2, n)) if heavy else np.abs(rng.normal(size=(2, n)))
        gap = noise[0] - 1.1 * noise[1]
        true = -0.1 * (1.0 if heavy else float(np.sqrt(2 / np.pi)))
        return normal(float(gap.mean()), float(gap.std(ddof=1) / np.sqrt(n)), n - 1, ""), true

    return draw


def f1(rng: np.random.Generator, n: int) -> tuple[Estimate, float]:
    """A scorer without a method of its own: both as good, so the true change is 0."""
    y = (np.arange(n) % 3 == 0).astype(int)
    common = rng.normal(size=n) + y
    both = [(common + 0.7 * rng.normal(size=n) > 0.5).astype(int) for _ in range(2)]

    def score(rows: np.ndarray) -> tuple[float, float]:
        return f1_score(y[rows], both[0][rows]), f1_score(y[rows], both[1][rows])

    return jackknife(score, n, rng, y)[2], 0.0


def logloss(rng: np.random.Generator, n: int) -> tuple[Estimate, float]:
    """Log loss of two sets of probabilities: both as good, so the true change is 0."""
    y = (np.arange(n) % 3 == 0).astype(int)
    common = rng.normal(size=n) + 1.5 * y - 1.0
    both = [1 / (1 + np.exp(-(common + 0.5 * rng.normal(size=n)))) for _ in range(2)]

    def score(rows: np.ndarray) -> tuple[float, float]:
        return -log_loss(y[rows], both[0][rows], labels=[0, 1]), -log_loss(y[rows], both[1][rows], labels=[0, 1])

    return jackknife(score, n, rng, y)[2], 0.0


CASES: dict[str, Draw] = {
    "accuracy, 10 % and 10 % flip": accuracy(0.10, 0.10),
    "accuracy, 8 % and 3 % flip": accuracy(0.08, 0.03),
    "accuracy, 2 % and 1 % flip": accuracy(0.02, 0.01),
    "negative flips, 5 %": flips(0.05),
    "roc_auc": areas(None),
    "roc_auc, tied scores": areas(0),
    "mean absolute error": errors(False),
    "mean absolute error, exponential": errors(True),
    "f1 (jackknife)": f1,
    "log loss (jackknife)": logloss,
}


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=2000)
    parser.add_argument("--rows", type=int, nargs="*", default=[50, 100, 300, 1000])
    parser.add_argument("--case", nargs="*", default=list(CASES))
    arguments = parser.parse_args()
    print(f"| 95 % interval, {arguments.draws} draws | " + " | ".join(f"{n} rows" for n in arguments.rows) + " |")
    print("|---|" + "---:|" * len(arguments.rows))
    for name in arguments.case:
        cells = []
        for n in arguments.rows:
            rng = np.random.default_rng(n)
            held = 0
            for _ in range(arguments.draws):
                found, true = CASES[name](rng, n)
                low, high = found.interval(0.025)
                held += low - 1e-12 <= true <= high + 1e-12
            cells.append(f"{100 * held / arguments.draws:.1f} %")
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
