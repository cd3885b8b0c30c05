"""``ImagePreprocessor``: what happens to an image before a model sees it, as one locked transformer."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin

from ..errors import InputFaultError, NormLockError
from ..fingerprints.digest import PREFIX
from ..records.images import OWNER, STAGE, operations_of
from ..seals.mixin import Locked
from .decoding import pictures
from .operations import KINDS, Operation, Parameters, canonical, run
from .readers import from_huggingface, from_torchvision

if TYPE_CHECKING:
    from ..locks.document import Lock


class ImagePreprocessor(Locked, TransformerMixin, BaseEstimator):
    """Make arrays of images by an ordered list of operations; the list and its order are the state.

    Parameters
    ----------
    operations : sequence
        In the order in which they are done. Each is a name, or a name and a dict of parameters:

        - ``"exif"``: turn the image as its EXIF orientation says.
        - ``"convert"`` (mode="RGB"): to the mode "L", "RGB" or "RGBA".
        - ``"resize"`` (size, filter, rule="exact", max_size=None): ``size`` is height and width, or the shorter edge
          with ``rule="shortest"``. The filters are Pillow's, all of which smooth when they shrink.
        - ``"center_crop"`` (size, rounding="floor"): ``"half_even"`` rounds odd margins as torchvision does.
        - ``"grayscale"`` (channels=1): 1 or 3 equal channels.
        - ``"channels"`` (order): such as ``[2, 1, 0]`` for BGR.
        - ``"rescale"`` (by=255.0, how="divide"): ``"multiply_float32"``, ``"multiply_float64"`` round otherwise.
        - ``"normalize"`` (mean, std): a number for each channel, in the scale of the pixels at that point.
        - ``"layout"`` (to="CHW") and ``"dtype"`` (to="float32").

    Attributes
    ----------
    operations_ : tuple
        The operations with every parameter spelled out.
    fingerprint_ : str
        Identity of the list.

    See Also
    --------
    compare_pixels : Name what another implementation does to the pixels.

    Notes
    -----
    Pillow decodes, converts and resizes. Its version is therefore in the environment of locks and traces: a report says
    that it moved, and the probes of the lock tell whether that matters.

    Examples
    --------
    >>> import numpy as np
    >>> from sklearn_normlock.images import ImagePreprocessor
    >>> prepare = ImagePreprocessor(
    ...     [
    ...         ("convert", {"mode": "RGB"}),
    ...         ("resize", {"size": 4, "rule": "shortest", "filter": "bilinear"}),
    ...         ("center_crop", {"size": 4}),
    ...         "rescale",
    ...         ("normalize", {"mean": [0.5, 0.5, 0.5], "std": [0.5, 0.5, 0.5]}),
    ...         ("layout", {"to": "CHW"}),
    ...     ]
    ... ).fit()
    >>> white = np.full((6, 9, 3), 255, dtype=np.uint8)
    >>> out = prepare.transform([white])
    >>> out.shape, out.dtype, float(out.max())
    ((1, 3, 4, 4), dtype('float32'), 1.0)
    """

    __module__ = "sklearn_normlock.images"  # the name that fingerprints and files know it by
    __computes_with__ = ("Pillow",)
    operations_: tuple[Operation, ...]

    def __init__(self, operations: Any = ()) -> None:
        self.operations = operations

    @classmethod
    def from_torchvision(cls, compose: Any) -> ImagePreprocessor:
        """Read the parameters of a torchvision pipeline; torch is not imported.

        Parameters
        ----------
        compose : Compose, transform, or preset of weights
            ``torchvision.transforms`` or its ``v2``. It must start from images of Pillow's.

        Returns
        -------
        preprocessor : ImagePreprocessor
            Fitted.

        Raises
        ------
        NormLockError
            If a transform isn't known, is random, or resizes tensors, which no other library does in the same way.
        """
        return cls(from_torchvision(compose)).fit()

    @classmethod
    def from_huggingface(cls, config: Mapping[str, Any] | str | os.PathLike[str]) -> ImagePreprocessor:
        """Read a ``preprocessor_config.json``.

        Parameters
        ----------
        config : mapping or path-like
            The file, its folder, or what is in it.

        Returns
        -------
        preprocessor : ImagePreprocessor
            Fitted. It does what the processor on NumPy and Pillow does: the "slow" one, from transformers 5 on the one
            with ``Pil`` in its name. The file of version 5 does not say which of the two made it.

        Raises
        ------
        NormLockError
            If something in it isn't known, or is missing and its default depends on the class.
        ArtifactReadError
            If the file can't be read.
        """
        return cls(from_huggingface(config)).fit()

    @classmethod
    def from_lock(cls, lock: Lock) -> ImagePreprocessor:
        """Make the preprocessor that a lock describes; the object that was locked isn't needed.

        Parameters
        ----------
        lock : Lock
            Of a preprocessor, or of a pipeline or bundle that has one.

        Returns
        -------
        preprocessor : ImagePreprocessor
            Fitted, with the fingerprint that the lock states.

        Raises
        ------
        NormLockError
            If the lock has no preprocessor, or several that differ, or does not hold all its parameters.

        Examples
        --------
        >>> import sklearn_normlock as nl
        >>> from sklearn_normlock.images import ImagePreprocessor
        >>> prepare = ImagePreprocessor(["rescale", "layout"]).fit()
        >>> ImagePreprocessor.from_lock(nl.lock(prepare)).fingerprint_ == prepare.fingerprint_
        True
        """
        entries = {path: each for path, each in lock.state.items() if isinstance(each, Mapping)}
        found = {each["digest"]: path for path, each in entries.items() if each.get("class") == OWNER}
        if len(found) != 1:
            places = ", ".join(sorted(found.values())) or "none"
            raise NormLockError(
                f"The lock must have one ImagePreprocessor, and has {places}.",
                remedy="Name the lock of the preprocessor, or of a pipeline that begins with it.",
            )
        ((digest, path),) = found.items()
        made = cls(operations_of(path, lock.state)).fit()
        if made.fingerprint_ != PREFIX + digest:
            raise NormLockError(
                f"The lock does not hold all that {path or 'the preprocessor'} is made of.",
                path=path,
                remedy="Lock it anew; if its values were kept out of the lock, compare with the object itself.",
            )
        return made

    def fit(self, X: Any = None, y: Any = None) -> ImagePreprocessor:
        """Check the operations; nothing is learned from images.

        Parameters
        ----------
        X, y : None
            Ignored.

        Returns
        -------
        self : ImagePreprocessor
            Sealed.

        Raises
        ------
        NormLockError
            If an operation or a parameter is unknown, missing or of the wrong kind.
        """
        self.operations_ = canonical(self.operations)
        return self

    def transform(self, X: Any) -> np.ndarray:
        """Process images.

        Parameters
        ----------
        X : sequence of n_images
            Paths, bytes of image files, images of Pillow's or arrays of uint8.

        Returns
        -------
        pixels : ndarray of shape (n_images, height, width, channels) or (n_images, channels, height, width)

        Raises
        ------
        InputFaultError
            If an image is none or isn't as it was decoded, or the results differ in shape; ``path`` says which.
        ArtifactReadError
            If a file can't be decoded.
        """
        operations = self.operations_ if hasattr(self, "operations_") else canonical(self.operations)
        done: list[np.ndarray] = []
        for i, picture in enumerate(pictures(X)):
            try:
                done.append(run(operations, picture))
            except InputFaultError as error:
                error.path = f"X[{i}]: {error.path}" if error.path else f"X[{i}]"
                raise
            if done[-1].shape != done[0].shape:
                raise InputFaultError(
                    f"X[{i}] comes out as {done[-1].shape}, X[0] as {done[0].shape}: they make no one array.",
                    path=f"X[{i}]",
                    expected=done[0].shape,
                    actual=done[-1].shape,
                    remedy="Resize to an exact size, crop, or convert to one mode.",
                )
        if not done:
            raise InputFaultError("There is no image in X.", path="X", remedy="Give at least one.")
        return np.stack(done)

    def __fingerprint_state__(self) -> dict[str, Any]:
        """Return what counts: the operations with every parameter spelled out, however they were written."""
        state = {"operations": _stages(self.operations_)}
        given = canonical(self.operations)
        return state if given == self.operations_ else {**state, "parameters": _stages(given)}

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "operations_")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.requires_fit = False
        tags.no_validation = True  # its input is no table
        tags.input_tags.two_d_array = False
        tags.input_tags.three_d_array = True
        return tags

    def _more_tags(self) -> dict[str, Any]:
        return {"requires_fit": False, "no_validation": True, "X_types": ["3darray"], "stateless": True}


class _Stage:
    """An operation as a part of a fingerprint, so that a change is located to its parameter."""

    def __init__(self, parameters: Parameters) -> None:
        self.parameters = parameters

    def __fingerprint_state__(self) -> dict[str, Any]:
        return dict(self.parameters)


# A class for each, by whose name the operation goes.
_STAGES = {name: type(name, (_Stage,), {"__fingerprint_class__": f"{STAGE}{name}"}) for name in KINDS}


def _stages(operations: tuple[Operation, ...]) -> list[_Stage]:
    return [_STAGES[name](parameters) for name, parameters in operations]
