"""Compare two locks, with neither scikit-learn nor NumPy: the review comment of an upgrade or a refit."""

from __future__ import annotations

from dataclasses import fields

from ..records.change import Change, Kind
from ..records.diff import compare_records
from ..records.effects import effects
from ..records.weights import is_weights_record, weight_findings
from .document import Lock
from .report import Report


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
        changes = compare_records(before.state, after.state)
        if not changes:
            changes = [
                Change(path="", kind=Kind.CONTENT, label=" (where is not in the locks: they had no room for all)")
            ]
    for path in dict.fromkeys([*before.inputs, *after.inputs]):
        changes += _inputs(path, before, after)
    notes = _files(before, after) + _probes(before, after)
    if changes and is_weights_record(before.state) and is_weights_record(after.state):
        notes += weight_findings(before.state, after.state)
    names = dict.fromkeys([*before.environment, *after.environment])
    moved = {name: (before.environment.get(name, "none"), after.environment.get(name, "none")) for name in names}
    return Report(
        ok=not changes,
        expected=before.fingerprint,
        actual=after.fingerprint,
        changes=tuple(changes),
        effects=tuple(effects(before.state, after.state)) if changes else (),
        environment={name: both for name, both in moved.items() if both[0] != both[1]},
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


def _files(before: Lock, after: Lock) -> list[str]:
    notes = []
    for name in dict.fromkeys([*before.files, *after.files]):
        old, new = before.files.get(name), after.files.get(name)
        if old is None or new is None:
            notes.append(f"file {name}: {'added' if old is None else 'no longer named'}")
        elif old.sha256 != new.sha256:
            notes.append(f"file {name}: other bytes (SHA-256 {old.sha256[:12]}… → {new.sha256[:12]}…)")
    return notes


def _probes(before: Lock, after: Lock) -> list[str]:
    """Say which outputs differ where both were probed with the same rows."""
    notes = []
    known = {(probe.path, probe.digest): probe for probe in before.probes}
    for probe in after.probes:
        old = known.get((probe.path, probe.digest))
        if old is None:
            continue
        outputs = {(each.path, each.method): each.digest for each in old.outputs}
        moved = [
            each.place for each in probe.outputs if outputs.get((each.path, each.method), each.digest) != each.digest
        ]
        if moved:
            notes.append(f"on the same rows, {moved[0]} puts out other bits, perhaps by round-off alone")
    return notes
