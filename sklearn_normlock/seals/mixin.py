"""``Locked``: the one mixin that seals a transformer."""

from __future__ import annotations

import copy
import functools
import inspect
from collections.abc import Callable
from typing import Any

from numpy import ndarray
from sklearn.base import BaseEstimator
from sklearn.utils.metaestimators import available_if

from ..errors import ArtifactReadError, FingerprintMismatchError, NormLockError
from ..fingerprints import PREFIX
from ..fingerprints.exclusions import PARTIAL_FIT
from ..kernels import kernel_of
from ..kernels.inputs import on_other, usual
from ..kernels.sparse import Rows
from ..probes.frames import COLUMNS, columns_noted
from .display import with_seal
from .freeze import passed_arrays
from .opened import FitOpening, Opening
from .seal import (
    _watches,
    abandon,
    after_use,
    carry,
    check,
    fitted_attribute,
    open_copy,
    open_with,
    respond,
    seal,
    verify_loaded,
    watch_on,
    watch_over,
)
from .shape import CHECKED, SEALING
from .watch import FINGERPRINT, UNNAMED, Watch

_CLONING = ("__sklearn_clone__",)
_THIN = frozenset(
    {"__module__", "__qualname__", "__doc__", "__firstlineno__", "__static_attributes__", "__annotations__"}
)

_TEXT = frozenset({str})


class Locked:
    """Mixin that locks a transformer: ``class MyScaler(Locked, TheirScaler): pass``.

    After every ``fit`` the object is sealed: its fingerprint is taken and kept as ``fingerprint_``, and its fitted
    arrays are made read-only. At every call, and on every way back from bytes (pickle, joblib, skops, a copy), what is
    there is compared with what was fitted; a difference raises. Signatures, parameters and results are the parent's.

    Attributes
    ----------
    fingerprint_ : str
        What :func:`sklearn_normlock.fingerprint` gave after the fit.

    See Also
    --------
    sklearn_normlock.thaw : Change a sealed object on purpose.
    sklearn_normlock.unlock : The same object in the parent's class.
    sklearn_normlock.set_config : What a mismatch does.

    Examples
    --------
    >>> from sklearn.preprocessing import StandardScaler
    >>> from sklearn_normlock import Locked
    >>> class MyScaler(Locked, StandardScaler):
    ...     pass
    >>> scaler = MyScaler().fit([[0.0], [2.0]])
    >>> scaler.with_mean = False
    >>> scaler.transform([[1.0]])
    Traceback (most recent call last):
        ...
    sklearn_normlock.errors.FingerprintMismatchError: MyScaler: with_mean True when fitted, False now; ...
    """

    fingerprint_: str
    __fingerprint_class__: type
    _normlock_locked = True
    _normlock_thin: bool  # of a class that computes what its parent computes
    _normlock_updated = False  # whether to set a state is to update the attributes

    def __init_subclass__(cls, **kwargs: Any) -> None:
        body = set(cls.__dict__)
        if any(getattr(base, "_sklearn_auto_wrap_output_keys", None) == set() for base in cls.__bases__):
            # The parent opted out of set_output, which isn't inherited.
            kwargs.setdefault("auto_wrap_output_keys", None)
        # First the parent's hook: scikit-learn wraps the methods that a class defines to set the output container, and
        # what is wrapped below would be wrapped again.
        super().__init_subclass__(**kwargs)
        _refuse_own_fingerprint(cls)
        parents = [base for base in cls.__bases__ if base is not Locked]
        if body <= _THIN and len(parents) == 1:
            # A class without a body of its own computes what its parent computes, and goes by its name.
            stock = parents[0].__dict__.get("__fingerprint_class__") if issubclass(parents[0], Locked) else parents[0]
            if stock is not None:
                cls.__fingerprint_class__ = stock
                cls._normlock_thin = True
        after = cls.__mro__[cls.__mro__.index(Locked) + 1 :]
        setters = [base for base in after if "__setstate__" in vars(base)]
        # scikit-learn's does no more than that for classes that aren't its own.
        cls._normlock_updated = setters in ([], [BaseEstimator])
        if cls.__doc__ is None:
            cls.__doc__ = _documentation(cls)
        for names, wrap in ((SEALING, _sealing), (CHECKED, _checked), (_CLONING, _cloning)):
            for name in names:
                _wrap(cls, name, wrap)

    def __copy__(self) -> Any:
        return self._duplicate(lambda state: state, {})

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        return self._duplicate(lambda state: copy.deepcopy(state, memo), memo)

    def _duplicate(self, taken: Callable[[Any], Any], memo: dict[int, Any]) -> Any:
        duplicate = memo[id(self)] = type(self).__new__(type(self))
        watch = watch_over(self)
        if isinstance(watch, Opening) and watch.admits():
            # scikit-learn's callbacks and routing take copies in the middle of a fit
            vars(duplicate).update(taken(vars(self)))
            open_copy(duplicate, watch)
        elif UNNAMED in vars(self) and check(self):
            vars(duplicate).update(taken(vars(self)))
            watch_on(duplicate)
        else:
            duplicate.__setstate__(taken(self.__getstate__()))
        return duplicate

    def __getstate__(self) -> Any:
        parent = getattr(super(), "__getstate__", None)
        return carry(self, parent() if parent is not None else dict(vars(self)))

    def __setstate__(self, state: Any) -> None:
        if self._normlock_updated and type(state) is dict:
            vars(self).update(state)
        else:
            try:
                super().__setstate__(state)  # type: ignore[misc]
            except (NormLockError, Warning):
                raise
            except Exception as error:
                raise self._unreadable(f"{type(error).__name__}: {error}") from error
        if not _TEXT.issuperset(map(type, vars(self))):
            raise self._unreadable("an attribute's name is no text")
        verify_loaded(self)

    def _unreadable(self, why: str) -> ArtifactReadError:
        return ArtifactReadError(
            f"This {type(self).__name__} can't be put together from what was saved ({why}): that was damaged.",
            remedy="Load the file again from where it was saved, or fit again.",
        )

    def _get_doc_link(self) -> str:
        stock: Any = type(self).__dict__.get("__fingerprint_class__")
        owner: Any = super() if stock is None else stock.__new__(stock)
        return owner._get_doc_link()

    def _repr_html_inner(self) -> str:
        parent: Any = super()
        return with_seal(self, parent._repr_html_inner())

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, str]:
        parent = getattr(super(), "_repr_mimebundle_", None)
        if parent is None:
            return {"text/plain": repr(self)}
        bundle = parent(**kwargs)
        if "text/html" in bundle:
            bundle["text/html"] = with_seal(self, bundle["text/html"])
        return bundle


def _documentation(cls: type) -> str | None:
    stock = cls.__dict__.get("__fingerprint_class__")
    if stock is None or not stock.__doc__:
        return None
    module = ".".join(part for part in stock.__module__.split(".") if not part.startswith("_"))
    link = f"https://scikit-learn.org/stable/modules/generated/{module}.{stock.__name__}.html"
    name = f"{module}.{stock.__name__}"
    title = f"`{name} <{link}>`_" if module.startswith("sklearn.") else f"``{name}``"
    return (
        f"{title}, locked: sealed by every fit, checked at every call and load.\n\n"
        "    Parameters, methods and results are the parent's; ``docs/seal.md`` says what is added. The parent's own\n"
        f"    documentation follows.\n\n    {stock.__doc__.lstrip()}"
    )


def _wrap(cls: type, name: str, wrap: Callable[..., Any]) -> None:
    method = inspect.getattr_static(cls, name, None)
    if method is None or getattr(method, "_normlock_wrapped", False):
        return
    if inspect.isfunction(method):
        setattr(cls, name, wrap(method, _called(cls, name, method)))
    elif hasattr(method, "check") and hasattr(method, "fn"):  # a method that is there only under a condition
        if not getattr(method.fn, "_normlock_wrapped", False):
            setattr(cls, name, available_if(method.check)(wrap(method.fn, _called(cls, name, method.fn))))


def _called(cls: type, name: str, method: Callable[..., Any]) -> Callable[..., Any]:
    """Return what a wrapper calls: a class's own method, or whatever its parents have when it is called.

    Tools patch the methods of scikit-learn's classes after ours were made (MLflow's autologging does), and expect the
    patch to be called.
    """
    if name in vars(cls):
        return method

    def inherited(self: Any, *args: Any, **kwargs: Any) -> Any:
        return getattr(super(cls, self), name)(*args, **kwargs)

    return _named(inherited, method)


def _checked(method: Callable[..., Any], called: Callable[..., Any]) -> Callable[..., Any]:
    name = method.__name__

    watches = _watches

    @functools.wraps(method)
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        watch = watches.get(id(self))
        if watch.__class__ is Watch and watch.intact(self):
            result = None
            if len(args) == 1 and not kwargs:
                try:
                    kernel = watch.kernels[name]
                except KeyError:
                    kernel = kernel_of(self, name, watch)
                if kernel is not None and usual():
                    X = args[0]
                    result = kernel(X) if type(X) is ndarray else on_other(kernel, X)
            if result.__class__ is Rows:
                result = result.matrix()
            elif result is None:
                result = called(self, *args, **kwargs)
            if watch.active or watches.get(id(self)) is not watch:
                after_use(self, watch)
            return result
        if check(self):
            watch = watches.get(id(self))
            result = called(self, *args, **kwargs)
            if watch.__class__ is Watch:
                after_use(self, watch)
            return result
        if watch_over(self) is not None or fitted_attribute(self) is not None:
            return called(self, *args, **kwargs)
        result = called(self, *args, **kwargs)
        if fitted_attribute(self) is not None:
            seal(self)  # its first use fitted it: a vectorizer with a given vocabulary
        return result

    return _named(call, method)


def _sealing(method: Callable[..., Any], called: Callable[..., Any]) -> Callable[..., Any]:
    partial = method.__name__ == "partial_fit"

    @functools.wraps(method)
    def fit(self: Any, *args: Any, **kwargs: Any) -> Any:
        before = watch_over(self)
        if isinstance(before, Opening):
            if before.admits():
                return called(self, *args, **kwargs)  # a part of a fit that is going on
            check(self)
            before = before.before
        if partial:
            _refuse_after_load(self)
        opening, sealed_as = FitOpening(before), vars(self).get(FINGERPRINT)
        try:
            open_with(self, opening)
            result = called(self, *args, **kwargs)
            if not _is_of_a_seal(vars(self).get(FINGERPRINT), sealed_as):
                raise _own_fingerprint(type(self), "its fit sets one")
        except BaseException:
            abandon(self, opening)
            raise
        vars(self).pop(COLUMNS, None)
        noted = columns_noted(args[0]) if args else None
        if noted is not None:
            vars(self)[COLUMNS] = noted
        returned = () if result is self else (result,)
        seal(self, passed_arrays((*args, *kwargs.values(), *returned)))
        return result

    return _named(fit, method)


def _cloning(method: Callable[..., Any], called: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    def clone(self: Any) -> Any:
        cloned = called(self)
        if cloned is not self and vars(self).get(PARTIAL_FIT):
            vars(cloned)[PARTIAL_FIT] = True
        return cloned

    return _named(clone, method)


def _named(wrapper: Any, method: Callable[..., Any]) -> Callable[..., Any]:
    # scikit-learn's helpers read the names of frames, and so do people who read tracebacks and profiles.
    wrapper.__code__ = wrapper.__code__.replace(co_name=method.__name__)
    wrapper._normlock_wrapped = True
    return wrapper


def _refuse_own_fingerprint(cls: type) -> None:
    if any(FINGERPRINT in vars(base) for base in cls.__mro__):
        raise _own_fingerprint(cls, "its class defines one")


def _own_fingerprint(cls: type, why: str) -> NormLockError:
    return NormLockError(
        f"A {cls.__name__} can't be locked: {FINGERPRINT} is where a seal is kept, and {why} of its own.",
        path=FINGERPRINT,
        remedy="Give its attribute another name, or keep the class as it is: nl.lock and nl.verify take it so.",
    )


def _is_of_a_seal(found: Any, before: Any) -> bool:
    """Tell whether a fit left ``fingerprint_`` alone, or another thread sealed the object meanwhile."""
    return found is None or found is before or (type(found) is str and found.startswith(PREFIX))


def _refuse_after_load(self: Any) -> None:
    watch = watch_over(self)
    if isinstance(watch, Watch) and watch.from_bytes and not vars(self).get(PARTIAL_FIT):
        respond(
            FingerprintMismatchError(
                f"partial_fit would change a {type(self).__name__} that came back from bytes or is a copy: it would "
                "no longer be what was fitted.",
                path="partial_fit",
                expected=vars(self).get(FINGERPRINT),
                remedy="To train it further on purpose, call partial_fit inside `with sklearn_normlock.thaw(...)`. "
                "If copies are trained by turns, call sklearn_normlock.allow_partial_fit first.",
            ),
            self,
        )
