"""``normlock unlock``: the same fitted object in scikit-learn's own classes."""

from __future__ import annotations

import argparse
from pathlib import Path

from .outcome import MATCH, add_format, print_lines
from .reading import add_python_path, safe_object

HELP = "save the same fitted object in scikit-learn's own classes"
DESCRIPTION = (
    "Reads a locked object, verifies its seal, and saves it in stock classes: for an environment without this package. "
    "The fingerprint stays the same, so that its lock still holds."
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Give the command its arguments."""
    parser.add_argument("artifact", type=Path, help="a file with a locked object")
    parser.add_argument("output", type=Path, help="where the stock object goes: .skops, .joblib or .pkl")
    parser.add_argument("--trusted", action="append", default=[], metavar="TYPE", help="a type that a .skops may hold")
    parser.add_argument("--trust-file", action="store_true", help="open a .joblib or .pkl file, which runs code")
    add_python_path(parser)
    add_format(parser)


def run(arguments: argparse.Namespace) -> int:
    """Save the stock object; return 0."""
    est = safe_object(arguments.artifact, arguments.trusted, arguments.trust_file)
    from ..fingerprints import fingerprint
    from ..persistence import dump
    from ..seals.opening import unlock

    stock = unlock(est)
    dump(stock, arguments.output)
    print_lines(
        [f"{arguments.output}: {type(stock).__module__}.{type(stock).__qualname__}, {fingerprint(stock)}"],
        arguments.format,
    )
    return MATCH
