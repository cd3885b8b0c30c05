"""Check the prose of pages and docstrings: ``python tests/plain_english.py`` prints what is too hard.

Two rules are checked: a sentence has at most 35 words, and none begins with a word that turns its order around.
Code, tables, quotes, headings and links' targets are left out. The exit code is 1 if a sentence breaks a rule.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
LONGEST = 35
OPENINGS = ("Of", "What", "And", "So")
FENCE = re.compile(r"^ *(```|:::).*?^ *\1 *$", re.MULTILINE | re.DOTALL)
# Names that are written small begin sentences, too.
END = re.compile(r"(?<=[.!?])[)\"*]*\s+(?=[A-Z*\"(\[]|scikit-learn|skops|skl2onnx|pre-commit|pandas|faiss)")
# A line that is no running prose: a heading, a table, a quote, a comment of HTML, a directive.
APART = re.compile(r"^\s*(#|[├└│]|\[[^\]]*\]: |\||>|<!--|\.\. |:\w+:)")
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


def docstrings(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the line and the prose of each docstring of a module: without examples, and titles of sections."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if not isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            continue
        text = ast.get_docstring(node) or ""
        prose = re.split(r"^Examples\n-+$", text, flags=re.MULTILINE)[0]
        prose = re.sub(r"^.*\n-{3,}$", "", prose, flags=re.MULTILINE)
        # The name and type of a parameter end what was said of the one before. Its description is a phrase, such
        # as "What was learned": a colon stands for the verb that it lacks.
        prose = re.sub(r"^(\S.* : .*|[*\w]+(?:, [*\w]+)*)\n +(\S)", r"\n\n: \2", prose, flags=re.MULTILINE)
        yield getattr(node, "lineno", 1), prose


def check(root: Path = ROOT) -> dict[str, list[str]]:
    """Return the sentences that break a rule, by page or by room."""
    said: dict[str, list[str]] = {}
    for page in [root / "README.md", root / "CONTRIBUTING.md", *sorted((root / "docs").rglob("*.md"))]:
        name = page.relative_to(root).as_posix()
        said[name] = [f"{name}:{at}: {fault}: {text}" for at, fault, text in faults(page.read_text("utf-8"))]
    for module in sorted((root / "sklearn_normlock").rglob("*.py")):
        name = module.relative_to(root)
        found = [
            f"{name}:{at}: {fault}: {text}" for at, prose in docstrings(module) for _, fault, text in faults(prose)
        ]
        said.setdefault(name.parent.as_posix(), []).extend(found)
    return said


def main() -> int:
    """Print the sentences that break a rule, and return the exit code."""
    lines = [line for found in check().values() for line in found]
    print(*lines, sep="\n", end="\n" if lines else "")
    return int(bool(lines))


if __name__ == "__main__":
    sys.exit(main())
