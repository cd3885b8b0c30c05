"""The parts of a lock beside its probes: artifacts and the input contract."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import IO, Any

from ..documents.fields import Fields
from ..documents.files import file_digest, reading
from ..documents.rendering import without_none


@dataclass(frozen=True, kw_only=True)
class FileDigest:
    """The bytes of a file that belongs to a lock.

    Parameters
    ----------
    sha256 : str
        In hexadecimal.
    size : int
        In bytes.
    member : str, default=None
        Which member of a bundle the file holds.
    """

    sha256: str
    size: int
    member: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        return without_none(sha256=self.sha256, size=self.size, member=self.member)

    @classmethod
    def of(cls, path: str | os.PathLike[str]) -> FileDigest:
        """Take it of a file."""
        with reading(path) as file:
            return cls.of_open(file)

    @classmethod
    def of_open(cls, file: IO[bytes]) -> FileDigest:
        """Take it of an open file, which stands at its start afterwards."""
        sha256, size = file_digest(file)
        return cls(sha256=sha256, size=size)

    @classmethod
    def from_fields(cls, fields: Fields) -> FileDigest:
        """Read it."""
        file = cls(sha256=fields.digest("sha256"), size=fields.count("size"), member=fields.text_or_none("member"))
        fields.nothing_else()
        return file


@dataclass(frozen=True, kw_only=True)
class Contract:
    """What an object wants to be given.

    Parameters
    ----------
    width : int, default=None
        How many columns.
    names : tuple of str, default=None
        Their names, in order.
    dtypes : tuple of str, default=None
        Their dtypes, if rows were given when the lock was made.
    """

    width: int | None = None
    names: tuple[str, ...] | None = None
    dtypes: tuple[str, ...] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        return without_none(
            width=self.width,
            names=None if self.names is None else list(self.names),
            dtypes=None if self.dtypes is None else list(self.dtypes),
        )

    @classmethod
    def from_fields(cls, fields: Fields) -> Contract:
        """Read it."""
        contract = cls(
            width=fields.count_or_none("width"),
            names=fields.texts_or_none("names"),
            dtypes=fields.texts_or_none("dtypes"),
        )
        fields.nothing_else()
        return contract
