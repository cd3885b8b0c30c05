"""``normlock demo``: see it raise."""

from __future__ import annotations

import argparse

from .outcome import MATCH, MISMATCH

HELP = "train, save, reload in another process, and raise on three faults that are served silently today"
DESCRIPTION = (
    "Trains a pipeline on a data set that ships with scikit-learn, saves it with skops, reloads it in another process, "
    "and then shows three faults: what scikit-learn serves, and the error that is raised instead. Exit code 0 if the "
    "reloaded pipeline matches and every fault is caught, 1 if not."
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Give the command its arguments: it has none."""


def run(arguments: argparse.Namespace) -> int:
    """Run the demonstration."""
    from .demonstration import demonstrate

    return MATCH if demonstrate() else MISMATCH
