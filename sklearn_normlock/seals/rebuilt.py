"""The ``make_*`` functions: scikit-learn's own, with their result in our classes."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


def rebuilt(make: Callable[P, Any], cls: type[T]) -> Callable[P, T]:
    """Return a function like ``make``, of the same signature, whose result is of another class.

    Parameters
    ----------
    make : callable
        One of scikit-learn's, such as ``make_pipeline``: it names the steps.
    cls : type
        The class of the result; it takes the same parameters.
    """

    @functools.wraps(make)
    def made(*args: P.args, **kwargs: P.kwargs) -> T:
        return cls(**make(*args, **kwargs).get_params(deep=False))

    home, name = make.__module__.split("._")[0], getattr(make, "__name__", "make")
    made.__doc__ = f"As :func:`{home}.{name}`, of locked classes.\n\n{inspect.cleandoc(make.__doc__ or '')}\n"
    return made
