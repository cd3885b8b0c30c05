"""Is it what was approved? ``lock``, ``verify``, ``compare`` and ``diff``."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..errors import LockMismatchError, NormLockError, ProbeMismatchError, UndecidedError, UnfingerprintableError
from ..events import emit
from ..fingerprints import weights_of
from ..fingerprints.settings import is_settings
from ..fingerprints.weights import Weights, is_weights
from ..probes.outputs import TOLERANCES, Deviation, require_tolerance
from ..probes.parts import Probe, steps_of
from ..probes.probing import Undecided, replay
from ..probes.walk import leaves
from ..records.change import Change, Kind, within
from ..records.diff import compare_records
from ..records.effects import effects
from ..records.environment import changed_versions
from ..records.findings import findings
from ..records.weights import is_weights_record, weight_findings
from .document import Lock
from .judgement import decided, notes, unjudged, unread
from .naming import file_key
from .parts import FileDigest, Unjudged
from .renames import renamed_helpers, without_probe
from .report import Report, Verdict
from .target import GraphMember, Target

logger = logging.getLogger("sklearn_normlock")

_ELSEWHERE = "Compare it where its probe can be run, or lock it anew with rows of yours."

Lockable = Any  # an estimator, or a mapping of names to estimators and paths


def lock(
    est: Lockable,
    X: Any = None,
    *,
    artifact: str | os.PathLike[str] | None = None,
    onnx: str | os.PathLike[str] | None = None,
    accept: Mapping[str, str] | None = None,
    approve_outputs: bool = False,
    trusted: Sequence[str] | None = None,
) -> Lock:
    """Lock a fitted object: make the document that says what was approved.

    Parameters
    ----------
    est : estimator, or mapping of str to estimator or path
        Fitted; scikit-learn's own or locked. A mapping is a bundle: its members are bound to one another. A member that
        is a path is bound by the digest of that file.
    X : array, DataFrame or list of shape (n_samples, n_features), default=None
        Rows of the kind that it is for. **A few of them are kept in the lock**, as probes, in place of rows that are
        made from fitted statistics; and a profile of all of them, which holds no rows. Not for a bundle.
    artifact : path-like, default=None
        The file that holds the object: its digest goes into the lock, so that :func:`~sklearn_normlock.load` can open
        it by the lock even if reading it runs code. The file also says under which scikit-learn the object was fitted.
    onnx : path-like, default=None
        A graph that was exported from the object, bound if it computes the same: in the bundle
        ``{"model": est, "onnx": path}``.
    accept : mapping of str to str, default=None
        Steps that no probe can run and that are approved all the same, each with the reason. Without that, a step that
        holds code of yours and has no probe makes every comparison undecided.
    approve_outputs : bool, default=False
        Whether what the object computes today is what is approved, although it was fitted under another scikit-learn.
        Without that, every comparison is undecided until it is locked under the version it was fitted under.
    trusted : sequence of str, default=None
        Types of yours that a ``.skops`` file with the locked bytes may hold. :func:`~sklearn_normlock.load` then needs
        no ``trusted=`` of its own: who reviews the lock reviews them.

    Returns
    -------
    lock : Lock
        :meth:`Lock.save` writes it.

    Raises
    ------
    UnfingerprintableError
        If the object isn't fitted, or has state without a stable name, such as a function of a script; if ``onnx`` is
        no graph that skl2onnx wrote or that carries a stamp.
    NormLockError
        If ``accept`` names a step that isn't there or that a probe runs; if the object was fitted under another
        scikit-learn, can't be run under this one, and its outputs were to be approved.
    ProbeMismatchError
        If a graph puts out something else than the object.
    UndecidedError
        If that can't be told: its inputs or outputs are not the object's, say, or onnxruntime isn't installed.

    Warns
    -----
    InputFaultWarning
        If no profile can be made of the rows, as of values beyond 1e150: the lock is made without one.

    Examples
    --------
    >>> import sklearn_normlock as nl
    >>> from sklearn.preprocessing import StandardScaler
    >>> lock = nl.lock(StandardScaler().fit([[0.0], [2.0]]))
    >>> lock.state["mean_"]["values"]
    [1.0]
    >>> nl.verify(StandardScaler().fit([[0.0], [2.0]]), lock).ok
    True
    """
    target = Target(est) if onnx is None else _with_graph(est, onnx)
    if artifact is not None and target.bundle and onnx is None:
        raise NormLockError(
            "artifact is the file of one object, and a bundle has one for each member.",
            path=os.fspath(artifact),
            remedy="Lock the files together: `normlock lock A B -o BUNDLE.normlock.json`.",
        )
    target.refuse_main()
    paths = {} if artifact is None else {"" if onnx is None else "model": Path(artifact)}
    made = target.locked(X, paths) if onnx is None else target.locked(graph_rows=X, paths=paths)
    made = decided(made, accept or {}, approve_outputs, trusted or ())
    if artifact is None:
        return made
    file = replace(FileDigest.of(artifact), member=None if onnx is None else "model")
    return made.with_files({**made.files, file_key(artifact, Path(artifact).parent): file})


def _with_graph(est: Lockable, onnx: Any) -> Target:
    """Return the bundle of an object and its graph; a graph that would be bound without being run is refused."""
    if not isinstance(onnx, (str, os.PathLike)):
        raise UnfingerprintableError(
            f"onnx= takes the path of a graph, and no {type(onnx).__name__}.",
            remedy="Save the graph: Path('model.onnx').write_bytes(graph.SerializeToString()).",
        )
    target = Target({"model": est, "onnx": onnx})
    if not isinstance(target.members["onnx"], GraphMember):
        raise UnfingerprintableError(
            f"{os.fspath(onnx)} wouldn't be run: it is no .onnx file that says which object it was exported from.",
            path=os.fspath(onnx),
            remedy="Stamp the graph, and save it as .onnx: sklearn_normlock.integrations.onnx.stamp(graph, est).",
        )
    return target


def compare(est: Lockable, lock: Lock | str | os.PathLike[str], rtol: float = 0.0) -> Report:
    """Compare an object with a lock.

    Parameters
    ----------
    est : estimator, or mapping of str to estimator or path
        Fitted.
    lock : Lock or path-like
        What was approved.
    rtol : float, default=0.0
        With 0 the state must be the same to the last bit. Above it the question is whether a refit reproduced the
        object: fitted numbers, and the outputs of probes, may differ by this much, relative to their size. Arrays that
        a lock does not hold by value are compared by their summaries.

    Returns
    -------
    report : Report
        ``report.ok``, ``report.changes``, ``report.explain()``.

    Raises
    ------
    NormLockError
        If ``rtol`` is not a number from 0 to below 1.

    Examples
    --------
    >>> import sklearn_normlock as nl
    >>> from sklearn.preprocessing import StandardScaler
    >>> lock = nl.lock(StandardScaler().fit([[0.0], [2000.0]]))
    >>> print(nl.compare(StandardScaler().fit([[0.0], [2.0]]), lock).changes[0].relation.text)
    ×1e-06: a change of unit?
    """
    require_tolerance(rtol)
    lock = _as_lock(lock)
    try:
        target = Target(est)
    except UnfingerprintableError as error:
        if not error.path:
            raise  # it isn't fitted
        # Its state can't even be read under these versions.
        change = Change(path=error.path, kind=Kind.CONTENT, label=f" ({error})")
        moved = changed_versions(lock.environment)
        return Report(expected=lock.fingerprint, actual="nothing", changes=(change,), environment=moved)
    record, actual, moved = target.record, target.fingerprint, changed_versions(lock.environment)
    changes: list[Change] = []
    renames = renamed_helpers(target, lock.fingerprint, lock.state, moved) if actual != lock.fingerprint else ()
    if actual != lock.fingerprint and not renames:
        changes = compare_records(lock.state, record, steps_of(lock.probes))
        if not changes:
            changes = [Change(path="", kind=Kind.CONTENT, label=" (where is not in the lock: it had no room for all)")]
    for path in target.training:
        where = f"{path.removeprefix('the module')}.training".lstrip(".")
        changes.append(Change(path=where, kind=Kind.VALUE, expected="False", actual="True"))
    for path in target.unfinished:
        where = f"{path}.partial_fit".lstrip(".")
        changes.append(Change(path=where, kind=Kind.VALUE, expected="'refused'", actual="'allowed'"))
    found = weight_findings(lock.state, record) if is_weights_record(record) and changes else []
    found += findings(lock.state, record) if changes else []
    kept = changes
    if rtol > 0 and changes:
        kept = [change for change in changes if not within(change, rtol)]
        if not kept and any(isinstance(root, Mapping) and "cut" in root for root in (lock.state[""], record[""])):
            # Elements that had no room in the record may differ by more.
            kept = [Change(path="", kind=Kind.CONTENT, label=" (not all of it is in the lock, which had no room)")]
    same_state = not kept
    deviations, failed, probed, remarks = _outputs(target, lock.probes, rtol if rtol > 0 else None, same_state)
    of_graphs, graphs_unjudged = target.judge_graphs()
    deviations += of_graphs
    failed += graphs_unjudged
    failed += unread(lock, target.beside, target.files)
    for rename in without_probe(renames, lock.probes, {each.path: each.why for each in failed}):
        why = f"{rename.describe()}, and no output of the step that holds it could be compared"
        remedy = "Lock it anew under these versions, with rows of yours, and review the difference."
        failed.append(Unjudged(path=rename.path, why=why, remedy=remedy))
    return Report(
        expected=lock.fingerprint,
        actual=actual,
        changes=tuple(kept),
        deviations=tuple(deviations),
        effects=() if same_state else tuple(effects(lock.state, record)),
        environment=moved,
        undecided=(*unjudged(lock, bool(moved)), *failed),
        accepted=lock.accepted,
        probed=probed,
        notes=(
            *notes(lock),
            *found,
            *remarks,
            *(f"{rename.describe()}; nothing else in its state has changed" for rename in renames),
        ),
        tolerances=TOLERANCES if rtol <= 0 else {dtype: max(value, rtol) for dtype, value in TOLERANCES.items()},
    )


def _outputs(
    target: Target, probes: tuple[Probe, ...], rtol: float | None, same_state: bool
) -> tuple[list[Deviation], list[Unjudged], int, list[str]]:
    """Run the probes; of another state only those whose rows are in the lock, the first of which differs."""
    deviations: list[Deviation] = []
    failed: list[Unjudged] = []
    remarks: list[str] = []
    judged: list[Probe] = []
    refused: dict[str, str] = {}
    probed = 0
    for probe in probes:
        if not probe.outputs or (not same_state and probe.rows is None):
            continue  # the lock itself says what follows from a step without a probe
        est = target.member(probe.path)
        try:
            if est is None:
                raise Undecided("there is no such step now")
            found = replay(probe, est, rtol)
        except Undecided as reason:
            why = f"its probe could not be run: {reason}"
            failed.append(Unjudged(path=probe.path, why=why, remedy=_ELSEWHERE))
            continue
        probed += len(probe.outputs)
        deviations += found.deviations
        remarks += found.ties
        if found.refused is None:
            judged.append(probe)
        else:
            refused[probe.path] = f"the rows of its probe with missing values are not judged: {found.refused}"
        if found.deviations and not same_state:
            break
    for path, why in refused.items():
        if any(_judges(probe, path) for probe in judged):
            remarks.append(f"{path}: {why.rstrip('.')}; the object around it was judged, and lets none through")
        else:
            failed.append(Unjudged(path=path, why=why, remedy=_ELSEWHERE))
    return deviations, failed, probed, remarks


def _judges(probe: Probe, path: str) -> bool:
    """Tell whether a probe of an object runs a step inside it too, on what the object lets through to it."""
    around = path != probe.path and (not probe.path or path.startswith(f"{probe.path}."))
    return around and any(output.path == path for output in probe.outputs)


def verify(est: Lockable, lock: Lock | str | os.PathLike[str]) -> Report:
    """Verify that an object is what a lock says, whatever the policy of :func:`~sklearn_normlock.set_config` is.

    The state must be the same to the last bit. The outputs of the probes must be the same within the tolerances that
    the report states; they decide whether other versions of scikit-learn or NumPy matter.

    Parameters
    ----------
    est : estimator, or mapping of str to estimator or path
        Fitted.
    lock : Lock or path-like
        What was approved.

    Returns
    -------
    report : Report
        A match.

    Raises
    ------
    LockMismatchError
        If the state is another; its ``report`` says what differs.
    ProbeMismatchError
        If the state is the same and the outputs are not, the first such step being its ``path``.
    UndecidedError
        If nothing differs, and something was not judged: what, why, and what would decide it.

    Examples
    --------
    >>> import sklearn_normlock as nl
    >>> from sklearn.preprocessing import StandardScaler
    >>> lock = nl.lock(StandardScaler().fit([[0.0], [2000.0]]))
    >>> nl.verify(StandardScaler().fit([[0.0], [2.0]]), lock)
    Traceback (most recent call last):
        ...
    sklearn_normlock.errors.LockMismatchError: MISMATCH: ...
    """
    report = compare(est, lock)
    _announce(report, type(est).__name__)
    return checked(report, type(est).__name__)


def _announce(report: Report, name: str) -> None:
    """Report a verification as an event."""
    verdict = report.verdict.value
    paths = [
        *(change.path for change in report.changes),
        *(deviation.path for deviation in report.deviations),
        *(each.path for each in report.undecided),
    ]
    text = {"match": "what was approved", "mismatch": "not what was approved", "undecided": "not judged in full"}
    emit(
        "verify",
        f"{name}: {text[verdict]} ({report.expected}).",
        verdict=verdict,
        subject=name,
        fingerprint=report.actual,
        lock=report.expected,
        path=paths[0] if paths else None,
    )


def checked(report: Report, name: str) -> Report:
    """Raise what a report says, or return it."""
    if not report.ok:
        fields: dict[str, Any] = {"expected": report.expected, "actual": report.actual}
        if report.verdict is Verdict.UNDECIDED:
            error: NormLockError = UndecidedError(report.explain(), path=report.undecided[0].path, **fields)
        elif report.changes:
            first = report.changes[0]
            error = LockMismatchError(report.explain(), path=first.where, changes=report.changes, **fields)
        else:
            error = ProbeMismatchError(report.explain(), path=report.deviations[0].path, **fields)
        error.report = report  # type: ignore[attr-defined]
        raise error
    if report.environment:
        moved = ", ".join(f"{package} {old} → {new}" for package, (old, new) in report.environment.items())
        logger.info("%s: locked under other versions (%s); %d outputs agree.", name, moved, report.probed)
    return report


def diff(a: Any, b: Any) -> Report:
    """Say what differs between two objects or locks.

    Parameters
    ----------
    a, b : estimator, mapping, Lock, or path of a lock or a checkpoint
        Before and after. For two checkpoints, the report's notes say what happened between them.

    Returns
    -------
    report : Report
        ``report.ok`` if they are the same.

    Examples
    --------
    >>> import sklearn_normlock as nl
    >>> from sklearn.preprocessing import StandardScaler
    >>> old, new = StandardScaler().fit([[0.0], [2.0]]), StandardScaler().fit([[0.0], [4.0]])
    >>> print(nl.diff(old, new).explain())
    DIFFERENT: nl1-sha256:... → nl1-sha256:...
      mean_[0]: 1 → 2
      ...
    """
    contents = _weights(a), _weights(b)
    if contents[0] is not None and contents[1] is not None:
        before, after = lock(contents[0]), lock(contents[1])
        found = weight_findings(before.state, after.state, contents)
        return replace(diff_locks(before, after), notes=tuple(found))
    before, after = _as_lock(a), _as_lock(b)
    if not isinstance(b, (Lock, str, os.PathLike)):
        report = replace(compare(b, before), approval=False)
        both = not isinstance(a, (Lock, str, os.PathLike, Mapping)) and not isinstance(b, Mapping)
        return replace(report, notes=(*report.notes, *_differences(a, b))) if both and report.changes else report
    return diff_locks(before, after)


def _differences(a: Any, b: Any) -> Iterator[str]:
    """Yield what the steps of two objects say themselves of their differences, which needs more than a record holds."""
    others = {path: leaf for path, leaf, _ in leaves(b)}
    for path, leaf, _ in leaves(a):
        other = others.get(path)
        say = getattr(leaf, "_normlock_differences", None)
        if say is not None and type(other) is type(leaf):
            yield from (f"{path}: {text}" if path else text for text in say(other))


def _weights(side: Any) -> Weights | None:
    """Return the tensors that a side of a diff is, or None if it is an estimator, a bundle or a lock."""
    if isinstance(side, (str, os.PathLike)):
        return weights_of(side) if is_weights(side) else None
    return None if isinstance(side, Lock) else weights_of(side)


def diff_locks(before: Lock, after: Lock) -> Report:
    """Say what differs between two locks; neither scikit-learn nor an object is needed."""
    from .lock_diff import report_of

    return report_of(before, after)


def _as_lock(side: Any) -> Lock:
    if isinstance(side, Lock):
        return side
    if isinstance(side, (str, os.PathLike)) and not (is_settings(side) or is_weights(side)):
        return Lock.load(side)
    return Target(side).locked()
