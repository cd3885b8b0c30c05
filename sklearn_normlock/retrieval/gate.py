"""``RetrievalGate`` tells whether a search still finds what it found, and if not, which side is to blame.

The noise of the index is measured first: ties, approximate search and index builds that differ are no faults. Queries
are paired, so that intervals are those of differences. A fault has a name only if undoing it brings the results back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ..errors import GateInputError, InputFaultError
from ..gates.statistics import Estimate, normal, rows_that_decide, widened
from .comparing import compare_embeddings, nearest
from .effects import METRICS
from .report import Effect, VectorFault, VectorReport
from .vectors import Array, as_vectors, lengths, unit

Search = Callable[[Any, int], tuple[Any, Any]]

_TAIL = 0.025
_WORST = 10
_TIE = 1e-6  # between two scores, relative to the largest
_SCORES = 1e-3  # by which scores must move to be told
_BACK = 0.5  # the share of what was lost that undoing a fault must bring back


@dataclass(frozen=True)
class _Found:
    """The result of a search: ids and scores of up to twice k neighbours for each query."""

    ids: list[list[Any]]
    scores: Array


class RetrievalGate:
    """Record what a search finds for some queries; tell whether another one finds the same.

    Parameters
    ----------
    queries : array-like of shape (n_queries, dim), or list
        What is searched for: vectors, or whatever ``search`` takes.
    k : int, default=10
        How many neighbours count.
    relevant : sequence of collections of ids, default=None
        Right answers for each query, if they are known: recall is compared then, too.
    metric : {"ip", "l2", "cosine"}, default="ip"
        How the index compares. By "ip" and "cosine" greater scores are nearer, by "l2" smaller ones.
    margin : float, default=0.02
        A drop of the overlap up to this is within what the index's own noise can hide.

    Attributes
    ----------
    noise_ : float
        Mean overlap of the search with itself, and with rebuilt indexes: 1 if it is exact.

    See Also
    --------
    EmbeddingContract : What vectors are, without a search.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_normlock.retrieval import RetrievalGate
    >>> rng = np.random.default_rng(0)
    >>> raw = rng.normal(size=(500, 16)) * rng.uniform(0.5, 2.0, (500, 1))
    >>> index = raw / np.linalg.norm(raw, axis=1, keepdims=True)
    >>> def search_in(vectors):
    ...     def search(Q, k):
    ...         scores = Q @ vectors.T
    ...         ids = np.argsort(-scores, axis=1)[:, :k]
    ...         return ids, np.take_along_axis(scores, ids, axis=1)
    ...     return search
    >>> gate = RetrievalGate(index[:50], k=5).fit(search_in(index))
    >>> gate.compare(search_in(index)).ok
    True
    >>> report = gate.compare(search_in(raw))
    >>> report.fault, report.effect.value
    ('index_lengths', 'ranking changed')
    >>> gate.compare(search_in(index), queries=raw[:50]).effect.value
    'scores only'
    """

    def __init__(
        self,
        queries: Any,
        k: int = 10,
        relevant: Sequence[Any] | None = None,
        *,
        metric: str = "ip",
        margin: float = 0.02,
    ) -> None:
        if metric not in METRICS:
            raise ValueError(f"metric is {metric!r}; it must be one of {', '.join(map(repr, METRICS))}.")
        if not isinstance(k, (int, np.integer)) or isinstance(k, bool) or k < 1:
            raise ValueError(f"k is {k!r}; it must be a positive integer.")
        if not 0 < margin < 1:
            raise ValueError(f"margin is {margin!r}; it must lie between 0 and 1.")
        shape = queries.shape if isinstance(queries, np.ndarray) else None
        if not hasattr(queries, "__len__") or (shape is not None and queries.dtype.kind in "fiub" and len(shape) != 2):
            raise GateInputError(
                f"The queries are {'of shape ' + str(shape) if shape is not None else type(queries).__name__}.",
                path="queries",
                remedy="Give an array of shape (n_queries, dim), or a list of what the search takes.",
            )
        if len(queries) < 2:
            raise GateInputError(f"There are {len(queries)} queries; at least 2 are compared.")
        if relevant is not None and len(relevant) != len(queries):
            raise GateInputError(f"There are {len(queries)} queries and right answers for {len(relevant)}.")
        self.queries = queries
        self.k = int(k)
        self.relevant = None if relevant is None else [_set_of(each, i) for i, each in enumerate(relevant)]
        self.metric = metric
        self.margin = margin

    def fit(self, search: Search, rebuilds: Sequence[Search] = ()) -> RetrievalGate:
        """Record what a search finds, and measure its noise.

        Parameters
        ----------
        search : callable
            Takes queries and a number, and returns ids and scores of that many neighbours, nearest first, each of shape
            (n_queries, k).
        rebuilds : sequence of callable, default=()
            Searches of the same vectors in indexes that were built anew: what approximate search finds depends on the
            build.

        Returns
        -------
        self : RetrievalGate
            This gate.

        Raises
        ------
        GateInputError
            If the search returns something else.
        """
        self._expected = self._ask(search, self.queries)
        for i, ids in enumerate(self._expected.ids):
            if len(set(ids[: self.k])) < self.k:  # faiss fills up with -1
                raise GateInputError(
                    f"The search finds fewer than {self.k} neighbours of query {i}: an id comes twice among "
                    f"{ids[: self.k]}.",
                    path=f"queries[{i}]",
                    remedy="Choose a smaller k, or let the search look at more of the index.",
                )
        again = [self._ask(search, self.queries), *(self._ask(other, self.queries) for other in rebuilds)]
        if isinstance(self.queries, np.ndarray):  # in another order: batches fall differently
            back = self._ask(search, self.queries[::-1])
            again.append(_Found(back.ids[::-1], back.scores[::-1]))
        self._own = np.min([self._overlaps(other) for other in again], axis=0)
        self.noise_ = float(self._own.mean())
        return self

    def compare(self, search: Search, queries: Any = None, *, index: Any = None) -> VectorReport:
        """Tell whether another search, or other vectors of the same queries, find the same.

        Parameters
        ----------
        search : callable
            As for :meth:`fit`.
        queries : array-like, default=None
            The same queries as they are embedded where they are served; those of the gate if None.
        index : array-like of shape (n_vectors, dim), default=None
            The vectors behind ``search``, whose ids are their rows: with them a fault of the index is undone, and rows
            are named.

        Returns
        -------
        report : VectorReport
            ``report.ok``, ``report.effect``, ``report.worst``, ``report.measures`` with intervals.

        Raises
        ------
        GateInputError
            If ``fit`` was not called, there are other numbers of queries, or the search returns something else.
        """
        if not hasattr(self, "_expected"):
            raise GateInputError("The gate has seen no search yet.", remedy="Call fit with the search that is right.")
        served = self.queries if queries is None else queries
        if len(served) != len(self.queries):
            raise GateInputError(f"There are {len(served)} queries, and the gate has {len(self.queries)}.")
        found = self._ask(search, served)
        before, now = ({type(name).__name__ for ids in side.ids for name in ids} for side in (self._expected, found))
        if ("str" in before) != ("str" in now):
            raise GateInputError(
                f"The search gives ids of type {', '.join(sorted(now))}, and gave {', '.join(sorted(before))}.",
                remedy="Let both give the same names of rows.",
            )
        overlap = self._overlaps(found)
        change = self._change(overlap)
        measures, intervals = self._measures(found, overlap, change)
        moved = _moved_scores(self._expected, found)
        undecided: tuple[str, ...] = ()
        effect = Effect.NOTHING
        low, high = change.interval(_TAIL)
        exact = bool(self._own.min() >= 1.0)
        if overlap.mean() < self.noise_ and (exact or high < 0):
            effect = Effect.RANKING
        elif moved is not None and moved > _SCORES:
            effect = Effect.SCORES
        elif not exact and low < -self.margin:
            undecided = (self._undecided(change, low),)
        faults = [self._named(search, served, found, overlap, index, effect)] if effect is not Effect.NOTHING else []
        order = np.argsort(overlap, kind="stable")[:_WORST]
        return VectorReport(
            faults=tuple(faults),
            undecided=undecided,
            measures=measures,
            intervals=intervals,
            n_rows=len(served),
            metric=self.metric,
            subject="search",
            worst=tuple((int(i), float(overlap[i])) for i in order if overlap[i] < self._own[i]),
        )

    # -- asking --------------------------------------------------------------------------------------------------------

    def _ask(self, search: Search, queries: Any) -> _Found:
        # A copy: a search may normalise its queries in place.
        answer = search(queries.copy() if isinstance(queries, np.ndarray) else queries, 2 * self.k)
        try:
            ids, scores = answer
            ids, scores = np.asarray(ids), np.asarray(scores, np.float64)
        except (TypeError, ValueError):
            raise GateInputError("The search must return ids and scores, each of shape (n_queries, k).") from None
        if ids.ndim != 2 or ids.shape != scores.shape or len(ids) != len(queries) or ids.shape[1] < self.k:
            raise GateInputError(
                f"The search returned ids of shape {ids.shape} and scores of shape {scores.shape} for {len(queries)} "
                f"queries; at least {self.k} neighbours of each are needed."
            )
        if np.isnan(scores).any():
            row = int(np.argwhere(np.isnan(scores))[0][0])
            raise GateInputError(
                f"The search gives NaN as a score for query {row}.",
                path=f"queries[{row}]",
                remedy="Look at that query, and at the vectors of the index.",
            )
        return _Found(ids.tolist(), -scores if self.metric == "l2" else scores)

    def _overlaps(self, found: _Found) -> Array:
        """Return which share of the k neighbours is the same, for each query; those tied with the last count."""
        k, result = self.k, np.empty(len(found.ids))
        for i, (ids, scores) in enumerate(zip(self._expected.ids, self._expected.scores, strict=True)):
            tolerance = _TIE * max(float(np.abs(scores).max(initial=0.0)), 1e-300)
            as_good = {name for name, score in zip(ids, scores, strict=True) if score >= scores[k - 1] - tolerance}
            result[i] = len(as_good.intersection(found.ids[i][:k])) / k
        return result

    def _change(self, overlap: Array) -> Estimate:
        difference = overlap - self._own
        count = len(difference)
        estimate = normal(
            float(difference.mean()),
            float(difference.std(ddof=1)) / np.sqrt(count),
            count - 1.0,
            "paired over queries, Student's t",
        )
        return widened(estimate, float((difference != 0).sum()), float(count), 1.0)

    def _measures(
        self, found: _Found, overlap: Array, change: Estimate
    ) -> tuple[dict[str, float], dict[str, tuple[float, float]]]:
        measures = {"overlap": float(overlap.mean()), "overlap with itself": self.noise_}
        measures["change of overlap"] = change.change
        intervals = {"change of overlap": change.interval(_TAIL)}
        measures["mean change of rank"] = self._ranks(found)
        if self.relevant is not None:
            old, new = (self._recall(side) for side in (self._expected, found))
            difference = new - old
            estimate = normal(
                float(difference.mean()), float(difference.std(ddof=1)) / np.sqrt(len(new)), len(new) - 1.0, "paired"
            )
            estimate = widened(estimate, float((difference != 0).sum()), float(len(new)), 1.0)
            measures |= {"recall before": float(old.mean()), "recall": float(new.mean())}
            measures["change of recall"] = estimate.change
            intervals["change of recall"] = estimate.interval(_TAIL)
        return measures, intervals

    def _recall(self, side: _Found) -> Array:
        assert self.relevant is not None
        return np.array(
            [
                len(right.intersection(ids[: self.k])) / max(len(right), 1)
                for right, ids in zip(self.relevant, side.ids, strict=True)
            ]
        )

    def _ranks(self, found: _Found) -> float:
        moves = []
        for old, new in zip(self._expected.ids, found.ids, strict=True):
            places = {name: rank for rank, name in enumerate(new)}
            moves += [abs(places[name] - rank) for rank, name in enumerate(old[: self.k]) if name in places]
        return float(np.mean(moves)) if moves else float("nan")

    def _undecided(self, change: Estimate, low: float) -> str:
        needed = rows_that_decide(len(self.queries), change, lambda each: each.interval(_TAIL)[0] >= -self.margin)
        more = f"; about {needed:,} queries would decide" if needed else "; give more queries, or rebuilds to fit"
        return (
            f"The overlap may have dropped by up to {-low:.3f}, which the noise of the index doesn't let see: it "
            f"overlaps with itself by {self.noise_:.3f}{more}."
        )

    # -- naming --------------------------------------------------------------------------------------------------------

    def _named(
        self, search: Search, served: Any, found: _Found, overlap: Array, index: Any, effect: Effect
    ) -> VectorFault:
        """Return the fault whose undoing brings the results back."""
        if served is not self.queries:
            right = self._ask(search, self.queries)
            if self._is_back(right, overlap, effect):
                return self._of_queries(served, effect)
        if index is not None:
            fault = self._of_index(index, overlap, effect)
            if fault is not None:
                return fault
        if self.metric == "ip":
            fault = self._of_factors(found, effect)
            if fault is not None:
                return fault
        if served is self.queries:
            text = "The same queries find something else: the index, its vectors or its settings changed"
        else:
            text = "Neither the queries of the gate nor any fault that is known brings the results back"
        remedy = "Compare the vectors of the index with compare_embeddings, or give them as index=."
        return VectorFault(name="unknown", effect=effect, text=text, remedy=remedy)

    def _is_back(self, right: _Found, overlap: Array, effect: Effect) -> bool:
        """Tell whether results are what they were, or most of what was lost is there again."""
        lost = self.noise_ - float(overlap.mean())
        if effect is Effect.RANKING:
            return float(self._overlaps(right).mean()) >= self.noise_ - (1 - _BACK) * lost
        moved = _moved_scores(self._expected, right)
        return moved is not None and moved <= _SCORES

    def _of_queries(self, served: Any, effect: Effect) -> VectorFault:
        name, text = "queries", "The queries are other ones: with those of the gate the results are back"
        remedy = "Find out what is done to queries where they are served."
        try:
            report = compare_embeddings(served, self.queries, metric=self.metric)
        except InputFaultError:
            return VectorFault(name=name, effect=effect, text=text, remedy=remedy)
        if report.faults:
            known = report.faults[0]
            name, text, remedy = (
                f"queries_{known.name}",
                f"Queries: {known.text}; with the gate's the results are back",
                known.remedy,
            )
        return VectorFault(name=name, effect=effect, text=text, remedy=remedy)

    def _of_index(self, index: Any, overlap: Array, effect: Effect) -> VectorFault | None:
        """Undo faults of the vectors of the index, and search them by brute force."""
        V = as_vectors(index, "index").astype(np.float64)
        Q = as_vectors(self.queries, "queries").astype(np.float64)
        if V.shape[1] != Q.shape[1] or len(V) < self.k:
            return None
        known = lengths(V)
        odd = np.flatnonzero(np.abs(known - 1) > 1e-3)
        for name, undone, text in (
            ("index_not_normalised", lambda: unit(V), f"{len(odd):,} of {len(V):,} vectors don't have length 1"),
            ("index_negated", lambda: -V, "The vectors of the index point the opposite way"),
            ("index_reversed", lambda: V[:, ::-1], "The columns of the index stand from the last to the first"),
        ):
            ids, scores = nearest(Q, undone(), self.metric, min(2 * self.k, len(V)))
            if self._is_back(_Found(ids.tolist(), scores), overlap, effect):
                lengthy = name == "index_not_normalised"
                mixed = lengthy and len(odd) < len(V)
                return VectorFault(
                    name="index_mixed" if mixed else name,
                    effect=effect,
                    text=f"{text}: undone, the results are back",
                    remedy="Normalise the vectors of the index." if lengthy else "Build the index from right vectors.",
                    rows=tuple(odd.tolist()) if mixed else (),
                )
        return None

    def _of_factors(self, found: _Found, effect: Effect) -> VectorFault | None:
        """Explain inner products by a factor of each query, or of each vector of the index."""
        rows, names, ratios = [], [], []
        for i, (old, new) in enumerate(zip(self._expected.ids, found.ids, strict=True)):
            before = dict(zip(old, self._expected.scores[i], strict=True))
            for name, score in zip(new, found.scores[i], strict=True):
                if name in before and before[name] * score > 0:
                    rows.append(i)
                    names.append(name)
                    ratios.append(score / before[name])
        if len(ratios) < 8:
            return None
        ratio = np.array(ratios)
        for name, keys in (("queries", rows), ("index", names)):
            _, at, counts = np.unique(np.array(keys), return_inverse=True, return_counts=True)
            at = at.reshape(-1)
            repeated = counts[at] > 1
            own = np.bincount(at, ratio) / counts
            if repeated.sum() >= 8 and np.all(np.abs(ratio / own[at] - 1)[repeated] < _SCORES):
                odd = np.abs(own - 1) > _SCORES
                spread = "one factor" if np.ptp(own) < _SCORES * own.mean() else "a factor of its own"
                what = "Each query has" if name == "queries" else f"{int(odd.sum()):,} vectors of the index have"
                return VectorFault(
                    name=f"{name}_lengths",
                    effect=effect,
                    text=f"{what} {spread} ({own.min():.4g} to {own.max():.4g}); without it the scores are as before",
                    remedy=f"Normalise the {'queries' if name == 'queries' else 'vectors of the index'}.",
                )
        return None


def _set_of(each: Any, i: int) -> set[Any]:
    """Return the right answers for a query."""
    try:
        return set(each.tolist() if isinstance(each, np.ndarray) else each)
    except TypeError:
        raise GateInputError(
            f"relevant[{i}] is {each!r:.80}, no collection of ids.",
            path=f"relevant[{i}]",
            remedy="Give a list of ids for each query; an empty one if nothing is right.",
        ) from None


def _moved_scores(before: _Found, now: _Found) -> float | None:
    """Return how far scores of the same ids moved, relative to the largest of each query: the median over queries."""
    moves = []
    for i, (old, new) in enumerate(zip(before.ids, now.ids, strict=True)):
        known = dict(zip(old, before.scores[i], strict=True))
        scale = max(float(np.abs(before.scores[i]).max()), 1e-300)
        shared = [
            abs(score - known[name]) / scale for name, score in zip(new, now.scores[i], strict=True) if name in known
        ]
        if shared:
            moves.append(max(shared))
    return float(np.median(moves)) if moves else None
