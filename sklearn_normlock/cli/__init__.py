"""The command ``normlock``. It decides nothing but the exit code.

Exit codes are interface: 0 match, 1 mismatch, 2 could not check, 3 nothing was checked, 64 usage.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import NoReturn

from .outcome import MATCH, USAGE, guarded

# Each is a module of this package with ``HELP``, ``DESCRIPTION``, ``configure(parser)`` and ``run(arguments)``; what
# they need they import when they run.
COMMANDS = ("lock", "verify", "diff", "show", "probe", "check", "gate", "unlock", "demo")


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        self.print_usage(sys.stderr)
        self.exit(USAGE, f"{self.prog}: {message}\n")


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
    parser = _Parser(
        prog="normlock",
        description="Preprocessing that cannot drift unnoticed.",
        epilog="Exit codes: 0 match, 1 mismatch, 2 could not check, 3 nothing was checked, 64 usage.",
    )
    parser.add_argument("--version", action="store_true", help="print the version and exit")
    subparsers = parser.add_subparsers(dest="command", metavar="COMMAND")
    for name in COMMANDS:
        module = import_module(f"{__name__}.{name}")
        module.configure(subparsers.add_parser(name, help=module.HELP, description=module.DESCRIPTION))
    arguments = parser.parse_args(argv)
    if arguments.version:
        from importlib.metadata import version

        print(f"normlock {version('sklearn-normlock')}")
        return MATCH
    if arguments.command is None:
        parser.print_help(sys.stderr)
        return USAGE
    return guarded(import_module(f"{__name__}.{arguments.command}").run, arguments)
