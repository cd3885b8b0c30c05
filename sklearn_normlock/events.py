"""Events: one structured log record for each thing that an operator may want to count, search or be woken by.

An event is a load, a verification, a mismatch, a verdict of the guard, a fallback, or a difference that a shadow saw.
A call that finds nothing wrong is no event, so that the serving path pays nothing for them.

Each event goes to two places. The logger ``sklearn_normlock`` gets one record with the fields of :class:`Event` as
attributes named ``normlock.<field>``; formatters that write JSON print such attributes beside the message. Subscribers
(:func:`subscribe`) get the event itself, whatever the level of the logger: counters must not depend on how much is
logged. The names of events and fields are interface: they are only added to.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

from .errors import (
    ArtifactDigestError,
    FingerprintMismatchError,
    InputFaultError,
    LockMismatchError,
    NormLockError,
    PipelineMismatchError,
    ProbeMismatchError,
)

__all__ = ["EVENTS", "FIELDS", "Event", "subscribe"]

#: Every event. ``load``: a file was opened, or refused. ``verify``: an object was compared with a lock. ``mismatch``: a
#: sealed object is not what was fitted. ``guard``: data was compared with a profile. ``fallback``: another candidate
#: than the first answers. ``shadow``: a candidate's answer differs, failed, or was dropped. ``policy``: mismatches will
#: not raise in this process.
EVENTS = ("load", "verify", "mismatch", "guard", "fallback", "shadow", "policy")

logger = logging.getLogger("sklearn_normlock")
# Without a handler of its own a library's warnings are printed twice: once as an error, once by logging's last resort.
logger.addHandler(logging.NullHandler())

_LEVELS = {"match": logging.INFO, "mismatch": logging.WARNING, "undecided": logging.WARNING, None: logging.INFO}


@dataclass(frozen=True, kw_only=True)
class Event:
    """One event; fields that don't apply are None.

    Parameters
    ----------
    event : str
        One of :data:`EVENTS`.
    message : str
        The same for a reader.
    verdict : {"match", "mismatch", "undecided"}, default=None
        The answer, where there is one.
    subject : str, default=None
        What was looked at: the path of a file, or the class of an object.
    fingerprint : str, default=None
        The fingerprint of what is there.
    lock : str, default=None
        The fingerprint that was approved.
    path : str, default=None
        Where the first difference is, such as ``"scaler.mean_[3]"``.
    expected, actual : str, default=None
        What is at the path: when fitted or approved, and now.
    error : str, default=None
        The class of the error that was raised, caught or averted.
    reason : str, default=None
        Why, in one line: the fault that the guard names, or why a candidate doesn't answer.
    member : str, default=None
        Which candidate of a serving estimator.
    method : str, default=None
        Which method was called.
    columns : tuple of str, default=None
        The columns that are concerned.
    p_value : float, default=None
        The smallest p-value of the guard's tests, corrected for their number.
    count : int, default=None
        How many rows, calls or drops the event stands for.

    Examples
    --------
    >>> from sklearn_normlock.events import Event
    >>> event = Event(event="load", message="model.skops: match", verdict="match")
    >>> event.attributes()
    {'normlock.event': 'load', 'normlock.verdict': 'match'}
    """

    event: str
    message: str
    verdict: str | None = None
    subject: str | None = None
    fingerprint: str | None = None
    lock: str | None = None
    path: str | None = None
    expected: str | None = None
    actual: str | None = None
    error: str | None = None
    reason: str | None = None
    member: str | None = None
    method: str | None = None
    columns: tuple[str, ...] | None = None
    p_value: float | None = None
    count: int | None = None

    def attributes(self) -> dict[str, Any]:
        """Return the fields that apply, without the message, by their names in a log record.

        Returns
        -------
        fields : dict
            Only those that are not None.
        """
        values = ((name, getattr(self, name)) for name in FIELDS)
        return {f"normlock.{name}": value for name, value in values if value is not None}


#: The fields of a record, each an attribute ``normlock.<field>``.
FIELDS = tuple(field.name for field in fields(Event) if field.name != "message")

_subscribers: tuple[Callable[[Event], None], ...] = ()
_changing = threading.Lock()


def subscribe(callback: Callable[[Event], None]) -> Callable[[], None]:
    """Call something at every event of this process, whatever the level of the logger.

    Parameters
    ----------
    callback : callable
        Takes an :class:`Event`. It runs in the thread in which the event happened, so it should be quick. An error in
        it is logged and goes no further.

    Returns
    -------
    unsubscribe : callable
        Without arguments. A second call does nothing.

    Examples
    --------
    >>> from sklearn_normlock import events
    >>> seen = []
    >>> unsubscribe = events.subscribe(seen.append)
    >>> events.emit("verify", "model.skops is what was approved", verdict="match", subject="model.skops")
    >>> unsubscribe()
    >>> seen[0].attributes()
    {'normlock.event': 'verify', 'normlock.verdict': 'match', 'normlock.subject': 'model.skops'}
    """
    global _subscribers
    with _changing:
        _subscribers = (*_subscribers, callback)

    def unsubscribe() -> None:
        global _subscribers
        with _changing:
            _subscribers = tuple(each for each in _subscribers if each is not callback)

    return unsubscribe


def enabled(level: int = logging.INFO) -> bool:
    """Tell whether anybody takes an event of this level; if not, its fields needn't be worked out."""
    return bool(_subscribers) or logger.isEnabledFor(level)


def emit(event: str, message: str, *, verdict: str | None = None, level: int | None = None, **values: Any) -> None:
    """Report an event to the log and to the subscribers; never raises for what they do.

    Parameters
    ----------
    event : str
        One of :data:`EVENTS`.
    message : str
        For a reader; complete without the fields.
    verdict : {"match", "mismatch", "undecided"}, default=None
        The answer, where there is one.
    level : int, default=None
        The level of the log record: INFO for a match or no verdict, WARNING for the others, if None.
    **values
        Fields of :class:`Event`.
    """
    if event not in EVENTS:
        raise ValueError(f"event is {event!r}; it must be one of {', '.join(EVENTS)}.")
    if verdict not in _LEVELS:
        raise ValueError(f"verdict is {verdict!r}; it must be one of match, mismatch, undecided, or None.")
    level = _LEVELS[verdict] if level is None else level
    logs, subscribers = logger.isEnabledFor(level), _subscribers
    if not logs and not subscribers:
        return
    made = Event(event=event, message=message, verdict=verdict, **values)
    for callback in subscribers:
        try:
            callback(made)
        except Exception:
            logger.exception("A subscriber of events failed at %r.", event)
    if logs:
        # As an argument, the message may hold percent signs.
        logger.log(level, "%s", message, extra=made.attributes(), stacklevel=2)


def error_fields(error: BaseException) -> dict[str, Any]:
    """Return what an error says, as fields of an event.

    Examples
    --------
    >>> from sklearn_normlock.errors import LockMismatchError
    >>> from sklearn_normlock.events import error_fields
    >>> error_fields(LockMismatchError("mean_[0]: 1 → 2", path="mean_[0]", expected=1.0, actual=2.0))
    {'error': 'LockMismatchError', 'path': 'mean_[0]', 'expected': '1.0', 'actual': '2.0'}
    """
    found: dict[str, Any] = {"error": type(error).__name__}
    if isinstance(error, NormLockError):
        for name in ("path", "expected", "actual"):
            value = getattr(error, name)
            if value is not None:
                found[name] = str(value)
    return found


#: Errors that say that a comparison was made, and came out different; all others say that none could be made.
_MISMATCHES = (
    ArtifactDigestError,
    FingerprintMismatchError,
    InputFaultError,
    LockMismatchError,
    PipelineMismatchError,
    ProbeMismatchError,
)


def verdict_of(error: BaseException) -> str:
    """Return the answer that an error stands for: ``"mismatch"`` only if a comparison was made.

    Examples
    --------
    >>> from sklearn_normlock.errors import LockMismatchError, MissingLockError
    >>> from sklearn_normlock.events import verdict_of
    >>> verdict_of(LockMismatchError("another mean")), verdict_of(MissingLockError("no lock"))
    ('mismatch', 'undecided')
    """
    return "mismatch" if isinstance(error, _MISMATCHES) else "undecided"
