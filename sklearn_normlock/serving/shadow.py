"""``Shadow``: a candidate is tried on what is served, and never answers."""

from __future__ import annotations

import copy
import functools
import logging
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn import get_config

from .. import events
from ..errors import NormLockError
from ..gates.report import GateReport
from .beside import Beside, CandidateHung, Job, Process, call_here
from .delegation import Opened, Outcome, ServingEstimator, report_refused
from .members import LockLike, Member, check_locks, one_line
from .reports import ShadowStatus, shadow_report
from .tally import Tally, differing

__all__ = ["Difference", "Shadow", "ShadowStatus"]

RUNS = ("thread", "process", "inline")


@dataclass(frozen=True)
class Difference:
    """A request that the candidate answers otherwise.

    Parameters
    ----------
    method : str
        Which method was called.
    X : object
        The rows of the request.
    old, new : object
        The primary's answer, which was served, and the candidate's.
    rows : ndarray of bool of shape (n_rows,)
        Which rows differ.
    """

    method: str
    X: Any
    old: Any
    new: Any
    rows: np.ndarray


class _Open(Opened):
    """The primary, and the candidate with what runs it and what is known of it."""

    def __init__(self, primary: Member, candidate: Member | None, refused: str, shadow: Shadow) -> None:
        super().__init__(primary)
        self.primary = primary
        self.candidate = candidate
        self.refused = refused
        self.tally = Tally(shadow.keep)
        self.random = random.Random(shadow.random_state).random
        self.asks: dict[str, Callable[..., Any]] = {}
        self.settle = functools.partial(_settle, self.tally, shadow.on_difference, shadow.rtol, shadow.atol)
        self.beside: Beside | None = None
        if candidate is not None and shadow.run != "inline":
            process = Process(candidate.estimator) if shadow.run == "process" else None
            self.beside = Beside(
                process or functools.partial(call_here, candidate.estimator),
                self.settle,
                size=shadow.queue_size,
                timeout=shadow.timeout,
                interrupt=process.interrupt if process is not None else None,
                since=(lambda: process.ready) if process is not None else (lambda: 0.0),
                ahead=process.ahead if process is not None else None,
            )

    @property
    def given_up(self) -> bool:
        """Whether the candidate is asked no more."""
        return self.candidate is None or (self.beside is not None and self.beside.given_up)


class Shadow(ServingEstimator):
    """Serve the primary, and try a candidate beside it on the same requests.

    Whatever the candidate does, the primary's answer is served as it is: if it raises, hangs, is slow, overwrites its
    rows or answers in another shape, that is counted. Memory is bounded: counts are exact, and answers and latencies
    are kept as an even sample. :meth:`report` says whether the candidate may replace the primary.

    Parameters
    ----------
    primary : estimator or path-like
        The model that answers.
    candidate : estimator or path-like
        The model that is tried.
    sample : float, default=1.0
        The share of the requests that the candidate sees, chosen at random.
    run : {"thread", "process", "inline"}, default="thread"
        Where the candidate runs. ``"thread"``: off the request path, in a thread behind a bounded queue; Python code of
        the candidate still competes for the interpreter lock. ``"process"``: in a process of its own, without
        that competition. ``"inline"``: in the same thread after the primary, which delays each answer, for tests and
        batch jobs; a candidate that hangs holds the request up.
    on_difference : callable, default=None
        Called with a :class:`Difference` for each request that differs, where the candidate runs. An error in it is
        logged.
    rtol, atol : float
        Numbers differ by more than ``atol + rtol * |old|``; labels differ unless they are equal.
    queue_size : int, default=64
        How many requests may wait for the candidate. Further ones are dropped and counted.
    timeout : float, default=30.0
        After how many seconds a candidate counts as hanging. After four in a row it is asked no more.
    keep : int, default=10_000
        How many rows of answers are kept for each method, and how many latencies.
    locks : list of two, default=None
        What was approved, for the primary and the candidate; as for :class:`Fallback`. An object without a lock and
        without a seal is taken as it stands. A candidate that is not what its lock says is not asked; a primary that
        is not raises.
    random_state : int, default=None
        Of the choice of requests.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        As the primary has them.
    n_features_in_ : int
        Number of columns, as the primary has it.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns, if they had names.

    See Also
    --------
    Canary : Let a candidate answer a share of the rows.

    Examples
    --------
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn_normlock.serving import Shadow
    >>> X, y = load_iris(return_X_y=True)
    >>> old, new = (LogisticRegression(C=C, max_iter=500).fit(X, y) for C in (1.0, 0.01))
    >>> shadow = Shadow(old, new)
    >>> bool((shadow.predict(X) == old.predict(X)).all())
    True
    >>> shadow.drain()
    True
    >>> shadow.status().rows, shadow.status().differing
    ({'predict': 150}, {'predict': 15})
    """

    def __init__(
        self,
        primary: Any,
        candidate: Any,
        *,
        sample: float = 1.0,
        run: str = "thread",
        on_difference: Callable[[Difference], Any] | None = None,
        rtol: float = 1e-7,
        atol: float = 1e-12,
        queue_size: int = 64,
        timeout: float = 30.0,
        keep: int = 10_000,
        locks: Sequence[LockLike] | None = None,
        random_state: int | None = None,
    ) -> None:
        self.primary = primary
        self.candidate = candidate
        self.sample = sample
        self.run = run
        self.on_difference = on_difference
        self.rtol = rtol
        self.atol = atol
        self.queue_size = queue_size
        self.timeout = timeout
        self.keep = keep
        self.locks = locks
        self.random_state = random_state

    def drain(self, seconds: float = 10.0) -> bool:
        """Wait until the candidate has answered what waits for it.

        Parameters
        ----------
        seconds : float, default=10.0
            How long at most.

        Returns
        -------
        done : bool
            Whether nothing is pending.
        """
        beside = self._ready().beside
        return True if beside is None else beside.drain(seconds)

    def close(self) -> None:
        """Ask the candidate no more, and end its thread or process; what waits is forgotten."""
        opened = self.__dict__.get("_opened")
        if opened is not None and opened.beside is not None:
            opened.beside.close()

    def status(self) -> ShadowStatus:
        """Return how far the candidate was tried.

        Returns
        -------
        status : ShadowStatus
            ``.ok``, ``.rows``, ``.differing``, ``.failures``, ``.dropped``, ``.seconds``, ``.explain()``.
        """
        opened: _Open = self._ready()
        tally = opened.tally
        with tally.lock:
            pairs = np.array(tally.seconds.items).reshape(-1, 2)
            seconds = {}
            for who, found in zip(("primary", "candidate"), pairs.T, strict=True):
                if len(found):
                    seconds[who] = {f"p{q}": float(np.quantile(found, q / 100)) for q in (50, 95, 99)}
            refused = opened.refused
            if not refused and opened.given_up:
                refused = "it hung or died too often"
            return ShadowStatus(
                calls=tally.calls,
                sampled=tally.sampled,
                compared=tally.compared,
                rows=dict(tally.rows),
                differing=dict(tally.flips),
                failures=dict(tally.failures),
                dropped=tally.dropped,
                pending=0 if opened.beside is None else opened.beside.pending,
                seconds=seconds,
                refused=refused,
            )

    def report(self, *, limits: Any = None, seconds: float = 10.0) -> GateReport:
        """Judge whether the candidate may replace the primary, by what both answered.

        Nobody knows the right answers yet: what is judged is how often the two agree, and shown is how the answers
        move. Rows are the sample that is kept; ``notes`` has the exact counts. A candidate that failed in a request is
        not fit to replace the primary, whatever it answered in the others.

        Parameters
        ----------
        limits : path-like, mapping or Limits, default=None
            As :func:`sklearn_normlock.gate` takes them; only limits on ``agreement`` can be judged.
        seconds : float, default=10.0
            How long to wait for what is pending.

        Returns
        -------
        report : GateReport
            ``.ok``, ``.undecided``, ``.explain(style)``; undecided as long as nothing was compared.
        """
        self.drain(seconds)
        opened: _Open = self._ready()
        return shadow_report(opened.primary, opened.tally, self.status(), limits)

    def _sources(self) -> dict[str, tuple[Any, LockLike]]:
        if self.run not in RUNS:
            raise NormLockError(f"run is {self.run!r}; it must be one of {', '.join(map(repr, RUNS))}.")
        for name, low, high in (("sample", 0, 1), ("timeout", 0, float("inf")), ("rtol", 0, 1), ("atol", 0, 1e300)):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not low <= value <= high:
                raise NormLockError(f"{name} is {value!r}; it must be a number from {low} to {high}.")
        for name in ("queue_size", "keep"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise NormLockError(f"{name} is {value!r}; it must be a whole number of at least 1.")
        if self.on_difference is not None and not callable(self.on_difference):
            raise NormLockError(f"on_difference is {self.on_difference!r}; it must be a function of a Difference.")
        locks = check_locks(self.locks, 2)
        return {"primary": (self.primary, locks[0]), "candidate": (self.candidate, locks[1])}

    def _members(self, opened: _Open) -> list[Member]:
        return [each for each in (opened.primary, opened.candidate) if each is not None]

    def _begin(self, outcomes: dict[str, Outcome]) -> _Open:
        primary, candidate = outcomes["primary"], outcomes["candidate"]
        if isinstance(primary, Exception):
            raise primary
        if isinstance(candidate, Member):
            return _Open(primary, candidate, "", self)
        return _Open(primary, None, report_refused("candidate", candidate, "It is not tried.", "shadow"), self)

    def _answer(self, method: str, X: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        opened: _Open = self._ready()
        ask = opened.asks.get(method)
        if ask is None:
            ask = opened.asks[method] = getattr(opened.primary.estimator, method)
        tally = opened.tally
        sampled = self.sample >= 1 or opened.random() < self.sample
        tally.asked(sampled)
        if not sampled or opened.candidate is None:
            return ask(X, *args, **kwargs)
        if opened.beside is not None and not opened.beside.has_room():
            _drop(tally, method)
            return ask(X, *args, **kwargs)
        try:
            rows = _snapshot(X)  # the primary, the candidate and the caller may each write into what they have
        except Exception as error:
            _failed(tally, method, error)
            return ask(X, *args, **kwargs)
        start = time.perf_counter()
        answer = ask(X, *args, **kwargs)
        seconds = time.perf_counter() - start
        try:
            job = Job(method, rows, args, kwargs, _snapshot(answer), seconds, get_config())
            if opened.beside is not None:
                if not opened.beside.offer(job):
                    _drop(tally, method)
            else:
                _inline(opened, job)
        except Exception as error:  # a server out of threads, say: the answer is there
            _failed(tally, method, error)
        return answer


def _inline(opened: _Open, job: Job) -> None:
    assert opened.candidate is not None
    start = time.perf_counter()
    answer: Any
    try:
        answer = call_here(opened.candidate.estimator, job)
    except (Exception, SystemExit) as error:
        answer = error
    opened.settle(job, answer, time.perf_counter() - start)


def _settle(
    tally: Tally,
    on_difference: Callable[[Difference], Any] | None,
    rtol: float,
    atol: float,
    job: Job,
    answer: Any,
    seconds: float,
) -> None:
    """Take in what the candidate answered; never raises."""
    try:
        if isinstance(answer, BaseException):
            raise answer
        changed = differing(job.answer, answer, rtol, atol)
        tally.compare(job.method, job.answer, answer, changed, (job.seconds, seconds))
    except BaseException as error:
        _failed(tally, job.method, error)
        return
    if not changed.any():
        return
    if events.enabled():
        count = int(changed.sum())
        text = f"{job.method}: the candidate answers {count} of {len(changed)} rows otherwise."
        events.emit("shadow", text, verdict="mismatch", level=logging.INFO, method=job.method, count=count)
    if on_difference is not None:
        try:
            on_difference(Difference(job.method, job.X, job.answer, answer, changed))
        except Exception:
            events.logger.exception("on_difference of a Shadow failed.")


def _failed(tally: Tally, method: str, error: BaseException) -> None:
    kind = type(error).__name__
    if kind == "RemoteError":  # its first argument is the class
        kind, reason = error.args[0], ": ".join(map(str, error.args))
    else:
        reason = one_line(error)
    if isinstance(error, CandidateHung):
        kind = "did not answer in time"
    count = tally.fail(kind)
    level = logging.WARNING if count == 1 else logging.DEBUG
    if events.enabled(level):
        events.emit(
            "shadow",
            f"{method}: the candidate failed. {reason}",
            verdict="undecided",
            level=level,
            member="candidate",
            method=method,
            error=kind,
            reason=reason,
            count=count,
        )


def _drop(tally: Tally, method: str) -> None:
    count = tally.drop()
    level = logging.WARNING if count == 1 else logging.DEBUG
    if events.enabled(level):
        text = f"{method}: the candidate is behind, or given up; requests are dropped."
        events.emit("shadow", text, level=level, member="candidate", method=method, reason="dropped", count=count)


def _snapshot(value: Any) -> Any:
    """Return a copy that nobody else writes into."""
    if isinstance(value, (list, tuple, dict)) or not hasattr(value, "copy"):
        return copy.deepcopy(value)
    return value.copy()
