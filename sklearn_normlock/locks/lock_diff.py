"""Compare two locks, with neither scikit-learn nor NumPy: the review comment of an upgrade or a refit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from ..probes.parts import steps_of
from ..records.change import Change, Kind
from ..records.diff import compare_records
from ..records.effects import effects
from ..records.findings import findings
from ..records.weights import is_weights_record, weight_findings
from .document import Lock
from .judgement import inside, unjudged, unjudged_steps, unread
from .parts import Unjudged
from .report import Report

if TYPE_CHECKING:
    from ..probes.outputs import Deviation


def report_of(before: Lock, after: Lock) -> Report:
    """Return what differs between two locks.

    Parameters
    ----------
    before, after : Lock
        The old one and the new one.

    Returns
    -------
    report : Report
        ``ok`` if both lock the same state, the same inputs and the same files, and their probes gave the same.
    """
    changes: list[Change] = []
    if before.fingerprint != after.fingerprint:
        changes = compare_records(before.state, after.state, steps_of(before.probes))
        if not changes:
            changes = [
                Change(path="", kind=Kind.CONTENT, label=" (where is not in the locks: they had no room for all)")
            ]
    for path in dict.fromkeys([*before.inputs, *after.inputs]):
        changes += _inputs(path, before, after)
    changes += _decisions(before, after)
    changes += _profiles(before, after)
    deviations, undecided, notes = _probes(before, after)
    undecided += unread(before, after.beside, after.files)
    notes = _files(before, after) + notes
    if changes and is_weights_record(before.state) and is_weights_record(after.state):
        notes += weight_findings(before.state, after.state)
    if changes:
        notes += findings(before.state, after.state)
    names = dict.fromkeys([*before.environment, *after.environment])
    moved = {name: (before.environment.get(name, "none"), after.environment.get(name, "none")) for name in names}
    return Report(
        expected=before.fingerprint,
        actual=after.fingerprint,
        changes=tuple(changes),
        effects=tuple(effects(before.state, after.state)) if changes else (),
        environment={name: both for name, both in moved.items() if both[0] != both[1]},
        deviations=tuple(deviations),
        undecided=tuple(undecided),
        notes=tuple(notes),
        approval=False,
    )


def _inputs(path: str, before: Lock, after: Lock) -> list[Change]:
    """Compare what is asked of the data; names and width are part of the state already, if they are known from it."""
    old, new = before.inputs.get(path), after.inputs.get(path)
    if old is None or new is None or before.fingerprint != after.fingerprint:
        return []
    where = f"inputs[{path!r}]" if path else "inputs"
    pairs = [(each.name, getattr(old, each.name), getattr(new, each.name)) for each in fields(old)]
    return [
        Change(path=f"{where}.{name}", kind=Kind.VALUE, expected=str(a), actual=str(b))
        for name, a, b in pairs
        if a is not None and b is not None and a != b
    ]


def _profiles(before: Lock, after: Lock) -> Iterator[Change]:
    """Compare the profiles that batches are compared with."""
    old, new = before.profile, after.profile
    if old != new:
        kind = Kind.ADDED if old is None else Kind.REMOVED if new is None else Kind.CONTENT
        yield Change(path="profile", kind=kind, expected=_rows_of(old), actual=_rows_of(new))


def _rows_of(profile: Mapping[str, Any] | None) -> str | None:
    return None if profile is None else f"of {profile.get('n_rows', 'some')} rows"


def _files(before: Lock, after: Lock) -> list[str]:
    notes = []
    for name in dict.fromkeys([*before.files, *after.files]):
        old, new = before.files.get(name), after.files.get(name)
        if old is None or new is None:
            notes.append(f"file {name}: {'added' if old is None else 'no longer named'}")
        elif old.sha256 != new.sha256:
            notes.append(f"file {name}: other bytes (SHA-256 {old.sha256[:12]}… → {new.sha256[:12]}…)")
    return notes


def _decisions(before: Lock, after: Lock) -> Iterator[Change]:
    """Yield what persons decided otherwise: accepted steps, the version a fit is approved under, trusted types."""
    for name, old, new in (
        ("accepted", before.accepted, after.accepted),
        ("fitted", _approvals(before), _approvals(after)),
        (
            "trusted",
            dict.fromkeys(before.trusted, "may be in the file"),
            dict.fromkeys(after.trusted, "may be in the file"),
        ),
    ):
        for path in dict.fromkeys([*old, *new]):
            a, b = old.get(path), new.get(path)
            if a != b:
                kind = Kind.ADDED if a is None else Kind.REMOVED if b is None else Kind.VALUE
                yield Change(path=f"{name}[{path!r}]", kind=kind, expected=a, actual=b)


def _approvals(lock: Lock) -> dict[str, str]:
    return {
        path: f"{fitted.text}, {'outputs of today' if fitted.approved == 'outputs' else 'recorded outputs'} approved"
        for path, fitted in lock.fitted.items()
        if fitted.approved is not None
    }


def _probes(before: Lock, after: Lock) -> tuple[list[Deviation], list[Unjudged], list[str]]:
    """Compare the outputs where both were probed with the same rows; only bits that differ need NumPy."""
    deviations: list[Deviation] = []
    undecided: list[Unjudged] = []
    notes: list[str] = []
    known = {(probe.path, probe.digest): probe for probe in before.probes}
    same_state = before.fingerprint == after.fingerprint
    for probe in after.probes:
        old = known.get((probe.path, probe.digest))
        if old is None:
            moved = "under other versions" if before.environment != after.environment else _code(after, probe.path)
            if same_state and probe.outputs and moved:
                undecided.append(_not_compared(probe.path, f"both were probed with other rows, {moved}"))
            continue
        outputs = {(each.path, each.method): each for each in old.outputs}
        for each in probe.outputs:
            match = outputs.pop((each.path, each.method), None)
            if match is None or match.digest == each.digest:
                continue
            if not same_state:
                notes[:] = notes or [f"on the same rows, {each.place} puts out something else"]
                continue
            try:
                from ..probes.outputs import compare_outputs
            except ModuleNotFoundError:
                undecided.append(
                    _not_compared(each.place, "its outputs differ, and NumPy isn't here to tell by how much")
                )
                continue
            deviation = compare_outputs(match, each)
            if deviation is not None:
                deviations.append(deviation)
            elif not notes:
                notes.append(f"on the same rows, {each.place} differs by round-off alone")
        for gone in outputs.values() if same_state and probe.outputs else ():
            undecided.append(_not_compared(gone.place, "it gave an output in one lock, and gave none in the other"))
    if same_state:
        moved_there = before.environment != after.environment
        judged = unjudged(after, moved=True) if moved_there else (*unjudged_steps(before), *unjudged_steps(after))
        unjudged_there = {each.path: each for each in judged}
        undecided += [each for each in unjudged_there.values() if each.path not in {one.path for one in undecided}]
    return deviations, undecided, notes


def _code(lock: Lock, path: str) -> str:
    """Say which code of the user's a step holds, itself or in a step inside it; nothing if it holds none."""
    names = [name for place, found in lock.code.items() if place == path or inside(place, path) for name in found]
    return f"and it holds code that can change without a version: {', '.join(names[:3])}" if names else ""


def _not_compared(path: str, why: str) -> Unjudged:
    return Unjudged(path=path, why=why, remedy="Compare the objects themselves: nl.diff(a, b).")
