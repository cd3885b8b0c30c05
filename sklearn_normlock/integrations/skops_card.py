"""skops model cards: a section that says what was locked, under which versions, and which faults could go unseen."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from ..locks.judgement import unjudged

if TYPE_CHECKING:
    from ..locks.document import Lock

__all__ = ["add_lock"]


def add_lock(card: Any, lock: Lock, section: str = "Lock") -> Any:
    """Add a lock's summary to a model card.

    Parameters
    ----------
    card : skops.card.Card
        It is changed.
    lock : Lock
        The lock of the card's model.
    section : str, default="Lock"
        Title of the section; ``/`` separates the levels, as in :meth:`skops.card.Card.add`.

    Returns
    -------
    card : skops.card.Card
        The same card.

    Raises
    ------
    LockMismatchError
        If the card's model is not what the lock says.

    Examples
    --------
    >>> import sklearn_normlock as nl
    >>> from skops.card import Card
    >>> from sklearn_normlock.integrations.skops_card import add_lock
    >>> from sklearn_normlock.preprocessing import StandardScaler
    >>> scaler = StandardScaler().fit([[0.0], [2.0]])
    >>> card = add_lock(Card(scaler, model_diagram=False), nl.lock(scaler))
    >>> scaler.fingerprint_ in card.render()
    True
    """
    from ..locks.comparison import verify

    model = card.get_model()
    verify(model, lock)
    return card.add(**{section: "\n".join(_lines(lock))})


def _lines(lock: Lock) -> Iterator[str]:
    yield f"Fingerprint: `{lock.fingerprint}`"
    yield ""
    yield "| what | is |"
    yield "|---|---|"
    yield f"| locked under | {', '.join(f'{name} {number}' for name, number in lock.environment.items())} |"
    for path, contract in lock.inputs.items():
        yield f"| input{f' of {_cell(path)}' if path else ''} | {contract.width} columns |"
    for path, entry in lock.state.items():
        if isinstance(entry, dict) and "class" in entry:
            yield f"| {_cell(path) or '(whole)'} | `{entry['class'].replace(':', '.')}` `{entry['digest'][:12]}…` |"
    run = [probe for probe in lock.probes if probe.left_out is None]
    yield f"| probes | {len(run)} run, {len(lock.probes) - len(run)} left out |"
    yield f"| profile of the data | {'yes, without rows' if lock.profile is not None else 'none'} |"
    for each in unjudged(lock):
        yield f"| can't tell | {_cell(each.text)} |"
    for path, reason in lock.accepted.items():
        yield f"| accepted without a probe | {_cell(path) or '(whole)'}: {_cell(reason)} |"
    if lock.coverage is None:
        yield "| faults that could go unseen | not computed |"
    else:
        for fault, columns in lock.coverage.get("unseen", {}).items():
            if columns:
                yield f"| could go unseen: {_cell(fault)} | {_cell(', '.join(map(str, columns)))} |"


def _cell(text: str) -> str:
    return " ".join(str(text).replace("|", "\\|").split())
