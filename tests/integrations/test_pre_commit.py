"""The hooks for pre-commit, in git repositories of their own: what may be committed, and what is said of the rest."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import joblib
import pytest
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from user_code import of_columns

import sklearn_normlock as nl
from sklearn_normlock.cli import main as normlock
from sklearn_normlock.integrations.pre_commit import main

ROOT = Path(__file__).parents[2]
PACKAGE = Path(find_spec("sklearn_normlock").origin).parent


def git(*arguments):
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *identity, *arguments], check=True, capture_output=True)


def scaler(top):
    return StandardScaler().fit([[0.0], [top]])


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """Make a repository with a locked artifact, as the current folder."""
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    git("init", "-q")
    nl.dump(scaler(2.0), "model.joblib", lock=True)
    git("add", ".")
    git("commit", "-q", "-m", "one")
    return tmp_path


LOCK = "model.joblib.normlock.json"


def test_a_locked_artifact_passes(repository, capsys):
    """An artifact and its lock pass both hooks, silently; so does a commit without either."""
    assert main(["artifacts", "model.joblib", LOCK]) == 0
    assert main(["locks", LOCK]) == 0
    assert main(["artifacts"]) == 0
    assert capsys.readouterr() == ("", "")


def test_an_artifact_changed_without_its_lock(repository, capsys):
    """Other bytes than the lock names are refused, whichever of the two was committed, and said once."""
    nl.dump(scaler(3.0), "model.joblib")
    assert main(["artifacts", "model.joblib"]) == 1
    assert main(["artifacts", LOCK]) == 1
    capsys.readouterr()
    assert main(["artifacts", "model.joblib", LOCK]) == 1
    said = capsys.readouterr().err
    assert said.startswith(f"MISMATCH: model.joblib is not the file that {LOCK} locks: its SHA-256 is ")
    assert said.count("\n") == 1
    nl.dump(scaler(3.0), "model.joblib", lock=True)
    assert main(["artifacts", "model.joblib", LOCK]) == 0


def test_an_artifact_without_a_lock(repository, capsys):
    """An artifact that no lock names is refused; so is one whose lock isn't added to the commit."""
    nl.dump(scaler(2.0), "new.skops", lock=True)
    assert main(["artifacts", "new.skops"]) == 2
    assert "new.skops.normlock.json, the lock of new.skops, is not under version control" in capsys.readouterr().err
    git("add", ".")
    assert main(["artifacts", "new.skops"]) == 0
    Path("new.skops.normlock.json").unlink()
    assert main(["artifacts", "new.skops"]) == 2
    assert "new.skops has no lock. Lock it if it is what was approved" in capsys.readouterr().err


def test_a_deleted_lock(repository, capsys):
    """A commit that deletes a lock is refused while its artifact stays, also if a bundle's lock had another name."""
    folder = Path("a [b]")
    folder.mkdir()
    joblib.dump(scaler(2.0), folder / "ä.joblib")
    (folder / "b.pt").write_bytes(b"weights")
    lock = str(folder / "bundle.normlock.json")
    assert normlock(["lock", str(folder / "ä.joblib"), str(folder / "b.pt"), "-o", lock]) == 0
    git("add", ".")
    git("commit", "-q", "-m", "two")
    git("rm", "-q", LOCK)
    assert main(["artifacts"]) == 2
    git("rm", "-q", "model.joblib")
    assert main(["artifacts"]) == 0
    git("rm", "-q", f":(literal){lock}")
    capsys.readouterr()
    assert main(["artifacts"]) == 2
    assert re.findall("check: (.+) has no lock", capsys.readouterr().err) == ["a [b]/b.pt", "a [b]/ä.joblib"]


def test_a_lock_of_the_object_alone(repository, capsys):
    """A lock that holds no digest of the file says nothing of its bytes, and is not enough."""
    nl.lock(scaler(2.0)).save(LOCK)
    assert main(["artifacts", "model.joblib"]) == 2
    assert f"{LOCK} holds no digest of model.joblib" in capsys.readouterr().err


def test_members_of_a_bundle(repository, capsys):
    """A file that a bundle's lock names is compared with that, of whatever kind it is, and with its own lock too."""
    nl.dump(scaler(2.0), "scaler.joblib", lock=True)
    Path("net.pt").write_bytes(b"weights")
    assert normlock(["lock", "scaler.joblib", "net.pt", "-o", "bundle.normlock.json"]) == 0
    git("add", ".")
    assert main(["artifacts", "scaler.joblib", "net.pt"]) == 0
    Path("net.pt").write_bytes(b"other weights")
    assert main(["artifacts", "net.pt"]) == 1
    nl.dump(scaler(3.0), "scaler.joblib", lock=True)
    capsys.readouterr()
    assert main(["artifacts", "scaler.joblib"]) == 1
    assert "scaler.joblib is not the file that bundle.normlock.json locks" in capsys.readouterr().err


def test_a_pointer_of_git_lfs(repository):
    """Where Git LFS left a pointer in place of the file, the digest that it names is compared."""
    sha256 = nl.Lock.load(LOCK).files["model.joblib"].sha256
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize 700\n"
    Path("model.joblib").write_text(pointer.format(sha256))
    assert main(["artifacts", "model.joblib"]) == 0
    Path("model.joblib").write_text(pointer.format("0" * 64))
    assert main(["artifacts", "model.joblib"]) == 1
    Path("model.joblib").write_text(f"# oid sha256:{sha256}\n")
    assert main(["artifacts", "model.joblib"]) == 1


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text.replace("StandardScaler", "StandardScalar"),
        lambda text: text[:500],
        lambda text: text.replace('"lock_version": 1', '"lock_version": 2'),
        lambda text: "<<<<<<< HEAD\n" + text,
        lambda text: "{}",
    ],
    ids=["edited", "cut", "version", "conflict", "empty"],
)
def test_a_lock_that_cannot_be_read(repository, capsys, damage):
    """A lock that was edited, cut, is of another version or in conflict is refused by both hooks, by name."""
    text = Path(LOCK).read_text()
    assert damage(text) != text
    Path(LOCK).write_text(damage(text))
    assert main(["locks", LOCK]) == 2
    assert f"could not check: {LOCK}: " in capsys.readouterr().err
    assert main(["artifacts", LOCK]) == 2
    assert main(["artifacts", "model.joblib"]) == 2


def test_outside_a_repository(tmp_path, monkeypatch, capsys):
    """Without git nothing can be said of a commit: not a pass. Wrong arguments are a usage error."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    nl.dump(scaler(2.0), "model.joblib", lock=True)
    assert main(["artifacts", "model.joblib"]) == 2
    assert len(capsys.readouterr().err.splitlines()) == 1  # what git said, without a page of its usage
    monkeypatch.setenv("PATH", str(tmp_path))
    assert main(["artifacts", "model.joblib"]) == 2
    assert "git can't be run" in capsys.readouterr().err
    assert main(["nothing"]) == 64


def test_names_that_begin_with_a_dash(repository, capsys):
    """A file is a file, whatever it is called: none is an option, and none hides those behind it."""
    for name in ("-h", "--help", "-x.joblib"):
        nl.dump(scaler(3.0), "model.joblib")
        assert main(["artifacts", name, "model.joblib"]) == 1
        assert main(["artifacts", "--", name]) == 2


def test_a_lock_renamed_away(repository, capsys):
    """A lock whose artifact no longer finds it by its name is a finding; a bundle in its place is none."""
    git("mv", LOCK, "other.normlock.json")
    assert main(["artifacts", "model.joblib", "other.normlock.json"]) == 2
    assert f"{LOCK}, the lock of model.joblib, was renamed to other.normlock.json" in capsys.readouterr().err
    git("rm", "-q", "-f", "other.normlock.json")
    Path("b.pt").write_bytes(b"weights")
    assert normlock(["lock", "model.joblib", "b.pt", "-o", "bundle.normlock.json"]) == 0
    git("add", ".")
    assert main(["artifacts", "model.joblib", "b.pt", "bundle.normlock.json"]) == 0


def test_a_lock_that_decides_nothing(repository, capsys):
    """A lock that makes every comparison undecided is reported when it is committed, with the way out."""
    joblib.dump(FunctionTransformer(of_columns).fit([[0.0], [2.0]]), "odd.joblib")
    assert normlock(["lock", "odd.joblib"]) == 0
    assert main(["locks", "odd.joblib.normlock.json"]) == 2
    said = capsys.readouterr().err
    assert "odd.joblib.normlock.json: no comparison with it is a match" in said and "--accept" in said
    assert normlock(["lock", "odd.joblib", "--accept", "(whole)=reviewed by hand"]) == 0
    assert main(["locks", "odd.joblib.normlock.json"]) == 0


def test_a_pointer_is_the_whole_of_a_file(repository):
    """What begins like a pointer of Git LFS and goes on is a file of its own bytes."""
    sha256 = nl.Lock.load(LOCK).files["model.joblib"].sha256
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{sha256}\nsize 1\n".encode()
    Path("model.joblib").write_bytes(pointer)
    assert main(["artifacts", "model.joblib"]) == 0
    for more in (b"x", b"\n", pointer, b"x" * 5000):
        Path("model.joblib").write_bytes(pointer + more)
        assert main(["artifacts", "model.joblib"]) == 1


def test_a_lock_that_no_longer_names_its_artifact(repository):
    """A lock of another file's name, or of an object in memory, says nothing of the artifact beside it."""
    nl.lock(scaler(3.0)).save(LOCK)
    assert main(["artifacts", LOCK]) == 2
    nl.dump(scaler(3.0), "other.joblib")
    nl.lock(scaler(3.0), artifact="other.joblib").save(LOCK)
    assert main(["artifacts", LOCK]) == 2


def test_a_lock_in_another_folder(repository):
    """A lock that names an artifact of another folder is its lock."""
    Path("models").mkdir()
    Path("locks").mkdir()
    nl.dump(scaler(3.0), "models/m.joblib")
    assert normlock(["lock", "models/m.joblib", "-o", "locks/m.normlock.json"]) == 0
    git("add", ".")
    assert main(["artifacts", "models/m.joblib"]) == 0
    nl.dump(scaler(4.0), "models/m.joblib")
    assert main(["artifacts", "models/m.joblib"]) == main(["artifacts", "locks/m.normlock.json"]) == 1


def test_a_lock_that_is_a_link(repository):
    """git keeps where a link leads to: the lock itself would not be committed."""
    os.rename(LOCK, "elsewhere.json")
    os.symlink("elsewhere.json", LOCK)
    assert main(["artifacts", "model.joblib"]) == 2


def hooks():
    """Return the id and the command of each published hook."""
    text = (ROOT / ".pre-commit-hooks.yaml").read_text()
    return dict(re.findall(r"^- id: (\S+)\n(?:  .*\n)*?  entry: (.*)\n", text, re.MULTILINE))


def test_the_published_hooks_unpickle_nothing_and_stay_light(repository):
    """The commands of .pre-commit-hooks.yaml run; a pickle is not opened, and scikit-learn is not there to import."""
    assert list(hooks()) == ["normlock-artifacts", "normlock-locks"]
    Path("model.joblib").write_bytes(b"cos\nsystem\n(S'touch ran'\ntR.")  # a pickle that runs a command
    blocked = "import sys; sys.modules.update(dict.fromkeys(['sklearn', 'numpy', 'pickle', 'joblib'])); "
    for name, files, code in (("normlock-artifacts", ["model.joblib", LOCK], 1), ("normlock-locks", [LOCK], 0)):
        python, isolated, option, module, *arguments = shlex.split(hooks()[name])
        assert (python, isolated, option) == ("python", "-I", "-m")
        start = (
            f"sys.path.insert(0, {str(PACKAGE.parent)!r}); import runpy; runpy.run_module({module!r}, None, '__main__')"
        )
        command = [sys.executable, "-I", "-c", blocked + start, *arguments, *files]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == code, done.stderr
    assert not Path("ran").exists()
