"""How could a graph be made to agree? Its source is exported again in other ways, and each is tried on its rows."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

from ..probes.walk import leaves
from .parity import parity, unguarded
from .rows import Rows

_DIVISIONS = ("div", "div_cast")  # instead of a product with the reciprocal, which is another rounding


def enter(cls: type, stock: type) -> bool:
    """Let skl2onnx convert a class as it converts the one that it stands for; tell whether it converts that."""
    from skl2onnx import _parse, update_registered_parser
    from skl2onnx._supported_operators import sklearn_operator_name_map

    known = False
    if stock in _parse.sklearn_parsers_map:
        update_registered_parser(cls, _parse.sklearn_parsers_map[stock])
        known = True
    if stock in sklearn_operator_name_map:
        sklearn_operator_name_map[cls] = sklearn_operator_name_map[stock]
        known = True
    return known


def remedy(est: Any, model: Any, X: Rows = None) -> str:
    """Say which other export of an estimator agrees with it, where this graph does not.

    Parameters
    ----------
    est : estimator
        Fitted.
    model : onnx.ModelProto
        A graph of it that computes something else.
    X : array or DataFrame, default=None
        As for :func:`~sklearn_normlock.graphs.parity.parity`.

    Returns
    -------
    text : str
        A sentence. Nothing is said to help that was not tried.
    """
    try:
        import skl2onnx  # noqa: F401
    except ImportError:
        return "No other export was tried, since skl2onnx isn't installed"
    tried = []
    for name, advice, options, double in _exports(est):
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                if parity(est, _exported(est, model, options, double), X).ok:
                    return advice
        except Exception:  # a converter may fail in any way, and so may a runtime on what it wrote
            continue
        tried.append(name)
    if parity(est, model, X, served=False).ok:
        return "On rows cast to float32 both agree: cast them before the estimator, too"
    if not tried:
        return "No other export could be tried: skl2onnx can't convert it"
    return f"Exported again ({', '.join(tried)}) it differs, too: serve the estimator itself"


def _exports(est: Any) -> Iterator[tuple[str, str, dict[Any, Any], bool]]:
    """Yield name, advice, options and precision of the exports to try, from the least change to the largest."""
    yield "as it was", "Exported again it agrees: this file was changed, or is of another object or version", {}, False
    scalers = {type(leaf) for _, leaf, _ in leaves(unguarded(est)) if _divides(type(leaf))}
    for way in _DIVISIONS if scalers else ():
        shown = ", ".join(f"{cls.__name__}: {{'div': {way!r}}}" for cls in sorted(scalers, key=lambda c: c.__name__))
        yield way, f"Export it with options={{{shown}}}: so it agrees", {cls: {"div": way} for cls in scalers}, False
    yield "in double precision", "Export it in double precision (initial types of float64): so it agrees", {}, True


def _divides(cls: type) -> bool:
    from skl2onnx._supported_operators import sklearn_operator_name_map
    from skl2onnx.common._registration import get_converter

    stock = cls.__dict__.get("__fingerprint_class__", cls)
    try:
        allowed = get_converter(sklearn_operator_name_map[stock]).get_allowed_options()
    except Exception:  # a class without a converter, or a converter without options
        return False
    return "div" in (allowed or {})


def _exported(est: Any, model: Any, options: dict[Any, Any], double: bool) -> Any:
    """Export an estimator with the inputs of a graph."""
    from skl2onnx import convert_sklearn
    from skl2onnx.common import data_types

    kinds = {
        1: data_types.DoubleTensorType if double else data_types.FloatTensorType,
        7: data_types.Int64TensorType,
        8: data_types.StringTensorType,
        11: data_types.DoubleTensorType,
    }
    inputs = []
    for each in model.graph.input:
        tensor = each.type.tensor_type
        shape = [place.dim_value or None for place in tensor.shape.dim]
        inputs.append((each.name, kinds[tensor.elem_type](shape)))
    whole = unguarded(est)
    for part in (whole, *(leaf for _, leaf, _ in leaves(whole))):
        for cls in (type(part), *map(type, vars(part).values())):
            stock = cls.__dict__.get("__fingerprint_class__")
            if isinstance(stock, type) and stock is not cls:
                enter(cls, stock)
    if hasattr(whole, "predict_proba"):
        options = {**options, id(whole): {"zipmap": False}}
    return convert_sklearn(whole, initial_types=inputs, options=options or None)
