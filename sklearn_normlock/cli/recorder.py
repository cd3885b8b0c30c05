"""``normlock recorder``: print a program that records outputs where this package can't be installed."""

from __future__ import annotations

import argparse
from pathlib import Path

from .outcome import MATCH
from .reading import approved_object, table

HELP = "print a program that records, in an old environment, what an object puts out"
DESCRIPTION = (
    "Prints one Python file (3.7 on, NumPy alone) that holds rows made for the artifact, which is opened for that, so "
    "name only what you trust. Run it where the artifact was fitted: `python recorder.py ARTIFACT OUTPUTS.json`. Then "
    "`normlock lock ARTIFACT --recorded OUTPUTS.json` tells whether the artifact still computes what it did."
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Give the command its arguments."""
    parser.add_argument("artifact", nargs="?", type=Path, help="rows are made for it")
    parser.add_argument("--rows", type=Path, help="your rows instead: .npy, .csv or .parquet; they are in the program")
    parser.add_argument("--trusted", action="append", default=[], metavar="TYPE", help="a type that a .skops may hold")


def run(arguments: argparse.Namespace) -> int:
    """Print it."""
    from ..locks.recorded import recorder_source

    est = None if arguments.artifact is None else approved_object(arguments.artifact, arguments.trusted)
    rows = None if arguments.rows is None else table(arguments.rows)
    print(recorder_source(est, rows), end="")
    return MATCH
