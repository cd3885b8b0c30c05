"""``normlock completion``: what a shell completes is what the command takes."""

import json
import shutil
import subprocess

import pytest

from sklearn_normlock.cli import COMMANDS, main
from sklearn_normlock.cli.completion import SHELLS, script

ASK = """
_ask() {
  COMP_WORDS=("$@"); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); COMPREPLY=()
  _normlock; printf '%s\\n' "${COMPREPLY[@]}"
}
"""


@pytest.fixture
def ask(tmp_path):
    """Return what bash completes, in a folder with one file, after the words of a command line."""
    if shutil.which("bash") is None:
        pytest.skip("bash is not installed")
    (tmp_path / "my model.joblib").touch()

    def answer(*words):
        quoted = " ".join(f"'{word}'" for word in ("normlock", *words))
        command = ["bash", "-c", f"{script('bash')}\n{ASK}\n_ask {quoted}"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True)
        assert done.stderr == ""
        return done.stdout.splitlines()

    return answer


def test_bash_completes_commands_options_choices_and_files(ask):
    """Each word is completed by what may stand there; a name with a space is one word."""
    assert set(COMMANDS) <= set(ask(""))
    assert ask("veri") == ["verify"]
    assert ask("lock", "--form") == ["--format"]
    assert ask("gate", "--format", "mark") == ["markdown"]
    assert ask("lock", "my") == ["my model.joblib"]
    assert ask("nothing-of-ours") == [""]


@pytest.mark.parametrize("shell", SHELLS)
def test_every_command_and_option_is_in_the_script(shell, capsys):
    """The script knows each command, and the options of one of them."""
    assert main(["completion", shell]) == 0
    text = capsys.readouterr().out
    assert set(COMMANDS) <= set(text.replace("'", " ").replace(";", " ").replace(")", " ").split())
    assert "allow-unlocked" in text and "trust-file" in text


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_read_the_script(shell, tmp_path):
    """The shell itself finds no error in its script."""
    if shutil.which(shell) is None:
        pytest.skip(f"{shell} is not installed")
    (tmp_path / "script").write_text(script(shell))
    subprocess.run([shell, "-n", "script"], cwd=tmp_path, check=True)


def test_an_unknown_shell_is_a_usage_error(capsys):
    """The error says which shells there are."""
    with pytest.raises(SystemExit) as stopped:
        main(["completion", "tcsh", "--format", "json"])
    assert stopped.value.code == 64
    assert json.loads(capsys.readouterr().out)["code"] == 64
