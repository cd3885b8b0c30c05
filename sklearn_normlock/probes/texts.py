"""Texts to probe a tokenizer with: what normalisers, models and templates treat in different ways."""

#: Case, accents, scripts, emoji, numbers, white space, controls, long words, and the names of special tokens.
TEXTS = (
    "The quick brown fox jumps over the lazy dog.",
    "THE QUICK Brown fOX",
    "Ärger naïve façade Ångström İstanbul straße",
    "A\u0301rger and \u00c1rger",  # two forms of one letter
    "ﬁne ½ ² Ⅷ ａｂｃ",  # compatible forms
    "日本語のテキスト 中文 한국어",
    "مرحبا שלום Привет γειά नमस्ते",
    "👍🏽 👩‍👩‍👧 🇩🇪 :-)",
    "3.14159 1,234,567.89 2024-02-29 0x1F +49 30",
    "don't can't we'll it's U.S.A. e-mail co-operate",
    "user@example.org https://example.org/a?b=c#d",
    "two  spaces\ttab\nline\r\nend   ",
    " leading space",
    "zero\u200bwidth soft\u00adhyphen no\u00a0break",
    "control \x07 bell \x7f delete \ufffd replacement",
    "Pneumonoultramicroscopicsilicovolcanoconiosis " + "a" * 120,
    "[CLS] [SEP] [MASK] [PAD] <s> </s> <pad> <unk> <|endoftext|>",
    "def f(x): return {x: [x ** 2, x // 3]}  # code",
    "word " * 40,
    "",
)
