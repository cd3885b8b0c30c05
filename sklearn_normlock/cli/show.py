"""``normlock show``: what a lock says, or what an artifact holds."""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .outcome import MATCH, add_format, print_lines
from .reading import add_python_path, has_content, is_lock, safe_object

if TYPE_CHECKING:
    from ..locks.document import Lock

HELP = "show what a lock says or an artifact holds"
DESCRIPTION = (
    "Prints a lock for a reader; scikit-learn isn't needed for that. For an artifact it prints the lock that the "
    "artifact would have, and which steps have a fast path."
)

_WIDTH = 100


def configure(parser: argparse.ArgumentParser) -> None:
    """Give the command its arguments."""
    parser.add_argument("path", type=Path, help="lock or artifact")
    parser.add_argument("--trusted", action="append", default=[], metavar="TYPE", help="a type that a .skops may hold")
    parser.add_argument("--trust-file", action="store_true", help="open a .joblib or .pkl file, which runs code")
    add_python_path(parser)
    add_format(parser)


def run(arguments: argparse.Namespace) -> int:
    """Print it; return 0."""
    kernels: Mapping[str, tuple[str, ...]] = {}
    reasons: Mapping[str, str] = {}
    unseen: Mapping[str, str] = {}
    if is_lock(arguments.path):
        from ..locks.document import Lock

        lock = Lock.load(arguments.path)
    elif has_content(arguments.path):
        from ..locks.comparison import lock as locked

        lock = locked(arguments.path)
    else:
        est = safe_object(arguments.path, arguments.trusted, arguments.trust_file)
        from ..kernels import fast_paths, slow_paths
        from ..locks.comparison import lock as locked
        from ..seals.mixin import Locked
        from ..seals.survey import blind_spots

        lock, kernels, reasons = locked(est), fast_paths(est), slow_paths(est)
        unseen = blind_spots(est) if isinstance(est, Locked) else {}
    if arguments.format == "json":
        print(json.dumps(lock.to_dict(), sort_keys=True))
    else:
        print_lines([*_lines(lock), *_fast(kernels, reasons), *_unseen(unseen)], arguments.format)
    return MATCH


def _unseen(spots: Mapping[str, str]) -> Iterator[str]:
    """Say which parts of a locked object a call doesn't look at."""
    for reason in sorted(set(spots.values())):
        paths = [path for path, why in spots.items() if why == reason]
        more = f" and {len(paths) - 3} more" if len(paths) > 3 else ""
        yield f"seen at load {', '.join(paths[:3])}{more}: {reason}"


def _lines(lock: Lock) -> Iterator[str]:
    from ..locks.judgement import notes, unjudged

    yield f"fingerprint  {lock.fingerprint}"
    yield "locked under " + ", ".join(f"{name} {number}" for name, number in lock.environment.items())
    for path, fitted in lock.fitted.items():
        yield f"fitted under {path + ': ' if path else ''}{fitted.text}"
    yield from (f"approved     {note}" for note in notes(lock))
    for path, reason in lock.accepted.items():
        yield f"accepted     {path or '(whole)'}, without a probe: {reason}"
    for name in lock.trusted:
        yield f"trusted      {name} may be in a .skops file with the locked bytes"
    for each in unjudged(lock):
        yield f"CAN'T TELL   {each.text}"
    for name, file in lock.files.items():
        member = f", member {file.member!r}" if file.member else ""
        yield f"file         {name}: {file.size:,} bytes, SHA-256 {file.sha256}{member}"
    for path, what in lock.beside.items():
        yield f"by its bytes {f'{path}: ' if path else ''}{what}"
    for path, contract in lock.inputs.items():
        where = f" of {path}" if path else ""
        dtypes = f", {', '.join(dict.fromkeys(contract.dtypes))}" if contract.dtypes else ""
        yield f"input{where:7} {contract.width} columns{dtypes}" + (
            _shortened(": " + ", ".join(contract.names)) if contract.names else ""
        )
    yield "state"
    yield from (f"  {line}" for line in _state(lock.state))
    yield from _probes(lock)
    if lock.profile is not None:
        yield "profile      of the data it was fitted on: yes (no rows)"
    for fault, columns in (lock.coverage or {}).get("unseen", {}).items():
        if columns:
            yield f"can't see    {fault}: {_shortened(', '.join(map(str, columns)))}"


def _fast(kernels: Mapping[str, tuple[str, ...]], reasons: Mapping[str, str]) -> Iterator[str]:
    for path, methods in kernels.items():
        none = f"none, as scikit-learn computes it: {reasons.get(path)}"
        yield f"fast path    {path or '(whole)'}: {', '.join(methods) or none}"


def _state(state: Mapping[str, Any]) -> Iterator[str]:
    """Yield a line for each estimator, and one for what it was fitted with."""
    for path, entry in state.items():
        if isinstance(entry, Mapping) and "class" in entry:
            yield f"{path or '(whole)'}: {entry['class'].replace(':', '.')}  {entry['digest'][:12]}…"
            if "cut" in entry:
                yield "  (not all of the state had room in the lock; the fingerprint is of all)"
        elif isinstance(entry, str):
            yield f"  {path} = {_shortened(entry)}"
        elif "values" in entry:
            shape = " × ".join(map(str, entry["shape"])) or "scalar"
            values = ", ".join(f"{x:.6g}" if isinstance(x, float) else str(x) for x in entry["values"][:8])
            more = ", …" if len(entry["values"]) > 8 else ""
            yield f"  {path} [{shape}] = {_shortened(values + more)}"
        elif "text" in entry:
            yield f"  {path} = {_shortened(entry['text'])}"
        elif "shape" in entry:
            about = ", ".join(f"{name} {value:.6g}" for name, value in entry.get("summary", {}).items())
            yield f"  {path} [{' × '.join(map(str, entry['shape']))}] {about}"


def _probes(lock: Lock) -> Iterator[str]:
    for probe in lock.probes:
        where = probe.path or "(whole)"
        if probe.left_out is not None:
            yield f"not probed   {where}: {probe.left_out}"
            continue
        kept = "YOUR ROWS are kept in the lock" if probe.source == "rows" else "rows made from fitted statistics"
        places = ", ".join(f"{each.place} {' × '.join(map(str, each.shape))}" for each in probe.outputs)
        yield f"probe        {where}, {kept}: {_shortened(places)}"


def _shortened(text: str) -> str:
    return text if len(text) <= _WIDTH else text[: _WIDTH - 1] + "…"
