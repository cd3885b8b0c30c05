"""``normlock diff``: what differs between two locks, or two artifacts, as a review comment."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from .outcome import add_format, print_report
from .reading import add_python_path, has_content, is_lock, safe_object

HELP = "say what differs between two locks or artifacts"
DESCRIPTION = (
    "Prints what a reviewer wants to know of a change: the parameter, the feature, both values, how they are related, "
    "and what it does to the outputs. Two locks are compared without scikit-learn. Exit code 1 if they differ."
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Give the command its arguments."""
    parser.add_argument("old", type=Path, help="lock or artifact, before")
    parser.add_argument("new", type=Path, help="lock or artifact, after")
    parser.add_argument("--trusted", action="append", default=[], metavar="TYPE", help="a type that a .skops may hold")
    parser.add_argument("--trust-file", action="store_true", help="open .joblib and .pkl files, which runs code")
    add_python_path(parser)
    add_format(parser, "markdown", "html")


def run(arguments: argparse.Namespace) -> int:
    """Print the difference; return 0 if there is none, else 1."""
    old, new = (_side(path, arguments) for path in (arguments.old, arguments.new))
    if is_lock(arguments.old) and is_lock(arguments.new):
        from ..locks.lock_diff import report_of

        return print_report(report_of(old, new), arguments.format)
    from ..locks.comparison import diff

    return print_report(diff(old, new), arguments.format)


def _side(path: Path, arguments: argparse.Namespace) -> Any:
    if not is_lock(path):
        return path if has_content(path) else safe_object(path, arguments.trusted, arguments.trust_file)
    from ..locks.document import Lock

    return Lock.load(path)
