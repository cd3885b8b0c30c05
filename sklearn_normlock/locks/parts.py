"""The parts of a lock beside its probes: artifacts, the input contract, and under what its object was fitted."""

from __future__ import annotations

import os
from collections.abc import Mapping
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
    """The input that an object expects.

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


@dataclass(frozen=True, kw_only=True)
class Unjudged:
    """Something that a comparison did not judge.

    Parameters
    ----------
    path : str
        Where; empty for the whole object.
    why : str
        Why it was not judged.
    remedy : str
        What would let it be judged.
    """

    path: str
    why: str
    remedy: str

    @property
    def text(self) -> str:
        """All three in one line."""
        return f"{self.path or 'the object'}: {self.why}. {self.remedy}"


EVIDENCE = ("file", "seal", "memory", "absent")
APPROVALS = ("outputs", "recorded")


@dataclass(frozen=True, kw_only=True)
class Fitted:
    """Under which scikit-learn an object was fitted, and why its outputs under another are the approved ones.

    Parameters
    ----------
    versions : tuple of str, default=()
        Of scikit-learn; several if the object was put together from members of several versions.
    evidence : {"file", "seal", "memory", "absent"}
        Where that is known from: the file that holds it, the drop-ins in it; or it isn't known, because it was locked
        in memory, or because scikit-learn's estimators in the file carry no version.
    approved : {"outputs", "recorded"}, default=None
        Where it was locked under another version: whether a person said that the outputs of that day are the approved
        ones, or outputs that were recorded in the old environment agreed with them.
    recorded : mapping of str to str, default=None
        The versions under which outputs were recorded that agreed.
    """

    versions: tuple[str, ...] = ()
    evidence: str = "memory"
    approved: str | None = None
    recorded: Mapping[str, str] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        recorded = None if self.recorded is None else dict(self.recorded)
        return {
            "versions": list(self.versions),
            "evidence": self.evidence,
            **without_none(approved=self.approved, recorded=recorded),
        }

    @classmethod
    def from_fields(cls, fields: Fields) -> Fitted:
        """Read it."""
        fitted = cls(
            versions=fields.texts("versions"),
            evidence=fields.one_of("evidence", EVIDENCE),
            approved=fields.one_of("approved", APPROVALS) if "approved" in fields else None,
            recorded=fields.names("recorded") if "recorded" in fields else None,
        )
        fields.nothing_else()
        return fitted

    def under(self, version: str) -> bool:
        """Tell whether it was fitted under this version, as far as is known."""
        return self.evidence != "absent" and set(self.versions) <= {version}

    @property
    def text(self) -> str:
        """Say it in a few words."""
        if self.evidence == "memory":
            return "not known: it was locked in memory"
        if self.evidence == "absent":
            return "not known: the file carries no version of scikit-learn"
        return f"scikit-learn {' and '.join(self.versions)}"
