"""The ``make_*`` functions: scikit-learn's own, with their result in our classes."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any


def rebuilt(make: Callable[..., Any], cls: type) -> Callable[..., Any]:
    """Return a function like ``make``, of the same signature, whose result is of another class.

    Parameters
    ----------
    make : callable
        One of scikit-learn's, such as ``make_pipeline``: it names the steps.
    cls : type
        The class of the result; it takes the same parameters.
    """

    @functools.wraps(make)
    def made(*args: Any, **kwargs: Any) -> Any:
        return cls(**make(*args, **kwargs).get_params(deep=False))

    made.__doc__ = f"As :func:`{make.__module__.split('._')[0]}.{make.__name__}`, of locked classes.\n\n{make.__doc__}"
    return made
