"""Every error and warning of sklearn-normlock, in one tree.

::

    ValueError
    └── NormLockError
        ├── FingerprintMismatchError   a sealed object's state is not what was fitted
        ├── PipelineMismatchError      a step is not the one the others were fitted with
        ├── MissingFingerprintError    fitted state without its fingerprint
        ├── LockMismatchError          an object is not what was approved
        ├── ArtifactDigestError        a file's bytes are not the approved ones
        ├── ArtifactReadError          a file is cut short, damaged, or not ours
        ├── ArtifactWriteError         a file can't be written: no space is left, say
        ├── EnvironmentMismatchError   fitted under versions that are known not to agree with these
        ├── ProbeMismatchError         the same state, another behaviour
        ├── UndecidedError             neither a match nor a mismatch: something was not judged
        ├── InputFaultError            the data is not what the object was fitted for
        ├── NoCandidateError           no candidate of a serving estimator may answer
        ├── GateInputError             a gate was given what it can't compare
        │   └── GateLimitsError        limits that can't be read
        ├── ReferenceMismatchError     reference rows are not the ones that were pinned
        ├── LockFormatError            a lock that can't be read
        │   ├── LockVersionError       a lock of a version that isn't known here
        │   └── MissingLockError       a lock that was asked for and isn't there
        ├── UnfingerprintableError     an object that has no stable name: a lambda, say
        └── MissingDependencyError     an optional package that isn't installed

    UserWarning
    ├── sklearn.exceptions.InconsistentVersionWarning
    │   └── EnvironmentMismatchWarning the same state under other versions
    ├── SealWarning                    a mismatch, under the policy "warn"
    ├── InputFaultWarning              a fault in the data, under ``on_fault="warn"``
    └── FallbackWarning                another candidate answers than the one that should

An error carries its facts as fields, so that a program needn't parse the text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

__all__ = [
    "ArtifactDigestError",
    "ArtifactReadError",
    "ArtifactWriteError",
    "EnvironmentMismatchError",
    "EnvironmentMismatchWarning",  # noqa: F822 - made below, when it is first asked for
    "FallbackWarning",
    "FingerprintMismatchError",
    "GateInputError",
    "GateLimitsError",
    "InputFaultError",
    "InputFaultWarning",
    "LockFormatError",
    "LockMismatchError",
    "LockVersionError",
    "MissingDependencyError",
    "MissingFingerprintError",
    "MissingLockError",
    "NoCandidateError",
    "NormLockError",
    "PipelineMismatchError",
    "ProbeMismatchError",
    "ReferenceMismatchError",
    "SealWarning",
    "UndecidedError",
    "UnfingerprintableError",
]


class NormLockError(ValueError):
    """Base class: something between training and serving does not match.

    Parameters
    ----------
    message : str
        What, where, expected against actual.
    path : str, default=None
        Where: the path of the estimator, parameter or element that differs.
    expected, actual : object, default=None
        What was fitted or asked for, and what is there.
    remedy : str, default=None
        What to do next; it is put at the end of the message.
    changes : sequence of Change, default=()
        Everything that differs, worst first.
    """

    def __init__(
        self,
        message: str,
        *,
        path: str | None = None,
        expected: Any = None,
        actual: Any = None,
        remedy: str | None = None,
        changes: Sequence[Any] = (),
    ) -> None:
        self.path = path
        self.expected = expected
        self.actual = actual
        self.remedy = remedy
        self.changes = tuple(changes)
        super().__init__(f"{message} {remedy}" if remedy else message)

    @property
    def help(self) -> str:
        """The section of the documentation about this class of error, as ``page#anchor`` in the repository."""
        named = next(cls.__name__ for cls in type(self).__mro__ if cls.__name__ in __all__)
        return f"docs/errors.md#{named.lower()}"


class FingerprintMismatchError(NormLockError):
    """A sealed object's state is not what was fitted."""


class PipelineMismatchError(NormLockError):
    """A step is not the one that the other steps were fitted with."""


class MissingFingerprintError(NormLockError):
    """Fitted state without the fingerprint that belongs to it."""


class LockMismatchError(NormLockError):
    """An object is not the one that was approved.

    Attributes
    ----------
    report : Report
        Everything that differs.
    """

    report: Any = None


class ArtifactDigestError(NormLockError):
    """The bytes of a file are not the approved ones."""


class ArtifactReadError(NormLockError):
    """A file can't be read back: cut short, damaged, or of another kind."""


class ArtifactWriteError(NormLockError, OSError):
    """A file can't be written; one that was there before is untouched."""

    def __new__(cls, *args: Any, **fields: Any) -> Any:
        """Make it; the fields are for ``__init__``."""
        # The parent that has a layout of its own must make it.
        return OSError.__new__(cls, *args)


class EnvironmentMismatchError(NormLockError):
    """The object was fitted under versions that do not agree with these."""


class ProbeMismatchError(NormLockError):
    """The same state gives other outputs than it gave when it was locked.

    Attributes
    ----------
    report : Report
        Everything that differs.
    """

    report: Any = None


class UndecidedError(NormLockError):
    """Whether an object is the approved one can't be told: nothing differs, but something was not judged.

    Attributes
    ----------
    report : Report
        Its ``undecided`` says what was not judged, why, and what would let it be judged.
    """

    report: Any = None


class InputFaultError(NormLockError):
    """The data is not what the object was fitted for."""


class NoCandidateError(NormLockError):
    """No candidate of a serving estimator may answer.

    Attributes
    ----------
    reasons : dict of str to str
        Why, for each candidate.
    """

    def __init__(self, message: str, *, reasons: Mapping[str, str] | None = None, **fields: Any) -> None:
        self.reasons = dict(reasons or {})
        super().__init__(message, **fields)


class GateInputError(NormLockError):
    """A gate was given what it can't compare: other lengths, no right answers, an unknown metric or column."""


class GateLimitsError(GateInputError):
    """The limits of a gate can't be read."""


class ReferenceMismatchError(NormLockError):
    """The rows of a gate are not the reference set that was pinned."""


class LockFormatError(NormLockError):
    """A lock that can't be read."""


class LockVersionError(LockFormatError):
    """A lock written by a version whose format isn't known here."""


class MissingLockError(LockFormatError, FileNotFoundError):
    """A lock that was asked for is not there."""

    def __new__(cls, *args: Any, **fields: Any) -> Any:
        """Make it; the fields are for ``__init__``."""
        # The parent that has a layout of its own must make it.
        return FileNotFoundError.__new__(cls, *args)


class UnfingerprintableError(NormLockError):
    """An object whose state has no stable name, so that no fingerprint can vouch for it."""


class MissingDependencyError(NormLockError, ImportError):
    """An optional package that the call needs isn't installed."""


class SealWarning(UserWarning):
    """Nothing vouches for an object: a mismatch under the policy ``"warn"``, or members that nothing binds."""


class InputFaultWarning(UserWarning):
    """The data is not what the object was fitted for."""


class FallbackWarning(UserWarning):
    """Another candidate answers than the one that should."""


def __getattr__(name: str) -> Any:
    # scikit-learn takes most of a second to import, and reading a lock needs none of it: the one class here that
    # derives from scikit-learn's is made when it is first asked for.
    if name != "EnvironmentMismatchWarning":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from sklearn.exceptions import InconsistentVersionWarning

    class EnvironmentMismatchWarning(InconsistentVersionWarning):
        """The object was fitted under other versions than these.

        Parameters
        ----------
        estimator_name : str
            The class that was loaded.
        fitted, here : str
            Both environments, such as ``"scikit-learn 1.9.1, numpy 2.4.6, scipy 1.17.1, python 3.11"``.
        remedy : str, default=None
            What to do, where more is known of it than that the versions differ.
        """

        def __init__(self, *, estimator_name: str, fitted: str, here: str, remedy: str | None = None) -> None:
            super().__init__(
                estimator_name=estimator_name, current_sklearn_version=here, original_sklearn_version=fitted
            )
            self.fitted = fitted
            self.here = here
            self.remedy = remedy

        def __reduce__(self) -> Any:
            names = ("estimator_name", "fitted", "here", "remedy")
            fields = {name: getattr(self, name) for name in names}
            return partial(type(self), **fields), ()

        def __str__(self) -> str:
            # The same words for every member of a pipeline: one load is told of once.
            return (
                f"A locked object was fitted under {self.fitted}; this is {self.here}. Its state is what was fitted, "
                "but another version may compute something else from it: "
                + (self.remedy or "compare its outputs on known rows, or fit it anew under these versions.")
            )

    EnvironmentMismatchWarning.__module__ = __name__
    EnvironmentMismatchWarning.__qualname__ = name
    globals()[name] = EnvironmentMismatchWarning
    return EnvironmentMismatchWarning
