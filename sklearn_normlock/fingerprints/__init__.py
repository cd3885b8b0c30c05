"""What is it? The content identity of a fitted object: ``docs/spec.md`` says how it is made."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ..errors import UnfingerprintableError
from .digest import PREFIX, object_digest
from .record import Record

if TYPE_CHECKING:
    from .settings import Settings
    from .weights import Weights

__all__ = ["PREFIX", "Record", "content_of", "fingerprint", "object_digest", "require_fitted", "weights_of"]


def fingerprint(est: Any) -> str:
    """Return the fingerprint of a fitted object.

    It is a content identity of what determines the object's output: its class, the parameters that matter and its
    fitted state. It stays the same through pickle, joblib, skops, copies, use, other processes and other versions of
    Python and NumPy, and changes with one unit in the last place of one fitted number. A drop-in has the fingerprint
    of the scikit-learn object it stands for.

    Parameters
    ----------
    est : object
        A fitted estimator, scikit-learn's or one that follows its conventions; or a dict that maps names to such. Or
        weights: the path of a checkpoint, a dict of arrays, a torch module. The same tensors have the same fingerprint
        in every container. Or the path of settings, such as ``config.json``, which are compared by meaning.

    Returns
    -------
    fingerprint : str
        ``"nl1-sha256:"`` and 64 hexadecimal digits.

    Raises
    ------
    ArtifactReadError
        If a path is given, and the file holds no tensors that can be read.
    UnfingerprintableError
        If the object, or something in its state, has no stable name (a lambda, an open file) or refers to itself. The
        error's ``path`` says which attribute.

    Examples
    --------
    >>> import numpy as np, sklearn_normlock as nl
    >>> from sklearn.preprocessing import StandardScaler
    >>> scaler = StandardScaler().fit([[0.0], [2.0]])
    >>> nl.fingerprint(scaler) == nl.fingerprint(StandardScaler().fit([[0.0], [2.0]]))
    True
    >>> scaler.mean_[0] = np.nextafter(scaler.mean_[0], 9)
    >>> nl.fingerprint(scaler) == nl.fingerprint(StandardScaler().fit([[0.0], [2.0]]))
    False
    """
    content = content_of(est)
    if content is not None:
        return PREFIX + object_digest(content).hex()
    require_fitted(est)
    return PREFIX + object_digest(est).hex()


def content_of(source: Any) -> Settings | Weights | None:
    """Return what counts of a file, of a mapping of arrays or of a module; None for an estimator.

    Raises
    ------
    ArtifactReadError
        If a path is given, and it holds neither settings nor tensors.
    """
    if isinstance(source, (str, os.PathLike)):
        from .settings import Settings, is_settings

        if is_settings(source):
            return Settings(source)
    return weights_of(source)


def weights_of(source: Any) -> Weights | None:
    """Return the tensors that a path, a mapping of arrays or a module stands for; None for an estimator.

    Raises
    ------
    ArtifactReadError
        If a path is given, and it is no container of tensors.
    """
    if isinstance(source, (str, os.PathLike)):
        from .weights import open_weights

        return open_weights(source)
    if isinstance(source, Mapping) or callable(getattr(source, "state_dict", None)):
        from .weights import Weights

        return Weights.of(source)
    return None


# Transformers without state that say so only from scikit-learn 1.7 on.
_STATELESS = frozenset({"FeatureHasher", "HashingVectorizer", "PatchExtractor"})


def _requires_fit(est: Any) -> bool:
    """Tell whether an estimator that scikit-learn calls unfitted has anything to fit; up to 1.5 it asks all of them."""
    # With tags of 1.6 or later it was asked; that version has the older method, too, and warns of it.
    tags = None if hasattr(est, "__sklearn_tags__") else getattr(est, "_get_tags", None)
    if tags is not None and not tags().get("requires_fit", True):
        return False
    return not any(base.__module__.startswith("sklearn.") and base.__name__ in _STATELESS for base in type(est).__mro__)


def _deciding(est: Any) -> Any:
    """Return the object that decides whether an estimator is fitted: of a pipeline its last step, at any depth.

    scikit-learn decides by it too, but asks each level for the tags of all steps below, three times: the cost is a
    power of the depth, and minutes at fifteen.
    """
    while any(f"{base.__module__}.{base.__qualname__}" == "sklearn.pipeline.Pipeline" for base in type(est).__mro__):
        steps = getattr(est, "steps", None)
        last = steps[-1][1] if isinstance(steps, list) and steps else None
        if not hasattr(last, "get_params"):  # passthrough, or no pipeline that scikit-learn would take
            return est
        est = last
    return est


def require_fitted(est: Any, where: str = "") -> None:
    """Refuse what has no fitted state, so that nobody compares fingerprints of nothing.

    Parameters
    ----------
    est : object
        An estimator, or a dict of such.
    where : str, default=""
        Its place in a dict, for the message.

    Raises
    ------
    UnfingerprintableError
        If it isn't fitted, or is nothing that can be.
    """
    if type(est) is dict and est:
        for name, member in est.items():
            require_fitted(member, f"[{name!r}]")
        return
    name = f"{where} {type(est).__name__}".strip()
    if isinstance(est, type) or not any(hasattr(est, method) for method in ("fit", "transform", "predict")):
        raise UnfingerprintableError(
            f"{name} is not a fitted estimator.", remedy="Pass a fitted estimator, or a dict of names and estimators."
        )
    if "sklearn" in sys.modules and hasattr(est, "get_params"):
        from sklearn.exceptions import NotFittedError
        from sklearn.utils.validation import check_is_fitted

        try:
            check_is_fitted(_deciding(est))
        except NotFittedError:
            if not _requires_fit(est):
                return
            raise UnfingerprintableError(
                f"{name} is not fitted: there is nothing yet to vouch for.", remedy="Call fit first."
            ) from None
        except (TypeError, AttributeError):
            return  # it follows the conventions only in part; its state is what it has
