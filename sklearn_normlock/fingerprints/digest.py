"""The digest of a whole object, and what is said when there is none."""

from __future__ import annotations

from typing import Any

from ..errors import NormLockError, UnfingerprintableError
from .canonical import Renamed, Vouched, Walker
from .record import Record
from .state import fingerprint_state

PREFIX = "nl1-sha256:"  # clause 1.2


def object_digest(
    obj: Any, record: Record | None = None, vouched: Vouched | None = None, renamed: Renamed | None = None
) -> bytes:
    """Return the 32-byte digest of an object, and fill a record of its state.

    Parameters
    ----------
    obj : object
        A fitted estimator; a mapping of names to such objects counts as one object with these members.
    record : Record, default=None
        Filled with what stands at each path.
    vouched, renamed : callable, default=None
        As in :class:`Walker`.

    Raises
    ------
    UnfingerprintableError
        If part of the state has no stable name; ``path`` says which.
    """
    walker = Walker(record, vouched, renamed)
    try:
        if type(obj) is dict:
            return walker.node("mapping", obj, obj)
        name, state = fingerprint_state(obj)
        return walker.node(name, state, obj)
    except RecursionError:
        raise _unfingerprintable(obj, walker, "it is nested too deeply.") from None
    except UnfingerprintableError as error:
        raise _unfingerprintable(obj, walker, error.args[0], error.remedy) from None
    except NormLockError:
        raise
    except Exception as error:
        # Whatever a foreign ``__reduce__`` or property raises, the caller gets one of ours.
        text = f"its state can't be read ({type(error).__name__}: {error})."
        raise _unfingerprintable(obj, walker, text) from None


def _unfingerprintable(obj: Any, walker: Walker, text: str, remedy: str | None = None) -> UnfingerprintableError:
    path = walker.path()
    where = f"{type(obj).__name__}.{path}" if path else type(obj).__name__
    if len(where) > 200:
        where = where[:197] + "..."
    error = UnfingerprintableError(f"{where} can't be fingerprinted: {text}", path=path)
    error.remedy = remedy  # at the end of the text already
    return error
