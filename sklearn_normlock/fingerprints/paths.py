"""Paths: how a place inside an object is written, such as ``preprocess.num.scaler``."""

from __future__ import annotations

import re

_IDENTIFIER = re.compile(r"[^\W\d]\w*\Z")


def step_label(name: str) -> str:
    """Return the part of a path that a step's name makes: ``".scaler"``, or ``"['my step']"``."""
    return "." + name if _IDENTIFIER.match(name) else f"[{name!r}]"


def joined(path: str, name: str) -> str:
    """Return the path of a step in an object that stands at ``path``."""
    return (path + step_label(name)).lstrip(".")
