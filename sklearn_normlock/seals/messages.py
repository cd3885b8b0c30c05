"""The text of a mismatch: what, where, what was fitted against what is there, and what to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..errors import FingerprintMismatchError, NormLockError, PipelineMismatchError
from ..records.diff import Change

_NAMED = 4
_COMPOSITE = ("steps", "transformer_list", "transformers_", "regressor_")  # what binds members to one another has these
_STRUCTURE = frozenset({"steps", "transformer_list", "transformers_", "estimators_", "columns"})


def mismatch(
    obj: Any,
    expected: str,
    actual: str,
    entries: Mapping[str, Any],
    now: Mapping[str, Any],
    changes: Sequence[Change],
) -> NormLockError:
    """Return the error that says how an object differs from what was fitted.

    Parameters
    ----------
    obj : Locked
        As it is now.
    expected, actual : str
        Its fingerprints, when fitted and now.
    entries, now : mapping
        Its records, when fitted and now.
    changes : sequence of Change
        What differs between them, worst first.
    """
    name = type(obj).__name__
    if not changes:
        return FingerprintMismatchError(
            f"This {name} is not what was fitted: it was fitted as {short(expected)}, this is {short(actual)}; the "
            "record that it carries does not show where.",
            path="",
            expected=expected,
            actual=actual,
            remedy="Load the file again from where it was saved, or fit again.",
        )
    first = changes[0]
    step = _step(first.path, entries, now)
    kind = "pipeline" if hasattr(obj, "steps") else name
    fields = {
        "path": first.where,
        "expected": first.expected,
        "actual": first.actual,
        "changes": changes,
    }
    if first.path.rpartition(".")[2] in _STRUCTURE:
        return PipelineMismatchError(
            f"{kind}: {_told(changes, '')}; it was fitted as {short(expected)}, this is {short(actual)}.",
            remedy="Fit the whole again, or put back the steps that it was fitted with.",
            **fields,
        )
    if step is None or not any(hasattr(obj, part) for part in _COMPOSITE):
        return FingerprintMismatchError(
            f"{name}: {_told(changes, '')}; it was fitted as {short(expected)}, this is {short(actual)}.",
            remedy="Fit again, load the saved object, or make a change on purpose inside "
            "`with sklearn_normlock.thaw(...)`.",
            **fields,
        )
    inside = [c for c in changes if c.path == step or c.path.startswith((step + ".", step + "["))]
    return PipelineMismatchError(
        f'{kind} step "{step}": {_told(inside, step)}; {_bound(kind, step, entries, now)}.',
        remedy="Fit the whole again, or put back the step that it was fitted with.",
        **fields,
    )


def short(fingerprint: str) -> str:
    """Return a fingerprint as it is shown: the first eight of its digits."""
    return fingerprint[: len("nl1-sha256:") + 8] + "…"


def _told(changes: Sequence[Change], step: str) -> str:
    """Tell the worst change in full and name the others, by their paths inside the step."""
    names = [change.path[len(step) :].lstrip(".") or "it" for change in changes]
    also = list(dict.fromkeys(names[1:]))
    more = f" and {len(also) - _NAMED} more" if len(also) > _NAMED else ""
    rest = f"; {', '.join(also[:_NAMED])}{more} changed too" if also else ""
    return changes[0].describe(names[0]) + rest


def _bound(kind: str, step: str, entries: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """Say which step the others were fitted with, and which is there."""
    fitted, found = (
        short(f"nl1-sha256:{entry['digest']}") if isinstance(entry, dict) and "class" in entry else None
        for entry in (entries.get(step), now.get(step))
    )
    if fitted is None:
        return f"the {kind} was fitted without it"
    if found is None:
        return f"the {kind} was fitted with {step} {fitted}"
    return f"the {kind} was fitted with {step} {fitted}, this is {found}"


def _step(path: str, entries: Mapping[str, Any], now: Mapping[str, Any]) -> str | None:
    """Return the innermost estimator below the object that a path leads into; a private one is part of its owner."""
    best = None
    for records in (entries, now):
        for candidate, entry in records.items():
            label = candidate.rpartition(".")[2]
            if label and not label.startswith("_") and isinstance(entry, dict) and "member" in entry:
                if path == candidate or path.startswith((candidate + ".", candidate + "[")):
                    if best is None or len(candidate) > len(best):
                        best = candidate
    return best
