"""Tensors by name, and what counts of them (clause 7.8 of ``docs/spec.md``)."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from ...errors import UnfingerprintableError


class Bits:
    """A tensor of a dtype that NumPy has not: its name, its shape and the bits of its elements.

    Parameters
    ----------
    dtype : str
        Such as ``"bfloat16"``, ``"float8_e4m3fn"`` or, of a quantised tensor, ``"q4_0"``.
    shape : tuple of int
        Of the tensor.
    bits : ndarray of uint8, uint16 or uint32
        One element each; of a dtype whose elements share bytes, the bytes of the whole.
    """

    __fingerprint_class__ = "sklearn_normlock:Bits"

    def __init__(self, dtype: str, shape: tuple[int, ...], bits: np.ndarray) -> None:
        self.dtype = dtype
        self.shape = shape
        self.bits = bits

    def __fingerprint_state__(self) -> dict[str, Any]:
        return {"dtype": self.dtype, "shape": self.shape, "bits": self.bits}

    @property
    def nbytes(self) -> int:
        """How many bytes the elements take."""
        return self.bits.nbytes


_DEEPEST = 100  # levels of nested mappings: one that holds itself has no end
Tensor = Any  # an ndarray of a plain dtype, or Bits


class Weights(Mapping[str, Tensor]):
    """The tensors of a checkpoint, by name.

    Parameters
    ----------
    tensors : mapping of str to ndarray or Bits
        As they are: nothing is copied.
    training : tuple of str, default=()
        Modules that were in training mode when the tensors were taken: their norm layers use the batch's statistics,
        and their dropout drops.
    path : path-like, default=None
        The file that they were read from.
    beside : str, default=""
        What that file says beside them that outputs depend on, in words. It doesn't count here.

    Examples
    --------
    >>> import numpy as np, sklearn_normlock as nl
    >>> from sklearn_normlock.fingerprints.weights import Weights
    >>> weights = Weights({"norm.weight": np.ones(3, np.float32)})
    >>> nl.fingerprint(weights) == nl.fingerprint({"norm.weight": np.ones(3, ">f4")})
    True
    """

    __fingerprint_class__ = "sklearn_normlock:Weights"

    def __init__(
        self,
        tensors: Mapping[str, Tensor],
        *,
        training: tuple[str, ...] = (),
        path: str | os.PathLike[str] | None = None,
        beside: str = "",
    ) -> None:
        self._tensors = {name: tensor_of(value, name) for name, value in tensors.items()}
        self.training = training
        self.path = path
        self.beside = beside

    def __getitem__(self, name: str) -> Tensor:
        return self._tensors[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._tensors)

    def __len__(self) -> int:
        return len(self._tensors)

    def __fingerprint_state__(self) -> dict[str, Any]:
        return self._tensors

    @classmethod
    def of(cls, source: Any) -> Weights | None:
        """Return the tensors of a mapping of arrays or of a module, or None if it is neither.

        Parameters
        ----------
        source : object
            A mapping of names to arrays (nested ones too, as flax has them), of tensors, or an object with a
            ``state_dict``, such as a torch module. No framework is imported for it.

        Raises
        ------
        UnfingerprintableError
            If a tensor has a dtype without canonical bytes.
        """
        if isinstance(source, Weights):
            return source
        if isinstance(source, type):
            return None
        training: tuple[str, ...] = ()
        if callable(getattr(source, "state_dict", None)) and callable(getattr(source, "named_modules", None)):
            training = tuple(name for name, module in source.named_modules() if getattr(module, "training", False))
            source = source.state_dict()
        if not isinstance(source, Mapping) or not source:
            return None
        tensors: dict[str, Tensor] = {}
        return cls(tensors, training=training) if _collect(source, "", tensors) and tensors else None


def _collect(source: Mapping[Any, Any], prefix: str, tensors: dict[str, Tensor]) -> bool:
    """Put the tensors of a nested mapping under their dotted names; tell whether it held nothing else."""
    for name, value in source.items():
        if not isinstance(name, str) or prefix.count(".") > _DEEPEST:
            return False
        if isinstance(value, Mapping):
            if not _collect(value, f"{prefix}{name}.", tensors):
                return False
        elif hasattr(value, "shape") and hasattr(value, "dtype") and not hasattr(value, "fit"):
            if prefix + name in tensors:
                raise UnfingerprintableError(
                    f"Two tensors have the name {prefix + name!r}: one lies in a mapping of its own.",
                    path=prefix + name,
                    remedy="Give each tensor a name of its own.",
                )
            tensors[prefix + name] = value
        else:
            return False
    return True


def tensor_of(value: Any, name: str) -> Tensor:
    """Return one array-like as an ndarray or Bits.

    Parameters
    ----------
    value : ndarray, or a tensor of torch, jax or another library
        On any device.
    name : str
        For the message.
    """
    if isinstance(value, Bits):
        return value
    if isinstance(value, np.ma.MaskedArray):
        raise UnfingerprintableError(
            f"{name} has masked values, which no weights have.", path=name, remedy="Fill them: .filled()."
        )
    if isinstance(value, (np.ndarray, np.generic)):
        value = np.asarray(value)
    elif callable(getattr(value, "detach", None)):  # torch's, which need not be imported to be asked
        value = value.detach().cpu().contiguous()
        dtype = str(value.dtype).removeprefix("torch.")
        if dtype in BITS:
            torch = sys.modules["torch"]
            return Bits(dtype, tuple(value.shape), value.view(getattr(torch, f"uint{BITS[dtype] * 8}")).numpy())
        value = value.numpy()
    else:
        value = np.asarray(value)
    if value.dtype.kind == "V" and value.dtype.name in BITS:  # ml_dtypes
        return Bits(value.dtype.name, value.shape, value.view(f"u{BITS[value.dtype.name]}"))
    if value.dtype.kind not in "biufc":
        raise UnfingerprintableError(
            f"{name} has dtype {value.dtype}, which no weights have.",
            path=name,
            remedy="Pass arrays of numbers; fitted estimators go in a dict of their own.",
        )
    return value


#: Bytes of an element of the dtypes that NumPy has not, by torch's names.
BITS = {
    "bfloat16": 2,
    "float8_e4m3fn": 1,
    "float8_e5m2": 1,
    "float8_e4m3fnuz": 1,
    "float8_e5m2fnuz": 1,
    "float8_e8m0fnu": 1,
}
