"""What a released version saved is loaded by its successors: with its fingerprint, or with an error that says why not.

``archive/make.py`` writes the archive, once for each release. Under the scikit-learn that an artifact was fitted under,
everything about it holds. Under another, scikit-learn promises nothing: the artifact loads with a warning and its
fingerprint, or it raises; it is never taken for what it is not.
"""

from __future__ import annotations

import functools
import json
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import sklearn
from archive import make as archive
from estimator_table import DROP_INS, in_our_classes
from zoo import ZOO, Case

import sklearn_normlock as nl
from sklearn_normlock.errors import ArtifactReadError, EnvironmentMismatchWarning, NormLockError

FOLDERS = sorted(path.parent for path in archive.FOLDER.glob("*/*/expected.json"))


def _expected(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "expected.json").read_text(encoding="utf-8"))


_NAMES = {cls.__name__ for cls in DROP_INS}
CASES = [case for case in ZOO.values() if case.name.partition("[")[0] in _NAMES]

#: Objects whose state is numbers and names: they load under every scikit-learn.
PLAIN = frozenset({"scaler", "power", "encoder", "neighbours"})

ARTIFACTS = [
    pytest.param(folder, name, suffix, id=f"{folder.parent.name}-{folder.name}-{name}{suffix}")
    for folder in FOLDERS
    for name in _expected(folder)
    for suffix in archive.SUFFIXES
]


def _loaded(path: Path) -> tuple[Any, list[warnings.WarningMessage]]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        est = nl.load(path)
    return est, caught


def _output(est: Any, expected: dict[str, Any]) -> np.ndarray:
    return np.asarray(getattr(est, expected["method"])(archive.from_json(expected["input"])))


@pytest.mark.parametrize(("folder", "name", "suffix"), ARTIFACTS)
def test_an_artifact_of_a_release_loads(folder: Path, name: str, suffix: str) -> None:
    """Under its own scikit-learn it has its fingerprint and outputs; under another it warns or raises."""
    expected = _expected(folder)[name]
    at_home = folder.name == sklearn.__version__
    try:
        est, caught = _loaded(folder / f"{name}{suffix}")
    except NormLockError as error:
        # NumPy 1 can't read what NumPy 2 pickled; skops files hold no module of NumPy's.
        assert name not in PLAIN or (np.lib.NumpyVersion(np.__version__) < "2.0.0" and suffix != ".skops")
        # Its own scikit-learn may stand on a NumPy or SciPy that the file's classes have left.
        assert not at_home or (isinstance(error, ArtifactReadError) and not _same_environment(expected))
        return
    assert est.fingerprint_ == nl.fingerprint(est) == expected["fingerprint"]
    warned = any(issubclass(warning.category, EnvironmentMismatchWarning) for warning in caught)
    assert warned is not _same_environment(expected)
    if at_home:
        np.testing.assert_allclose(_output(est, expected), expected["output"], rtol=1e-12, atol=1e-12)


def _same_environment(expected: dict[str, Any]) -> bool:
    from sklearn_normlock.records.environment import environment

    return environment() == expected["environment"]


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: f"{folder.parent.name}-{folder.name}")
def test_an_altered_artifact_of_a_release_is_refused(folder: Path, tmp_path: Path) -> None:
    """The archive is verified, not just read: with one digit of a fingerprint changed, a file does not load."""
    for name, expected in _expected(folder).items():
        digest = expected["fingerprint"].rpartition(":")[2].encode()
        data = (folder / f"{name}.pkl").read_bytes()
        assert digest in data
        changed = digest[:-1] + (b"0" if digest[-1:] != b"0" else b"1")
        path = tmp_path / f"{name}.pkl"
        path.write_bytes(data.replace(digest, changed))
        with pytest.raises(NormLockError):
            _loaded(path)


def test_the_archive_is_there() -> None:
    """Every release is in the archive, each with every object in every format, and the whole of it is small."""
    assert FOLDERS
    for folder in FOLDERS:
        names = {path.name for path in folder.iterdir()}
        assert names == {f"{n}{suffix}" for n in _expected(folder) for suffix in archive.SUFFIXES} | {"expected.json"}
        assert sum(path.stat().st_size for path in folder.iterdir()) < 600_000


def test_a_new_archive_holds_what_it_says(tmp_path: Path) -> None:
    """What the script writes here and now is what the tests above expect of it."""
    archive.make(tmp_path / "new")
    for name, expected in _expected(tmp_path / "new").items():
        for suffix in archive.SUFFIXES:
            est, caught = _loaded(tmp_path / "new" / f"{name}{suffix}")
            assert not caught
            assert nl.fingerprint(est) == expected["fingerprint"]
            np.testing.assert_array_equal(_output(est, expected), expected["output"])


def test_an_archive_is_never_written_again(tmp_path: Path) -> None:
    """A folder that is there is refused: an archive that is made anew would prove nothing."""
    with pytest.raises(FileExistsError):
        archive.make(tmp_path)


#: What a load is right to refuse, because it is the user's own or runs a text of its state: to be named in trusted=.
NOT_TRUSTED = {
    "FunctionTransformer[own]": ["zoo_meta.halve"],
    "Pipeline[passthrough]": ["zoo_meta.halve"],
    "RandomizedSearchCV[distribution]": [
        "scipy.stats._continuous_distns.reciprocal_gen",
        "scipy.stats._distn_infrastructure.rv_continuous_frozen",
    ],
}


@functools.cache
def _in_ours(case: Case) -> Any:
    return case.fit(in_our_classes(case.fresh()))


@pytest.mark.parametrize("suffix", archive.SUFFIXES)
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_is_saved_can_be_loaded(case: Case, suffix: str, tmp_path: Path) -> None:
    """Whatever is fitted by a drop-in is loaded again in every format; a .skops needs no more trust than stated."""
    est = _in_ours(case)
    path = tmp_path / f"object{suffix}"
    nl.dump(est, path)
    if suffix == ".skops" and case.name in NOT_TRUSTED:
        with pytest.raises(ArtifactReadError, match="Untrusted types"):
            nl.load(path)
        assert nl.load(path, trusted=NOT_TRUSTED[case.name]).fingerprint_ == est.fingerprint_
    else:
        assert nl.load(path).fingerprint_ == est.fingerprint_
