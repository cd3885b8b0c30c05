"""Check the prose of pages and public docstrings: ``python tests/plain_english.py`` prints what is too hard.

Two rules are checked: a sentence has at most 35 words, and none begins with a word that turns its order around.
Code, tables, quotes, headings and links' targets are left out. The exit code is 1 if a sentence breaks a rule, beyond
those that are known.
"""

from __future__ import annotations

import inspect
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
LONGEST = 35
OPENINGS = ("Of", "What", "And", "So")
# How many sentences of a page break a rule. No page may get more, and none may join them. The clauses of the
# specification are normative, and were written before the rules.
KNOWN = {
    "docs/guard.md": 42,
    "docs/images.md": 2,
    "docs/lock.md": 7,
    "docs/spec.md": 17,
    "docs/speed.md": 5,
    "docs/text.md": 1,
}
FENCE = re.compile(r"^ *(```|:::).*?^ *\1 *$", re.MULTILINE | re.DOTALL)
# Names that are written small begin sentences, too.
END = re.compile(r"(?<=[.!?])[)\"*]*\s+(?=[A-Z*\"(\[]|scikit-learn|skops|skl2onnx|pre-commit|pandas|faiss)")
# A line that is no running prose: a heading, a table, a quote, a comment of HTML, a directive.
APART = re.compile(r"^\s*(#|\[[^\]]*\]: |\||>|<!--|\.\. |:\w+:)")
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


def public_docstrings() -> Iterator[tuple[str, str]]:
    """Yield the name and the prose of each docstring of the reference: without examples, and titles of sections."""
    sys.path.insert(0, str(ROOT / "docs" / "_sphinx"))
    try:
        from reference import is_own, own_names
    finally:
        sys.path.pop(0)
    for name, value in own_names():
        if not is_own(value) or not callable(value):
            continue
        members = vars(value).items() if inspect.isclass(value) else ()
        own = [(f".{at}", getattr(what, "__func__", what)) for at, what in members if not at.startswith("_")]
        for at, what in [("", value), *own]:
            text = (
                inspect.getdoc(what) if what is value or inspect.isfunction(what) or isinstance(what, property) else ""
            )
            prose = re.split(r"^Examples\n-+$", text or "", flags=re.MULTILINE)[0]
            prose = re.sub(r"^.*\n-{3,}$", "", prose, flags=re.MULTILINE)
            # The name and type of a parameter end what was said of the one before. Its description is a phrase, such
            # as "What was learned": a colon stands for the verb that it lacks.
            prose = re.sub(r"^(\S.* : .*|\*{1,2}\w+)\n +(\w+)", r"\n: \2", prose, flags=re.MULTILINE)
            yield f"{name}{at}", prose


def check(root: Path = ROOT) -> dict[str, list[str]]:
    """Return the sentences that break a rule, by page or by public name."""
    said: dict[str, list[str]] = {}
    for page in [root / "README.md", root / "CONTRIBUTING.md", *sorted((root / "docs").rglob("*.md"))]:
        name = page.relative_to(root).as_posix()
        said[name] = [f"{name}:{at}: {fault}: {text}" for at, fault, text in faults(page.read_text("utf-8"))]
    for name, prose in public_docstrings():
        said[name] = [f"{name}: {fault}: {text}" for _, fault, text in faults(prose)]
    return said


def main() -> int:
    """Print what is new, and return the exit code."""
    code = 0
    for name, lines in check().items():
        if len(lines) > KNOWN.get(name, 0):
            print(*lines, sep="\n")
            code = 1
        elif len(lines) < KNOWN.get(name, 0):
            print(f"{name}: only {len(lines)} are left of {KNOWN[name]}: lower the number in {Path(__file__).name}")
    return code


if __name__ == "__main__":
    sys.exit(main())
