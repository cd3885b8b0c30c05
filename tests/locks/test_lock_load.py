"""Claims of ``dump(lock=True)`` and ``load(lock=, expect=, trusted=, trust_file=)``: what is checked, and when."""

from __future__ import annotations

import json
import logging
import pickle
import shutil
from pathlib import Path

import joblib
import numpy as np
import pytest
import skops.io
from lock_documents import X, pipeline, scaler, sealed, y
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import FunctionTransformer, StandardScaler

import sklearn_normlock as nl
from sklearn_normlock import pipeline as locked_pipeline
from sklearn_normlock import preprocessing as locked
from sklearn_normlock.errors import (
    ArtifactDigestError,
    ArtifactReadError,
    FingerprintMismatchError,
    LockFormatError,
    LockMismatchError,
    LockVersionError,
    MissingLockError,
    ProbeMismatchError,
    UnfingerprintableError,
)
from sklearn_normlock.locks.parts import FileDigest

SUFFIXES = [".skops", ".joblib", ".pkl"]


class Payload:
    """Writes a file when it is unpickled, as an attacker's pickle runs what it likes."""

    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return Path.write_text, (Path(self.marker), "executed")


@pytest.fixture
def marker(tmp_path):
    return tmp_path / "marker"


def hostile(path, marker):
    """Put a file in place that runs code when it is read."""
    (joblib.dump if path.suffix == ".joblib" else lambda obj, file: Path(file).write_bytes(pickle.dumps(obj)))(
        Payload(marker), path
    )


def lock_of(path):
    return path.with_name(path.name + ".normlock.json")


# -- there and back ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize(
    "make", [scaler, pipeline, lambda: locked.StandardScaler().fit(X)], ids=["stock", "pipe", "drop-in"]
)
def test_dump_and_load(tmp_path, suffix, make):
    """``dump(lock=True)`` writes the lock beside the file, with its digest; ``load(lock=True)`` takes both back."""
    path, est = tmp_path / f"model{suffix}", make()
    nl.dump(est, path, lock=True)
    lock = nl.Lock.load(lock_of(path))
    assert lock.files[path.name] == FileDigest.of(path) and lock.fingerprint == nl.fingerprint(est)
    for given in (True, lock_of(path), str(lock_of(path)), lock):
        assert nl.fingerprint(nl.load(path, lock=given)) == lock.fingerprint
    assert nl.fingerprint(nl.load(path, lock=True, expect=lock.fingerprint)) == lock.fingerprint


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_renamed_file(tmp_path, suffix):
    """The bytes count, not the name that a file has."""
    path, other = tmp_path / f"model{suffix}", tmp_path / f"other{suffix}"
    nl.dump(scaler(), path, lock=True)
    path.rename(other)
    assert nl.load(other, lock=lock_of(path)).mean_.shape == (3,)
    with pytest.raises(MissingLockError):
        nl.load(other, lock=True)


def test_a_skops_file_saved_again(tmp_path, caplog):
    """Other bytes with the same state are a match for skops, which is safe to open, and the note says so."""
    path = tmp_path / "model.skops"
    nl.dump(scaler(), path, lock=True)
    skops.io.dump(nl.load(path, lock=True), path, compresslevel=9, compression=8)
    assert nl.Lock.load(lock_of(path)).files[path.name] != FileDigest.of(path)
    with caplog.at_level(logging.INFO, "sklearn_normlock"):
        nl.load(path, lock=True)
    assert any("re-saved: other bytes than the locked file has" in record.getMessage() for record in caplog.records)
    skops.io.dump(StandardScaler().fit(X[1:]), path)
    with pytest.raises(LockMismatchError):
        nl.load(path, lock=True)


# -- a pickle is opened last -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".joblib", ".pkl"])
def test_unknown_bytes_are_never_unpickled(tmp_path, suffix, marker):
    """A file that runs code isn't opened unless its bytes are the locked ones, or the caller vouches for it."""
    path = tmp_path / f"model{suffix}"
    nl.dump(scaler(), path, lock=True)
    hostile(path, marker)
    for expect in (None, nl.fingerprint(scaler())):
        with pytest.raises(ArtifactDigestError, match="was not opened: reading a .* runs code") as caught:
            nl.load(path, lock=True, expect=expect)
        assert caught.value.expected and caught.value.actual == FileDigest.of(path).sha256
        assert "trust_file=True" in caught.value.remedy
    assert not marker.exists()
    with pytest.raises(UnfingerprintableError):
        nl.load(path, lock=True, trust_file=True)
    assert marker.exists(), "the payload does run code: what the test above relies on"


@pytest.mark.parametrize("suffix", [".joblib", ".pkl"])
def test_a_lock_without_digest(tmp_path, suffix, marker):
    """A lock that was made of an object, and knows no file, opens none that runs code."""
    path = tmp_path / f"model{suffix}"
    hostile(path, marker)
    nl.lock(scaler()).save(lock_of(path))
    with pytest.raises(ArtifactDigestError, match="which has no digest of a file") as caught:
        nl.load(path, lock=True)
    assert caught.value.expected is None and not marker.exists()
    nl.dump(scaler(), path)
    with pytest.raises(ArtifactDigestError):
        nl.load(path, lock=True)
    assert nl.load(path, lock=True, trust_file=True).mean_.shape == (3,)


@pytest.mark.parametrize("change", ["digest", "version", "cut", "missing", "pin"])
@pytest.mark.parametrize("suffix", [".joblib", ".pkl"])
def test_the_lock_comes_first(tmp_path, suffix, change, marker, monkeypatch):
    """A lock that can't be read, or isn't the pinned one, stops the load before the file is opened, known or not."""
    path = tmp_path / f"model{suffix}"
    hostile(path, marker)
    lock = nl.lock(scaler(), artifact=path)
    lock.save(lock_of(path))
    text = lock_of(path).read_text()
    document = json.loads(text)
    errors = {
        "digest": LockFormatError,
        "version": LockVersionError,
        "cut": LockFormatError,
        "missing": MissingLockError,
    }
    if change == "missing":
        lock_of(path).unlink()
    elif change == "cut":
        lock_of(path).write_text(text[:-100])
    elif change == "version":
        lock_of(path).write_text(json.dumps(sealed({**document, "lock_version": 2})))
    elif change == "digest":
        lock_of(path).write_text(json.dumps({**document, "members": ["x"]}))
    else:
        monkeypatch.setenv("NORMLOCK_EXPECT", "nl1-sha256:" + "0" * 64)
    with pytest.raises(errors.get(change, LockMismatchError)):
        nl.load(path, lock=True)
    assert not marker.exists()


def test_policy_does_not_soften(tmp_path, marker):
    """Under "warn" and "ignore" a lock, or a fingerprint that is expected, still raises and opens nothing."""
    path, good = tmp_path / "model.pkl", tmp_path / "good.skops"
    nl.dump(scaler(), path, lock=True)
    hostile(path, marker)
    skops.io.dump(StandardScaler().fit(X[1:]), good)
    nl.lock(scaler()).save(lock_of(good))
    for policy in ("warn", "ignore"):
        with nl.config_context(policy=policy):
            with pytest.raises(ArtifactDigestError):
                nl.load(path, lock=True)
            with pytest.raises(LockMismatchError):
                nl.load(good, lock=True)
            with pytest.raises(FingerprintMismatchError):
                nl.load(good, expect=nl.fingerprint(scaler()))
            with pytest.raises(MissingLockError):
                nl.load(tmp_path / "good.skops", lock=tmp_path / "none.json")
    assert not marker.exists()


# -- pins --------------------------------------------------------------------------------------------------------------


def test_expect(tmp_path, monkeypatch):
    """A pin comes from the argument or the environment; the argument wins; it is held against the lock as well."""
    path, right, wrong = tmp_path / "model.skops", nl.fingerprint(scaler()), "nl1-sha256:" + "0" * 64
    nl.dump(scaler(), path, lock=True)
    for kwargs in ({"lock": True}, {}):
        assert nl.load(path, expect=f"{wrong}, {right}", **kwargs).mean_.shape == (3,)
        with pytest.raises((LockMismatchError, FingerprintMismatchError), match="expected"):
            nl.load(path, expect=wrong, **kwargs)
        for bad in ("", "nonsense", right[:-1], right.upper()):
            with pytest.raises(FingerprintMismatchError, match="is not a fingerprint"):
                nl.load(path, expect=bad, **kwargs)
        monkeypatch.setenv("NORMLOCK_EXPECT", wrong)
        with pytest.raises((LockMismatchError, FingerprintMismatchError)):
            nl.load(path, **kwargs)
        assert nl.load(path, expect=right, **kwargs) is not None
        monkeypatch.setenv("NORMLOCK_EXPECT", "")
        with pytest.raises(nl.errors.NormLockError, match="NORMLOCK_EXPECT is ''"):
            nl.load(path, **kwargs)
        monkeypatch.delenv("NORMLOCK_EXPECT")


def test_a_forged_pair(tmp_path):
    """Whoever can write both files can forge a match; a pin from a second channel tells."""
    path, pin = tmp_path / "model.skops", nl.fingerprint(scaler())
    nl.dump(StandardScaler().fit(X[1:]), path, lock=True)
    assert nl.load(path, lock=True) is not None
    with pytest.raises(LockMismatchError):
        nl.load(path, lock=True, expect=pin)


# -- what the object is ------------------------------------------------------------------------------------------------


def test_a_seal_that_is_broken(tmp_path):
    """A drop-in that isn't what was fitted raises by its own seal, lock or no lock."""
    path = tmp_path / "model.pkl"
    est = locked_pipeline.make_pipeline(locked.StandardScaler(), LogisticRegression()).fit(X, y)
    data = pickle.dumps(est, protocol=5)
    mean = est[0].mean_.tobytes()
    assert data.count(mean) >= 1
    path.write_bytes(data.replace(mean, (est[0].mean_ + 1).tobytes()))
    nl.lock(est, artifact=path).save(lock_of(path))
    with pytest.raises(nl.errors.NormLockError):
        nl.load(path, lock=True)


def test_another_behaviour(tmp_path, monkeypatch):
    """The same state with other outputs raises as that, from a file as from memory."""
    path = tmp_path / "model.joblib"
    nl.dump(scaler(), path, lock=True)
    old = StandardScaler.transform
    monkeypatch.setattr(StandardScaler, "transform", lambda self, X: old(self, X) + 1e-6)
    with pytest.raises(ProbeMismatchError):
        nl.load(path, lock=True)


def own(values):
    return values * 2


def test_trusted(tmp_path):
    """Types that skops doesn't know are refused by name, and let in by ``trusted=``; a lock alone lets none in."""
    path = tmp_path / "model.skops"
    nl.dump(FunctionTransformer(own).fit(X), path, lock=True)
    with pytest.raises(ArtifactReadError, match="test_lock_load.own.*trusted="):
        nl.load(path, lock=True)
    assert np.array_equal(nl.load(path, lock=True, trusted=["test_lock_load.own"]).transform(X), 2 * X)


def test_a_file_that_is_not_there(tmp_path):
    """Neither a missing file nor an unknown format is a match."""
    nl.lock(scaler()).save(tmp_path / "a.normlock.json")
    with pytest.raises(FileNotFoundError):
        nl.load(tmp_path / "a.pkl", lock=tmp_path / "a.normlock.json")
    with pytest.raises(ArtifactReadError, match="is not known. Use one of .skops, .joblib, .pkl"):
        nl.load(tmp_path / "a.onnx", lock=tmp_path / "a.normlock.json")


# -- bundles -----------------------------------------------------------------------------------------------------------


def bundle(folder, X=X):
    """Write a scaler, a model and the bundle's lock into a folder."""
    folder.mkdir()
    members = {"scaler": StandardScaler().fit(X), "model": LogisticRegression().fit(X, y[: len(X)])}
    paths = {"scaler": folder / "scaler.joblib", "model": folder / "model.pkl"}
    for name, path in paths.items():
        nl.dump(members[name], path)
    from dataclasses import replace

    files = {path.name: replace(FileDigest.of(path), member=name) for name, path in paths.items()}
    nl.lock(members).with_files(files).save(folder / "bundle.normlock.json")
    return paths, folder / "bundle.normlock.json"


def test_members_of_a_bundle(tmp_path):
    """Each member is loaded by the bundle's lock, known by its bytes; the pin of either is accepted."""
    paths, lock = bundle(tmp_path / "a")
    found = {name: nl.load(path, lock=lock) for name, path in paths.items()}
    assert nl.verify(found, nl.Lock.load(lock)).ok
    for pin in (nl.Lock.load(lock).fingerprint, nl.fingerprint(found["model"])):
        assert nl.load(paths["model"], lock=lock, expect=pin) is not None
    with pytest.raises(LockMismatchError):
        nl.load(paths["scaler"], lock=lock, expect=nl.fingerprint(found["model"]))
    paths["scaler"].rename(tmp_path / "a" / "renamed.joblib")
    assert nl.load(tmp_path / "a" / "renamed.joblib", lock=lock).mean_.shape == (3,)


def test_a_member_of_another_bundle(tmp_path, marker):
    """A member from another training isn't opened; if the caller trusts it, its state tells."""
    paths, lock = bundle(tmp_path / "a")
    others, _ = bundle(tmp_path / "b", X[:30])
    shutil.copy(others["scaler"], paths["scaler"])
    with pytest.raises(ArtifactDigestError):
        nl.load(paths["scaler"], lock=lock)
    with pytest.raises(LockMismatchError, match="mean_"):
        nl.load(paths["scaler"], lock=lock, trust_file=True)
    hostile(paths["scaler"], marker)
    with pytest.raises(ArtifactDigestError):
        nl.load(paths["scaler"], lock=lock)
    hostile(tmp_path / "a" / "stranger.pkl", marker)
    with pytest.raises(MissingLockError, match="The lock says nothing of .*stranger.pkl"):
        nl.load(tmp_path / "a" / "stranger.pkl", lock=lock)
    assert not marker.exists()


def test_members_exchanged(tmp_path):
    """Two members under one another's names are refused: a name comes before the bytes."""
    paths, lock = bundle(tmp_path / "a")
    model = paths["model"].read_bytes()
    swapped = paths["scaler"].with_name("model.joblib")
    paths["scaler"].rename(swapped)
    other = tmp_path / "a" / "scaler.pkl"
    other.write_bytes(model)
    assert nl.load(other, lock=lock).coef_.shape[0] == 1  # a name that the lock doesn't know: the bytes tell
    other.rename(paths["scaler"])
    for path in (swapped, paths["scaler"]):
        if path.name in nl.Lock.load(lock).files:
            with pytest.raises(ArtifactDigestError, match="which is another member"):
                nl.load(path, lock=lock)
            with pytest.raises(LockMismatchError):
                nl.load(path, lock=lock, trust_file=True)
