"""The command ``normlock``. It decides nothing but the exit code.

Exit codes are interface: 0 match, 1 mismatch, 2 could not check, 3 nothing was checked, 64 usage.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import NoReturn

MATCH, MISMATCH, COULD_NOT_CHECK, NOTHING_CHECKED, USAGE = 0, 1, 2, 3, 64


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
    parser = _Parser(prog="normlock", description="Preprocessing that cannot drift unnoticed.")
    parser.add_argument("--version", action="store_true", help="print the version and exit")
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    commands.add_parser(
        "demo",
        help="train, save, reload in another process, and raise on three faults that are served silently today",
        description="Trains a pipeline on a data set that ships with scikit-learn, saves it with skops, reloads it in "
        "another process, and then shows three faults: what scikit-learn serves, and the error that is raised instead. "
        "Exit code 0 if the reloaded pipeline matches and every fault is caught, 1 if not.",
    )
    arguments = parser.parse_args(argv)
    if arguments.version:
        from importlib.metadata import version

        print(f"normlock {version('sklearn-normlock')}")
        return MATCH
    if arguments.command is None:
        parser.print_help(sys.stderr)
        return USAGE
    from .demo import run

    return MATCH if run() else MISMATCH
