"""Policy: what happens on a mismatch. Set as scikit-learn's own configuration is set.

``NORMLOCK_POLICY`` in the environment gives the default of a process, for an operator who has to keep a service up
while a mismatch is looked into; every process that starts so says it in its log. ``NORMLOCK_FAST=0`` sends every call
through scikit-learn's own methods.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

__all__ = ["config_context", "get_config", "set_config"]

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
_local = threading.local()


def _current() -> dict[str, Any]:
    # As in scikit-learn, each thread starts from the process's defaults and then has a configuration of its own.
    try:
        return _local.config
    except AttributeError:
        _local.config = dict(_defaults)
        return _local.config


def get_config() -> dict[str, Any]:
    """Return the configuration of this thread.

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


def set_config(policy: str | None = None, fast: bool | None = None) -> None:
    """Set the configuration of this thread.

    Parameters
    ----------
    policy : {"raise", "warn", "ignore"}, default=None
        What a mismatch does. ``None`` leaves it as it is. ``"warn"`` gives a :class:`SealWarning` and goes on;
        ``"ignore"`` checks nothing.
    fast : bool, default=None
        Whether sealed objects take the fast path where there is one. ``None`` leaves it as it is. What they give is the
        same to the last bit; ``False`` is there to see that for yourself.

    Raises
    ------
    ValueError
        If the policy has another name, or ``fast`` is not a truth value.
    """
    if fast is not None and not isinstance(fast, bool):
        raise ValueError(f"fast is {fast!r}; it must be True or False.")
    if policy is not None:
        _current()["policy"] = _checked(policy, "policy")
    if fast is not None:
        _current()["fast"] = fast


@contextmanager
def config_context(policy: str | None = None, fast: bool | None = None) -> Iterator[None]:
    """Set the configuration inside a ``with`` block; it is put back afterwards.

    Parameters
    ----------
    policy : {"raise", "warn", "ignore"}, default=None
        As in :func:`set_config`.
    fast : bool, default=None
        As in :func:`set_config`.

    Examples
    --------
    >>> import sklearn_normlock as nl
    >>> with nl.config_context(policy="warn"):
    ...     nl.get_config()["policy"]
    'warn'
    """
    before = get_config()
    set_config(policy, fast)
    try:
        yield
    finally:
        _local.config = before


def policy() -> str:
    """Return what a mismatch does in this thread."""
    return _current()["policy"]


def fast() -> bool:
    """Return whether sealed objects take the fast path in this thread."""
    return _current()["fast"]
