"""The seal: taken after a fit, checked at every call and on every way back from bytes.

The seal that an object carries: ``fingerprint_``; the versions it was fitted under; and a record that lets a mismatch
be located and shown (:mod:`sklearn_normlock.fingerprints.record`). The watch over it is kept beside the object, not in
it: it belongs to the process.
"""

from __future__ import annotations

import inspect
import logging
import warnings
import weakref
from collections.abc import Sequence
from itertools import chain
from threading import get_ident
from typing import Any

import numpy as np

from ..config import policy
from ..errors import (
    EnvironmentMismatchWarning,
    FingerprintMismatchError,
    MissingFingerprintError,
    NormLockError,
    SealWarning,
    UnfingerprintableError,
)
from ..events import emit, error_fields
from ..fingerprints import PREFIX, Record, object_digest
from ..fingerprints.state import is_estimator
from ..records.diff import compare_records
from ..records.environment import environment, libraries_of
from .checksum import Checksum
from .freeze import own, release, renew
from .layout import Layout
from .messages import mismatch, short
from .opened import CopyOpening, Opening
from .watch import CARRIED, ENVIRONMENT, FINGERPRINT, RECORD, UNNAMED, Watch

_LONGEST = 240  # characters of what came with an object that a message shows


# By id: an entry goes when its object goes, and an object needs no attribute that would have to be kept out of every
# copy of it.
_watches: dict[int, Watch | Opening] = {}
_references: dict[int, _Reference] = {}


def watch_over(obj: Any) -> Watch | Opening | None:
    """Return the watch over an object, or None if it was not sealed or checked in this process."""
    watch = _watches.get(id(obj))
    if isinstance(watch, Opening) and watch.over():
        abandon(obj, watch)
        return _watches.get(id(obj))
    return watch


def _keep(obj: Any, watch: Watch | Opening) -> None:
    key = id(obj)
    if key not in _references:
        _references[key] = _Reference(obj, _forget)
        _references[key].key = key
    _watches[key] = watch


class _Reference(weakref.ref):
    __slots__ = ("key",)
    key: int


# Bound here: when the interpreter shuts down, the module's own names go before some objects do.
def _forget(reference: Any, watches: Any = _watches, references: Any = _references) -> None:
    watches.pop(reference.key, None)
    references.pop(reference.key, None)


# -- taking a seal ---------------------------------------------------------------------------------------------------


def seal(obj: Any, foreign: Sequence[np.ndarray] = ()) -> None:
    """Take an object's state as what belongs to it.

    Parameters
    ----------
    obj : Locked
        Fitted.
    foreign : sequence of ndarray
        What was passed to fit and returned by it; see :func:`~sklearn_normlock.seals.freeze.own`.
    """
    attributes = vars(obj)
    opening = _watches.get(id(obj))
    for name in CARRIED:
        attributes.pop(name, None)
    own(type(obj), attributes, foreign)
    if isinstance(opening, Opening) and opening.before is not None:
        _part_from(obj, opening.before.arrays)
    record = Record()
    try:
        digest = object_digest(obj, record, _vouched)
    except UnfingerprintableError as error:
        # Nothing can vouch for it elsewhere; in this process it is watched all the same.
        attributes[UNNAMED] = str(error)
        watch = Watch(obj, foreign, Record())
    else:
        attributes[FINGERPRINT] = PREFIX + digest.hex()
        attributes[ENVIRONMENT] = environment(libraries_of(type(obj)))
        watch = Watch(obj, foreign, record)
    _keep(obj, watch)
    if isinstance(opening, Opening):
        for reference in opening.copies:
            taken = reference()
            if taken is not None and isinstance(_watches.get(id(taken)), CopyOpening):
                if fitted_attribute(taken) is None:
                    del _watches[id(taken)]
                else:
                    seal(taken, foreign)


def _part_from(obj: Any, released: Sequence[np.ndarray]) -> None:
    """Leave arrays that were made writable to whoever else may hold them, and work with copies from here on.

    A copy of the object may share them. It sees that they are writable, and is hashed.
    """
    layout = Layout(obj) if released else None
    if layout is None:
        return
    shared = frozenset(map(id, released)).intersection(map(id, layout.frozen))
    if shared:
        parts = frozenset(map(id, chain((obj,), layout.parts)))
        renew(obj, shared, parts, {})


def _standing(obj: Any) -> Watch | None:
    """Return the watch over a sealed object that nothing has touched, or None."""
    watch = _watches.get(id(obj))
    if isinstance(watch, Watch) and FINGERPRINT in vars(obj):
        if watch.intact(obj) or watch.accept_irrelevant_changes(obj):
            return watch
    return None


def _vouched(obj: Any) -> tuple[bytes, Record] | None:
    """Give digest and record of a sealed object that nothing has touched: its container needn't hash it again."""
    watch = _standing(obj)
    return None if watch is None else (bytes.fromhex(vars(obj)[FINGERPRINT][len(PREFIX) :]), watch.record)


def open_with(obj: Any, opening: Opening) -> None:
    """Let an object change."""
    if opening.before is not None:
        release(opening.before.arrays)
    _keep(obj, opening)


def abandon(obj: Any, opening: Opening) -> None:
    """Close an object without a new seal: the old one stays, and what was changed meanwhile is a mismatch."""
    if opening.before is None:
        _watches.pop(id(obj), None)
    else:
        # If it has changed, its arrays stay writable: a copy that shares them sees that, and is hashed, too.
        before = opening.before
        before.invalidate()
        _keep(obj, before)
        if FINGERPRINT in vars(obj) and find_problem(obj) is None:
            _keep(obj, Watch(obj, before.spared, before.record, from_bytes=before.from_bytes))


def open_copy(copied: Any, origin: Opening) -> None:
    """Let a copy or a slice change for as long as the object is open that it was taken from."""
    for name in CARRIED:
        vars(copied).pop(name, None)
    origin.copies.append(weakref.ref(copied))
    _keep(copied, CopyOpening(origin))


def watch_on(obj: Any) -> None:
    """Watch a copy, or what came back from bytes, that nothing but its watch vouches for."""
    _keep(obj, Watch(obj, (), Record(), from_bytes=True))


# -- checking one ----------------------------------------------------------------------------------------------------


def check(obj: Any) -> bool:
    """Check an object before it is used: nothing is hashed while nothing that counts has moved.

    Returns
    -------
    sealed : bool
        False if there is nothing to check: it was not fitted, or is being fitted.
    """
    watch = watch_over(obj)
    if isinstance(watch, Opening):
        if not watch.admits():
            respond(_busy(obj), obj)
        return False
    if watch is None or not watch.intact(obj):
        examine(obj)
        watch = _watches.get(id(obj))
    return isinstance(watch, Watch)


def _busy(obj: Any) -> NormLockError:
    return FingerprintMismatchError(
        f"This {type(obj).__name__} is being fitted or thawed by another thread: it is not what was fitted until that "
        "is done.",
        expected=vars(obj).get(FINGERPRINT),
        remedy="Wait for it, or work on a copy that was taken before.",
    )


def after_use(obj: Any, watch: Watch) -> None:
    """Look at an object after an own call, where that may have changed it, or another thread has.

    A private attribute that code neither scikit-learn's nor ours has changed (a cache, a counter) is use. It is watched
    from here on as it is now. A fitted attribute that has changed is found at the next call.
    """
    now = watch_over(obj)
    if now is not watch:
        sealed_elsewhere = isinstance(now, Watch) and now.record is not watch.record and now.thread != get_ident()
        if sealed_elsewhere or (isinstance(now, Opening) and not now.admits()):
            respond(_busy(obj), obj)
    elif watch.active and not watch.intact(obj) and watch.only_use_shows(obj):
        _keep(obj, Watch(obj, watch.spared, watch.record, from_bytes=watch.from_bytes))


def examine(obj: Any) -> None:
    """Check an object whose watch has seen something move, or that has none, and act as the policy says.

    Raises
    ------
    FingerprintMismatchError, PipelineMismatchError
        If its state is not what was fitted.
    MissingFingerprintError
        If it has fitted state and no fingerprint.
    """
    if policy() == "ignore":
        return
    watch = _watches.get(id(obj))
    if isinstance(watch, Watch) and watch.accept_irrelevant_changes(obj):
        return
    problem = find_problem(obj)
    if problem is not None:
        respond(problem, obj)
    elif FINGERPRINT in vars(obj):
        # The move changed nothing that counts: watch on from here.
        if isinstance(watch, Watch):
            _keep(obj, Watch(obj, watch.spared, watch.record, from_bytes=watch.from_bytes))
        else:
            _keep(obj, Watch(obj, (), carried_record(obj), from_bytes=True))


def find_problem(obj: Any) -> NormLockError | None:
    """Return what is wrong with an object, hashing all of it, or None."""
    fingerprint = _carried_text(obj, FINGERPRINT)
    if fingerprint is None:
        return _without_fingerprint(obj)
    record = Record()
    try:
        actual = PREFIX + object_digest(obj, record).hex()
    except Exception as error:  # what came back from bytes, or was put there, may be anything, and raise anything
        unnamed = isinstance(error, UnfingerprintableError)
        what = "without a stable name" if unnamed else f"that can't be read ({type(error).__name__})"
        return FingerprintMismatchError(
            f"{type(obj).__name__} was fitted as {short(fingerprint)}, and now holds something {what}: {error}",
            path=error.path if isinstance(error, UnfingerprintableError) else "",
            expected=_brief(fingerprint),
            remedy="Put back what it was fitted with, or fit it again.",
        )
    if actual == fingerprint:
        return None
    watch = _watches.get(id(obj))
    fitted = (watch.record if isinstance(watch, Watch) else carried_record(obj)).entries
    changes = compare_records(fitted, record.entries)
    return mismatch(obj, _brief(fingerprint), actual, fitted, record.entries, changes)


def respond(problem: NormLockError, obj: Any = None) -> None:
    """Report a problem as an event, and raise it or warn of it, as the policy says.

    Parameters
    ----------
    problem : NormLockError
        Nothing is done about it under the policy "ignore".
    obj : Locked, default=None
        The object that has it.
    """
    response = policy()
    if response == "ignore":
        return
    # A raised error is its own message: whoever catches it logs it.
    level = logging.INFO if response == "raise" else logging.WARNING
    subject = None if obj is None else type(obj).__name__
    emit("mismatch", str(problem), verdict="mismatch", level=level, subject=subject, **error_fields(problem))
    if response == "raise":
        raise problem
    warnings.warn(str(problem), SealWarning, stacklevel=_callers_level())


def _callers_level() -> int:
    """Return the stacklevel at which a warning points to the code that called this package."""
    level, frame = 1, inspect.currentframe()
    while frame is not None and frame.f_globals.get("__name__", "").startswith("sklearn_normlock."):
        level, frame = level + 1, frame.f_back
    return level - 1


def carried_record(obj: Any) -> Record:
    """Return the record that came with an object."""
    return Record(_carried_text(obj, RECORD) or "")


def _carried_text(obj: Any, name: str) -> str | None:
    """Return what came with an object under a name; None for anything but text, which the way here has damaged."""
    value = vars(obj).get(name)
    return value if type(value) is str else None


def _brief(text: str) -> str:
    text = text if text.isprintable() else ascii(text)[1:-1]  # damage may put anything there
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"


def carry(obj: Any, state: Any) -> Any:
    """Return the state that an object is about to leave the process with, with what its seal carries.

    An object that is being fitted or is thawed has no seal of its present state: it is sealed on its way out.
    """
    if not isinstance(state, dict):
        return state
    watch = watch_over(obj)
    if isinstance(watch, Opening):  # whatever the thread: loky pickles in one of its own
        return {**{name: value for name, value in state.items() if name not in CARRIED}, **_present_seal(obj)}
    if isinstance(watch, Watch) and FINGERPRINT in state:
        return {**state, RECORD: watch.record.text}
    return state


def _present_seal(obj: Any) -> dict[str, str]:
    """Return what a seal taken now would carry; nothing if the object is not fitted yet."""
    if fitted_attribute(obj) is None:
        return {}
    record = Record()
    try:
        digest = object_digest(obj, record, _vouched)
    except UnfingerprintableError as error:
        return {UNNAMED: str(error)}
    return {FINGERPRINT: PREFIX + digest.hex(), ENVIRONMENT: environment(libraries_of(type(obj))), RECORD: record.text}


def verify_loaded(obj: Any) -> None:
    """Check an object that came back from bytes, and watch it from here on.

    Raises
    ------
    FingerprintMismatchError, PipelineMismatchError, MissingFingerprintError
        As :func:`examine`.

    Warns
    -----
    EnvironmentMismatchWarning
        If it was fitted under other versions.
    """
    if policy() == "ignore":
        return
    fingerprint = _carried_text(obj, FINGERPRINT)
    if fingerprint is None and vars(obj).get(FINGERPRINT) is None and UNNAMED in vars(obj):
        why = _carried_text(obj, UNNAMED)
        because = "for a reason that was lost." if why is None else f"because {_brief(why)}"
        warnings.warn(
            f"This {type(obj).__name__} came back from bytes without a fingerprint: none could be made when it was "
            f"fitted, {because} Nothing vouches for it.",
            SealWarning,
            stacklevel=_callers_level(),
        )
        watch_on(obj)
        return
    if fingerprint is not None:
        layout = Checksum(obj, _standing)
        intact = layout.verified
        if not intact:
            try:
                intact = PREFIX + object_digest(obj, vouched=_vouched).hex() == fingerprint
            except Exception:  # as in find_problem, which says what it is
                intact = False
            if intact:
                layout.remember()
        if intact:
            known = None if layout.text is None else layout
            _keep(obj, Watch(obj, (), carried_record(obj), from_bytes=True, layout=known))
            _compare_environment(obj)
            return
    problem = find_problem(obj)
    if problem is not None:
        respond(problem, obj)


def _compare_environment(obj: Any) -> None:
    fitted, here = _carried_text(obj, ENVIRONMENT) or "unknown versions", environment(libraries_of(type(obj)))
    if fitted != here:
        warnings.warn(
            EnvironmentMismatchWarning(estimator_name=type(obj).__name__, fitted=_brief(fitted), here=here),
            stacklevel=_callers_level(),
        )


def _without_fingerprint(obj: Any) -> NormLockError | None:
    name = type(obj).__name__
    attributes = vars(obj)
    watch = _watches.get(id(obj))
    if UNNAMED in attributes and isinstance(watch, Watch):
        if watch.intact(obj) or watch.accept_irrelevant_changes(obj):
            return None
        return FingerprintMismatchError(
            f"This {name} has changed since it was fitted. What changed can't be shown: no fingerprint could be made "
            f"of it when it was fitted, because {attributes[UNNAMED]}",
            remedy="Fit it again, or make the change inside `with sklearn_normlock.thaw(...)`.",
        )
    if attributes.get(FINGERPRINT) is not None:
        return MissingFingerprintError(
            f"This {name} carries a value of type {type(attributes[FINGERPRINT]).__name__} in place of its "
            "fingerprint: nothing says that it is what was fitted.",
            path=FINGERPRINT,
            remedy="Load the file again from where it was saved, or fit again.",
        )
    found = fitted_attribute(obj)
    if found is None:
        return None
    return MissingFingerprintError(
        f"This {name} has fitted state ({found}) but no fingerprint: nothing says that it is what was fitted.",
        path=found,
        remedy="Fit it as a whole; or, if you vouch for it as it is, seal it with "
        "`with sklearn_normlock.thaw(obj): pass`.",
    )


_PRIVATE_STATE = frozenset({"_idf_diag"})  # of TfidfTransformer up to scikit-learn 1.4, which has no public one


def fitted_attribute(obj: Any) -> str | None:
    """Return the path of a fitted attribute of an object, or of a member of it; None if it is not fitted."""
    attributes = vars(obj)
    for name in attributes:
        if (name.endswith("_") and not name.startswith("_") and name != FINGERPRINT) or name in _PRIVATE_STATE:
            return name
    # Steps are fitted in place; any other parameter is the user's, and may be fitted already.
    for container in ("steps", "transformer_list"):
        items = attributes.get(container)
        for item in items if isinstance(items, (list, tuple)) else ():
            member = item[1] if isinstance(item, tuple) and len(item) > 1 else None
            if is_estimator(member) and not isinstance(member, type):
                inner = fitted_attribute(member)
                if inner is not None:
                    return f"{item[0]}.{inner}"
    return None
