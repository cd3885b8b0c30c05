"""Small tokenizers of three kinds, as the documents that their files hold."""

from __future__ import annotations

from typing import Any

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
WORDS = "the quick brown fox jumps over a lazy dog data scale model ##s ##ing ##ed é".split()
LETTERS = list("abcdefghijklmnopqrstuvwxyz") + [f"##{letter}" for letter in "abcdefghijklmnopqrstuvwxyz"]


def _added(token: str, i: int) -> dict[str, Any]:
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    return {"id": i, "content": token, **flags}


def wordpiece() -> dict[str, Any]:
    """Return what a BERT has, with 80 entries."""
    vocabulary = {token: i for i, token in enumerate([*SPECIAL, *WORDS, *(t for t in LETTERS if t not in WORDS)])}
    around = [
        {"SpecialToken": {"id": "[CLS]", "type_id": 0}},
        {"Sequence": {"id": "A", "type_id": 0}},
        {"SpecialToken": {"id": "[SEP]", "type_id": 0}},
    ]
    named = {token: {"id": token, "ids": [i], "tokens": [token]} for i, token in enumerate(SPECIAL) if i > 1}
    return {
        "version": "1.0",
        "truncation": {"direction": "Right", "max_length": 16, "strategy": "LongestFirst", "stride": 0},
        "padding": None,
        "added_tokens": [_added(token, i) for i, token in enumerate(SPECIAL)],
        "normalizer": {
            "type": "BertNormalizer",
            "clean_text": True,
            "handle_chinese_chars": True,
            "strip_accents": None,
            "lowercase": True,
        },
        "pre_tokenizer": {"type": "BertPreTokenizer"},
        "post_processor": {"type": "TemplateProcessing", "single": around, "pair": around, "special_tokens": named},
        "decoder": {"type": "WordPiece", "prefix": "##", "cleanup": True},
        "model": {
            "type": "WordPiece",
            "unk_token": "[UNK]",
            "continuing_subword_prefix": "##",
            "max_input_chars_per_word": 100,
            "vocab": vocabulary,
        },
    }


def pairs() -> dict[str, Any]:
    """Return byte pairs: four letters, two merges."""
    vocabulary = {token: i for i, token in enumerate(["<pad>", "a", "b", "c", "d", "ab", "cd"])}
    model = {"type": "BPE", "vocab": vocabulary, "merges": ["a b", "c d"], "dropout": None, "unk_token": None}
    return {"model": model, "pre_tokenizer": {"type": "Whitespace"}}


def unigram() -> dict[str, Any]:
    """Return pieces with scores."""
    pieces = [["<unk>", 0.0], ["<pad>", 0.0], ["a", -1.0], ["b", -1.5], ["ab", -2.0]]
    return {"model": {"type": "Unigram", "unk_id": 0, "vocab": pieces}, "pre_tokenizer": {"type": "Whitespace"}}
