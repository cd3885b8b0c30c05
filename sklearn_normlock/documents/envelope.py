"""The envelope of a document: which format it has, in which version, and whether it is what was written.

A lock, a trace and a profile are JSON objects that carry a version, and the first two the digest of all the rest. A
version is raised when a reader of the old one would misunderstand the new one; a revision, when it would only miss
something.
"""

from __future__ import annotations

import hashlib
import json
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..errors import LockFormatError, LockVersionError
from .entries import Origin
from .fields import Fields

#: How a zip archive (.skops), a pickle and its compressed forms begin: gzip, bz2, xz, zlib.
_OF_ARTIFACTS = (b"PK\x03\x04", b"\x80", b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"x\x01", b"x\x5e", b"x\x9c", b"x\xda")


@dataclass(frozen=True)
class Envelope:
    """The part that every document of one format carries.

    Parameters
    ----------
    origin : Origin
        The kind of document. Its noun names the field of the version: ``"lock"`` has ``lock_version``.
    version : int
        The version that is written, and the only one that is read.
    anew : str
        What to do with a document of another version, beside an upgrade: ``"lock the object anew"``.
    revision : int, default=None
        The latest revision that is known; None if the format has none.
    digest : bool, default=True
        Whether the document carries the SHA-256 of the rest.

    Examples
    --------
    >>> from sklearn_normlock.documents.entries import Origin
    >>> from sklearn_normlock.documents.envelope import Envelope
    >>> envelope = Envelope(Origin("note", "Write it again."), 1, "write it anew")
    >>> document = envelope.closed({"text": "hello"})
    >>> envelope.opened(document).text("text")
    'hello'
    >>> envelope.opened({**document, "text": "hallo"})
    Traceback (most recent call last):
        ...
    sklearn_normlock.errors.LockFormatError: The note is not what was written: its digest is ...
    """

    origin: Origin
    version: int
    anew: str
    revision: int | None = None
    digest: bool = True

    def closed(self, content: Mapping[str, Any]) -> dict[str, Any]:
        """Return a document with this content, its version and its digest."""
        noun = self.origin.noun
        revision = {} if self.revision is None else {f"{noun}_revision": self.revision}
        document = {f"{noun}_version": self.version, **revision, **content}
        return {**document, "digest": document_digest(document)} if self.digest else document

    def opened(self, document: Any) -> Fields:
        """Return the fields of a document of a known version that is what was written.

        Raises
        ------
        LockFormatError
            If it is no such document, or not what was written.
        LockVersionError
            If it is of another version.

        Warns
        -----
        UserWarning
            If it is of a later revision.
        """
        noun = self.origin.noun
        fields = Fields(document, origin=self.origin)
        version = fields.count(f"{noun}_version")
        if version != self.version:
            raise LockVersionError(
                f"The {noun} has {noun}_version {version}; this is a reader of version {self.version}.",
                path=f"{noun}_version",
                expected=self.version,
                actual=version,
                remedy=f"Install a version of sklearn-normlock that knows it, or {self.anew}.",
            )
        if self.digest:
            expected = fields.digest("digest")
            actual = document_digest({key: value for key, value in document.items() if key != "digest"})
            if expected != actual:
                raise LockFormatError(
                    f"The {noun} is not what was written: its digest is {expected[:12]}…, its content has "
                    f"{actual[:12]}….",
                    path="digest",
                    expected=expected,
                    actual=actual,
                    remedy="It is damaged or was edited by hand: take it from version control again, or "
                    f"{self.anew} and review the difference.",
                )
        revision = 0 if self.revision is None else fields.count(f"{noun}_revision")
        if self.revision is not None and revision > self.revision:
            warnings.warn(
                f"The {noun} has revision {revision} of its format, this reader knows up to {self.revision}: what is "
                "new in it is not looked at. Upgrade sklearn-normlock.",
                UserWarning,
                stacklevel=3,
            )
            fields.later = True
        return fields


def document_digest(document: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a document's compact JSON with sorted keys, in hexadecimal."""
    try:
        text = json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise LockFormatError(
            f"It holds something that is not plain JSON ({error}).",
            remedy="It is damaged or something else: take it from version control again.",
        ) from None
    return hashlib.sha256(text.encode("ascii")).hexdigest()


def parsed(data: bytes) -> Mapping[str, Any]:
    """Return the JSON document that bytes are; one that a reader could understand in two ways is refused."""

    def unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        result = dict(pairs)
        if len(result) != len(pairs):
            raise LockFormatError("A name occurs twice in it.", remedy="Take the file from version control again.")
        return result

    def constant(name: str) -> Any:
        raise LockFormatError(
            f"It holds {name}, which is not JSON.", remedy="Take the file from version control again."
        )

    try:
        return json.loads(data.decode("utf-8-sig"), object_pairs_hook=unique, parse_constant=constant)
    except LockFormatError:
        raise
    except (ValueError, RecursionError) as error:
        if data.startswith(_OF_ARTIFACTS):
            raise LockFormatError(
                "It is an artifact, not a lock.",
                remedy="Name its lock, which ends in .normlock.json; `normlock lock ARTIFACT` makes one.",
            ) from None
        raise LockFormatError(
            f"It can't be read: not JSON ({error}).",
            remedy="It is damaged or something else: take it from version control again.",
        ) from None
