"""Files: plain ones alone are read; writing is whole, keeps what the old file was, and leaves pairs that match."""

from __future__ import annotations

import errno
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from sklearn.preprocessing import StandardScaler

import sklearn_normlock as nl
from sklearn_normlock.cli import main
from sklearn_normlock.documents import files
from sklearn_normlock.errors import ArtifactReadError, ArtifactWriteError, LockFormatError, NormLockError

posix = pytest.mark.skipif(os.name != "posix", reason="POSIX files")


@pytest.fixture
def scaler():
    return StandardScaler().fit(np.arange(12.0).reshape(6, 2))


def _leftovers(folder):
    return [name for name in os.listdir(folder) if name.endswith(".part")]


# -- reading ----------------------------------------------------------------------------------------------------------


def _fifo(path):
    os.mkfifo(path)


def _device(path):
    path.symlink_to("/dev/zero")


def _folder(path):
    path.mkdir()


@posix
@pytest.mark.parametrize(("make", "word"), [(_fifo, "FIFO"), (_device, "device"), (_folder, "folder")])
@pytest.mark.parametrize("suffix", [".skops", ".joblib", ".pkl"])
def test_what_is_no_plain_file_is_not_read(tmp_path, scaler, make, word, suffix):
    """A FIFO, a device or a folder is refused at once, as an artifact and as a lock."""
    path = tmp_path / f"m{suffix}"
    make(path)
    with pytest.raises(ArtifactReadError, match=word):
        nl.load(path)
    with pytest.raises(ArtifactReadError, match=word):
        nl.load(path, lock=nl.lock(scaler))
    with pytest.raises(LockFormatError, match=word):
        nl.Lock.load(path)
    with pytest.raises(NormLockError, match=word):
        nl.Trace.load(path)
    with pytest.raises(NormLockError, match=word):
        nl.lock({"s": scaler, "file": path})


def test_a_name_with_nul(tmp_path, scaler):
    """A name that no file can have is refused by errors of ours, for reading and for writing."""
    with pytest.raises(ArtifactReadError, match="can't be the name"):
        nl.load(f"{tmp_path}/a\0b.joblib")
    with pytest.raises(ArtifactWriteError):
        nl.dump(scaler, f"{tmp_path}/a\0b.joblib")


# -- writing ----------------------------------------------------------------------------------------------------------


@posix
def test_a_link_stays_and_its_target_is_replaced(tmp_path, scaler):
    """A link, also one that leads nowhere yet, stays a link."""
    (tmp_path / "v").mkdir()
    for target, link in (("1.joblib", "current.joblib"), ("none.joblib", "dangling.joblib")):
        if target == "1.joblib":
            nl.dump(scaler, tmp_path / "v" / target)
        (tmp_path / link).symlink_to(f"v/{target}")
        nl.dump(scaler, tmp_path / link)
        assert (tmp_path / link).is_symlink()
        assert nl.load(tmp_path / "v" / target, unsealed=True).mean_.shape == (2,)


@posix
def test_a_link_to_itself(tmp_path, scaler):
    """A link that leads to itself is no place to write to."""
    (tmp_path / "m.joblib").symlink_to("m.joblib")
    with pytest.raises(ArtifactWriteError):
        nl.dump(scaler, tmp_path / "m.joblib")


@posix
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o444, 0o2640])
def test_mode_stays(tmp_path, scaler, mode):
    """A file that takes another's place has its mode."""
    path = tmp_path / "m.joblib"
    nl.dump(scaler, path)
    path.chmod(mode)
    mode = stat.S_IMODE(path.stat().st_mode)  # the system may take special bits away
    nl.dump(scaler, path)
    assert stat.S_IMODE(path.stat().st_mode) == mode


@posix
@pytest.mark.skipif(getattr(os, "geteuid", lambda: 1)() != 0, reason="only root gives files away")
def test_owner_stays(tmp_path, scaler):
    """A file that takes another's place has its owner and its group."""
    path = tmp_path / "m.joblib"
    nl.dump(scaler, path)
    os.chown(path, 1234, 4321)
    nl.dump(scaler, path)
    assert (path.stat().st_uid, path.stat().st_gid) == (1234, 4321)


@posix
def test_the_umask_holds_and_is_never_changed(tmp_path, monkeypatch):
    """New files follow the umask of the process, which is never set, not even for a moment."""
    code = (
        "import os, sys; from pathlib import Path\n"
        "from sklearn_normlock.documents.files import replacing\n"
        "os.umask(0o027); os.umask = None\n"
        "with replacing(Path(sys.argv[1])) as file: file.write(b'x')\n"
    )
    path = tmp_path / "m.bin"
    subprocess.run([sys.executable, "-c", code, str(path)], check=True)
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


@posix
@pytest.mark.parametrize("error", [errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EIO])
def test_a_failure_to_write_says_why(tmp_path, scaler, monkeypatch, error):
    """A full disk is called a full disk; the old file is whole, and no part of the new one stays."""
    path = tmp_path / "m.joblib"
    nl.dump(scaler, path)
    before = path.read_bytes()

    def fail(descriptor):
        raise OSError(error, os.strerror(error))

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(ArtifactWriteError) as caught:
        nl.dump(scaler, path)
    assert ("No space left on device" in str(caught.value)) == (error == errno.ENOSPC)
    assert isinstance(caught.value, OSError) and caught.value.path == str(path)
    assert path.read_bytes() == before and not _leftovers(tmp_path)
    with pytest.raises(ArtifactWriteError):
        nl.lock(scaler).save(tmp_path / "l.json")
    assert os.listdir(tmp_path) == ["m.joblib"]


@posix
@pytest.mark.parametrize("suffix", [".skops", ".joblib", ".pkl"])
def test_a_full_disk_in_the_middle_of_writing(tmp_path, suffix):
    """Each format says that the disk is full, and not that it can't hold the object."""
    pytest.importorskip("resource")
    code = (
        "import errno, io, os, sys; import numpy as np; import sklearn_normlock as nl\n"
        "from sklearn.preprocessing import StandardScaler\n"
        "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "s = StandardScaler().fit(np.random.rand(3, 9000))\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))\n"
        "try: nl.dump(s, sys.argv[1])\n"
        "except nl.errors.ArtifactWriteError as error: print('said', error)\n"
    )
    path = tmp_path / f"m{suffix}"
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=False)
    assert done.stdout.startswith("said"), done.stderr
    assert not os.listdir(tmp_path)


@pytest.mark.parametrize("length", [200, 236, 240, 255])
def test_long_names(tmp_path, scaler, length):
    """A name may be as long as the file system takes."""
    path = tmp_path / ("n" * (length - 7) + ".joblib")
    nl.dump(scaler, path)
    assert path.exists()


def test_names_that_are_too_long(tmp_path, scaler):
    """A name that is longer is refused in words."""
    with pytest.raises(ArtifactWriteError):
        nl.dump(scaler, tmp_path / ("n" * 300 + ".joblib"))
    with pytest.raises(ArtifactWriteError):  # the lock's name is longer than the artifact's
        nl.dump(scaler, tmp_path / ("n" * 243 + ".joblib"), lock=True)
    assert not os.listdir(tmp_path)


@posix
@pytest.mark.parametrize(
    "name",
    ["nix/x.joblib", "d.joblib", "fifo.joblib", "file.txt/x.joblib"],
    ids=["no folder", "folder", "fifo", "file"],
)
def test_where_nothing_can_be_written(tmp_path, scaler, name):
    """A folder that isn't there, a folder in the file's place, a FIFO: refused, and left as they are."""
    (tmp_path / "d.joblib").mkdir()
    (tmp_path / "file.txt").write_text("x")
    os.mkfifo(tmp_path / "fifo.joblib")
    before = sorted(os.listdir(tmp_path))
    with pytest.raises(ArtifactWriteError):
        nl.dump(scaler, tmp_path / name)
    assert sorted(os.listdir(tmp_path)) == before


@posix
def test_a_device_is_not_replaced():
    """A device that is named as the output stays a device."""
    with pytest.raises(ArtifactWriteError, match="device"), files.replacing(Path("/dev/null")) as file:
        file.write(b"x")
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)


@posix
def test_several_writers_leave_a_pair(tmp_path):
    """Whoever comes last leaves both files: artifact and lock belong together after each round."""
    path = tmp_path / "c.joblib"
    scalers = [StandardScaler().fit(np.random.RandomState(i).rand(6, 2)) for i in range(4)]
    for _ in range(5):
        threads = [threading.Thread(target=nl.dump, args=(each, path), kwargs={"lock": True}) for each in scalers]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert nl.load(path, lock=True).mean_.shape == (2,)
    assert sorted(os.listdir(tmp_path)) == ["c.joblib", "c.joblib.normlock.json"]


def test_a_pair_is_not_begun_if_its_lock_can_not_be_written(tmp_path, scaler):
    """Where the lock has no room, the artifact stays what it was."""
    path = tmp_path / "m.joblib"
    nl.dump(scaler, path, lock=True)
    before = path.read_bytes()
    lock = tmp_path / "m.joblib.normlock.json"
    lock.unlink()
    lock.mkdir()
    with pytest.raises(ArtifactWriteError):
        nl.dump(StandardScaler().fit([[0.0], [2.0]]), path, lock=True)
    assert path.read_bytes() == before


@posix
@pytest.mark.parametrize("name", ["a\\b.joblib", "c:d.joblib"])
def test_a_name_that_no_lock_can_hold(name, scaler, tmp_path):
    """It is refused before anything is written, not when the lock is read; without a lock it is a name like others."""
    with pytest.raises(NormLockError, match="can't name"):
        nl.dump(scaler, tmp_path / name, lock=True)
    assert os.listdir(tmp_path) == []
    nl.dump(scaler, tmp_path / name)
    with pytest.raises(NormLockError, match="can't name"):
        nl.lock(scaler, artifact=tmp_path / name)


# -- names under another locale ---------------------------------------------------------------------------------------

ASCII = {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}


def in_ascii(code: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run code in a process whose names of files are ASCII."""
    env = {**os.environ, **ASCII, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", f"import sklearn_normlock as nl\n{code}"]
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=120)


@posix
def test_a_lock_names_a_file_under_every_locale(tmp_path, monkeypatch):
    """What was locked where names are UTF-8 verifies where they are ASCII, and the other way round."""
    monkeypatch.chdir(tmp_path)
    for name in ("é.skops", "ü.joblib"):
        nl.dump(StandardScaler().fit([[0.0], [2.0]]), name, lock=True)
    commands = (["verify", "."], ["lock", "é.skops", "ü.joblib", "-o", "both.normlock.json"], ["verify", "."])
    code = "".join(f"assert main({[os.fsencode(each) for each in command]}) == 0\n" for command in commands)
    done = in_ascii(
        f"import os, sklearn_normlock.cli as cli\nmain = lambda a: cli.main([*map(os.fsdecode, a)])\n{code}", tmp_path
    )
    assert done.returncode == 0, done.stderr
    lock = nl.Lock.load("both.normlock.json")
    assert (sorted(lock.files), lock.members) == (["é.skops", "ü.joblib"], ("é", "ü"))
    assert main(["verify", "."]) == 0


@posix
def test_a_name_that_a_locale_lacks_is_said(tmp_path):
    """A name that can't be spelled there is refused by an error of ours, whatever would read or write it."""
    calls = (
        "nl.dump(scaler, 'é.skops')",
        "nl.dump(scaler, 'é/a.skops', lock=True)",
        "nl.load('é.skops')",
        "nl.lock(scaler).save('é.json')",
        "nl.Lock.load('é.json')",
        "nl.lock(scaler, artifact='é.joblib')",
        "nl.fingerprint('é.safetensors')",
    )
    code = "from sklearn_normlock.preprocessing import StandardScaler\nscaler = StandardScaler().fit([[0.0], [2.0]])\n"
    for call in calls:
        code += f"try: {ascii(call)[1:-1]}\nexcept nl.errors.NormLockError as error: assert 'name' in str(error)\n"
        code += "else: raise AssertionError\n"
    done = in_ascii(code, tmp_path)
    assert done.returncode == 0, done.stderr
