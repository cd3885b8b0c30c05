"""``Tokenizer``: a tokenizer file as a locked transformer of texts, with padding and truncation as policy that counts.

Its identity is that of its canonical components: normaliser, pre-tokeniser, the model with its whole vocabulary and
merges, post-processor, decoder and added tokens. Two swapped entries that no text of a probe contains are seen.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, TransformerMixin

from .documents.envelope import parsed
from .documents.files import reading
from .errors import ArtifactReadError, InputFaultError, LockFormatError, MissingDependencyError, NormLockError
from .seals.mixin import Locked

__all__ = ["Tokenizer"]

_LARGEST = 1 << 28  # bytes of a file; real ones have up to 35 MB
_FILE = "tokenizer.json"
_PADS = ("[PAD]", "<pad>", "<|pad|>", "<PAD>")
_FROM_FILE = "file"
_SIDES = ("left", "right")
_SHOWN = 3


class Tokenizer(Locked, TransformerMixin, BaseEstimator):
    """Make token ids of texts, as a ``tokenizer.json`` says.

    Parameters
    ----------
    tokenizer : path-like, bytes, mapping or tokenizers.Tokenizer
        A file or its folder, what is in the file, or a tokenizer itself. It is read at ``fit``; what was read is kept
        in the object, and the file is not needed later.
    max_length : int, None or "file", default="file"
        Tokens of a text, special ones included; longer ones are cut. None cuts nothing.
    padding : {"longest", "max_length", "file"}, default="file"
        How long shorter texts are made: as the longest of the batch, or ``max_length``.
    padding_side, truncation_side : {"left", "right", "file"}, default="file"
        Where it is filled up and cut; "right" if the file doesn't say.
    pad_token : str or "file", default="file"
        What fills up. If the file doesn't say, a token of a usual name.
    add_special_tokens : bool, default=True
        Whether the template of the file is applied: ``[CLS]`` and ``[SEP]``, say.

    Attributes
    ----------
    json_ : str
        The components in canonical form.
    policy_ : tuple
        What was made of the other parameters and the file.
    fingerprint_ : str
        Identity of both.

    See Also
    --------
    sklearn_normlock.onnx.OnnxTransformer : What usually comes next.

    Examples
    --------
    >>> from sklearn_normlock.text import Tokenizer
    >>> words = {"[PAD]": 0, "[UNK]": 1, "scale": 2, "the": 3, "data": 4}
    >>> model = {"type": "WordLevel", "vocab": words, "unk_token": "[UNK]"}
    >>> file = {"model": model, "pre_tokenizer": {"type": "Whitespace"}, "normalizer": {"type": "Lowercase"}}
    >>> tokens = Tokenizer(file).fit().transform(["Scale the data", "the model"])
    >>> tokens[:, 0].tolist()  # ids
    [[2, 3, 4], [3, 1, 0]]
    >>> tokens[:, 1].tolist()  # 1 where there is a token
    [[1, 1, 1], [1, 1, 0]]
    """

    __computes_with__ = ("tokenizers",)
    json_: str
    policy_: tuple[tuple[str, Any], ...]

    def __init__(
        self,
        tokenizer: Any = None,
        *,
        max_length: Any = _FROM_FILE,
        padding: str = _FROM_FILE,
        padding_side: str = _FROM_FILE,
        truncation_side: str = _FROM_FILE,
        pad_token: str = _FROM_FILE,
        add_special_tokens: bool = True,
    ) -> None:
        self.tokenizer = tokenizer
        self.max_length = max_length
        self.padding = padding
        self.padding_side = padding_side
        self.truncation_side = truncation_side
        self.pad_token = pad_token
        self.add_special_tokens = add_special_tokens

    def fit(self, X: Any = None, y: Any = None) -> Tokenizer:
        """Read the tokenizer; nothing is learned from texts.

        Parameters
        ----------
        X, y : None
            Ignored.

        Returns
        -------
        self : Tokenizer
            Sealed.

        Raises
        ------
        ArtifactReadError
            If it can't be read, or the library refuses it.
        NormLockError
            If a parameter has no such value.
        """
        document = _document(self.tokenizer)
        text = json.dumps(_components(document), sort_keys=True, separators=(",", ":"))
        policy = _policy(self.get_params(deep=False), document)
        _built(text, policy)  # the library has to take it
        self.json_, self.policy_ = text, policy
        return self

    def transform(self, X: Iterable[str]) -> np.ndarray:
        """Make token ids.

        Parameters
        ----------
        X : sequence of str of length n_texts
            The texts.

        Returns
        -------
        tokens : ndarray of int64 of shape (n_texts, 3, length)
            Ids; 1 for tokens and 0 for what fills up; the types of segments.

        Raises
        ------
        InputFaultError
            If X is one text, or holds something else; if texts must be filled up and no token for it is known.
        """
        if not hasattr(self, "json_"):
            from sklearn.exceptions import NotFittedError

            raise NotFittedError("This Tokenizer has not read its file yet: call fit().")
        texts = _texts(X)
        policy = dict(self.policy_)
        built = _built(self.json_, self.policy_)
        with _refusals(InputFaultError, "The tokenizer refuses the texts", "X", "Look at what is odd in these texts."):
            encoded = built.encode_batch(texts, add_special_tokens=policy["add_special_tokens"])
        return _table([(each.ids, each.type_ids) for each in encoded], policy)

    def get_vocab(self) -> dict[str, int]:
        """Return each token and its id, added ones included.

        Returns
        -------
        vocabulary : dict of str to int
        """
        return dict(_built(self.json_, self.policy_).get_vocab(with_added_tokens=True))

    def _normlock_differences(self, other: Tokenizer) -> list[str]:
        """Say how the vocabularies differ, with examples: a record keeps their digest alone."""
        ours, theirs = (_vocabulary(json.loads(each.json_)["model"]) for each in (self, other))
        if ours == theirs:
            return []
        gone, new = [[t for t in a if t not in b] for a, b in ((ours, theirs), (theirs, ours))]
        moved = [token for token in ours if token in theirs and ours[token] != theirs[token]]
        parts = []
        for names, text in ((gone, "gone"), (new, "new"), (moved, "have another id or score")):
            if names:
                shown = ", ".join(
                    f"{name!r} {ours[name]} → {theirs[name]}" if names is moved else repr(name)
                    for name in names[:_SHOWN]
                )
                parts.append(f"{len(names)} {text} ({shown}{', …' if len(names) > _SHOWN else ''})")
        return [f"Of the vocabulary's {len(ours)} tokens, {'; '.join(parts)}."]

    def __fingerprint_state__(self) -> dict[str, Any]:
        """Return what counts: the components, each change located, and the policy."""
        components = json.loads(self.json_)
        model = dict(components.pop("model"))
        vocabulary = model.pop("vocab", None)
        merges = model.pop("merges", None)
        # Long lists as their bytes: nobody reviews them entry by entry, and a record has room for a digest.
        return {
            **{name: _part(value) for name, value in components.items()},
            "model": _part(model),
            "vocabulary": _bytes(vocabulary),
            "vocabulary_size": 0 if vocabulary is None else len(vocabulary),
            "merges": _bytes(merges),
            "merges_size": 0 if merges is None else len(merges),
            "policy": _part(dict(self.policy_)),
            **self._changed_parameters(),
        }

    def _changed_parameters(self) -> dict[str, Any]:
        """Return parameters that were set after fit and would make another policy."""
        policy = dict(self.policy_)
        given = {name: getattr(self, name) for name in policy if hasattr(self, name)}
        changed = {name: value for name, value in given.items() if value != _FROM_FILE and value != policy[name]}
        return {"parameters": changed} if changed else {}

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "json_")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.no_validation = True
        tags.input_tags.two_d_array = False
        tags.input_tags.one_d_array = True
        tags.input_tags.string = True
        return tags

    def _more_tags(self) -> dict[str, Any]:
        return {"no_validation": True, "X_types": ["string"]}


class _Part:
    """A mapping as an object of a fingerprint, so that a change is located to its name."""

    __fingerprint_class__ = "sklearn_normlock.text:Part"

    def __init__(self, fields: Mapping[str, Any]) -> None:
        self.fields = fields

    def __fingerprint_state__(self) -> dict[str, Any]:
        return {name: _part(value) for name, value in self.fields.items()}


def _part(value: Any) -> Any:
    if isinstance(value, Mapping):
        return _Part(value)
    return [_part(each) for each in value] if isinstance(value, list) else value


def _bytes(value: Any) -> bytes | None:
    return None if value is None else json.dumps(value, sort_keys=True, separators=(",", ":")).encode("ascii")


# -- reading -----------------------------------------------------------------------------------------------------------


def _document(source: Any) -> Mapping[str, Any]:
    """Return the JSON document of a tokenizer, wherever it comes from."""
    if isinstance(source, Mapping):
        return _checked(source, "the mapping")
    if hasattr(source, "to_str"):
        return _checked(_parsed(source.to_str().encode("utf-8"), "the tokenizer"), "the tokenizer")
    if isinstance(source, bytes):
        return _checked(_parsed(source, "the bytes"), "the bytes")
    if not isinstance(source, (str, os.PathLike)):
        raise NormLockError(
            f"tokenizer is a {type(source).__name__}.",
            path="tokenizer",
            actual=source,
            remedy=f"Give the path of a {_FILE}, or a tokenizers.Tokenizer.",
        )
    try:
        path = Path(source)
        path = path / _FILE if path.is_dir() else path
        with reading(path) as file:
            data = file.read(_LARGEST + 1)
    except (OSError, ValueError) as error:
        if isinstance(error, ArtifactReadError):
            raise
        why = error.strerror if isinstance(error, OSError) else error
        raise ArtifactReadError(
            f"{str(source)[:200]} can't be read ({why}).",
            path="tokenizer",
            remedy=f"Name a {_FILE} or its folder.",
        ) from None
    return _checked(_parsed(data, str(path)), str(path))


def _parsed(data: bytes, where: str) -> Any:
    if len(data) > _LARGEST:
        raise ArtifactReadError(
            f"{where} has more than {_LARGEST >> 20} MiB: no tokenizer is that large.",
            path=where,
            remedy="Name another.",
        )
    try:
        return parsed(data)
    except LockFormatError as error:
        raise ArtifactReadError(f"{where} is no tokenizer: {error.args[0]}", path=where) from None


def _checked(document: Any, where: str) -> Mapping[str, Any]:
    model = document.get("model") if isinstance(document, Mapping) else None
    if not isinstance(model, Mapping) or not isinstance(model.get("vocab"), (Mapping, list)):
        raise ArtifactReadError(
            f"{where} is no tokenizer: it has no model with a vocabulary.",
            path=where,
            remedy=f"Name a {_FILE}; a vocabulary alone (vocab.txt) does not say how texts are cut.",
        )
    return document


def _components(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parts that make tokens in canonical form, as every version of the library writes them."""
    model = {key: value for key, value in document["model"].items() if value not in (None, False)}
    if isinstance(model.get("merges"), list):  # one text for each up to version 0.19, a pair from 0.20 on
        model["merges"] = [each.split(" ") if isinstance(each, str) else each for each in model["merges"]]
    names = ("added_tokens", "normalizer", "pre_tokenizer", "post_processor", "decoder")
    return {"model": model, **{name: document.get(name) or ([] if name == "added_tokens" else None) for name in names}}


def _vocabulary(model: Mapping[str, Any]) -> dict[str, Any]:
    vocabulary = model["vocab"]
    if isinstance(vocabulary, Mapping):
        return dict(vocabulary)
    return {token: (i, score) for i, (token, score) in enumerate(vocabulary)}  # of a unigram model


def _policy(given: Mapping[str, Any], document: Mapping[str, Any]) -> tuple[tuple[str, Any], ...]:
    """Return how texts are cut and filled up: by the parameters, else by the file."""
    cut = document.get("truncation") or {}
    fill = document.get("padding") or {}
    try:
        strategy = fill.get("strategy", "BatchLongest")
        fixed = strategy.get("Fixed") if isinstance(strategy, Mapping) else None
        file = {
            "max_length": cut.get("max_length", fixed),
            "padding": "longest" if fixed is None else "max_length",
            "padding_side": str(fill.get("direction", "right")).lower(),
            "truncation_side": str(cut.get("direction", "right")).lower(),
            "pad_token": fill.get("pad_token"),
        }
    except AttributeError:
        raise ArtifactReadError(
            "The truncation or padding of the tokenizer can't be read.", path="tokenizer", remedy="Export it again."
        ) from None
    fixes = fixed is not None and cut.get("max_length") not in (None, fixed)
    if fixes and given["max_length"] == given["padding"] == _FROM_FILE:
        raise ArtifactReadError(
            f"The tokenizer fills texts up to {fixed} tokens and cuts them at {cut['max_length']}.",
            path="tokenizer",
            remedy="Say what training did: max_length= and padding=.",
        )
    policy = {name: value if given[name] == _FROM_FILE else given[name] for name, value in file.items()}
    policy["add_special_tokens"] = given["add_special_tokens"]
    length = policy["max_length"]
    if length is not None and (isinstance(length, bool) or not isinstance(length, int) or not 0 < length <= 1 << 20):
        raise _wrong("max_length", length, "a whole number from 1 to 1048576, or None")
    if policy["padding"] not in ("longest", "max_length"):
        raise _wrong("padding", policy["padding"], '"longest" or "max_length"')
    if policy["padding"] == "max_length" and length is None:
        raise _wrong("max_length", None, 'a number with padding="max_length"')
    for name in ("padding_side", "truncation_side"):
        if policy[name] not in _SIDES:
            raise _wrong(name, policy[name], '"left" or "right"')
    if not isinstance(policy["add_special_tokens"], bool):
        raise _wrong("add_special_tokens", policy["add_special_tokens"], "True or False")
    token, found = policy["pad_token"], _ids(document)
    if token is None:
        token = next((name for name in _PADS if name in found), None)
    elif not isinstance(token, str) or token not in found:
        raise _wrong("pad_token", token, "a token of the vocabulary")
    policy["pad_token"], policy["pad_id"] = token, None if token is None else found[token]
    return tuple(sorted(policy.items()))


def _ids(document: Mapping[str, Any]) -> dict[str, Any]:
    try:
        vocabulary = document["model"]["vocab"]
        found = dict(vocabulary) if isinstance(vocabulary, Mapping) else {t[0]: i for i, t in enumerate(vocabulary)}
        return {**found, **{each["content"]: each["id"] for each in document.get("added_tokens") or ()}}
    except (TypeError, KeyError, IndexError):
        raise ArtifactReadError(
            "The vocabulary or the added tokens of the tokenizer can't be read.",
            path="tokenizer",
            remedy="Export it again.",
        ) from None


def _wrong(name: str, value: Any, expected: str) -> NormLockError:
    return NormLockError(
        f"{name} is {value!r}; it must be {expected}.",
        path=name,
        expected=expected,
        actual=value,
        remedy="Give the value that training used.",
    )


@lru_cache(maxsize=8)
def _built(text: str, policy: tuple[tuple[str, Any], ...]) -> Any:
    """Return the library's tokenizer; it fills nothing up, which is done here."""
    try:
        from tokenizers import Tokenizer as Rust
    except ImportError as error:
        raise MissingDependencyError(
            f"Texts can't be tokenized: the package tokenizers isn't here ({error}).",
            remedy="Install it: pip install 'sklearn-normlock[text]'.",
        ) from None
    chosen = dict(policy)
    remedy = "It is damaged, or of a later version of tokenizers than the installed one."
    with _refusals(ArtifactReadError, "The tokenizer can't be built", "tokenizer", remedy):
        built = Rust.from_str(_with_defaults(text))
        built.no_padding()
        built.no_truncation()
        special = built.num_special_tokens_to_add(False) if chosen["add_special_tokens"] else 0
        if chosen["max_length"] is not None and chosen["max_length"] > special:
            built.enable_truncation(chosen["max_length"], direction=chosen["truncation_side"])
    if chosen["max_length"] is not None and chosen["max_length"] <= special:
        raise _wrong("max_length", chosen["max_length"], f"more than the {special} special tokens of each text")
    return built


@contextmanager
def _refusals(error: type[NormLockError], what: str, path: str, remedy: str) -> Iterator[None]:
    """Raise an error of ours in place of the library's, whose panics are no ``Exception``."""
    try:
        yield
    except BaseException as found:
        if not isinstance(found, Exception) and type(found).__name__ != "PanicException":
            raise
        reason = f"{type(found).__name__}: {' '.join(str(found).split())[:200]}"
        raise error(f"{what} ({reason}).", path=path, remedy=remedy) from None


def _with_defaults(text: str) -> str:
    """Return the document that the library reads: with the fields that it insists on."""
    return json.dumps({"version": "1.0", "truncation": None, "padding": None, **json.loads(text)})


# -- texts -------------------------------------------------------------------------------------------------------------


def _texts(X: Any) -> list[str]:
    if isinstance(X, (str, bytes, Mapping)) or hasattr(X, "columns") or not _is_list(X):
        raise InputFaultError(
            f"One {type(X).__name__} was given; texts come as a list, an array of one dimension or a column.",
            path="X",
            remedy="Give a list of texts: [text].",
        )
    texts = list(X)
    for i, text in enumerate(texts):
        if not isinstance(text, str):
            raise InputFaultError(
                f"X[{i}] is a {type(text).__name__}, not a text.",
                path=f"X[{i}]",
                expected="str",
                actual=type(text).__name__,
                remedy="Replace missing values by an empty text if training did so.",
            )
    if not texts:
        raise InputFaultError("There is no text in X.", path="X", remedy="Give at least one.")
    return [str(text) for text in texts]


def _is_list(X: Any) -> bool:
    return len(X.shape) > 0 if isinstance(X, np.ndarray) else hasattr(X, "__iter__")


def _table(encoded: list[tuple[list[int], list[int]]], policy: Mapping[str, Any]) -> np.ndarray:
    lengths = [len(ids) for ids, _ in encoded]
    length = max(lengths) if policy["padding"] == "longest" else policy["max_length"]
    if max(lengths) > length:
        raise InputFaultError(
            f"X[{lengths.index(max(lengths))}] comes out with {max(lengths)} tokens, beyond max_length.",
            path="X",
            expected=length,
            actual=max(lengths),
            remedy="Its post-processor adds tokens after the cut: export the tokenizer again.",
        )
    if min(lengths) < length and policy["pad_id"] is None:
        raise InputFaultError(
            "The texts have different lengths, and the tokenizer has no token to fill up with.",
            path="X",
            expected=length,
            actual=min(lengths),
            remedy="Name one: pad_token=.",
        )
    table = np.zeros((len(encoded), 3, length), dtype=np.int64)
    table[:, 0] = policy["pad_id"] or 0
    for row, (ids, types) in zip(table, encoded, strict=True):
        at = slice(length - len(ids), length) if policy["padding_side"] == "left" else slice(0, len(ids))
        row[0, at], row[1, at], row[2, at] = ids, 1, types
    return table
