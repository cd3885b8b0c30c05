"""The memory of a shadow: exact counts, and an even sample of answers and latencies, in bounded memory."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
from scipy import sparse

from ..errors import NormLockError

__all__ = ["Reservoir", "Tally", "differing"]

_KINDS = 50  # names of failures that are told apart; a message is not a name


class Reservoir:
    """An even sample of bounded size from a stream of any length (Vitter's algorithm R).

    Parameters
    ----------
    size : int
        How many items are kept.
    seed : int, default=0
        Of the choice.

    Examples
    --------
    >>> from sklearn_normlock.serving.tally import Reservoir
    >>> reservoir = Reservoir(3)
    >>> reservoir.extend(range(1000))
    >>> len(reservoir.items), reservoir.seen
    (3, 1000)
    """

    def __init__(self, size: int, seed: int = 0) -> None:
        self.size = size
        self.seen = 0
        self.items: list[Any] = []
        self._random = np.random.default_rng(seed)

    def extend(self, items: Any) -> None:
        """Take in a sequence; what it costs in memory does not grow."""
        room = min(self.size - len(self.items), len(items))
        self.items.extend(items[i] for i in range(room))
        rest = len(items) - room
        if rest:
            ordinals = self.seen + room + np.arange(1, rest + 1)
            places = (self._random.random(rest) * ordinals).astype(np.int64)
            for at in np.flatnonzero(places < self.size):
                self.items[places[at]] = items[room + at]
        self.seen += len(items)


class Pairs:
    """The answers of both to the same rows, as a sequence."""

    def __init__(self, old: Any, new: Any) -> None:
        self.old, self.new = old, new

    def __len__(self) -> int:
        return len(self.old)

    def __getitem__(self, at: int) -> tuple[Any, Any]:
        # A copy: a view would keep the whole answer alive.
        return np.copy(self.old[at])[()], np.copy(self.new[at])[()]


class Tally:
    """Counts and samples, exact under any number of threads.

    Parameters
    ----------
    keep : int
        How many pairs of answers are kept for each method, and how many latencies.
    """

    def __init__(self, keep: int) -> None:
        self.keep = keep
        self.lock = threading.Lock()
        self._of_requests = threading.Lock()  # a request never waits while answers are taken in
        self.calls = self.sampled = self.compared = self.dropped = self.timeouts = 0
        self.failures: dict[str, int] = {}
        self.rows: dict[str, int] = {}
        self.flips: dict[str, int] = {}
        self.pairs: dict[str, Reservoir] = {}
        self.seconds = Reservoir(keep)

    def asked(self, sampled: bool) -> None:
        """Count a request."""
        with self._of_requests:
            self.calls += 1
            self.sampled += sampled

    def compare(self, method: str, old: Any, new: Any, changed: np.ndarray, seconds: tuple[float, float]) -> None:
        """Take in a pair of answers."""
        with self.lock:
            self.compared += 1
            self.rows[method] = self.rows.get(method, 0) + len(changed)
            self.flips[method] = self.flips.get(method, 0) + int(changed.sum())
            self.seconds.extend([seconds])
            if method not in self.pairs:
                self.pairs[method] = Reservoir(self.keep)
            if len(changed):
                self.pairs[method].extend(Pairs(_dense(old), _dense(new)))

    def fail(self, kind: str) -> int:
        """Count a failure of the candidate; return how many of its kind there were."""
        with self.lock:
            if kind not in self.failures and len(self.failures) >= _KINDS:
                kind = "other"
            self.failures[kind] = count = self.failures.get(kind, 0) + 1
        return count

    def drop(self) -> int:
        """Count a request that the candidate was not asked, because it is behind; return how many there were."""
        with self._of_requests:
            self.dropped += 1
            return self.dropped


def differing(old: Any, new: Any, rtol: float, atol: float) -> np.ndarray:
    """Tell for which rows two answers differ.

    Numbers that are not whole differ by more than ``atol + rtol * |old|``; everything else differs unless it is equal.
    A missing value equals a missing value.

    Raises
    ------
    NormLockError
        If the answers are not of one shape.

    Examples
    --------
    >>> from sklearn_normlock.serving.tally import differing
    >>> differing([1.0, 2.0], [1.0, 2.1], rtol=1e-7, atol=0.0)
    array([False,  True])
    """
    if isinstance(old, list) and old and hasattr(old[0], "shape"):  # probabilities of several outputs
        if not isinstance(new, list) or len(new) != len(old):
            raise _shapes(f"{len(old)} outputs", f"a {type(new).__name__}")
        masks = [differing(a, b, rtol, atol) for a, b in zip(old, new, strict=True)]
        return np.logical_or.reduce(masks)
    a, b = _dense(old), _dense(new)
    if a.shape != b.shape:
        raise _shapes(a.shape, b.shape)
    if a.ndim == 0:
        raise _shapes("rows", "a single value")
    if a.dtype.kind in "fiubc" and b.dtype.kind in "fiubc":
        if a.dtype.kind in "iub" and b.dtype.kind in "iub":
            changed = a != b
        else:
            changed = ~np.isclose(b, a, rtol=rtol, atol=atol, equal_nan=True)
    else:
        one, other = a.astype(object), b.astype(object)
        changed = np.asarray(one != other, bool) & ~(np.asarray(one != one, bool) & np.asarray(other != other, bool))
    return changed.reshape(len(a), -1).any(axis=1)


def _dense(answer: Any) -> np.ndarray:
    if isinstance(answer, list) and answer and hasattr(answer[0], "shape"):
        return np.concatenate([np.asarray(part) for part in answer], axis=1)
    return answer.toarray() if sparse.issparse(answer) else np.asarray(answer)


def _shapes(expected: Any, actual: Any) -> NormLockError:
    return NormLockError(
        f"The candidate answered {actual} where the primary answered {expected}.", expected=expected, actual=actual
    )
