"""The stand-in for a watch while an object may change: in a fit, in a block of ``thaw``, or as a copy of one."""

from __future__ import annotations

import sys
import weakref
from contextvars import ContextVar
from threading import get_ident
from typing import Any

from .watch import Watch


class Opening:
    """Stands in the watch's place while an object may change: in a fit, or inside ``thaw``.

    Parameters
    ----------
    before : Watch, default=None
        The watch that it stands for.

    Attributes
    ----------
    copies : list of weakref
        Copies and slices that were taken meanwhile. They are open for as long, and are sealed with the object.
    """

    def __init__(self, before: Watch | None = None) -> None:
        self.before = before
        self.copies: list[weakref.ref[Any]] = []

    def over(self) -> bool:
        """Tell whether it has ended, by an interrupt that came before the object could be closed, say."""
        raise NotImplementedError

    def admits(self) -> bool:
        """Tell whether the calling code is inside: the object may be changing under anybody else."""
        raise NotImplementedError


class FitOpening(Opening):
    """Opens an object for a call of ``fit``: the frame of the call holds it in the variable ``opening``."""

    def __init__(self, before: Watch | None = None) -> None:
        super().__init__(before)
        self._thread = get_ident()

    def over(self) -> bool:
        """As :meth:`Opening.over`."""
        frame = sys._getframe() if self._thread == get_ident() else sys._current_frames().get(self._thread)
        try:
            while frame is not None:
                if "opening" in frame.f_code.co_varnames and frame.f_locals.get("opening") is self:
                    return False
                frame = frame.f_back
            return True
        finally:
            del frame  # a frame that holds itself would keep everything in it alive

    def admits(self) -> bool:
        """As :meth:`Opening.admits`. Before the first fit there is nothing that another thread could mistake."""
        return self._thread == get_ident() or self.before is None


class ThawOpening(Opening):
    """Opens an object for a block of ``thaw``, in the thread or task that runs it.

    Parameters
    ----------
    before : Watch or None
        The watch that it stands for.
    block : object
        Lives as long as the block, and has an attribute ``ended``.
    """

    def __init__(self, before: Watch | None, block: Any) -> None:
        super().__init__(before)
        self._block = weakref.ref(block)

    def over(self) -> bool:
        """As :meth:`Opening.over`."""
        block = self._block()
        return block is None or block.ended

    def admits(self) -> bool:
        """As :meth:`Opening.admits`."""
        block = self._block()
        return any(each() is block for each in inside_blocks.get())


class CopyOpening(Opening):
    """Opens a copy or a slice for as long as the object is open that it was taken from."""

    def __init__(self, origin: Opening) -> None:
        super().__init__()
        self.over = origin.over  # type: ignore[method-assign]
        self.admits = origin.admits  # type: ignore[method-assign]


# The blocks of ``thaw`` that the running code is inside of.
inside_blocks: ContextVar[tuple[weakref.ref[Any], ...]] = ContextVar("sklearn_normlock_thaw", default=())
