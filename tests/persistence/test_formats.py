"""Formats are told by content; a file that would take all memory, or run code under a safe name, is refused."""

from __future__ import annotations

import gzip
import pickle
import zipfile

import joblib
import numpy as np
import pytest
from sklearn.preprocessing import StandardScaler

import sklearn_normlock as nl
from sklearn_normlock.cli import main
from sklearn_normlock.errors import ArtifactDigestError, ArtifactReadError

SCALER = StandardScaler().fit(np.arange(12.0).reshape(6, 2))


def _gzipped(est, path):
    with gzip.open(path, "wb") as file:
        pickle.dump(est, file)


def _pickled(est, path):
    path.write_bytes(pickle.dumps(est))


WRITERS = {"pickle": _pickled, "joblib": joblib.dump, "gzip": _gzipped}
WRITERS["joblib, compressed"] = lambda est, path: joblib.dump(est, path, compress=3)
WRITERS["pickle, protocol 0"] = lambda est, path: path.write_bytes(pickle.dumps(est, protocol=0))


@pytest.mark.parametrize("name", ["m.pkl", "m.PKL", "m.pickle", "m.sav", "m.pk", "m.joblib", "m.joblib.gz", "m.pkl.xz"])
@pytest.mark.parametrize("writer", WRITERS)
def test_a_pickle_under_any_of_its_names(tmp_path, name, writer):
    """Who wrote it, and how it is compressed, is seen from the bytes."""
    path = tmp_path / name
    WRITERS[writer](SCALER, path)
    assert nl.load(path, unsealed=True).mean_.tolist() == SCALER.mean_.tolist()
    with pytest.raises(ArtifactDigestError):
        nl.load(path, lock=nl.lock(StandardScaler().fit([[0.0], [1.0]])))


@pytest.mark.parametrize("writer", WRITERS)
def test_a_pickle_in_the_name_of_the_safe_format(tmp_path, writer):
    """A ``.skops`` file is never unpickled, whatever vouches for it."""
    path = tmp_path / "m.skops"
    WRITERS[writer](SCALER, path)
    for options in ({"unsealed": True}, {"lock": nl.lock(SCALER, artifact=path)}, {"trust_file": True}):
        with pytest.raises(ArtifactReadError, match="can't be read as .skops"):
            nl.load(path, **options)


def test_a_zip_bomb(tmp_path, monkeypatch):
    """The directory of a zip file says what it would take; that is refused before anything is unpacked."""
    path = tmp_path / "m.skops"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("schema.json", "{}")
        archive.writestr("a.npy", b"\0" * 30_000_000)
    for lock in (None, nl.lock(SCALER)):
        with pytest.raises(ArtifactReadError, match="unpack to 30,000,002, more than 1,000,000"):
            nl.load(path, lock=lock, max_unpacked=1_000_000)
    monkeypatch.setenv("NORMLOCK_MAX_UNPACKED", "1000000")
    with pytest.raises(ArtifactReadError, match="more than 1,000,000"):
        nl.load(path)


@pytest.mark.parametrize(
    ("content", "word"),
    [
        (b"", "empty"),
        (b"version https://git-lfs.github.com/spec/v1\n", "git lfs pull"),
        (b"<html>", "HTML"),
        (b'{"a": 1}', "JSON"),
        (b"\x89HDF\r\n\x1a\n", "HDF5"),
        (b"PAR1", "table"),
    ],
)
@pytest.mark.parametrize("name", ["m.pkl", "m.joblib", "m.skops"])
def test_what_is_no_artifact(tmp_path, content, word, name):
    """A file of another kind is called by its kind, and not damaged."""
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ArtifactReadError, match=word):
        nl.load(tmp_path / name)


def test_a_module_of_the_user(tmp_path, monkeypatch, capsys):
    """A module that isn't found is named, with the option that says where it lies; with it the artifact is locked."""
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "user_module_of_a_test.py").write_text(
        "from sklearn.preprocessing import StandardScaler\nclass Mine(StandardScaler):\n    pass\n"
    )
    import subprocess
    import sys

    code = "import joblib, user_module_of_a_test as m; joblib.dump(m.Mine().fit([[0.0], [2.0]]), 'm.joblib')"
    subprocess.run([sys.executable, "-c", f"import sys; sys.path.insert(0, 'src'); {code}"], check=True, cwd=tmp_path)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    assert main(["lock", "m.joblib"]) == 2
    assert "--python-path" in capsys.readouterr().err
    assert main(["lock", "m.joblib", "--python-path", "src"]) == 0
