"""The process of a candidate: it loads the candidate from its standard input, and answers request after request."""

from __future__ import annotations

import os
import pickle
import queue
import sys
import threading
from contextlib import suppress
from typing import Any

from .beside import read_message, send

__all__ = ["RemoteError", "main"]


class RemoteError(Exception):
    """An error of a candidate in its process; its first argument is the class of the error."""


def main() -> None:
    """Serve until the other side is gone."""
    with suppress(OSError, AttributeError):
        os.nice(10)  # requests come first
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what the candidate prints must not stand between answers
    messages: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    # A thread reads, so that this process ends with its parent even while the candidate hangs.
    threading.Thread(target=_read, args=(sys.stdin.buffer, messages), daemon=True).start()
    candidate: Any = None
    loaded = False
    while True:
        message = messages.get()
        try:
            if not loaded:
                candidate, value = pickle.loads(message), None
                loaded = True
            else:
                value = _ask(candidate, message)
            reply = pickle.dumps((True, value), protocol=5)
        except BaseException as error:
            reply = pickle.dumps((False, RemoteError(type(error).__name__, str(error))), protocol=5)
        send(answers, reply)


def _ask(candidate: Any, message: bytes) -> Any:
    from sklearn import config_context

    method, X, args, kwargs, config = pickle.loads(message)
    with config_context(**config):
        return getattr(candidate, method)(X, *args, **kwargs)


def _read(pipe: Any, messages: Any) -> None:
    try:
        while True:
            messages.put(read_message(pipe))
    except (EOFError, OSError):
        os._exit(0)
