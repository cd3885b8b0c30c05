"""Damaged profiles, traces and skops files: what is read is refused by an error of ours, or is used like any other."""

from __future__ import annotations

import io
import json
import random
import warnings
import zipfile
from collections import Counter
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lock_documents import sealed
from sklearn.ensemble import RandomForestClassifier
from test_lock_damage import DAMAGES, value_edited, value_edited_and_sealed

import sklearn_normlock as nl
from sklearn_normlock.documents.envelope import parsed
from sklearn_normlock.errors import NormLockError
from sklearn_normlock.pipeline import make_pipeline
from sklearn_normlock.preprocessing import OneHotEncoder, StandardScaler

X = np.random.default_rng(0).normal(size=(60, 3)) * [1.0, 10.0, 0.1]
Y = (X[:, 0] > 0).astype(int)


@lru_cache(maxsize=1)
def objects() -> dict[str, Any]:
    """Return what is damaged: a profile and a trace as text, and what a trace is compared with."""
    mixed = [[float(a), "ash" if b > 0 else "oak"] for a, b in X[:, :2]]
    model = make_pipeline(StandardScaler(), RandomForestClassifier(3, random_state=0)).fit(X, Y)
    trace = nl.trace(model, X[:5])
    return {
        "profiles": [nl.Profile.from_data(rows) for rows in (X, np.array(mixed, dtype=object))],
        "batches": [X[:20], np.array(mixed[:20], dtype=object)],
        "trace": trace,
        "model": model,
        "words": OneHotEncoder().fit([["ash"], ["oak"]]),
    }


def as_profile(data: bytes, number: int) -> None:
    profile = nl.Profile.from_dict(parsed(data))
    nl.diagnose(profile, objects()["batches"][number % 2]).explain()
    profile.to_dict()


def as_trace(data: bytes, number: int) -> None:
    trace = nl.Trace.from_dict(parsed(data))
    for style in ("text", "json", "github", "markdown", "html"):
        objects()["trace"].diff(trace).explain(style)


def documents(kind: str) -> list[bytes]:
    held = objects()
    found = [each.to_dict() for each in held["profiles"]] if kind == "profile" else [held["trace"].to_dict()]
    return [json.dumps(each, indent=1).encode() for each in found]


def run(kind: str, count: int, seed: int) -> Counter[str]:
    rng, counts = random.Random(seed), Counter[str]()
    use: Callable[[bytes, int], None] = {"profile": as_profile, "trace": as_trace}[kind]
    originals = documents(kind)
    damages = [*(each for each in DAMAGES if each is not value_edited_and_sealed), value_edited, value_edited]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a later revision
        for number in range(count):
            damage = damages[number // 2 % len(damages)]
            data = damage(originals[number % len(originals)], rng)
            if kind == "trace" and rng.random() < 0.5:
                data = _sealed_anew(data)
            try:
                use(data, number)
                counts["read"] += 1
            except NormLockError:
                counts["refused"] += 1
            except Exception as error:
                raise AssertionError(f"{kind}, {damage.__name__}, number {number} of seed {seed}: {error!r}") from error
    return counts


def _sealed_anew(data: bytes) -> bytes:
    try:
        document = json.loads(data)
        return json.dumps(sealed(document)).encode() if isinstance(document, dict) else data
    except ValueError:
        return data


def rezipped(data: bytes, rng: random.Random) -> bytes:
    """Return a zip file with one member changed, whose checksums are right."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    name = rng.choice(sorted(members))
    members[name] = rng.choice(DAMAGES[:3])(members[name], rng) if members[name] else b"x"
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for each, content in members.items():
            archive.writestr(each, content)
    return file.getvalue()


def run_skops(folder: Path, count: int, seed: int) -> Counter[str]:
    rng, counts = random.Random(seed), Counter[str]()
    for name in ("model", "words"):
        nl.dump(objects()[name], folder / f"{name}.skops", lock=True)
    originals = {name: (folder / f"{name}.skops").read_bytes() for name in ("model", "words")}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for number in range(count):
            name = ("model", "words")[number % 2]
            damage = rng.choice([rezipped, rezipped, rezipped, *DAMAGES[:3]])
            path = folder / f"{name}.skops"
            path.write_bytes(damage(originals[name], rng))
            try:
                nl.load(path, lock=bool(rng.randrange(2)))
                counts["read"] += 1
            except NormLockError:
                counts["refused"] += 1
            except Exception as error:
                raise AssertionError(f"{name}, {damage.__name__}, number {number} of seed {seed}: {error!r}") from error
    return counts


COUNTS = [
    pytest.param(60, id="few"),
    pytest.param(600, marks=pytest.mark.campaign, id="many"),
    pytest.param(5_000, marks=pytest.mark.long, id="all"),
]


@pytest.mark.parametrize("count", COUNTS)
@pytest.mark.parametrize("kind", ["profile", "trace"])
def test_a_damaged_document(kind: str, count: int) -> None:
    """Reading, comparing and printing what was damaged raises errors of our tree alone."""
    counts = run(kind, count, count)
    print(kind, counts)
    assert counts["refused"] > count / 5


@pytest.mark.parametrize("count", COUNTS)
def test_a_damaged_skops_file(count: int, tmp_path: Path) -> None:
    """The same of skops files whose members were changed, with checksums that are right and wrong."""
    counts = run_skops(tmp_path, count, count)
    print("skops", counts)
    assert counts["refused"] > count / 3
