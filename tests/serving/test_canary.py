"""Canary: the same key goes the same way in every process, and each row is answered by one of two models."""

from __future__ import annotations

import asyncio
import datetime
import decimal
import os
import pickle
import subprocess
import sys
import uuid
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pandas as pd
import pytest
from scipy import sparse
from serving_models import Misbehaving, X, model, y
from sklearn.base import clone
from sklearn.dummy import DummyClassifier
from sklearn.model_selection import cross_val_score
from sklearn.preprocessing import StandardScaler

import sklearn_normlock as nl
from sklearn_normlock.errors import FallbackWarning, NormLockError, PipelineMismatchError
from sklearn_normlock.serving import Canary
from sklearn_normlock.serving.keys import keys_of, position

OLD, NEW = model(0.01), model(1.0)
ROWS = np.arange(2000.0).reshape(-1, 1)
ZERO, ONE = (DummyClassifier(strategy="constant", constant=label).fit(ROWS, np.arange(2000) % 2) for label in (0, 1))
NAN = float("nan")
PLACES = [0.091130263634, 0.723546984869, 0.518348235378]


@pytest.mark.parametrize("share", [0.0, 0.01, 0.3, 1.0])
def test_the_share_is_what_was_asked_for(share: float) -> None:
    """The candidate answers about that share of the keys, none at 0, all at 1."""
    found = Canary(ZERO, ONE, share=share, key=0).predict(ROWS).mean()
    assert abs(found - share) <= 4 * np.sqrt(share * (1 - share) / len(ROWS))


def test_a_larger_share_keeps_the_keys_of_a_smaller_one() -> None:
    """Whoever was served by the candidate stays with it while the share grows."""
    few, more = (Canary(ZERO, ONE, share=share, key=0).assigned(ROWS) for share in (0.1, 0.4))
    assert not (few & ~more).any() and more.sum() > few.sum()


def test_salts_choose_independently() -> None:
    """Another salt takes other keys: the overlap is what chance gives."""
    one, other = (Canary(ZERO, ONE, share=0.5, key=0, salt=salt).assigned(ROWS) for salt in ("a", "b"))
    assert 0.4 < (one == other).mean() < 0.6


def test_each_row_is_answered_by_its_model() -> None:
    """The answers of both come back in the order of the rows, whatever the method puts out."""
    canary = Canary(OLD, NEW, share=0.5)
    mask = canary.assigned(X)
    assert 0 < mask.sum() < len(X)
    for method in ("predict", "predict_proba", "decision_function", "predict_log_proba"):
        old, new = (getattr(each, method)(X) for each in (OLD, NEW))
        expected = np.where(mask if old.ndim == 1 else mask[:, None], new, old)
        np.testing.assert_allclose(getattr(canary, method)(X), expected, rtol=1e-12)
    assert canary.status().rows == {"candidate": 4 * mask.sum(), "primary": 4 * (~mask).sum()}


@pytest.mark.parametrize("container", ["array", "pandas", "sparse"])
def test_each_container_is_merged(container: str) -> None:
    """Arrays, frames and sparse matrices come out in their kind, each row from its model."""
    frame = pd.DataFrame(X, columns=list("abcd"))
    given = {"array": X, "pandas": frame, "sparse": sparse.csr_matrix(X)}[container]
    old, new = (StandardScaler(with_mean=False, with_std=std).fit(given) for std in (True, False))
    if container == "pandas":
        old.set_output(transform="pandas")
        new.set_output(transform="pandas")
    canary = Canary(old, new, share=0.4)
    found, first, second = (est.transform(given) for est in (canary, old, new))
    mask = canary.assigned(given)[:, None]
    assert type(found) is type(first)
    values = [each.toarray() if sparse.issparse(each) else np.asarray(each) for each in (found, first, second)]
    np.testing.assert_array_equal(values[0], np.where(mask, values[2], values[1]))
    if container == "pandas":
        assert list(found.index) == list(frame.index) and list(found.columns) == list(frame.columns)


def test_the_row_goes_the_same_way_in_each_container_of_numbers() -> None:
    """The content of a row of numbers is its key, in an array of any layout, a list or a frame."""
    mask = Canary(OLD, NEW, share=0.5).assigned(X)
    for same in (np.asfortranarray(X), X.tolist(), pd.DataFrame(X), X.astype(">f8")):
        np.testing.assert_array_equal(Canary(OLD, NEW, share=0.5).assigned(same), mask)
    np.testing.assert_array_equal(Canary(OLD, NEW, share=0.5).assigned(X[::-1]), mask[::-1])


INSTANT = datetime.datetime(2026, 3, 1, 12, 30, 5, 123456)


@pytest.mark.parametrize(
    "same",
    [
        (7, 7.0, np.int8(7), np.uint64(7), np.float32(7), decimal.Decimal(7), decimal.Decimal("7.00")),
        (0, 0.0, -0.0, False, np.False_),
        (1, True, np.True_),
        (2**60 + 1, np.int64(2**60 + 1), decimal.Decimal(2**60 + 1)),
        (0.1, np.float64(0.1), decimal.Decimal("0.1")),
        ("é", np.str_("é")),
        (INSTANT, np.datetime64(INSTANT), np.datetime64(INSTANT, "ns"), pd.Timestamp(INSTANT)),
        (datetime.date(2026, 3, 1), np.datetime64("2026-03-01"), pd.Timestamp("2026-03-01")),
        (
            datetime.datetime(2026, 3, 1, 12, tzinfo=datetime.timezone.utc),
            pd.Timestamp("2026-03-01T13:00+01:00"),
            np.datetime64("2026-03-01T12:00"),
        ),
        (uuid.UUID(int=5), str(uuid.UUID(int=5))),
        (("a", 1), ("a", 1.0)),
        (None, NAN, np.nan, np.float32("nan"), np.datetime64("NaT"), pd.NaT, pd.NA),
    ],
    ids=repr,
)
def test_one_key_whatever_its_type(same: tuple[Any, ...]) -> None:
    """A key is its value: its type changes with the container, and with missing values in the column."""
    assert len({position(each) for each in same}) == 1


def test_different_keys_have_different_places() -> None:
    """No two of these are one key, however alike their texts are."""
    keys = ["7", 7, 7.5, b"7", "", (), ("",), ("7",), (7,), ("a", "b"), ("ab", ""), ("a", None), ("a",), float("inf")]
    keys += [float("-inf"), INSTANT, np.datetime64(INSTANT) + np.timedelta64(1, "ns"), 2**60, 2**60 + 1, -7, "7.0"]
    places = [position(key) for key in keys]
    assert len(set(places)) == len(keys) and all(0 <= place < 1 for place in places)


def test_the_places_are_fixed() -> None:
    """These numbers never change: a new version of the package sends nobody the other way."""
    assert [round(position(key, "release-7"), 12) for key in ("customer-1", 42, (1, "a"))] == PLACES


def test_another_process_sends_the_same_keys_the_same_way() -> None:
    """Hash seed and process make no difference."""
    code = (
        "import numpy as np; from sklearn_normlock.serving import Canary\n"
        "print(Canary(None, None, share=0.5, key='k').assigned(__import__('pandas').DataFrame({'k': list('abcdefghij')"
        "})).astype(int).tolist())"
    )
    seen = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("1", "2")
    }
    here = Canary(OLD, NEW, share=0.5, key="k").assigned(pd.DataFrame({"k": list("abcdefghij")}))
    assert seen == {f"{here.astype(int).tolist()}\n"}


@pytest.mark.parametrize("key", ["a", 0, lambda frame: frame["a"]], ids=["name", "position", "function"])
def test_a_key_is_a_column_or_a_function(key: Any) -> None:
    """All three ways to name a column give its values."""
    frame = pd.DataFrame({"a": [1, 2, 3], "b": [4.0, 5.0, 6.0]})
    assert keys_of(frame, key) == [1, 2, 3]


def test_rows_without_a_key_are_the_primarys() -> None:
    """A missing key is nobody's: even at share=1 the primary answers."""
    frame = pd.DataFrame({"k": ["a", None, "b"], "x": [1.0, 2.0, 3.0]})
    assert Canary(ZERO, ONE, share=1.0, key="k").assigned(frame).tolist() == [True, False, True]


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"share": 1.5}, "share is 1.5"),
        ({"share": True}, "share is True"),
        ({"share": "0.1"}, "share is '0.1'"),
        ({"key": "customer"}, "no column 'customer'"),
        ({"key": 9}, "no column 9"),
        ({"key": lambda X: [1]}, "1 keys for 150 rows"),
        ({"key": lambda X: [object()] * len(X)}, "type object has no stable text"),
        ({"on_error": "ignore"}, "on_error is"),
        ({"locks": [None]}, "1 entries for 2"),
    ],
)
def test_bad_parameters_are_refused(parameters: dict[str, Any], message: str) -> None:
    """A parameter that makes no sense is an error of ours that says what would."""
    with pytest.raises(NormLockError, match=message):
        Canary(OLD, NEW, **parameters).predict(X)


@pytest.mark.parametrize(
    "candidate",
    [model().fit(X[:, :3], y), model().fit(X[:100], y[:100])],
    ids=["other columns", "other classes"],
)
def test_a_candidate_with_another_interface_does_not_answer(candidate: Any) -> None:
    """Answers that can't stand in one array are not mixed: the primary answers every row, and that is said."""
    canary = Canary(OLD, candidate, share=0.5)
    with pytest.warns(FallbackWarning, match="not the primary's"):
        assert np.array_equal(canary.predict(X), OLD.predict(X))
    assert not canary.status().ok and canary.status().refused
    assert canary.status().explain().startswith("FALLBACK: rows answered: primary 150.\n")
    assert "The candidate's" in canary.status().explain()


def test_a_candidate_that_is_not_what_was_approved_does_not_answer() -> None:
    """A wrong lock sends every row to the primary; a wrong lock of the primary is an error."""
    wrong = nl.lock(model(5.0))
    canary = Canary(OLD, NEW, share=0.5, locks=[None, wrong])
    with pytest.warns(FallbackWarning):
        assert np.array_equal(canary.predict(X), OLD.predict(X))
    with pytest.raises(NormLockError):
        Canary(OLD, NEW, locks=[wrong, None]).predict(X)


@pytest.mark.parametrize("how", ["raises", "too few", "nothing"])
def test_a_candidate_that_fails(how: str) -> None:
    """Its error reaches the caller, or the primary stands in and that is said once, as asked."""
    broken = Misbehaving(how).fit(X, y)
    with pytest.raises((RuntimeError, NormLockError, TypeError)):
        Canary(OLD, broken, share=0.5).predict(X)
    canary = Canary(OLD, broken, share=0.5, on_error="fallback")
    with pytest.warns(FallbackWarning) as warned:
        for _ in range(3):
            assert np.array_equal(canary.predict(X), OLD.predict(X))
    assert (
        len(warned) == 1 and canary.status().failures == 3 and canary.status().rows == {"candidate": 0, "primary": 450}
    )


def test_a_sealed_candidate_that_is_altered_later() -> None:
    """It raises at its call, or the primary answers, as asked."""
    candidate = model(5.0)
    strict = Canary(OLD, candidate, share=0.5).load()
    lenient = Canary(OLD, candidate, share=0.5, on_error="fallback").load()
    candidate[0].fit(2 * X)
    with pytest.raises(PipelineMismatchError):
        strict.predict(X)
    with pytest.warns(FallbackWarning, match='step "standardscaler"'):
        assert np.array_equal(lenient.predict(X), OLD.predict(X))
    assert "candidate: failed in 1 of its calls" in lenient.status().explain()


@pytest.mark.parametrize("copied", [clone, lambda est: pickle.loads(pickle.dumps(est))], ids=["clone", "pickle"])
def test_copies_serve_the_same(copied: Any) -> None:
    """A clone and a pickle send the same rows the same way."""
    canary = Canary(OLD, NEW, share=0.5).load()
    np.testing.assert_array_equal(copied(canary).predict(X), canary.predict(X))


def test_cross_validation_does_no_harm() -> None:
    """Members that are fitted are left as they are."""
    before = nl.fingerprint(OLD), nl.fingerprint(NEW)
    cross_val_score(Canary(OLD, NEW, share=0.5), X, y, cv=2)
    assert (nl.fingerprint(OLD), nl.fingerprint(NEW)) == before


def test_sixteen_threads_and_tasks() -> None:
    """Under 16 threads, and from tasks of an event loop, each answer is right and the counts are exact."""
    canary, alone = Canary(OLD, NEW, share=0.5), Canary(OLD, NEW, share=0.5).predict(X)
    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda i: canary.predict(X[i : i + 1])[0], list(range(150)) * 2))
    assert answers == list(alone) * 2 and sum(canary.status().rows.values()) == 300

    async def serve() -> list[Any]:
        return await asyncio.gather(*(asyncio.to_thread(canary.predict, X[i : i + 1]) for i in range(50)))

    assert [answer[0] for answer in asyncio.run(serve())] == list(alone[:50])
