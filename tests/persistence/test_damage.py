"""Damage to the bytes of a saved, locked pipeline is never served: nothing changes predictions in silence."""

from __future__ import annotations

import io
import json
import pickle
import zipfile

import numpy as np
import pytest
import skops.io

pytest.importorskip("resource", reason="a damaged file is read in a process with limits, which only POSIX has")

from damage import FORMATS, as_text, damaged, edits, fitted, flips, outcome, read, run, table, used, written

import sklearn_normlock as nl


def _check(n_flips: int, n_edits: int) -> None:
    counts = table(n_flips, n_edits)
    print()
    print(as_text(counts))
    assert len(counts) == 2 * (len(FORMATS) + 1)
    for (what, kind), count in counts.items():
        assert count.total() == (n_edits if "edited" in what else n_flips)
        if kind == "locked":
            assert count["SILENT"] == 0, what
        elif what != "skops, a bit flipped":  # which the checksums of zip find
            assert count["SILENT"] > 0, f"{what}: the stock pipeline shows that this test can fail"
        if kind == "locked" and what != "skops, a bit flipped":
            assert count["ours"] > 0, what


@pytest.mark.campaign
def test_no_damage_is_silent() -> None:
    """Of 300 flipped bits a format and 100 edits of a skops file none changes predictions in silence; stock's do."""
    _check(300, 100)


@pytest.mark.campaign
def test_no_damage_is_silent_at_length() -> None:
    """Of 3,000 flipped bits a format and 500 edits of a skops file none changes predictions in silence; stock's do."""
    _check(3000, 500)


@pytest.mark.parametrize("kind", ["locked", "stock"])
@pytest.mark.parametrize("format", FORMATS)
def test_undamaged_files_predict_the_same(kind: str, format: str) -> None:
    """Nothing but the damage is counted: an undamaged file, also one zipped again, predicts the same each time."""
    estimator = fitted(kind)
    data = written(estimator, format)
    trusted = _trusted(data, format)
    expected = used(read(data, format, trusted))
    assert used(read(data, format, trusted)) == expected
    labels, chances, *names = used(estimator)
    assert [labels, *names] == [expected[0], *expected[2:]]
    # A stock object's arrays may come back in another memory layout, which moves a sum by some 1e-16.
    np.testing.assert_allclose(np.frombuffer(chances[2]), np.frombuffer(expected[1][2]), rtol=1e-12)
    if format == "skops":
        schema = json.loads(zipfile.ZipFile(io.BytesIO(data)).read("schema.json"))
        again = damaged(data, ["schema.json", ["protocol"], schema["protocol"]])
        assert outcome(again, format, trusted, expected) == "identical"


def test_with_mean_edited_to_false() -> None:
    """The one edit of JSON that takes a model's accuracy away: locked it raises, stock says nothing."""
    for kind, expected in (("locked", "ours"), ("stock", "SILENT")):
        estimator = fitted(kind)
        data = written(estimator, "skops")
        schema = json.loads(zipfile.ZipFile(io.BytesIO(data)).read("schema.json"))
        path = next(p for p, v in _walk(schema) if p[-2:] == ["with_mean", "content"] and "transformers_" in p)
        changed = damaged(data, ["schema.json", path, "false"])
        trusted = _trusted(data, "skops")
        assert outcome(changed, "skops", trusted, used(read(data, "skops", trusted))) == expected


def test_damage_is_reproducible() -> None:
    """The same seed gives the same flips and edits, and each of them changes the file."""
    data = written(fitted("locked"), "skops")
    assert flips(data, 50) == flips(data, 50) != flips(data, 50, seed=1)
    assert edits(data, 50) == edits(data, 50) != edits(data, 50, seed=1)
    assert all(_members(damaged(data, edit)) != _members(data) for edit in edits(data, 50))


@pytest.mark.campaign
def test_a_file_that_kills_its_reader_is_counted() -> None:
    """A damage that ends the reading process is one outcome, and those after it are read all the same."""
    body = pickle.dumps(fitted("stock"), protocol=2)
    # os.abort and its arguments, which are put by and dropped; one bit makes a call of the putting by.
    data = body[:2] + b"cos\nabort\n)r\x50\xc3\x00\x00" + b"00" + body[2:]
    call = 8 * data.index(b"r\x50\xc3") + 5
    assert damaged(data, call)[call // 8 : call // 8 + 1] == b"R"
    assert run(data, "pickle", [call, 8 * len(data) - 1, call, 8]) == ["others"] * 4


def _walk(value: object, path: tuple = ()) -> list:
    if isinstance(value, dict):
        return [leaf for key, item in value.items() for leaf in _walk(item, (*path, key))]
    if isinstance(value, list):
        return [leaf for i, item in enumerate(value) for leaf in _walk(item, (*path, i))]
    return [(list(path), value)]


def _members(data: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _trusted(data: bytes, format: str) -> list[str]:
    untrusted = skops.io.get_untrusted_types(data=data) if format == "skops" else ()
    return sorted({*nl.trusted_types(), *untrusted})
