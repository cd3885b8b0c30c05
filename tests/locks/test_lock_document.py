"""Claims of the lock as a document: the same lock is the same bytes, and whatever isn't a whole lock is refused."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import subprocess
import sys
import warnings
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lock_documents import X, at, locks, malformed, pipeline, places, scaler, sealed
from sklearn.preprocessing import StandardScaler
from zoo import ZOO

import sklearn_normlock as nl
from sklearn_normlock.documents.rendering import rendered
from sklearn_normlock.errors import LockFormatError, LockVersionError, MissingLockError, NormLockError
from sklearn_normlock.locks.document import LOCK_REVISION

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = json.loads((ROOT / "docs" / "lock.schema.json").read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
KINDS = ["scaler", "recorded", "pipeline", "rows", "frame", "sparse rows", "texts", "bundle", "gaps", "odd values"]


def document(kind="scaler"):
    return json.loads(json.dumps(locks()[kind].to_dict()))


# -- there and back ----------------------------------------------------------------------------------------------------


def rows_parts(node=None):
    """Yield the parts of the schema that describe rows."""
    for part in [SCHEMA["$defs"][name] for name in ("item", "column", "rows")] if node is None else [node]:
        yield part
        for inner in part.get("anyOf", ()):
            yield from rows_parts(inner)


def test_the_kinds_have_every_field():
    """What the tests below alter holds every field that the schema names, save the mark of a lock that was cut."""
    documents = [document(kind) for kind in KINDS]
    text = json.dumps(documents)
    fields = {name for part in SCHEMA["$defs"].values() for name in part.get("properties", ())} | set(
        SCHEMA["properties"]
    )
    # The forms of values and columns are altered in test_rows.
    fields -= {name for part in rows_parts() for name in part.get("properties", ())}
    missing = {name for name in fields if f'"{name}"' not in text}
    assert missing == {"cut"}


@pytest.mark.parametrize("kind", KINDS)
def test_round_trip(kind, tmp_path):
    """A lock comes back from its dict and from its file as the same lock, to the last bit of every float."""
    lock = locks()[kind]
    assert nl.Lock.from_dict(lock.to_dict()) == lock
    lock.save(tmp_path / "a.normlock.json")
    again = nl.Lock.load(tmp_path / "a.normlock.json")
    assert again == lock
    again.save(tmp_path / "b.normlock.json")
    assert (tmp_path / "a.normlock.json").read_bytes() == (tmp_path / "b.normlock.json").read_bytes()


@settings(max_examples=50, deadline=None, derandomize=True)
@given(st.lists(st.floats(allow_nan=False), min_size=3, max_size=3))
def test_floats_are_exact(values):
    """Any float stands in a lock as itself: infinities, subnormals and minus zero too."""
    est = scaler()
    est.mean_ = np.array(values)
    again = nl.Lock.from_dict(json.loads(rendered(nl.lock(est).to_dict())))
    assert np.array([float(x) for x in again.state["mean_"]["values"]]).tobytes() == est.mean_.tobytes()
    assert nl.compare(est, again).ok


_ELSEWHERE = """
import hashlib, sys
from lock_documents import locks
from sklearn_normlock.documents.rendering import rendered
print(*(hashlib.sha256(rendered(lock.to_dict()).encode()).hexdigest() for lock in locks().values()))
"""


def test_the_same_bytes_elsewhere():
    """The same objects, fitted in other processes with other hash seeds, have locks of the same bytes."""
    env = {**os.environ, "PYTHONHASHSEED": "77", "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [sys.executable, "-W", "ignore", "-c", _ELSEWHERE]
    there = subprocess.run(command, capture_output=True, text=True, check=True, env=env).stdout.split()
    assert there == [hashlib.sha256(rendered(lock.to_dict()).encode()).hexdigest() for lock in locks().values()]
    assert len(set(there)) == len(KINDS)


def test_text_is_for_review():
    """Keys are sorted, lines are of a readable width, numbers are plain, and the text ends with a newline."""
    text = rendered(document())
    assert text.endswith("}\n") and max(map(len, text.splitlines())) < 700  # of a small array, or an output
    tops = [line.split('"')[1] for line in text.splitlines() if line.startswith(' "')]
    assert tops == sorted(tops)
    assert '"mean_": {"dtype": "<f8", "shape": [3], "values": [' in text
    assert json.loads(text) == document()


def test_save_is_whole_or_not_at_all(tmp_path, monkeypatch):
    """What can't be written leaves the old lock as it was, and nothing beside it."""
    path = tmp_path / "a.normlock.json"
    lock = locks()["scaler"]
    lock.save(path)
    before = path.read_bytes()
    monkeypatch.setattr(os, "fsync", lambda descriptor: (_ for _ in ()).throw(OSError(28, "No space left on device")))
    with pytest.raises(OSError, match="No space"):
        locks()["pipeline"].save(path)
    assert path.read_bytes() == before and os.listdir(tmp_path) == [path.name]


def test_frozen():
    """No field of a lock or of its parts can be set."""
    lock = locks()["bundle"]
    for part in (lock, lock.probes[0], lock.probes[0].outputs[0], lock.files["first.joblib"], lock.inputs["first"]):
        for field in dataclasses.fields(part):
            with pytest.raises(dataclasses.FrozenInstanceError):
                setattr(part, field.name, None)


# -- what is refused ---------------------------------------------------------------------------------------------------


def refused(altered):
    """Return the error that a document is refused with, or None."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The lock has revision")
        try:
            nl.Lock.from_dict(altered)
        except LockFormatError as error:
            return error
    return None


#: What only numbers of elements or a digest tell: a schema can't.
BEYOND_A_SCHEMA = ("values", "data", "items", "texts", "magnitude", "names", "shape", "fingerprint", "dtype", "columns")
BEYOND_A_SCHEMA += ("member",)  # the name of another part of the document
BEYOND_A_SCHEMA += ("summary",)  # whole numbers that are too large for a float


def check_malformed(kind, every, start):
    both = 0
    for i, (what, altered) in enumerate(malformed(document(kind))):
        if i % every != start:
            continue
        error = refused(sealed(altered))
        valid = VALIDATOR.is_valid(sealed(altered))
        assert valid or error is not None, f"{what}: the schema refuses it, the reader does not"
        if error is not None:
            both += not valid
            assert error.path, f"{what}: {error}"
            if valid:
                assert any(name in error.path for name in BEYOND_A_SCHEMA), f"{what}: {error}"
    return both


@pytest.mark.parametrize("kind", KINDS)
def test_malformed(kind):
    """A field left out, of another type or unknown is refused with the place, by the reader and by the schema alike.

    A sample: the campaign below tries them all.
    """
    every = 29 if kind in ("scaler", "recorded", "sparse rows", "gaps", "odd values") else 397
    assert check_malformed(kind, every, 3) >= 4


@pytest.mark.campaign
@pytest.mark.parametrize("kind", KINDS)
def test_malformed_all(kind):
    """The same for every place of the document and every kind of value."""
    assert check_malformed(kind, 1, 0) > 500


PLACES = {
    ("lock_version",): "lock_version",
    ("files", "scaler.skops", "size"): 'files["scaler.skops"].size',
    ("inputs", "", "width"): 'inputs[""].width',
    ("environment", "numpy"): 'environment["numpy"]',
    ("state", "mean_", "values", 1): 'state["mean_"].values[1]',
    ("state", "mean_", "dtype"): 'state["mean_"].dtype',
    ("probes", 0, "outputs", 0, "shape"): "probes[0].outputs[0].shape",
    ("probes", 0, "rows", "dtype"): "probes[0].rows.dtype",
    ("probes", 0, "source"): "probes[0].source",
}


@pytest.mark.parametrize("path", PLACES, ids=PLACES.values())
def test_the_place_is_named(path):
    """The error of a field of the wrong type has the place as its ``path``, and in its text what was there."""
    altered = document()
    at(altered, path[:-1])[path[-1]] = {"odd": "value"}
    error = refused(sealed(altered))
    assert error.path == PLACES[path] and PLACES[path] in str(error)
    assert "{'odd': 'value'}" in str(error) and error.remedy in str(error)


@pytest.mark.parametrize("name", ["a/../b.pkl", "./b.pkl", "/etc/passwd", "..", "", "a\\b.pkl", "a\0b", "C:/b.pkl"])
def test_names_of_files(name):
    """An artifact has one name: its path from the lock's folder, never an absolute one."""
    altered = document()
    altered["files"] = {name: altered["files"]["scaler.skops"]}
    assert "from the lock's folder" in str(refused(sealed(altered)))
    assert not VALIDATOR.is_valid(sealed(altered))


def test_another_version():
    """A lock of another major version is refused as that, also if all else in it is new."""
    for version in (0, 2, 99):
        with pytest.raises(LockVersionError) as caught:
            nl.Lock.from_dict({"lock_version": version, "all": "else"})
        assert (caught.value.actual, caught.value.expected, caught.value.path) == (version, 1, "lock_version")


def test_a_later_revision():
    """A lock of a later revision warns and is read on: what it adds is left out, what is known is checked."""
    later = document("rows")
    later["lock_revision"] = LOCK_REVISION + 3
    for path in [(), *places(later)]:
        if isinstance(at(later, path), dict) and path[:1] not in (
            ("environment",),
            ("files",),
            ("state",),
            ("inputs",),
            ("fitted",),
            ("code",),
            ("accepted",),
        ):
            at(later, path)["novelty"] = 1
    later["state"]["columntransformer.num.mean_"]["novelty"] = {}
    later["inputs"][""]["novelty"] = []
    with pytest.warns(UserWarning, match=rf"revision \d+ of its format, this reader knows up to {LOCK_REVISION}"):
        lock = nl.Lock.from_dict(sealed(later))
    assert lock.fingerprint == locks()["rows"].fingerprint and lock.state.keys() == locks()["rows"].state.keys()
    del later["probes"][0]["path"]
    assert refused(sealed(later)).path == "probes[0].path"


def test_the_digest_tells_any_edit():
    """Each edit without a new digest is refused as damage, before anything else is looked at."""
    for path in places(document()):
        if path[0] in ("digest", "lock_version"):
            continue
        altered = document()
        at(altered, path[:-1])[path[-1]] = "edited"
        assert refused(altered).path == "digest"


def test_the_fingerprint_is_that_of_the_state():
    """A fingerprint that isn't that of the state listed is refused, with a digest that is right."""
    altered = document()
    altered["fingerprint"] = "nl1-sha256:" + "0" * 64
    assert refused(sealed(altered)).path == "fingerprint"
    altered = document()
    altered["state"][""]["digest"] = "0" * 64
    assert refused(sealed(altered)).path == "fingerprint"


FILES = {
    "empty": b"",
    "not JSON": b"scaler",
    "cut short": rendered(locks()["scaler"].to_dict()).encode()[:-40],
    "two documents": rendered(locks()["scaler"].to_dict()).encode() * 2,
    "a list": b"[]",
    "a number": b"1",
    "null": b"null",
    "no fields": b"{}",
    "not UTF-8": b"\xff\xfe{\x00}\x00",
    "a name twice": b'{"lock_version": 1, "lock_version": 1}',
    "a name twice, inside": b'{"lock_version": 1, "files": {"a": 1, "a": 1}}',
    "NaN": b'{"lock_version": 1, "x": NaN}',
    "Infinity": b'{"lock_version": 1, "x": -Infinity}',
    "beyond a float": b'{"lock_version": 1, "digest": "' + b"0" * 64 + b'", "x": 1e999}',
    "many digits": b'{"lock_version": ' + b"1" * 10_000 + b"}",
    "nested deeply": b'{"lock_version": 1, "x": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "nested objects": b'{"lock_version":' * 50_000,
}


@pytest.mark.parametrize("what", FILES)
def test_what_is_no_lock(what, tmp_path):
    """A file that is no lock is refused by its name, with what to do."""
    path = tmp_path / "odd.normlock.json"
    path.write_bytes(FILES[what])
    with pytest.raises(LockFormatError) as caught:
        nl.Lock.load(path)
    assert str(path) in str(caught.value)
    assert caught.value.remedy and caught.value.remedy in str(caught.value)


def test_nested_within_the_limit():
    """Values as deep as JSON can be read are refused too, where they stand or as too deep."""
    for depth in (100, 200, 300, 600, 900):
        lists: object = 1
        tuples: object = 1
        for _ in range(depth):
            lists, tuples = [lists], {"tuple": [tuples]}
        altered, deep = document("rows"), document("rows")
        altered["probes"][0]["rows"] = {"form": "list", "items": lists}
        deep["probes"][0]["rows"] = {"form": "list", "items": [tuples]}
        try:
            bodies = [sealed(altered), sealed(deep)]
        except NormLockError:
            continue  # too deep to be written
        assert refused(bodies[0]).path == "probes[0].rows.items[0]"
        refused(bodies[1])  # well-formed, and perhaps too deep; but nobody else's error


def test_bom_and_line_ends(tmp_path):
    """What an editor or a checkout on another system makes of the text is still the same lock."""
    lock = locks()["pipeline"]
    text = rendered(lock.to_dict())
    path = tmp_path / "a.normlock.json"
    for data in (
        b"\xef\xbb\xbf" + text.encode(),
        text.replace("\n", "\r\n").encode(),
        json.dumps(json.loads(text)).encode(),
    ):
        path.write_bytes(data)
        assert nl.Lock.load(path) == lock


def test_a_missing_lock(tmp_path):
    """A lock that isn't there is an error of its own, which is a FileNotFoundError too; a folder is no lock."""
    with pytest.raises(MissingLockError, match="normlock lock ARTIFACT") as caught:
        nl.Lock.load(tmp_path / "none.json")
    assert isinstance(caught.value, FileNotFoundError) and caught.value.path == str(tmp_path / "none.json")
    with pytest.raises(LockFormatError, match="can't be read as a lock"):
        nl.Lock.load(tmp_path)


# -- the schema --------------------------------------------------------------------------------------------------------


def test_the_schema_is_one():
    """It is JSON Schema 2020-12, and describes every field."""
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert all("description" in each for each in SCHEMA["properties"].values())
    for name in ("file", "contract", "probe", "output", "entry"):
        for field, each in SCHEMA["$defs"][name]["properties"].items():
            refers = each.get("$ref", "").rpartition("/")[2]
            assert "description" in each or "description" in SCHEMA["$defs"].get(refers, {}) or refers == "dtype", field


@pytest.mark.parametrize("kind", KINDS)
def test_locks_follow_the_schema(kind):
    """Locks of each kind are valid."""
    VALIDATOR.validate(document(kind))


def check_zoo(names):
    for name in names:
        VALIDATOR.validate(json.loads(rendered(nl.lock(ZOO[name].fitted()).to_dict())))


def test_locks_of_estimators_follow_the_schema():
    """Locks of every tenth estimator of scikit-learn are valid; the campaign below takes them all."""
    check_zoo(sorted(ZOO)[::10])


@pytest.mark.campaign
def test_locks_of_all_estimators_follow_the_schema():
    """Locks of every estimator of scikit-learn are valid."""
    check_zoo(ZOO)


def test_a_lock_of_a_pipeline_is_small():
    """The lock of a pipeline of scaler and model on 30 features takes less than 40 kB."""
    from sklearn.datasets import load_breast_cancer
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline

    data = load_breast_cancer()
    pipe = make_pipeline(StandardScaler(), LogisticRegression(solver="newton-cg")).fit(data.data, data.target)
    assert len(rendered(nl.lock(pipe).to_dict())) < 40_000
    assert nl.lock(pipeline()).to_dict() == document("pipeline")
    assert X.shape == (40, 3)
