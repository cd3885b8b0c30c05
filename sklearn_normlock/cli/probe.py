"""``normlock probe``: what each step puts out, and where two pipelines or machines begin to differ."""

from __future__ import annotations

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

from .outcome import MATCH, UsageError, add_format, print_lines, print_nothing, print_report
from .reading import add_python_path, safe_object, table

HELP = "run rows through an artifact, step by step, and find the first step that differs"
DESCRIPTION = (
    "With --lock: puts the probes of the lock through the artifact and compares the outputs alone, whatever its state "
    "is. With --rows: traces these rows through the steps; -o saves the trace, --against compares with one that was "
    "saved elsewhere."
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Give the command its arguments."""
    parser.add_argument("artifact", type=Path, help="a file with a fitted object")
    parser.add_argument("--lock", type=Path, help="compare with the outputs in this lock")
    parser.add_argument("--rows", type=Path, help="rows to trace: .npy, .csv or .parquet")
    parser.add_argument("-o", "--output", type=Path, help="save the trace")
    parser.add_argument("--against", type=Path, metavar="TRACE", help="compare with a saved trace")
    parser.add_argument("--trusted", action="append", default=[], metavar="TYPE", help="a type that a .skops may hold")
    parser.add_argument("--trust-file", action="store_true", help="open a .joblib or .pkl file, which runs code")
    add_python_path(parser)
    add_format(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the probes; return 0 if the outputs agree, 1 if not."""
    if (arguments.lock is None) == (arguments.rows is None):
        raise UsageError("normlock probe: give either --lock or --rows")
    if arguments.lock is not None:
        return _by_lock(arguments)
    from ..locks.trace import Trace, trace

    before = None if arguments.against is None else Trace.load(arguments.against)
    found = trace(_object(arguments), table(arguments.rows))
    if arguments.output is not None:
        found.save(arguments.output)
    if before is not None:
        return print_report(replace(before.diff(found), subject=str(arguments.artifact)), arguments.format)
    if arguments.format == "json":
        import json

        print(json.dumps(found.to_dict(), sort_keys=True))
    else:
        print_lines(
            [
                f"{each.place}: {' × '.join(map(str, each.shape))} {each.dtype}, SHA-256 {each.digest[:12]}…"
                for each in found.outputs
            ],
            arguments.format,
        )
    return MATCH


def _object(arguments: argparse.Namespace) -> Any:
    return safe_object(arguments.artifact, arguments.trusted, arguments.trust_file)


def _by_lock(arguments: argparse.Namespace) -> int:
    from ..locks.document import Lock
    from ..persistence import open_locked

    lock = Lock.load(arguments.lock)
    _, report = open_locked(arguments.artifact, lock, trusted=arguments.trusted, trust_file=arguments.trust_file)
    if not report.probed:
        return print_nothing("the lock has no probe that can be run", arguments.format, arguments.artifact)
    outputs = replace(report, changes=(), effects=(), expected="", actual="")
    return print_report(outputs, arguments.format)
