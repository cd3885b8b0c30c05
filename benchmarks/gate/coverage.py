"""Coverage of the gate's 95 % intervals: how often they hold the true change, by method and number of rows.

``python benchmarks/gate/coverage.py --draws 2000``; ties and rare flips are among the cases. The coverage of counts is
exact: all counts are gone through. Where two models differ in truth, a million rows say by how much.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from functools import cache

import numpy as np
from scipy import stats

from sklearn_normlock.gates.statistics import (
    Estimate,
    average_precision,
    bootstrap,
    calibration,
    delong,
    normal,
    paired_shares,
    ratio,
    share,
)

Draw = Callable[[np.random.Generator, int], tuple[Estimate, float]]
Exact = Callable[[int], Iterator[tuple[float, Estimate, float]]]


def accuracy(worse: float, better: float) -> Exact:
    """Flips of either kind, independent of each other: each pair of counts, and how probable it is."""

    def each(n: int) -> Iterator[tuple[float, Estimate, float]]:
        counts = np.stack(np.meshgrid(_likely(n, worse), _likely(n, better)), -1).reshape(-1, 2)
        counts = counts[counts.sum(axis=1) <= n]
        all_three = np.column_stack([counts, n - counts.sum(axis=1)])
        probable = stats.multinomial.pmf(all_three, n, [worse, better, 1 - worse - better])
        for (lost, won), probability in zip(counts.tolist(), probable.tolist(), strict=True):
            yield probability, paired_shares(lost, won, n), better - worse

    return each


def flips(rate: float) -> Exact:
    """The share of negative flips: each count, and how probable it is."""

    def each(n: int) -> Iterator[tuple[float, Estimate, float]]:
        for count in _likely(n, rate).tolist():
            yield float(stats.binom.pmf(count, n, rate)), share(count, n), rate

    return each


def _likely(n: int, rate: float) -> np.ndarray:
    return np.arange(*(stats.binom.ppf([1e-6, 1 - 1e-6], n, rate) + [0, 1]).astype(int))


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


def drawn(score: Callable[..., float], answers: Callable[..., tuple[np.ndarray, np.ndarray, np.ndarray]]) -> Draw:
    """A scorer without a method of its own."""

    @cache
    def true() -> float:
        y, *both = answers(np.random.default_rng(0), 1_000_000)
        return score(y, both[1]) - score(y, both[0])

    def draw(rng: np.random.Generator, n: int) -> tuple[Estimate, float]:
        y, *both = answers(rng, n)
        strata = y if y.dtype.kind in "bi" else None
        found = bootstrap(lambda rows: (score(y[rows], both[0][rows]), score(y[rows], both[1][rows])), n, rng, strata)
        return found[2], true()

    return draw


def compared(
    method: Callable[..., tuple[float, float, Estimate]], answers: Callable[..., tuple[np.ndarray, ...]]
) -> Draw:
    """A metric with a method of its own."""

    @cache
    def true() -> float:
        return method(*answers(np.random.default_rng(0), 1_000_000))[2].change

    return lambda rng, n: (method(*answers(rng, n))[2], true())


def explained(y: np.ndarray, old: np.ndarray, new: np.ndarray) -> tuple[float, float, Estimate]:
    """The share of the variance that is explained."""
    gains, sizes = (old - y) ** 2 - (new - y) ** 2, (y - y.mean()) ** 2
    return 0.0, 0.0, ratio(gains, sizes, np.ones(len(y)), len(y), "")


def calibrated(sharp: tuple[float, float], ties: bool = False) -> Draw:
    """Two sets of probabilities; each is right where its sharpness is 1, and overconfident beyond."""

    def both(rng: np.random.Generator, n: int) -> tuple[np.ndarray, ...]:
        truth = rng.normal(0, 1.5, n)
        y = rng.random(n) < 1 / (1 + np.exp(-truth))
        seen = [0.87 * (truth + 0.5 * rng.normal(size=n)) for _ in sharp]
        scores = [1 / (1 + np.exp(-factor * each)) for factor, each in zip(sharp, seen, strict=True)]
        return y, *(np.round(each, 1) if ties else each for each in scores)

    return compared(calibration, both)


def labels(share: float, noise: tuple[float, float] = (0.7, 0.7)) -> Callable[..., tuple[np.ndarray, ...]]:
    """Two classes, of which one has this share of the rows; with more noise one of two is worse."""

    def answers(rng: np.random.Generator, n: int) -> tuple[np.ndarray, ...]:
        y = np.arange(n) < round(share * n)
        common = rng.normal(size=n) + y
        return y, *(common + each * rng.normal(size=n) > 0.5 for each in noise)

    return answers


def three(rng: np.random.Generator, n: int) -> tuple[np.ndarray, ...]:
    """Three classes; each answer is wrong in a fifth of the rows, and wrong together in half of these."""
    y = np.arange(n) % 3
    common = np.where(rng.random(n) < 0.1, rng.integers(0, 3, n), y)
    return y, *(np.where(rng.random(n) < 0.1, rng.integers(0, 3, n), common) for _ in range(2))


def probabilities(noise: tuple[float, float] = (0.5, 0.5)) -> Callable[..., tuple[np.ndarray, ...]]:
    """Two sets of probabilities; with more noise one of two is worse."""

    def answers(rng: np.random.Generator, n: int) -> tuple[np.ndarray, ...]:
        y = np.arange(n) % 3 == 0
        common = rng.normal(size=n) + 1.5 * y - 1.0
        return y, *(1 / (1 + np.exp(-(common + each * rng.normal(size=n)))) for each in noise)

    return answers


def numbers(noise: tuple[float, float] = (0.4, 0.4)) -> Callable[..., tuple[np.ndarray, ...]]:
    """Two predictions of a number; with more noise one of two is worse."""

    def answers(rng: np.random.Generator, n: int) -> tuple[np.ndarray, ...]:
        y = rng.normal(size=n)
        common = y + 0.4 * rng.normal(size=n)
        return y, *(common + each * rng.normal(size=n) for each in noise)

    return answers


# The scorers, in a few lines each: scikit-learn's own check their input anew at each of 200 evaluations a draw.


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


def median_error(y: np.ndarray, answers: np.ndarray) -> float:
    """As ``sklearn.metrics.median_absolute_error``, negated."""
    return -float(np.median(np.abs(answers - y)))


EXACT: dict[str, Exact] = {
    "accuracy, 10 % and 10 % flip": accuracy(0.10, 0.10),
    "accuracy, 8 % and 3 % flip": accuracy(0.08, 0.03),
    "accuracy, 2 % and 1 % flip": accuracy(0.02, 0.01),
    "negative flips, 5 %": flips(0.05),
}

CASES: dict[str, Draw] = {
    "roc_auc": areas(None),
    "roc_auc, tied scores": areas(0),
    "mean absolute error": errors(False),
    "mean absolute error, exponential": errors(True),
    "f1": drawn(f1, labels(1 / 3)),
    "f1, the new one is worse": drawn(f1, labels(1 / 3, (0.4, 1.2))),
    "f1, one row in ten is positive": drawn(f1, labels(0.1)),
    "f1_macro, three classes": drawn(macro_f1, three),
    "balanced_accuracy": drawn(balanced, labels(1 / 3)),
    "matthews_corrcoef": drawn(matthews, labels(1 / 3)),
    "neg_log_loss": drawn(log_loss, probabilities()),
    "average_precision": compared(average_precision, probabilities()),
    "average_precision, the new one is worse": compared(average_precision, probabilities((0.3, 1.0))),
    "r2": compared(explained, numbers()),
    "r2, the new one is worse": compared(explained, numbers((0.2, 0.6))),
    "neg_median_absolute_error": drawn(median_error, numbers()),
    "neg_median_absolute_error, the new one is worse": drawn(median_error, numbers((0.2, 0.6))),
    "neg_calibration_error, both right": calibrated((1.0, 1.0)),
    "neg_calibration_error, both wrong": calibrated((1.6, 1.6)),
    "neg_calibration_error, the new one is worse": calibrated((1.0, 1.6)),
    "neg_calibration_error, tied probabilities": calibrated((1.0, 1.6), ties=True),
}


def held(found: Estimate, true: float) -> bool:
    """Tell whether an interval holds the true change."""
    low, high = found.interval(0.025)
    return low - 1e-12 <= true <= high + 1e-12


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--draws", type=int, default=2000)
    parser.add_argument("--rows", type=int, nargs="*", default=[50, 100, 300, 1000])
    parser.add_argument("--case", nargs="*", default=[*EXACT, *CASES])
    arguments = parser.parse_args()
    print(f"| 95 % interval, {arguments.draws} draws | " + " | ".join(f"{n} rows" for n in arguments.rows) + " |")
    print("|---|" + "---:|" * len(arguments.rows))
    for name in arguments.case:
        cells = []
        for n in arguments.rows:
            if name in EXACT:
                share_held = sum(p for p, found, true in EXACT[name](n) if held(found, true))
            else:
                rng = np.random.default_rng(n)
                share_held = np.mean([held(*CASES[name](rng, n)) for _ in range(arguments.draws)])
            cells.append(f"{100 * share_held:.1f} %")
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
