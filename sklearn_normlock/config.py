"""Policy: what happens on a mismatch.

``set_config`` sets the default of the process; ``config_context`` overrides it for a block of code, in the thread or
asyncio task that runs it and nowhere else.

``NORMLOCK_POLICY`` in the environment gives the default of a process, for an operator who has to keep a service up
while a mismatch is looked into. Every process that starts so says it in its log. ``NORMLOCK_FAST=0`` sends every call
through scikit-learn's own methods.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, Literal

__all__ = ["config_context", "get_config", "set_config"]

Policy = Literal["raise", "warn", "ignore"]
POLICIES = ("raise", "warn", "ignore")
ENVIRONMENT_VARIABLE = "NORMLOCK_POLICY"
FAST_VARIABLE = "NORMLOCK_FAST"

logger = logging.getLogger("sklearn_normlock")


def _checked(policy: object, source: str) -> str:
    if policy not in POLICIES:
        raise ValueError(f"{source} is {policy!r}; it must be one of 'raise', 'warn', 'ignore'.")
    return str(policy)


def _default_policy() -> str:
    policy = os.environ.get(ENVIRONMENT_VARIABLE)
    if policy is None:
        return "raise"
    _checked(policy, f"The environment variable {ENVIRONMENT_VARIABLE}")
    if policy != "raise":
        logger.warning(
            "%s=%s: a mismatch between what was fitted and what is served will NOT raise in this process.",
            ENVIRONMENT_VARIABLE,
            policy,
        )
    return policy


def _default_fast() -> bool:
    text = os.environ.get(FAST_VARIABLE, "1")
    if text not in ("0", "1"):
        raise ValueError(f"The environment variable {FAST_VARIABLE} is {text!r}; it must be '0' or '1'.")
    return text == "1"


_defaults: dict[str, Any] = {"policy": _default_policy(), "fast": _default_fast()}
# The blocks of ``config_context`` that the code is inside of, each with its configuration, the innermost last. Each
# task of asyncio works on a copy of the variables of its maker. In one task two generators may leave their blocks in
# the order in which they entered them, so that a block takes itself away and never puts back what it found.
_blocks: ContextVar[tuple[tuple[object, dict[str, Any]], ...]] = ContextVar("sklearn_normlock_config", default=())


def _current() -> dict[str, Any]:
    blocks = _blocks.get()
    return blocks[-1][1] if blocks else _defaults


def get_config() -> dict[str, Any]:
    """Return the configuration that holds here.

    Returns
    -------
    config : dict
        A copy: ``{"policy": "raise" | "warn" | "ignore", "fast": True | False}``.

    Examples
    --------
    >>> import sklearn_normlock as nl
    >>> nl.get_config()
    {'policy': 'raise', 'fast': True}
    """
    return dict(_current())


def set_config(policy: Policy | None = None, fast: bool | None = None) -> None:
    """Set the default of the process: it holds in every thread and task, those that exist included.

    Inside a ``config_context`` it is set for the rest of that block, too; other blocks keep their own.

    Parameters
    ----------
    policy : {"raise", "warn", "ignore"}, default=None
        What a mismatch does. ``None`` leaves it as it is. ``"warn"`` gives a :class:`SealWarning`, writes a log record
        and goes on; ``"ignore"`` checks nothing.
    fast : bool, default=None
        Whether sealed objects take the fast path where there is one. ``None`` leaves it as it is. Results are the same
        to the last bit; ``False`` is there to see that for yourself.

    Raises
    ------
    ValueError
        If the policy has another name, or ``fast`` is not a truth value.

    Examples
    --------
    >>> import sklearn_normlock as nl
    >>> nl.set_config(policy="raise")  # the default
    >>> nl.get_config()["policy"]
    'raise'
    """
    changes = _changes(policy, fast)
    blocks = _blocks.get()
    if blocks:
        key, config = blocks[-1]
        _blocks.set((*blocks[:-1], (key, {**config, **changes})))
    _defaults.update(changes)


def _changes(policy: str | None, fast: bool | None) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    if fast is not None:
        if not isinstance(fast, bool):
            raise ValueError(f"fast is {fast!r}; it must be True or False.")
        changes["fast"] = fast
    if policy is not None:
        changes["policy"] = _checked(policy, "policy")
    return changes


@contextmanager
def config_context(policy: Policy | None = None, fast: bool | None = None) -> Iterator[None]:
    """Set the configuration inside a ``with`` block, for the thread or asyncio task that runs it.

    Threads that are started inside the block have the default of the process; tasks that are started inside it have the
    configuration of the block.

    A generator that is suspended inside the block leaves the configuration to the code that called it, until it goes on
    or is closed. The same holds for :func:`decimal.localcontext`, and a function under
    :func:`contextlib.contextmanager` depends on it. Leave the block before each ``yield`` of any other generator.

    Parameters
    ----------
    policy : {"raise", "warn", "ignore"}, default=None
        As in :func:`set_config`.
    fast : bool, default=None
        As in :func:`set_config`.

    Yields
    ------
    None
        The configuration is set while the block runs.

    Examples
    --------
    >>> import sklearn_normlock as nl
    >>> with nl.config_context(policy="warn"):
    ...     nl.get_config()["policy"]
    'warn'
    """
    own = object()
    _blocks.set((*_blocks.get(), (own, {**_current(), **_changes(policy, fast)})))
    try:
        yield
    finally:
        _blocks.set(tuple(block for block in _blocks.get() if block[0] is not own))


def policy() -> str:
    """Return what a mismatch does here."""
    return _current()["policy"]


def fast() -> bool:
    """Return whether sealed objects take the fast path here."""
    return _current()["fast"]
