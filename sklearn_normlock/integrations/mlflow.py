"""MLflow: autologging of locked models, a model logged with its lock, and loaded by one before it is unpickled."""

from __future__ import annotations

import functools
import importlib
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..drop_ins import locked_classes
from ..errors import ArtifactReadError, MissingDependencyError
from ..locks.comparison import lock as make_lock
from ..locks.comparison import verify
from ..locks.document import SUFFIX, Lock
from ..persistence import load
from ..trust import trusted_types

__all__ = ["TAG", "autolog", "load_model", "log_model"]

TAG = "normlock.fingerprint"
_LOCK = f"model{SUFFIX}"
#: what MLflow asks for the classes to patch
_LIST = "_gen_estimators_to_patch"


def _mlflow() -> Any:
    try:
        import mlflow
        import mlflow.sklearn
    except ImportError as error:
        raise MissingDependencyError(
            f"There is no MLflow to log with ({error}).", remedy="Install it: pip install 'mlflow>=3'."
        ) from None
    return mlflow


def autolog(**kwargs: Any) -> None:
    """Let MLflow's autologging see locked classes as it sees scikit-learn's.

    Parameters
    ----------
    **kwargs
        As :func:`mlflow.sklearn.autolog` takes them, ``disable=True`` included.

    Raises
    ------
    MissingDependencyError
        If MLflow isn't installed, or is one that patches estimators in another way.

    Notes
    -----
    It does what :func:`mlflow.sklearn.autolog` does, to stock classes too, and may be called before or after locked
    classes are imported, and before or after MLflow's own. Call it again after a class of yours was made. The model
    that is logged carries its seal; :func:`log_model` logs its lock and its fingerprint besides.

    Examples
    --------
    >>> from sklearn_normlock.integrations.mlflow import autolog  # doctest: +SKIP
    >>> autolog()  # doctest: +SKIP
    """
    _mlflow()
    # The attribute `mlflow.sklearn` may be a lazy stand-in, whose names are copies; what is patched is the module.
    flavor = importlib.import_module("mlflow.sklearn")
    _list_locked(flavor)
    flavor.autolog(**kwargs)


def _list_locked(flavor: Any) -> None:
    """Add locked classes to those that MLflow patches; where it has no such list, say so."""
    listed = getattr(flavor, _LIST, None)
    if listed is None:
        raise MissingDependencyError(
            "This MLflow doesn't list the estimators that it patches, so locked ones can't be added.",
            remedy="Log the fitted model by sklearn_normlock.integrations.mlflow.log_model, or use another MLflow 3.",
        )
    if getattr(listed, "_normlock_listed", False):
        return

    @functools.wraps(listed)
    def with_locked() -> list[type]:
        theirs = listed()
        known = set(theirs)
        # A class counts by what it inherits from: a pipeline with samplers is one. MLflow leaves out scalers and
        # ColumnTransformer; so do we.
        return [*theirs, *(cls for cls in locked_classes() if cls not in known and known.intersection(cls.__mro__))]

    with_locked._normlock_listed = True  # type: ignore[attr-defined]
    setattr(flavor, _LIST, with_locked)


def log_model(
    sk_model: Any, *, lock: Lock | None = None, skops_trusted_types: Sequence[str] = (), **kwargs: Any
) -> Any:
    """Log a fitted model as skops, its lock beside it, with its fingerprint as a tag.

    Parameters
    ----------
    sk_model : estimator
        Fitted.
    lock : Lock, default=None
        What was approved: a model that is another one isn't logged. Made of the model if None.
    skops_trusted_types : sequence of str, default=()
        Further types that the file may hold; this package's are included.
    **kwargs
        As :func:`mlflow.sklearn.log_model` takes them: ``name``, ``signature``, ``input_example``,
        ``registered_model_name``, ``tags`` and the rest.

    Returns
    -------
    info : mlflow.models.model.ModelInfo
        A version in the registry carries the tag, too.

    Raises
    ------
    LockMismatchError
        If the model is not what the lock says.
    UndecidedError
        If that can't be told.

    Examples
    --------
    >>> from sklearn_normlock.integrations.mlflow import log_model  # doctest: +SKIP
    >>> info = log_model(model, name="churn", registered_model_name="churn")  # doctest: +SKIP
    """
    mlflow = _mlflow()
    if lock is not None:
        verify(sk_model, lock)
    approved = make_lock(sk_model) if lock is None else lock
    kwargs["tags"] = {**(kwargs.get("tags") or {}), TAG: approved.fingerprint}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, _LOCK)
        approved.save(path)
        info = mlflow.sklearn.log_model(
            sk_model,
            serialization_format="skops",
            skops_trusted_types=[*trusted_types(), *skops_trusted_types],
            extra_files=[*(kwargs.pop("extra_files", None) or []), str(path)],
            **kwargs,
        )
    registered = kwargs.get("registered_model_name")
    if registered is not None:
        number = str(info.registered_model_version)
        mlflow.MlflowClient().set_model_version_tag(registered, number, TAG, approved.fingerprint)
    return info


def load_model(
    model_uri: str,
    *,
    lock: Lock | str | os.PathLike[str] | None = None,
    trusted: Sequence[str] | None = None,
    trust_file: bool = False,
) -> Any:
    """Load a model by a lock: nothing is unpickled that the lock doesn't know.

    Parameters
    ----------
    model_uri : str
        As MLflow takes it.
    lock : Lock or path-like, default=None
        What was approved, from a place that whoever writes to the store can't write to. The lock that was logged beside
        the model if None: it tells damage and a mistaken file, not an attacker.
    trusted : sequence of str, default=None
        As in :func:`sklearn_normlock.load`.
    trust_file : bool, default=False
        As in :func:`sklearn_normlock.load`: whether to unpickle a file whose bytes the lock doesn't know, such as one
        that was autologged, and then to judge the object by its state.

    Returns
    -------
    est : estimator
        The fitted object, verified.

    Raises
    ------
    NormLockError
        As :func:`sklearn_normlock.load`.

    Examples
    --------
    >>> from sklearn_normlock.integrations.mlflow import load_model  # doctest: +SKIP
    >>> model = load_model("models:/churn/3", lock="churn.normlock.json")  # doctest: +SKIP
    """
    mlflow = _mlflow()
    folder = Path(mlflow.artifacts.download_artifacts(artifact_uri=model_uri))
    flavors = mlflow.models.Model.load(str(folder)).flavors
    if "sklearn" not in flavors:
        raise ArtifactReadError(
            f"{model_uri} is no model of scikit-learn's: its flavors are {', '.join(sorted(flavors))}.",
            path=model_uri,
            remedy="Name a model that log_model logged.",
        )
    beside = next(iter(sorted(folder.rglob(_LOCK))), folder / _LOCK)
    path, approved = folder / flavors["sklearn"]["pickled_model"], beside if lock is None else lock
    return load(path, lock=approved, trusted=trusted, trust_file=trust_file)
