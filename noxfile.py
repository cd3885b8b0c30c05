"""The test matrix, lint, the examples, the benchmarks: ``nox -l`` lists, ``nox -s tests --python 3.12`` runs a part."""

from pathlib import Path

import nox

nox.options.default_venv_backend = "venv"
nox.options.sessions = ["lint", "tests"]

# scikit-learn -> the Pythons, of those that we support, that it has wheels for. A pair is possible if and only if there
# is a wheel: 1.4 came before Python 3.13, and from 1.8 on Python 3.11 is required.
PYTHONS = ["3.10", "3.11", "3.12", "3.13"]
WHEELS = {"1.4": PYTHONS[:3], "1.5": PYTHONS, "1.6": PYTHONS, "1.7": PYTHONS, "1.8": PYTHONS[1:], "1.9": PYTHONS[1:]}
PAIRS = [(python, sklearn) for sklearn, pythons in WHEELS.items() for python in pythons]
DEFAULT = "3.11"  # the oldest that all tools and the newest scikit-learn run on


@nox.session
@nox.parametrize("python,sklearn", PAIRS)
def tests(session: nox.Session, sklearn: str) -> None:
    """Run the fast tests; arguments after ``--`` go to pytest."""
    session.install(".[test]", f"scikit-learn=={sklearn}.*")
    session.run("pytest", *session.posargs)


def run_stage(session: nox.Session, name: str, *packages: str) -> None:
    """Install and run what ``.ci/stages.toml`` says of a stage; arguments after ``--`` go to its last command.

    Packages are installed beside those of the stage.
    """
    stage = nox.project.load_toml(".ci/stages.toml")[name]
    bounds = nox.project.load_toml("pyproject.toml")["project"]["dependencies"] if stage.get("oldest") else []
    held = [bound.replace(">=", "==") + ".*" for bound in bounds] + stage.get("with", [])
    session.install(f".[{stage['extras']}]", *packages, *held)
    *first, last = (command.split() for command in stage["run"])
    for command in first:
        session.run(*command)
    session.run(*last, *session.posargs)


@nox.session(python=PYTHONS[0])
def oldest(session: nox.Session) -> None:
    """Run the fast tests with every dependency at the oldest version that pyproject.toml allows."""
    run_stage(session, "oldest")


@nox.session(python=DEFAULT)
def campaigns(session: nox.Session) -> None:
    """Run the campaigns of minutes."""
    run_stage(session, "campaigns")


@nox.session(python=DEFAULT)
def long(session: nox.Session) -> None:
    """Run the campaigns that take an hour and more."""
    session.install(".[test]")
    session.run("pytest", "-m", "long", *session.posargs)


@nox.session(python=DEFAULT)
def ecosystem(session: nox.Session) -> None:
    """Run the tests in other tools, the engines included, and print which version of which tool works.

    Spark needs a Java runtime (Debian: ``apt-get install default-jre-headless``).
    """
    run_stage(session, "ecosystem", "bentoml", "dask-ml", "pyspark", "ray")


@nox.session(python=DEFAULT)
def recorder(session: nox.Session) -> None:
    """Judge pickles of old versions, and the recorder; after ``--`` come the Pythons of old environments."""
    session.install(".[test]")
    session.run("python", "tests/old_pickles/judge.py", *session.posargs)


@nox.session(python=DEFAULT)
def upstream(session: nox.Session) -> None:
    """Run scikit-learn's own tests on the drop-ins; ``-- --fast`` for a part, ``-- --holders`` for the rest."""
    session.install(".[test]")
    session.run("python", "tests/upstream/run.py", *session.posargs)


@nox.session(python=DEFAULT)
def site(session: nox.Session) -> None:
    """Check the reference, and build the site into ``build/site``."""
    run_stage(session, "site")


@nox.session(python=DEFAULT)
def lint(session: nox.Session) -> None:
    """Check style, format, prose and types; ``ruff check --fix . && ruff format .`` mends most."""
    run_stage(session, "style")
    session.run("mypy")


@nox.session(python=DEFAULT)
def benchmarks(session: nox.Session) -> None:
    """Run the benchmarks, or those named after ``--``: each measures its peers in the same run."""
    session.install(".[test,bench]")
    for script in session.posargs or sorted(map(str, Path("benchmarks").glob("[!_]*.py"))):
        session.run("python", script)
