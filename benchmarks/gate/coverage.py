"""Coverage of the gate's 95 % intervals: how often they hold the true change, by method and number of rows.

``python benchmarks/gate/coverage.py --draws 2000``; ties and rare flips are among the cases.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import numpy as np

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


def jackknifed(score: Callable[..., float], answers: Callable[..., tuple[np.ndarray, np.ndarray, np.ndarray]]) -> Draw:
    """A scorer without a method of its own: both are as good, so the true change is 0."""

    def draw(rng: np.random.Generator, n: int) -> tuple[Estimate, float]:
        y, *both = answers(rng, n)
        strata = y if y.dtype.kind in "bi" else None
        return jackknife(lambda rows: (score(y[rows], both[0][rows]), score(y[rows], both[1][rows])), n, rng, strata)[
            2
        ], 0.0

    return draw


def labels(share: float) -> Callable[..., tuple[np.ndarray, ...]]:
    """Two classes, of which one has this share of the rows."""

    def answers(rng: np.random.Generator, n: int) -> tuple[np.ndarray, ...]:
        y = np.arange(n) < round(share * n)
        common = rng.normal(size=n) + y
        return y, *(common + 0.7 * rng.normal(size=n) > 0.5 for _ in range(2))

    return answers


def three(rng: np.random.Generator, n: int) -> tuple[np.ndarray, ...]:
    """Three classes; each answer is wrong in a fifth of the rows, and wrong together in half of these."""
    y = np.arange(n) % 3
    common = np.where(rng.random(n) < 0.1, rng.integers(0, 3, n), y)
    return y, *(np.where(rng.random(n) < 0.1, rng.integers(0, 3, n), common) for _ in range(2))


def probabilities(rng: np.random.Generator, n: int) -> tuple[np.ndarray, ...]:
    """Two sets of probabilities."""
    y = np.arange(n) % 3 == 0
    common = rng.normal(size=n) + 1.5 * y - 1.0
    return y, *(1 / (1 + np.exp(-(common + 0.5 * rng.normal(size=n)))) for _ in range(2))


def numbers(rng: np.random.Generator, n: int) -> tuple[np.ndarray, ...]:
    """Two predictions of a number."""
    y = rng.normal(size=n)
    common = y + 0.4 * rng.normal(size=n)
    return y, *(common + 0.4 * rng.normal(size=n) for _ in range(2))


# The scorers, in a few lines each: scikit-learn's own check their input anew at each of 100 evaluations a draw.


def f1(y: np.ndarray, answers: np.ndarray) -> float:
    """As ``sklearn.metrics.f1_score``."""
    return 2 * np.count_nonzero(y & answers) / max(np.count_nonzero(y) + np.count_nonzero(answers), 1)


def macro_f1(y: np.ndarray, answers: np.ndarray) -> float:
    """As ``sklearn.metrics.f1_score`` with the mean over classes."""
    return float(np.mean([f1(y == k, answers == k) for k in range(3)]))


def balanced(y: np.ndarray, answers: np.ndarray) -> float:
    """As ``sklearn.metrics.balanced_accuracy_score``."""
    return float((answers[y].mean() + (~answers[~y]).mean()) / 2)


def matthews(y: np.ndarray, answers: np.ndarray) -> float:
    """As ``sklearn.metrics.matthews_corrcoef``."""
    return float(np.corrcoef(y, answers)[0, 1]) if answers.std() else 0.0


def log_loss(y: np.ndarray, p: np.ndarray) -> float:
    """As ``sklearn.metrics.log_loss``, negated."""
    return float(np.log(np.where(y, p, 1 - p)).mean())


def average_precision(y: np.ndarray, p: np.ndarray) -> float:
    """As ``sklearn.metrics.average_precision_score``, of scores without ties."""
    hits = y[np.argsort(-p, kind="stable")]
    return float((np.cumsum(hits) / np.arange(1, len(y) + 1))[hits].mean())


def r2(y: np.ndarray, answers: np.ndarray) -> float:
    """As ``sklearn.metrics.r2_score``."""
    return float(1 - ((answers - y) ** 2).sum() / ((y - y.mean()) ** 2).sum())


def median_error(y: np.ndarray, answers: np.ndarray) -> float:
    """As ``sklearn.metrics.median_absolute_error``, negated."""
    return -float(np.median(np.abs(answers - y)))


def calibration(y: np.ndarray, p: np.ndarray) -> float:
    """As ``neg_calibration_error``."""
    order = np.argsort(p, kind="stable")
    group = (np.arange(len(y)) + 0.5) / len(y) * 10
    return -float(np.abs(np.bincount(group.astype(int), (p - y)[order], 10)).sum() / len(y))


CASES: dict[str, Draw] = {
    "accuracy, 10 % and 10 % flip": accuracy(0.10, 0.10),
    "accuracy, 8 % and 3 % flip": accuracy(0.08, 0.03),
    "accuracy, 2 % and 1 % flip": accuracy(0.02, 0.01),
    "negative flips, 5 %": flips(0.05),
    "roc_auc": areas(None),
    "roc_auc, tied scores": areas(0),
    "mean absolute error": errors(False),
    "mean absolute error, exponential": errors(True),
    "f1": jackknifed(f1, labels(1 / 3)),
    "f1, one row in ten is positive": jackknifed(f1, labels(0.1)),
    "f1_macro, three classes": jackknifed(macro_f1, three),
    "balanced_accuracy": jackknifed(balanced, labels(1 / 3)),
    "matthews_corrcoef": jackknifed(matthews, labels(1 / 3)),
    "neg_log_loss": jackknifed(log_loss, probabilities),
    "average_precision": jackknifed(average_precision, probabilities),
    "neg_calibration_error": jackknifed(calibration, probabilities),
    "r2": jackknifed(r2, numbers),
    "neg_median_absolute_error": jackknifed(median_error, numbers),
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
