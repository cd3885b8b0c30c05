"""Open questions of a lock, and decisions of a person: each "can't tell" has a reason, and a way to be settled.

Pure Python, so that a lock can be judged where neither scikit-learn nor NumPy is installed.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from ..errors import NormLockError
from ..probes.parts import Probe
from .document import Lock
from .parts import FileDigest, Fitted, Unjudged

_ROWS = (
    "Rows of yours decide: nl.lock(est, X=rows), `normlock lock ARTIFACT --rows FILE`. Or a reviewer accepts "
    'it by name: accept={{"{0}": reason}}, `--accept "{0}=REASON"`.'
)
_WHOLE = "(whole)"
_NAMED = 3  # classes and functions that are named


def unprobed(lock: Lock) -> list[Probe]:
    """Return the probes without outputs whose step no other probe runs either."""
    places = {output.path for probe in lock.probes for output in probe.outputs}
    return [probe for probe in lock.probes if not probe.outputs and probe.path not in places]


def foreign_fits(lock: Lock) -> dict[str, Fitted]:
    """Return what was fitted under another scikit-learn than it was locked under, or isn't known not to be."""
    here = lock.environment.get("scikit-learn", "")
    return {path: fitted for path, fitted in lock.fitted.items() if not fitted.under(here)}


def unjudged(lock: Lock, moved: bool = False) -> Iterator[Unjudged]:
    """Yield what nothing in a lock decides.

    Parameters
    ----------
    lock : Lock
        What was approved.
    moved : bool, default=False
        Whether versions differ from those it was locked under.
    """
    here = lock.environment.get("scikit-learn", "")
    for path, fitted in foreign_fits(lock).items():
        if fitted.approved is None:
            yield Unjudged(
                path=path,
                why=f"it was fitted under {fitted.text} and locked under scikit-learn {here}: nothing says that it "
                "still computes what it did",
                remedy="Lock it under the version it was fitted under; or record its outputs there (`normlock "
                "recorder`) and give them with --recorded; or say that today's outputs are the approved ones with "
                "--approve-outputs (approve_outputs=True).",
            )
    yield from unjudged_steps(lock, moved)


def unjudged_steps(lock: Lock, moved: bool = False) -> Iterator[Unjudged]:
    """Yield the steps that no probe judges and that hold code of the user's, or that could not be run."""
    steps = unprobed(lock)
    for probe in steps:
        inner = [each for each in steps if each.path != probe.path and inside(each.path, probe.path)]
        if probe.path in lock.accepted or (
            probe.failed and any(each.failed or each.path in lock.code for each in inner)
        ):
            continue  # it fails for one of its steps, which is told of by its own name
        why = _why(probe, lock.code.get(probe.path, ()), moved)
        if why is not None:
            yield Unjudged(path=probe.path, why=why, remedy=_ROWS.format(probe.path or _WHOLE))


def inside(path: str, outer: str) -> bool:
    """Tell whether a step stands inside another one."""
    return not outer or path.startswith(f"{outer}.")


def _why(probe: Probe, code: tuple[str, ...], moved: bool) -> str | None:
    reason = probe.left_out or "it puts nothing out for new rows"
    if code:
        names = ", ".join(code[:_NAMED]) + (f" and {len(code) - _NAMED} more" if len(code) > _NAMED else "")
        return f"no probe runs it ({reason}), and it holds code that can change without a version: {names}"
    if probe.failed:
        return reason
    if moved and probe.left_out is not None:
        return f"no probe runs it ({reason}), and the versions are not those it was locked under"
    return None


def unread(before: Lock, beside: Mapping[str, str], files: Mapping[str, FileDigest]) -> Iterator[Unjudged]:
    """Yield what stands beside the tensors of files: only the same bytes say that it is the same.

    Parameters
    ----------
    before : Lock
        What was approved.
    beside : mapping of str to str
        What the files of the other side hold beside tensors, by member.
    files : mapping of str to FileDigest
        The files of the other side.
    """
    for name, what in {**before.beside, **beside}.items():
        if not _digests(before.files, name) & _digests(files, name):
            yield Unjudged(
                path=name,
                why=f"its tensors are judged, and {what} are not: its bytes are not those that were locked",
                remedy="Lock it again after a review; or lock what runs it (OnnxTransformer judges operators), or its "
                "tensors alone.",
            )


def _digests(files: Mapping[str, FileDigest], member: str) -> set[str]:
    return {each.sha256 for each in files.values() if (each.member or "") == member}


def notes(lock: Lock) -> Iterator[str]:
    """Yield what a match rests on, beside probes."""
    for path, fitted in lock.fitted.items():
        here = lock.environment.get("scikit-learn", "")
        where = f"{path} was" if path else "it was"
        if fitted.approved == "outputs":
            yield f"{where} fitted under {fitted.text}; its outputs under scikit-learn {here} were approved"
        elif fitted.approved == "recorded":
            under = (fitted.recorded or {}).get("scikit-learn", "another version")
            yield f"{where} fitted under {fitted.text}; its outputs agree with those of scikit-learn {under}, recorded"
    left = {probe.path for probe in unprobed(lock)} - lock.accepted.keys() - {each.path for each in unjudged(lock)}
    for probe in lock.probes:
        if probe.path in left and probe.left_out is not None:
            yield f"{probe.path or 'the object'} is not probed ({probe.left_out}), and judged by its state"


def decided(made: Lock, accept: Mapping[str, str], approve_outputs: bool, trusted: Iterable[str] = ()) -> Lock:
    """Return a lock with what a person decided: accepted steps, approved outputs, trusted types."""
    steps = {probe.path for probe in unprobed(made)}
    accepted = {"" if path == "(whole)" else path: reason.strip() for path, reason in accept.items()}
    for path, reason in accepted.items():
        if path not in steps:
            open_steps = ", ".join(step or "(whole)" for step in sorted(steps)) or "none"
            raise NormLockError(
                f"{path or '(whole)'!r} can't be accepted: it is no step without a probe; those are: {open_steps}.",
                path=path,
                remedy="Name one of them, by its whole path.",
            )
        if not reason:
            raise NormLockError(
                f"{path or '(whole)'!r} can't be accepted without a reason.", path=path, remedy="Give one: STEP=REASON."
            )
    if isinstance(trusted, str):
        raise NormLockError("trusted is one text.", remedy="Give a list of the names of types.")
    made = replace(made, accepted=accepted, trusted=tuple(sorted(set(trusted))))
    here = made.environment["scikit-learn"]
    foreign = foreign_fits(made)
    if not approve_outputs or not foreign:
        return made
    failed = [probe for probe in unprobed(made) if probe.failed and probe.path not in accepted]
    if failed:
        raise NormLockError(
            f"{failed[0].path or 'The object'} has no outputs that could be approved under scikit-learn {here}: "
            f"{failed[0].left_out}.",
            path=failed[0].path,
            remedy="Lock it under the version it was fitted under, or give rows that it can be run on.",
        )
    approved = {p: replace(each, approved="outputs") if p in foreign else each for p, each in made.fitted.items()}
    return replace(made, fitted=approved)
