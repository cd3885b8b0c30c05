"""Tokenizers: what a file says is kept, sealed and locked, and what differs between two has a name."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError

import sklearn_normlock as nl
from sklearn_normlock.errors import ArtifactReadError, FingerprintMismatchError, InputFaultError, NormLockError

tokenizers = pytest.importorskip("tokenizers", reason="tokenizers isn't installed")

from tokenizers_made import pairs, unigram, wordpiece  # noqa: E402

from sklearn_normlock.text import Tokenizer  # noqa: E402

TEXTS = ["The quick brown fox", "data", ""]


def made(change: Callable[[dict[str, Any]], Any] = lambda document: None, **parameters: Any) -> Tokenizer:
    document = wordpiece()
    change(document)
    return Tokenizer(document, **parameters).fit()


# -- what it computes --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("document", [wordpiece(), pairs(), unigram()], ids=["wordpiece", "pairs", "unigram"])
def test_ids_are_those_of_the_library(document: dict[str, Any]) -> None:
    """Ids, mask and types are those that the library gives for the same file, filled up to the longest text."""
    texts = ["ab cd", "a", "the data"] if "post_processor" in document else ["ab ab", "a", "b a"]
    ours = Tokenizer(document).fit().transform(texts)
    theirs = tokenizers.Tokenizer.from_str(json.dumps({"version": "1.0", **document}))
    pad = next(theirs.token_to_id(name) for name in ("[PAD]", "<pad>") if theirs.token_to_id(name) is not None)
    theirs.enable_padding(pad_id=pad)
    for row, each in zip(ours, theirs.encode_batch(texts), strict=True):
        assert [row[0].tolist(), row[1].tolist(), row[2].tolist()] == [each.ids, each.attention_mask, each.type_ids]


@pytest.mark.parametrize("side", ["left", "right"])
def test_padding_and_truncation_are_where_they_were_asked_for(side: str) -> None:
    """Both policies have a length and a side, whatever the file says."""
    tokens = made(max_length=4, padding="max_length", padding_side=side, truncation_side=side).transform(TEXTS)
    assert tokens.shape == (3, 3, 4)
    assert tokens[1, 1].tolist() == ([0, 1, 1, 1] if side == "left" else [1, 1, 1, 0])
    words = made().transform([TEXTS[0]])[0, 0, 1:-1]
    assert tokens[0, 0, 1:3].tolist() == (words[-2:] if side == "left" else words[:2]).tolist()


def test_the_policy_of_the_file_is_read() -> None:
    """A fixed padding in the file is what is done."""
    fixed = {"strategy": {"Fixed": 9}, "direction": "Left", "pad_id": 0, "pad_type_id": 0, "pad_token": "[PAD]"}
    tokens = made(lambda document: document.update(padding=fixed, truncation=None)).transform(["data"])
    assert tokens[0, 1].tolist() == [0] * 6 + [1] * 3


def test_sources_of_one_tokenizer_are_one(tmp_path: Any) -> None:
    """A mapping, bytes, a file, its folder and an object of the library have one fingerprint."""
    text = json.dumps(wordpiece())
    (tmp_path / "tokenizer.json").write_text(text)
    sources = [wordpiece(), text.encode(), tmp_path, str(tmp_path / "tokenizer.json")]
    sources.append(tokenizers.Tokenizer.from_str(text))
    assert len({nl.fingerprint(Tokenizer(source).fit()) for source in sources}) == 1


def test_both_ways_to_write_merges_are_one() -> None:
    """Merges as texts and as pairs, and defaults that are left out, are the same tokenizer."""
    other = pairs()
    other["model"] = {"type": "BPE", "vocab": other["model"]["vocab"], "merges": [["a", "b"], ["c", "d"]]}
    assert nl.fingerprint(Tokenizer(pairs()).fit()) == nl.fingerprint(Tokenizer(other).fit())


# -- what it is --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ending", [".skops", ".joblib", ".pkl"])
def test_it_travels_sealed_and_without_its_file(tmp_path: Any, ending: str) -> None:
    """What was fitted from a file needs the file no longer, and is verified after a load."""
    file = tmp_path / "tokenizer.json"
    file.write_text(json.dumps(wordpiece()))
    tokenizer = Tokenizer(str(file)).fit()
    lock, expected = nl.lock(tokenizer), tokenizer.transform(TEXTS)
    nl.dump(tokenizer, tmp_path / f"a{ending}")
    file.unlink()
    loaded = nl.load(tmp_path / f"a{ending}")
    assert nl.verify(loaded, lock).probed == 1
    assert np.array_equal(loaded.transform(TEXTS), expected)


def test_a_change_behind_the_seal_raises() -> None:
    """A policy that is set after fit, or another vocabulary in its place, is a mismatch at the next call."""
    for name, value in (("max_length", 3), ("json_", Tokenizer(pairs()).fit().json_), ("padding_side", "left")):
        tokenizer = made()
        setattr(tokenizer, name, value)
        with pytest.raises(FingerprintMismatchError):
            tokenizer.transform(TEXTS)


def test_two_swapped_rare_entries_are_seen_though_no_probe_holds_them() -> None:
    """The identity is that of the whole vocabulary: behaviour on texts would miss it."""

    def swap(document: dict[str, Any]) -> None:
        vocabulary = document["model"]["vocab"]
        vocabulary["##q"], vocabulary["##z"] = vocabulary["##z"], vocabulary["##q"]

    report = nl.diff(made(), made(swap))
    assert "2 have another id or score ('##q' " in report.explain()


def _without(name: str) -> Callable[[dict[str, Any]], Any]:
    return lambda document: document.update({name: None})


def _model(**fields: Any) -> Callable[[dict[str, Any]], Any]:
    return lambda document: document["model"].update(fields)


def _vocabulary(**tokens: int) -> Callable[[dict[str, Any]], Any]:
    return lambda document: document["model"]["vocab"].update(tokens)


CHANGES: list[tuple[Callable[[dict[str, Any]], Any], dict[str, Any], str]] = [
    (lambda document: document["normalizer"].update(lowercase=False), {}, "lower-casing is switched"),
    (lambda document: document["normalizer"].update(strip_accents=False), {}, "accents are treated otherwise"),
    (lambda document: document["normalizer"].update(handle_chinese_chars=False), {}, "Chinese characters"),
    (lambda document: document["normalizer"].update(clean_text=False), {}, "control characters and white space"),
    (_without("normalizer"), {}, "normalised otherwise"),
    (lambda document: document.update(pre_tokenizer={"type": "Whitespace"}), {}, "cut into words otherwise"),
    (_vocabulary(zebra=999), {}, "the vocabulary is another"),
    (_without("post_processor"), {}, "the template is another"),
    (lambda document: None, {"add_special_tokens": False}, "the template is another"),
    (lambda document: None, {"max_length": 8}, "truncation: texts are cut at another length or side"),
    (lambda document: None, {"truncation_side": "left"}, "truncation: texts are cut"),
    (lambda document: None, {"padding": "max_length"}, "padding: shorter texts are filled up"),
    (lambda document: None, {"padding_side": "left"}, "padding: shorter texts are filled up"),
    (lambda document: document["added_tokens"].pop(), {}, "other added tokens"),
    (_model(unk_token="[PAD]"), {}, "gets another token"),
    (_model(max_input_chars_per_word=5), {}, "long words"),
    (_without("decoder"), {}, "no tokens made of texts"),
]


@pytest.mark.parametrize(("change", "parameters", "said"), CHANGES, ids=[said for _, _, said in CHANGES])
def test_a_diff_names_what_happened(change: Any, parameters: dict[str, Any], said: str) -> None:
    """Between two objects, and between two locks alone, a change of a tokenizer has a name with its effect."""
    before, after = made(), made(change, **parameters)
    assert said in nl.diff(before, after).explain()
    assert said in nl.diff(nl.lock(before), nl.lock(after)).explain()


def test_the_merges_and_the_kind_of_a_model_are_named() -> None:
    """Other merges are told as such, and so is another model."""
    other = pairs()
    other["model"]["merges"] = ["c d", "a b"]
    assert "other merges" in nl.diff(Tokenizer(pairs()).fit(), Tokenizer(other).fit()).explain()
    assert "another kind of model" in nl.diff(Tokenizer(pairs()).fit(), Tokenizer(unigram()).fit()).explain()


def test_the_same_tokenizer_is_told_as_the_same() -> None:
    """Clones, copies and other ways to say the defaults have no difference."""
    assert nl.diff(made(), made(max_length=16, padding="longest", padding_side="right", pad_token="[PAD]")).ok
    assert nl.diff(made(), clone(made()).fit()).ok


# -- what it refuses ---------------------------------------------------------------------------------------------------

HOSTILE = [
    b"",
    b"{",
    b"[" * 100_000,
    b'{"model": ' + b'{"a":' * 50_000,
    b'{"model": {"type": "WordLevel", "vocab": {"a": NaN}}}',
    b'{"model": {"type": "WordLevel", "vocab": {"a": 0}}, "model": {}}',
    b'{"model": {"type": "WordLevel", "vocab": {"a": ' + b"7" * 5_000 + b"}}}",
    b'{"model": {"type": "WordLevel", "vocab": {"a": -1}}}',
    b'{"model": {"type": "WordLevel", "vocab": "a"}}',
    b'{"model": {"type": "Nothing", "vocab": {"a": 0}}}',
    b'{"model": {"type": "Unigram", "vocab": [["a"]], "unk_id": 7}}',
    b'{"model": {"type": "Unigram", "vocab": [1, 2]}}',
    b'{"model": {"type": "BPE", "vocab": {"a": 0}, "merges": [7]}}',
    b'{"model": {"type": "BPE", "vocab": {"a": 0}, "merges": ["b c"]}}',
    b'{"model": {"type": "WordLevel", "vocab": {"a": 0}, "unk_token": "a"}, "padding": 7}',
    b'{"model": {"type": "WordLevel", "vocab": {"a": 0}, "unk_token": "a"}, "added_tokens": [7]}',
    b'{"model": {"type": "WordLevel", "vocab": {"a": 0}, "unk_token": "a"}, "normalizer": {"type": "Sequence", '
    b'"normalizers": ' + b"[" * 900 + b"]" * 900 + b"}}",
    b'{"model": {"type": "WordLevel", "vocab": {"a": 0}, "unk_token": "a"}, "pre_tokenizer": {"type": "Split", '
    b'"pattern": {"Regex": "("}, "behavior": "Isolated", "invert": false}}',
    b"\xff\xfe\x00",
]


@pytest.mark.parametrize("data", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_file_is_an_error_of_ours(tmp_path: Any, data: bytes) -> None:
    """Damaged, nested and contradictory files are refused with an error of the package."""
    (tmp_path / "tokenizer.json").write_bytes(data)
    with pytest.raises(NormLockError):
        Tokenizer(tmp_path).fit()


def test_a_length_that_would_take_all_memory_is_refused() -> None:
    """A file that asks for a padding of a billion tokens is refused, not obeyed."""
    bomb = {"strategy": {"Fixed": 10**9}, "direction": "Right", "pad_id": 0, "pad_type_id": 0, "pad_token": "[PAD]"}
    with pytest.raises(NormLockError, match="max_length is 1000000000"):
        made(lambda document: document.update(padding=bomb, truncation=None))


@pytest.mark.parametrize("source", [None, 7, "there/is/none.json", "a\0b"])
def test_what_is_no_tokenizer_is_refused(source: Any) -> None:
    """A missing file and another kind of object are said at fit."""
    with pytest.raises(NormLockError):
        Tokenizer(source).fit()


@pytest.mark.parametrize(
    "parameters",
    [{"max_length": 0}, {"max_length": True}, {"padding": "all"}, {"padding_side": "top"}, {"pad_token": "none"}]
    + [{"max_length": 1}, {"max_length": 2}, {"pad_token": ["[PAD]"]}]
    + [{"max_length": None, "padding": "max_length"}, {"add_special_tokens": "no"}],
    ids=str,
)
def test_a_wrong_parameter_is_named(parameters: dict[str, Any]) -> None:
    """fit refuses a policy that is none, and names the parameter."""
    with pytest.raises(NormLockError) as caught:
        made(**parameters)
    assert caught.value.path in parameters


@pytest.mark.parametrize("X", ["one text", [7], [None], [b"bytes"], [], {"a": "b"}, np.array([1.0]), np.array("one")])
def test_what_is_no_list_of_texts_is_refused(X: Any) -> None:
    """One text, a missing value, bytes and numbers are named."""
    with pytest.raises(InputFaultError):
        made().transform(X)


def test_a_tokenizer_that_has_nothing_to_fill_up_with_says_so() -> None:
    """Where no token for padding is known, none is guessed."""
    document = {"model": {"type": "WordLevel", "vocab": {"a": 0, "b": 1}, "unk_token": "b"}}
    document["pre_tokenizer"] = {"type": "Whitespace"}
    tokenizer = Tokenizer(document).fit()
    assert tokenizer.transform(["a a", "a b"]).shape == (2, 3, 2)
    with pytest.raises(InputFaultError, match="pad_token="):
        tokenizer.transform(["a a", "a"])


PANICS = {
    "a pattern without end": lambda document: document.update(
        normalizer={"type": "Replace", "pattern": {"Regex": "(a+)+$"}, "content": "b"}
    ),
    "a template of a token that is none": lambda document: document.update(
        post_processor={
            "type": "TemplateProcessing",
            "single": [{"SpecialToken": {"id": "[NONE]", "type_id": 0}}],
            "pair": [],
            "special_tokens": {},
        }
    ),
}


@pytest.mark.parametrize("case", PANICS)
def test_a_panic_of_the_library_is_an_error_of_ours(case: str) -> None:
    """A file that the library takes, and panics over with some texts, ends in an error that can be caught."""
    with pytest.raises(NormLockError):
        made(PANICS[case], max_length=None).transform(["a" * 40 + "b"])


def test_a_file_that_fills_up_and_cuts_to_two_lengths_is_refused() -> None:
    """One array can't have both lengths: the parameters say which it is."""
    fill = {"strategy": {"Fixed": 8}, "direction": "Right", "pad_id": 0, "pad_type_id": 0, "pad_token": "[PAD]"}
    cut = {"max_length": 5, "direction": "Right", "strategy": "LongestFirst", "stride": 0}
    with pytest.raises(ArtifactReadError, match="up to 8 tokens and cuts them at 5"):
        made(lambda document: document.update(padding=fill, truncation=cut))
    both = made(lambda document: document.update(padding=fill, truncation=cut), max_length=5, padding="max_length")
    assert both.transform(["the fox"]).shape == (1, 3, 5)


def test_an_unfitted_tokenizer_says_so() -> None:
    """transform before fit is scikit-learn's NotFittedError."""
    with pytest.raises(NotFittedError):
        Tokenizer(wordpiece()).transform(["a"])


def test_a_damaged_file_is_never_a_foreign_error() -> None:
    """600 damaged files: each is read, or refused with an error of the package."""
    rng = np.random.default_rng(0)
    whole = json.dumps(wordpiece()).encode()
    refused = 0
    for i in range(600):
        data = bytearray(whole)
        for at in rng.integers(0, len(data), size=1 + i % 4):
            data[at] = rng.integers(32, 127)
        try:
            Tokenizer(bytes(data[: rng.integers(1, len(data))] if i % 3 == 0 else data)).fit()
        except NormLockError:
            refused += 1
    assert 200 < refused < 600
    with pytest.raises(ArtifactReadError):
        Tokenizer(whole[:-1]).fit()
