"""What type checkers and editors see: names, signatures and attributes of the package as it is installed."""

import inspect
import subprocess
import sys
from importlib.util import find_spec

import pytest
from sklearn import pipeline as stock

import sklearn_normlock as nl
from sklearn_normlock.pipeline import make_pipeline

RIGHT = """
import sklearn_normlock as nl
from sklearn_normlock.pipeline import Pipeline, make_pipeline
from sklearn_normlock.preprocessing import StandardScaler

scaler = StandardScaler(with_mean=False).fit([[0.0], [1.0]])
text: str = scaler.fingerprint_
whole: Pipeline = make_pipeline(scaler, verbose=True)
nl.set_config(policy="warn")
version: str = nl.__version__
nl.preprocessing.StandardScaler()
"""
WRONG = {
    "misspelled": "import sklearn_normlock as nl\nnl.lokc\n",
    "policy": "import sklearn_normlock as nl\nnl.set_config(policy='warm')\n",
    "no_text": "from sklearn_normlock.preprocessing import StandardScaler\nn: int = StandardScaler().fingerprint_\n",
}
CHECKERS = {
    "mypy": ["mypy", "--config-file=", "--ignore-missing-imports"],
    "pyright": ["pyright", "--pythonpath", sys.executable],
}


@pytest.mark.campaign  # a checker reads half of scikit-learn
@pytest.mark.parametrize("checker", CHECKERS)
def test_a_checker_finds_what_is_wrong_and_nothing_else(checker, tmp_path):
    """What is right passes; a misspelled name, a wrong policy and a wrong type of `fingerprint_` are found."""
    if find_spec(checker) is None:
        pytest.skip(f"{checker} isn't installed")
    started = subprocess.run([sys.executable, "-m", checker, "--version"], capture_output=True, text=True, check=False)
    if started.returncode != 0:
        pytest.skip(f"{checker} does not start (pyright fetches Node.js): {started.stderr[-200:]}")
    (tmp_path / "right.py").write_text(RIGHT)
    for name, text in WRONG.items():
        (tmp_path / f"{name}.py").write_text(text)
    command = [sys.executable, "-m", *CHECKERS[checker], "right.py", *(f"{name}.py" for name in WRONG)]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    said = [line for line in done.stdout.splitlines() if "error" in line and ".py:" in line]
    found = {name for name in ("right", *WRONG) if any(f"{name}.py:" in line for line in said)}
    assert found == set(WRONG), done.stdout + done.stderr


def test_dir_is_clean():
    """Completion offers what is public, and nothing that the package itself imports."""
    assert set(nl.__all__) <= set(dir(nl))
    assert not {name for name in dir(nl) if name.startswith("_")} - {"__version__"}
    assert not {"Any", "TYPE_CHECKING", "import_module"} & set(dir(nl))


def test_functions_keep_their_signature():
    """An editor shows the parameters of scikit-learn's function, and its documentation without an indent."""
    assert inspect.signature(make_pipeline) == inspect.signature(stock.make_pipeline)
    lines = make_pipeline.__doc__.splitlines()
    assert "Parameters" in lines
