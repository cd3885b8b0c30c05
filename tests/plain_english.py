"""Check the prose of pages, docstrings and comments: ``python tests/plain_english.py`` prints what is too hard.

Two rules are checked: a sentence has at most 35 words, and none begins with a word that turns its order around.
Code, tables, quotes, headings and links' targets are left out. The exit code is 1 if a sentence breaks a rule.
Pages are those of the site, its gallery, the notebooks, and the Markdown files beside them. In tests only the length
is checked: a test states a claim, and its subject may be a clause, as in "What can't be pickled is refused".
"""

from __future__ import annotations

import ast
import inspect
import io
import json
import re
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
LONGEST = 35
OPENINGS = ("Of", "What", "And", "So")
FENCE = re.compile(r"^ *(```).*?^ *\1 *$", re.MULTILINE | re.DOTALL)
# A doctest and its output, which ends at an empty line.
DOCTEST = re.compile(r"^ *>>> .*?(?=^\s*$|\Z)", re.MULTILINE | re.DOTALL)
# Names that are written small begin sentences, too.
END = re.compile(r"(?<=[.!?])[)\"*]*\s+(?=[A-Z*\"(\[]|scikit-learn|skops|skl2onnx|pre-commit|pandas|faiss)")
# A literal block: what is indented after a paragraph that ends with two colons.
LITERAL = re.compile(r"(?<=::)\n\n(?:(?: {2,}.*)?\n)*(?: {2,}.*)?")
# A line that is no running prose: a heading, a table, a quote, a comment of HTML, a directive.
APART = re.compile(r"^\s*(#|[├└│]|\[[^\]]*\]: |\||>|<!--|\.\. |:::|:\w+:)")
ITEM = re.compile(r"^\s*(?:[*-]|\d+\.)\s+")


def paragraphs(text: str) -> Iterator[tuple[int, str]]:
    """Yield each paragraph of running prose, and the line on which it begins; an item of a list is one."""
    text = FENCE.sub(lambda match: "\n" * match[0].count("\n"), text)
    held: list[str] = []
    start = 0
    for number, line in enumerate([*text.splitlines(), ""], 1):
        if not line.strip() or APART.match(line) or ITEM.match(line):
            if held:
                yield start, " ".join(held)
            held = []
        if line.strip() and not APART.match(line):
            start = start if held else number
            held.append(ITEM.sub("", line).strip())


def sentences(paragraph: str) -> Iterator[str]:
    """Yield the sentences of a paragraph: code counts as one word, a link as its words."""
    plain = re.sub(r"``[^`]+``|`[^`]+`(?:__?)?", "Code", paragraph)
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", plain)
    plain = re.sub(r"\b(e\.g|i\.e|etc|cf|vs)\.", r"\1", plain)
    yield from END.split(plain)


def faults(text: str) -> Iterator[tuple[int, str, str]]:
    """Yield line, fault and sentence, for each sentence of a text that breaks a rule."""
    for line, paragraph in paragraphs(text):
        for sentence in sentences(paragraph):
            sentence = sentence.lstrip('*("')
            words = re.findall(r"[\w'’][\w'’.,-]*", sentence)
            if len(words) > LONGEST:
                yield line, f"{len(words)} words", sentence
            elif (
                words
                and sentence.startswith(OPENINGS)
                and words[0] in OPENINGS
                and not sentence.rstrip('*:)"').endswith("?")
            ):
                yield line, f"begins with {words[0]}", sentence


def docstrings(source: str) -> Iterator[tuple[int, str]]:
    """Yield the line and the prose of each docstring of a module: without doctests, and titles of sections."""
    for node in ast.walk(ast.parse(source)):
        # A string that stands alone describes what is above it, be that a function or a field.
        alone = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if alone and isinstance(node.value.value, str):
            text = inspect.cleandoc(node.value.value)
            # Empty lines in place of what is left out keep the count of lines.
            prose = text
            for apart in (DOCTEST, LITERAL):
                prose = apart.sub(lambda match: "\n" * match[0].count("\n"), prose)
            prose = re.sub(r"^.*\n-{3,}$", "\n", prose, flags=re.MULTILINE)
            # The name and type of a parameter end what was said of the one before. Its description is a phrase, such
            # as "What was learned": a colon stands for the verb that it lacks.
            prose = re.sub(r"^(\S.* : .*|[*\w]+(?:, [*\w]+)*)\n +(\S)", r"\n: \2", prose, flags=re.MULTILINE)
            yield node.lineno, prose
        # The help of a command.
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") in ("HELP", "DESCRIPTION"):
            yield node.lineno, ast.literal_eval(node.value)


def comments(source: str) -> Iterator[tuple[int, str]]:
    """Yield the line and the text of each comment: lines that follow each other at one column are one comment."""
    held: list[str] = []
    start, place = 0, (0, 0)
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type != tokenize.COMMENT or re.match(r"#!|# (noqa|type|fmt|%%|->)", token.string):
            continue
        if held and token.start != (place[0] + 1, place[1]):
            yield start, "\n".join(held)
            held = []
        start = start if held else token.start[0]
        place = token.start
        held.append(token.string.lstrip("#:").removeprefix(" "))
    if held:
        yield start, "\n".join(held)


def texts(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the line and the prose of each part of a file."""
    source = path.read_text("utf-8")
    if path.suffix == ".py":
        yield from docstrings(source)
        yield from comments(source)
    elif path.suffix == ".ipynb":
        for number, cell in enumerate(json.loads(source)["cells"], 1):
            if cell["cell_type"] == "markdown":
                yield number, "".join(cell["source"])
    else:
        yield 1, source


def check(root: Path = ROOT) -> dict[str, list[str]]:
    """Return the sentences that break a rule, by file."""
    paths = [*root.glob("*.md"), *root.glob(".github/**/*.md"), *root.glob("docs/**/*.md")]
    paths += root.glob("docs/examples/**/*.rst")  # others are made by the build of the site
    paths += [*root.glob("notebooks/*.ipynb"), *root.glob("*.py")]
    for folder in ("sklearn_normlock", "docs", "tests", "benchmarks"):
        paths += (root / folder).rglob("*.py")
    said: dict[str, list[str]] = {}
    for path in sorted(paths):
        name = path.relative_to(root).as_posix()
        said[name] = [
            f"{name}:{first + at - 1}: {fault}: {text}"
            for first, part in texts(path)
            for at, fault, text in faults(part)
            if not (name.startswith("tests/") and fault.startswith("begins"))
        ]
    return said


def main() -> int:
    """Print the sentences that break a rule, and return the exit code."""
    lines = [line for found in check().values() for line in found]
    print(*lines, sep="\n", end="\n" if lines else "")
    return int(bool(lines))


if __name__ == "__main__":
    sys.exit(main())
