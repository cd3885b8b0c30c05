"""The parts of a probe as a lock keeps them: the rows that were put through an object, and what it made of them."""

from __future__ import annotations

import base64
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from ..documents.fields import Fields
from ..documents.rendering import without_none

FAILED = "it could not be run on rows made for it"  # the beginning of a reason, which the error follows
SUMS = 128  # that are kept of a large output


@dataclass(frozen=True, kw_only=True)
class Output:
    """The output of a step for some rows (:mod:`sklearn_normlock.probes.outputs` makes and compares them).

    Parameters
    ----------
    path : str
        The step; empty for the whole object.
    method : str
        Such as ``"transform"`` or ``"predict_proba"``.
    shape : tuple of int
        Of the output.
    dtype : str
        NumPy's name for it, or ``"text"`` for labels and other values that are compared by their text.
    digest : str
        Of its canonical bytes: two outputs with one digest are the same to the last bit.
    data : str, default=""
        The elements in C order as little-endian float64, in base64; of a large output, sums of them.
    magnitude : str, default=""
        Of a large output, the sums of the absolute values, in the same form.
    not_finite : str, default=""
        Of a large output that holds NaN or infinities, the SHA-256 of where they are; the sums leave them out.
    texts : tuple of str, default=()
        The elements of an output that isn't numbers; of a large one, none.
    """

    path: str
    method: str
    shape: tuple[int, ...]
    dtype: str
    digest: str
    data: str = ""
    magnitude: str = ""
    not_finite: str = ""
    texts: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        result = {"path": self.path, "method": self.method, "shape": list(self.shape), "dtype": self.dtype}
        large = {
            "data": self.data,
            "magnitude": self.magnitude,
            "not_finite": self.not_finite,
            "texts": list(self.texts),
        }
        return {**result, "digest": self.digest, **{name: value for name, value in large.items() if value}}

    @classmethod
    def from_fields(cls, fields: Fields) -> Output:
        """Read it."""
        output = cls(
            path=fields.text("path"),
            method=fields.text("method"),
            shape=fields.shape("shape"),
            dtype=fields.output_dtype("dtype"),
            digest=fields.digest("digest"),
            data=fields.doubles("data") if "data" in fields else "",
            magnitude=fields.doubles("magnitude") if "magnitude" in fields else "",
            not_finite=fields.digest("not_finite") if "not_finite" in fields else "",
            texts=fields.texts("texts") if "texts" in fields else (),
        )
        fields.nothing_else()
        size = math.prod(output.shape)
        numbers = 0 if output.dtype == "text" else SUMS if output.magnitude else size
        if len(base64.b64decode(output.data)) // 8 != numbers:
            fields.refuse("data", "as many numbers as the shape says")
        if output.magnitude and len(base64.b64decode(output.magnitude)) // 8 != SUMS:
            fields.refuse("magnitude", f"{SUMS} numbers")
        if output.not_finite and not output.magnitude:
            fields.refuse("not_finite", "a field of large outputs alone")
        if len(output.texts) not in ((size, 0) if output.dtype == "text" else (0,)):
            fields.refuse("texts", "as many texts as the shape says")
        return output

    @property
    def place(self) -> str:
        """Where it came out, such as ``"scaler.transform"``."""
        return f"{self.path}.{self.method}" if self.path else self.method


@dataclass(frozen=True, kw_only=True)
class Probe:
    """Rows that were put through an object, and what it made of them.

    Parameters
    ----------
    path : str
        The estimator that was probed; empty for the whole object.
    source : {"statistics", "rows"}
        Whether the rows were made from fitted statistics, or are the user's.
    variant : int
        Which of the rows that can be made for it: with missing values, without, and so on.
    digest : str
        Of the rows.
    rows : mapping, default=None
        The rows themselves (:mod:`sklearn_normlock.probes.rows`); left out where they are many numbers: those made from
        statistics can be made again.
    outputs : tuple of Output
        Step by step.
    left_out : str, default=None
        Why there are no outputs, such as ``"not deterministic"``.
    """

    path: str
    source: str
    variant: int
    digest: str
    rows: Mapping[str, Any] | None = None
    outputs: tuple[Output, ...] = ()
    left_out: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return it as plain JSON values."""
        return without_none(
            path=self.path,
            source=self.source,
            variant=self.variant,
            digest=self.digest,
            rows=self.rows,
            outputs=[output.to_dict() for output in self.outputs],
            left_out=self.left_out,
        )

    @property
    def failed(self) -> bool:
        """Whether the estimator raised on every kind of rows that was made for it."""
        return self.left_out is not None and self.left_out.startswith(FAILED)

    @classmethod
    def from_fields(cls, fields: Fields) -> Probe:
        """Read it."""
        probe = cls(
            path=fields.text("path"),
            source=fields.one_of("source", ("statistics", "rows")),
            variant=fields.count("variant"),
            digest=fields.digest("digest"),
            rows=fields.rows("rows") if "rows" in fields else None,
            outputs=tuple(Output.from_fields(each) for each in fields.each("outputs")),
            left_out=fields.text_or_none("left_out"),
        )
        fields.nothing_else()
        return probe


def steps_of(probes: Iterable[Probe]) -> list[str]:
    """Return the paths of the steps that probes ran through, in the order in which rows pass them."""
    return list(dict.fromkeys(output.path for probe in probes for output in probe.outputs))
