"""Claims of the command: its exit codes, in processes of its own, and what it prints in which format."""

from __future__ import annotations

import json
import os
import pickle
import re
import shutil
import subprocess
import sys
import sysconfig
from dataclasses import replace
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pytest
from lock_documents import X, pipeline, scaler, sealed
from sklearn.preprocessing import FunctionTransformer, StandardScaler

import sklearn_normlock as nl
from sklearn_normlock import impute as locked_impute
from sklearn_normlock import pipeline as locked_pipeline
from sklearn_normlock import preprocessing as locked
from sklearn_normlock.cli import main
from sklearn_normlock.locks.parts import FileDigest

MATCH, MISMATCH, COULD_NOT, NOTHING, USAGE = 0, 1, 2, 3, 64
SCRIPT = Path(sysconfig.get_path("scripts"), "normlock.exe" if os.name == "nt" else "normlock")
PACKAGE = Path(nl.__file__).parent


def normlock(*arguments, cwd, **env):
    """Run the installed command in a process of its own; return its exit code and what it printed."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("NORMLOCK_")}
    environment |= {"PYTHONPATH": str(PACKAGE.parent), "PYTHONIOENCODING": "utf-8", "PYTHONWARNINGS": "error", **env}
    # Where the tests see a checkout there may be no script; test_installed fails there.
    command = [str(SCRIPT)] if SCRIPT.exists() else [sys.executable, "-m", "sklearn_normlock"]
    done = subprocess.run(
        [*command, *map(str, arguments)], cwd=cwd, env=environment, capture_output=True, text=True, encoding="utf-8"
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout, done.stderr


def here(capsys, *arguments):
    """Run the command in this process: for what it prints, where its exit code is what it returns."""
    try:
        code = main([str(each) for each in arguments])
    except SystemExit as end:
        code = end.code
    captured = capsys.readouterr()
    return code, captured.out, captured.err


def lock_of(path):
    return path.with_name(path.name + ".normlock.json")


@pytest.fixture
def folder(tmp_path):
    """A folder with an artifact of each format and their locks."""
    for suffix in (".skops", ".joblib", ".pkl"):
        nl.dump(scaler(), tmp_path / f"model{suffix}", lock=True)
    return tmp_path


# -- never 0 when nothing was verified ---------------------------------------------------------------------------------


def missing_file(path):
    return ["verify", "none.skops"]


def missing_lock(path):
    lock_of(path / "model.pkl").unlink()
    return ["verify", "model.pkl"]


def missing_named_lock(path):
    return ["verify", "model.pkl", "--lock", "none.json"]


def empty_folder(path):
    (path / "empty").mkdir()
    return ["verify", "empty"]


def folder_without_locks(path):
    (path / "sub").mkdir()
    shutil.copy(path / "model.pkl", path / "sub" / "model.pkl")
    return ["verify", "sub"]


def missing_folder(path):
    return ["verify", "none/"]


def folder_of_others(path):
    """The lock is named, and the folder has none of its files."""
    (path / "sub").mkdir()
    return ["verify", "sub", "--lock", "model.pkl.normlock.json"]


def unreadable_lock(path):
    lock_of(path / "model.pkl").write_text("{")
    return ["verify", "model.pkl"]


def lock_that_is_a_folder(path):
    lock_of(path / "model.pkl").unlink()
    lock_of(path / "model.pkl").mkdir()
    return ["verify", "model.pkl"]


def binary_lock(path):
    shutil.copy(path / "model.pkl", lock_of(path / "model.pkl"))
    return ["verify", "model.pkl"]


def unknown_version(path):
    lock = json.loads(lock_of(path / "model.pkl").read_text())
    lock_of(path / "model.pkl").write_text(json.dumps(sealed({**lock, "lock_version": 2})))
    return ["verify", "model.pkl"]


def lock_of_a_missing_file(path):
    (path / "model.pkl").unlink()
    return ["verify", "model.pkl.normlock.json"]


def lock_without_files(path):
    nl.lock(scaler()).save(path / "alone.json")
    return ["verify", "alone.json"]


def lock_without_name(path):
    (path / "sub").mkdir()
    nl.lock(scaler()).save(path / "sub" / ".normlock.json")
    return ["verify", "sub"]


def no_entry(path):
    """A bundle's lock that says nothing of the artifact."""
    files = {"model.joblib": replace(FileDigest.of(path / "model.joblib"), member="scaler")}
    nl.lock({"scaler": scaler()}).with_files(files).save(path / "bundle.json")
    joblib.dump(pipeline(), path / "other.joblib")
    return ["verify", "other.joblib", "--lock", "bundle.json"]


def no_digest(path):
    nl.lock(scaler()).save(lock_of(path / "model.pkl"))
    return ["verify", "model.pkl"]


def unknown_suffix(path):
    (path / "model.pkl").rename(path / "model.bin")
    return ["verify", "model.bin", "--lock", "model.pkl.normlock.json"]


def damaged_artifact(path):
    data = (path / "model.skops").read_bytes()
    (path / "model.skops").write_bytes(data[: len(data) // 2])
    return ["verify", "model.skops"]


def untrusted_types(path):
    nl.dump(FunctionTransformer(scaler).fit(X), path / "own.skops", lock=True)
    return ["verify", "own.skops"]


def one_of_several(path):
    (path / "empty").mkdir()
    return ["verify", "model.skops", "empty"]


def bytes_that_differ(path):
    (path / "model.pkl").write_bytes(pickle.dumps(scaler(), protocol=4))
    return ["verify", "model.pkl"]


def another_object(path):
    nl.dump(StandardScaler().fit(X[1:]), path / "model.skops")
    return ["verify", "."]


def another_pin(path):
    return ["verify", "model.skops", "--expect", "nl1-sha256:" + "0" * 64]


def no_pin(path):
    return ["verify", "model.skops", "--expect", "nonsense"]


CASES = {
    missing_file: (COULD_NOT, "There is no file or folder none.skops"),
    missing_lock: (COULD_NOT, "There is no lock at model.pkl.normlock.json"),
    missing_named_lock: (COULD_NOT, "There is no lock at none.json"),
    empty_folder: (NOTHING, "nothing was checked"),
    folder_without_locks: (NOTHING, "nothing was checked"),
    missing_folder: (COULD_NOT, "There is no file or folder none"),
    folder_of_others: (COULD_NOT, "There is no file or folder sub"),
    unreadable_lock: (COULD_NOT, "It can't be read: not JSON"),
    lock_that_is_a_folder: (COULD_NOT, "can't be read as a lock"),
    binary_lock: (COULD_NOT, "It is an artifact, not a lock. Name its lock"),
    unknown_version: (COULD_NOT, "lock_version 2"),
    lock_of_a_missing_file: (COULD_NOT, "There is no file or folder model.pkl"),
    lock_without_files: (NOTHING, "nothing was checked"),
    lock_without_name: (NOTHING, "nothing was checked"),
    no_entry: (COULD_NOT, "The lock says nothing of other.joblib"),
    no_digest: (COULD_NOT, "which has no digest of a file"),
    unknown_suffix: (COULD_NOT, "the format '.bin' is not known"),
    damaged_artifact: (COULD_NOT, "can't be read as .skops"),
    untrusted_types: (COULD_NOT, "name them: in trusted="),
    one_of_several: (NOTHING, "nothing was checked"),
    bytes_that_differ: (MISMATCH, "was not opened"),
    another_object: (MISMATCH, "MISMATCH: "),
    another_pin: (MISMATCH, "not of the expected"),
    no_pin: (USAGE, "is not a fingerprint"),
}
# Each starts Python and, where an artifact is opened, scikit-learn: these few stand for the others, which the campaign
# runs, and which are run here in this process.
IN_A_PROCESS = (missing_file, empty_folder, unreadable_lock)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_exit_codes(case, folder, capsys, monkeypatch):
    """What can't be verified is never 0: the exit code says whether it differs, can't be checked, or wasn't."""
    monkeypatch.chdir(folder)
    monkeypatch.delenv("NORMLOCK_EXPECT", raising=False)
    code, out, err = here(capsys, *case(folder))
    assert (code, CASES[case][1] in out + err) == (CASES[case][0], True), out + err


@pytest.mark.parametrize("case", IN_A_PROCESS, ids=lambda case: case.__name__)
def test_exit_codes_of_the_script(case, folder):
    """The same of the installed script."""
    code, out, err = normlock(*case(folder), cwd=folder)
    assert (code, CASES[case][1] in out + err) == (CASES[case][0], True), out + err


@pytest.mark.campaign
@pytest.mark.parametrize("style", ["text", "json", "github"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_exit_codes_of_the_script_all(case, style, folder):
    """The same of the installed script, each case in each format."""
    code, out, err = normlock(*case(folder), "--format", style, cwd=folder)
    assert code == CASES[case][0], out + err


def test_the_script_matches_and_mismatches(folder):
    """0 for an artifact, a lock and a folder that match; 1 as soon as one of them doesn't."""
    code, out, err = normlock("verify", ".", "model.pkl", "model.joblib.normlock.json", cwd=folder)
    assert code == MATCH and err == "" and out.count(": match, nl1-sha256:") == 5
    nl.dump(StandardScaler().fit(X[1:]), folder / "model.skops")
    code, out, err = normlock("verify", ".", cwd=folder)
    assert code == MISMATCH and out.count(": match, ") == 2 and out.count("MISMATCH: ") == 1 and "mean_[" in out


@pytest.mark.parametrize(
    "arguments",
    [[], ["verify"], ["verify", "a", "--format", "xml"], ["frobnicate"], ["lock", "a.pkl", "b.pkl"],
     ["lock", "a.pkl", "-o", "a.pkl"], ["diff", "a"], ["probe", "a.pkl"],
     ["probe", "a.pkl", "--lock", "x", "--rows", "y"],
     ["verify", "a", "--expect", "x"]],
    ids=" ".join,
)  # fmt: skip
def test_bad_usage(arguments, folder, capsys, monkeypatch):
    """What can't be meant is 64, said on standard error, and nothing is written."""
    monkeypatch.chdir(folder)
    before = sorted(os.listdir(folder))
    code, out, err = here(capsys, *arguments)
    assert code == USAGE and out == "" and "normlock" in err
    assert sorted(os.listdir(folder)) == before


def test_bad_usage_of_the_script(folder):
    """64 is what the process ends with."""
    assert normlock("verify", cwd=folder)[0] == normlock(cwd=folder)[0] == USAGE
    assert normlock("--version", cwd=folder)[:2] == (0, f"normlock {nl.__version__}\n")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("verfy", "model.pkl"), "(did you mean verify?)"),
        (("verify", "--trust-fle", "model.pkl"), "(did you mean --trust-file or --trusted?)"),
        (("verify", "modle.pkl"), "There is no file or folder modle.pkl. Did you mean model.pkl?"),
    ],
)
def test_a_misspelled_name_is_answered_with_the_one_that_was_meant(arguments, said, folder, capsys, monkeypatch):
    """A command, an option and a file are each answered with the name that comes nearest."""
    monkeypatch.chdir(folder)
    assert said in here(capsys, *arguments)[2]


@pytest.mark.parametrize("arguments", [("demo", "--format", "json"), ("verify", "zzz.skops")])
def test_nothing_is_suggested_for_what_is_spelled_well(arguments, folder, capsys, monkeypatch):
    """An option of another command, and a file that resembles no other, are not taken for something else."""
    monkeypatch.chdir(folder)
    code, out, err = here(capsys, *arguments)
    assert code in (COULD_NOT, USAGE) and "mean" not in out + err


# -- lock --------------------------------------------------------------------------------------------------------------


def test_lock(folder, capsys, monkeypatch):
    """An artifact is locked beside itself; when there was a lock, what differs from it is printed."""
    monkeypatch.chdir(folder)
    lock_of(folder / "model.pkl").unlink()
    code, out, _ = here(capsys, "lock", "model.pkl")
    assert code == MATCH and out == f"model.pkl.normlock.json: locked {nl.fingerprint(scaler())}, 1 output probed\n"
    assert here(capsys, "verify", "model.pkl")[0] == MATCH
    nl.dump(StandardScaler().fit(X * 1000), folder / "model.pkl")
    assert here(capsys, "verify", "model.pkl")[0] == MISMATCH
    code, out, _ = here(capsys, "lock", "model.pkl")
    assert code == MATCH and "×1000: a change of unit?" in out
    assert here(capsys, "verify", "model.pkl")[0] == MATCH
    facts = json.loads(here(capsys, "lock", "model.pkl", "--format", "json")[1])
    assert facts["fingerprint"] == nl.fingerprint(StandardScaler().fit(X * 1000)) and facts["diff"] is None


@pytest.mark.parametrize("output", ["none/x.json", "model.pkl/x.json", "sub.json"])
def test_unwritable_output(folder, output, capsys, monkeypatch):
    """A lock that can't be written is an error that names the place."""
    monkeypatch.chdir(folder)
    (folder / "sub.json").mkdir()
    code, out, err = here(capsys, "lock", "model.pkl", "-o", output)
    assert code == COULD_NOT and out == "" and output.split("/")[0] in err
    assert not [name for name in os.listdir(folder) if name.endswith(".part")]


def test_lock_with_rows(folder, capsys, monkeypatch):
    """Rows are read from .npy and .csv; others are refused; a few of them are in the lock then."""
    monkeypatch.chdir(folder)
    np.save("rows.npy", X)
    np.savetxt("rows.csv", X, delimiter=",", header="a,b,c", comments="")
    for name in ("rows.npy",):
        assert here(capsys, "lock", "model.pkl", "--rows", name)[0] == MATCH
        assert nl.Lock.load("model.pkl.normlock.json").probes[0].source == "rows"
    (folder / "rows.xlsx").write_text("")
    (folder / "bad.npy").write_text("x")
    for name in ("rows.xlsx", "bad.npy", "none.npy"):
        assert here(capsys, "lock", "model.pkl", "--rows", name)[0] == COULD_NOT


def test_bundle(folder, capsys, monkeypatch):
    """Files that travel apart are bound: any of them exchanged is a mismatch, and one alone can be verified."""
    monkeypatch.chdir(folder)
    (folder / "net.pt").write_bytes(b"weights")
    joblib.dump(pipeline(), "pipe.joblib")
    assert here(capsys, "lock", "model.skops", "pipe.joblib", "net.pt", "-o", "bundle.normlock.json")[0] == MATCH
    bundle = nl.Lock.load("bundle.normlock.json")
    assert bundle.members == ("model", "net", "pipe") and set(bundle.files) == {"model.skops", "pipe.joblib", "net.pt"}
    code, out, _ = here(capsys, "verify", "bundle.normlock.json")
    assert code == MATCH and out.startswith("bundle.normlock.json: match, ")
    for name in ("model.skops", "pipe.joblib", "net.pt"):
        code, out, _ = here(capsys, "verify", name, "--lock", "bundle.normlock.json")
        assert code == MATCH and "of a bundle" in out
        wrong = "nl1-sha256:" + "0" * 64
        assert here(capsys, "verify", name, "--lock", "bundle.normlock.json", "--expect", wrong)[0] == MISMATCH
    assert here(capsys, "verify", "bundle.normlock.json", "--expect", bundle.fingerprint)[0] == MATCH
    assert here(capsys, "verify", "bundle.normlock.json", "--expect", wrong)[0] == MISMATCH
    (folder / "net.pt").write_bytes(b"Weights")
    for arguments in (["bundle.normlock.json"], ["net.pt", "--lock", "bundle.normlock.json"]):
        code, _, err = here(capsys, "verify", *arguments)
        assert code == MISMATCH and "net.pt is not the file that was locked" in err
    (folder / "net.pt").unlink()
    assert here(capsys, "verify", "bundle.normlock.json")[0] == COULD_NOT


def test_a_bundle_of_files_alone_is_held_against_the_pin(folder, capsys, monkeypatch):
    """Also where no member is an object, an expected fingerprint must be met."""
    monkeypatch.chdir(folder)
    for name in ("a.pt", "b.onnx"):
        (folder / name).write_text(name)
    assert here(capsys, "lock", "a.pt", "b.onnx", "-o", "bundle.json")[0] == MATCH
    assert here(capsys, "verify", "bundle.json")[0] == MATCH
    assert here(capsys, "verify", "bundle.json", "--expect", "nl1-sha256:" + "0" * 64)[0] == MISMATCH


# -- formats -----------------------------------------------------------------------------------------------------------


def verdicts(folder):
    """Yield arguments of `verify`, and the code that they mean."""
    nl.dump(StandardScaler().fit(X[1:]), folder / "wrong.skops", lock=True)
    nl.dump(scaler(), folder / "wrong.skops")
    return [("model.skops", MATCH), ("wrong.skops", MISMATCH), ("none.skops", COULD_NOT)]


def test_json(folder, capsys, monkeypatch):
    """Each result is one line of JSON on standard output, with the exit code and whether it matches."""
    monkeypatch.chdir(folder)
    for name, code in verdicts(folder):
        found, out, _ = here(capsys, "verify", name, "--format", "json")
        (line,) = out.splitlines()
        facts = json.loads(line)
        assert (found, facts["code"], facts["ok"], facts["subject"]) == (code, code, code == MATCH, name)
    assert "message" in facts and facts["error"] == "FileNotFoundError"


def test_github(folder, capsys, monkeypatch):
    """Each result is one workflow command: a notice, or an error."""
    monkeypatch.chdir(folder)
    for name, code in verdicts(folder):
        found, out, _ = here(capsys, "verify", name, "--format", "github")
        (line,) = out.splitlines()
        assert found == code and re.match(r"::(notice|error) ?[^:]*::.", line)
        assert line.startswith("::notice") == (code == MATCH)


@pytest.mark.parametrize("style", ["text", "json", "github", "markdown", "html"])
def test_diff(folder, style, capsys, monkeypatch):
    """Two locks, or artifacts, can be told apart in every format; 0 if they are the same."""
    monkeypatch.chdir(folder)
    nl.lock(StandardScaler().fit(X * 1000)).save(folder / "new.json")
    for old, new, code in (
        ("model.skops.normlock.json", "new.json", MISMATCH),
        ("model.skops", "new.json", MISMATCH),
        ("new.json", "model.skops", MISMATCH),
        ("model.skops", "model.skops.normlock.json", MATCH),
        ("none.json", "new.json", COULD_NOT),
        ("model.pkl", "new.json", COULD_NOT),
    ):
        found, out, err = here(capsys, "diff", old, new, "--format", style)
        assert found == code, out + err
        assert code != MISMATCH or "a change of unit?" in out


def test_undecided_is_not_a_match(folder, capsys, monkeypatch):
    """Locked under other versions, with no output that decides: 2 in every format, and `ok` is false."""
    monkeypatch.chdir(folder)
    lock = nl.lock(scaler(), artifact="model.skops")
    probe = replace(lock.probes[0], outputs=(), left_out="not the same twice")
    replace(lock, probes=(probe,), environment={**lock.environment, "numpy": "1.0"}).save("model.skops.normlock.json")
    code, out, err = here(capsys, "verify", "model.skops", "--format", "json")
    assert code == COULD_NOT and "CAN'T TELL" not in err
    assert (json.loads(out)["ok"], json.loads(out)["code"], json.loads(out)["verdict"]) == (
        False,
        COULD_NOT,
        "undecided",
    )
    code, out, err = here(capsys, "verify", "model.skops")
    assert code == COULD_NOT and "CAN'T TELL" in out and "not the same twice" in out


def test_show(folder, capsys, monkeypatch):
    """A lock, or the lock that an artifact would have, is printed for a reader; a file that runs code is not opened."""
    monkeypatch.chdir(folder)
    for name in ("model.skops.normlock.json", "model.skops"):
        code, out, _ = here(capsys, "show", name)
        assert (
            code == MATCH
            and out.startswith(f"fingerprint  {nl.fingerprint(scaler())}\n")
            and "mean_ [3] = 5.19887" in out
        )
    assert here(capsys, "show", "model.pkl")[0] == COULD_NOT
    assert json.loads(here(capsys, "show", "model.pkl", "--trust-file", "--format", "json")[1])["lock_version"] == 1
    assert here(capsys, "show", "none.json")[0] == COULD_NOT


@pytest.mark.parametrize("command", ["show", "diff", "verify"])
@pytest.mark.parametrize("style", ["text", "github"])
def test_names_forge_no_line_and_move_no_cursor(folder, capsys, monkeypatch, command, style):
    """Names of columns are printed as what they are: no line begins with one, no terminal or workflow obeys one."""
    monkeypatch.chdir(folder)
    names = ["a\nmodel.skops: match", "b\r::add-mask::x", "\x1b[2Jc", "\u202ed", "e\n::error::y"]
    for name, factor in (("a", 1.0), ("b", 2.0)):
        frame = pd.DataFrame(np.arange(15.0).reshape(3, 5) * factor, columns=names)
        nl.dump(StandardScaler().fit(frame), f"{name}.skops", lock=True)
    arguments = {
        "show": ["show", "a.skops.normlock.json"],
        "diff": ["diff", "a.skops.normlock.json", "b.skops.normlock.json"],
        "verify": ["verify", "b.skops", "--lock", "a.skops.normlock.json"],
    }[command]
    _, out, err = here(capsys, *arguments, "--format", style)
    assert "add-mask" in out
    assert not re.search("^(model|::add-mask|::error::y)|[\x1b\r\u202e]", out + err, re.MULTILINE)


def test_a_file_that_changes_while_it_is_locked(folder, capsys, monkeypatch):
    """The object and the digest in a lock are of the same bytes: a file that is written meanwhile is refused."""
    from sklearn_normlock import formats

    monkeypatch.chdir(folder)
    read = formats.read

    def replaced(file, path, *arguments):
        est = read(file, path, *arguments)
        nl.dump(StandardScaler().fit([[0.0], [9.0]]), path)
        return est

    monkeypatch.setattr(formats, "read", replaced)
    lock_of(folder / "model.pkl").unlink()
    code, _, err = here(capsys, "lock", "model.pkl")
    assert code == COULD_NOT and "model.pkl changed while it was locked" in err
    assert not lock_of(folder / "model.pkl").exists()


def test_show_says_which_steps_are_fast(folder, capsys, monkeypatch):
    """For an artifact `show` lists the steps that have a fast path, and says why the others have none."""
    monkeypatch.chdir(folder)
    nl.dump(locked_pipeline.make_pipeline(locked.StandardScaler(), locked_impute.KNNImputer()).fit(X), "pipe.skops")
    code, out, _ = here(capsys, "show", "pipe.skops")
    lines = [line.split(None, 2)[2] for line in out.splitlines() if line.startswith("fast path")]
    assert code == MATCH and lines == [
        "(whole): transform",
        "standardscaler: transform, inverse_transform",
        "knnimputer: none, as scikit-learn computes it: KNNImputer has no kernel",
    ]


def test_probe(folder, capsys, monkeypatch):
    """Outputs alone are compared: with a lock's, or with a trace from elsewhere; an estimator's own error is 2."""
    monkeypatch.chdir(folder)
    np.save("rows.npy", X)
    np.save("narrow.npy", X[:, :2])
    assert here(capsys, "probe", "model.skops", "--lock", "model.skops.normlock.json")[0] == MATCH
    assert here(capsys, "probe", "model.skops", "--rows", "rows.npy", "-o", "trace.json")[0] == MATCH
    assert here(capsys, "probe", "model.skops", "--rows", "rows.npy", "--against", "trace.json")[0] == MATCH
    nl.dump(StandardScaler().fit(X[1:]), "other.skops")
    code, out, _ = here(capsys, "probe", "other.skops", "--rows", "rows.npy", "--against", "trace.json")
    assert code == MISMATCH and "probed outputs move" in out
    assert here(capsys, "probe", "other.skops", "--lock", "model.skops.normlock.json")[0] == MISMATCH
    code, _, err = here(capsys, "probe", "model.skops", "--rows", "narrow.npy")
    assert code == COULD_NOT and "expecting 3 features" in err
    lock = nl.lock(scaler())
    replace(lock, probes=()).save("bare.json")
    assert here(capsys, "probe", "model.skops", "--lock", "bare.json")[0] == NOTHING


def test_unlock(folder, capsys, monkeypatch):
    """The stock object has the fingerprint of the drop-in, so that its lock still holds."""
    from sklearn_normlock import preprocessing

    monkeypatch.chdir(folder)
    nl.dump(preprocessing.StandardScaler().fit(X), "locked.skops", lock=True)
    code, out, _ = here(capsys, "unlock", "locked.skops", "stock.skops")
    assert code == MATCH and nl.fingerprint(scaler()) in out
    assert here(capsys, "verify", "stock.skops", "--lock", "locked.skops.normlock.json")[0] == MATCH
    assert here(capsys, "unlock", "locked.skops", "stock.bin")[0] == COULD_NOT


# -- the terminal ------------------------------------------------------------------------------------------------------


def in_a_terminal(folder, *arguments, **env):
    """Run the command with a terminal for both its outputs; return what it printed there."""
    pty = pytest.importorskip("pty")
    ours, theirs = pty.openpty()
    environment = {**os.environ, "PYTHONPATH": str(PACKAGE.parent), "TERM": "xterm", "PYTHONIOENCODING": "utf-8", **env}
    if "NO_COLOR" not in env:
        environment.pop("NO_COLOR", None)
    process = subprocess.Popen(
        [sys.executable, "-m", "sklearn_normlock", *arguments],
        cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=theirs, stderr=theirs,
    )  # fmt: skip
    os.close(theirs)
    text = b""
    while True:
        try:
            part = os.read(ours, 65536)
        except OSError:  # Linux's way to say that the other end is closed
            break
        if not part:
            break
        text += part
    os.close(ours)
    process.wait()
    return text.decode()


def test_colours(folder):
    """Colours are for a terminal alone, and not where NO_COLOR is set or the terminal is dumb."""
    arguments = ["diff", "model.pkl.normlock.json", "model.skops.normlock.json"]
    assert "\033[32m" in in_a_terminal(folder, *arguments)
    assert "\033" not in in_a_terminal(folder, *arguments, NO_COLOR="1")
    assert "\033" not in in_a_terminal(folder, *arguments, TERM="dumb")
    assert "\033[33m" in in_a_terminal(folder, "verify", "none.skops")
    assert "\033" not in "".join(map(str, normlock(*arguments, cwd=folder)))


def test_progress(folder, capsys, monkeypatch):
    """Reading a large file shows how far it is on a terminal, leaves nothing behind, and is silent elsewhere."""
    from sklearn_normlock.cli import outcome
    from sklearn_normlock.documents.files import file_digest

    monkeypatch.setattr(outcome, "_LARGE", 1)
    path = folder / "large.bin"
    path.write_bytes(bytes(5 << 20))
    assert outcome.progress(path) is None
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True, raising=False)
    with open(path, "rb") as file:
        file_digest(file, outcome.progress(path))
    shown = capsys.readouterr().err
    assert "20 % of 5 MB" in shown and shown.endswith("\r" + " " * 79 + "\r")


def test_a_terminal_without_arrows(folder):
    """Where the output can't hold an arrow or an ellipsis, the command says what it has to say all the same."""
    nl.lock(StandardScaler().fit(X * 1000)).save(folder / "new.json")
    code, out, _ = normlock("diff", "model.pkl.normlock.json", "new.json", cwd=folder, PYTHONIOENCODING="ascii")
    assert code == MISMATCH and "\\u2192" in out and "a change of unit?" in out


def test_in_another_language(folder):
    """Nothing but the words of the locale's error messages depends on the locale."""
    assert normlock("show", "model.pkl.normlock.json", cwd=folder, LC_ALL="C")[0] == MATCH
