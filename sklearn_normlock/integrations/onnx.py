"""ONNX: locked transformers convert as scikit-learn's do.

skl2onnx finds the converter of an object by its exact class. :func:`register` enters every drop-in under the operator
and the parser of the class that it stands for, and gives :class:`~sklearn_normlock.InputGuard` an identity. The public
``update_registered_converter`` can't be used for this: it makes the operator an alias of its own, and the parsers of
composites then look for a stock class in vain.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..drop_ins import locked_classes
from ..errors import MissingDependencyError
from ..fingerprints import fingerprint
from ..graphs.identity import STAMP
from ..graphs.remedies import enter
from ..guards.transformer import InputGuard

__all__ = ["register", "stamp"]

_GUARD = "NormlockInputGuard"


def register() -> tuple[type, ...]:
    """Let skl2onnx convert locked classes: every drop-in, and every class made with ``Locked`` so far.

    Returns
    -------
    classes : tuple of type
        Those that skl2onnx can convert from now on, sorted by name. Classes whose scikit-learn counterpart has no
        converter are left out.

    Raises
    ------
    MissingDependencyError
        If skl2onnx isn't installed.

    Notes
    -----
    It may be called again, after a class of yours was made.

    Examples
    --------
    >>> from sklearn_normlock.integrations.onnx import register
    >>> from sklearn_normlock.preprocessing import StandardScaler
    >>> StandardScaler in register()  # doctest: +SKIP
    True
    """
    try:
        from skl2onnx import update_registered_converter
    except ImportError as error:
        raise MissingDependencyError(
            f"Locked classes can't be registered with skl2onnx ({error}).",
            remedy="Install it: pip install 'sklearn-normlock[onnx]'.",
        ) from None
    registered = {cls for cls, stock in _stand_ins() if enter(cls, stock)}
    update_registered_converter(InputGuard, _GUARD, _same_shape, _identity, parser=_each_input, overwrite=True)
    return tuple(sorted(registered | {InputGuard}, key=lambda cls: (cls.__module__, cls.__qualname__)))


def stamp(model: Any, est: Any) -> Any:
    """Write the fingerprint of an estimator into the graph that was exported from it.

    Parameters
    ----------
    model : onnx.ModelProto
        What skl2onnx returned; it is changed in place.
    est : estimator
        Fitted.

    Returns
    -------
    model : onnx.ModelProto
        The same, with ``normlock.fingerprint`` among its ``metadata_props``. Identity and outputs stay as they are.

    Examples
    --------
    >>> from sklearn_normlock.integrations.onnx import stamp  # doctest: +SKIP
    >>> graph = stamp(to_onnx(model, X[:1]), model)  # doctest: +SKIP
    """
    for entry in model.metadata_props:
        if entry.key == STAMP:
            entry.value = fingerprint(est)
            return model
    entry = model.metadata_props.add()
    entry.key, entry.value = STAMP, fingerprint(est)
    return model


def _stand_ins() -> Iterator[tuple[type, type]]:
    """Yield the locked classes that compute what another class computes, and that class."""
    for cls in locked_classes():
        stock = cls.__dict__.get("__fingerprint_class__")
        if stock is not None:
            yield cls, stock


# -- the guard passes rows through ------------------------------------------------------------------------------------


def _each_input(scope: Any, model: Any, inputs: list[Any], custom_parsers: Any = None) -> list[Any]:
    """Declare one identity for each column or table, so that their types are kept."""
    outputs = []
    for variable in inputs:
        operator = scope.declare_local_operator(_GUARD, model)
        operator.inputs.append(variable)
        output = scope.declare_local_variable("guarded", variable.type)
        operator.outputs.append(output)
        outputs.append(output)
    return outputs


def _same_shape(operator: Any) -> None:
    operator.outputs[0].type = operator.inputs[0].type


def _identity(scope: Any, operator: Any, container: Any) -> None:
    from skl2onnx.common._apply_operation import apply_identity

    apply_identity(scope, operator.inputs[0].full_name, operator.outputs[0].full_name, container)
