"""The members of a serving estimator: opened, verified, and refused by an error that says why."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..errors import LockMismatchError, MissingFingerprintError, NormLockError, UnfingerprintableError
from ..fingerprints import fingerprint, require_fitted
from ..guards.profile import Profile
from ..locks.comparison import checked, compare
from ..locks.document import Lock
from ..persistence import load, lock_path, open_locked, pins_of
from ..seals.mixin import Locked
from ..seals.seal import find_problem
from ..seals.watch import FINGERPRINT

LockLike = Lock | str | os.PathLike[str] | bool | None


@dataclass(frozen=True)
class Member:
    """An estimator that may answer.

    Parameters
    ----------
    name : str
        Such as ``"primary"`` or ``"candidates[0] (model-2.skops)"``.
    estimator : object
        Fitted.
    lock : Lock, default=None
        What it was verified against, or None if nobody gave a lock.
    fingerprint : str, default=None
        What it is; None if it has no stable name.
    """

    name: str
    estimator: Any
    lock: Lock | None = None
    fingerprint: str | None = None

    @property
    def profile(self) -> Profile | None:
        """The profile of the data that a member was fitted on, as far as its lock or its first step knows."""
        if self.lock is not None and self.lock.profile is not None:
            return Profile.from_dict(dict(self.lock.profile))
        known = getattr(first_step(self.estimator), "profile_", None)
        return known if isinstance(known, Profile) else None


def first_step(est: Any) -> Any:
    """Return the first step of a pipeline, or the estimator itself."""
    steps = getattr(est, "steps", None)
    return steps[0][1] if isinstance(steps, list) and steps else est


def is_path(source: Any) -> bool:
    """Tell whether a member is given as a file."""
    return isinstance(source, (str, os.PathLike))


def is_fitted(source: Any) -> bool:
    """Tell whether a member can be served as it is: a file, or an object with fitted state."""
    if is_path(source):
        return True
    try:
        require_fitted(source)
    except UnfingerprintableError:
        return False
    return True


def open_member(name: str, source: Any, lock: LockLike, *, unlocked: bool) -> Member:
    """Open a member and verify it.

    Parameters
    ----------
    name : str
        What it is called in messages.
    source : path-like or estimator
        A file, which is opened by its lock; or a fitted object.
    lock : Lock, path-like, bool or None
        What was approved. True is the lock beside the file; False takes the member without one. None is the lock beside
        a file, and for an object its own seal.
    unlocked : bool
        Whether an object without a lock and without a seal is taken if ``lock`` is None.

    Returns
    -------
    member : Member

    Raises
    ------
    NormLockError, OSError
        If it is not what was approved, if that can't be told, or if it can't be opened.
    """
    if is_path(source):
        path = Path(source)
        if lock is False:
            return _pinned(name, load(path, unsealed=True), None)
        approved = _read(lock_path(path) if lock is None or lock is True else lock)
        est, report = open_locked(path, approved, pins=pins_of(None))
        checked(report, name)
        return Member(name, est, approved, report.actual)
    if lock is True:
        raise LockMismatchError(
            f"{name} is an object, and lock=True means the lock that lies beside a file.",
            path=name,
            remedy="Give the lock itself or its path, or give the path of the file in place of the object.",
        )
    if lock is not None and lock is not False:
        approved = _read(lock)
        report = compare(source, approved)
        checked(report, name)
        return Member(name, source, approved, report.actual)
    if isinstance(source, Locked) and FINGERPRINT in vars(source):
        problem = find_problem(source)
        if problem is not None:
            raise problem
    elif lock is None and not unlocked and not is_fitted(source):
        raise MissingFingerprintError(
            f"{name} is a {type(source).__name__} that is not fitted.",
            path=name,
            remedy="Call fit with training data, or give a fitted object.",
        )
    elif lock is None and not unlocked:
        raise MissingFingerprintError(
            f"{name} is a {type(source).__name__} without a seal, and no lock was given for it: nothing says that it "
            "is what was approved.",
            path=name,
            remedy="Give its lock in locks=, or False in its place to serve it on trust.",
        )
    return _pinned(name, source, None)


def reopen(member: Member) -> Member:
    """Verify a member that came back from bytes: by its lock, or by the fingerprint that it had.

    Raises
    ------
    NormLockError
        If it is another than it was.
    """
    if member.lock is not None:
        checked(compare(member.estimator, member.lock), member.name)
    elif member.fingerprint is not None:
        now = fingerprint(member.estimator)
        if now != member.fingerprint:
            raise LockMismatchError(
                f"{member.name} came back from bytes as {now}; it left as {member.fingerprint}.",
                path=member.name,
                expected=member.fingerprint,
                actual=now,
                remedy="Load the file again from where it was saved, or give the members as files with their locks.",
            )
    return member


def one_line(error: BaseException) -> str:
    """Return an error as one line of a list."""
    text = " ".join(str(error).split()).rstrip(".")
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def check_locks(locks: Any, count: int) -> list[LockLike]:
    """Return one lock for each member.

    Raises
    ------
    NormLockError
        If there are more or fewer locks than members.
    """
    if locks is None:
        return [None] * count
    if isinstance(locks, (Lock, str, os.PathLike, bool)) or not isinstance(locks, Iterable):
        raise NormLockError(
            f"locks is a {type(locks).__name__}; it must be a list with one entry for each member.",
            remedy="Each entry is a Lock, the path of one, True (beside the file), False (on trust) or None.",
        )
    found = list(locks)
    if len(found) != count:
        raise NormLockError(
            f"locks has {len(found)} entries for {count} members.",
            expected=count,
            actual=len(found),
            remedy="Give one for each, in their order; None where the file's own lock or the seal decides.",
        )
    return found


def _read(lock: Any) -> Lock:
    return lock if isinstance(lock, Lock) else Lock.load(lock)


def _pinned(name: str, est: Any, lock: Lock | None) -> Member:
    try:
        return Member(name, est, lock, fingerprint(est))
    except UnfingerprintableError:
        return Member(name, est, lock)
