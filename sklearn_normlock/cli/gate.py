"""``normlock gate OLD NEW --data REF --target Y``: tell whether a new pipeline may replace an old one."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..errors import GateInputError
from .outcome import COULD_NOT_CHECK, MATCH, MISMATCH, add_format, coloured_by, print_lines
from .reading import table

HELP = "tell whether a new pipeline may replace an old one, by reference rows"
DESCRIPTION = (
    "Runs both on the rows of a file, and judges each metric by the paired interval of its change, on all rows and by "
    "cohort. OLD and NEW are verified by the locks beside them first. Exit code 0 if every limit is kept, 1 if one is "
    "broken, 2 if the rows don't decide. Without OLD and NEW, --pin writes the manifest of the rows alone."
)
_ANSWERS = {"match": MATCH, "mismatch": MISMATCH, "undecided": COULD_NOT_CHECK}


def configure(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of the command.

    Parameters
    ----------
    parser : ArgumentParser
        The command's own.
    """
    parser.add_argument("artifacts", nargs="*", type=Path, metavar="OLD NEW", help="two artifacts with their locks")
    parser.add_argument("--data", required=True, type=Path, help="the reference rows: .parquet, .csv or .npy")
    parser.add_argument("--target", metavar="COLUMN", help="the column of right answers; without it only agreement")
    parser.add_argument("--weight", metavar="COLUMN", help="the column of weights")
    parser.add_argument(
        "--cohort",
        action="append",
        default=[],
        metavar="COLUMN[:BINS]",
        help="judge each value, or bin, of a column by itself; 'found' searches for the worst slice",
    )
    parser.add_argument("--metric", action="append", metavar="NAME", help="a scikit-learn scorer, or agreement")
    parser.add_argument("--limits", type=Path, metavar="FILE", help="normlock.toml, or pyproject.toml")
    parser.add_argument("--reference", type=Path, metavar="FILE", help="the manifest that the rows must match")
    parser.add_argument("--pin", type=Path, metavar="FILE", help="write the manifest of the rows")
    parser.add_argument("--seed", type=int, default=0, help="the seed of what is drawn (default: 0)")
    parser.add_argument("--trusted", action="append", default=[], metavar="TYPE", help="a type that a .skops may hold")
    parser.add_argument("-o", "--output", type=Path, metavar="FILE", help="write the report to a file instead")
    add_format(parser, "markdown", "html")


def run(arguments: argparse.Namespace) -> int:
    """Run the command.

    Parameters
    ----------
    arguments : Namespace
        As :func:`configure` has them parsed.

    Returns
    -------
    code : int
        0 may replace, 1 must not, 2 undecided.
    """
    if len(arguments.artifacts) != 2 and (arguments.artifacts or arguments.pin is None):
        raise GateInputError(
            f"The gate compares two artifacts, and {len(arguments.artifacts)} were named.",
            remedy="Name the old and the new one, or --pin alone.",
        )
    rows = table(arguments.data)
    taken = [_taken(rows, name) for name in (arguments.target, arguments.weight)]
    y, weight = (None if name is None else rows[name].to_numpy() for name in taken)
    X = rows[[name for name in rows.columns if name not in taken]] if any(taken) else rows
    if arguments.pin is not None:
        from ..gates.reference import pin

        pin(X, y).save(arguments.pin)
        if not arguments.artifacts:
            print_lines(
                [f"{arguments.pin}: {len(rows):,} rows were pinned; review it and commit it."], arguments.format
            )
            return MATCH
    from ..gates.running import gate
    from ..persistence import load

    old, new = (load(path, lock=True, trusted=arguments.trusted) for path in arguments.artifacts)
    report = gate(
        old,
        new,
        X,
        y,
        cohorts=[_cohort(text) for text in arguments.cohort] or None,
        metrics=arguments.metric,
        limits=arguments.limits,
        sample_weight=weight,
        seed=arguments.seed,
        reference=arguments.reference,
        progress=_progress(len(rows)),
    )
    report = replace(report, old=str(arguments.artifacts[0]), new=str(arguments.artifacts[1]))
    code = _ANSWERS[report.answer]
    text = report.explain(arguments.format)
    if arguments.output is not None:
        from ..documents.files import replacing

        with replacing(arguments.output) as file:
            file.write((text + "\n").encode("utf-8"))
        text = report.explain().partition("\n")[0]
    print(coloured_by(code, text, sys.stdout) if arguments.format == "text" or arguments.output else text)
    return code


def _taken(rows: Any, name: str | None) -> Any:
    """Return the name of a column that is there, or None if none is asked for."""
    if name is None:
        return None
    columns = getattr(rows, "columns", None)
    if columns is None or name not in columns:
        shown = "no names" if columns is None else ", ".join(map(str, list(columns)[:8]))
        raise GateInputError(
            f"There is no column {name!r}; the file has {shown}.",
            path=name,
            remedy="Name the column as the file does.",
        )
    return name


def _cohort(text: str) -> Any:
    name, colon, bins = text.rpartition(":")
    return (name, int(bins)) if colon and bins.isdigit() else text


def _progress(rows: int) -> Callable[[int, int], None] | None:
    """Return what shows how many rows are done, if there is a terminal to show it on."""
    if rows < 1 << 17 or not sys.stderr.isatty():
        return None

    def show(done: int, of: int) -> None:
        end = "" if done < of else "\r" + " " * 60 + "\r"
        print(f"\rcomparing: {100 * done // of} % of {of:,} rows", end=end, file=sys.stderr, flush=True)

    return show
