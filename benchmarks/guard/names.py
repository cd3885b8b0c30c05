"""Measure the guard on what nobody tuned it on: ``python benchmarks/guard/names.py --seed S``.

Prints the tables of `benchmarks/guard/__init__.py`. Takes a seed that was never used before for an honest figure, and
minutes with ``--quick``.
"""

from __future__ import annotations

import argparse
import inspect
import json
import sys
import time
import warnings
import zlib
from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import sklearn_normlock as nl
from guard import report
from guard.families import BROKEN, THEMES, family
from guard.faults import FAULTS
from guard.outside import KINDS
from guard.scenes import Scene
from guard.scoring import Record, Truth, accepted, columns_right, verdict
from guard.series import series, windows

SIZES = (16, 64, 256, 1000)
PARTS = ("faults", "outside", "clean", "series")


@dataclass(frozen=True)
class Effort:
    """How much is run: families of each theme, changes of each kind, clean batches of each family, side and size."""

    families: int
    changes: int
    clean: int
    sizes: tuple[int, ...] = SIZES
    themes: tuple[str, ...] = THEMES


FULL = Effort(families=4, changes=4, clean=24)
QUICK = Effort(families=1, changes=1, clean=6, sizes=(64, 256))


def ask(profile, X, part, family, side, case, truth: Truth, allowed=frozenset(), detail="") -> Record:
    """Ask the guard of one batch."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = nl.diagnose(profile, X)
    said, also = found.fault, tuple(found.details.get("also", ()))
    judged = verdict(found, truth, set(allowed))
    right = columns_right(found, truth.columns)
    return Record(part, family, side, case, len(X), judged, said, also, detail, right, found.p_value)


def scenes(theme: str, rng: np.random.Generator) -> Iterator[Scene]:
    """Yield a new family of a theme, seen from each side."""
    one = family(rng, theme)
    raw, pool = one.part(rng)
    others = ("l2",) if one.wide else ("log",) if np.any(np.all(raw >= 0, axis=0)) else ()
    for side in ("raw", "standard", *others):
        yield Scene(side, one.wide, raw, pool)


def faults(seed: int, effort: Effort) -> Iterator[Record]:
    """Catalogue faults on fresh families."""
    for at in range(effort.families):
        for theme in effort.themes:
            rng = generator(seed, "faults", theme, at)
            for scene in scenes(theme, rng):
                profile = nl.Profile.from_data(scene.train)
                for fault in FAULTS:
                    plan = fault.plan(rng, scene) if scene.side in fault.sides else None
                    if plan is None:
                        continue
                    truth = Truth((fault.name,), plan.factors, plan.columns)
                    for rows in effort.sizes:
                        X = plan.apply(rng, scene.draw(rng, rows))
                        names = accepted(fault.name, plan.more)
                        yield ask(profile, X, "faults", theme, scene.side, fault.name, truth, names, plan.severity)


def outside(seed: int, effort: Effort) -> Iterator[Record]:
    """Changes that are not in the catalogue."""
    for at in range(effort.changes):
        for kind in KINDS:
            rng = generator(seed, "outside", kind.name, at)
            change = kind.make(rng)
            profile = nl.Profile.from_data(change.train)
            truth = Truth(("unknown", *kind.allowed), change.factors)
            for rows in effort.sizes:
                X, also = change.serve(rng, rows), {"unit_changed"} if change.factors else set()
                yield ask(profile, X, "outside", kind.name, "raw", kind.name, truth, also)


def clean(seed: int, effort: Effort) -> Iterator[Record]:
    """Batches that are exchangeable with the training rows, and some that drifted within tolerance."""
    for at in range(effort.families):
        makers = {theme: lambda rng, theme=theme: family(rng, theme) for theme in effort.themes}
        makers |= {maker.__name__: maker for maker in BROKEN}
        for name, maker in makers.items():
            rng = generator(seed, "clean", name, at)
            one = maker(rng)
            raw, pool = one.part(rng)
            for side in ("raw", "standard"):
                scene = Scene(side, one.wide, raw, pool)
                profile = nl.Profile.from_data(scene.train)
                for rows in (1, *effort.sizes):
                    for i in range(effort.clean):
                        X = scene.seen(scene.draw(rng, rows))
                        yield ask(profile, X, "clean", one.theme, side, "exchangeable", Truth(()))
                        if i % 6 == 0 and one.theme in THEMES:
                            X = scene.drifted(rng, rows, 0.3)
                            yield ask(profile, X, "clean", one.theme, side, "columns drifted by 0.3 sd", Truth(()))


def in_time(seed: int, effort: Effort) -> Iterator[Record]:
    """Real series: the next block, with and without the blocks of training."""
    told = "groups" in inspect.signature(nl.Profile.from_data).parameters
    for data in series():
        if isinstance(data, str):
            print(data, file=sys.stderr)
            continue
        profiles: dict[int, list] = {}
        for rows, blocks, window in windows(data, most=24 if effort.clean > 6 else 6):
            if len(rows) not in profiles:
                made = [("rows alone", nl.Profile.from_data(rows))]
                made += [("blocks given", nl.Profile.from_data(rows, groups=blocks))] if told else []
                profiles[len(rows)] = made
            for how, profile in profiles[len(rows)]:
                yield ask(profile, window, "series", data.name, how, "next block", Truth(("unknown",)))


def generator(seed: int, *what: object) -> np.random.Generator:
    """Return the random numbers of one case: the same whatever else is run."""
    return np.random.default_rng([seed, *(zlib.crc32(str(word).encode()) for word in what)])


RUN = {"faults": faults, "outside": outside, "clean": clean, "series": in_time}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, required=True, help="one that was never used before")
    parser.add_argument("--quick", action="store_true", help="a sixth of the cases: minutes, wide intervals")
    parser.add_argument("--part", nargs="*", choices=PARTS, default=list(PARTS))
    parser.add_argument("--sizes", nargs="*", type=int, help="rows of a batch")
    parser.add_argument("--themes", nargs="*", choices=THEMES, help="only families of these themes")
    parser.add_argument("--json", type=Path, help="write every record there, as it comes")
    parser.add_argument("--wrong", action="store_true", help="print what was named wrongly, by kind")
    asked = parser.parse_args()
    effort = QUICK if asked.quick else FULL
    effort = replace(effort, sizes=tuple(asked.sizes or effort.sizes), themes=tuple(asked.themes or effort.themes))
    records: list[Record] = []
    with asked.json.open("w") if asked.json else nullcontext() as kept:
        for part in asked.part:
            start = time.perf_counter()
            for record in RUN[part](asked.seed, effort):
                records.append(record)
                if kept:
                    print(json.dumps(asdict(record)), file=kept, flush=True)
            print(f"{part}: {time.perf_counter() - start:.0f} s", file=sys.stderr, flush=True)
    print(report.tables(records))
    if asked.wrong:
        print(report.wrong(records))


if __name__ == "__main__":
    main()
