"""Text for its reader: JSON with an entry a line, and names that neither a terminal nor a workflow obeys."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

_WIDTH = 110
# Control characters, and the marks that turn the direction of a text around.
_OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]")


def rendered(document: Mapping[str, Any]) -> str:
    """Return a document as text that ends with a newline; the same document always gives the same text."""
    return _value(document, "") + "\n"


def _value(value: Any, indent: str) -> str:
    inner = indent + " "
    if isinstance(value, Mapping) and value:
        flat = _flat(value)
        if len(indent) and len(flat) <= _WIDTH and not any(isinstance(x, Mapping) for x in value.values()):
            return flat
        lines = [f"{inner}{json.dumps(key)}: {_value(value[key], inner)}" for key in sorted(value)]
        return "{\n" + ",\n".join(lines) + f"\n{indent}}}"
    if isinstance(value, (list, tuple)) and value:
        flat = _flat(value)
        if len(flat) <= _WIDTH:
            return flat
        if any(isinstance(x, (Mapping, list, tuple)) for x in value):
            items = [inner + _value(x, inner) for x in value]
        else:
            items = _filled([_flat(x) for x in value], inner)
        return "[\n" + ",\n".join(items) + f"\n{indent}]"
    return _flat(value)


def _filled(items: list[str], indent: str) -> list[str]:
    """Return lines of items, as many to a line as fit."""
    lines, line = [], indent + items[0]
    for item in items[1:]:
        if len(line) + len(item) + 2 > _WIDTH:
            lines.append(line)
            line = indent + item
        else:
            line += ", " + item
    return [*lines, line]


def _flat(value: Any) -> str:
    return json.dumps(value, sort_keys=True, allow_nan=False)


def spelled_out(text: str) -> str:
    """Return a text without what a terminal would obey: control characters and marks of direction are spelled out."""
    return _OBEYED.sub(lambda match: match[0].encode("unicode_escape").decode("ascii"), text)


def one_line(text: object) -> str:
    """Return a text as one line that nothing obeys: a name with a line break in it forges no line of ours."""
    return spelled_out(str(text).replace("\n", "\\n"))


def escaped(text: str, *, property: bool = False) -> str:
    """Return a text as a workflow command takes it (docs.github.com, "Workflow commands for GitHub Actions")."""
    text = spelled_out(text).replace("%", "%25").replace("\n", "%0A")
    return text.replace(":", "%3A").replace(",", "%2C") if property else text


def plain(values: Any) -> list[Any]:
    """Return values for JSON, which has no names for what isn't finite."""
    return [repr(x) if isinstance(x, float) and (x != x or x in (float("inf"), -float("inf"))) else x for x in values]


def without_none(**fields: Any) -> dict[str, Any]:
    """Return the fields that are there."""
    return {name: value for name, value in fields.items() if value is not None}


def html_table(title: str, headers: Sequence[str], rows: Iterable[Sequence[object]], more: str = "") -> str:
    """Return a table for a notebook, in which every text from outside is escaped.

    Parameters
    ----------
    title : str
        What it is; it stands above the table.
    headers : sequence of str
        One for each column.
    rows : iterable of sequence
        The cells.
    more : str, default=""
        What there is to say below the table.
    """

    def cells(tag: str, row: Sequence[object]) -> str:
        return "<tr>" + "".join(f"<{tag}>{html.escape(one_line(cell))}</{tag}>" for cell in row) + "</tr>"

    body = "".join(cells("td", row) for row in rows)
    below = f"<p>{html.escape(one_line(more))}</p>" if more else ""
    return (
        f'<div class="normlock"><p><strong>{html.escape(one_line(title))}</strong></p>'
        f'<div style="overflow-x: auto"><table>{cells("th", headers)}{body}</table></div>{below}</div>'
    )
