"""A part that somebody adds is named in each place where users look for it; docs/architecture.md has the recipes."""

from __future__ import annotations

import dataclasses
import json
import pkgutil
import re
from importlib import import_module
from pathlib import Path

import pytest

import sklearn_normlock as nl
from sklearn_normlock import integrations
from sklearn_normlock.cli import COMMANDS
from sklearn_normlock.drop_ins import MODULES
from sklearn_normlock.guards.faults import FAULTS, MISSING

DOCS = Path(__file__).parents[2] / "docs"
LOCK = (DOCS / "lock.md").read_text("utf-8")


def test_a_module_of_drop_ins_is_part_of_the_package():
    """``import sklearn_normlock as nl`` is enough to use any of them."""
    assert {name.partition(".")[0] for name in MODULES} <= nl._MODULES


def test_a_module_of_drop_ins_is_in_the_command_of_the_migration():
    """The command that changes imports names each module, but ``ensemble``, in which most classes have no drop-in."""
    named = re.search(r"sklearn\\\.\(([^)]+)\) import", (DOCS / "migration.md").read_text("utf-8"))
    assert {each.replace("\\", "") for each in named[1].split("|")} == {*MODULES} - {"ensemble"}


def test_a_fault_is_in_the_table_of_the_guard():
    """The page of the guard says what each name means."""
    page = (DOCS / "guard.md").read_text("utf-8")
    assert [name for name in FAULTS if name != MISSING and f"`{name}`" not in page] == []


def test_an_integration_is_described():
    """Each module of integrations is named on a page: as a module, or by what it is called by."""
    text = "\n".join(page.read_text("utf-8") for page in DOCS.rglob("*.md"))
    for name in (found.name for found in pkgutil.iter_modules(integrations.__path__)):
        shown = "--normlock-update" if name == "pytest_plugin" else rf"integrations(\.| import (\w+, )*){name}\b"
        assert re.search(shown, text), name


def test_a_field_of_the_lock_is_in_the_schema_and_in_the_table():
    """Each field of a lock is in its schema, and in the table of its page."""
    schema = json.loads((DOCS / "lock.schema.json").read_text("utf-8"))
    fields = [field.name for field in dataclasses.fields(nl.Lock)]
    table = " ".join(line.split("|")[1] for line in LOCK.splitlines() if line.startswith("| `"))
    assert [name for name in fields if name not in schema["properties"] or f"`{name}`" not in table] == []


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_is_in_the_cheat_sheet(name):
    """Each command is in the cheat sheet, and has a line of help."""
    assert f"normlock {name}" in (DOCS / "cheat-sheet.md").read_text("utf-8")
    assert import_module(f"sklearn_normlock.cli.{name}").HELP
