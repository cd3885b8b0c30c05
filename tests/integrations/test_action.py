"""The GitHub Action: its script, run as a runner would in a repository with real git and the real command."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
from sklearn.preprocessing import StandardScaler

import sklearn_normlock as nl

ROOT = Path(__file__).parents[2]
ACTION = ROOT / ".github" / "actions" / "normlock"
PACKAGE = Path(find_spec("sklearn_normlock").origin).parent

pytestmark = pytest.mark.skipif(shutil.which("bash") is None or os.name == "nt", reason="runs a script in bash")

# Stands for GitHub's command line: writes down how it was called, and what the comment says.
GH = """#!/bin/sh
printf '%s\\n' "$*" >>"$GH_LOG"
case "$1 $2" in
  "pr view") printf '%s' "$GH_URL" ;;
  "pr comment") cat "$7" >>"$GH_LOG" ;;
  *) for argument; do case "$argument" in body=@*) cat "${argument#body=@}" >>"$GH_LOG" ;; esac; done ;;
esac
exit "${GH_CODE:-0}"
"""


def git(folder, *arguments):
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.com", "-c", "commit.gpgsign=false")
    command = ["git", *identity, *arguments]
    return subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True).stdout.strip()


def scaler(top):
    return StandardScaler().fit([[0.0], [top]])


class Runner:
    """A checkout of a pull request, and the variables that a runner sets."""

    def __init__(self, folder, monkeypatch):
        for name in [name for name in os.environ if name.startswith(("GIT_", "GITHUB_", "INPUT_", "NORMLOCK_"))]:
            monkeypatch.delenv(name)
        self.folder = folder
        self.origin = folder / "origin"
        self.checkout = folder / "checkout"
        self.origin.mkdir()
        git(self.origin, "init", "-q", "-b", "main")
        git(self.origin, "config", "uploadpack.allowAnySHA1InWant", "true")
        (self.origin / "models").mkdir()
        nl.dump(scaler(2.0), self.origin / "models" / "a.skops", lock=True)
        nl.dump(scaler(5.0), self.origin / "models" / "gone.skops", lock=True)
        self.base = self.commit(self.origin)
        (folder / "bin").mkdir()
        (folder / "bin" / "gh").write_text(GH)
        (folder / "bin" / "gh").chmod(0o755)

    def commit(self, folder):
        git(folder, "add", "-A")
        git(folder, "commit", "-q", "--allow-empty", "-m", "a commit")
        return git(folder, "rev-parse", "HEAD")

    def check_out(self):
        """Check out as actions/checkout does: without any history."""
        git(self.folder, "clone", "-q", "--depth=1", self.origin.as_uri(), "checkout")

    def run(self, **variables):
        paths = [str(PACKAGE.parent), os.environ.get("PYTHONPATH", "")]
        env = {
            **os.environ,
            "PATH": os.pathsep.join([str(self.folder / "bin"), os.environ["PATH"]]),
            "PYTHONPATH": os.pathsep.join(filter(None, paths)),
            "GH_LOG": str(self.folder / "gh.log"),
            "GITHUB_ACTION_PATH": str(ACTION),
            "GITHUB_EVENT_NAME": "pull_request",
            "GITHUB_JOB": "locks",
            "GITHUB_OUTPUT": str(self.folder / "output"),
            "GITHUB_REPOSITORY": "us/ours",
            "GITHUB_STEP_SUMMARY": str(self.folder / "summary.md"),
            "INPUT_PATH": "models",
            "INPUT_BASE": self.base,
            "INPUT_PYTHON": sys.executable,
            "PULL_REQUEST": "7",
            **variables,
        }
        cwd = self.checkout if self.checkout.exists() else self.folder
        command = [str(ACTION / "normlock.sh")]
        return subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True, check=False)

    def read(self, name):
        path = self.folder / name
        return path.read_text("utf-8") if path.exists() else ""


@pytest.fixture
def runner(tmp_path, monkeypatch):
    return Runner(tmp_path, monkeypatch)


def test_a_change_of_locks_is_shown(runner):
    """A refit whose artifact matches its new lock passes; each lock that changed is in the summary and a comment."""
    models = runner.origin / "models"
    nl.dump(scaler(2000.0), models / "a.skops", lock=True)
    nl.dump(scaler(3.0), models / "new name.skops", lock=True)
    for path in models.glob("gone*"):
        path.unlink()
    runner.commit(runner.origin)
    runner.check_out()
    done = runner.run(INPUT_COMMENT="true")
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.findall("^::.*", done.stdout, re.MULTILINE) == [
        line for line in done.stdout.splitlines() if line.startswith("::notice title=normlock::models/")
    ]
    assert done.stdout.count("::notice") == 2
    assert runner.read("output") == "code=0\nchanged=3\n"
    summary = runner.read("summary.md")
    assert summary.startswith(
        "### normlock: ✅ every artifact is what its lock says\n\n~~~~~~text\nmodels/a.skops: match"
    )
    assert "#### `models/a.skops.normlock.json`\n\n❌ **DIFFERENT: nl1-sha256:" in summary
    assert "| `mean_[0]` | 1 | 1000 | ×1000: a change of unit? |" in summary
    assert "#### `models/gone.skops.normlock.json`\n\n🗑️ Deleted" in summary
    assert "#### `models/new name.skops.normlock.json`\n\n🆕 A new lock.\n\n    fingerprint  nl1-sha256:" in summary
    view, create, comment = runner.read("gh.log").split("\n", 2)
    assert view.startswith("pr view 7 --repo us/ours --json comments --jq")
    assert create.startswith("pr comment 7 --repo us/ours --body-file ")
    assert comment == "<!-- normlock locks -->\n" + summary


def test_a_mismatch_fails_and_the_comment_is_kept_up_to_date(runner):
    """An artifact that isn't what its lock says fails with an annotation; the comment of before is written anew."""
    nl.dump(scaler(3.0), runner.origin / "models" / "a.skops")
    runner.commit(runner.origin)
    runner.check_out()
    url = "https://example.com/us/ours/pull/7#issuecomment-123"
    done = runner.run(INPUT_COMMENT="true", GH_URL=url)
    assert done.returncode == 1
    assert "::error file=models/a.skops,title=normlock::models/a.skops: MISMATCH: " in done.stdout
    assert runner.read("output") == "code=1\nchanged=0\n"
    summary = runner.read("summary.md")
    assert "models/a.skops: MISMATCH: nl1-sha256:" in summary and "\n  var_[0]: 1 → 2.25" not in summary
    assert "var_[0]: 1 → 2.25" in summary and "%0A" not in summary
    assert summary.endswith("\nNo lock changed.\n")
    calls = runner.read("gh.log")
    assert "api --silent --method PATCH repos/us/ours/issues/comments/123 -F body=@" in calls
    assert "pr comment" not in calls and summary in calls


def test_inputs_are_text(runner):
    """Nothing in an input, or in the name of a file, is run or taken for an option or a workflow command."""
    nl.dump(scaler(3.0), runner.origin / "models" / "$(touch pwned)`touch pwned`.skops", lock=True)
    (runner.origin / "models" / "broken.normlock.json").write_text("{}")
    nl.lock(scaler(2.0)).save(runner.origin / "models" / "x\n::set-output name=code::0\n.normlock.json")
    runner.commit(runner.origin)
    runner.check_out()
    done = runner.run(
        INPUT_PATH="models\r\n$(touch pwned)\n`touch pwned`; touch pwned\n\n",
        INPUT_TRUSTED="$(touch pwned)\n--help",
        INPUT_EXPECT="any",
        INPUT_COMMENT="$(touch pwned)",
    )
    assert done.returncode == 2, done.stdout + done.stderr
    assert not list(runner.folder.rglob("pwned"))
    assert "::error title=normlock FileNotFoundError::There is no file or folder $(touch pwned)." in done.stdout
    summary = runner.read("summary.md")
    assert "#### `models/x::set-output name=code::0.normlock.json`\n\n🆕 A new lock.\n\n    fingerprint" in summary
    assert "#### `models/broken.normlock.json`\n\n🆕 A new lock.\n\n⚠️" in summary
    commands = {line.split(" ")[0] for line in done.stdout.splitlines() if line.startswith("::")}
    assert commands == {"::error", "::notice"}


STUB = """#!/bin/sh
case "$*" in
  "-c import sklearn_normlock") exit "$STUB_MISSING" ;;
  *"pip install"*) printf '%s\\n' "$*" >&2 ;;
  *verify*) yes "::error title=normlock::ä long line%0Aand another" | head -n 3000; exit "$STUB_CODE" ;;
esac
"""


@pytest.mark.parametrize(
    ("code", "verdict"),
    [(0, "✅ every"), (1, "❌ mismatch"), (2, "could not be checked"), (3, "nothing was"), (64, "exit code 64")],
)
def test_exit_codes_are_handed_on(runner, code, verdict):
    """The step ends as the verification did, never 0 unless that was; a long summary is cut between lines."""
    stub = runner.folder / "python"
    stub.write_text(STUB)
    stub.chmod(0o755)
    done = runner.run(INPUT_PYTHON=str(stub), STUB_CODE=str(code), STUB_MISSING="0", INPUT_BASE="0" * 40)
    assert done.returncode == code
    assert runner.read("output") == f"code={code}\nchanged=0\n"
    summary = runner.read("summary.md")
    assert verdict in summary.split("\n")[0]
    assert 59_000 < len(summary.encode()) < 60_100 and summary.split("\n")[-4] in ("ä long line", "and another")
    assert "pip" not in done.stderr


def test_the_package_is_installed_where_it_is_not(runner):
    """Without the package the revision of the action is installed; a failing comment, or base, is only a warning."""
    stub = runner.folder / "python"
    stub.write_text(STUB)
    stub.chmod(0o755)
    runner.check_out()
    variables = {"INPUT_PYTHON": str(stub), "INPUT_COMMENT": "true", "GH_CODE": "1", "STUB_CODE": "1"}
    done = runner.run(INPUT_BASE="f" * 40, STUB_MISSING="1", **variables)
    assert done.returncode == 1
    source = re.search("pip install --quiet --disable-pip-version-check (.*)", done.stderr)[1]
    assert Path(source).resolve() == ROOT
    assert "::warning title=normlock::The base revision isn't in this checkout" in done.stdout
    assert "::warning title=normlock::The comment could not be written" in done.stdout
    assert runner.read("gh.log").startswith("pr view") and runner.read("gh.log").count("\n") == 1
    done = runner.run(INPUT_BASE="--output=pwned", STUB_MISSING="0", **variables)
    assert "::warning title=normlock::The base revision '--output?pwned' is not one." in done.stdout


def test_what_is_refused(runner):
    """Artifacts of a fork are not opened where secrets are; without a path nothing is verified, and that is no pass."""
    done = runner.run(GITHUB_EVENT_NAME="pull_request_target")
    assert done.returncode == 2 and done.stdout.startswith("::error title=normlock::Not on pull_request_target")
    done = runner.run(INPUT_PATH="\n  \n")
    assert done.returncode == 64 and done.stdout.startswith("::error title=normlock::Say with the input path")
    for empty in ("", " ", "\n"):
        done = runner.run(INPUT_EXPECT=empty)
        assert done.returncode == 64 and "The input expect is empty" in done.stdout
    assert runner.run(INPUT_UNLOCKED="yes").returncode == 64
    assert runner.read("summary.md") == ""


def test_an_interpreter_that_runs_nothing(runner):
    """A program that ends with 0 and says nothing has verified nothing."""
    done = runner.run(INPUT_PYTHON="true")
    assert done.returncode == 3 and "Nothing was verified" in done.stdout


TALKS = r"""#!/bin/sh
case "$*" in
  *verify*)
    printf '  ::add-mask::a\nx ##[add-mask]b\nc\r::stop-commands::d\n::set-output name=x::e\n'
    printf '::notice title=normlock::m: match\n' ;;
esac
"""


def test_lines_that_an_artifact_makes(runner):
    """No line but an annotation of ours is one that the runner would take for a command."""
    stub = runner.folder / "python"
    stub.write_text(TALKS)
    stub.chmod(0o755)
    done = runner.run(INPUT_PYTHON=str(stub), INPUT_BASE="0" * 40)
    lines = re.split(r"[\r\n]+", done.stdout)
    assert [line for line in lines if line.strip().startswith("::")] == ["::notice title=normlock::m: match"]
    assert "##[" not in done.stdout and "add-mask" in done.stdout


def test_action_yml():
    """The action is composite, uses no other action, and hands every input to the script as a variable."""
    yaml = pytest.importorskip("yaml", reason="reads YAML; installed by the extra 'test'")
    action = yaml.safe_load((ACTION / "action.yml").read_text("utf-8"))
    assert set(action) == {"name", "description", "inputs", "outputs", "runs"}
    assert action["runs"]["using"] == "composite"
    (step,) = action["runs"]["steps"]
    assert set(step) == {"id", "shell", "run", "env"} and step["shell"] == "bash"
    assert step["run"] == '"$GITHUB_ACTION_PATH/normlock.sh"'
    taken = {value for value in step["env"].values() if value.startswith("${{ inputs.")}
    assert taken == {f"${{{{ inputs.{name} }}}}" for name in action["inputs"]}
    script = (ACTION / "normlock.sh").read_text("utf-8")
    assert set(re.findall(r"\bINPUT_[A-Z]+", script)) == {name for name in step["env"] if name.startswith("INPUT_")}
    assert "${{" not in script
    for name, output in action["outputs"].items():
        assert output["value"] == f"${{{{ steps.{step['id']}.outputs.{name} }}}}"
        assert f"{name}=%s\\n" in script
    assert os.access(ACTION / "normlock.sh", os.X_OK)


@pytest.mark.campaign
def test_the_gate_runs_if_it_is_asked_for(runner):
    """Its report is in the summary, an annotation says the answer, and its exit code counts."""
    models = runner.origin / "models"
    nl.dump(scaler(2000.0), models / "new.skops", lock=True)
    (runner.origin / "rows.csv").write_text("a\n" + "".join(f"{i}\n" for i in range(500)))
    runner.commit(runner.origin)
    runner.check_out()
    done = runner.run(INPUT_GATE="models/a.skops\nmodels/new.skops\n--data=rows.csv\n--metric=agreement\n")
    assert done.returncode == 2, done.stdout + done.stderr
    assert "::error title=normlock gate::Undecided" in done.stdout
    assert "UNDECIDED (1 limit): models/new.skops against models/a.skops, 500 rows" in runner.read("summary.md")
    assert runner.read("output").startswith("code=2\n")
