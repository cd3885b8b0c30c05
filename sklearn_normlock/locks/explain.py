"""A report in words: for a terminal, a program, a workflow's annotations, a review comment, a page."""

from __future__ import annotations

import html
import json
import math
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from ..documents.rendering import escaped, one_line, spelled_out
from ..records.change import Change, Kind, plain_text
from .report import Verdict

if TYPE_CHECKING:
    from .report import Report

_CHANGES = 12  # more of them are a refit, and listing them would be noise
_MEMBERS = 3  # places inside numbered members, such as the trees of a forest, before the rest of them is counted
_STEPS = 6
_MARKS = {Verdict.MATCH: "✅", Verdict.MISMATCH: "❌", Verdict.UNDECIDED: "❔"}


def short(fingerprint: str) -> str:
    """Return a fingerprint as it is shown: its first twelve digits."""
    name, _, digits = fingerprint.partition(":")
    return f"{name}:{digits[:12]}…" if len(digits) > 12 else fingerprint


def change_line(change: Change) -> str:
    """Return a change as it stands in a review: ``num.scaler.mean_["income"]: 51203.4 → 51.2034 (×0.001: …)``."""
    known = f" ({change.relation.text})" if change.relation else ""
    where = change.path or "the object"
    if change.kind is Kind.ELEMENTS and change.shown:
        first, *others = (
            f"{label.strip() if i else where + label}: {plain_text(old)} → {plain_text(new)}"
            for i, (label, old, new) in enumerate(change.shown)
        )
        rest = change.differing - len(change.shown)
        more = f"; {rest} more of {change.size} differ" if rest > 0 else ""
        more += f"; {change.rounded} others by round-off" if change.rounded else ""
        return first + known + "".join(f"; {other}" for other in others) + more
    if change.kind is Kind.ADDED:
        return f"{where}: added, {plain_text(change.actual)}"
    if change.kind is Kind.REMOVED:
        return f"{where}: removed, was {plain_text(change.expected)}"
    if change.kind is Kind.CONTENT:
        return f"{where}{change.label}: other content{known}"
    noun = {Kind.SHAPE: "shape ", Kind.DTYPE: "dtype "}.get(change.kind, "")
    return f"{where}: {noun}{plain_text(change.expected)} → {plain_text(change.actual)}{known}"


def plain_change(change: Change) -> dict[str, Any]:
    """Return a change as plain JSON values."""
    relation = change.relation
    return {
        "path": change.path,
        "where": change.where,
        "kind": change.kind.value,
        "expected": _plain(change.expected),
        "actual": _plain(change.actual),
        "differing": change.differing,
        "size": change.size,
        "relation": None
        if relation is None
        else {"kind": relation.kind.value, "text": relation.text, "factor": relation.factor, "offset": relation.offset},
        "text": change_line(change),
    }


def plain_fields(part: Any) -> dict[str, Any]:
    """Return the fields of a deviation or an effect as plain JSON values."""
    return {field.name: _plain(getattr(part, field.name)) for field in fields(part)}


def _plain(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return repr(value)
    return list(value) if isinstance(value, tuple) else value


def verdict(report: Report) -> str:
    """Return the first line: what was looked at, and whether it matches."""
    subject = f"{report.subject}: " if report.subject else ""
    if report.verdict is Verdict.UNDECIDED:
        state = f", the state is the same ({short(report.expected)})" if report.expected == report.actual != "" else ""
        count = len(report.undecided)
        return f"{subject}CAN'T TELL{state}, but {count} thing{'s were' if count > 1 else ' was'} not judged"
    if not report.approval and not report.ok:
        return f"{subject}DIFFERENT: {short(report.expected)} → {short(report.actual)}".removesuffix(":  → ")
    if report.ok:
        plural = "outputs agree" if report.probed > 1 else "output agrees"
        outputs = f", {report.probed} probed {plural}" if report.probed else ""
        name = report.actual or report.expected
        if _reproduced(report):
            return f"{subject}reproduced within the tolerance, {short(report.expected)} by {short(name)}{outputs}"
        word = "match" if report.approval else "the same"
        return f"{subject}{word}, {short(name)}{outputs}" if name else f"{subject}{word}{outputs}"
    if report.expected == report.actual:
        return f"{subject}MISMATCH: the outputs differ" + (
            f", with the same state ({short(report.expected)})" if report.expected else ""
        )
    return f"{subject}MISMATCH: {short(report.expected)} was expected, this is {short(report.actual)}"


def _reproduced(report: Report) -> bool:
    """Tell whether it is another state that agrees within a tolerance: a refit."""
    return report.ok and bool(report.actual) and report.actual != report.expected


def outputs_line(report: Report) -> str | None:
    """Return what happens to the outputs, and from which step on."""
    moved = None
    if report.effects:
        worst = max(report.effects, key=lambda each: each.sigmas)
        where = f" in {worst.path}{worst.label}".rstrip() if worst.path or worst.label else ""
        moved = f"outputs move by up to {worst.sigmas:.3g} σ{where}"
    if report.deviations:
        first = report.deviations[0]
        known = [each.sigmas for each in report.deviations if each.sigmas is not None and math.isfinite(each.sigmas)]
        if math.isinf(first.relative) and first.sigmas is None:
            return f"outputs change{_from(first.path)}: {first.method}: {first.text}"
        where = f",{_from(first.place)}: " if first.path else f": {first.method} "
        if moved is not None:  # in deviations of the training data, as a diff of two locks has it
            return f"{moved}; probed outputs{where.replace(',', '', 1)}{first.text}"
        size = f" by up to {max(known):.3g} σ" if known else ""
        return f"probed outputs move{size}{where}{first.text}"
    if moved is not None:
        return moved + (f",{_from(report.step)}" if report.step else "")
    if report.probed and report.changes:
        return f"none of {report.probed} probed outputs moves beyond its tolerance"
    return None


def _from(step: str) -> str:
    """Return from where on; an object without steps has no place to name."""
    return f" from step {step} on" if step else ""


def _environment(report: Report) -> str | None:
    if not report.environment:
        return None
    return "versions: " + ", ".join(f"{name} {old} → {new}" for name, (old, new) in report.environment.items())


def _tolerances(report: Report) -> str | None:
    if not report.probed:
        return None
    stated = ", ".join(f"{dtype} {value:g}" for dtype, value in report.tolerances.items())
    return f"tolerance of outputs, relative to the largest of a column: {stated}; labels and whole numbers exactly"


def details(report: Report) -> Iterator[str]:
    """Yield the lines behind the first one."""
    listed, rest = _listed(report)
    for change, others in listed:
        yield change_line(change) + (f"; {others}" if others else "")
    if rest:
        yield f"and {rest} more places differ"
    yield from _behind(report)


def _listed(report: Report) -> tuple[list[tuple[Change, str]], int]:
    """Return the changes that are shown, what each of them stands for beside itself, and how many are left out.

    A hundred trees that all differ are one thing to know: the first places stand for them.
    """
    holders = [_holder(change.path) for change in report.changes]
    counts = Counter(holder for holder in holders if holder)
    seen: Counter[str] = Counter()
    listed = []
    for change, holder in zip(report.changes, holders, strict=True):
        seen[holder] += 1
        if not holder or seen[holder] <= _MEMBERS:
            more = counts[holder] - _MEMBERS if holder and seen[holder] == _MEMBERS else 0
            listed.append((change, f"{more} more places in {holder} differ" if more > 0 else ""))
    shown = listed[:_CHANGES]
    stood_for = sum(max(counts[holder] - _MEMBERS, 0) for holder in {_holder(c.path) for c, others in shown if others})
    return shown, len(report.changes) - len(shown) - stood_for


def _holder(path: str) -> str:
    """Return what holds the numbered member in which a path lies, such as ``estimators_``; empty if none does."""
    found = re.match(r"(.*?)\[\d+\][.\[]", path)
    return found[1] if found else ""


def _behind(report: Report) -> Iterator[str]:
    """Yield the lines behind the changes."""
    line = outputs_line(report)
    if line is not None:
        yield line
    # A step is probed as part of the whole and by itself, which mostly says the same.
    said = dict.fromkeys(f"{deviation.place}: {deviation.text}" for deviation in report.deviations)
    for text in list(said)[1:_STEPS]:
        yield f"then {text}"
    stated = bool(report.deviations or report.environment) or _reproduced(report)
    for line in (_environment(report), _tolerances(report) if stated else None):
        if line is not None:
            yield line
    for each in report.undecided:
        yield f"not judged: {each.text}"
    for path, reason in report.accepted.items():
        yield f"accepted by a reviewer: {path or 'the object'} is not probed: {reason}"
    yield from report.notes


def remedy(report: Report) -> str | None:
    """Return what to do next."""
    if report.verdict is not Verdict.MISMATCH or not report.approval:
        return None
    if report.expected == report.actual and report.deviations and not report.environment:
        return (
            "The versions are those it was locked under, so the code that it runs was edited: a function or class of "
            "yours, or an installed package. Deploy the code that was approved; or, if the change is meant, lock anew."
        )
    if report.expected == report.actual and report.deviations:
        return (
            "Serve under the versions it was locked under, or fit and lock it anew under these and review the change."
        )
    return "Deploy what was locked; or, if the change is meant, lock anew and have the new lock reviewed."


def _text(report: Report) -> str:
    lines = [verdict(report), *(f"  {line}" for line in details(report))]
    next_step = remedy(report)
    return "\n".join(map(one_line, [*lines, f"  {next_step}"] if next_step else lines))


def _json(report: Report) -> str:
    return json.dumps(report.to_dict(), sort_keys=True)


def _github(report: Report) -> str:
    """Return workflow commands (docs.github.com, "Workflow commands for GitHub Actions")."""
    if report.ok:
        return f"::notice title=normlock::{escaped(verdict(report))}"
    text = "\n".join(map(one_line, [verdict(report), *details(report), remedy(report) or ""])).strip()
    file = f" file={escaped(report.subject, property=True)}," if report.subject else " "
    return f"::error{file}title=normlock::{escaped(text)}"


def _markdown(report: Report) -> str:
    mark = _MARKS[report.verdict]
    lines = [f"{mark} **{_code(verdict(report))}**"]
    listed, left_out = _listed(report)
    if listed:
        lines += ["", "| where | before | after | |", "|---|---|---|---|"]
        for change, others in listed:
            note = _note(change, others)
            sides = [
                _code(_cell(plain_text(side))) if side is not None else "" for side in (change.expected, change.actual)
            ]
            where = _cell(change.where or "the object").replace("`", "'")
            lines.append(f"| `{where}` | {sides[0]} | {sides[1]} | {_cell(note)} |")
        if left_out:
            lines.append(f"| and {left_out} more | | | |")
    rest = list(_behind(report))
    lines += ["", *(f"- {_code(line)}" for line in rest)] if rest else []
    next_step = remedy(report)
    return spelled_out("\n".join([*lines, "", next_step] if next_step else lines))


def _note(change: Change, others: str) -> str:
    return "; ".join(filter(None, (change.relation.text if change.relation else _count(change), others)))


def _count(change: Change) -> str:
    if change.size > 1:
        return f"{change.differing} of {change.size} differ"
    return "" if change.kind in (Kind.VALUE, Kind.ELEMENTS) else change.kind.value  # both sides say it themselves


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _code(text: str) -> str:
    return text.replace("<", "&lt;").replace("`", "\\`").replace("\n", " ")


def _html(report: Report) -> str:
    listed, left_out = _listed(report)
    rows = "".join(
        f"<tr><td><code>{html.escape(change.where or 'the object')}</code></td>"
        f"<td>{html.escape(plain_text(change.expected)) if change.expected is not None else ''}</td>"
        f"<td>{html.escape(plain_text(change.actual)) if change.actual is not None else ''}</td>"
        f"<td>{html.escape(_note(change, others))}</td></tr>"
        for change, others in listed
    )
    table = f"<table><tr><th>where</th><th>before</th><th>after</th><th></th></tr>{rows}</table>" if rows else ""
    table = table and f'<div style="overflow-x: auto">{table}</div>'  # the page itself must not scroll sideways
    behind = [f"and {left_out} more places differ"] * bool(left_out) + list(_behind(report))
    items = "".join(f"<li>{html.escape(line)}</li>" for line in behind)
    next_step = remedy(report)
    # A browser that opens the fragment as a file would guess another encoding.
    return spelled_out(
        f'<div class="normlock-report {report.verdict.value}"><meta charset="utf-8">'
        f"<p><strong>{html.escape(verdict(report))}</strong></p>{table}{f'<ul>{items}</ul>' if items else ''}"
        f"{f'<p>{html.escape(next_step)}</p>' if next_step else ''}</div>"
    )


STYLES: dict[str, Callable[[Report], str]] = {
    "text": _text,
    "json": _json,
    "github": _github,
    "markdown": _markdown,
    "html": _html,
}
