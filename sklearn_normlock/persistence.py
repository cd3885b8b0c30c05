"""Save and load fitted objects, written whole and verified on the way back: by their seals, and by a lock."""

from __future__ import annotations

import logging
import os
import re
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

from . import events
from .config import policy
from .documents.files import exclusive, file_digest, reading, replacing, to_disk
from .documents.kinds import SKOPS
from .errors import (
    ArtifactDigestError,
    FingerprintMismatchError,
    LockMismatchError,
    MissingFingerprintError,
    MissingLockError,
    NormLockError,
    SealWarning,
    UnfingerprintableError,
)
from .fingerprints import fingerprint
from .fingerprints.state import is_estimator
from .formats import is_safe, named_format, read, require_one, untrusted, writer
from .locks.code import holds_main
from .locks.comparison import checked, compare
from .locks.comparison import lock as make_lock
from .locks.document import SUFFIX, Lock
from .locks.judgement import unjudged
from .locks.naming import file_key, key_of
from .locks.parts import FileDigest
from .locks.report import Report
from .locks.target import Target
from .records.environment import changed_versions
from .resealing import seal as sealed
from .seals.layout import Layout
from .seals.mixin import Locked
from .seals.permission import refuse_unfinished
from .seals.seal import find_problem, respond
from .seals.watch import FINGERPRINT

__all__ = ["dump", "load"]

EXPECT_VARIABLE = "NORMLOCK_EXPECT"

logger = logging.getLogger("sklearn_normlock")


def dump(est: Any, path: str | os.PathLike[str], *, lock: bool = False, trusted: Sequence[str] | None = None) -> None:
    """Save a fitted object; the file is written whole or not at all.

    Parameters
    ----------
    est : estimator
        Fitted. Sealed parts are checked first, so that nothing altered is saved. An object without a seal is
        saved as it is; :func:`load` will ask for ``expect`` or ``unsealed``.
    path : path-like
        Its suffix chooses the format: ``.skops``, ``.joblib`` or ``.pkl``; ``.joblib.gz`` and the like are compressed.
    lock : bool, default=False
        Whether to write the lock of the object, with the digest of the file, beside it: ``model.skops`` has
        ``model.skops.normlock.json``.
    trusted : sequence of str, default=None
        Types of yours in a ``.skops`` file that the lock names as harmless, so that :func:`load` with that lock
        needs no ``trusted=``.

    Raises
    ------
    NormLockError
        If the suffix is another, or the format can't hold the object; if types are trusted and no lock is written.
    FingerprintMismatchError, PipelineMismatchError
        If a sealed object is not what was fitted.
    UnfingerprintableError
        If the object isn't fitted, or has state without a stable name, or holds a function or class of ``__main__``.

    Examples
    --------
    >>> import sklearn_normlock as nl, tempfile, pathlib
    >>> from sklearn_normlock.preprocessing import StandardScaler
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "scaler.skops"
    >>> nl.dump(StandardScaler().fit([[0.0], [2.0]]), path)
    >>> nl.load(path).mean_
    array([1.])
    """
    path = Path(path)
    write = writer(path)
    trusted = trusted or ()
    if isinstance(est, Mapping):
        raise UnfingerprintableError(
            f"{path} was not written: it would hold a mapping, and no fitted estimator.",
            path=str(path),
            remedy="Save each estimator in a file of its own, and lock them together: nl.lock({name: estimator, ...}).",
        )
    if trusted and not lock:
        raise NormLockError(
            "trusted is for the lock, and none is written.", remedy="Pass lock=True, or leave trusted out."
        )
    fingerprint(est)  # refuses what could not be vouched for
    if holds_main(est):
        Target(est).refuse_main()
    for member in (est, *Layout(est).members):
        if isinstance(member, Locked):
            _require_intact(member)
            refuse_unfinished(member)
    key = file_key(path, path.parent) if lock else ""
    approved = make_lock(est, trusted=trusted) if lock else None
    if approved is None:
        with replacing(path) as file:
            _write(est, file, path, write)
        return
    # One pair at a time; and both files are whole on the disk before the first of them gets its name.
    with exclusive(path.parent), replacing(lock_path(path)) as beside, replacing(path) as file:
        _write(est, file, path, write)
        beside.write(approved.with_files({key: FileDigest.of_open(file)}).to_bytes())
        to_disk(beside)
    unnamed = untrusted(path, trusted)
    if unnamed:
        logger.warning(
            "%s: the lock trusts no type of yours, so loading it will raise ArtifactReadError. If they are harmless, "
            "name them when it is saved: trusted=%s.",
            path,
            unnamed,
        )
    for each in unjudged(approved):
        logger.warning("%s: loading it with its lock will raise UndecidedError. Not judged: %s", path, each.text)


def _write(est: Any, file: IO[bytes], path: Path, write: Callable[[Any, IO[bytes]], None]) -> None:
    try:
        write(est, file)
    except (NormLockError, OSError):
        raise
    except Exception as error:
        raise NormLockError(
            f"{path}: {path.suffix} can't hold this {type(est).__name__} ({type(error).__name__}: {error}).",
            path=str(path),
            remedy="Save it in another format.",
        ) from None


def lock_path(path: Path) -> Path:
    """Return where the lock of an artifact lies: beside it."""
    return path.with_name(path.name + SUFFIX)


def load(
    path: str | os.PathLike[str],
    *,
    lock: bool | str | os.PathLike[str] | Lock | None = None,
    expect: str | None = None,
    trusted: Sequence[str] | None = None,
    unsealed: bool = False,
    trust_file: bool = False,
    seal: bool = False,
    max_unpacked: int | None = None,
) -> Any:
    """Load an object and verify the whole of it.

    Parameters
    ----------
    path : path-like
        A file of :func:`dump`, or one that skops, joblib or pickle wrote. ``.joblib`` and ``.pkl`` run code when they
        are read: load only what you trust, or give a lock.
    lock : Lock, path-like or True, default=None
        What was approved; True is the lock that lies beside the file. In this order: the bytes of the file, then the
        fingerprint, the state and the outputs of probes must be what the lock says. A ``.joblib`` or ``.pkl`` file
        whose bytes the lock doesn't know is never unpickled. A ``.skops`` file is safe to open: other bytes with the
        same state are a match.
    expect : str, default=None
        The fingerprint that the object must have, from a place that whoever writes the file can't write to; several
        may be given, separated by commas. ``NORMLOCK_EXPECT`` in the environment if None.
    trusted : sequence of str, default=None
        Further types that a ``.skops`` file may hold, as :func:`skops.io.load` takes them. This package's, and what
        scikit-learn's own estimators are made of, are included; so are those that ``lock`` names, if the bytes of the
        file are the locked ones.
    unsealed : bool, default=False
        Whether to take an object that has no seal; with ``expect`` or ``lock`` it is verified against that.
    trust_file : bool, default=False
        Whether a ``.joblib`` or ``.pkl`` file with bytes that the lock doesn't know may be unpickled: only if you know
        where it comes from. The object is then judged by its state.
    seal : bool, default=False
        Whether to return it in drop-in classes, as :func:`sklearn_normlock.seal` does, once it is verified: by its
        ``lock`` or ``expect``, one of which must be given.
    max_unpacked : int, default=None
        How many bytes a ``.skops`` file may unpack to, if it is smaller itself. ``NORMLOCK_MAX_UNPACKED`` in the
        environment, or 2 GiB, if None.

    Returns
    -------
    est : estimator
        As it was fitted.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ArtifactDigestError
        If the lock doesn't know the bytes of a file that runs code.
    ArtifactReadError
        If the file is cut short, damaged, not of the format that its suffix names, or holds types that aren't trusted.
    FingerprintMismatchError, PipelineMismatchError
        If the object is not what was fitted, or not the expected one.
    LockMismatchError, ProbeMismatchError
        If the object is not what was approved, or puts out something else than it did.
    UndecidedError
        If nothing differs from the lock, and something was not judged.
    MissingFingerprintError
        If the object has no fingerprint, and neither a lock nor ``expect`` says what it should be.
    MissingLockError, LockFormatError, LockVersionError
        If the lock isn't there or can't be read.

    Notes
    -----
    Under the policies ``"warn"`` and ``"ignore"`` (:func:`sklearn_normlock.set_config`) a broken seal does not raise; a
    ``lock`` or an ``expect`` that isn't met always does.

    Examples
    --------
    >>> import sklearn_normlock as nl, tempfile, pathlib
    >>> from sklearn_normlock.preprocessing import StandardScaler
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "scaler.skops"
    >>> nl.dump(StandardScaler().fit([[0.0], [2.0]]), path, lock=True)
    >>> nl.load(path, lock=True).mean_
    array([1.])
    """
    path = Path(path)
    if isinstance(trusted, str):
        raise NormLockError("trusted is one text.", remedy="Give a list of the names of types.")
    pins = pins_of(expect)
    if seal and not lock and not pins:
        raise NormLockError(
            f"{path} was not loaded: seal=True vouches for an object, and nothing says that it is the approved one.",
            path=str(path),
            remedy="Pass lock= or expect= too; or load it with unsealed=True and call nl.seal, if you vouch for it.",
        )
    try:
        est, found = _load(path, lock, pins, trusted, unsealed, trust_file, max_unpacked)
    except (NormLockError, OSError) as error:
        if events.enabled(logging.WARNING):
            text = f"{path} was not loaded: {error}"
            verdict = events.verdict_of(error)
            events.emit("load", text, verdict=verdict, subject=str(path), **events.error_fields(error))
        raise
    if events.enabled():
        # Nothing was compared if nobody said what to expect and the object carries no seal.
        text = f"{path} was loaded."
        events.emit("load", text, verdict="match" if found else None, subject=str(path), level=logging.INFO, **found)
    return sealed(est) if seal else est


def _load(
    path: Path,
    lock: bool | str | os.PathLike[str] | Lock | None,
    pins: frozenset[str],
    trusted: Sequence[str] | None,
    unsealed: bool,
    trust_file: bool,
    max_unpacked: int | None,
) -> tuple[Any, dict[str, Any]]:
    """Return the object in a file, and what it was compared with, as fields of an event."""
    named_format(path)
    if lock is not None and lock is not False:
        approved, folder = _approved(lock, path)
        key = key_of(path, approved.files, folder)
        est, report = open_locked(
            path, approved, key=key, pins=pins, trusted=trusted, trust_file=trust_file, max_unpacked=max_unpacked
        )
        checked(report, type(est).__name__)
        for note in report.notes:
            logger.info("%s: %s", path, note)
        return est, {"fingerprint": report.actual, "lock": report.expected}
    with reading(path) as file:
        est = read(file, path, trusted, max_unpacked)
    _check_seal(est, path, pins, unsealed)
    fingerprint = vars(est).get(FINGERPRINT) if isinstance(est, Locked) else None
    if fingerprint is not None and policy() == "raise":
        return est, {"fingerprint": str(fingerprint)}
    return est, {"lock": ", ".join(sorted(pins))} if pins else {}


def _approved(lock: bool | str | os.PathLike[str] | Lock, path: Path) -> tuple[Lock, Path | None]:
    """Return a lock, and the folder in which it lies."""
    if isinstance(lock, Lock):
        return lock, None
    if not isinstance(lock, (bool, str, os.PathLike)):
        raise NormLockError(
            f"{path} was not loaded: lock is a {type(lock).__name__}, and must be a Lock, a path or True.",
            path=str(path),
            remedy="Read a document with Lock.from_dict, or name the file of the lock.",
        )
    lock_file = lock_path(path) if isinstance(lock, bool) else Path(lock)
    return Lock.load(lock_file), lock_file.parent


def pins_of(expect: str | None) -> frozenset[str]:
    """Return the fingerprints that are accepted, from the argument or the environment; none if any is."""
    source, text = ("expect", expect) if expect is not None else (EXPECT_VARIABLE, os.environ.get(EXPECT_VARIABLE))
    if text is None:
        return frozenset()
    texts = [text] if not isinstance(text, str) else [pin.strip() for pin in text.split(",") if pin.strip()] or [text]
    for pin in texts:
        if not isinstance(pin, str) or not re.fullmatch("nl1-sha256:[0-9a-f]{64}", pin):
            error = FingerprintMismatchError if expect is not None else NormLockError
            raise error(
                f"{source} is {pin!r}, which is not a fingerprint.",
                expected="nl1-sha256: and 64 hexadecimal digits",
                actual=pin,
                remedy="Give the whole of it, as nl.fingerprint or `normlock show` prints it.",
            )
    return frozenset(texts)


def open_locked(
    path: Path,
    lock: Lock,
    *,
    key: str | None = None,
    pins: frozenset[str] = frozenset(),
    trusted: Sequence[str] | None = None,
    trust_file: bool = False,
    max_unpacked: int | None = None,
    progress: Callable[[int], None] | None = None,
) -> tuple[Any, Report]:
    """Open an artifact that a lock speaks of, and compare the object in it with the lock.

    ``key`` is what the lock calls the file, by :func:`~sklearn_normlock.locks.naming.key_of`; None if it is called
    otherwise there.

    Returns
    -------
    est : estimator
    report : Report
        Not raised for: whoever calls this decides.

    Raises
    ------
    ArtifactDigestError, LockMismatchError, ArtifactReadError
        If the file was not opened.
    """
    with reading(path) as file:
        sha256, _ = file_digest(file, progress)
        part, notes = part_for(path, sha256, lock, key)
        require_pinned(path, pins, lock, part)
        known = any(each.sha256 == sha256 for each in part.files.values())
        named = named_format(path)[0]
        if not known and named != SKOPS and not is_safe(file):  # a pickle in a .skops file is refused by the reader
            if not trust_file:
                raise _unknown_bytes(path, sha256, part, notes)
            notes.append("the file has other bytes than the locked one; it was trusted, and judged by its state")
        elif not known and part.files:
            notes.append("re-saved: other bytes than the locked file has, judged by the state")
        with warnings.catch_warnings():
            # The probes decide whether the versions matter.
            from sklearn.exceptions import InconsistentVersionWarning

            warnings.simplefilter("ignore", InconsistentVersionWarning)
            # As with a pickle, the lock speaks for the bytes that were reviewed with it, and for no others.
            named_types = part.trusted if known or trust_file else ()
            moved = changed_versions(part.environment).items() if known else ()
            versions = ", ".join(f"{name} {then} → {now}" for name, (then, now) in moved)
            est = read(file, path, (*(trusted or ()), *named_types), max_unpacked, versions)
    require_one(est, path)
    report = compare(est, part)
    return est, replace(report, subject=str(path), notes=(*report.notes, *notes))


def require_pinned(path: Path, pins: frozenset[str], lock: Lock, part: Lock) -> None:
    """Refuse a lock that is not of a fingerprint that is accepted, if any is said to be."""
    if pins and not pins & {lock.fingerprint, part.fingerprint}:
        raise LockMismatchError(
            f"The lock of {path} is of {part.fingerprint}, not of the expected {', '.join(sorted(pins))}.",
            path=str(path),
            expected=", ".join(sorted(pins)),
            actual=part.fingerprint,
            remedy="Deploy the lock that was approved, or approve this one.",
        )


def part_for(path: Path, sha256: str, lock: Lock, key: str | None) -> tuple[Lock, list[str]]:
    """Return what a lock says of one file: the whole of it, or a member of a bundle.

    A member goes by the name of its file; by its bytes only where the lock knows no such name.
    """
    if not lock.bundle:
        return lock, []
    by_bytes = next((name for name, each in lock.files.items() if each.sha256 == sha256), None)
    name = by_bytes if key is None else key
    member = lock.files[name].member if name is not None else path.stem
    part = lock.part(member) if member is not None else None
    if part is None:
        raise MissingLockError(
            f"The lock says nothing of {path}: it is of {', '.join(lock.files) or ', '.join(lock.members)}.",
            path=str(path),
            remedy="Name the lock that belongs to this file, or lock the bundle anew with it.",
        )
    notes = [f"member {member!r} of a bundle"]
    if by_bytes is not None and by_bytes != name:
        notes.append(f"these are the bytes of {by_bytes}, which is another member")
    return part, notes


def _unknown_bytes(path: Path, sha256: str, lock: Lock, notes: Sequence[str]) -> ArtifactDigestError:
    known = ", ".join(f"{name} {each.sha256[:12]}…" for name, each in lock.files.items())
    others = f"those that were locked ({known})" if known else "in the lock, which has no digest of a file"
    remedy = "Deploy the file that was locked"
    if not known:
        remedy = f"Lock the file, not the object alone: `normlock lock {path}`, nl.lock(est, artifact=...)"
    return ArtifactDigestError(
        f"{path} was not opened: reading a {path.suffix} file runs code, and its bytes (SHA-256 {sha256[:12]}…) are "
        f"not {others}" + "".join(f"; {note}" for note in notes if note.startswith("these are")) + ".",
        path=str(path),
        expected=known or None,
        actual=sha256,
        remedy=f"{remedy}; or, if you know where this one comes from, say so with trust_file=True (--trust-file), and "
        "it is judged by its state.",
    )


def _check_seal(est: Any, path: Path, pins: frozenset[str], unsealed: bool) -> None:
    """Check an object that no lock speaks of: by its own seal, and by the fingerprints that are accepted."""
    for member in (est, *Layout(est).members) if is_estimator(est) else ():
        if isinstance(member, Locked):
            refuse_unfinished(member)
    sealed = isinstance(est, Locked) and FINGERPRINT in vars(est)
    if not sealed and not unsealed and not pins:
        inside = Layout(est).members if is_estimator(est) else ()
        members = [each for each in inside if isinstance(each, Locked) and FINGERPRINT in vars(each)]
        if members:
            _tell_of_members(est, path, members)
        else:
            respond(
                MissingFingerprintError(
                    f"{path} holds a {type(est).__name__} without a fingerprint: nothing says that it is what was "
                    "fitted.",
                    path=str(path),
                    remedy="Train it with the classes of sklearn_normlock, pass lock= or expect=, or unsealed=True to "
                    "take it as it is.",
                )
            )
    if pins:
        try:
            found = fingerprint(est)
        except UnfingerprintableError as error:
            raise UnfingerprintableError(f"{path}: {error}", path=error.path) from None
        if found not in pins:
            expected = ", ".join(sorted(pins))
            raise FingerprintMismatchError(
                f"{path} holds {found}, not the expected {expected}.",
                path=str(path),
                expected=expected,
                actual=found,
                remedy="Deploy the file that was approved, or approve this one.",
            )
    elif sealed and policy() == "raise":  # under another policy it was looked at, and told of, on its way in
        _require_intact(est)


def _tell_of_members(est: Any, path: Path, members: Sequence[Any]) -> None:
    """Say that the sealed members of a stock holder were verified, and that nothing binds them to one another."""
    for member in members:
        _require_intact(member)
    kinds = ", ".join(sorted({type(member).__name__ for member in members}))
    warnings.warn(
        f"{path}: the sealed members of this {type(est).__name__} ({kinds}) are what was fitted, and nothing binds "
        "them to one another: a member of another training would pass, and what has no seal was not verified. To bind "
        f"them, import {type(est).__name__} from sklearn_normlock, if it is there, or pass lock= or expect=; "
        "unsealed=True takes it as it is.",
        SealWarning,
        stacklevel=5,
    )


def _require_intact(est: Any) -> None:
    problem = find_problem(est)
    if problem is not None:
        respond(problem)
