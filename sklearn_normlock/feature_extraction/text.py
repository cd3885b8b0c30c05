"""Drop-ins for :mod:`sklearn.feature_extraction.text`; its functions keep no state and are passed on as they are."""

from sklearn.feature_extraction import text as stock
from sklearn.feature_extraction.text import (
    ENGLISH_STOP_WORDS,
    strip_accents_ascii,
    strip_accents_unicode,
    strip_tags,
)

from ..seals.mixin import Locked

__all__ = [
    "ENGLISH_STOP_WORDS",
    "CountVectorizer",
    "HashingVectorizer",
    "TfidfTransformer",
    "TfidfVectorizer",
    "strip_accents_ascii",
    "strip_accents_unicode",
    "strip_tags",
]


class CountVectorizer(Locked, stock.CountVectorizer):
    pass


class HashingVectorizer(Locked, stock.HashingVectorizer):
    pass


class TfidfTransformer(Locked, stock.TfidfTransformer):
    pass


class TfidfVectorizer(Locked, stock.TfidfVectorizer):
    pass
