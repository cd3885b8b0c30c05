"""The documentation runs: its examples, its commands, its links, and the notebooks.

A page is one session: its ``pycon`` and ``console`` blocks run in order, in an empty folder, as if typed into one
interpreter and one shell. A number that comes out of a fit may differ in its last place between platforms, and a
fingerprint then differs altogether: the digits of fingerprints and other digests are therefore not compared. A ``text``
block is not run: it is output of another version or tool, and the page says which.
"""

from __future__ import annotations

import ast
import doctest
import importlib
import io
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import types
from contextlib import redirect_stderr
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import sklearn_normlock as nl
from sklearn_normlock.cli import main
from sklearn_normlock.config import ENVIRONMENT_VARIABLE, FAST_VARIABLE
from sklearn_normlock.fingerprints.state import ENTRY_POINT_GROUP
from sklearn_normlock.formats import LIMIT_VARIABLE
from sklearn_normlock.persistence import EXPECT_VARIABLE
from sklearn_normlock.seals import layout

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
PACKAGE = Path(find_spec("sklearn_normlock").origin).parent

OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def without_digits(text):
    text = re.sub(r"nl1-sha256:[0-9a-f]+", "nl1-sha256:0", text)
    return re.sub(r"\b[0-9a-f]{12}…", "0…", text)


class Checker(doctest.OutputChecker):
    def check_output(self, want, got, optionflags):
        return super().check_output(without_digits(want), without_digits(got), optionflags)


def run_examples(test):
    """Run the examples of a doctest; return what went wrong, as text."""
    said = []
    runner = doctest.DocTestRunner(checker=Checker(), optionflags=OPTIONS, verbose=False)
    runner.run(test, out=said.append, clear_globs=False)
    return "".join(said)


def must_pass(test):
    wrong = run_examples(test)
    if wrong:
        pytest.fail(wrong, pytrace=False)


def session(text, name, path):
    """Return the ``pycon`` and ``console`` blocks of a page as one doctest, each line where it stands in the page."""
    lines = [""] * text.count("\n")
    for match in FENCE.finditer(text):
        if match[1] in ("pycon", "console"):
            at = text.count("\n", 0, match.start(2))
            block = match[2].splitlines()
            if match[1] == "console":
                block = [f">>> _shell({line[2:]!r})" if line.startswith("$ ") else line for line in block]
            lines[at : at + len(block)] = block
    return doctest.DocTestParser().get_doctest("\n".join(lines), {}, name, str(path), 0)


class Shell:
    """Runs the commands of a page: ``normlock`` in this process, which spares the imports, others by the shell."""

    def __init__(self):
        self.code = 0

    def __call__(self, line):
        if line == "echo $?":
            print(self.code)
            return
        words = shlex.split(line, comments=True)
        if words[0] == "normlock":
            said = io.StringIO()  # doctest looks at the standard output alone
            with redirect_stderr(said):
                try:
                    self.code = main(words[1:])
                except SystemExit as stopped:
                    self.code = stopped.code
            print(said.getvalue(), end="")
        else:
            done = subprocess.run(line, shell=True, capture_output=True, text=True, check=False)
            self.code = done.returncode
            print(done.stdout + done.stderr, end="")


@pytest.fixture
def interpreter(monkeypatch, tmp_path):
    """Make an empty ``__main__`` in an empty folder: what is defined there has a name, as in an interpreter."""
    module = types.ModuleType("__main__")
    monkeypatch.setitem(sys.modules, "__main__", module)
    monkeypatch.chdir(tmp_path)
    for variable in (ENVIRONMENT_VARIABLE, EXPECT_VARIABLE):
        monkeypatch.delenv(variable, raising=False)
    module._shell = Shell()
    return vars(module)


def relative(path):
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_examples_of_a_page(page, interpreter):
    """Every example in the README and in docs/ gives the output that stands below it."""
    needs = re.search(r"<!-- needs: (.*?) -->", page.read_text("utf-8"))
    for package in needs[1].split() if needs else ():
        pytest.importorskip(package, reason=f"the page needs {package}, of the extra `ecosystem`")
    test = session(page.read_text("utf-8"), page.name, page)
    test.globs = interpreter
    must_pass(test)


def test_an_example_that_lies_is_found(interpreter):
    """A wrong output, a missing error and a wrong error are each found; digits of fingerprints are not compared."""
    for example in (
        ">>> 1 + 1\n3",
        ">>> 1\nTraceback (most recent call last):\n    ...\nValueError: no",
        ">>> raise ValueError('this')\nTraceback (most recent call last):\n    ...\nValueError: that",
    ):
        test = session(f"# Page\n\n```pycon\n{example}\n```\n", "page", "page.md")
        test.globs = interpreter
        assert "line 4, in page" in run_examples(test)
    lie = session("```console\n$ normlock verify nothing.joblib\n$ echo $?\n0\n```\n", "page", "page.md")
    lie.globs = interpreter
    assert "Expected:\n    0\nGot:\n    2" in run_examples(lie)
    assert not session("```python\n>>> 1\n2\n```\n", "page", "page.md").examples
    true = session("```pycon\n>>> print('nl1-sha256:12ab…')\nnl1-sha256:34cd…\n```\n", "page", "page.md")
    true.globs = interpreter
    assert run_examples(true) == ""


def documented():
    """Yield module, name and docstring of all that is defined in the package; what is inherited is not ours to test."""
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = ("sklearn_normlock", *path.relative_to(PACKAGE).with_suffix("").parts)
        name = ".".join(part for part in parts if part != "__init__")
        found = [(name, ast.parse(path.read_text("utf-8")))]
        for qualified, node in found:
            text = ast.get_docstring(node)
            if text and ">>>" in text:
                yield pytest.param(name, text, id=qualified)
            inner = [n for n in node.body if isinstance(n, (ast.ClassDef, ast.FunctionDef))]
            found += [(f"{qualified}.{n.name}", n) for n in inner]


DOCUMENTED = list(documented())


#: Rooms whose examples need an optional package.
NEEDED = {
    "sklearn_normlock.images": "PIL",
    "sklearn_normlock.text": "tokenizers",
    "sklearn_normlock.onnx": "onnxruntime",
}


@pytest.mark.parametrize(("module", "text"), DOCUMENTED)
def test_examples_of_a_docstring(module, text, interpreter):
    """Every example in a docstring of the package runs as it stands."""
    for room, package in NEEDED.items():
        if f"{module}.".startswith(f"{room}."):
            pytest.importorskip(package, reason=f"the example needs {package}, of the extra `ecosystem`")
    test = doctest.DocTestParser().get_doctest(text, interpreter, module, None, 0)
    must_pass(test)


def test_everything_public_has_an_example():
    """Whatever ``import sklearn_normlock as nl`` offers shows in its docstring how it is used."""
    shown = {parameter.id.rpartition(".")[2] for parameter in DOCUMENTED}
    assert set(nl.__all__) - shown == set()


# -- commands, names and links ---------------------------------------------------------------------------------------


def project():
    return (ROOT / "pyproject.toml").read_text("utf-8")


def recipe(name):
    lines = (ROOT / "README.md").read_text("utf-8").split("\n")
    start = lines.index(f"<!-- ci:{name} -->")
    assert lines[start + 1] == "```sh"
    return lines[start + 2 : lines.index("```", start + 2)]


def test_commands_of_the_readme():
    """The README has the two commands that CI runs, and what they install and start exists."""
    assert recipe("main") == ["pip install . && normlock demo"]
    assert recipe("test") == ['pip install ".[test]" && pytest -n auto']
    assert re.search(r"^test = \[", project(), re.MULTILINE)
    assert re.search(r'^normlock = "sklearn_normlock.cli:main"', project(), re.MULTILINE)


@pytest.mark.campaign
def test_main_command_needs_nothing_that_the_package_does_not_bring(tmp_path):
    """``normlock demo`` runs after ``pip install .`` alone, without pandas, and catches every fault that it shows."""
    (tmp_path / "pandas.py").write_text("raise ImportError('pandas is not installed')")
    paths = os.pathsep.join(filter(None, [str(tmp_path), os.environ.get("PYTHONPATH")]))
    result = subprocess.run(
        [sys.executable, "-m", "sklearn_normlock", "demo"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": paths},
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.endswith("3 of 3 faults raised; the reloaded pipeline matches.\n")


@pytest.mark.parametrize("page", [*PAGES, *NOTEBOOKS], ids=relative)
def test_commands_and_variables_exist(page, capsys):
    """Each ``normlock`` command, script and environment variable that a page names is there."""
    text = page.read_text("utf-8")
    with pytest.raises(SystemExit) as stopped:
        main(["--help"])
    commands = re.search(r"\n  COMMAND\n((?:    .*\n)+)", capsys.readouterr().out)[1]
    assert stopped.value.code == 0
    for command in re.findall(r"`(?:.* )?normlock ([a-z]\w*)", text):
        assert re.search(rf"^    {command}\b", commands, re.MULTILINE), command
    assert set(re.findall(r"\bNORMLOCK_\w+", text)) <= {
        ENVIRONMENT_VARIABLE,
        EXPECT_VARIABLE,
        FAST_VARIABLE,
        LIMIT_VARIABLE,
    }
    for script in re.findall(r"\bpython (\w+/\w+\.py)", text):
        assert (ROOT / script).is_file(), script


#: Folders that only the build of the site makes.
MADE = [ROOT / "docs" / "api", ROOT / "docs" / "gallery"]


def anchors(page):
    """Return the names under which a page's headings can be linked to, made as GitHub makes them."""
    text = re.sub(FENCE, "", page.read_text("utf-8"))
    titles = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_links_between_pages(page):
    """Every relative link leads to a file of the repository and, with an anchor, to a heading in it."""
    links = [link for link in LINK.findall(re.sub(FENCE, "", page.read_text("utf-8"))) if "://" not in link]
    for link in links:
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        if target.parent in MADE:
            continue  # the build of the site makes it, and fails if it isn't there
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


def test_links_to_other_sites():
    """Each leads to a host by https; a file of another repository is named by its commit, so that it stays there."""
    links = {
        link for page in PAGES for link in LINK.findall(re.sub(FENCE, "", page.read_text("utf-8"))) if "://" in link
    }
    assert len(links) > 20
    for link in links:
        parts = urlsplit(link)
        assert parts.scheme == "https" and re.fullmatch(r"[\w-]+(\.[\w-]+)+", parts.netloc), link
        assert not re.search(r"[\s<>]|[.,;]$", link), link
        if parts.netloc == "github.com" and "OWNER" not in link:
            assert re.fullmatch(r"/[\w.-]+/[\w.-]+(/(issues|pull)/\d+|/blob/[0-9a-f]{40}/\S+)?", parts.path), link


def test_every_page_can_be_reached():
    """A table of contents of the site has every page, so that it is found without knowing its address."""
    docs = ROOT / "docs"
    found = {docs / "index.md"}
    for page in PAGES[1:]:
        for contents in re.findall(r"^:::{toctree}\n(.*?)^:::$", page.read_text("utf-8"), re.MULTILINE | re.DOTALL):
            entries = [line for line in contents.splitlines() if line and not line.startswith(":")]
            found |= {path.resolve() for entry in entries for path in page.parent.glob(f"{entry}.md")}
    assert set(PAGES[1:]) - found == set()


@pytest.mark.parametrize("page", PAGES, ids=relative)
def test_names_of_the_package_exist(page):
    """Whatever a page calls ``nl.something`` or imports from the package exists."""
    text = page.read_text("utf-8")
    for name in set(re.findall(r"\bnl\.([a-z_]\w*)", text)):
        assert hasattr(nl, name), name
    for name in set(re.findall(r"\bsklearn_normlock(?:\.\w+)+", text)):
        parent, _, last = name.rpartition(".")
        try:
            found = hasattr(importlib.import_module(parent), last) or find_spec(name) is not None
        except ImportError:
            found = False
        assert found or name == ENTRY_POINT_GROUP, name


def test_readme_needs_nothing_that_the_package_does_not_bring():
    """The README's examples run after ``pip install .`` alone: on arrays, and on nothing but declared dependencies."""
    text = (ROOT / "README.md").read_text("utf-8")
    brought = {"sklearn_normlock", "sklearn", "skops", "joblib", "numpy", "scipy"}
    imported = re.findall(r"^>>> (?:from|import) (\w+)", text, re.MULTILINE)
    assert imported and set(imported) <= brought
    assert "as_frame" not in text  # needs pandas


def test_first_screen_of_the_readme():
    """What it is, how to get it, what it does, proves and costs: all of that is seen in fewer than 25 lines."""
    text = (ROOT / "README.md").read_text("utf-8")
    screen = text[: text.index("\n", text.index("* **It costs**"))].splitlines()
    assert len([line for line in screen if line and not line.startswith(("```", "<!--"))]) < 25


def test_accuracies_of_the_readme():
    """The accuracies that the README's first example mentions are those of the stock pipeline, before and after."""
    text = (ROOT / "README.md").read_text("utf-8")
    X, y = load_breast_cancer(return_X_y=True)
    stock = make_pipeline(StandardScaler(), LogisticRegression()).fit(X[:400], y[:400])
    before = stock.score(X[400:], y[400:])
    stock["standardscaler"].fit(X[400:])
    assert f"accuracy {stock.score(X[400:], y[400:]):.3f} instead of {before:.3f}" in text


def test_limits_are_stated():
    """The numbers in the documentation from which on a call looks less closely are those of the code."""
    text = (ROOT / "docs" / "seal.md").read_text("utf-8")
    assert f"of more than {layout.ITEMS} items" in text
    assert f"beyond the first {layout.MEMBERS}" in text.replace("\n", " ").replace("  ", " ")


def test_supported_versions_are_stated():
    """The versions in the README are those that the project declares and tests."""
    text = (ROOT / "README.md").read_text("utf-8")
    pythons = re.findall(r"Python :: (3\.\d+)", project())
    oldest = re.search(r"scikit-learn>=([\d.]+)", project())[1]
    tested = re.findall(r'"(\d\.\d+)": PYTHONS', (ROOT / "noxfile.py").read_text("utf-8"))
    assert oldest == tested[0]
    assert f"Python {pythons[0]} to {pythons[-1]}, scikit-learn {oldest} to {tested[-1]}." in text


# -- commands of other tools -----------------------------------------------------------------------------------------


def test_signing(tmp_path):
    """The commands that sign an artifact and its lock verify as they should, and not once both were exchanged."""
    for tool in ("model_signing", "openssl", "bash"):
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed: model-signing isn't a dependency of the tests")
    text = (ROOT / "docs" / "security.md").read_text("utf-8")
    sign, verify = re.findall(r"^<!-- signing -->\n```sh\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    commands = tmp_path / "bin"
    commands.mkdir()
    script = commands / "normlock"
    script.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m sklearn_normlock "$@"\n')
    script.chmod(0o755)
    environment = {**os.environ, "PATH": f"{commands}{os.pathsep}{os.environ['PATH']}"}

    def run(script):
        return subprocess.run(
            ["bash", "-ec", script], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )

    for folder, rows in (("release", 400), ("other", 300)):
        (tmp_path / folder).mkdir()
        X, _ = load_breast_cancer(return_X_y=True)
        nl.dump(StandardScaler().fit(X[:rows]), tmp_path / folder / "model.skops", lock=True)
    signed = run(sign)
    assert signed.returncode == 0, signed.stderr
    intact = run(verify)
    assert intact.returncode == 0, intact.stderr
    assert "Verification succeeded" in intact.stdout and "release/model.skops: match, " in intact.stdout
    exchanged = run("cp other/* release/ && normlock verify release")
    assert exchanged.returncode == 0, "both were exchanged: the lock alone can't tell"
    refused = run(verify)
    assert refused.returncode == 1 and "match, " not in refused.stdout
    for name in ("model.skops", "model.skops.normlock.json"):
        assert re.search(rf"Hash mismatch for \\*'{name}\\*'", refused.stderr)


# -- notebooks -------------------------------------------------------------------------------------------------------


def complaints(cell):
    """Return what a cell wrote to the error stream, and its error."""
    for output in cell.get("outputs", ()):
        if output.output_type == "error" or output.get("name") == "stderr":
            yield output.get("text") or "\n".join(output.traceback)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=relative)
def test_notebooks_hold_no_outputs(path):
    """A notebook in the repository has no outputs: they would be stale, and hide changes in a review."""
    for cell in json.loads(path.read_text("utf-8"))["cells"]:
        assert not cell.get("outputs") and cell.get("execution_count") is None


@pytest.mark.parametrize(
    "path",
    [pytest.param(path, marks=() if path.stem == "quickstart" else pytest.mark.campaign) for path in NOTEBOOKS],
    ids=relative,
)
@pytest.mark.filterwarnings("default")  # of the client's own libraries; the kernel's are looked for in its outputs
def test_notebook(path, tmp_path):
    """The notebook runs from top to bottom without a warning; its cells assert what they show."""
    nbformat = pytest.importorskip("nbformat", reason="runs notebooks; installed by the extra `ecosystem`")
    nbclient = pytest.importorskip("nbclient", reason="runs notebooks; installed by the extra `ecosystem`")
    pytest.importorskip("ipykernel", reason="runs notebooks; installed by the extra `ecosystem`")
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    needs = re.search(r"<!-- needs: (.*?) -->", notebook.cells[0].source)
    for package in needs[1].split() if needs else ():
        pytest.importorskip(package, reason=f"the notebook needs {package}, of the extra `ecosystem`")
    nbclient.NotebookClient(
        notebook, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(tmp_path)}}
    ).execute()
    assert [text for cell in notebook.cells for text in complaints(cell)] == []
    assert any("assert" in cell.source or "AssertionError" in cell.source for cell in notebook.cells)
