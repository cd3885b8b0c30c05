"""The tables: shares with Clopper-Pearson intervals, as if batches were independent (those of a family are not)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable

from guard.scoring import Record, interval, share

RIGHT = ("right", "equivalent")


def row(*cells: object) -> str:
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def heading(title: str, *cells: str) -> list[str]:
    return [f"\n### {title}\n", row(*cells), "|" + "---|" * len(cells)]


def groups(records: Iterable[Record], key: Callable[[Record], object]) -> dict:
    out: dict = {}
    for record in records:
        out.setdefault(key(record), []).append(record)
    return out


def alarms(records: Iterable[Record]) -> list[Record]:
    return [record for record in records if record.verdict != "quiet"]


def named(records: Iterable[Record], verdicts: tuple[str, ...] = RIGHT) -> str:
    odd = alarms(records)
    return share(sum(record.verdict in verdicts for record in odd), len(odd))


def of_faults(records: list[Record]) -> list[str]:
    large = [record for record in records if record.rows >= 64]
    behind = [record for record in large if record.side == "standard"]
    out = heading("Faults of the catalogue", "", "detected", "rightly named, of alarms", "unknown", "wrong")
    lines = {
        "64 rows and more": large,
        "- not behind a scaler": [record for record in large if record.side != "standard"],
        "- behind a StandardScaler": behind,
        **{f"{rows} rows": [r for r in records if r.rows == rows] for rows in sorted({r.rows for r in records})},
    }
    for name, some in lines.items():
        out.append(row(name, *figures(some)))
    said_of = ("detected", "rightly named", "unknown", "wrong")
    out += heading("By fault, 64 rows and more", "fault", *said_of, "columns right")
    for name, some in sorted(groups(large, lambda r: (r.case, "behind" if r.side == "standard" else "raw")).items()):
        told = [r for r in some if r.columns_right is not None and r.verdict in RIGHT]
        columns = share(sum(bool(r.columns_right) for r in told), len(told))
        out.append(row(", ".join(name), *figures(some), columns))
    out += heading("By family, 64 rows and more", "family", *said_of)
    for name, some in groups(large, lambda r: r.family).items():
        out.append(row(name, *figures(some)))
    return out


def figures(records: list[Record]) -> tuple[str, str, str, str]:
    detected = share(len(alarms(records)), len(records))
    wrong = named(records, ("wrong name", "wrong factor"))
    return detected, named(records), named(records, ("unknown",)), wrong


def of_outside(records: list[Record]) -> list[str]:
    out = heading("Not in the catalogue", "kind", "alarms", "wrong name, of alarms", "the wrong names")
    for name, some in {"all": records, **groups(records, lambda r: r.case)}.items():
        names = Counter(r.told for r in some if r.verdict.startswith("wrong"))
        wrong = named(some, ("wrong name", "wrong factor"))
        out.append(row(name, share(len(alarms(some)), len(some)), wrong, said(names)))
    kinds = [named_rate(some) for some in groups(records, lambda r: r.case).values()]
    out.append(f"\nMean over the kinds: {100 * sum(kinds) / len(kinds):.1f} % of alarms have a wrong name.")
    shifted = [r for r in alarms(records) if r.verdict.startswith("wrong") and r.told == "shifted"]
    out.append(f"Wrong names that are `shifted`: {len(shifted)}.")
    factors = [r for r in alarms(records) if r.case.startswith("factor of no unit")]
    told = sum(r.told == "rescaled" for r in factors)
    out.append(f"Factors of no unit told as `rescaled`: {share(told, len(factors))}.")
    models = [r for r in alarms(records) if "model" in r.case or "rotated" in r.case]
    told = sum(r.told == "other_model" for r in models)
    out.append(f"Other models told as `other_model`: {share(told, len(models))}.")
    return out


def named_rate(records: list[Record]) -> float:
    odd = alarms(records)
    return sum(r.verdict.startswith("wrong") for r in odd) / len(odd) if odd else 0.0


def said(names: Counter) -> str:
    return ", ".join(f"{name} {count}" for name, count in names.most_common(5))


def of_clean(records: list[Record]) -> list[str]:
    out = heading("False alarms", "batches", "alarms", "upper bound", "the names")
    for case, some in groups(records, lambda r: r.case).items():
        lines = {f"{case}, all": some}
        if case == "exchangeable":
            of_each = groups(some, lambda r: (r.family, r.side))
            lines |= {f"- {family}, {side}": batches for (family, side), batches in of_each.items()}
        for name, batches in lines.items():
            odd = alarms(batches)
            high = interval(len(odd), len(batches))[1]
            names = said(Counter(r.told for r in odd))
            out.append(row(name, share(len(odd), len(batches)), f"{100 * high:.2f} %", names))
    return out


def of_series(records: list[Record]) -> list[str]:
    out = heading("Real series, the next block", "series", "profile", "windows that alarm", "the names")
    for (name, how), some in groups(records, lambda r: (r.family, r.side)).items():
        odd = alarms(some)
        out.append(row(name, how, share(len(odd), len(some)), said(Counter(r.told for r in odd))))
    for how, some in groups(records, lambda r: r.side).items():
        odd = alarms(some)
        wrong = sum(r.told != "unknown" for r in odd)
        out.append(row("all", how, share(len(odd), len(some)), f"a name: {share(wrong, len(odd))}"))
    return out


TABLES = {"faults": of_faults, "outside": of_outside, "clean": of_clean, "series": of_series}


def tables(records: list[Record]) -> str:
    """Return every table that there are records for."""
    parts = groups(records, lambda r: r.part)
    return "\n".join(line for part, make in TABLES.items() if part in parts for line in make(parts[part]))


def wrong(records: list[Record]) -> str:
    """Return what was named wrongly, most frequent first."""
    odd = [r for r in records if r.part in ("faults", "outside") and r.verdict.startswith("wrong") and r.rows >= 64]
    odd += [r for r in records if r.part == "faults" and r.verdict == "unknown" and r.rows >= 64]
    counts = Counter((r.part, r.case, r.side, r.verdict, r.told) for r in odd)
    out = heading("Named wrongly or not at all", "part", "case", "side", "verdict", "told", "how often")
    return "\n".join([*out, *(row(*key, count) for key, count in counts.most_common(60))])
