"""Tables in Markdown from the counts: one split at a time, vectors apart from tables."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable

from scipy.stats import beta

Lines = list[dict]

ORDER = ["1", "16", "64", "256", "1000", "16 x 1", "64 x 1"]


def interval(k: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """Return the Clopper-Pearson interval of a rate."""
    tail = (1 - level) / 2
    low = float(beta.ppf(tail, k, n - k + 1)) if k else 0.0
    return low, float(beta.ppf(1 - tail, k + 1, n - k)) if k < n else 1.0


def rate(k: int, n: int, digits: int = 1) -> str:
    """Return a rate in per cent with its interval."""
    if not n:
        return "—"
    low, high = interval(k, n)
    return f"{100 * k / n:.{digits}f} ({100 * low:.{digits}f}–{100 * high:.{digits}f})"


def few(k: int, n: int) -> str:
    """Return a rate that should be zero: count of count, and the upper end of its interval."""
    return f"{k}/{n} (≤ {100 * interval(k, n)[1]:.2f} %)" if n else "—"


def calm(line: dict) -> bool:
    return line["case"] == "clean" or line["case"].startswith("drift")


def alarm(line: dict) -> bool:
    return line["verdict"] is not None and not line["verdict"].startswith("error")


def total(lines: Iterable[dict], test: Callable[[dict], bool] = lambda line: True) -> int:
    return sum(line["count"] for line in lines if test(line))


def exact(line: dict) -> bool:
    return line["verdict"] == line["case"]


def right(line: dict) -> bool:
    return line["right"]


def table(head: list[str], rows: list[list[str]]) -> str:
    out = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(out + ["| " + " | ".join(row) + " |" for row in rows]) + "\n"


def values(lines: Lines, key: str) -> list[str]:
    """Return the values of a key in the order of their first appearance."""
    return list(dict.fromkeys(line[key] for line in lines))


def sizes(lines: Lines) -> list[str]:
    there = {line["rows"] for line in lines}
    return [rows for rows in ORDER if rows in there]


def headline(lines: Lines) -> str:
    """Detected, rightly named, false alarms: a row for each batch size, everything pooled."""
    rows = []
    for size in sizes(lines):
        these = [line for line in lines if line["rows"] == size]
        bad = [line for line in these if not calm(line)]
        alarms = total(bad, alarm)
        row = [size, str(total(bad)), rate(alarms, total(bad)), rate(total(bad, right), alarms)]
        row.append(f"{100 * total(bad, exact) / alarms:.1f}" if alarms else "—")
        for kind in ("clean", "drift: columns", "drift: population"):
            still = [line for line in these if line["case"] == kind]
            row.append(few(total(still, alarm), total(still)))
        rows.append(row)
    head = ["rows", "faults", "detected, %", "rightly named, % of alarms", "by the injected name, %"]
    return table(head + ["false alarms, clean", "0.3 σ, columns", "0.3 σ, population"], rows)


def false_alarms(lines: Lines) -> str:
    """Clean, then both drifts, for each data set and batch size."""
    still = [line for line in lines if calm(line)]
    out, head = [], sizes(still)
    for data in values(still, "data"):
        for kinds, what in ((("clean",), "clean"), (("drift: columns", "drift: population"), "0.3 σ")):
            row = [data, what]
            for size in head:
                these = [x for x in still if x["data"] == data and x["rows"] == size and x["case"] in kinds]
                row.append(few(total(these, alarm), total(these)))
            out.append(row)
    return table(["data set", "batches", *head], out)


def share(lines: Lines) -> str:
    """Detected / rightly named, in per cent."""
    n, alarms = total(lines), total(lines, alarm)
    if not n:
        return "—"
    return f"{100 * alarms / n:.0f} / " + (f"{100 * total(lines, right) / alarms:.0f}" if alarms else "—")


def by(lines: Lines, key: Callable[[dict], str], what: str) -> str:
    """Detected / rightly named, for each value of a key and batch size."""
    bad = [line for line in lines if not calm(line)]
    head = sizes(bad)
    rows = []
    for value in sorted({key(line) for line in bad}):
        these = [line for line in bad if key(line) == value]
        row = [share([x for x in these if x["rows"] == size]) for size in head]
        rows.append([value, str(total(these)), *row])
    return table([what, "cases", *head], rows)


def confusion(lines: Lines, most: int = 25) -> str:
    """What was said instead, at 64 rows and more; the most frequent first."""
    wrong: Counter = Counter()
    for line in lines:
        if not calm(line) and line["rows"] in ("64", "256", "1000") and not line["right"]:
            wrong[line["case"], line["side"], line["verdict"] or "no alarm"] += line["count"]
    rows = [[case, side, said, str(n)] for (case, side, said), n in wrong.most_common(most)]
    return table(["fault", "side", "said", "batches"], rows) if rows else "None.\n"


def against(lines: Lines) -> str:
    """Detectors on the same cases, for each batch size."""
    rows = []
    for size in sizes(lines):
        for detector in values(lines, "detector"):
            these = [x for x in lines if x["detector"] == detector and x["rows"] == size]
            bad = [line for line in these if not calm(line)]
            row = [size, detector, rate(total(bad, alarm), total(bad))]
            named = rate(total(bad, right), total(bad, alarm)) if "guard" in detector else "0"
            row.append(named)
            for drift in (False, True):
                still = [line for line in these if calm(line) and (line["case"] != "clean") == drift]
                row.append(rate(total(still, alarm), total(still)))
            errors = total(these, lambda x: (x["verdict"] or "").startswith("error"))
            row.append(f"{errors}/{total(these)}")
            rows.append(row)
    head = ["rows", "detector", "detected, %", "rightly named, %", "false alarms, clean, %", "0.3 σ drift, %"]
    return table([*head, "refused"], rows)


def seconds(spent: Counter, asked: Counter) -> str:
    """Mean time of a check, over all that was asked: an order of magnitude (cost.py measures)."""
    names = list(dict.fromkeys(name for name, _ in spent))
    cell = {key: f"{1e3 * spent[key] / n:.2f} ({n})" for key, n in asked.items()}
    rows = [[name, cell.get((name, False), "—"), cell.get((name, True), "—")] for name in names]
    return table(["detector", "tables: ms a check (checks)", "vectors"], rows)


def split(lines: Lines, name: str) -> str:
    """Return all tables of one split."""
    out = [f"# {name}\n"]
    for wide, what in ((False, "tables, at least ten training rows a column"), (True, "vectors, 256 to 1536 wide")):
        mine = [x for x in lines if x["split"] == name and x["wide"] == wide and x["detector"] == "guard"]
        if not mine:
            continue
        errors = [x for x in mine if (x["verdict"] or "").startswith("error")]
        out += [f"## {name}: {what}\n", headline(mine)]
        out += ["### False alarms by data set\n", false_alarms(mine)]
        out += ["### By fault: detected / rightly named, %\n", by(mine, lambda x: x["case"], "fault")]
        out += ["### By data set and side\n", by(mine, lambda x: f"{x['data']}, {x['side']}", "data set")]
        shifts = [x for x in mine if x["case"] == "shifted"]
        out += ["### Shifts by size\n", by(shifts, lambda x: x["severity"], "shift")] if shifts else []
        out += ["### What was said instead, from 64 rows on\n", confusion(mine)]
        if errors:
            said = Counter({x["verdict"]: x["count"] for x in errors})
            out += ["### Errors\n", "\n".join(f"* {n} x {text}" for text, n in said.most_common(10)) + "\n"]
    for wide, what in ((False, "tables"), (True, "vectors")):
        peers = [x for x in lines if x["split"] == name and x["wide"] == wide and x["detector"] != "guard"]
        if peers:
            out += [f"## {name}: beside peers, {what}, on the same cases\n", against(peers)]
    return "\n".join(out)
