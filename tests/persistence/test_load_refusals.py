"""What ``load`` refuses: files that are damaged, altered, foreign, or not the expected one."""

from __future__ import annotations

import io
import json
import os
import pickle
import zipfile
from collections.abc import Callable
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
import skops.io
from ordinary import TABLE, X, scaled_model, table_model, y
from sklearn.preprocessing import StandardScaler as StockScaler

import sklearn_normlock as nl
from sklearn_normlock.cli import main
from sklearn_normlock.errors import (
    ArtifactReadError,
    FingerprintMismatchError,
    MissingFingerprintError,
    NormLockError,
    PipelineMismatchError,
)
from sklearn_normlock.locks.parts import FileDigest
from sklearn_normlock.preprocessing import FunctionTransformer, StandardScaler

FORMATS = [".skops", ".joblib", ".pkl"]
each_format = pytest.mark.parametrize("suffix", FORMATS)


def scaler() -> StandardScaler:
    return StandardScaler().fit(X)


@pytest.fixture(params=FORMATS)
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return tmp_path / f"model{request.param}"


def test_a_missing_file(path):
    """A file that isn't there is Python's own error."""
    with pytest.raises(FileNotFoundError):
        nl.load(path)


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: b"",
        lambda data: data[:1],
        lambda data: data[: len(data) // 2],
        lambda data: data[:-1],
        lambda data: b"not a model at all",
        lambda data: bytes(100),
        lambda data: data[len(data) // 2 :],
    ],
    ids=["empty", "one byte", "half", "the last byte gone", "text", "zeros", "the other half"],
)
def test_damaged_files(path, damage):
    """A file that is cut short or no model at all gives one error that names the file and says what to do."""
    nl.dump(scaler(), path)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(ArtifactReadError) as caught:
        nl.load(path)
    assert caught.value.path == str(path)
    assert str(caught.value).startswith(str(path))
    assert str(caught.value).endswith(caught.value.remedy)


@pytest.mark.parametrize("written", FORMATS)
def test_a_file_under_another_suffix(path, written):
    """A format is told by content; but what has the suffix of the safe format is never read as one that runs code."""
    source = path.with_name(f"source{written}")
    nl.dump(scaler(), source)
    os.replace(source, path)
    if written == path.suffix or path.suffix != ".skops":
        assert nl.load(path).fingerprint_ == scaler().fingerprint_
    else:
        with pytest.raises(ArtifactReadError, match="can't be read as"):
            nl.load(path)


def test_what_is_not_here(tmp_path):
    """A file that needs a module which isn't installed says so."""
    (tmp_path / "a.pkl").write_bytes(b"cnot_installed\nThing\n.")
    with pytest.raises(ArtifactReadError, match="needs something that isn't here .*not_installed"):
        nl.load(tmp_path / "a.pkl")


def test_a_module_of_another_version(tmp_path):
    """A module that this version of an installed package lacks is no package to install."""
    (tmp_path / "a.pkl").write_bytes(b"csklearn.preprocessing.data\nStandardScaler\n.")
    with pytest.raises(ArtifactReadError, match="which another version of sklearn has, and this one hasn't"):
        nl.load(tmp_path / "a.pkl")


@pytest.mark.parametrize(
    "content", [b"cbuiltins\nint\n(S'x'\ntR.", b"cbuiltins\nno_such_thing\n.", b"cnowhere\nThing\n."]
)
def test_locked_bytes_are_not_damaged(tmp_path, content):
    """A file with the locked bytes that can't be read under other versions is whole, and the error says so."""
    path = tmp_path / "a.pkl"
    path.write_bytes(content)
    lock = nl.lock(scaler()).with_files({"a.pkl": FileDigest.of(path)})
    with pytest.raises(ArtifactReadError) as caught:
        nl.load(path, lock=lock)
    assert "Its bytes are those" not in str(caught.value)
    older = replace(lock, environment={**lock.environment, "scipy": "1.0.0"})
    with pytest.raises(
        ArtifactReadError, match=r"Its bytes are those that were locked, .* \(scipy 1.0.0 → .*\): load it"
    ):
        nl.load(path, lock=older)


@pytest.mark.skipif(find_spec("_loss") is not None, reason="there is a module of this name")
@pytest.mark.parametrize("trusted", [(), ["_loss.CyHalfBinomialLoss"]])
def test_a_type_of_another_version(tmp_path, trusted):
    """To trust a type in a .skops file is no remedy where no version of this package would find it."""
    path = tmp_path / "a.skops"
    nl.dump(StandardScaler().fit(X), path)
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    schema = json.loads(members["schema.json"])
    schema.update(__class__="CyHalfBinomialLoss", __module__="_loss")
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in {**members, "schema.json": json.dumps(schema)}.items():
            archive.writestr(name, content)
    with pytest.raises(ArtifactReadError, match="needs the module _loss, which another version of sklearn has"):
        nl.load(path, trusted=trusted)


def test_several_objects_in_one_file(tmp_path):
    """A lock is of one object or of files: a file with several is refused before a lock is written, by every way."""
    path = tmp_path / "both.pkl"
    both = {"scaler": scaler(), "model": scaler()}
    for several in (both, [*both.values()]):
        path.write_bytes(pickle.dumps(several))
        assert main(["lock", str(path)]) == 2
        assert main(["show", str(path), "--trust-file"]) == 2
        with pytest.raises(NormLockError, match="no fitted estimator"):
            nl.load(path, lock=nl.lock(scaler()), trust_file=True)
    with pytest.raises(NormLockError, match="artifact is the file of one object"):
        nl.lock(both, artifact=path)
    with pytest.raises(NormLockError, match="was not written: it would hold a mapping"):
        nl.dump(both, path, lock=True)
    assert [each.name for each in tmp_path.iterdir()] == ["both.pkl"]


def test_types_to_trust_are_a_list(tmp_path):
    """None is no type, and one text is refused: its letters are no types."""
    path = tmp_path / "a.skops"
    nl.dump(scaler(), path, lock=True, trusted=None)
    assert nl.load(path, lock=True, trusted=None).fingerprint_ == nl.lock(scaler(), trusted=None).fingerprint
    with pytest.raises(NormLockError, match="trusted is one text"):
        nl.load(path, trusted="mypackage.MyScaler")


@pytest.mark.parametrize("make", [lambda: StockScaler().fit(X), lambda: {"a": 1}, lambda: [scaler()], StandardScaler])
def test_what_has_no_seal(path, make):
    """What carries no fingerprint is refused, and the error names the ways on."""
    obj = make()
    {".skops": skops.io.dump, ".joblib": joblib.dump}.get(
        path.suffix, lambda obj, path: path.write_bytes(pickle.dumps(obj))
    )(obj, path)
    with pytest.raises(MissingFingerprintError, match="pass lock= or expect=, or unsealed=True") as caught:
        nl.load(path)
    assert caught.value.path == str(path)
    assert type(nl.load(path, unsealed=True)) is type(obj)


def test_stock_objects_are_loaded_against_a_fingerprint(path):
    """A stock object has a fingerprint as well: ``expect=`` verifies it."""
    stock = StockScaler().fit(X)
    nl.dump(stock, path)
    assert nl.fingerprint(nl.load(path, expect=nl.fingerprint(stock))) == nl.fingerprint(stock)
    with pytest.raises(MissingFingerprintError):
        nl.load(path)
    with pytest.raises(FingerprintMismatchError, match="not the expected"):
        nl.load(path, expect=nl.fingerprint(StockScaler().fit(X * 2)))


@pytest.mark.parametrize("value", [(), False, 0, {"nl1"}, [""], b"nl1"])
def test_what_is_no_fingerprint_and_no_lock_is_refused(value: Any, tmp_path: Path) -> None:
    """An argument of another type accepts nothing, and is said by an error of ours."""
    nl.dump(scaler(), tmp_path / "model.skops", lock=True)
    with pytest.raises(FingerprintMismatchError, match="which is not a fingerprint"):
        nl.load(tmp_path / "model.skops", expect=value)
    if value is not False:
        with pytest.raises(NormLockError, match="must be a Lock, a path or True"):
            nl.load(tmp_path / "model.skops", lock=value)


def test_expect(path):
    """An object that is whole but not the expected one is refused; the error names the file and both."""
    nl.dump(scaler(), path)
    other = StandardScaler().fit(X * 2)
    with pytest.raises(FingerprintMismatchError) as caught:
        nl.load(path, expect=other.fingerprint_)
    assert (caught.value.expected, caught.value.actual) == (other.fingerprint_, scaler().fingerprint_)
    assert str(caught.value) == (
        f"{path} holds {scaler().fingerprint_}, not the expected {other.fingerprint_}. Deploy the file that was "
        "approved, or approve this one."
    )
    for nonsense in ("", "nl1-sha256:", scaler().fingerprint_.upper(), scaler().fingerprint_[:-1]):
        with pytest.raises(FingerprintMismatchError):
            nl.load(path, expect=nonsense, unsealed=True)


def test_an_altered_file(path):
    """A file whose object was altered and saved by others is refused, also when ``unsealed=True``."""
    altered = scaled_model().fit(X, y)
    with nl.config_context(policy="ignore"):
        altered[0].mean_ = np.zeros(4)
        {".skops": skops.io.dump, ".joblib": joblib.dump}.get(
            path.suffix, lambda obj, path: path.write_bytes(pickle.dumps(obj))
        )(altered, path)
    for unsealed in (False, True):
        with pytest.raises((FingerprintMismatchError, PipelineMismatchError), match="mean_"):
            nl.load(path, unsealed=unsealed)


# -- skops ---------------------------------------------------------------------------------------


def _rezipped(path: Path, edit: Callable[[str, bytes], bytes]) -> int:
    """Unzip a file, edit its members and zip it again, with fresh checksums; return how many changed."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    edited = {name: edit(name, data) for name, data in members.items()}
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in edited.items():
            archive.writestr(name, data)
    return sum(edited[name] != members[name] for name in members)


def _without_mean(name: str, data: bytes) -> bytes:
    def walk(node: Any) -> None:
        if isinstance(node, dict):
            if "with_mean" in node:
                node["with_mean"]["content"] = "false"
            for value in node.values():
                walk(value)
        elif isinstance(node, list):
            for value in node:
                walk(value)

    if name != "schema.json":
        return data
    schema = json.loads(data)
    walk(schema)
    return json.dumps(schema).encode()


def _other_numbers(name: str, data: bytes) -> bytes:
    if not name.endswith(".npy"):
        return data
    array = np.load(io.BytesIO(data), allow_pickle=False)
    if array.dtype.kind != "f":
        return data
    file = io.BytesIO()
    np.save(file, array * 1.001)
    return file.getvalue()


@pytest.mark.parametrize("edit", [_without_mean, _other_numbers])
def test_a_skops_file_edited_and_zipped_again(tmp_path, edit):
    """A parameter flipped in the schema, numbers changed in an array: skops' own load raises, and so does ours."""
    path = tmp_path / "model.skops"
    nl.dump(scaled_model().fit(X, y), path)
    assert _rezipped(path, lambda name, data: data) == 0
    assert nl.load(path).predict(X).shape == y.shape
    assert _rezipped(path, edit) > 0
    for load in (lambda: skops.io.load(path, trusted=nl.trusted_types()), lambda: nl.load(path)):
        with pytest.raises((FingerprintMismatchError, PipelineMismatchError)):
            load()
    stock = tmp_path / "stock.skops"
    skops.io.dump(nl.unlock(scaled_model().fit(X, y)), stock)
    _rezipped(stock, edit)
    assert not np.array_equal(skops.io.load(stock).predict_proba(X), scaled_model().fit(X, y).predict_proba(X))


def test_trusted_types():
    """The list is fixed and sorted, names the drop-ins and nothing that runs code, and skops accepts it."""
    names = nl.trusted_types()
    assert list(names) == sorted(set(names))
    assert "sklearn_normlock.preprocessing.StandardScaler" in names
    assert "sklearn_normlock.pipeline.Pipeline" in names
    assert not any("Function" in name and "Transformer" not in name for name in names)
    for model, data in ((table_model(), TABLE), (scaled_model(), X)):
        data = skops.io.dumps(model.fit(data, y))
        assert set(skops.io.get_untrusted_types(data=data)) <= set(names)


def shift(values: Any) -> Any:
    return values + 1


def test_untrusted_types(tmp_path):
    """A type that nobody vouched for stops the load by name; ``trusted=`` lets it in."""
    path = tmp_path / "a.skops"
    nl.dump(FunctionTransformer(shift).fit(X), path)
    with pytest.raises(ArtifactReadError, match="test_load_refusals.shift.*trusted=") as caught:
        nl.load(path)
    assert str(caught.value).endswith(caught.value.remedy)
    assert np.array_equal(nl.load(path, trusted=["test_load_refusals.shift"]).transform(X), X + 1)
