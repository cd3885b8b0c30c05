"""Reference pages agree with the code: errors, the JSON output, docstrings in numpydoc's form."""

import enum
import inspect
import json
import re
import sys
from pathlib import Path

import joblib
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import sklearn_normlock as nl
from sklearn_normlock import errors
from sklearn_normlock.cli import main

DOCS = Path(__file__).parents[2] / "docs"


def test_every_error_has_a_section_that_its_help_names():
    """``help`` of each class leads to a heading of docs/errors.md; a subclass from elsewhere leads to its parent's."""
    headings = {line[3:] for line in (DOCS / "errors.md").read_text("utf-8").splitlines() if line.startswith("## ")}
    ours = [getattr(errors, name) for name in errors.__all__]
    own = {cls.__name__ for cls in ours if issubclass(cls, errors.NormLockError)}
    assert headings == own | {"Warnings"}
    for name in own:
        assert getattr(errors, name)("text").help == f"docs/errors.md#{name.lower()}"
    text = (DOCS / "errors.md").read_text("utf-8")
    assert all(f"| `{cls.__name__}` |" in text for cls in ours if issubclass(cls, Warning))

    class Theirs(errors.LockVersionError):
        pass

    assert Theirs("text").help == "docs/errors.md#lockversionerror"


PATH = re.compile(r"\b(?:tests|benchmarks|docs|sklearn_normlock|notebooks)/[\w./-]+\.(?:py|md|json|ipynb)\b")


@pytest.mark.parametrize("page", [*DOCS.rglob("*.md"), DOCS.parent / "README.md"], ids=lambda page: page.stem)
def test_paths_that_a_page_names_exist(page):
    """A file of the repository that a page names is there, unless the page itself writes it."""
    text = page.read_text("utf-8")
    prose = re.sub(r"^```.*?^```$|https?://\S+", "", text, flags=re.MULTILINE | re.DOTALL)
    written = set(re.findall(r"^# ([\w./-]+)$", text, re.MULTILINE))
    missing = {path for path in PATH.findall(prose) if not (DOCS.parent / path).exists()} - written
    assert not missing


@pytest.fixture
def schema():
    jsonschema = pytest.importorskip("jsonschema", reason="validates documents; installed by the extra 'test'")
    document = json.loads((DOCS / "json-output.schema.json").read_text("utf-8"))
    jsonschema.Draft202012Validator.check_schema(document)
    return jsonschema.Draft202012Validator(document)


def test_json_output_is_that_of_the_schema(schema, tmp_path, monkeypatch, capsys):
    """Every command's JSON has a form of the schema: for a match, a mismatch, a failure, nothing, wrong arguments."""
    pytest.importorskip("pandas", reason="reads the rows of `check` and `gate`")
    import numpy as np

    monkeypatch.chdir(tmp_path)
    rows = np.random.default_rng(0).normal(5, 2, (200, 3))
    target = rows[:, 0] > 5
    for name, scale in (("old", 1), ("new", 2)):
        model = make_pipeline(StandardScaler(), LogisticRegression()).fit(rows * scale, target)
        joblib.dump(model, f"{name}.joblib")
    header = "a,b,c,y\n"
    lines = "".join(
        ",".join(f"{value:.9g}" for value in row) + f",{int(y)}\n" for row, y in zip(rows, target, strict=True)
    )
    Path("rows.csv").write_text(header + lines)
    np.save("train.npy", rows)
    np.save("wrong.npy", rows * 1000)
    Path("empty").mkdir()
    lock = ".normlock.json"
    runs = {
        "locked": [["lock", "old.joblib", "--rows", "train.npy"], ["lock", "new.joblib"]],
        "report": [
            ["verify", "old.joblib"],
            ["diff", f"old.joblib{lock}", f"new.joblib{lock}"],
            ["probe", "new.joblib", "--lock", f"old.joblib{lock}", "--trust-file"],
        ],
        "diagnosis": [["check", "wrong.npy", "--lock", f"old.joblib{lock}"]],
        "lock": [["show", f"old.joblib{lock}"], ["show", "old.joblib", "--trust-file"]],
        "trace": [["probe", "old.joblib", "--rows", "train.npy", "--trust-file"]],
        "done": [["unlock", "old.joblib", "stock.joblib", "--trust-file"]],
        "gate": [["gate", "old.joblib", "new.joblib", "--data", "rows.csv", "--target", "y"]],
        "nothing": [["verify", "empty"]],
        "error": [["verify", "missing.joblib"], ["diff", "old.joblib", "new.joblib"], ["probe", "old.joblib"]],
    }
    for form, commands in runs.items():
        for command in commands:
            code = main([*command, "--format", "json"])
            (line,) = capsys.readouterr().out.splitlines()
            printed = json.loads(line)
            schema.validate(printed)
            schema.evolve(schema={"$ref": f"#/$defs/{form}", "$defs": schema.schema["$defs"]}).validate(printed)
            assert form == "lock" or printed.get("code", code) == code, command  # a lock's `code` is of functions


def test_a_document_of_no_form_is_refused(schema):
    """The schema can fail: for a report without its verdict, and an error that says it is a match."""
    report = nl.diff(StandardScaler().fit([[0.0]]), StandardScaler().fit([[1.0]])).to_dict()
    assert schema.is_valid(report)
    assert not schema.is_valid({**report, "verdict": "perhaps"})
    error = {"ok": False, "code": 2, "error": "E", "message": "m", "subject": "", "path": None, "help": None}
    assert schema.is_valid(error) and not schema.is_valid({**error, "ok": True})


# Which of numpydoc's checks hold. GL01 and GL02 are left out: ours start on the first line, as PEP 257 has it. SA and
# ES are: See Also and an extended summary are for where they help. RT02 is: results have names, as scikit-learn's have.
# EX01 is for members, whose class has the example. Errors and enums are not made by users. The errors' members are
# documented at `NormLockError`, with examples on the page of errors.
CHECKS = {
    *("GL03", "GL05", "GL06", "GL07", "GL09", "GL10"),
    *("SS01", "SS02", "SS03", "SS04", "SS05"),
    *("PR01", "PR02", "PR03", "PR04", "PR05", "PR07", "PR08", "PR09", "PR10"),
    *("RT01", "RT03", "RT04", "RT05"),
    *("YD01",),
}


def public():
    """Yield each documented public name, its own public methods, and whether it is one of the latter."""
    sys.path.insert(0, str(DOCS / "_sphinx"))
    try:
        from reference import is_own, own_names
    finally:
        sys.path.pop(0)
    for name, value in own_names():
        if not is_own(value) or not callable(value):
            continue
        yield name, False
        if inspect.isclass(value):
            for member, what in vars(value).items():
                plain = what.__func__ if isinstance(what, (classmethod, staticmethod)) else what
                if not member.startswith("_") and inspect.isfunction(plain):
                    yield f"{name}.{member}", True


def is_enum(name):
    module, _, cls = name.rpartition(".")
    value = getattr(sys.modules.get(module), cls, None)
    return isinstance(value, type) and issubclass(value, enum.Enum)


def raised(name):
    return name.rpartition(".")[2] in errors.__all__


def test_docstrings_are_in_the_form_of_numpydoc():
    """Every public name and method has a docstring whose sections, parameters and results numpydoc finds in order."""
    validate = pytest.importorskip("numpydoc.validate", reason="checks docstrings; installed by the extra 'docs'")
    names = dict(public())
    assert len(names) > 80
    wrong = []
    for name, is_member in names.items():
        for code, text in validate.validate(name)["errors"]:
            if (raised(name) or is_enum(name)) and code in ("PR01", "EX01"):
                continue
            if code in CHECKS or (code == "EX01" and not is_member):
                wrong.append(f"{name}: {code} {text}")
    assert wrong == []
