"""The lock: what was approved, as a document. Reading, comparing or printing one needs neither scikit-learn nor NumPy.

The format is described by ``docs/lock.schema.json``. The version has two numbers: :data:`LOCK_VERSION` is raised when a
reader of the old one would misunderstand the new one, and :data:`LOCK_REVISION` when it would only miss something. To
change the format:

1. change the dataclasses here, raise one of the two numbers, and put the change into ``docs/lock.schema.json``;
2. keep reading what the released versions wrote: convert it in :meth:`Lock.from_dict`, by its version;
3. add a lock that the new version wrote to ``tests/archive``; those that lie there are never touched.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ..documents.envelope import Envelope, parsed
from ..documents.fields import LOCK, Fields
from ..documents.files import read_bytes, replacing
from ..documents.rendering import html_table, rendered, without_none
from ..errors import ArtifactReadError, LockFormatError, MissingLockError
from ..probes.parts import Probe
from .naming import KEY, is_key
from .parts import Contract, FileDigest, Fitted

LOCK_VERSION = 1
LOCK_REVISION = 0
SUFFIX = ".normlock.json"
_PREFIX = "nl1-sha256:"
_ENVELOPE = Envelope(LOCK, LOCK_VERSION, "lock the object anew", revision=LOCK_REVISION)


@dataclass(frozen=True, kw_only=True)
class Lock:
    """The approved state of a fitted object, and all that is needed to tell whether another is the same.

    Made by :func:`sklearn_normlock.lock`; kept beside the artifact, in version control.

    Parameters
    ----------
    fingerprint : str
        Of the object, or of the bundle.
    state : mapping of path to entry
        What stands at each path: :mod:`sklearn_normlock.fingerprints.record`, with small arrays in plain numbers.
    environment : mapping of str to str
        The versions it was locked under, those of other packages whose classes are in it included.
    members : tuple of str
        The names in a bundle; empty if it locks a single object.
    inputs : mapping of path to Contract
        What the object, or each member of a bundle, wants to be given.
    files : mapping of str to FileDigest
        The artifacts, each by its path from the lock's folder, as :mod:`sklearn_normlock.locks.naming` has it.
    probes : tuple of Probe
        Rows and what the object made of them.
    fitted : mapping of path to Fitted
        Under which scikit-learn the object, or each member of a bundle, was fitted.
    code : mapping of path to tuple of str
        Of each step, the functions and classes in it that no version vouches for.
    beside : mapping of path to str
        Of each file whose state is that of its tensors, what else it holds that outputs depend on: judged by the bytes
        of the file alone.
    accepted : mapping of path to str
        The steps that no probe runs and that a reviewer accepted, with the reason.
    trusted : tuple of str
        Types of the user's that a ``.skops`` artifact may hold, if its bytes are the locked ones.
    profile : mapping, default=None
        Of the data it was fitted on, if rows were given (:class:`sklearn_normlock.Profile`).
    coverage : mapping, default=None
        Which faults in the data could not be seen.

    Examples
    --------
    >>> import sklearn_normlock as nl
    >>> from sklearn.preprocessing import MinMaxScaler
    >>> lock = nl.lock(MinMaxScaler().fit([[0.0], [2.0]]))
    >>> nl.Lock.from_dict(lock.to_dict()) == lock
    True
    >>> lock.state["data_max_"]
    {'dtype': '<f8', 'shape': [1], 'values': [2.0]}
    """

    fingerprint: str
    state: Mapping[str, Any]
    environment: Mapping[str, str]
    members: tuple[str, ...] = ()
    inputs: Mapping[str, Contract] = field(default_factory=dict)
    files: Mapping[str, FileDigest] = field(default_factory=dict)
    probes: tuple[Probe, ...] = ()
    fitted: Mapping[str, Fitted] = field(default_factory=dict)
    code: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    beside: Mapping[str, str] = field(default_factory=dict)
    accepted: Mapping[str, str] = field(default_factory=dict)
    trusted: tuple[str, ...] = ()
    profile: Mapping[str, Any] | None = None
    coverage: Mapping[str, Any] | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return the lock as plain JSON values.

        Returns
        -------
        document : dict
            With ``"digest"``, the SHA-256 of all the rest, by which :meth:`from_dict` tells a damaged lock.
        """
        content = {
            "fingerprint": self.fingerprint,
            "members": list(self.members),
            "environment": dict(self.environment),
            "inputs": {path: contract.to_dict() for path, contract in self.inputs.items()},
            "files": {name: file.to_dict() for name, file in self.files.items()},
            "state": dict(self.state),
            "probes": [probe.to_dict() for probe in self.probes],
            "fitted": {path: each.to_dict() for path, each in self.fitted.items()},
            "code": {path: list(names) for path, names in self.code.items()},
            "accepted": dict(self.accepted),
            **without_none(beside=dict(self.beside) or None, trusted=list(self.trusted) or None),
            **without_none(profile=self.profile, coverage=self.coverage),
        }
        return _ENVELOPE.closed(content)

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> Lock:
        """Read a lock.

        Parameters
        ----------
        document : mapping
            As :meth:`to_dict` gives it.

        Returns
        -------
        lock : Lock

        Raises
        ------
        LockFormatError
            If it is not a lock, or not whole: the error names the place.
        LockVersionError
            If it is of a version that isn't known here.

        Warns
        -----
        UserWarning
            If it is of a later revision of this version: what is new in it is not read.
        """
        fields = _ENVELOPE.opened(document)
        members = fields.texts("members")
        lock = cls(
            fingerprint=fields.fingerprint("fingerprint"),
            state=fields.record("state"),
            environment=fields.names("environment"),
            members=members,
            inputs={path: Contract.from_fields(each) for path, each in fields.items("inputs")},
            files=dict(_files(fields, members)),
            probes=tuple(Probe.from_fields(each) for each in fields.each("probes")),
            fitted={path: Fitted.from_fields(each) for path, each in fields.items("fitted")},
            code=fields.texts_by_name("code"),
            beside=fields.names("beside") if "beside" in fields else {},
            accepted=fields.names("accepted"),
            trusted=fields.texts("trusted") if "trusted" in fields else (),
            profile=fields.mapping_or_none("profile"),
            coverage=fields.mapping_or_none("coverage"),
        )
        fields.nothing_else()
        root = lock.state.get("")
        if not isinstance(root, Mapping) or _PREFIX + str(root.get("digest")) != lock.fingerprint:
            raise LockFormatError(
                "The lock's fingerprint is not that of the state it lists.",
                path="fingerprint",
                expected=lock.fingerprint,
                remedy="Lock the object anew.",
            )
        return lock

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the lock; the file is written whole or not at all, and the same lock gives the same bytes.

        Parameters
        ----------
        path : path-like
            By custom the artifact's name and ``.normlock.json``.
        """
        with replacing(Path(path)) as file:
            file.write(self.to_bytes())

    def to_bytes(self) -> bytes:
        """Return the bytes that :meth:`save` writes.

        Returns
        -------
        data : bytes
            UTF-8, with sorted keys.
        """
        return rendered(self.to_dict()).encode("utf-8")

    @classmethod
    def load(cls, path: str | os.PathLike[str]) -> Lock:
        """Read a lock from a file.

        Parameters
        ----------
        path : path-like
            Written by :meth:`save`.

        Raises
        ------
        MissingLockError
            If there is no such file.
        LockFormatError, LockVersionError
            If it can't be read; the error names the file.
        """
        try:
            data = read_bytes(path)
        except FileNotFoundError:
            raise MissingLockError(
                f"There is no lock at {path}.",
                path=str(path),
                remedy="Take it from version control; or make one, of what was approved: `normlock lock ARTIFACT`.",
            ) from None
        except (ArtifactReadError, OSError) as error:
            why = error.strerror if isinstance(error, OSError) else error.args[0].partition(". ")[0]
            raise LockFormatError(
                f"{path} can't be read as a lock ({why}).", path=str(path), remedy="Name a file."
            ) from None
        try:
            return cls.from_dict(parsed(data))
        except LockFormatError as error:
            located = type(error)(f"{path}: {error.args[0]}")
            located.path, located.expected, located.actual = error.path, error.expected, error.actual
            located.remedy = error.remedy
            raise located from None

    @property
    def bundle(self) -> bool:
        """Whether it locks several objects, bound to one another."""
        return bool(self.members)

    def part(self, member: str) -> Lock | None:
        """Return the lock of one member of a bundle, or None if there is none of this name.

        Parameters
        ----------
        member : str
            The name in the bundle.

        Returns
        -------
        lock : Lock or None
            It covers that member alone.
        """
        entry = self.state.get(member)
        if member not in self.members or not isinstance(entry, Mapping) or "class" not in entry:
            return None

        def inside(path: str) -> bool:
            return path == member or path.startswith((member + ".", member + "["))

        def shortened(path: str) -> str:
            return path[len(member) :].lstrip(".")

        return Lock(
            fingerprint=_PREFIX + str(entry["digest"]),
            state={shortened(path): each for path, each in self.state.items() if inside(path)},
            environment=self.environment,
            fitted={"": self.fitted[member]} if member in self.fitted else {},
            code={shortened(path): names for path, names in self.code.items() if inside(path)},
            beside={"": self.beside[member]} if member in self.beside else {},
            accepted={shortened(path): reason for path, reason in self.accepted.items() if inside(path)},
            trusted=self.trusted,
            inputs={"": self.inputs[member]} if member in self.inputs else {},
            files={name: replace(each, member=None) for name, each in self.files.items() if each.member == member},
            probes=tuple(
                replace(
                    probe,
                    path=shortened(probe.path),
                    outputs=tuple(replace(each, path=shortened(each.path)) for each in probe.outputs),
                )
                for probe in self.probes
                if inside(probe.path)
            ),
        )

    def _repr_html_(self) -> str:
        """Show it in a notebook: what was approved, and what was not judged."""
        from .judgement import unjudged

        environment = ", ".join(f"{name} {version}" for name, version in self.environment.items())
        rows: list[tuple[str, str]] = [("fingerprint", self.fingerprint), ("locked under", environment)]
        rows += [(f"file {name}", f"{file.size:,} bytes, SHA-256 {file.sha256}") for name, file in self.files.items()]
        for path, entry in self.state.items():
            if isinstance(entry, Mapping) and "class" in entry:
                rows.append((path or "(whole)", str(entry["class"]).replace(":", ".")))
        rows.append(("probed outputs", str(sum(len(probe.outputs) for probe in self.probes))))
        rows += [("can't tell", each.text) for each in unjudged(self)]
        return html_table("Lock", ("what", "approved"), rows)

    def with_files(self, files: Mapping[str, FileDigest]) -> Lock:
        """Return the lock with these artifacts.

        Parameters
        ----------
        files : mapping of str to FileDigest
            The artifacts, each by its path from the lock's folder.

        Returns
        -------
        lock : Lock
            A copy; the lock itself stays as it is.
        """
        return replace(self, files=dict(files))


def _files(fields: Fields, members: tuple[str, ...]) -> Iterator[tuple[str, FileDigest]]:
    """Yield the artifacts: each has the one name that it can have, and a member of a bundle has one file."""
    holders: dict[str, str] = {}
    for name, each in fields.items("files"):
        if not is_key(name):
            raise LockFormatError(
                f'files["{name}"] should be {KEY}.',
                path=f'files["{name}"]',
                remedy="Lock the artifact anew.",
            )
        file = FileDigest.from_fields(each)
        if members and file.member not in members:
            each.refuse("member", "the name of a member of the bundle")
        if not members and file.member is not None:
            each.refuse("member", "absent: the lock is of a single object")
        if file.member is not None and holders.setdefault(file.member, name) != name:
            each.refuse("member", f"the name of another member than that of {holders[file.member]}")
        yield name, file
