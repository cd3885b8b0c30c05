"""Links from a page to a file outside ``docs/``: shown as the file's path, as the site does not carry the repository.

A page is read on two sites: in the repository, where ``../benchmarks/peers.py`` is a link, and on the built site, where
that file is not. Here such a link becomes the path in monospace, and links to Markdown files at the top of the
repository go to the pages that include them. A link to an example goes to its page in the gallery. At the end of the
build every page is searched for scripts, styles and pictures that a browser would load from elsewhere: the site works
offline.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from sphinx.util import logging

# Pages of the repository's top that the site includes under another name.
INCLUDED = {"README.md": "index.md", "CHANGELOG.md": "changelog.md", "CONTRIBUTING.md": "contributing.md"}
LINK = re.compile(r"\[([^\]]*)\]\(([^)\s#]+)(#[^)\s]*)?\)")
ASSET = re.compile(r'<(?:script|img|iframe)\b[^>]*\bsrc="https?://[^"]*"|<link\b[^>]*\brel="stylesheet"[^>]*"https?://')
FENCE = re.compile(r"^(```|:::).*?^\1", re.MULTILINE | re.DOTALL)


def inside(text: str, page: Path, docs: Path) -> str:
    """Return the text of a page, in which no link leads out of ``docs``."""
    fences = [match.span() for match in FENCE.finditer(text)]

    def mend(match: re.Match[str]) -> str:
        words, path, anchor = match[1], match[2], match[3] or ""
        if "://" in path or any(start <= match.start() < end for start, end in fences):
            return match[0]
        target = (page.parent / path).resolve()
        up = "../" * (len(page.relative_to(docs).parts) - 1)
        if target.exists() and target.parent == docs / "examples":
            return f"[{words}]({up}gallery/{'index' if target.stem == 'README' else target.stem}.rst{anchor})"
        if not target.exists() or target.is_relative_to(docs):
            return match[0]
        place = target.relative_to(docs.parent).as_posix()
        if place in INCLUDED:
            return f"[{words}]({up}{INCLUDED[place]}{anchor if place != 'README.md' else ''})"
        return words if words.startswith("`") else f"{words} (`{place}`)"

    return LINK.sub(mend, text)


def read(app: Any, name: str, source: list[str]) -> None:
    """Mend the links of a page before it is parsed."""
    path = Path(app.env.doc2path(name))
    if path.suffix == ".md":
        source[0] = inside(source[0], path, Path(app.srcdir).resolve())


def include(app: Any, relative: Any, parent: str, content: list[str]) -> None:
    """Mend the links of a file at the top of the repository that a page includes: they start from the top."""
    if str(relative).startswith(".."):
        docs = Path(app.srcdir).resolve()
        text = content[0].replace("](docs/", "](")
        text = re.sub(r"\[([^\]]*)\]\((LICENSE|notebooks/[^)]*|benchmarks/[^)]*)\)", r"\1 (`\2`)", text)
        for name, page in INCLUDED.items():
            text = text.replace(f"]({name}", f"]({page}")
        content[0] = inside(text, docs / f"{parent}.md", docs)


def look_for_assets(app: Any, exception: Exception | None) -> None:
    """Warn of each page that loads something from elsewhere, which fails a build with ``-W``."""
    if exception is None and app.builder.name == "html":
        for page in Path(app.outdir).rglob("*.html"):
            for asset in ASSET.findall(page.read_text("utf-8")):
                logging.getLogger(__name__).warning("%s loads %s", page.relative_to(app.outdir), asset)


def setup(app: Any) -> dict[str, Any]:
    """Connect with Sphinx."""
    app.connect("source-read", read)
    app.connect("include-read", include)
    app.connect("build-finished", look_for_assets)
    return {"parallel_read_safe": True}
