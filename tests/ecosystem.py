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
    "imbalanced-learn": "test_imblearn",
    "dask": "test_dask",
    "pillow": "test_images",
    "tokenizers": "test_text",
    "catboost": "catboost",
    "lightgbm": "lightgbm",
    "xgboost-cpu": "xgboost",
    "scikit-learn-intelex": "intel",
    "mlflow": "test_mlflow",
    "opentelemetry-sdk": "test_opentelemetry",
    "skops": "test_skops_card",
    "skrub": "train_skrub",
    "fastapi": "test_server_recipe",
    "mypy": "nothing_else[mypy]",
    "pyright": "nothing_else[pyright]",
    # The rest is installed by nox alone.
    "dask-ml": "incremental_of_dask_ml",
    "pyspark": "score_spark",
    "ray": "score_ray",
    "bentoml": "service.py",
}
#: Of the documentation, the page whose examples need the tools; the rest runs without them.
PAGE = "docs/test_docs.py::test_examples_of_a_page[docs/integrations.md]"
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
    PAGE,
]


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
    arguments = ["-q", "-m", "not long", *sys.argv[1:], *(str(HERE / name) for name in FILES)]
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
