"""What the campaign says: the truth beside what the lock said without knowing it, and where the two disagree."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

#: The lock must be silent, and must raise. Of what can't be unpickled only `load` can say anything.
AGREE = ("same bits", "agrees", "no output")
DISAGREE = ("changed", "can't run")
#: The third answer: it is no match, and names what was not judged, such as rows with missing values.
UNDECIDED = "UndecidedError"
#: What is drawn anew by each call can't be compared: the lock may say that it can't tell, but no mismatch.
DRAWN = "at random"
UNREADABLE = "can't load"
TRUTHS = (*AGREE, *DISAGREE, DRAWN, UNREADABLE)
#: The errors that say "another version does something else here", whatever else they say.
EXPECTED = frozenset({"LockMismatchError", "ProbeMismatchError"})

Row = Mapping[str, Any]


def faults(result: Mapping[str, Any]) -> list[str]:
    """Return every setting of which the lock says something else than the truth; a pure function."""
    found = []
    for name, row in result["cases"].items():
        found += [f"{name}: {fault} ({row['truth']}, {row.get('detail', '')})" for fault in _faults(row)]
    return found


def _faults(row: Row) -> Iterator[str]:
    if row["truth"] not in TRUTHS:
        yield f"no such truth as {row['truth']}"
        return
    for way in [way for way in ("verify", "load") if way in row]:
        said = row[way]
        if row["truth"] in (*AGREE, DRAWN):
            if said["raised"] and (row["truth"], said["raised"]) != (DRAWN, UNDECIDED):
                yield f"{way} gave a false alarm: {said['raised']}: {said['message']}"
            for warning in said["warnings"] if row["truth"] != DRAWN else ():
                yield f"{way} warned: {warning}"
        elif not said["raised"]:
            yield f"{way} said nothing"
        elif row["truth"] == UNREADABLE:
            if not said["ours"]:
                yield f"{way} raised what isn't ours: {said['raised']}: {said['message']}"
        elif said["raised"] == UNDECIDED:
            if row["step"] not in said["message"]:
                yield f"{way} didn't name the step {row['step']!r}: {said['message']}"
        elif said["raised"] not in EXPECTED:
            yield f"{way} raised another error: {said['raised']}: {said['message']}"
        elif not _names(row["step"], said):
            yield f"{way} didn't name the step {row['step']!r}: {said['path']!r}: {said['message']}"


def _names(step: str, said: Row) -> bool:
    """Tell whether an error names the step that is to blame, or something in it, in its field and in its text."""
    path = said["path"] or ""
    return not step or ((path == step or path.startswith((f"{step}.", f"{step}["))) and step in said["message"])


def counts(result: Mapping[str, Any]) -> Counter[str]:
    return Counter(row["truth"] for row in result["cases"].values())


def table(results: Mapping[str, Mapping[str, Any]]) -> str:
    """Return a table of results by their names: how many settings there were, and what the lock said of each kind."""
    head = f"{'from':44} {'settings':>8} " + " ".join(f"{truth:>10}" for truth in TRUTHS) + "  stock warned  faults"
    lines = [head, "-" * len(head)]
    for name, result in results.items():
        count, rows = counts(result), result["cases"].values()
        stock = sum(row.get("stock warned", False) for row in rows)
        cells = " ".join(f"{count[truth]:10}" for truth in TRUTHS)
        lines.append(f"{name:44} {len(rows):8} {cells}  {stock:12}  {len(faults(result)):6}")
    return "\n".join(lines)
