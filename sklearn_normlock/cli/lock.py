"""``normlock lock``: write the lock of an artifact that was approved, or of several that belong together."""

from __future__ import annotations

import argparse
import sys
import warnings
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from ..documents.rendering import one_line
from ..errors import ArtifactReadError, InputFaultWarning, NormLockError, UndecidedError
from .outcome import MATCH, UsageError, add_format, code_of, print_error, print_lines, print_nothing, worst
from .reading import add_python_path

if TYPE_CHECKING:
    from ..locks.document import Lock
    from ..locks.parts import FileDigest

HELP = "lock an artifact: write the file that says what was approved"
DESCRIPTION = (
    "Reads an artifact (.skops, .joblib, .pkl) and writes its lock beside it, to be put under version control. Reading "
    "a .joblib or .pkl file runs code, so lock only what you trust. In a folder each artifact is locked. Several "
    "artifacts with -o make a bundle, whose members are bound to one another. Checkpoints (.safetensors, .pt, .gguf, "
    ".npz) and settings (config.json) are bound by what they hold, and a file of another kind by its bytes."
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Give the command its arguments."""
    parser.add_argument("artifact", nargs="+", type=Path, help="what was approved, or a folder of it")
    parser.add_argument("-o", "--output", type=Path, help="the lock (default: ARTIFACT.normlock.json)")
    parser.add_argument(
        "--rows",
        type=Path,
        help="rows it was fitted on (.parquet, .csv, .npy): a few of them are KEPT in the lock as probes, and a "
        "profile of all of them, which holds no rows",
    )
    parser.add_argument(
        "--trusted",
        action="append",
        default=[],
        metavar="TYPE",
        help="a type that a .skops may hold; the lock names it",
    )
    add_python_path(parser)
    parser.add_argument(
        "--accept",
        action="append",
        default=[],
        type=_accepted,
        metavar="STEP=REASON",
        help="approve a step that no probe can run; the whole object is the step (whole)",
    )
    parser.add_argument(
        "--recorded",
        type=Path,
        metavar="OUTPUTS",
        help="outputs that `normlock recorder` recorded where it was fitted: today's must agree with them",
    )
    parser.add_argument(
        "--approve-outputs",
        action="store_true",
        help="approve what the object computes today, although it was fitted under another scikit-learn",
    )
    add_format(parser)


def _accepted(text: str) -> tuple[str, str]:
    step, equals, reason = text.partition("=")
    if not equals or not step.strip() or not reason.strip():
        raise argparse.ArgumentTypeError(f"{text!r} is not STEP=REASON")
    return step.strip(), reason.strip()


def run(arguments: argparse.Namespace) -> int:
    """Write the lock; return 0, or 2 if it would say of another version's outputs that they were approved."""
    paths: list[Path] = arguments.artifact
    if len(paths) == 1 and paths[0].is_dir():
        return _folder(paths[0], arguments)
    if len(paths) > 1 and (arguments.output is None or arguments.rows is not None):
        missing = "-o BUNDLE.normlock.json" if arguments.output is None else "no --rows"
        raise UsageError(f"normlock lock: a bundle of several artifacts takes {missing}")
    from ..locks.judgement import foreign_fits, unjudged
    from ..persistence import lock_path

    output: Path = arguments.output or lock_path(paths[0])
    if output.suffix not in (".json", ".lock"):
        raise UsageError(f"normlock lock: the name of a lock ends in .json or .lock, not as {output}")
    before = _before(output)
    lock = _single(paths[0], arguments) if len(paths) == 1 else _bundle(paths, arguments)
    if any(fitted.approved is None for fitted in foreign_fits(lock).values()):
        first = next(unjudged(lock))
        raise UndecidedError(f"{output} was not written. {first.text}", path=first.path)
    lock.save(output)
    _print(lock, output, before, arguments.format)
    return MATCH


def _folder(folder: Path, arguments: argparse.Namespace) -> int:
    """Lock each artifact in a folder by itself; return the worst exit code."""
    if arguments.output is not None or arguments.rows is not None:
        raise UsageError("normlock lock: a folder takes neither -o nor --rows; each artifact gets a lock beside it")
    from .folders import survey

    found, codes = survey(folder), []
    for problem in found.problems:
        codes.append(code_of(problem))
        print_error(problem, arguments.format, codes[-1], problem.path or "")
    for path in found.artifacts:
        try:
            codes.append(run(argparse.Namespace(**{**vars(arguments), "artifact": [path]})))
        except (NormLockError, OSError) as error:  # the others are still locked
            codes.append(code_of(error))
            print_error(error, arguments.format, codes[-1], str(path))
    return worst(codes) if codes else print_nothing("there is no artifact in it", arguments.format, folder, "locked")


def _single(path: Path, arguments: argparse.Namespace) -> Lock:
    from ..locks.comparison import lock as make_lock
    from ..locks.naming import file_key
    from ..locks.parts import FileDigest
    from .reading import approved_file, has_content, table

    est: Any
    if has_content(path):
        if arguments.rows is not None or arguments.recorded is not None:
            raise UsageError("normlock lock: weights and settings take neither --rows nor --recorded")
        est, digest = path, FileDigest.of(path)
    else:
        est, digest = approved_file(path, arguments.trusted)
    rows = None if arguments.rows is None else table(arguments.rows)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always", InputFaultWarning)
        lock = make_lock(
            est,
            rows,
            artifact=path,
            accept=dict(arguments.accept),
            approve_outputs=arguments.approve_outputs,
            trusted=arguments.trusted,
        )
    for warning in said:
        print(f"normlock lock: {one_line(warning.message)}", file=sys.stderr)
    if arguments.recorded is not None:
        from ..locks.recorded import Recording, approved_by

        lock = approved_by(lock, Recording.load(arguments.recorded), est, path)
    _require_unchanged(path, digest)
    key = file_key(path, path.parent if arguments.output is None else arguments.output.parent)
    return lock.with_files({key: digest})


def _require_unchanged(path: Path, digest: FileDigest) -> None:
    """Refuse a file that was replaced or written while it was locked: the lock would speak of two."""
    from ..locks.parts import FileDigest

    now = FileDigest.of(path)
    if now != digest:
        raise ArtifactReadError(
            f"{path} changed while it was locked.",
            path=str(path),
            expected=digest.sha256,
            actual=now.sha256,
            remedy="Lock it again when nothing writes it.",
        )


def _bundle(paths: list[Path], arguments: argparse.Namespace) -> Lock:
    from ..documents.kinds import is_readable
    from ..locks.judgement import decided
    from ..locks.naming import file_key
    from ..locks.parts import FileDigest
    from ..locks.target import Target
    from .reading import approved_file

    folder = (arguments.output or paths[0]).parent
    keys = [file_key(path, folder) for path in paths]
    last = [PurePosixPath(key).name for key in keys]
    names = [name.rpartition(".")[0].replace(".", "_") or name for name in last]
    if len(set(names)) < len(names):
        names = [key.removeprefix("../").replace(".", "_") for key in keys]
    if len(set(names)) < len(names):
        raise NormLockError("Two artifacts of the bundle have the same name.", remedy="Rename one of them.")
    members: dict[str, Any] = {}
    files: dict[str, FileDigest] = {}
    for name, key, path in zip(names, keys, paths, strict=True):
        members[name], digest = (
            approved_file(path, arguments.trusted) if is_readable(path) else (path, FileDigest.of(path))
        )
        files[key] = replace(digest, member=name)
    target = Target(members)
    target.refuse_main()
    made = target.locked(paths=dict(zip(names, paths, strict=True)))
    for key, path in zip(keys, paths, strict=True):
        _require_unchanged(path, replace(files[key], member=None))
    return decided(made, dict(arguments.accept), arguments.approve_outputs, arguments.trusted).with_files(files)


def _before(output: Path) -> Lock | None:
    from ..errors import LockFormatError
    from ..locks.document import Lock

    try:
        return Lock.load(output)
    except LockFormatError:
        return None


def _print(lock: Lock, output: Path, before: Lock | None, style: str) -> None:
    import json

    from ..locks.explain import plain_fields
    from ..locks.judgement import notes, unjudged
    from ..locks.lock_diff import report_of

    report = None if before is None or before == lock else report_of(before, lock)
    open_points = list(unjudged(lock))
    outputs = sum(len(probe.outputs) for probe in lock.probes)
    left_out = {probe.path: probe.left_out for probe in lock.probes if probe.left_out}
    if style == "json":
        facts: dict[str, Any] = {"code": MATCH, "lock": str(output), "fingerprint": lock.fingerprint}
        facts |= {"outputs": outputs, "left_out": left_out, "undecided": [plain_fields(each) for each in open_points]}
        print(json.dumps({**facts, "diff": None if report is None else report.to_dict()}, sort_keys=True))
        return
    lines = [f"{output}: locked {lock.fingerprint}, {outputs} output{'s' * (outputs != 1)} probed"]
    lines += [f"  {path or 'the object'} has no probe: {why}" for path, why in left_out.items()]
    if left_out and not any(probe.source == "rows" for probe in lock.probes):
        lines.append("  Rows of yours can give it one: --rows FILE.")
    lines += [f"  {path or 'the object'} is accepted without a probe: {why}" for path, why in lock.accepted.items()]
    lines += [f"  {note}" for note in notes(lock)]
    lines += [f"  verify can't tell, {each.text}" for each in open_points]
    print_lines(lines, style)
    if report is not None and style == "text":
        print("Compared with the lock that was there before:")
        print(report.explain())
