"""Run detectors over data sets, sides, batch sizes, clean, drifted and faulty batches, and count what they say.

A count is one line of the JSON output: data set, split, side, what the batch was (`case`), how many rows, which
detector, what it said (`verdict`, None for nothing), whether that is right, and how often.
"""

from __future__ import annotations

import copy
import time
import warnings
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace

import numpy as np

import sklearn_normlock as nl
from guard.datasets import DataSet
from guard.faults import FAULTS
from guard.peers import Detector
from guard.scenes import Scene

SIZES = (1, 16, 64, 256, 1000)
DRIFT = 0.3


@dataclass(frozen=True)
class Effort:
    """How much is run: parts of each data set, not faulty batches a cell, plans of each fault, rounds with peers."""

    parts: int
    clean: int
    faults: int
    windows: int
    peer_parts: int
    peer_clean: int


@dataclass(frozen=True)
class Case:
    """What was asked: one line of the output, less the answer."""

    data: str
    split: str
    wide: bool
    side: str
    case: str
    severity: str
    rows: str
    accepted: tuple[str, ...] = ()


def guard_of(tolerated: float) -> Detector:
    """Return the guard, with how much drift it tolerates; what it says is the fault's name, None without an alarm."""

    def check(profile, X):
        said = nl.diagnose(profile, X, drift=tolerated)
        return (said.fault or "nameless") if said.alarm else None

    return Detector("guard", lambda train: nl.Profile.from_data(train), check)


class Recorder:
    """What `InputGuard` calls: keeps the names of the faults."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def __call__(self, diagnosis, *rest) -> None:
        self.said.append(diagnosis.fault or "nameless")


class Tally:
    """Counts of answers, and the seconds that they took."""

    def __init__(self) -> None:
        self.counts: Counter = Counter()
        self.seconds: Counter = Counter()
        self.asked: Counter = Counter()

    def add(self, case: Case, detector: str, verdict: str | None) -> None:
        self.counts[case, detector, verdict] += 1

    def ask(self, case: Case, detector: Detector, kept: object, X: np.ndarray) -> None:
        """Ask a detector; what it raises is an answer too."""
        start = time.perf_counter()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                verdict = detector.check(kept, X)
        except Exception as error:
            verdict = f"error: {type(error).__name__}: {str(error)[:80]}"
        self.seconds[detector.name, case.wide] += time.perf_counter() - start
        self.asked[detector.name, case.wide] += 1
        self.add(case, detector.name, verdict)

    def lines(self) -> list[dict]:
        out = []
        for (case, detector, verdict), count in self.counts.items():
            line = asdict(case) | {"detector": detector, "verdict": verdict, "count": count}
            line["accepted"] = list(case.accepted)
            line["right"] = verdict in case.accepted
            out.append(line)
        return out


def scenes(data: DataSet, part: int, seed: int) -> Iterator[tuple[Scene, np.random.Generator]]:
    """Yield the sides of one part; the same for every choice of detectors and effort."""
    start = [seed, zlib.crc32(data.name.encode()), part]
    raw, pool = data.part(np.random.default_rng(start))
    for i, side in enumerate(data.sides):
        yield Scene(side, data.wide, raw, pool), np.random.default_rng([*start, i])


def not_faulty(scene: Scene, rng: np.random.Generator, rows: int) -> Iterator[tuple[str, np.ndarray]]:
    """Yield, for ever, a clean batch and two that drifted within tolerance."""
    while True:
        yield "clean", scene.seen(scene.draw(rng, rows))
        yield "drift: columns", scene.drifted(rng, rows, DRIFT)
        tilted = scene.tilted(rng, rows, DRIFT)
        if tilted is not None:
            yield "drift: population", tilted


def sizes_of(scene: Scene, sizes: tuple[int, ...]) -> list[int]:
    return [rows for rows in sizes if rows <= len(scene.pool)]


def calm(tally: Tally, case: Case, scene: Scene, rng, detectors, batches: int, sizes) -> None:
    """Batches that must not alarm: `batches` of each kind and size."""
    for rows in sizes_of(scene, sizes):
        made: Counter = Counter()
        for kind, X in not_faulty(scene, rng, rows):
            if made["clean"] >= batches and kind == "clean":
                break
            made[kind] += 1
            lot = rng.uniform()
            for detector, kept in detectors:
                if lot < detector.share:
                    tally.ask(replace(case, case=kind, rows=str(rows)), detector, kept, X)


def faulty(tally: Tally, case: Case, scene: Scene, rng, detectors, plans: int, sizes, guard=None) -> None:
    """Faults that can happen here: `plans` of each; every plan at every size, and as 64 requests of one row."""
    for fault in FAULTS:
        for _ in range(plans if scene.side in fault.sides else 0):
            plan = fault.plan(rng, scene)
            if plan is None:
                break
            here = replace(case, case=fault.name, severity=plan.severity)
            for rows in sizes_of(scene, sizes):
                if rows < fault.rows:
                    continue
                X = plan.apply(rng, scene.draw(rng, rows))
                accepted = plan.accepted | (plan.accepted_of_one if rows == 1 else frozenset())
                there = replace(here, rows=str(rows), accepted=tuple(sorted(accepted)))
                lot = rng.uniform()
                for detector, kept in detectors:
                    if lot < detector.share:
                        tally.ask(there, detector, kept, X)
            if guard is not None and len(scene.pool) >= 64:
                raw = scene.draw(rng, 64)
                alone = not plan.whole  # what depends on its request is made request by request
                X = np.vstack([plan.apply(rng, raw[i : i + 1]) for i in range(64)]) if alone else plan.apply(rng, raw)
                accepted = plan.accepted | (plan.accepted_of_one if alone else frozenset())
                there = replace(here, rows="64 x 1", accepted=tuple(sorted(accepted)))
                tally.add(there, "guard", requests(copy.deepcopy(guard), X))


def requests(guard, X: np.ndarray) -> str | None:
    """Send the rows of `X` one by one; return the last of the faults named."""
    guard.on_fault.said.clear()
    for row in X:
        guard.transform(row[None])
    return guard.on_fault.said[-1] if guard.on_fault.said else None


def pooled(tally: Tally, case: Case, scene: Scene, rng, windows: int, least: int, tolerated: float) -> None:
    """Requests of one row that must not alarm, in one stream; counted by `least` requests, the smallest pool."""
    if least > len(scene.pool):
        return
    start = nl.InputGuard(on_fault=Recorder(), min_rows=least, drift=tolerated).fit(scene.train)
    streams: dict = {}
    for kind, X in not_faulty(scene, rng, least):
        guard, done = streams.setdefault(kind, (copy.deepcopy(start), Counter()))
        if kind == "clean" and done["windows"] >= windows:
            return
        done["windows"] += 1
        tally.add(replace(case, case=kind, rows=f"{least} x 1"), "guard", requests(guard, X))


def run(
    data: DataSet, effort: Effort, seed: int, sizes, peers: list[Detector], tally: Tally, tolerated: float = DRIFT
) -> None:
    """Run one data set; `tolerated`: how much drift the guard takes for harmless, whatever there is."""
    ours = guard_of(tolerated)
    shared = max(effort.parts, 1) * len(data.sides)  # no parts: peers alone
    each, windows = -(-effort.clean // shared), -(-effort.windows // shared)
    for part in range(effort.parts):
        for scene, rng in scenes(data, part, seed):
            case = Case(data.name, data.split, data.wide, scene.side, "", "", "")
            kept = [(ours, ours.fit(scene.train))]
            calm(tally, case, scene, rng, kept, each, sizes)
            guard = nl.InputGuard(on_fault=Recorder(), min_rows=64, drift=tolerated).fit(scene.train)
            faulty(tally, case, scene, rng, kept, effort.faults, sizes, guard)
            for least in (16, 64):
                pooled(tally, case, scene, rng, windows, least, tolerated)
    for part in range(effort.peer_parts if peers else 0):
        for scene, rng in scenes(data, effort.parts + part, seed):
            case = Case(data.name, data.split, data.wide, scene.side, "", "", "")
            both = [(replace(ours, name="guard, beside peers"), ours.fit(scene.train))]
            both += [(peer, peer.fit(scene.train)) for peer in peers if peer.wide or not data.wide]
            calm(tally, case, scene, rng, both, effort.peer_clean, sizes)
            faulty(tally, case, scene, rng, both, 1, sizes)
