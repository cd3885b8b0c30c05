"""Policy: what happens on a mismatch. Set as scikit-learn's own configuration is set.

``NORMLOCK_POLICY`` in the environment gives the default of a process, for an operator who has to keep a service up
while a mismatch is looked into; every process that starts so says it in its log.
"""

from __future__ import annotations

import logging
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["config_context", "get_config", "set_config"]

POLICIES = ("raise", "warn", "ignore")
ENVIRONMENT_VARIABLE = "NORMLOCK_POLICY"

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


_defaults = {"policy": _default_policy()}
_local = threading.local()


def _current() -> dict[str, str]:
    # As in scikit-learn, each thread starts from the process's defaults and then has a configuration of its own.
    try:
        return _local.config
    except AttributeError:
        _local.config = dict(_defaults)
        return _local.config


def get_config() -> dict[str, str]:
    """Return the configuration of this thread.

    Returns
    -------
    config : dict
        A copy: ``{"policy": "raise" | "warn" | "ignore"}``.

    Examples
    --------
    >>> import sklearn_normlock as nl
    >>> nl.get_config()
    {'policy': 'raise'}
    """
    return dict(_current())


def set_config(policy: str | None = None) -> None:
    """Set the configuration of this thread.

    Parameters
    ----------
    policy : {"raise", "warn", "ignore"}, default=None
        What a mismatch does. ``None`` leaves it as it is. ``"warn"`` gives a :class:`SealWarning` and goes on;
        ``"ignore"`` checks nothing.

    Raises
    ------
    ValueError
        If the policy has another name.
    """
    if policy is not None:
        _current()["policy"] = _checked(policy, "policy")


@contextmanager
def config_context(policy: str | None = None) -> Iterator[None]:
    """Set the configuration inside a ``with`` block; it is put back afterwards.

    Parameters
    ----------
    policy : {"raise", "warn", "ignore"}, default=None
        As in :func:`set_config`.

    Examples
    --------
    >>> import sklearn_normlock as nl
    >>> with nl.config_context(policy="warn"):
    ...     nl.get_config()["policy"]
    'warn'
    """
    before = get_config()
    set_config(policy)
    try:
        yield
    finally:
        _local.config = before


def policy() -> str:
    """Return what a mismatch does in this thread."""
    return _current()["policy"]
