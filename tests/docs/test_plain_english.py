"""The check of prose sees every place where prose is written."""

from pathlib import Path

import plain_english
import pytest

LONG = "A planted sentence " + "goes on " * 20 + "here."

PLACES = {
    "page": ("docs/page.md", f"# Title\n\n{LONG}\n"),
    "item of a list": ("README.md", f"* one\n  * {LONG}\n"),
    "after code": ("docs/how-to/page.md", f"```sh\nls\n```\n{LONG}\n"),
    "admonition": ("docs/page.md", f":::note\n{LONG}\n:::\n"),
    "gallery's introduction": ("docs/examples/README.rst", f"Gallery\n=======\n\n{LONG}\n"),
    "gallery": ("docs/examples/plot_one.py", f'"""Title."""\n\n# %%\n# {LONG}\n'),
    "notebook": ("notebooks/one.ipynb", f'{{"cells": [{{"cell_type": "markdown", "source": ["{LONG}"]}}]}}'),
    "policy": (".github/SECURITY.md", LONG),
    "docstring": ("sklearn_normlock/one.py", f'class One:\n    """Do.\n\n    {LONG}\n    """\n'),
    "parameter": ("sklearn_normlock/one.py", f'"""Do.\n\nParameters\n----------\nx : int\n    {LONG}\n"""\n'),
    "between examples": ("sklearn_normlock/one.py", f'"""Do.\n\nExamples\n--------\n{LONG}\n\n>>> 1\n1\n"""\n'),
    "string below a constant": ("benchmarks/one.py", f'X = 1\n"""{LONG}"""\n'),
    "help of a command": ("sklearn_normlock/one.py", f'DESCRIPTION = (\n    "{LONG}"\n)\n'),
    "comment": ("sklearn_normlock/one.py", f"def one():\n    # {LONG[:40]}\n    # {LONG[40:]}\n    pass\n"),
    "comment of a field": ("sklearn_normlock/one.py", f"#: {LONG}\nX = 1\n"),
    "comment of a test": ("tests/docs/test_one.py", f"X = 1  # {LONG}\n"),
}


@pytest.mark.parametrize("place", PLACES)
def test_a_long_sentence_is_found_wherever_it_stands(place: str, tmp_path: Path) -> None:
    """A sentence of more than 35 words is found in each kind of place, and nowhere else."""
    name, text = PLACES[place]
    path = tmp_path / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    (said,) = [found for found in plain_english.check(tmp_path).values() if found]
    assert len(said) == 1 and "words: " in said[0] and said[0].startswith(f"{name}:")


@pytest.mark.parametrize("text", ["Of one nothing is left.", "It is. And it stays.", "**What is left** is one."])
def test_a_turned_sentence_is_found(text: str) -> None:
    """A sentence that begins with a word that turns its order around is found, in bold type too."""
    assert len(list(plain_english.faults(text))) == 1


@pytest.mark.parametrize(
    "text", ["| Of one | is |", "> Of one", "## What is left", "```\nOf one\n```", "What is left?"]
)
def test_what_is_no_running_prose_is_left_alone(text: str) -> None:
    """Tables, quotes, headings, code and questions are left alone."""
    assert not list(plain_english.faults(text))
