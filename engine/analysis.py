"""From text to index terms: the one analysis that documents and queries share, in every store.

Notable features:
* Works by script and needs no dictionary. Runs of Chinese, Japanese and Korean become characters
  and pairs, Thai, Lao, Khmer and Burmese become triples, everything else words.
* A word is stemmed by the Snowball stemmer of its script: Cyrillic as Russian, Greek as Greek, and
  Latin by the index's language, so that a mixed folder needs no language detection.
* Order is kept and every substring of a CJK run has a contiguous run of terms, so phrases work.
  The parts of CamelCase names follow after all words, where they come between no two of them.
"""

from __future__ import annotations

import itertools
import re
import unicodedata
from functools import lru_cache
from string import punctuation
from typing import TYPE_CHECKING, Final

import regex

from engine.errors import UsageError
from engine.stemming import stemmer

if TYPE_CHECKING:
    from collections.abc import Callable

# ISO 639-1 code -> Snowball algorithm, for the languages of Latin script; `none` stems nothing.
LATIN_STEMMERS: Final = {
    "ca": "catalan", "da": "danish", "de": "german", "en": "english", "eo": "esperanto",
    "es": "spanish", "et": "estonian", "eu": "basque", "fi": "finnish", "fr": "french",
    "ga": "irish", "hu": "hungarian", "id": "indonesian", "it": "italian", "lt": "lithuanian",
    "nl": "dutch", "no": "norwegian", "pt": "portuguese", "ro": "romanian", "sv": "swedish",
    "tr": "turkish",
}  # fmt: skip
# Scripts with one dominant stemmed language: no language option needed to find inflected words.
_SCRIPT_STEMMERS: Final = (
    ("Cyrillic", "russian"), ("Greek", "greek"), ("Arabic", "arabic"), ("Devanagari", "hindi"),
    ("Tamil", "tamil"), ("Armenian", "armenian"),
)  # fmt: skip
LANGUAGES: Final = ("none", *sorted(LATIN_STEMMERS))

# Lucene's English list, as bm25s uses it, with what an apostrophe leaves behind.
STOP_WORDS: Final = {
    "en": frozenset(
        {
            *("a", "an", "and", "are", "as", "at", "be", "but", "by", "for", "if", "in", "into"),
            *("is", "it", "no", "not", "of", "on", "or", "such", "that", "the", "their", "then"),
            *("there", "these", "they", "this", "to", "was", "will", "with", "s", "t"),
        }
    )
}

LONGEST_TERM: Final = 80  # characters; longer runs are hashes and base64, never typed by anyone
# C++, C++17, C#, F#: without its signs the name of a language is a letter that stands everywhere.
_SIGNED: Final = r"[A-Za-z](?:\+\+(?![A-Za-z+])|\#(?![A-Za-z0-9\#]))"
_ASCII_WORD: Final = re.compile(rf"{_SIGNED}|[A-Za-z0-9]+")
_CJK: Final = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Hangul}ー々"
_UNSPACED: Final = r"\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
_RUN: Final = regex.compile(
    rf"(?P<cjk>[{_CJK}]+)|(?P<unspaced>[{_UNSPACED}]+)|{_SIGNED}"
    rf"|[[\p{{L}}\p{{M}}\p{{N}}]--[{_CJK}{_UNSPACED}]]+",
    regex.V1,
)
_CAMEL: Final = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|[0-9]+")
_STEMMED_SCRIPT: Final = regex.compile(
    "[" + "".join(rf"\p{{{script}}}" for script, _ in _SCRIPT_STEMMERS) + "]"
)
# What looks like an accent in Unicode's tables tells their words apart: が and か, Thai tones.
_UNFOLDED: Final = regex.compile(f"[{_CJK}{_UNSPACED}]")
_LONGEST_PREFIX: Final = {"cjk": 2, "unspaced": 3}  # no term of these runs is longer
_VIETNAMESE: Final = "\u0309\u0323\u031b"  # hook above, dot below, horn
_SURROGATE: Final = re.compile("[\ud800-\udfff]")


def clean(text: str) -> str:
    """Return text that every part can encode: lone surrogates and NUL become spaces."""
    return _SURROGATE.sub(" ", text).replace("\0", " ")


class Analyzer:
    """Turns text into terms for one index language (of Latin script; other scripts know theirs)."""

    def __init__(self, language: str = "en") -> None:
        """Raises UsageError for a language without a stemmer; `none` stems no Latin word."""
        if language not in LANGUAGES:
            raise UsageError(
                f"no stemmer for language {language!r}; there are {', '.join(LANGUAGES)}"
            )
        self.language = language
        self._stop_words = STOP_WORDS.get(language, frozenset[str]())
        self._term = lru_cache(maxsize=200_000)(_word_to_term(language))

    def terms(self, text: str) -> list[str]:
        """Return the terms of a text in order, repeats included."""
        return self._terms(text, camel=True)

    def query_terms(self, text: str) -> list[str]:
        """Return the terms of a query word; parts of a CamelCase name are left to the index."""
        return self._terms(text, camel=False)

    def phrase_terms(self, text: str) -> list[str]:
        """Return the terms that stand side by side wherever a text stands inside another.

        A run of Thai ends in a pair that the index has only where the run ends there too.
        """
        terms = self.query_terms(text)
        runs = list(_RUN.finditer(unicodedata.normalize("NFKC", clean(text))))
        inside = runs and runs[-1].lastgroup == "unspaced" and len(runs[-1].group()) > 2
        return terms[:-1] if inside else terms

    def prefix(self, word: str) -> str:
        """Return how the terms of all words that begin so begin; empty if that is not one word."""
        text = unicodedata.normalize("NFKC", clean(word)).lower()
        run = _RUN.fullmatch(text)
        if run is None or len(text) > _LONGEST_PREFIX.get(run.lastgroup or "", LONGEST_TERM):
            return ""
        whole = text.isascii() or _UNFOLDED.match(text) or _STEMMED_SCRIPT.match(text)
        return text if whole else _fold(text)

    def spans(self, text: str) -> list[tuple[int, int, str]]:
        """Return (start, end, term) of everything in a text that a query term can match."""
        out: list[tuple[int, int, str]] = []
        for match in _RUN.finditer(text):
            run, start = match.group(), match.start()
            if match.lastgroup is None:
                out += [(start, match.end(), term) for term in self._terms(run, camel=True)]
            else:
                widths = (1, 2) if match.lastgroup == "cjk" else (2, 3)
                for width in widths:
                    for at in range(len(run) - width + 1):
                        out.append((start + at, start + at + width, run[at : at + width]))
        return sorted(out)

    def is_stop_word(self, word: str) -> bool:
        """Whether a word says so little that a query with other words does without it."""
        return word.lower().strip(punctuation) in self._stop_words

    def _terms(self, text: str, *, camel: bool) -> list[str]:
        if text.isascii():
            words = _ASCII_WORD.findall(text)
        else:
            words = self._split(unicodedata.normalize("NFKC", clean(text)))
        out: list[str] = []
        parts: list[str] = []
        term = self._term
        for word in words:
            if len(word) > LONGEST_TERM:
                continue
            out.append(term(word))
            if camel and not (word.islower() or word.isdigit() or word.isupper() or word.istitle()):
                parts.extend(term(part) for part in _camel_parts(word))
        # A word of nothing but accents folds to nothing.
        return [t for t in out + parts if t]

    @staticmethod
    def _split(text: str) -> list[str]:
        words: list[str] = []
        for match in _RUN.finditer(text):
            run = match.group()
            if match.lastgroup == "cjk":
                words.extend(_characters_and_pairs(run))
            elif match.lastgroup == "unspaced":
                words.extend(_triples(run))
            else:
                words.append(run)
        return words


def _camel_parts(word: str) -> list[str]:
    """Split `parseHTTPQuery` into its parts; a word of one part has none."""
    parts = _CAMEL.findall(word)
    return parts if len(parts) > 1 else []


def _characters_and_pairs(run: str) -> list[str]:
    """`abc` -> a ab b bc c: one character is findable, and any substring is a phrase."""
    out = [run[0]]
    for first, second in itertools.pairwise(run):
        out += (first + second, second)
    return out


def _triples(run: str) -> list[str]:
    """`abcd` -> abc bcd cd: the last pair makes every pair the beginning of some term."""
    return [run[at : at + 3] for at in range(max(1, len(run) - 1))]


def _word_to_term(language: str) -> Callable[[str], str]:
    latin = stemmer(LATIN_STEMMERS.get(language, "none"))
    by_script = [
        (regex.compile(rf"\p{{{script}}}"), stemmer(algorithm))
        for script, algorithm in _SCRIPT_STEMMERS
    ]

    def term(word: str) -> str:
        lower = word.lower()
        if lower.isascii():
            return latin(lower)
        if _UNFOLDED.match(lower):
            return lower
        for script, stem in by_script:
            if script.match(lower):
                return stem(lower)
        return _fold(latin(lower))

    return term


def _fold(word: str) -> str:
    """Drop the accents of a Latin word, so that `cafe` finds `café`.

    Vietnamese keeps them, where they tell words apart (nDCG@10 on XQuAD 93.8 folded, 95.4 kept):
    it is known by marks that no other large language has.
    """
    decomposed = unicodedata.normalize("NFKD", word)
    if any(mark in decomposed for mark in _VIETNAMESE):
        return word
    return "".join(c for c in decomposed if not unicodedata.combining(c))
