"""The recipes of docs/how-to for CI and start-up: their files are written as they stand, and their commands run.

A block whose first line is a comment with a path is that file. The ``sh`` blocks of a page run in order; the ``text``
block behind one is what it prints.
"""

from __future__ import annotations

import doctest
import importlib
import os
import re
import shlex
import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import sklearn_normlock as nl
from sklearn_normlock.cli import main
from sklearn_normlock.persistence import EXPECT_VARIABLE

ROOT = Path(__file__).parents[2]
HOW_TO = ROOT / "docs" / "how-to"
PLUGIN = "sklearn_normlock.integrations.pytest_plugin"

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NAMED = re.compile(r"# ([\w./-]+)\n")
OPTIONS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE

pytest_plugins = ["pytester"]

needs_a_shell = pytest.mark.skipif(shutil.which("bash") is None or os.name == "nt", reason="runs commands in bash")


def blocks(page):
    return [(match[1], match[2]) for match in FENCE.finditer((HOW_TO / page).read_text("utf-8"))]


def files(page):
    """Return the files of a page, by their path."""
    return {match[1]: text for _, text in blocks(page) if (match := NAMED.match(text))}


def read_yaml(text):
    yaml = pytest.importorskip("yaml", reason="reads YAML; installed by the extra 'test'")
    return list(yaml.safe_load_all(text))


class Place:
    """A folder for what the recipes need."""

    def __init__(self, folder, monkeypatch):
        self.folder = folder
        for name in ("CI", "PYTEST_ADDOPTS", EXPECT_VARIABLE):
            monkeypatch.delenv(name, raising=False)
        monkeypatch.chdir(folder)

    def model(self, rows=400):
        """Save a model and its lock where the recipes have them; return its fingerprint."""
        X, y = load_breast_cancer(return_X_y=True)
        model = make_pipeline(StandardScaler(), LogisticRegression()).fit(X[:rows], y[:rows])
        for name in ("models", "approved"):
            (self.folder / name).mkdir(exist_ok=True)
        nl.dump(model, self.folder / "models" / "model.skops", lock=True)
        lock = self.folder / "models" / "model.skops.normlock.json"
        lock.replace(self.folder / "approved" / lock.name)
        return nl.fingerprint(model)

    def here(self, text):
        """Return a text with the folders of a container in this one."""
        return re.sub(r"(?<![\w.])/(models|approved)\b", rf"{self.folder}/\1", text)


@pytest.fixture
def place(tmp_path, monkeypatch):
    return Place(tmp_path, monkeypatch)


@needs_a_shell
def test_pytest_recipe(pytester, monkeypatch):
    """The test of the page fails, is approved, and fails when the training changes, as the page says it does."""
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.delenv("PYTEST_ADDOPTS", raising=False)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    path = Path("tests/test_model.py")
    path.parent.mkdir()
    path.write_text(files("ci.md")[str(path)])
    found = blocks("ci.md")
    codes = []
    for i, (language, text) in enumerate(found):
        if language != "sh" or "pytest" not in text:
            continue
        *before, last = text.splitlines()
        subprocess.run(["bash", "-ec", "\n".join(before)], check=True)
        command, *options = shlex.split(last)
        assert command == "pytest"
        result = pytester.runpytest_inprocess("-p", "no:cacheprovider", "-p", PLUGIN, *options)
        language, expected = found[i + 1]
        assert language == "text"
        if not doctest.OutputChecker().check_output(expected, result.stdout.str(), OPTIONS):
            pytest.fail(f"{text}printed\n{result.stdout}\nnot\n{expected}", pytrace=False)
        codes.append(result.ret)
    assert codes == [1, 0, 1]


def test_another_ci(place):
    """The command for any CI verifies a folder, and is not content with one that has no lock."""
    (command,) = (text for language, text in blocks("ci.md") if language == "sh" and "pytest" not in text)
    name, *arguments = shlex.split(command)
    assert name == "normlock"
    place.model()
    shutil.copy("approved/model.skops.normlock.json", "models")
    assert main(arguments) == 0
    Path("models/model.skops.normlock.json").unlink()
    assert main(arguments) == 3


def test_pre_commit_recipes():
    """The configurations name hooks that are published; the local one does what the published one does."""
    published = {hook["id"]: hook for hook in read_yaml((ROOT / ".pre-commit-hooks.yaml").read_text())[0]}
    (config,) = read_yaml(files("ci.md")[".pre-commit-config.yaml"])
    (repository,) = config["repos"]
    version = re.search(r'^version = "(.*)"', (ROOT / "pyproject.toml").read_text(), re.MULTILINE)[1]
    assert repository["rev"] == f"v{version}"
    assert {hook["id"] for hook in repository["hooks"]} == set(published)
    (config,) = read_yaml(files("ci.md")["local/.pre-commit-config.yaml"])
    (hook,) = config["repos"][0]["hooks"]
    theirs = published[hook["id"]]
    assert hook == {**{key: theirs[key] for key in hook}, "language": "system"}
    more = re.search(r"set\s+`files: (.*?)`", (HOW_TO / "ci.md").read_text())[1]
    for name in ("a.skops", "b/a.joblib", "a.pkl", "A.PICKLE", "a.skops.normlock.json"):
        assert re.search(theirs["files"], name) and re.search(more, name)
    assert re.search(more, "a.onnx") and not re.search(theirs["files"], "a.onnx")


def test_workflow():
    """The workflow gives the action inputs that it has, with the least permissions and nobody else's actions."""
    (workflow,) = read_yaml(files("ci.md")[".github/workflows/locks.yml"])
    (action,) = read_yaml((ROOT / ".github/actions/normlock/action.yml").read_text())
    assert workflow["permissions"] == {"contents": "read", "pull-requests": "write"}
    (job,) = workflow["jobs"].values()
    *others, ours = job["steps"]
    assert ours["uses"] == "OWNER/sklearn-normlock/.github/actions/normlock@REVISION"
    assert set(ours["with"]) <= set(action["inputs"])
    assert {step["uses"].partition("/")[0] for step in others if "uses" in step} == {"actions"}
    text = (HOW_TO / "ci.md").read_text()
    table = re.findall(r"^\| (`.*?`) \|", text[text.index("| input |") :], re.MULTILINE)
    assert set(re.findall(r"`([\w-]+)`", " ".join(table))) == set(action["inputs"])
    assert all(f"`{name}`, " in text for name in action["outputs"])


@needs_a_shell
def test_docker_recipe(place, monkeypatch):
    """The command of the image starts the server if the model is the approved one, and otherwise doesn't."""
    approved = place.model()
    last = files("start-up-check.md")["Dockerfile"].strip().split("\n")[-1]
    assert last.startswith("CMD [")
    shell, option, script = re.findall(r'"(.*?)"', last)
    assert (shell, option) == ("sh", "-c")
    script = place.here(script)
    command, *arguments = shlex.split(script.partition(" && ")[0])
    assert command == "normlock"

    def start():
        # What the command says is found out here: another process would spend its time on imports.
        code = main(arguments)
        functions = f'normlock() {{ return {code}; }}; uvicorn() {{ echo started "$@"; }}; '
        done = subprocess.run([shell, option, functions + script.replace("exec ", "")], capture_output=True, text=True)
        return done.returncode, done.stdout

    monkeypatch.setenv(EXPECT_VARIABLE, approved)
    assert start() == (0, "started app:app --host 0.0.0.0 --port 8000\n")
    lock = Path("approved/model.skops.normlock.json")
    kept = lock.read_bytes()
    place.model(rows=300)  # another model, with a lock of its own
    assert start() == (1, "")
    monkeypatch.delenv(EXPECT_VARIABLE)
    lock.write_bytes(kept)  # with the lock that was approved
    assert start() == (1, "")


def test_kubernetes_recipe(place):
    """The init container runs the image and the expectation of the server, and succeeds on the approved model alone."""
    approved = place.model()
    config, deployment = read_yaml(files("start-up-check.md")["deployment.yaml"])
    pod = deployment["spec"]["template"]["spec"]
    fetch, verify = pod["initContainers"]
    (server,) = pod["containers"]
    assert verify["image"] == server["image"] and verify["env"] == server["env"]
    (variable,) = verify["env"]
    assert variable["name"] == EXPECT_VARIABLE
    key = variable["valueFrom"]["configMapKeyRef"]
    assert (key["name"], list(config["data"])) == (config["metadata"]["name"], [key["key"]]) and "optional" not in key
    assert all(mount["readOnly"] for container in (verify, server) for mount in container["volumeMounts"])
    assert fetch["volumeMounts"][0]["name"] == verify["volumeMounts"][0]["name"] == pod["volumes"][0]["name"]

    def start(expected):
        # As Kubernetes does: a reference that it can't resolve stays as it is.
        words = [*verify["command"], *verify["args"]]
        value = "$(NORMLOCK_EXPECT)" if expected is None else expected
        words = [place.here(word.replace("$(NORMLOCK_EXPECT)", value)) for word in words]
        assert words.pop(0) == "normlock"
        try:
            return main(words)
        except SystemExit as left:
            return left.code

    assert start(approved) == 0
    assert start(f"nl1-sha256:{'0' * 64},{approved}") == 0
    assert [start(expected) for expected in ("nl1-sha256:" + "0" * 64, "", None)] == [1, 64, 64]
    Path("models/model.skops").rename("models/elsewhere.skops")
    assert start(approved) == 2
    Path("models/elsewhere.skops").rename("models/model.skops")
    Path("approved/model.skops.normlock.json").write_text("{}")
    assert start(approved) == 2


@pytest.mark.filterwarnings("default")  # of the framework
def test_server_recipe(place, monkeypatch):
    """The server answers with the approved model, and does not start with another, or without a lock."""
    pytest.importorskip("fastapi", reason="runs the server; installed by the extra 'test'")
    pytest.importorskip("httpx", reason="talks to the server; installed by the extra 'test'")
    from fastapi.testclient import TestClient

    monkeypatch.setenv(EXPECT_VARIABLE, place.model())
    Path("app.py").write_text(place.here(files("start-up-check.md")["app.py"]))
    spec = importlib.util.spec_from_file_location("app", "app.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    X, y = load_breast_cancer(return_X_y=True)
    with TestClient(module.app) as client:
        assert client.get("/ready").status_code == 200
        assert client.post("/predict", json=X[:5].tolist()).json() == y[:5].tolist()
        narrow = client.post("/predict", json=X[:5, :3].tolist())
        assert (narrow.status_code, narrow.json()["error"]) == (422, "ValueError")
        module.app.state.model = nl.seal(module.app.state.model)
        module.app.state.model[0].with_mean = False
        changed = client.post("/predict", json=X[:5].tolist())
        assert (changed.status_code, changed.json()["error"]) == (503, "PipelineMismatchError")

    def refused(error):
        with pytest.raises(error), TestClient(module.app):
            pass

    monkeypatch.setenv(EXPECT_VARIABLE, "")
    refused(nl.errors.NormLockError)
    place.model(rows=300)
    monkeypatch.setenv(EXPECT_VARIABLE, "nl1-sha256:" + "0" * 64)
    refused(nl.errors.LockMismatchError)
    monkeypatch.delenv(EXPECT_VARIABLE)
    Path("approved/model.skops.normlock.json").unlink()
    refused(nl.errors.MissingLockError)
    Path("models/model.skops").unlink()
    refused(FileNotFoundError)


def test_migration_command(tmp_path):
    """The page's command changes imports and leaves none broken: each module it names has scikit-learn's names."""
    page = (ROOT / "docs" / "migration.md").read_text("utf-8")
    modules = re.search(r"perl -pi -e .*?\(([\w|.\\]+)\) import/", page)[1].replace("\\", "").split("|")
    assert {"preprocessing", "model_selection", "feature_extraction.text"} <= {*modules}
    if shutil.which("perl"):
        script = tmp_path / "train.py"
        lines = [f"from sklearn{{}}.{name} import (" for name in modules]
        script.write_text("\n".join([*(line.format("") for line in lines), "from sklearn.tree import x"]), "utf-8")
        command = re.search(r"xargs (perl .*)", page)[1]
        subprocess.run(["sh", "-c", f"{command} train.py"], cwd=tmp_path, check=True)
        changed = script.read_text("utf-8").split("\n")
        assert changed == [*(line.format("_normlock") for line in lines), "from sklearn.tree import x"]
    broken = []
    for name in modules:
        if find_spec(f"sklearn.{name}") is None:  # `frozen` is there from scikit-learn 1.6 on
            continue
        stock = importlib.import_module(f"sklearn.{name}")
        ours = importlib.import_module(f"sklearn_normlock.{name}")
        public = (each for each in getattr(stock, "__all__", ()) if not isinstance(getattr(stock, each), ModuleType))
        broken += [f"{name}.{each}" for each in public if not hasattr(ours, each)]
    assert not broken


def test_rows_of_a_frame():
    """The page's rows become the frame of training, with NaN for a gap; rows of another type are refused."""
    pytest.importorskip("pydantic")
    page = (ROOT / "docs" / "how-to" / "start-up-check.md").read_text("utf-8")
    block = next(each for each in re.findall(r"```python\n(.*?)```", page, re.DOTALL) if "class Row" in each)
    names = {"__name__": "rows"}
    exec(compile(block, "start-up-check.md", "exec"), names)
    made = names["frame"]([names["Row"](income=3.0, plan="a"), names["Row"](income=1.0, age=2.0, plan="b")])
    assert list(made.columns) == ["income", "age", "plan"]
    assert np.isnan(made["age"][0]) and made["age"].dtype == made["income"].dtype == float
    with pytest.raises(ValueError):
        names["Row"](income="none", plan="a")
