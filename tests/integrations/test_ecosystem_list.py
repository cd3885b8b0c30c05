"""The list of tests in other tools: what it names is there, and the page shows the table of the same tools."""

import re

from ecosystem import FILES, HERE, PARTS, TOOLS

PAGE = HERE.parent / "docs" / "integrations.md"


def test_what_is_listed_is_there():
    """Every file and every test that the list names exists."""
    for entry in [*FILES, *PARTS]:
        file, _, test = entry.partition("::")
        name, _, case = test.partition("[")
        text = (HERE / file).read_text("utf-8")
        assert not name or re.search(rf"^def {name}\(", text, re.MULTILINE), entry
        assert not case or (HERE.parent / case.rstrip("]")).is_file(), entry


def test_the_page_has_every_tool():
    """The table on the page has a row for each tool of the list, in its order."""
    rows = re.findall(r"^\| ([\w-]+) \| \d[\w.]* \| \w+ \|", PAGE.read_text("utf-8"), re.MULTILINE)
    assert rows == list(TOOLS)
