"""A damaged lock: never a match for an object that isn't the locked one, and never an error that isn't ours."""

from __future__ import annotations

import copy
import json
import random
import warnings
from collections import Counter
from dataclasses import replace
from functools import lru_cache

import pytest
from lock_documents import OTHERS, TABLE, at, named, pipeline, places, scaler, sealed
from sklearn.preprocessing import StandardScaler

import sklearn_normlock as nl
from sklearn_normlock.documents.envelope import parsed
from sklearn_normlock.documents.rendering import rendered
from sklearn_normlock.errors import NormLockError


@lru_cache(maxsize=1)
def objects():
    """Return by name: what is locked, another object that differs a little, and the lock's text."""
    found = {}
    for name, make in {"scaler": scaler, "pipeline": pipeline, "named": named}.items():
        right, wrong = make(), make()
        step = wrong if name == "scaler" else wrong[0].named_transformers_["num"]
        step.mean_ = step.mean_ * (1 + 1e-9)
        found[name] = right, wrong, rendered(nl.lock(right).to_dict()).encode()
    right = {"scaler": scaler(), "pipe": pipeline()}
    wrong = {"scaler": StandardScaler().fit(TABLE[:-1, :3].astype(float)), "pipe": right["pipe"]}
    found["bundle"] = right, wrong, rendered(nl.lock(right).to_dict()).encode()
    found["rows"] = pipeline(), found["pipeline"][1], rendered(nl.lock(pipeline(), TABLE).to_dict()).encode()
    return found


# -- kinds of damage: text -> text -------------------------------------------------------------------------------------


def flipped(data, rng):
    changed = bytearray(data)
    for _ in range(rng.choice([1, 1, 1, 2, 8])):
        changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
    return bytes(changed)


def overwritten(data, rng):
    start, size = rng.randrange(len(data)), rng.randrange(1, 64)
    return data[:start] + rng.randbytes(size) + data[start + size :]


def truncated(data, rng):
    return data[: rng.randrange(len(data))]


def line_removed(data, rng):
    lines = data.splitlines(keepends=True)
    del lines[rng.randrange(len(lines))]
    return b"".join(lines)


def line_doubled(data, rng):
    lines = data.splitlines(keepends=True)
    i = rng.randrange(len(lines))
    return b"".join([*lines[:i], lines[i], *lines[i:]])


def lines_swapped(data, rng):
    lines = data.splitlines(keepends=True)
    i, j = rng.randrange(len(lines)), rng.randrange(len(lines))
    lines[i], lines[j] = lines[j], lines[i]
    return b"".join(lines)


def _edited(data, rng):
    """Return the document with one value or name changed in one of many ways."""
    document = json.loads(data)
    path = rng.choice(list(places(document)))
    holder, key = at(document, path[:-1]), path[-1]
    old = holder[key]
    how = rng.choice(["value", "value", "number", "text", "renamed", "removed", "copied"])
    if how == "number" and isinstance(old, (int, float)) and not isinstance(old, bool):
        holder[key] = rng.choice([old + 1, -old, old * 1000, float(old) * (1 + 1e-9)])
    elif how == "text" and isinstance(old, str) and old:
        i = rng.randrange(len(old))
        holder[key] = old[:i] + rng.choice("0aZ=/[]") + old[i + 1 :]
    elif how == "renamed" and isinstance(holder, dict):
        holder[rng.choice(["", "x", key + "_", "../" + str(key), "digest"])] = holder.pop(key)
    elif how == "removed":
        del holder[key]
    elif how == "copied":
        holder[key] = copy.deepcopy(at(document, rng.choice(list(places(document)))))
    else:
        holder[key] = copy.deepcopy(rng.choice(OTHERS))
    return document


def value_edited(data, rng):
    return rendered(_edited(data, rng)).encode()


def value_edited_and_sealed(data, rng):
    return rendered(sealed(_edited(data, rng))).encode()


DAMAGES = [
    flipped,
    overwritten,
    truncated,
    line_removed,
    line_doubled,
    lines_swapped,
    value_edited,
    value_edited_and_sealed,
]


def outcome(data, right, wrong, original, resealed):
    """Return what became of a damaged lock; anything but the four below is raised."""
    try:
        lock = nl.Lock.from_dict(parsed(data))
    except NormLockError:
        return "refused"
    same = lock == original
    assert same or resealed, "another content has the digest of this one"
    try:
        assert not nl.verify(wrong, lock).ok, "an object that isn't the locked one is a match"
    except NormLockError:
        pass
    try:
        report = nl.verify(right, lock)
    except NormLockError:
        return "mismatch"
    finally:
        for style in ("text", "json", "github", "markdown", "html"):
            assert nl.diff(original, lock).explain(style)
    assert report.ok and lock.fingerprint == original.fingerprint
    return "identical" if same else "match of the right object"


def run(count, seed, damages=DAMAGES):
    rng = random.Random(seed)
    names = sorted(objects())
    counts = Counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a later revision, another environment
        originals = {name: nl.Lock.from_dict(json.loads(objects()[name][2])) for name in names}
        for i in range(count):
            name, damage = names[i % len(names)], damages[i // len(names) % len(damages)]
            right, wrong, data = objects()[name]
            damaged = damage(data, rng)
            try:
                found = outcome(damaged, right, wrong, originals[name], damage is value_edited_and_sealed)
            except Exception as error:
                raise AssertionError(f"{name}, {damage.__name__}, number {i} of seed {seed}: {error!r}") from error
            counts[found] += 1
    return counts


def test_damage():
    """Some 240 damages of eight kinds to five locks."""
    counts = run(240, 0)
    assert counts["refused"] > 200


def test_damage_with_a_new_digest():
    """Edits with a digest that is right: what still is a lock matches its object alone, or says what is wrong."""
    counts = run(150, 1, [value_edited_and_sealed])
    assert counts["refused"] > 50 and counts["match of the right object"] + counts["mismatch"] > 5


@pytest.mark.parametrize("name", ["", " ", "\0", "../x", "a" * 5000, "scikit-learn"])
def test_a_version_of_nothing(name):
    """A lock that names a distribution that can't be is compared like any other."""
    right, _, data = objects()["named"]
    lock = nl.Lock.from_dict(json.loads(data))
    changed = nl.compare(right, replace(lock, environment={**lock.environment, name: "0.99"})).environment
    assert changed[name][0] == "0.99"


@pytest.mark.campaign
@pytest.mark.parametrize("seed", range(2))
def test_damage_campaign(seed):
    """Two thousand damages of eight kinds, and as many edits with a new digest."""
    counts = run(2000, 100 + seed) + run(2000, 200 + seed, [value_edited_and_sealed])
    print(counts)
    assert counts["refused"] > 2000
