"""The command ``normlock``. It decides nothing but the exit code.

Exit codes are interface: 0 match, 1 mismatch, 2 could not check, 3 nothing was checked, 64 usage; 141 if
whoever read the output stopped to, as programs do that a closed pipe ends.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from importlib import import_module
from typing import ClassVar, NoReturn

from ..documents.rendering import spelled_out
from .outcome import MATCH, USAGE, UsageError, guarded, print_error

# Each is a module of this package with ``HELP``, ``DESCRIPTION``, ``configure(parser)`` and ``run(arguments)``; what
# they need they import when they run.
COMMANDS = ("lock", "verify", "diff", "show", "probe", "check", "gate", "recorder", "unlock", "completion", "demo")


class _Parser(argparse.ArgumentParser):
    """A parser that says what was meant, in the format that was asked for."""

    style = "text"
    known: ClassVar[set[str]] = set()  # commands and options

    def error(self, message: str) -> NoReturn:
        message += _did_you_mean(message, sorted(self.known))
        if self.style == "text":
            self.print_usage(sys.stderr)
            self.exit(USAGE, f"{self.prog}: {spelled_out(message)}\n")
        print_error(UsageError(f"{self.prog}: {message}"), self.style, USAGE)
        self.exit(USAGE)


def _did_you_mean(message: str, known: Sequence[str]) -> str:
    """Return which commands or options come near to what an error is about."""
    words = re.findall(r"invalid choice: '([^']*)'|(--[\w-]+)", message)
    for word in (first or second for first, second in words):
        # An option of another command is spelled well.
        near = [] if word in known else get_close_matches(word, known, n=2)
        if near:
            return f" (did you mean {' or '.join(near)}?)"
    return ""


def _style_of(argv: Sequence[str]) -> str:
    """Return the format that arguments ask for, before they are parsed: they may not be parsable."""
    found = "text"
    for argument, following in zip(argv, [*argv[1:], ""], strict=False):
        if argument == "--":
            break
        name, _, value = argument.partition("=")
        if name == "--format":
            found = value or following
    return found if found in ("json", "github") else "text"


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of the command, with a sub-parser for each of ``COMMANDS``."""
    parser = _Parser(
        prog="normlock",
        description="Preprocessing that cannot drift unnoticed.",
        epilog="Exit codes: 0 match, 1 mismatch, 2 could not check, 3 nothing was checked, 64 usage.",
    )
    parser.add_argument("--version", action="store_true", help="print the version and exit")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND")
    for name in COMMANDS:
        module = import_module(f"{__name__}.{name}")
        subparser = subparsers.add_parser(name, help=module.HELP, description=module.DESCRIPTION)
        module.configure(subparser)
        _Parser.known |= {name, *subparser._option_string_actions}
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command.

    Parameters
    ----------
    argv : sequence of str, default=None
        Arguments; those of the process if None.

    Returns
    -------
    code : int
        The exit code.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a terminal or pipe that has no arrow or ellipsis is no reason to fail
            stream.reconfigure(errors="backslashreplace")
    _Parser.style = _style_of(sys.argv[1:] if argv is None else argv)
    parser = make_parser()
    arguments = parser.parse_args(argv)
    if arguments.version:
        from importlib.metadata import version

        print(f"normlock {version('sklearn-normlock')}")
        return MATCH
    if arguments.command is None:
        parser.print_help(sys.stderr)
        return USAGE
    for folder in getattr(arguments, "python_path", None) or ():
        sys.path.insert(0, folder)
    return guarded(import_module(f"{__name__}.{arguments.command}").run, arguments)
