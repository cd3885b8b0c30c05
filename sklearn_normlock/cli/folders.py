"""The contents of a folder: locks, artifacts, and what could not be looked at. Nothing is skipped in silence."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ..documents.kinds import holds_artifact, is_artifact
from ..errors import ArtifactReadError, MissingLockError, NormLockError
from .reading import LOCK_SUFFIX


@dataclass
class Survey:
    """The finds in a folder.

    Parameters
    ----------
    locks, artifacts : list of Path
        By their names, sorted.
    problems : list of NormLockError
        What could not be looked at, and what has the name of something else than it is.
    """

    locks: list[Path] = field(default_factory=list)
    artifacts: list[Path] = field(default_factory=list)
    problems: list[NormLockError] = field(default_factory=list)


def survey(root: Path) -> Survey:
    """Walk a folder; links to folders inside it are looked at where they lead to, others are problems."""
    found = Survey()

    def unreadable(error: OSError) -> None:
        found.problems.append(
            ArtifactReadError(
                f"{error.filename} can't be read ({error.strerror}): nothing in it was verified.",
                path=str(error.filename),
                remedy="Let this user read it, or verify another folder.",
            )
        )

    inside = os.path.realpath(root)
    for place, folders, files in os.walk(root, onerror=unreadable):
        folders.sort()
        for name in folders:
            path = Path(place, name)
            if path.is_symlink() and not _within(os.path.realpath(path), inside):
                found.problems.append(
                    ArtifactReadError(
                        f"{path} is a link to another folder and was not followed: nothing in it was verified.",
                        path=str(path),
                        remedy=f"Name it as well: `normlock verify {root} {path}`.",
                    )
                )
            elif name.lower().endswith(LOCK_SUFFIX) or (is_artifact(path) and not _has_files(path)):
                found.problems.append(
                    ArtifactReadError(
                        f"{path} is a folder with the name of a file.",
                        path=str(path),
                        remedy="Rename it, or put the file in its place.",
                    )
                )
        for name in sorted(files):
            path = Path(place, name)
            if name.endswith(LOCK_SUFFIX):
                found.locks.append(path)
            elif name.lower().endswith(LOCK_SUFFIX):
                found.problems.append(
                    MissingLockError(
                        f"{path} has the suffix of a lock in capitals: nothing looks for a lock under this name.",
                        path=str(path),
                        remedy=f"Rename it to end in {LOCK_SUFFIX}.",
                    )
                )
            elif is_artifact(path):
                found.artifacts.append(path)
            elif path.is_file():  # not a pipe or a device, which would wait for ever
                try:
                    with path.open("rb") as file:
                        if holds_artifact(file):
                            found.artifacts.append(path)
                except OSError as error:
                    unreadable(error)
    return found


def _within(path: str, folder: str) -> bool:
    return path == folder or path.startswith(os.path.join(folder, ""))


def _has_files(path: Path) -> bool:
    """Tell whether a folder holds anything, which is then looked at; it may be called as it likes."""
    try:
        return any(path.iterdir())
    except OSError:
        return True  # said by the walk


def unlocked(artifacts: list[Path], covered: set[str]) -> Iterator[MissingLockError]:
    """Yield an error for each artifact that no lock spoke of."""
    for path in artifacts:
        if os.path.realpath(path) not in covered:
            beside = path.with_name(path.name + LOCK_SUFFIX)
            why = f": {beside.name} does not name it" if beside.exists() else ""
            yield MissingLockError(
                f"{path} has no lock, and nothing says that it is what was approved{why}.",
                path=str(path),
                remedy=f"Lock it if it is, `normlock lock {path}`; --allow-unlocked passes over artifacts without one.",
            )
