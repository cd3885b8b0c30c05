"""A damaged pickle state: what comes out of ``__setstate__`` is an error of ours, or the object that was fitted."""

from __future__ import annotations

import copy
import json
import random
import warnings
from functools import lru_cache

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lock_documents import OTHERS, at, places
from sklearn.linear_model import LogisticRegression

import sklearn_normlock as nl
from sklearn_normlock.compose import make_column_transformer
from sklearn_normlock.errors import (
    ArtifactReadError,
    EnvironmentMismatchWarning,
    FingerprintMismatchError,
    MissingFingerprintError,
    NormLockError,
    SealWarning,
)
from sklearn_normlock.pipeline import make_pipeline
from sklearn_normlock.preprocessing import OneHotEncoder, StandardScaler
from sklearn_normlock.records.change import Kind
from sklearn_normlock.records.diff import compare_records
from sklearn_normlock.seals.display import with_seal
from sklearn_normlock.seals.seal import check, find_problem
from sklearn_normlock.seals.watch import CARRIED, ENVIRONMENT, FINGERPRINT, RECORD, UNNAMED

_rng = np.random.default_rng(0)
TABLE = pd.DataFrame({"a": _rng.normal(size=40), "b": _rng.normal(size=40), "kind": list("xyzz") * 10})
NUMBERS, TARGET = TABLE[["a", "b"]], TABLE["a"] > 0


class Awkward:
    """A value with no answer to anything: it can't be compared, shown, measured or counted."""

    def __eq__(self, other):
        raise RuntimeError("not comparable")

    __hash__ = None
    __str__ = __repr__ = __len__ = __iter__ = __bool__ = __eq__


@lru_cache(maxsize=1)
def fitted():
    return {
        "scaler": StandardScaler().fit(NUMBERS),
        "pipeline": make_pipeline(StandardScaler(), LogisticRegression()).fit(NUMBERS, TARGET),
        "columns": make_column_transformer((StandardScaler(), ["a", "b"]), (OneHotEncoder(), ["kind"])).fit(TABLE),
    }


KINDS = tuple(fitted())
# Made anew for each example: a value that is damaged in place must not reach the next one.
VALUES = (
    lambda: None,
    lambda: True,
    lambda: -1,
    lambda: 10**5000,
    lambda: float("nan"),
    lambda: "",
    lambda: "x",
    lambda: "nl1-sha256:" + "0" * 64,
    lambda: "nl9-sha256:" + "é" * 64,
    lambda: "\ud800\0\n" * 3,
    lambda: "x" * 100_000,
    lambda: b"nl1-sha256:\xff",
    lambda: bytes(100_000),
    lambda: [],
    lambda: [1, "a", None],
    lambda: (),
    lambda: ("a", 1),
    lambda: {},
    lambda: {1: 2, None: 3},
    lambda: {"class": 1},
    lambda: {1, 2},
    lambda: np.arange(3.0),
    lambda: np.array([]),
    lambda: np.array([None, "a"], dtype=object),
    lambda: np.float32(1),
    lambda: np.str_("x"),
    lambda: object(),
    lambda: object,
    lambda: len,
    lambda: lambda: 0,
    Awkward,
    StandardScaler,
    lambda: fitted()["scaler"],
)
TEXTS = (
    "",
    "{",
    "null",
    "[]",
    "1",
    '{"": 1}',
    '{"": {}}',
    '{"mean_": {"digest": 1}}',
    "[" * 100_000,
    "9" * 5000,
    "NaN",
)
ODD = (
    "[" + hex(16**4500) + "]",
    "[" + "9" * 400 + ", 1, 2, 3]",
    "['a', 'b', 'c', 1]",
    "[1, 2, 3, 4]",
    "['\\d']",
    "[1,\0]",
)
FIELDS = ("class", "digest", "member", "cut", "text", "dtype", "shape", "data", "values", "summary", "blocks", "span")


def damaged_record(rng, text):
    """A record of another text: broken JSON, JSON of another shape, or one or more entries changed."""
    how = rng.choice(["text", "cut", "flip", "json", "json", "json"])
    if how == "text":
        return rng.choice(TEXTS)
    i = rng.randint(0, len(text) - 1)
    if how == "cut":
        return text[:i]
    if how == "flip":
        return text[:i] + rng.choice('0aZ=/[]{}",:-\\') + text[i + 1 :]
    document = json.loads(text)
    for _ in range(rng.randint(1, 4)):
        if not document:
            break
        path = rng.choice(list(places(document)))
        holder, key = at(document, path[:-1]), path[-1]
        act = rng.choice(["other", "odd", "removed", "copied", "field", "integer"])
        if act == "removed":
            del holder[key]
        elif act == "copied":
            holder[key] = copy.deepcopy(at(document, rng.choice(list(places(document)))))
        elif act == "field" and isinstance(holder[key], dict):
            holder[key][rng.choice(FIELDS)] = rng.choice([*OTHERS, *ODD, "<f8", "<U0", [0], [2]])
        elif act == "integer":
            holder[key] = rng.randint(-(2**70), 2**70)
        else:
            holder[key] = copy.deepcopy(rng.choice(ODD if act == "odd" else OTHERS))
    return json.dumps(document)


def replaced(rng, value, new, depth=0):
    """A value with another one somewhere in it; what it is made of is left alone."""
    if depth < 4 and isinstance(value, (list, tuple)) and value and type(value) in (list, tuple) and rng.random() < 0.5:
        items = list(value)
        i = rng.randint(0, len(items) - 1)
        items[i] = replaced(rng, items[i], new, depth + 1)
        if rng.randint(0, 5) == 0:
            del items[i]
        return type(value)(items)
    if depth < 4 and type(value) is dict and value and rng.random() < 0.5:
        key = rng.choice(list(value))
        return {**value, key: replaced(rng, value[key], new, depth + 1)}
    return new


def damaged_state(rng, kind):
    """The state of a fitted object with one to three damages to what the seal carries and to the attributes."""
    state = fitted()[kind].__getstate__()
    for _ in range(rng.choice([1, 1, 2, 3])):
        act = rng.choice(["carried", "record", "attribute", "attribute", "removed", "added", "whole"])
        new = rng.choice(VALUES)()
        if not isinstance(state, dict) or not state:
            break
        if act == "carried":
            state = {**state, rng.choice(CARRIED): new}
        elif act == "record":
            state = {**state, RECORD: damaged_record(rng, fitted()[kind].__getstate__()[RECORD])}
        elif act == "whole" and rng.randint(0, 4) == 0:
            state = new
        elif act == "added":
            state = {**state, rng.choice(["extra_", "_extra", "", 3, None, "__dict__", UNNAMED]): new}
        else:
            name = rng.choice(list(state))
            rest = {key: value for key, value in state.items() if key != name}
            state = rest if act == "removed" else {**state, name: replaced(rng, state[name], new)}
    return state


def arrived(kind, state):
    obj = fitted()[kind]
    other = type(obj).__new__(type(obj))
    other.__setstate__(state)
    return other


def used(kind, obj):
    return obj.predict(NUMBERS) if kind == "pipeline" else obj.transform(TABLE if kind == "columns" else NUMBERS)


def sound(kind, state):
    """Tell whether the state that arrived is the fitted one, whatever came of what goes with it."""
    other = object.__new__(type(fitted()[kind]))
    vars(other).update({name: value for name, value in state.items() if name not in CARRIED})
    return nl.fingerprint(other) == fitted()[kind].fingerprint_


def check_damage(kind, seed):
    """Load a damaged state, and use, look at and pickle what comes of it; some of them under another policy, too."""
    state = damaged_state(random.Random(seed), kind)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        try:
            obj = arrived(kind, state)
        except NormLockError as error:
            assert error.args[0]
            assert len(str(error)) < 5_000
            repr(error.expected), repr(error.actual)
        else:
            if FINGERPRINT in vars(obj):
                assert sound(kind, state)
                if untouched(kind, state):  # a parameter that doesn't count, such as n_jobs, may be damaged
                    used(kind, obj)
            else:
                # Nothing vouches for it: that was said, or there is nothing fitted in it.
                assert any(issubclass(each.category, SealWarning) for each in said) or not kept_attributes(state)
            with_seal(obj, "")
    assert all(issubclass(each.category, (SealWarning, EnvironmentMismatchWarning)) for each in said), said
    for policy in ("warn", "ignore")[seed % 8 : seed % 8 + 1]:
        with nl.config_context(policy=policy), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                obj = arrived(kind, state)
            except NormLockError:
                continue  # a state of which no object can be made at all
        with_seal(obj, "")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            find_problem(obj)
            try:
                check(obj)
                obj.__getstate__()
            except NormLockError:
                pass


def untouched(kind, state):
    fitted_state = fitted()[kind].__getstate__()
    return all(state.get(name, state) is value for name, value in fitted_state.items() if name not in CARRIED)


def kept_attributes(state):
    return [name for name in state if name.endswith("_") and not name.startswith("_") and name != FINGERPRINT]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "value", [b"nl1-sha256:00", 1, 10**5000, [], np.arange(3), {}, Awkward()], ids=lambda v: type(v).__name__
)
def test_a_fingerprint_that_is_no_text(kind, value):
    """Anything but text in the fingerprint's place vouches for nothing."""
    with pytest.raises(MissingFingerprintError, match="in place of its fingerprint"):
        arrived(kind, {**fitted()[kind].__getstate__(), FINGERPRINT: value})


def test_a_huge_fingerprint():
    """A text of any length is compared, and shown in short."""
    with pytest.raises(FingerprintMismatchError) as raised:
        arrived("scaler", {**fitted()["scaler"].__getstate__(), FINGERPRINT: "x" * 1_000_000})
    assert len(str(raised.value)) < 500
    assert len(raised.value.expected) < 500


@pytest.mark.parametrize(
    "record",
    [
        None,
        10**5000,
        b"{}",
        *TEXTS,
        '{"": {"class": "x"}, "mean_": 1}',
        '{"mean_": {"dtype": "<f8", "shape": [2], "data": "AAAA"}}',
        '{"mean_": {"dtype": "<f8", "shape": [2], "data": 1}}',
        '{"mean_": {"dtype": 1, "shape": [2], "digest": "' + "0" * 32 + '"}}',
        '{"mean_": {"dtype": "<U0", "shape": [2], "digest": 1, "blocks": ["x"], "span": 0}}',
        '{"mean_": {"class": "x", "dtype": "<f8", "shape": [0], "data": ""}}',
    ],
    ids=lambda record: repr(record)[:20] if type(record) is str else type(record).__name__,
)
def test_a_damaged_record(record):
    """A damaged record takes nothing from the answer: what was fitted arrives, and another state is a mismatch."""
    state = {**fitted()["scaler"].__getstate__(), RECORD: record}
    used("scaler", arrived("scaler", state))
    with pytest.raises(FingerprintMismatchError, match="does not show where"):
        arrived("scaler", {**state, "mean_": state["mean_"] * 2})


@pytest.mark.parametrize("value", [None, 1, 10**5000, np.arange(3), b"x", Awkward()], ids=lambda v: type(v).__name__)
def test_an_environment_that_is_no_text(value):
    """Versions that can't be read are unknown ones."""
    with pytest.warns(EnvironmentMismatchWarning, match="fitted under unknown versions"):
        arrived("scaler", {**fitted()["scaler"].__getstate__(), ENVIRONMENT: value})


@pytest.mark.parametrize(
    "state", [1, "x", b"x", [1], [("a", 1), 2], {1: 2}, {None: 1}, object()], ids=lambda v: type(v).__name__
)
def test_a_state_that_is_no_state(state):
    """What can't be an object's attributes is refused as damaged."""
    with pytest.raises(ArtifactReadError, match="can't be put together"):
        arrived("scaler", state)


@pytest.mark.parametrize(
    "old", ["[" + "9" * 400 + ", 1, 2, 3]", "[" + hex(16**4500) + ", 1, 2, 3]"], ids=["long", "hex"]
)
def test_numbers_beyond_any(old):
    """A list of integers that no float holds, or that Python doesn't print, is compared as text."""
    old, new = ({"x": {"digest": digit * 32, "text": text}} for digit, text in (("0", old), ("1", "[1, 2, 3, 4]")))
    (change,) = compare_records(old, new)
    assert change.kind is Kind.VALUE


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_damage(kind, seed):
    """Of a damaged state comes an error of ours, or the object that was fitted."""
    check_damage(kind, seed)


@pytest.mark.campaign
@pytest.mark.parametrize("kind", KINDS)
def test_damage_at_length(kind):
    """The same of 5,000 damaged states."""
    for seed in range(5_000 // len(KINDS) + 1):
        check_damage(kind, seed)


@pytest.mark.parametrize("text", ["a\n" * 60, "\ud800" * 75], ids=["lines", "half a character"])
def test_a_damaged_fingerprint_is_told_in_one_line_that_can_be_written(text):
    """Whatever stands where the fingerprint stood, the error is one line, and a log can write it."""
    scaler = StandardScaler().fit([[0.0], [2.0]])
    state = scaler.__getstate__()
    state["fingerprint_"] = text
    with pytest.raises(FingerprintMismatchError) as raised:
        StandardScaler.__new__(StandardScaler).__setstate__(state)
    assert "\n" not in str(raised.value) and str(raised.value).encode()
