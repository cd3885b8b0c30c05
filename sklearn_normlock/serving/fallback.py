"""``Fallback``: the newest model that is what was approved, else the last good one, and never in silence."""

from __future__ import annotations

import json
import warnings
from collections.abc import Sequence
from contextlib import suppress
from copy import copy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sklearn.exceptions import NotFittedError

from .. import events
from ..errors import FallbackWarning, InputFaultError, NoCandidateError, NormLockError
from ..guards.transformer import InputGuard
from .delegation import Counter, Opened, Outcome, ServingEstimator, callers_level, report_refused
from .members import LockLike, Member, check_locks, first_step, is_fitted, is_path, one_line

__all__ = ["Fallback", "FallbackStatus"]


@dataclass(frozen=True)
class FallbackStatus:
    """Which candidate answers, and why not the others.

    Parameters
    ----------
    serving : str
        The candidate that is asked first.
    refused : dict of str to str
        The candidates that may not answer, each with the reason.
    answered : dict of str to int
        How many calls each candidate has answered.
    failures : dict of str to int
        How many calls each candidate could not answer, or was not let answer, so that another one did.
    ok : bool
        Whether the first candidate answers, and has answered every call.
    """

    serving: str
    refused: dict[str, str] = field(default_factory=dict)
    answered: dict[str, int] = field(default_factory=dict)
    failures: dict[str, int] = field(default_factory=dict)
    ok: bool = True

    def explain(self) -> str:
        """Return it as text, a line for each candidate."""
        lines = [f"{'OK' if self.ok else 'FALLBACK'}: {self.serving} answers."]
        lines += [f"  {name} may not answer: {reason}" for name, reason in self.refused.items()]
        lines += [f"  {name}: another one answered {count} of its calls" for name, count in self.failures.items()]
        return "\n".join(lines)


class _Open(Opened):
    """The candidates that were verified, newest first, and what happened to the others."""

    def __init__(self, members: Sequence[Member], refused: dict[str, str], first: str, guarded: bool) -> None:
        self.members = tuple(members)  # replaced, never changed: a call works with the tuple that it found
        super().__init__(self.members[0])
        self.refused = refused
        self.first = first
        self.answered = Counter()
        self.failures = Counter()
        self.kinds = Counter()  # each kind of failure is said once
        self.guards = {each.name: guard for each in members if guarded and (guard := _guard_of(each)) is not None}

    def strike(self, member: Member, error: NormLockError) -> None:
        """Let a member answer no more: it is not what was verified."""
        self.members = tuple(each for each in self.members if each is not member)
        if self.members:
            self.front = self.members[0]
        self.refused[member.name] = one_line(error)


class Fallback(ServingEstimator):
    """Serve the newest candidate that is what was approved; else the next one, and say so.

    Each candidate is verified when it is opened: the bytes of its file, its state and the outputs of its probes must be
    what its lock says. "Can't tell" counts as not verified. At a call, the guard of the candidate must agree with the
    data. The first candidate that passes answers. Each failure is said once: a log record, a
    :class:`~sklearn_normlock.errors.FallbackWarning`, and a count in :meth:`status`.

    Parameters
    ----------
    candidates : list of path-like and estimators
        Newest first, the last good one last. A file (``.skops``, ``.joblib``, ``.pkl``) is opened by its lock. An
        object must be fitted; one that isn't is cloned and fitted by :meth:`fit`.
    locks : list, default=None
        For each candidate a :class:`~sklearn_normlock.Lock` or the path of one; True for the lock beside the file;
        False to serve it on trust. None is the lock beside a file, and for an object the seal that it carries.
    on_error : {"raise", "fallback"}, default="raise"
        What an error of a candidate in a call does: it reaches the caller, or the next candidate is asked. If all fail,
        the first one's error reaches the caller.
    guard : bool, default=True
        Whether each call's rows are compared with the profile that the candidate's lock or first step holds. A
        candidate whose guard finds a fault does not answer that call, unless it is the last one.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        As the candidate that is asked first has them.
    n_features_in_ : int
        Number of columns, as the candidate that is asked first has it.
    feature_names_in_ : ndarray of shape (`n_features_in_`,)
        Names of the columns, if they had names.

    See Also
    --------
    Shadow : Try a candidate beside the model that answers.
    Canary : Let a candidate answer a share of the rows.

    Notes
    -----
    A candidate that is opened from its file can be refused by itself. The members of one pickle stand and fall
    together: a sealed object that was changed there makes the whole pickle unreadable. Deploy files, therefore.

    Examples
    --------
    >>> import warnings, tempfile, pathlib, sklearn_normlock as nl
    >>> from sklearn.datasets import load_iris
    >>> from sklearn.linear_model import LogisticRegression
    >>> from sklearn_normlock.serving import Fallback
    >>> X, y = load_iris(return_X_y=True)
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> for name, C in (("new.skops", 1.0), ("good.skops", 0.5)):
    ...     nl.dump(LogisticRegression(C=C, max_iter=500).fit(X, y), folder / name, lock=True)
    >>> model = Fallback([folder / "new.skops", folder / "good.skops"]).load()
    >>> model.status().ok
    True
    >>> _ = (folder / "new.skops").write_bytes(b"cut short")
    >>> with warnings.catch_warnings(record=True) as said:
    ...     warnings.simplefilter("always")
    ...     model = model.load()
    >>> model.status().serving, len(said)
    ('candidates[1] (good.skops)', 1)
    """

    _unlocked = False

    def __init__(
        self,
        candidates: Sequence[Any],
        *,
        locks: Sequence[LockLike] | None = None,
        on_error: str = "raise",
        guard: bool = True,
    ) -> None:
        self.candidates = candidates
        self.locks = locks
        self.on_error = on_error
        self.guard = guard

    def status(self) -> FallbackStatus:
        """Return which candidate answers, and why not the others.

        Returns
        -------
        status : FallbackStatus
            ``.ok``, ``.serving``, ``.refused``, ``.answered``, ``.failures``, ``.explain()``.
        """
        opened: _Open = self._ready()
        failures = opened.failures.counts()
        return FallbackStatus(
            serving=opened.front.name if opened.members else "none",
            refused=dict(opened.refused),
            answered=opened.answered.counts(),
            failures=failures,
            ok=bool(opened.members) and opened.front.name == opened.first and not failures.get(opened.first),
        )

    def _sources(self) -> dict[str, tuple[Any, LockLike]]:
        if is_path(self.candidates) or not isinstance(self.candidates, (list, tuple)) or not self.candidates:
            raise NormLockError(
                f"candidates is {self.candidates!r}; it must be a list of files or fitted objects, newest first.",
                remedy="Fallback([newest, last_good])",
            )
        if self.on_error not in ("raise", "fallback"):
            raise NormLockError(f"on_error is {self.on_error!r}; it must be 'raise' or 'fallback'.")
        locks = check_locks(self.locks, len(self.candidates))
        return {
            f"candidates[{i}] ({Path(source).name if is_path(source) else type(source).__name__})": (source, lock)
            for i, (source, lock) in enumerate(zip(self.candidates, locks, strict=True))
        }

    def _members(self, opened: _Open) -> list[Member]:
        return list(opened.members)

    def _begin(self, outcomes: dict[str, Outcome]) -> _Open:
        members = [each for each in outcomes.values() if isinstance(each, Member)]
        errors = {name: error for name, error in outcomes.items() if isinstance(error, Exception)}
        if not members:
            raise self._none(errors)
        consequence = f"{members[0].name} answers."
        refused = {name: report_refused(name, error, consequence) for name, error in errors.items()}
        for name, reason in refused.items():
            warnings.warn(f"{name} may not answer: {reason} {consequence}", FallbackWarning, stacklevel=callers_level())
        return _Open(members, refused, next(iter(outcomes)), self.guard)

    def _none(self, errors: dict[str, Exception]) -> Exception:
        sources = [source for source, _ in self._sources().values()]
        if not any(is_fitted(source) for source in sources):
            return NotFittedError("No candidate of this Fallback is fitted yet. Call 'fit' with training data first.")
        reasons = {name: report_refused(name, error, "None answers.") for name, error in errors.items()}
        return NoCandidateError(
            "No candidate may answer:" + "".join(f"\n  {name}: {reason}" for name, reason in reasons.items()) + "\n",
            reasons=reasons,
            remedy="Deploy the files that were locked, or approve these.",
        )

    def _answer(self, method: str, X: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        opened: _Open = self._ready()
        members = opened.members
        passed_over: list[tuple[Member, Exception]] = []
        for rank, member in enumerate(members):
            last = rank == len(members) - 1
            try:
                if not last and member.name in opened.guards:
                    _consult(opened.guards[member.name], X)
                answer = getattr(member.estimator, method)(X, *args, **kwargs)
            except InputFaultError as error:
                if last:
                    self._give_up(passed_over)
                    raise
                passed_over.append((member, error))
            except NormLockError as error:
                opened.strike(member, error)
                passed_over.append((member, error))
            except Exception as error:
                if last or self.on_error == "raise":
                    self._give_up(passed_over)
                    raise
                passed_over.append((member, error))
            else:
                opened.answered.add(member.name)
                if passed_over:
                    self._say(opened, method, member, passed_over)
                return answer
        raise NoCandidateError(
            "No candidate may answer:" + "".join(f"\n  {each}: {why}" for each, why in opened.refused.items()) + "\n",
            reasons=opened.refused,
            remedy="Call load() to open the files anew, or fit the objects again.",
        )

    @staticmethod
    def _give_up(passed_over: list[tuple[Member, Exception]]) -> None:
        """Raise the first candidate's error, if the caller asked it at all: the data is more likely at fault."""
        for _, error in passed_over:
            if not isinstance(error, NormLockError):
                raise error

    @staticmethod
    def _say(opened: _Open, method: str, answered: Member, passed_over: list[tuple[Member, Exception]]) -> None:
        for member, error in passed_over:
            count = opened.failures.add(member.name)
            if opened.kinds.add(f"{member.name} {method} {type(error).__name__}") > 1:
                continue
            text = f"{member.name} did not answer {method}: {one_line(error)}. {answered.name} did."
            events.emit(
                "fallback",
                text,
                verdict=events.verdict_of(error),
                member=member.name,
                method=method,
                reason=one_line(error),
                count=count,
                **events.error_fields(error),
            )
            warnings.warn(text, FallbackWarning, stacklevel=callers_level())


def _guard_of(member: Member) -> InputGuard | None:
    """Return a guard that raises, made from what the member knows of its data; None if it has one, or can't have."""
    first = first_step(member.estimator)
    if isinstance(first, InputGuard) and first.on_fault == "raise":
        return None
    if isinstance(first, InputGuard) and first.columns_ is not None:
        guard = copy(first)
        guard.on_fault = "raise"
        return guard
    profile = member.profile
    if profile is None:
        return None
    guard = InputGuard(on_fault="raise")
    guard.__setstate__({"profile_": json.dumps(profile.to_dict())})  # as it comes back from a file
    return guard


def _consult(guard: InputGuard, X: Any) -> None:
    """Raise if the guard finds a fault; what is no table to it is the candidate's to judge."""
    with suppress(TypeError):
        guard.transform(X)
