"""The findings between two records, in words: each kind of object that has more to say than its paths does so here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from . import graphs, images, text

Find = Callable[[str, Mapping[str, Any], Mapping[str, Any]], list[str]]

#: The class of an object in a record -> what compares two of them.
KINDS: Mapping[str, Find] = {
    graphs.OWNER: graphs.graph_findings,
    images.OWNER: images.image_findings,
    text.OWNER: text.text_findings,
}


def findings(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """Return what is known to have happened to the objects that stand at one path in both records.

    Parameters
    ----------
    old, new : mapping of path to entry
        Before and after.

    Returns
    -------
    texts : list of str
        A sentence each; empty if nothing that has a name happened.
    """
    found: list[str] = []
    for path, entry in old.items():
        other = new.get(path)
        if isinstance(entry, Mapping) and isinstance(other, Mapping) and entry.get("class") == other.get("class"):
            find = KINDS.get(entry.get("class", ""))
            if find is not None and entry.get("digest") != other.get("digest"):
                found += find(path, old, new)
    return found
