"""Names of files in a lock: one for each file, on every system, and the file is found again by it."""

from __future__ import annotations

from pathlib import Path

import pytest

from sklearn_normlock.errors import MissingLockError, NormLockError
from sklearn_normlock.locks.naming import file_key, is_key, key_of


@pytest.mark.parametrize(
    "text", ["a", "a.b", "a/b", "../a", "../../a/b", "..a", ".a/b", "a b", "é", "a:b.joblib/x:y"[3:]]
)
def test_what_can_be_a_name(text):
    """A path from the lock's folder, down or up."""
    assert is_key(text)


@pytest.mark.parametrize(
    "text",
    ["", ".", "..", "/a", "//a/b", "a//b", "a/", "./a", "a/./b", "a/../b", "../..", "a\\b", "a\0b", "C:/a", "C:a"],
)
def test_what_can_not_be_a_name(text):
    """Not an absolute path, not a folder, and no second spelling of another name."""
    assert not is_key(text)


@pytest.mark.parametrize(
    ("path", "folder", "key"),
    [
        ("m.skops", "", "m.skops"),
        ("models/m.skops", "models", "m.skops"),
        ("models/eu/m.skops", "models", "eu/m.skops"),
        ("models/m.skops", "locks", "../models/m.skops"),
        ("models/./m.skops", "locks/../models", "m.skops"),
    ],
)
def test_a_file_is_named_from_the_folder_of_its_lock(path, folder, key, tmp_path):
    """The name leads from the lock to the file, and back."""
    assert file_key(tmp_path / path, tmp_path / folder) == key
    assert key_of(tmp_path / path, [key, "other"], tmp_path / folder) == key


@pytest.mark.parametrize("name", ["a\\b.joblib", "C:x"])
def test_a_file_that_can_not_be_named(name, tmp_path):
    """A backslash or a drive in a name is refused when the lock is made, not when the file is looked for."""
    with pytest.raises(NormLockError, match="can't name"):
        file_key(tmp_path / name, tmp_path)


def test_a_file_that_was_moved():
    """Elsewhere a file is known by its last name, and by the folders before it where several have one."""
    keys = ["eu/m.skops", "us/m.skops", "net.onnx"]
    assert key_of(Path("/srv/net.onnx"), keys) == "net.onnx"
    assert key_of(Path("/srv/us/m.skops"), keys) == "us/m.skops"
    assert key_of(Path("/srv/other.onnx"), keys) is None
    assert key_of(Path("/srv/NET.onnx"), keys) is None
    with pytest.raises(MissingLockError, match="could be any of"):
        key_of(Path("/srv/m.skops"), keys)
