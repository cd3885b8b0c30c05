"""Tests of values: those that repeat (constants, bounds, joins), those that training did not have, and text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..calibration import CALIBRATION as C
from ..profiles.categories import MEASURED, SHARES, Categories
from ..profiles.sketch import residual
from ..profiles.statistics import repeated_rows
from .probability import log_binomial, log_choose, log_tail, log_tail_of_share, more_frequent, more_frequent_flag
from .reference import Batch, Reference, Test


class Ties(Test):
    """Rows that share a value: a permutation test for values that are rare, a beta-binomial count for the others.

    Conservative for exchangeable rows. Had the n rows of the batch and the m of training been drawn together, k that
    share a value would all be among the n with probability C(n, k) / C(n + m, k). How many such k there are is bounded
    by the pairs of equal values in training, and by the batch's own. A value that many rows of training share may have
    become as much more frequent as a drift makes it. Columns in which no three rows of all can share a value have no
    part of the budget, for they could not be odd (Tarone 1990).
    """

    name, scope, share, least_rows = "ties", "column", 0.4, 3

    def log_p(self, reference: Reference, batch: Batch) -> Any:
        """Return of each column the log p-value of its oddest run of equal values."""
        out = np.zeros((1, batch.d))
        for run in odd_runs(reference, batch.ordered):
            out[0, run.column] = min(out[0, run.column], run.log_p)
        return out

    def entries(self, reference: Reference, batch: Batch, log_p: Any) -> int:
        """Return the columns in which rows share a value, of training or of the batch."""
        d = batch.d
        of_batch = (batch.ordered[1:] == batch.ordered[:-1]).any(axis=0)
        return max(1, int(((reference.profile.ties[:d] > 0) | of_batch | reference.jumps[:d]).sum()))


class Copies(Test):
    """Whole rows that are there more than once: a join that multiplies rows.

    Approximate for exchangeable rows: of n rows as many repeat an earlier one, on average, as there are equal pairs
    among them at most. The share of such pairs is training's, at three standard errors above; Chernoff's bound.
    """

    name, scope, share, least_rows = "copies", "table", 0.04, 2

    def asked(self, reference: Reference, batch: Batch) -> bool:
        """Return whether rows have two columns and are of one request.

        Where there is one column, repeated values are judged. A request may be sent again: a retry, a check of health.
        """
        return super().asked(reference, batch) and batch.d > 1 and batch.requests == 1

    def log_p(self, reference: Reference, batch: Batch) -> Any:
        """Return one number."""
        repeats, n, m = repeated_rows(batch.X)[0], batch.n, float(reference.profile.sampled[-1])
        if not repeats:
            return np.zeros((1, 1))
        pairs = reference.profile.copies * m * (m - 1) / 2
        share = (pairs + C.errors * np.sqrt(pairs) + C.errors) / max(m * (m - 1) / 2, 1.0)
        return np.full((1, 1), log_binomial(repeats, n, min(share * (n - 1) / 2, 1.0)))


@dataclass(frozen=True)
class Run:
    """A value that ``count`` of ``n`` rows of a column have, and the log of how probable that is at most."""

    column: int
    value: float
    count: int
    n: int
    log_p: float
    lowest: bool
    highest: bool


def odd_runs(reference: Reference, ordered: Any) -> list[Run]:
    """Return the runs of equal values of a batch that are rarer than even; its columns are sorted, NaN last."""
    least, found = C.least_run, []
    if len(ordered) < least:
        return []
    repeated = (ordered[least - 1 :] == ordered[: 1 - least]).any(axis=0)
    for j in np.flatnonzero(repeated & reference.known[: ordered.shape[1]]).tolist():
        column = ordered[:, j]
        values, counts = np.unique(column[~np.isnan(column)], return_counts=True)
        kindest, least_odd = [], -np.inf
        for by in moves(reference, j, values, counts):
            runs = _runs(reference, j, values, counts, by)
            oddest = min((run.log_p for run in runs), default=0.0)
            if oddest > least_odd:
                kindest, least_odd = runs, oddest
            if oddest > C.log_not_odd:
                break
        found += kindest
    return found


def _runs(reference: Reference, j: int, values: Any, counts: Any, by: float) -> list[Run]:
    """Return the odd runs of a column, all of whose values have moved by so much."""
    n, last, at = int(counts.sum()), len(values) - 1, np.flatnonzero(counts >= C.least_run)
    log_p = _log_p(reference, j, values[at] - by, counts[at], n)
    return [
        Run(j, float(values[i]), int(counts[i]), n, float(p), bool(i == 0), bool(i == last))
        for i, p in zip(at, log_p, strict=True)
        if p < 0
    ]


def _log_p(reference: Reference, j: int, values: Any, counts: Any, n: int) -> Any:
    """Return the log of how probable it is that so many rows share each value; the likelier reason counts."""
    m, share = reference.rows[j], _share_after_drift(reference, j, values)
    log_p = log_tail(counts, n, np.minimum(np.ceil(share * m) + 1, m), m) + np.log(max(len(reference.steps[j][0]), 1))
    log_p = np.where(share > 0, log_p, -np.inf)
    return np.minimum(0.0, np.maximum(log_p, _log_p_of_rare(reference, j, values, counts, n)))


def _share_after_drift(reference: Reference, j: int, values: Any) -> Any:
    """Return how frequent values of training's may be after a drift, 0 for those that are none.

    Either rows that have it became more frequent; or all values moved, and the most frequent of those within the
    tolerance came to lie here. (Columns that take few values have been moved already.)
    """
    at, mass = reference.steps[j]
    away = np.abs(at - values[:, None])
    own = (mass * (away <= reference.rounding[j])).max(axis=1, initial=0.0)
    near = (mass * (away <= reference.tolerance[j])).max(axis=1, initial=0.0) * (not reference.few[j])
    return np.maximum((more_frequent_flag if reference.flag[j] else more_frequent)(own, reference.drift), near)


def _log_p_of_rare(reference: Reference, j: int, values: Any, counts: Any, n: int) -> Any:
    m = float(reference.rows[j])
    pairs = float(reference.profile.ties[j]) * m * (m - 1) / 2
    # Rows of training that may have it too: one, where no two rows of training have a value in common.
    most = min((1 + np.sqrt(1 + 8 * pairs)) / 2, max(C.jump * m, 3.0))
    own = log_choose(counts + most, counts)
    if pairs > 0:
        tied = np.log(pairs) + log_choose(most + 1, np.minimum(counts, most + 1)) - log_choose(most + 1, 2)
        own = np.where(counts <= most + 1, np.logaddexp(own, tied), own)
    # The population may have drifted towards it, too: as if that many fewer rows of training had been asked.
    off = np.clip(values, reference.low[j], reference.high[j]) - reference.mean[j]
    away = np.minimum(np.abs(off) / max(reference.std[j], 1e-300), C.far)
    asked = m * np.exp(-reference.drift * away)
    return log_choose(n, counts) + own - log_choose(n + asked, counts)


class Values(Test):
    """How many rows have a value that training could not have had: a beta-binomial count.

    Exact for exchangeable rows whose values lie on steps (cents, years, a scaler's image of them), or of which nearly
    all have one of few values. All values may have moved alike, within the tolerance. Numbers that single precision has
    rounded before a scaler are off by parts of a step, and nothing is said of them.
    """

    name, scope, share, least_rows, of_place = "values", "column", 0.14, 3, True

    def log_p(self, reference: Reference, batch: Batch) -> Any:
        """Return one row."""
        out, X = np.zeros(batch.d), batch.X[:: max(1, batch.n // C.rows_of_values)]
        few = np.array(reference.few[: batch.d])
        for j in np.flatnonzero(few).tolist():
            out[j] = _none_of_few(reference, j, X[:, j])
        columns = np.flatnonzero((reference.profile.steps[1] > 0) & ~few)
        if len(columns):
            parts = residual(X[:, columns], *(of := reference.profile.steps[:2, columns])) / of[1]
            for at in np.flatnonzero((np.abs(parts) > C.near_step).any(axis=0)):
                j = int(columns[at])
                # Scaled in single precision, numbers may be off by whole steps, if the raw ones are large.
                if not _single(X[:, j]) or _single(reference.profile.sketches[j][0]):
                    out[j] = _off_steps(reference, j, parts[:, at])
        return out[None]


def _single(x: Any) -> bool:
    """Tell whether values are held by single precision."""
    x = x[~np.isnan(x)]
    return bool((x.astype(np.float32) == x).all())


def _off_steps(reference: Reference, j: int, parts: Any) -> float:
    """Return the log of how probable it is that so many values are off the steps, wherever all of them have moved.

    ``parts``: by what part of a step each is off.
    """
    step, share = reference.profile.steps[1:, j]
    parts = np.sort(parts[~np.isnan(parts)])
    n, m = len(parts), reference.rows[j]
    near = parts[np.abs(parts) * step <= reference.tolerance[j]]
    round_about = np.concatenate([near, near + 1])  # half a step up is half a step down
    alike = np.searchsorted(round_about, near + 2 * C.near_step, side="right") - np.arange(len(near))
    still = int((np.abs(parts) <= C.near_step).sum())
    by = near[alike.argmax()] + C.near_step if alike.max(initial=0) > still else 0.0
    rounded = residual(parts, by, 1.0)
    away = np.abs(rounded - np.median(rounded))
    if C.least_rounded * away.max() < np.median(away) and away.max() <= C.most_rounded:
        return 0.0  # all are near a multiple, but few are one: single precision does that before a scaler
    share = more_frequent(share, reference.drift)
    return float(log_tail_of_share(n - max(still, alike.max(initial=0)), n, share, m))


def moves(reference: Reference, j: int, values: Any, counts: Any) -> Iterator[float]:
    """Yield by how much all values of a column may have moved: not at all, or so that no more than usual are new ones.

    Only of a column that takes few values: of any other, a value may have come from whichever is near. The true move is
    among them, but for once in a thousand times, so that the kindest of them is kinder to the batch than it deserves.
    """
    yield 0.0
    if reference.few[j]:
        by = (values[np.argsort(-counts)[: C.usual_values], None] - reference.atoms(j)).ravel()
        by = np.append(0.0, np.unique(by[(np.abs(by) <= reference.tolerance[j]) & (by != 0)]))
        new = _new_rows(reference, j, values, counts, by)
        log_p = _log_p_of_new(reference, j, new, float(counts.sum()))
        kept = np.flatnonzero(log_p[1:] >= min(log_p.max(), C.log_unseen)) + 1
        yield from by[kept][np.argsort(new[kept], kind="stable")].tolist()


def _none_of_few(reference: Reference, j: int, x: Any) -> float:
    """Return the log of how probable it is that so many values are none of the few that training had, moved or not."""
    values, counts = np.unique(x[~np.isnan(x)], return_counts=True)
    if (reference.off(j, values) <= reference.rounding[j]).all():
        return 0.0
    by = np.array(list(moves(reference, j, values, counts)))
    new = _new_rows(reference, j, values, counts, by).min()
    return float(_log_p_of_new(reference, j, new, float(counts.sum())))


def _new_rows(reference: Reference, j: int, values: Any, counts: Any, by: Any) -> Any:
    """Return how many rows have none of the values that many share, for each way in which all may have moved."""
    return (counts * (reference.off(j, values - by[:, None]) > reference.rounding[j])).sum(axis=1)


def _log_p_of_new(reference: Reference, j: int, off: Any, n: float) -> Any:
    """Return the log of how probable it is that so many of n rows have none of the values that many share."""
    masses, m = reference.masses(j), reference.rows[j]
    often = float(masses[masses * m > 1.5].sum())  # of so few rows a profile has each value
    return log_tail_of_share(off, n, more_frequent(max(1 - often, 0.0), reference.drift), m)


def log_p_of_text(learned: Categories, values: Any, drift: float) -> float:
    """Return the log p-value of a batch's values, None where they are missing; whichever value it is, paid for.

    Beta-binomial tails, exact where rows are exchangeable: of the rows that have a value, or none of those that are
    kept, and of the rows of free text whose measures are beyond quantiles of training.
    """
    known = [value for value in values if value is not None]
    n = float(len(known))
    if not n:
        return 0.0
    counts, m = Counter(known), float(max(learned.count, 1))
    b = [n - sum(counts[value] for value in learned.values), *(counts[value] for value in learned.values)]
    share = [(r + 1.0) / (m + 1) for r in (learned.other + learned.once, *learned.values.values())]
    size = np.full(len(b), m)
    if learned.bounds is not None:
        beyond = beyond_bounds(learned, known)
        measured = min(m, MEASURED)
        b += beyond.ravel().tolist()
        share += [(1 - SHARES[k] + 1 / measured) * measured / (measured + 1) for _, k, _ in np.ndindex(beyond.shape)]
        size = np.append(size, np.full(beyond.size, measured))
    r = np.minimum(np.ceil(more_frequent(np.minimum(share, 1.0), drift) * size), size)
    return float(log_tail(b, n, r, size).min()) + float(np.log(len(b)))


def beyond_bounds(learned: Categories, texts: list[str]) -> Any:
    """Return how many texts are beyond each bound of free text, of the bounds' shape."""
    measures = learned.measure(texts)[:, None, :]
    above, below = learned.bounds
    return np.stack([(measures > above).sum(axis=0), (measures < below).sum(axis=0)])


class Text(Test):
    """Values of text that were never seen, or that are far more frequent than they were: beta-binomial counts.

    Conservative for exchangeable rows: of all values a column may have, the oddest counts, paid for by their number.
    New values are as many as those that training had once (Good 1953).
    """

    name, scope, share = "categories", "column", 0.05

    def asked(self, reference: Reference, batch: Batch) -> bool:
        """Return whether there are columns of text."""
        return bool(batch.text)

    def log_p(self, reference: Reference, batch: Batch) -> Any:
        """Return one row; 0 for columns of numbers."""
        out = np.zeros((1, batch.d))
        for j, values in batch.text.items():
            out[0, j] = log_p_of_text(reference.profile.categories[j], values, reference.drift)
        return out

    def entries(self, reference: Reference, batch: Batch, log_p: Any) -> int:
        """Return the columns of text."""
        return len(batch.text)
