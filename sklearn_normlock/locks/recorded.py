"""Does it still compute what it did? Outputs that were recorded in an old environment, beside those of today."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ..documents.envelope import parsed
from ..documents.fields import Fields
from ..documents.files import file_digest
from ..errors import LockFormatError, ProbeMismatchError, UndecidedError
from ..probes import recorder
from ..probes.outputs import TOLERANCES, Deviation, compare_outputs, outputs_of
from ..probes.parts import Output
from ..probes.rows import decoded_rows, encoded_rows
from ..probes.synthesis import VARIANTS, rows_for
from ..probes.ties import tied
from ..probes.walk import quietly
from .document import Lock
from .parts import Fitted, Unjudged
from .report import Report

_ANEW = "Record it anew: `normlock recorder ARTIFACT > recorder.py`, and run that file in the old environment."
VERSION = 1


def recorder_source(est: Any = None, X: Any = None) -> str:
    """Return the text of a program that records what an object puts out in its old environment.

    Parameters
    ----------
    est : estimator, default=None
        Rows are made for it.
    X : array, DataFrame or list, default=None
        Rows of the user's in place of these.

    Returns
    -------
    source : str
        Python 3.7, NumPy; with pandas if the rows are a frame.
    """
    candidates = [X] if X is not None else [] if est is None else [*_candidates(est)]
    documents = [encoded_rows(rows) for rows in candidates]
    text = json.dumps(documents, sort_keys=True)
    head = "ROWS: list[Any] = []"
    return Path(recorder.__file__).read_text(encoding="utf-8").replace(head, f"ROWS = json.loads({text!r})", 1)


def _candidates(est: Any) -> Iterator[Any]:
    with quietly():
        for variant in range(VARIANTS):
            try:
                rows = rows_for(est, variant)
                if rows is not None:
                    encoded_rows(rows)
                    yield rows
            except Exception:  # rows of this kind can't be made for it; the recorder says so if none can
                continue


@dataclass(frozen=True, kw_only=True)
class Recording:
    """The outputs of an object in another environment.

    Parameters
    ----------
    sha256 : str
        Of the file that held it.
    environment : mapping of str to str
        The versions it was recorded under.
    rows : mapping or None
        What was put through it.
    outputs : tuple of Output
        By method.
    error : str or None
        Why there is no output.
    """

    sha256: str
    environment: Mapping[str, str]
    rows: Mapping[str, Any] | None
    outputs: tuple[Output, ...]
    error: str | None = None

    @classmethod
    def load(cls, path: Path) -> Recording:
        """Read a file that the recorder wrote."""
        try:
            fields = Fields(parsed(path.read_bytes()), path="recording")
            if fields.count("recording_version") != VERSION:
                fields.refuse("recording_version", str(VERSION))
            outputs = [
                output for method, each in fields.items("outputs") for output in outputs_of("", method, _array(each))
            ]
            rows = fields["rows"].value
            return cls(
                sha256=fields.digest("sha256"),
                environment=fields.names("environment"),
                rows=None if rows is None else fields.rows("rows"),
                outputs=tuple(outputs),
                error=fields.text_or_none("error"),
            )
        except (LockFormatError, ValueError) as error:
            raise LockFormatError(
                f"{path} can't be read as outputs that a recorder wrote: {error}", path=str(path), remedy=_ANEW
            ) from None

    def report(self, est: Any, path: Path) -> Report:
        """Compare what an object puts out here with what was recorded.

        Parameters
        ----------
        est : estimator
            As it was read here.
        path : Path
            The file it was read from.
        """
        with open(path, "rb") as file:
            sha256, _ = file_digest(file)
        why = None
        if sha256 != self.sha256:
            why = f"the outputs were recorded of another file (SHA-256 {self.sha256[:12]}…, here {sha256[:12]}…)"
        elif self.rows is None or not self.outputs:
            why = f"nothing was recorded: {self.error or 'no rows'}"
        if why is not None:
            return Report(undecided=(Unjudged(path="", why=why, remedy=_ANEW),), subject=str(path))
        deviations, ties = self._deviations(est)
        if not deviations and all(output.shape[:1] == (0,) for output in self.outputs):
            none = Unjudged(path="", why="the outputs that were recorded are of no rows", remedy=_ANEW)
            return Report(undecided=(none,), subject=str(path))
        return Report(
            deviations=tuple(deviations),
            notes=tuple(ties),
            probed=len(self.outputs),
            tolerances=TOLERANCES,
            subject=str(path),
            environment={"scikit-learn": (self.environment.get("scikit-learn", "none"), _version())},
        )

    def _deviations(self, est: Any) -> tuple[list[Deviation], list[str]]:
        """Return what differs, and the labels that differ at a tie."""
        expected = {output.method: output for output in self.outputs}
        rows: Any = self.rows
        found: list[Deviation] = []
        agreed: dict[str, Any] = {}
        labels: list[tuple[Deviation, Output, Output]] = []
        left = set(expected)
        for method in dict.fromkeys(name.partition("[")[0] for name in expected):
            try:
                with quietly():
                    value = getattr(est, method)(decoded_rows(rows))
            except Exception as error:
                text = f"can't be run: {type(error).__name__}: {error}"
                found.append(Deviation(path="", method=method, text=text[:200], relative=float("inf")))
                left -= {name for name in left if name.partition("[")[0] == method}
                continue
            value = value.toarray() if hasattr(value, "toarray") else value
            for i, output in enumerate(outputs_of("", method, value)):
                before = expected.get(output.method)
                left.discard(output.method)
                deviation = None if before is None else compare_outputs(before, output)
                if deviation is None:
                    agreed[output.method] = value if output.method == method else value[i]
                else:
                    found.append(deviation)
                    labels += [(deviation, expected[output.method], output)] if output.method == "predict" else []
        text = "gave an output when it was recorded, and gives none now"
        found += [Deviation(path="", method=method, text=text, relative=float("inf")) for method in sorted(left)]
        ties = []
        for deviation, before, output in labels:
            said = tied(before, output, agreed, est, None)
            if said is not None:
                found.remove(deviation)
                ties.append(f"{deviation.place} {said}")
        return found, ties


def _version() -> str:
    from ..records.environment import versions

    return versions()["scikit-learn"]


def _array(fields: Fields) -> Any:
    import numpy as np

    dtype, shape = fields.output_dtype("dtype"), fields.shape("shape")
    if dtype == "text":
        return np.array(fields.texts("texts"), dtype=object).reshape(shape)
    return recorder.array({"data": fields.text("data"), "dtype": dtype, "shape": shape})


def approved_by(lock: Lock, recording: Recording, est: Any, path: Path) -> Lock:
    """Return a lock whose object computes what was recorded.

    Raises
    ------
    ProbeMismatchError
        If it computes something else, or can't be run.
    UndecidedError
        If that can't be told, or it was recorded under another version than it was fitted under.
    """
    report = recording.report(est, path)
    fitted = lock.fitted.get("", Fitted())
    under = recording.environment.get("scikit-learn", "none")
    if report.ok and fitted.versions and set(fitted.versions) != {under}:
        why = f"it was fitted under {fitted.text}, and recorded under scikit-learn {under}"
        report = replace(report, undecided=(Unjudged(path="", why=why, remedy=_ANEW),))
    if report.undecided or report.deviations:
        error: Any = (ProbeMismatchError if report.deviations else UndecidedError)(report.explain(), path="")
        error.report = report
        raise error
    return replace(lock, fitted={"": replace(fitted, approved="recorded", recorded=dict(recording.environment))})
