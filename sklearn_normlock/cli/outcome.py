"""How a command ends: its exit code, and what it prints in the format that was asked for."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Callable, Iterable
from dataclasses import replace
from difflib import get_close_matches
from typing import IO, TYPE_CHECKING, Any

from ..documents.rendering import escaped, one_line, spelled_out
from ..errors import (
    ArtifactDigestError,
    EnvironmentMismatchError,
    FingerprintMismatchError,
    InputFaultError,
    LockMismatchError,
    NormLockError,
    PipelineMismatchError,
    ProbeMismatchError,
    ReferenceMismatchError,
)

if TYPE_CHECKING:
    from ..images.differences import PixelReport
    from ..locks.report import Report, Verdict
    from ..retrieval.report import VectorReport

MATCH, MISMATCH, COULD_NOT_CHECK, NOTHING_CHECKED, USAGE = 0, 1, 2, 3, 64
_CLOSED_PIPE = 141  # 128 + SIGPIPE
FORMATS = ("text", "json", "github")

# These errors say that two things were compared and differ. Any other error says that they could not be.
_MISMATCHES = (
    EnvironmentMismatchError,
    FingerprintMismatchError,
    InputFaultError,
    LockMismatchError,
    PipelineMismatchError,
    ProbeMismatchError,
    ReferenceMismatchError,
)
_GREEN, _RED, _YELLOW, _PLAIN = "\033[32m", "\033[31m", "\033[33m", "\033[0m"
_COLOURS = {MATCH: _GREEN, MISMATCH: _RED}
_LARGE = 1 << 26  # bytes from which reading a file takes long enough to say so


def add_format(parser: argparse.ArgumentParser, *more: str) -> None:
    """Give a command its ``--format``."""
    parser.add_argument(
        "--format", choices=[*FORMATS, *more], default="text", help="for a terminal, a program, or a GitHub workflow"
    )


def code_of(error: BaseException) -> int:
    """Return the exit code that an error means: a mismatch, or that it could not be checked."""
    if isinstance(error, ArtifactDigestError):
        return MISMATCH if error.expected else COULD_NOT_CHECK
    return MISMATCH if isinstance(error, _MISMATCHES) else COULD_NOT_CHECK


def worst(codes: Iterable[int]) -> int:
    """Return the exit code of several checks: nothing that failed is hidden by what did not."""
    found = set(codes)
    for code in (MISMATCH, COULD_NOT_CHECK, NOTHING_CHECKED):
        if code in found:
            return code
    return MATCH if found else NOTHING_CHECKED


class UsageError(NormLockError):
    """Arguments that do not go together."""


def guarded(run: Callable[[argparse.Namespace], int], arguments: argparse.Namespace) -> int:
    """Run a command; an error of ours, or of a file, is printed and becomes an exit code."""
    style = getattr(arguments, "format", "text")
    try:
        try:
            code = run(arguments)
            sys.stdout.flush()  # what can't be printed is said now, and not by Python at its end
            return code
        except BrokenPipeError:
            raise
        except UsageError as error:
            print_error(error, style, USAGE)
            return USAGE
        except (Exception, KeyboardInterrupt) as error:  # an estimator's own on the user's rows, or a bug, among them
            stopped = isinstance(error, KeyboardInterrupt)
            said = NormLockError("interrupted; nothing was verified") if stopped else error
            code = code_of(said)
            print_error(said, style, code)
            sys.stdout.flush()
            return code
    except BrokenPipeError:
        # Nobody reads on. Python flushes at its end, and would complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _CLOSED_PIPE
    except OSError:  # nothing can be printed: the disk behind standard output is full, say
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return COULD_NOT_CHECK


def print_error(error: BaseException, style: str, code: int, subject: str = "") -> None:
    """Print an error in the format that was asked for; a text that doesn't name its subject gets the name."""
    text = str(error) if isinstance(error, NormLockError) else _of_system(error)
    path = getattr(error, "path", None)
    # A name with a line break in it forges no line of ours.
    for name in (subject, path if isinstance(path, str) else ""):
        text = text.replace(name, one_line(name)) if "\n" in name else text
    if one_line(subject) not in text:
        text = f"{one_line(subject)}: {text}"
    text = spelled_out(text)
    if style == "json":
        fields = {"ok": False, "code": code, "error": type(error).__name__, "message": text, "subject": subject}
        fields |= {"path": path, "help": getattr(error, "help", None) if isinstance(error, NormLockError) else None}
        print(json.dumps(fields, sort_keys=True))
    elif style == "github":
        print(f"::error title=normlock {type(error).__name__}::{escaped(text)}")
    else:
        word = {MISMATCH: "MISMATCH", USAGE: "usage"}.get(code, "could not check")
        line = text if text.startswith(("MISMATCH", f"{subject}: MISMATCH")) else f"{word}: {text}"
        print(coloured(line, _RED if code == MISMATCH else _YELLOW, sys.stderr), file=sys.stderr)


def print_lines(lines: Iterable[str], style: str = "text") -> None:
    """Print lines of names and values that may hold anything: for a terminal, or as one notice of a workflow."""
    text = "\n".join(one_line(line) for line in lines)
    if style == "json":
        print(json.dumps({"ok": True, "code": MATCH, "message": text}, sort_keys=True))
        return
    print(f"::notice title=normlock::{escaped(text)}" if style == "github" else text)


def print_nothing(text: str, style: str, subject: Any, done: str = "checked") -> int:
    """Say that nothing was checked, or locked, and why; return the exit code for that."""
    message = f"{one_line(subject)}: nothing was {done}, {text}"
    if style == "json":
        facts = {"ok": False, "code": NOTHING_CHECKED, "subject": str(subject), "message": message}
        print(json.dumps(facts, sort_keys=True))
    elif style == "github":
        print(f"::error title=normlock::{escaped(message)}")
    else:
        print(coloured(message, _YELLOW, sys.stderr), file=sys.stderr)
    return NOTHING_CHECKED


def _of_system(error: BaseException) -> str:
    if isinstance(error, FileNotFoundError) and error.filename is not None:
        return f"There is no file or folder {one_line(error.filename)}.{_nearest(error.filename)}"
    if isinstance(error, OSError) and error.filename is not None:
        return f"{one_line(error.filename)}: {error.strerror}."
    return f"{type(error).__name__}: {error}"


def _nearest(path: Any) -> str:
    """Return a question for the name beside a path that comes nearest to it."""
    folder, name = os.path.split(os.fsdecode(path))
    try:
        names = sorted(os.listdir(folder or "."))[:10_000]
    except OSError:
        return ""
    near = get_close_matches(name, names, n=1, cutoff=0.8)
    return f" Did you mean {one_line(os.path.join(folder, near[0]))}?" if near else ""


def code_of_verdict(verdict: Verdict) -> int:
    """Return the exit code that an answer means."""
    return {"match": MATCH, "mismatch": MISMATCH, "undecided": COULD_NOT_CHECK}[verdict.value]


def print_report(report: Report | VectorReport | PixelReport, style: str) -> int:
    """Print a report and return the exit code it means."""
    report = replace(report, subject=one_line(report.subject))
    code = code_of_verdict(report.verdict)
    if style == "json":
        print(json.dumps({**report.to_dict(), "code": code}, sort_keys=True))
    elif style == "text":
        first, _, rest = report.explain().partition("\n")
        print(coloured(first, _COLOURS.get(code, _YELLOW), sys.stdout) + (f"\n{rest}" if rest else ""))
    else:
        print(report.explain(style))
    return code


def coloured(text: str, colour: str, stream: IO[str]) -> str:
    """Colour the first line of a text if it goes to a terminal (no-color.org)."""
    if not stream.isatty() or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return text
    first, newline, rest = text.partition("\n")
    return f"{colour}{first}{_PLAIN}{newline}{rest}"


def coloured_by(code: int, text: str, stream: IO[str]) -> str:
    """Colour the first line of a text by its exit code if it goes to a terminal."""
    return coloured(text, _COLOURS.get(code, _YELLOW), stream)


def progress(path: Any) -> Callable[[int], None] | None:
    """Return what shows how much of a large file has been read, if there is a terminal to show it on."""
    size = os.path.getsize(path)
    if size < _LARGE or not sys.stderr.isatty():
        return None
    shown = -1

    def show(read: int) -> None:
        nonlocal shown
        percent = 100 * read // size
        if percent != shown:
            shown = percent
            end = "\r" if read < size else "\r" + " " * 79 + "\r"
            print(f"\rreading {path}: {percent} % of {size / 1e6:,.0f} MB", end=end, file=sys.stderr, flush=True)

    return show
