"""The notebook diagram of a sealed object: a line above scikit-learn's says whether it holds, and what calls see."""

from __future__ import annotations

import re
from html import escape
from typing import Any

from .messages import short
from .seal import find_problem
from .survey import blind_spots
from .watch import FINGERPRINT, UNNAMED

_STYLE = (
    "display:inline-block;font:12px/1.7 ui-monospace,Menlo,Consolas,monospace;padding:0 .7em;margin:0 0 .4em 6px;"
    "border-radius:.4em;border:1px solid {0};color:{0};background:{1};white-space:pre-wrap;overflow-wrap:anywhere;"
    "max-width:60em;box-sizing:border-box"
)
_NAMED = 2  # parts that are named; the others are counted
_GREEN, _RED, _GREY = ("#1a7f37", "#f0fff4"), ("#b42318", "#fff1f0"), ("#57606a", "#f6f8fa")


def with_seal(obj: Any, diagram: str) -> str:
    """Return a diagram with a line above it, locked or altered, and with a frame around the step that was altered.

    Parameters
    ----------
    obj : Locked
        It is hashed anew: a diagram is drawn for a person, who looks once.
    diagram : str
        scikit-learn's; it stays as it is where the object isn't fitted.
    """
    problem = find_problem(obj)
    if problem is not None:
        return _line(_RED, "\N{OPEN LOCK} altered", str(problem)) + diagram + _frame(problem.path or "", diagram)
    return _badge(obj) + diagram


def _frame(path: str, diagram: str) -> str:
    """Return a style that frames the innermost step of a path which the diagram knows by its parameters' prefix.

    scikit-learn writes the prefix from 1.7 on. Names that could end the style are left alone.
    """
    container = re.search(r'id="(sk-container-id-[\w-]+)"', diagram)
    names = path.split(".")
    prefixes = ("__".join(names[:length]) + "__" for length in range(len(names), 0, -1))
    known = (each for each in prefixes if re.fullmatch(r"[\w -]+", each) and f'data-param-prefix="{each}"' in diagram)
    prefix = next(known, None)
    if container is None or prefix is None:
        return ""
    box = f'#{container[1]} .sk-toggleable:has(> [data-param-prefix="{prefix}"]) > label'
    return f"<style>{box} {{outline: 2px solid {_RED[0]}; outline-offset: -2px}}</style>"


def _badge(obj: Any) -> str:
    fingerprint = vars(obj).get(FINGERPRINT)
    if fingerprint is not None:
        return _line(_GREEN, "\N{LOCK} locked", f"{short(fingerprint)} {_sight(obj)}")
    if UNNAMED in vars(obj):
        return _line(_GREY, "watched in this process only", str(vars(obj)[UNNAMED]))
    return ""


def _sight(obj: Any) -> str:
    """Say which parts of an object are seen to change at a call, and which only at a dump or a load."""
    unseen = blind_spots(obj)
    if not unseen:
        return "· calls see all of it"
    named = ", ".join(f"{path} ({why})" for path, why in list(unseen.items())[:_NAMED])
    more = f" and {len(unseen) - _NAMED} more" if len(unseen) > _NAMED else ""
    return f"· calls see all but {named}{more}, seen at dump and load"


def _line(colours: tuple[str, str], label: str, text: str) -> str:
    return f'<div><span style="{_STYLE.format(*colours)}"><b>{label}</b> {escape(text)}</span></div>'
