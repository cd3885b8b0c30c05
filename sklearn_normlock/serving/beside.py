"""Running a candidate beside the request path: a bounded queue, and a thread or a process that empties it.

The thread that serves a request only puts a job into the queue; if the queue is full, the job is dropped. A candidate
that hangs is left behind: its thread is abandoned, or its process is killed, and a new one goes on.

Jobs are taken in batches, a tenth of a second apart. Each time that the thread works, it competes with requests for the
interpreter lock: seldom and for long disturbs fewer of them than often and for short.
"""

from __future__ import annotations

import contextvars
import os
import pickle
import struct
import subprocess
import sys
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from ..errors import NormLockError

__all__ = ["Beside", "CandidateHung", "Job", "Process", "call_here"]

#: How often in a row a candidate may hang or die before it is asked no more.
PATIENCE = 4
#: Seconds that a process has to load its candidate.
STARTING = 120.0
#: Seconds from the first job of a batch until the batch is begun.
LINGER = 0.1
_LENGTH = struct.Struct("<Q")


@dataclass(slots=True, eq=False)
class Job:
    """A request that the primary has answered, for the candidate to answer too."""

    method: str
    X: Any
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    answer: Any
    seconds: float
    sklearn_config: dict[str, Any]
    context: contextvars.Context = field(default_factory=contextvars.copy_context)


class CandidateLost(NormLockError):
    """A candidate died, or could not be started."""


class CandidateHung(CandidateLost):
    """A candidate did not answer in time."""


def call_here(candidate: Any, job: Job) -> Any:
    """Ask the candidate in this thread, under the configuration that the request had."""
    from sklearn import config_context

    with config_context(**job.sklearn_config):
        return job.context.run(getattr(candidate, job.method), job.X, *job.args, **job.kwargs)


class _Turn:
    """The job that a thread is at."""

    def __init__(self) -> None:
        self.started: float | None = None
        self.abandoned = False


class _Shared:
    """The state that the queue and its thread share; the thread must not keep the queue's owner alive."""

    def __init__(
        self,
        ask: Callable[[Job], Any],
        settle: Callable[[Job, Any, float], None],
        ahead: Callable[[list[Job]], None] | None,
    ) -> None:
        self.ask = ask
        self.settle = settle
        self.ahead = ahead
        self.jobs: deque[Job] = deque()
        self.changed = threading.Condition()
        self.turn = _Turn()
        self.lost_in_a_row = 0
        self.closed = False
        self.idle = False  # the thread waits for a job
        self.drained = 0  # how many wait until nothing is pending: no batch is waited for


class Beside:
    """A bounded queue of jobs, and a thread that asks the candidate.

    Parameters
    ----------
    ask : callable
        Takes a job, returns the candidate's answer. It may hang.
    settle : callable
        Takes a job, the answer or the exception, and the seconds. It must not fail.
    size : int
        How many jobs may wait.
    timeout : float
        After how many seconds a candidate counts as hanging.
    interrupt : callable, default=None
        Ends an ``ask`` that hangs. Without it the thread is abandoned.
    since : callable, default=None
        Returns the monotonic time before which nothing counts as hanging, such as the end of a start.
    ahead : callable, default=None
        Takes the jobs of a batch, before ``ask`` takes each of them. It must not fail.
    """

    def __init__(
        self,
        ask: Callable[[Job], Any],
        settle: Callable[[Job, Any, float], None],
        *,
        size: int,
        timeout: float,
        interrupt: Callable[[], None] | None = None,
        since: Callable[[], float] = lambda: 0.0,
        ahead: Callable[[list[Job]], None] | None = None,
    ) -> None:
        self._make = lambda: _Shared(ask, settle, ahead)
        self._size = size
        self._timeout = timeout
        self._interrupt = interrupt
        self._since = since
        self._start()

    def _start(self) -> None:
        self._pid = os.getpid()
        self._shared = self._make()
        self._started = False
        self._stop = weakref.finalize(self, _close, self._shared)

    def has_room(self) -> bool:
        """Tell whether a job may be offered now; if not, it needn't be made."""
        if os.getpid() != self._pid:  # a server that forks: the thread stayed behind
            self._start()
        shared = self._shared
        self._look_after(shared)
        return len(shared.jobs) < self._size and shared.lost_in_a_row < PATIENCE and not shared.closed

    def offer(self, job: Job) -> bool:
        """Put a job into the queue; return whether there was room."""
        shared = self._shared
        with shared.changed:
            if len(shared.jobs) >= self._size or shared.closed:
                return False
            if not self._started:
                self._started = True
                _go_on(shared)
            shared.jobs.append(job)
            if shared.idle:
                shared.changed.notify_all()
        return True

    @property
    def given_up(self) -> bool:
        """Whether the candidate hung or died so often that it is asked no more."""
        return self._shared.lost_in_a_row >= PATIENCE

    @property
    def pending(self) -> int:
        """How many jobs wait or are being answered."""
        return len(self._shared.jobs)

    def drain(self, seconds: float) -> bool:
        """Wait until nothing is pending, at most so long; return whether that is so."""
        end = time.monotonic() + seconds
        shared = self._shared
        with shared.changed:
            shared.drained += 1
            shared.changed.notify_all()
        try:
            while self.pending:
                left = end - time.monotonic()
                if left <= 0:
                    return False
                self._look_after(shared)
                with shared.changed:
                    if self.pending:
                        shared.changed.wait(min(left, 0.05))
            return True
        finally:
            with shared.changed:
                shared.drained -= 1

    def close(self) -> None:
        """Stop; jobs that wait are forgotten."""
        self._stop()

    def _look_after(self, shared: _Shared) -> None:
        """Leave a candidate behind that hangs."""
        started = shared.turn.started
        if started is None or time.monotonic() - max(started, self._since()) <= self._timeout:
            return
        with shared.changed:
            turn = shared.turn
            if turn.started != started or turn.abandoned:
                return
            turn.abandoned = True
            if self._interrupt is None:
                shared.lost_in_a_row += 1
                job = shared.jobs.popleft()
                shared.turn = _Turn()
                if shared.lost_in_a_row < PATIENCE:
                    _go_on(shared)
                else:
                    shared.jobs.clear()
        if self._interrupt is not None:
            self._interrupt()  # the thread comes back from its job by an error
        else:
            shared.settle(job, _hung(self._timeout), self._timeout)


def _hung(timeout: float) -> CandidateHung:
    return CandidateHung(f"The candidate did not answer within {timeout:g} seconds.")


def _close(shared: _Shared) -> None:
    with shared.changed:
        shared.closed = True
        shared.jobs.clear()
        shared.changed.notify_all()


def _go_on(shared: _Shared) -> None:
    threading.Thread(target=_work, args=(shared, shared.turn), name="normlock-shadow", daemon=True).start()


def _work(shared: _Shared, turn: _Turn) -> None:
    """Empty the queue, batch by batch, for as long as this turn is the one that counts."""
    while True:
        with shared.changed:
            shared.idle = True
            shared.changed.wait_for(lambda: shared.jobs or shared.closed)
            shared.idle = False
            shared.changed.wait_for(lambda: shared.drained or shared.closed or shared.turn is not turn, LINGER)
            if shared.closed or shared.turn is not turn:
                return
            batch = list(shared.jobs)
        if shared.ahead is not None:
            shared.ahead(batch)
        for job in batch:
            if not _work_at(shared, turn, job):
                break


def _work_at(shared: _Shared, turn: _Turn, job: Job) -> bool:
    """Ask the candidate; return whether the batch goes on."""
    with shared.changed:
        if shared.closed or shared.turn is not turn or not shared.jobs or shared.jobs[0] is not job:
            return False
        turn.started = time.monotonic()  # the job keeps its place until it is settled
    start = time.perf_counter()
    try:
        answer = shared.ask(job)
    except BaseException as error:  # whatever it is, it is the candidate's
        answer = error
    seconds = time.perf_counter() - start
    with shared.changed:
        if shared.turn is not turn:
            return False  # it took too long, and another thread goes on
        lost = isinstance(answer, CandidateLost)
        if lost and turn.abandoned:
            answer = _hung(seconds)
        shared.lost_in_a_row = shared.lost_in_a_row + 1 if lost else 0
    shared.settle(job, answer, seconds)
    with shared.changed:
        if shared.jobs and shared.jobs[0] is job:
            shared.jobs.popleft()
        turn.started = None
        turn.abandoned = False
        if shared.lost_in_a_row >= PATIENCE:
            shared.jobs.clear()
        if shared.drained:
            shared.changed.notify_all()
    return not lost


class Process:
    """A candidate in a process of its own: it shares no interpreter lock and no memory with the primary.

    Parameters
    ----------
    candidate : object
        It is pickled once, for the process to load.
    """

    def __init__(self, candidate: Any) -> None:
        self._candidate = candidate
        self._running: subprocess.Popen[bytes] | None = None
        self._stop: weakref.finalize | None = None
        self._sent: deque[Job] = deque()  # to which it has not answered yet
        self.ready = 0.0  # monotonic: when it was, or will have to be

    def ahead(self, jobs: list[Job]) -> None:
        """Send jobs at once, if it runs: it answers them while nobody here waits for it."""
        running = self._running
        if running is None:
            return
        with suppress(Exception):  # the call says what is wrong
            requests = [_request(job) for job in jobs]
            self._sent.extend(jobs)
            send(running.stdin, *requests)
            time.sleep(LINGER / 10)

    def __call__(self, job: Job) -> Any:
        """Ask the candidate; raises what it raises, or :class:`CandidateLost` if it died."""
        sent = bool(self._sent) and self._sent[0] is job
        request = None if sent else _request(job)
        running = self._running or self._start()
        try:
            if request is None:
                self._sent.popleft()
            else:
                send(running.stdin, request)
            return receive(running.stdout)
        except (OSError, EOFError) as error:
            self._end()
            raise CandidateLost(
                f"The candidate's process ended with code {running.returncode} before it answered."
            ) from error

    def interrupt(self) -> None:
        """End the process, in whatever thread this is called; it is started anew for the next job."""
        running = self._running
        if running is not None:
            running.kill()

    def _start(self) -> subprocess.Popen[bytes]:
        try:
            candidate = pickle.dumps(self._candidate, protocol=5)
        except Exception as error:
            raise CandidateLost(
                f"The candidate can't be sent to a process ({type(error).__name__}: {error})."
            ) from error
        self.ready = time.monotonic() + STARTING
        code = "import sys; sys.path[:] = sys.argv[1:]; from sklearn_normlock.serving.worker import main; main()"
        # One thread for its linear algebra: the cores belong to the primary.
        threads = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "OPENBLAS", "MKL")}
        self._running = running = subprocess.Popen(
            [sys.executable, "-c", code, *sys.path],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=1 << 16,  # many answers are read at once
            env={**os.environ, **threads},
        )
        self._stop = weakref.finalize(self, _end, running)
        try:
            send(running.stdin, candidate)
            receive(running.stdout)
        except Exception as error:
            self._end()
            raise CandidateLost(
                f"The candidate could not be loaded in a process ({': '.join(map(str, error.args))})."
            ) from error
        self.ready = time.monotonic()
        return running

    def _end(self) -> None:
        self._running = None
        self._sent.clear()
        if self._stop is not None:
            self._stop()


def _request(job: Job) -> bytes:
    return pickle.dumps((job.method, job.X, job.args, job.kwargs, job.sklearn_config), protocol=5)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with suppress(OSError):  # what was left to be flushed has no reader any more
                pipe.close()


def send(pipe: Any, *messages: bytes) -> None:
    """Write messages."""
    pipe.write(b"".join(part for data in messages for part in (_LENGTH.pack(len(data)), data)))
    pipe.flush()


def read_message(pipe: Any) -> bytes:
    """Read one message.

    Raises
    ------
    EOFError
        If there is none, or not all of one.
    """
    head = pipe.read(_LENGTH.size)
    data = pipe.read(_LENGTH.unpack(head)[0]) if len(head) == _LENGTH.size else b""
    if len(head) < _LENGTH.size or len(data) < _LENGTH.unpack(head)[0]:
        raise EOFError("the other side is gone")
    return data


def receive(pipe: Any) -> Any:
    """Read an answer; raise the error that stands in its place."""
    succeeded, value = pickle.loads(read_message(pipe))
    if not succeeded:
        raise value
    return value
