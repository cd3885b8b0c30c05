"""The target of a lock or a verify: a fitted object, or a bundle of several and of files."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

from ..documents.files import file_digest, reading
from ..documents.rendering import plain
from ..errors import (
    ArtifactReadError,
    InputFaultError,
    InputFaultWarning,
    NormLockError,
    ProbeMismatchError,
    UndecidedError,
    UnfingerprintableError,
)
from ..fingerprints import PREFIX, Record, content_of, object_digest, require_fitted, weights_of
from ..fingerprints.canonical import Renamed
from ..fingerprints.exclusions import PARTIAL_FIT
from ..fingerprints.settings import Settings, is_settings
from ..fingerprints.weights import Weights, is_weights, open_weights
from ..graphs.identity import Graph, read_graph, stands_for_another
from ..probes.outputs import Deviation
from ..probes.parts import Probe
from ..probes.probing import probes_of
from ..probes.walk import leaves
from ..records.diff import decode
from ..records.redaction import is_withheld, without_rows
from ..records.weights import WEIGHTS
from .code import Name, code_in, environment_of, unversioned
from .document import Lock
from .exported import judge_graphs
from .fitted import fitted_under
from .naming import file_key
from .parts import Contract, FileDigest, Unjudged
from .report import Report

_LARGEST = 120_000  # bytes of the state in a lock: nobody reviews a forest tree by tree
_LARGEST_WEIGHTS = 4_000_000  # bytes: a tensor takes about 300, and each is told by itself
_RESERVE = 30_000  # and beyond that for the digests of members, so that a change is located to one
_ARRAY_BYTES = 4_096  # an array up to this size stands there by value


class FileMember:
    """A member of a bundle that is not a scikit-learn object: a file, known by its bytes."""

    __fingerprint_class__ = "sklearn_normlock:File"

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        try:
            with reading(self.path) as file:
                self.sha256, self.size = file_digest(file)
        except (ArtifactReadError, OSError) as error:
            why = error.strerror if isinstance(error, OSError) else error.args[0]
            raise UnfingerprintableError(
                f"{self.path} can't be read ({why}): a member that is a path is bound by its bytes.",
                path=str(self.path),
                remedy="Name a file, or pass the fitted object itself.",
            ) from None

    def __fingerprint_state__(self) -> dict[str, Any]:
        return {"sha256": self.sha256, "size": self.size}


class WeightsMember(FileMember):
    """A member of a bundle that is a checkpoint: known by its tensors, whatever container they lie in.

    The digest of its bytes names the file in a lock. It doesn't spare the tensors a reading: they are always hashed.
    """

    __fingerprint_class__ = WEIGHTS

    def __init__(self, path: str | os.PathLike[str]) -> None:
        super().__init__(path)
        self.weights = open_weights(path)

    def __fingerprint_state__(self) -> dict[str, Any]:
        return self.weights.__fingerprint_state__()


class SettingsMember(FileMember):
    """A member of a bundle that is a file of settings: known by their meaning."""

    __fingerprint_class__ = Settings.__fingerprint_class__

    def __init__(self, path: str | os.PathLike[str]) -> None:
        super().__init__(path)
        self.settings = Settings(path)

    def __fingerprint_state__(self) -> dict[str, Any]:
        return self.settings.__fingerprint_state__()


class GraphMember(FileMember):
    """A member that was exported from another one: known by what it computes (:mod:`sklearn_normlock.graphs`)."""

    __fingerprint_class__ = "sklearn_normlock:Graph"

    def __init__(self, path: str | os.PathLike[str]) -> None:
        super().__init__(path)
        self.graph = read_graph(path)

    def __fingerprint_state__(self) -> Any:
        return Graph(self.graph).__fingerprint_state__()


class Target:
    """A fitted object, or a bundle, with its fingerprint and the record of its state.

    Parameters
    ----------
    est : estimator, or mapping of str to estimator or path
        Fitted. Or weights: the path of a checkpoint, a mapping of arrays, a torch module; or the path of settings.

    Raises
    ------
    UnfingerprintableError
        If it isn't fitted, or has state without a stable name.
    """

    def __init__(self, est: Any) -> None:
        content = content_of(est)
        est = est if content is None else content
        self.bundle = isinstance(est, Mapping) and content is None
        self.members: dict[str, Any] = {"": est}
        if self.bundle:
            self.members = {_name(name): _member(member) for name, member in est.items()}
            if not self.members:
                raise UnfingerprintableError("The mapping is empty: there is nothing to lock.")
        for member in self.members.values():
            if not isinstance(member, _NOT_FITTED):
                require_fitted(member)
        self.fingerprint, self.record = self.identity()

    def identity(self, renamed: Renamed | None = None) -> tuple[str, dict[str, Any]]:
        """Return the fingerprint and the record of the state, or those that other names of classes would give.

        Parameters
        ----------
        renamed : callable, default=None
            As in :class:`~sklearn_normlock.fingerprints.canonical.Walker`.
        """
        checkpoints = any(isinstance(member, (Weights, WeightsMember)) for member in self.members.values())
        largest = _LARGEST_WEIGHTS if checkpoints else _LARGEST
        record = Record(largest=largest, array_bytes=_ARRAY_BYTES, reserve=_RESERVE)
        digest = object_digest(self.members if self.bundle else self.members[""], record, renamed=renamed)
        entries = record.entries
        readable = {path: _readable(entry, is_withheld(path, entries)) for path, entry in entries.items()}
        return PREFIX + digest.hex(), readable

    @cached_property
    def _leaves(self) -> dict[str, Any]:
        found = {}
        for name, member in self.members.items():
            if not isinstance(member, _NOT_FITTED):
                found.update({path: leaf for path, leaf, _ in leaves(member, name)})
        return {**found, **self.members}

    def member(self, path: str) -> Any:
        """Return the estimator that stands at a path, or None."""
        found = self._leaves.get(path)
        return None if isinstance(found, _NOT_FITTED) else found

    @cached_property
    def training(self) -> tuple[str, ...]:
        """The modules that are in training mode, by path."""
        found = [
            f"{name}.{module}".strip(".") or "the module"
            for name, member in self.members.items()
            if isinstance(member, Weights)
            for module in member.training
        ]
        return tuple(found)

    @cached_property
    def beside(self) -> dict[str, str]:
        """Contents of the files of weights beside their tensors, by member."""
        weights = {name: getattr(member, "weights", member) for name, member in self.members.items()}
        return {name: each.beside for name, each in weights.items() if isinstance(each, Weights) and each.beside}

    @cached_property
    def files(self) -> dict[str, FileDigest]:
        """The files that members are, by the names that a lock has for them."""
        paths = {name: each.path for name, each in self.members.items() if isinstance(each, FileMember)}
        folder = _common_folder(paths.values())
        found = {
            file_key(path, folder): FileDigest(
                sha256=self.members[name].sha256, size=self.members[name].size, member=name
            )
            for name, path in paths.items()
        }
        if "" in self.beside and self.members[""].path is not None:
            path = Path(self.members[""].path)
            found[file_key(path, path.parent)] = FileDigest.of(path)
        return found

    @cached_property
    def unfinished(self) -> tuple[str, ...]:
        """The estimators that ``partial_fit`` may still change, by path."""
        found = self._leaves.items()
        return tuple(path for path, each in found if getattr(each, "__dict__", {}).get(PARTIAL_FIT))

    def judge_graphs(self, X: Any = None) -> tuple[list[Deviation], list[Unjudged]]:
        """Return how exported graphs differ from the members that they stand for, and what of it can't be told."""
        graphs = {name: member.graph for name, member in self.members.items() if isinstance(member, GraphMember)}
        estimators = {name: member for name, member in self.members.items() if not isinstance(member, _NOT_FITTED)}
        return judge_graphs(graphs, estimators, X)

    @cached_property
    def code(self) -> dict[str, frozenset[Name]]:
        """The classes and functions in each member."""
        return {name: code_in(est) for name, est in self.members.items() if not isinstance(est, _NOT_FITTED)}

    def _own_code(self, path: str) -> tuple[str, ...]:
        """Return the code of the user's in a step, but for that of the steps in it, which have probes of their own."""
        est = self.member(path)
        names = self.code[path] if path in self.code else code_in(est)
        for _, leaf, _ in leaves(est, path):
            if leaf is not est:
                names -= code_in(leaf)
        return unversioned(names)

    def refuse_main(self) -> None:
        """Refuse classes and functions of a script: under their names another process finds others, or none."""
        for name, names in self.code.items():
            found = sorted(qualified for module, qualified in names if module == "__main__")
            if found:
                raise UnfingerprintableError(
                    f"{name + ' holds' if name else 'It holds'} {', '.join(found)} of __main__, the script that runs "
                    "now: another process has another __main__, and finds something else under that name, or nothing.",
                    path=self._path_of(f"__main__:{found[0]}", name),
                    remedy="Move it to a module that training and serving both import, and fit again.",
                )

    def _path_of(self, class_name: str, member: str) -> str:
        for path, entry in self.record.items():
            if isinstance(entry, Mapping) and class_name in (entry.get("class"), entry.get("text")):
                return path
        return member

    def locked(self, X: Any = None, paths: Mapping[str, Path] | None = None, *, graph_rows: Any = None) -> Lock:
        """Return the lock of it.

        Parameters
        ----------
        X : array, DataFrame or list, default=None
            Rows to probe it with.
        paths : mapping of str to Path, default=None
            The files that its members were read from, or are in; a single object is the member "".
        graph_rows : array, DataFrame or list, default=None
            Rows that are put through exported graphs alone.
        """
        different, unjudged = self.judge_graphs(graph_rows)
        if different:
            raise ProbeMismatchError(
                "An exported graph doesn't compute what it was exported from. "
                + " ".join(f"{each.path}: {each.text}." for each in different),
                path=different[0].path,
                remedy="Put the right graph in its place, and lock it then.",
            )
        if unjudged:
            error = UndecidedError(f"Nothing was locked. {unjudged[0].text}", path=unjudged[0].path)
            error.report = Report(undecided=tuple(unjudged))
            raise error
        if self.training:
            raise NormLockError(
                f"{self.training[0]} is in training mode: its norm layers and its dropout don't do what they will do "
                "when it is served.",
                remedy="Call eval() on it, and lock it then.",
            )
        if self.unfinished:
            raise NormLockError(
                f"{self.unfinished[0] or type(self.members['']).__name__} may be trained further: partial_fit is "
                "allowed wherever it goes.",
                path=f"{self.unfinished[0]}.partial_fit".lstrip("."),
                remedy="Call nl.allow_partial_fit(obj, False) when its training is over, and lock it then.",
            )
        if self.bundle and X is not None:
            raise NormLockError("Rows go with one object, not with a bundle.", remedy="Lock its members one by one.")
        probes: list[Probe] = []
        inputs: dict[str, Contract] = {}
        for name, member in self.members.items():
            if isinstance(member, _NOT_FITTED):
                continue
            probes += probes_of(member, name, X)
            contract = _contract(member, X)
            if contract != Contract():
                inputs[name] = contract
        profile = None if self.bundle else _profile(self.members[""], X)
        paths = paths or {}
        lock = Lock(
            fingerprint=self.fingerprint,
            state=self.record,
            environment=environment_of(frozenset().union(*self.code.values())),
            fitted={
                name: fitted_under(self.members[name], names, paths.get(name)) for name, names in self.code.items()
            },
            members=tuple(sorted(self.members)) if self.bundle else (),
            inputs=inputs,
            files=self.files,
            beside=self.beside,
            probes=tuple(probes),
            profile=None if profile is None else profile.to_dict(),
            coverage=None if profile is None else _coverage(profile, self._leaves.values()),
        )
        if not any(map(unversioned, self.code.values())):
            return lock
        places = dict.fromkeys(
            path for probe in probes for path in (probe.path, *(each.path for each in probe.outputs))
        )
        code = {path: self._own_code(path) for path in places if self.member(path) is not None}
        return replace(lock, code={path: names for path, names in code.items() if names})


_NOT_FITTED = (FileMember, Settings, Weights)


def _common_folder(paths: Iterable[Path]) -> str:
    """Return the folder that holds all files, from which the lock names them."""
    folders = {os.path.dirname(os.path.abspath(path)) for path in paths}
    try:
        return os.path.commonpath(folders) if folders else ""
    except ValueError:  # on several drives
        return folders.pop()


def _name(name: Any) -> str:
    if not isinstance(name, str) or not name or "." in name or "[" in name:
        raise UnfingerprintableError(
            f"{name!r} can't be the name of a member of a bundle.", remedy="Use a string without dots and brackets."
        )
    return name


def _member(member: Any) -> Any:
    if isinstance(member, (str, os.PathLike)):
        if Path(member).suffix.lower() == ".onnx" and stands_for_another(member):
            return GraphMember(member)
        if is_settings(member):
            return SettingsMember(member)
        return WeightsMember(member) if is_weights(member) else FileMember(member)
    weights = weights_of(member)
    if weights is None and isinstance(member, Mapping):
        raise UnfingerprintableError(
            "A member of a bundle is a mapping: nothing in it would be probed.",
            remedy="Give each object in it a name of its own in the bundle.",
        )
    return member if weights is None else weights


def _readable(entry: Any, withheld: bool) -> Any:
    """Return an entry with the numbers of its array in place of their bytes, as a reviewer wants them."""
    if not isinstance(entry, Mapping) or "data" not in entry:
        return entry
    if withheld:
        return without_rows(entry)
    values = decode(entry)
    if values is None:
        return entry
    return {"dtype": entry["dtype"], "shape": entry["shape"], "values": plain(values)}


def _profile(est: Any, X: Any) -> Any:
    """Return the profile of the user's rows, or of the guard that stands first in a pipeline; None if there is none."""
    from ..guards.profile import Profile

    if X is not None:
        try:
            return Profile.from_data(X)
        except InputFaultError as error:
            if getattr(X, "ndim", 1) == 2:  # documents and records are no table
                without = f"The lock has no profile of these rows to compare batches with: {error}"
                warnings.warn(without, InputFaultWarning, stacklevel=4)
            return None
    first = est.steps[0][1] if isinstance(getattr(est, "steps", None), list) else est
    known = getattr(first, "profile_", None)
    return known if isinstance(known, Profile) else None


def _coverage(profile: Any, leaves: Iterable[Any]) -> dict[str, Any] | None:
    """Say which faults could not be seen on which columns, if what follows takes the columns of the profile."""
    from ..guards.coverage import coverage

    width = profile.n_features_in_
    scalers = [est for est in leaves if hasattr(est, "scale_") and getattr(est, "n_features_in_", None) == width]
    try:
        return coverage(profile, scalers[0] if scalers else None).to_dict()
    except InputFaultError:
        return None


def _contract(est: Any, X: Any) -> Contract:
    names = getattr(est, "feature_names_in_", None)
    width = getattr(est, "n_features_in_", None)
    dtypes = None
    if X is not None and hasattr(X, "dtypes"):
        dtypes = tuple(str(dtype) for dtype in X.dtypes)
    elif X is not None and hasattr(X, "dtype"):
        dtypes = (str(X.dtype),)
    return Contract(
        width=None if width is None else int(width),
        names=None if names is None else tuple(str(name) for name in names),
        dtypes=dtypes,
    )
