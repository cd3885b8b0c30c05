"""Run the tests in other tools, with the campaigns of minutes, and print the table of tool, version and outcome.

Arguments go to pytest: ``python tests/ecosystem.py -n auto``. The exit code is that of the tests.
"""

from __future__ import annotations

import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest

HERE = Path(__file__).parent
#: tool -> the words that its tests have in their ids
TOOLS = {
    "skl2onnx": "test_onnx",
    "onnxruntime": "test_encoders",
    "imbalanced-learn": "imblearn",
    "feature-engine": "feature_engine",
    "dask": "dask",
    "pillow": "test_images",
    "tokenizers": "test_text",
    "catboost": "catboost",
    "lightgbm": "lightgbm",
    "xgboost-cpu": "xgboost",
    "scikit-learn-intelex": "intel",
    "mlflow": "test_mlflow",
    "opentelemetry-sdk": "test_opentelemetry",
    "skops": "test_skops_card",
    "skrub": "skrub",
    "matplotlib": "display",
    "nbclient": "test_notebook",
    "fastapi": "test_server_recipe",
    "mypy": "nothing_else[mypy]",
    "pyright": "nothing_else[pyright]",
    # The rest is installed by nox alone.
    "dask-ml": "incremental_of_dask_ml",
    "pyspark": "score_spark",
    "ray": "score_ray",
    "bentoml": "service.py",
}
#: packages whose estimators are in the zoo
PACKAGES = ["imblearn", "feature_engine", "skrub", "lightgbm", "xgboost"]
#: pages of rooms that need one
PAGES = ["integrations", "encoders", "images", "text"]
#: their docstrings
MODULES = ["sklearn_normlock.images", "sklearn_normlock.onnx", "sklearn_normlock.text"]
NOTEBOOKS = ["quickstart", "embeddings-from-training-to-staging"]
FILES = [
    "integrations/test_onnx.py",
    "media/test_images.py",
    "media/test_text.py",
    "media/test_encoders.py",
    "media/test_media_pipelines.py",
    "media/test_media_estimators.py",
    "integrations/test_imblearn.py",
    "integrations/test_dask.py",
    "fingerprints/test_boosters.py",
    "integrations/test_mlflow.py",
    "integrations/test_opentelemetry.py",
    "integrations/test_skops_card.py",
    "drop_ins/test_types.py",
    "docs/test_engines.py",
    "docs/test_how_to.py::test_server_recipe",
    "guards/test_ordinary_data.py::test_a_dask_worker",
    "locks/test_third_answer.py::test_the_versions_of_other_packages_are_kept",
    *(f"guards/test_profile.py::test_display{name}" for name in ("", "_shows_every_range", "_takes_names_as_they_are")),
    "media/test_retrieval.py::test_the_display_of_lengths",
    # Pages and notebooks that need the tools, or are run by them
    *(f"docs/test_docs.py::test_examples_of_a_page[docs/{page}.md]" for page in PAGES),
    *(f"docs/test_docs.py::test_notebook[notebooks/{name}.ipynb]" for name in NOTEBOOKS),
]
#: Tests of many things, some of which need a tool -> the words in the ids of those
PARTS = {
    "fingerprints/test_fingerprint_zoo.py": ["what_else_is_imported", *PACKAGES],
    "locks/test_lock_verify.py": PACKAGES,
    "docs/test_docs.py::test_examples_of_a_docstring": MODULES,
}


class Table:
    """Counts outcomes by tool."""

    def __init__(self) -> None:
        self.counts = {tool: {"passed": 0, "failed": 0, "skipped": 0} for tool in TOOLS}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" or report.outcome != "passed":
            for tool, word in TOOLS.items():
                if word in report.nodeid:
                    self.counts[tool][report.outcome] += report.when != "teardown" or report.failed


def main() -> int:
    table = Table()
    parts = " or ".join(Path(name).name.rpartition("::")[2] for name in PARTS)
    words = " or ".join(dict.fromkeys(word for each in PARTS.values() for word in each))
    arguments = ["-q", "-m", "not long", "-k", f"not ({parts}) or {words}", *sys.argv[1:]]
    arguments += [str(HERE / name) for name in [*FILES, *PARTS]]
    code = pytest.main(arguments, plugins=[table])
    print(f"\n{'tool':24}{'version':14}{'works':8}passed failed skipped")
    for tool, counts in table.counts.items():
        try:
            installed = version(tool)
        except PackageNotFoundError:
            installed = "none"
        works = "no" if counts["failed"] else "yes" if counts["passed"] else "not run"
        print(f"{tool:24}{installed:14}{works:8}{counts['passed']:6} {counts['failed']:6} {counts['skipped']:7}")
    return int(code)


if __name__ == "__main__":
    raise SystemExit(main())
