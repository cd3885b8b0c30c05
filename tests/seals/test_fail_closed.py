"""Every way to verify nothing, or the wrong thing: none of them ends with exit code 0."""

from __future__ import annotations

import gzip
import os
import pickle
import shutil
import sys
import tarfile
import zipfile
from dataclasses import replace
from pathlib import Path

import joblib
import numpy as np
import pytest
import skops.io
from sklearn.preprocessing import MinMaxScaler, StandardScaler

import sklearn_normlock as nl
from sklearn_normlock.cli import main
from sklearn_normlock.errors import NormLockError
from sklearn_normlock.integrations.pre_commit import main as hook

X = np.arange(12.0).reshape(6, 2)
WRONG = "nl1-sha256:" + "0" * 64


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Make artifacts and locks once; each case gets a copy."""
    folder = tmp_path_factory.mktemp("made")
    before = os.getcwd()
    os.chdir(folder)
    try:
        for name, est in {"eu": StandardScaler().fit(X), "us": StandardScaler().fit(X * 3)}.items():
            joblib.dump(est, f"{name}.joblib")
        joblib.dump(MinMaxScaler().fit(X), "other.joblib")
        skops.io.dump(StandardScaler().fit(X), "eu.skops")
        skops.io.dump(StandardScaler().fit(X * 3), "us.skops")
        Path("net.onnx").write_bytes(b"trained elsewhere")
        Path("good").mkdir()
        shutil.copy("eu.joblib", "good")
        assert main(["lock", "good/eu.joblib"]) == 0
        assert main(["lock", "eu.joblib", "us.joblib", "net.onnx", "-o", "bundle.normlock.json"]) == 0
        assert main(["lock", "eu.skops", "us.skops", "-o", "safe.normlock.json"]) == 0
    finally:
        os.chdir(before)
    return folder


@pytest.fixture
def folder(made, tmp_path, monkeypatch):
    """Copy what was made into the current folder."""
    shutil.copytree(made, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    for name in ("NORMLOCK_EXPECT", "NORMLOCK_POLICY", "NORMLOCK_MAX_UNPACKED"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def verify(*arguments):
    return ["verify", *arguments]


def put(source, target):
    """Copy a file to where a case wants it."""
    Path(target).parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(source, target)


def bundle_with(**fields):
    replace(nl.Lock.load("bundle.normlock.json"), **fields).save("b.normlock.json")


def files_without(*names):
    return {name: each for name, each in nl.Lock.load("bundle.normlock.json").files.items() if name not in names}


LOCK = "good/eu.joblib.normlock.json"
# A name, what is done in the folder, and the arguments of the command.
CASES = {
    # -- paths
    "no such artifact": (lambda: None, verify("none.joblib")),
    "an artifact without a lock": (lambda: None, verify("other.joblib")),
    "no such lock": (lambda: None, verify("eu.joblib", "--lock", "none.json")),
    "no such folder": (lambda: None, verify("none/")),
    "one of two is missing": (lambda: None, verify("good/eu.joblib", "none.joblib")),
    "a match and an empty folder": (lambda: os.mkdir("e"), verify("good/eu.joblib", "e")),
    "an artifact as the lock": (lambda: None, verify("eu.joblib", "--lock", "us.joblib")),
    "a lock as the artifact": (lambda: None, verify(LOCK, "--lock", LOCK)),
    "a folder as the lock": (lambda: None, verify("eu.joblib", "--lock", "good")),
    "an empty name": (lambda: None, verify("")),
    "another artifact's lock": (lambda: None, verify("us.joblib", "--lock", LOCK)),
    "another class": (lambda: None, verify("other.joblib", "--lock", LOCK)),
    "other bytes under the name": (lambda: put("us.joblib", "good/eu.joblib"), verify("good/eu.joblib")),
    "other bytes, by the lock": (lambda: put("us.joblib", "good/eu.joblib"), verify(LOCK)),
    "an empty artifact": (lambda: Path("good/eu.joblib").write_bytes(b""), verify("good/eu.joblib")),
    "an empty lock": (lambda: Path(LOCK).write_bytes(b""), verify("good/eu.joblib")),
    "a lock that is {}": (lambda: Path(LOCK).write_text("{}"), verify("good/eu.joblib")),
    "a lock with its artifact gone": (lambda: os.unlink("good/eu.joblib"), verify(LOCK)),
    "a lock of an object in memory alone": (
        lambda: nl.lock(StandardScaler().fit(X)).save("m.normlock.json"),
        verify("m.normlock.json"),
    ),
    "a pickle that no lock knows the bytes of": (
        lambda: nl.lock(StandardScaler().fit(X)).save("eu.joblib.normlock.json"),
        verify("eu.joblib"),
    ),
    # -- folders
    "an empty folder": (lambda: os.mkdir("e"), verify("e")),
    "a folder of artifacts without locks": (lambda: put("eu.joblib", "m/eu.joblib"), verify("m")),
    "a folder with one artifact too many": (lambda: put("us.joblib", "good/us.joblib"), verify("good")),
    "one too many, in a subfolder": (lambda: put("us.joblib", "good/a/b/us.joblib"), verify("good")),
    "one too many, hidden": (lambda: put("us.joblib", "good/.h/us.joblib"), verify("good")),
    **{
        f"one too many, {suffix}": (
            lambda suffix=suffix: put("us.joblib", f"good/us{suffix}"),
            verify("good"),
        )
        for suffix in (".pkl", ".PKL", ".pickle", ".sav", ".pk", ".Joblib", ".skops", ".joblib.gz", ".pkl.xz", ".onnx")
        + (".pt", ".safetensors")
    },
    "a lock with a capital suffix": (
        lambda: put(LOCK, "good/us.joblib.NORMLOCK.json"),
        verify("good"),
    ),
    "a folder named like a lock": (lambda: os.mkdir("good/us.joblib.normlock.json"), verify("good")),
    "an empty folder named like an artifact": (lambda: os.mkdir("good/us.joblib"), verify("good")),
    "a lock that names another file": (
        lambda: (put("eu.joblib", "good/EU2.joblib"), put(LOCK, "good/EU2.joblib.normlock.json")),
        verify("good"),
    ),
    "a damaged lock among good ones": (lambda: Path("good/x.normlock.json").write_text("{"), verify("good")),
    "a wrong artifact among good ones": (
        lambda: (put("us.joblib", "good/us.joblib"), shutil.copy(LOCK, "good/us.joblib.normlock.json")),
        verify("good"),
    ),
    "a lock for a folder that lacks the artifact": (lambda: os.mkdir("e"), verify("e", "--lock", LOCK)),
    "a lock for a folder with more": (lambda: put("us.joblib", "good/us.joblib"), verify("good", "--lock", LOCK)),
    "allowed to be unlocked, and no lock at all": (
        lambda: put("eu.joblib", "m/eu.joblib"),
        verify("m", "--allow-unlocked"),
    ),
    "allowed to be unlocked, and a mismatch": (
        lambda: put("us.joblib", "good/eu.joblib"),
        verify("good", "--allow-unlocked"),
    ),
    # -- links
    "a link to a folder elsewhere": (
        lambda: (put("us.joblib", "far/us.joblib"), os.symlink("../far", "good/far")),
        verify("good"),
    ),
    "a lock that is a link to nowhere": (lambda: os.symlink("/none", "good/x.joblib.normlock.json"), verify("good")),
    "an artifact that is a link to nowhere": (lambda: os.symlink("/none", "good/x.joblib"), verify("good")),
    "an artifact that is a link to another": (
        lambda: (os.unlink("good/eu.joblib"), os.symlink("../us.joblib", "good/eu.joblib")),
        verify("good"),
    ),
    "a FIFO": (lambda: (os.unlink("good/eu.joblib"), os.mkfifo("good/eu.joblib")), verify("good")),
    "a device": (lambda: None, verify("/dev/null", "--lock", LOCK)),
    "a lock that is a FIFO": (lambda: os.mkfifo("x.json"), verify("eu.joblib", "--lock", "x.json")),
    # -- bundles
    "two members exchanged": (
        lambda: (os.rename("eu.joblib", "t"), os.rename("us.joblib", "eu.joblib"), os.rename("t", "us.joblib")),
        verify("bundle.normlock.json"),
    ),
    "two members exchanged, in the safe format": (
        lambda: (os.rename("eu.skops", "t"), os.rename("us.skops", "eu.skops"), os.rename("t", "us.skops")),
        verify("safe.normlock.json"),
    ),
    "a member with the bytes of another": (
        lambda: put("us.joblib", "s/eu.joblib"),
        verify("s/eu.joblib", "--lock", "bundle.normlock.json"),
    ),
    "a safe member with the bytes of another": (
        lambda: put("us.skops", "s/eu.skops"),
        verify("s/eu.skops", "--lock", "safe.normlock.json"),
    ),
    "a file with the bytes of an object": (
        lambda: put("eu.joblib", "s/net.onnx"),
        verify("s/net.onnx", "--lock", "bundle.normlock.json"),
    ),
    "two paths for one member, wrong first": (
        lambda: (put("other.joblib", "1/eu.joblib"), put("eu.joblib", "2/eu.joblib")),
        verify("1/eu.joblib", "2/eu.joblib", "us.joblib", "net.onnx", "--lock", "bundle.normlock.json"),
    ),
    "two paths for one member, right first": (
        lambda: (put("other.joblib", "1/eu.joblib"), put("eu.joblib", "2/eu.joblib")),
        verify("2/eu.joblib", "1/eu.joblib", "us.joblib", "net.onnx", "--lock", "bundle.normlock.json"),
    ),
    "a stranger": (lambda: None, verify("eu.joblib", "other.joblib", "--lock", "bundle.normlock.json")),
    "a member is missing": (lambda: os.unlink("net.onnx"), verify("bundle.normlock.json")),
    "a member is missing in the folder": (
        lambda: put("eu.joblib", "s/eu.joblib"),
        verify("s", "--lock", "bundle.normlock.json"),
    ),
    "a bundle that names no file": (lambda: bundle_with(files={}), verify("b.normlock.json")),
    "a bundle that names fewer files": (
        lambda: bundle_with(files=files_without("us.joblib")),
        verify("b.normlock.json"),
    ),
    "a bundle with two files for a member": (
        lambda: bundle_with(
            files={**(f := files_without()), "other.joblib": replace(f["eu.joblib"], sha256="0" * 64)},
        ),
        verify("b.normlock.json"),
    ),
    "several artifacts for a lock of one": (lambda: None, verify("eu.joblib", "us.joblib", "--lock", LOCK)),
    # -- pins
    "another fingerprint expected": (lambda: None, verify("good", "--expect", WRONG)),
    "an empty one expected": (lambda: None, verify("good", "--expect", "")),
    "no fingerprint expected": (lambda: None, verify("good", "--expect", "yes")),
    # -- formats
    "a pickle in the safe format's name": (
        lambda: (put("eu.joblib", "p.skops"), nl.lock(StandardScaler().fit(X)).save("p.skops.normlock.json")),
        verify("p.skops"),
    ),
    "a pointer of Git LFS": (
        lambda: Path("good/eu.joblib").write_text("version https://git-lfs.github.com/spec/v1\n"),
        verify("good"),
    ),
    # -- usage
    "nothing": (lambda: None, []),
    "no path": (lambda: None, verify()),
    "an unknown command": (lambda: None, ["verifi", "good"]),
    "an unknown option": (lambda: None, verify("good", "--exspect", WRONG)),
}


@pytest.mark.skipif(os.name != "posix", reason="links and FIFOs")
@pytest.mark.parametrize("style", ["text", "json"])
@pytest.mark.parametrize("case", CASES)
def test_never_zero(case, style, folder, capsys):
    """It ends with another exit code than 0, and something is said."""
    prepare, arguments = CASES[case]
    prepare()
    try:
        code = main([*arguments, *(["--format", style] if arguments else [])])
    except SystemExit as stop:
        code = stop.code
    said = capsys.readouterr()
    assert code in (1, 2, 3, 64), said
    assert said.out + said.err


@pytest.mark.parametrize("name", ["NORMLOCK_EXPECT", "NORMLOCK_MAX_UNPACKED"])
@pytest.mark.parametrize("value", ["", " , ", "yes"])
def test_variables_that_say_nothing(name, value, folder, monkeypatch):
    """A variable that is set and says nothing accepts nothing."""
    main(["lock", "eu.skops"])
    monkeypatch.setenv(name, value)
    assert main(verify("eu.skops")) == 2


@pytest.mark.parametrize("policy", ["warn", "ignore"])
def test_no_policy_lets_a_mismatch_with_a_lock_pass(policy, folder):
    """A policy is for seals; what a lock says always holds."""
    with nl.config_context(policy=policy):
        assert main(verify("us.joblib", "--lock", LOCK)) == 1
        with pytest.raises(NormLockError):
            nl.load("us.joblib", lock=LOCK)


def _pickled(name):
    return lambda est: Path("good", name).write_bytes(pickle.dumps(est))


def _zipped(name, member, est):
    with zipfile.ZipFile(name, "w") as archive:
        archive.writestr(member, pickle.dumps(est))


def _in_tar(name, how, est):
    joblib.dump(est, "model.joblib")
    with tarfile.open(name, f"w:{how}") as archive:
        archive.add("model.joblib", "export/model.joblib")


HIDDEN = {
    "no suffix": _pickled("model"),
    "a suffix of its own": _pickled("trained.model"),
    "oldest protocol": lambda est: Path("good", "model").write_bytes(pickle.dumps(est, 0)),
    "second protocol": lambda est: Path("good", "model").write_bytes(pickle.dumps(est, 1)),
    "oldest protocol with a mark": lambda est: Path("good", "model.p").write_bytes(pickle.dumps(est, 2)),
    **{
        f"compressed by {how}": lambda est, how=how: joblib.dump(est, "good/trained.bin", compress=(how, 3))
        for how in ("zlib", "gzip", "bz2", "xz", "lzma")
    },
    "skops": lambda est: Path("good", "trained.zip").write_bytes(skops.io.dumps(est)),
    "a zip with a pickle": lambda est: _zipped("good/model.zip", "m/model.joblib", est),
    **{
        f"a tar, {how or 'plain'}": lambda est, how=how: _in_tar("good/model.bin", how, est)
        for how in ("", "gz", "bz2", "xz")
    },
    **{
        f"a model of {name}": lambda est, head=head: Path("good", "trained.model").write_bytes(head + bytes(600))
        for name, head in {
            "safetensors": (64).to_bytes(8, "little") + b'{"w":{}}',
            "TensorFlow Lite": b"\x1c\0\0\0TFL3",
            "CatBoost": b"CBM1",
            "LightGBM": b"tree\nversion=v4\n",
            "XGBoost": b"{L\0\0\0\0\0\0\0\x07learner",
        }.items()
    },
    "HDF5": lambda est: Path("good", "weights").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(8)),
}
DATA = {
    "texts": lambda: Path("good", "notes.txt").write_text("\x80 is no mark of a pickle in UTF-8", encoding="utf-8"),
    "a tar of texts": lambda: tarfile.open("good/notes.tar.gz", "w:gz").close(),
    "words": lambda: Path("good", "words.txt").write_text("cat\ndog\n", encoding="utf-8"),
    "an array": lambda: np.save("good/rows.npy", X),
    "arrays": lambda: np.savez("good/rows.npz", X),
    "compressed texts": lambda: Path("good", "rows.csv.gz").write_bytes(gzip.compress(b"1,2\n")),
    "a cut file": lambda: Path("good", "rows.gz").write_bytes(gzip.compress(b"1,2\n")[:9]),
    "no zip file": lambda: Path("good", "rows.zip").write_bytes(b"PK\x03\x04 and so on"),
    "an empty file": lambda: Path("good", "empty").touch(),
    **({"a pipe": lambda: os.mkfifo("good/pipe")} if os.name == "posix" else {}),
}


@pytest.mark.parametrize("kind", HIDDEN)
def test_an_artifact_is_told_by_its_content(kind, folder, capsys):
    """A file that no lock speaks of is said to hold an artifact, whatever its name is; a lock for it settles it."""
    HIDDEN[kind](MinMaxScaler().fit(X))
    assert main(["verify", "good"]) == 2
    assert "has no lock" in "".join(capsys.readouterr())
    assert main(["verify", "good", "--allow-unlocked"]) == 0


@pytest.mark.parametrize("kind", DATA)
def test_data_are_no_artifacts(kind, folder):
    """Files beside an artifact that hold no model need no lock, and none of them is waited for."""
    DATA[kind]()
    assert main(["verify", "good"]) == 0


def test_what_is_right_is_a_match(folder):
    """The cases can fail: nothing wrong gives 0, also in a folder with links inside and over folders."""
    assert main(verify("good")) == 0
    os.symlink(".", "good/self")
    assert main(verify("good")) == 0
    assert main(verify("bundle.normlock.json")) == 0
    assert main(verify("safe.normlock.json")) == 0
    put("us.joblib", "good/us.joblib")
    assert main(verify("good", "--allow-unlocked")) == 0
    for name in ("eu.joblib", "us.joblib", "net.onnx"):
        put(name, f"deployed/{name}")
    assert main(verify("deployed", "--lock", "bundle.normlock.json")) == 0
    assert main(["lock", "deployed/eu.joblib", "good/us.joblib", "-o", "locks.normlock.json"]) == 0
    os.mkdir("locks")
    assert main(["lock", "deployed/eu.joblib", "good/us.joblib", "-o", "locks/b.normlock.json"]) == 0
    assert main(verify("locks/b.normlock.json")) == 0


def test_a_folder_is_locked(folder):
    """Each artifact in a folder gets its lock; one that can't be locked is said, and an empty folder is no success."""
    put("us.joblib", "new/us.joblib")
    put("eu.skops", "new/a/eu.skops")
    assert main(["lock", "new"]) == 0 and main(verify("new")) == 0
    put("net.onnx", "new/net.onnx")
    assert main(["lock", "new"]) == 2 and main(verify("new")) == 2
    os.mkdir("e")
    assert main(["lock", "e"]) == 3
    with pytest.raises(SystemExit):
        main(["lock"])


@pytest.mark.parametrize("arguments", [[], [""], ["nothing"], ["--help"]])
def test_a_hook_that_is_none(arguments):
    """The hooks' command needs to know which hook."""
    assert hook(arguments) == 64


def test_a_closed_pipe_is_quiet(folder):
    """Whoever reads the first line and stops gets no traceback, and no verdict."""
    import subprocess

    command = [sys.executable, "-m", "sklearn_normlock", "show", LOCK]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.close()
        said = process.stderr.read()
        assert process.wait() == 141 and said == b""


@pytest.mark.parametrize(
    ("arguments", "meant"), [(["verifi", "x"], "verify"), (["verify", "x", "--exspect", "y"], "--expect")]
)
def test_did_you_mean(arguments, meant, capsys):
    """A word that comes near to a command or an option is told of, in each format."""
    for style in ("text", "json", "github"):
        with pytest.raises(SystemExit):
            main([*arguments, "--format", style])
        said = capsys.readouterr()
        assert meant in said.out + said.err


def test_names_with_control_characters(folder, capsys):
    """A name clears no terminal, turns no text around and forges no line."""
    name = "a\x1b[2J\u202eb\n::add-mask::c.joblib"
    for style in ("text", "json", "github"):
        assert main(verify(name, "--format", style)) == 2
        said = "".join(capsys.readouterr())
        assert not {"\x1b", "\u202e"} & set(said)
        assert not any(line.lstrip().startswith("::add-mask") for line in said.splitlines())
