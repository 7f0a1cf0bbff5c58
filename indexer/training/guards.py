"""What a query's negatives must not be: relevant after all, though nobody labelled it.

A labelled set names one right passage of many queries, and stage one ranks the other right ones
high: the better it is, the more of what it finds is relevant. A reranker that is taught those as
wrong learns to tell what cannot be told.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Final, Literal, Self, get_args

import regex

from engine.answer import MOST
from engine.errors import UsageError
from engine.types import Sources

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from engine.types import StoredPassage
    from indexer.training.examples import Candidate

Sampling = Literal["top", "random"]
Unit = Literal["document", "passage"]
Reason = Literal[
    "positive_document", "labelled", "near_duplicate", "max_score", "margin", "relative_margin",
    "same_text",
]  # fmt: skip

_SHINGLE: Final = 5  # words
_ASCII_WORD: Final = re.compile("[a-z0-9]+")
# Scripts that put no space between words: a character stands for a word.
_UNSPACED: Final = r"\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}"
_WORD: Final = regex.compile(rf"[{_UNSPACED}]|[[\p{{L}}\p{{M}}\p{{N}}]--[{_UNSPACED}]]+", regex.V1)


@dataclass(frozen=True, slots=True, kw_only=True)
class MiningOptions:
    """Which negatives a query gets. The names are those of `mine_hard_negatives`.

    Scores are cosines of the index's static encoder between a query and a passage, as
    `mine_hard_negatives` takes those of its model; they choose nothing unless a threshold is set.

    Attributes:
        num_negatives: hard ones, from stage one.
        random_negatives: from the whole index. Hard ones alone teach a reranker that everything
            looks like an answer, and it gets worse the deeper the list is that it reads.
        range_min: first place of the ranking that is used, from 0. The positives and what else
            is in their documents take no place.
        range_max: first place that is not used any more.
        max_score: leave out what scores higher.
        margin: leave out what does not score so much less than the positive that scores least.
        relative_margin: the same as a share of the positive's score.
        sampling: the first ones that are left, or any.
        include_positives: let the positives stand in the ranking where stage one has them and
            count among `num_negatives`; for lists to evaluate a reranker with.
        add_to_given: whether queries that come with negatives get more.
        near_duplicate: leave out what shares at least so much of its 5-grams of words, or of a
            positive's, with the positive, and no word of the query less; None to keep it.
        spare_documents: leave out the other passages of a positive's document.
        unit: whether stage one ranks documents, each by its best passage, as evaluations count, or
            passages; for an index of few and long documents.
        sources: of stage one.
        seed: of everything that is drawn.
    """

    num_negatives: int = 5
    random_negatives: int = 2
    range_min: int = 0
    range_max: int = 50
    max_score: float | None = None
    margin: float | None = None
    relative_margin: float | None = None
    sampling: Sampling = "top"
    include_positives: bool = False
    add_to_given: bool = False
    near_duplicate: float | None = 0.8
    spare_documents: bool = True
    unit: Unit = "document"
    sources: Sources = "hybrid"
    seed: int = 0

    def __post_init__(self) -> None:
        if self.num_negatives < 0 or self.random_negatives < 0:
            raise UsageError("a number of negatives is not below 0")
        if not self.num_negatives + self.random_negatives:
            raise UsageError("mining is asked for no negatives; ask for at least one of a kind")
        if not 0 <= self.range_min < self.range_max <= MOST:
            raise UsageError(
                f"range_min ({self.range_min}) is at least 0 and below range_max"
                f" ({self.range_max}), which is at most {MOST:,}"
            )
        if self.num_negatives > self.range_max - self.range_min:
            raise UsageError(
                f"{self.num_negatives} negatives do not fit into the places from"
                f" {self.range_min} to {self.range_max}: ask for fewer, or widen the range"
            )
        self._check_thresholds()
        self._check_words()

    def _check_thresholds(self) -> None:
        bounds = {
            "max_score": (-1.0, 1.0),
            "margin": (0.0, 2.0),
            "relative_margin": (0.0, 2.0),
            "near_duplicate": (0.0, 1.0),
        }
        for name, (least, most) in bounds.items():
            value: float | None = getattr(self, name)
            if value is not None and not least <= value <= most:
                raise UsageError(f"{name} is between {least:g} and {most:g}, not {value}")
        if self.near_duplicate == 0:
            raise UsageError("near_duplicate is above 0; at 0 everything would be left out")

    def _check_words(self) -> None:
        for name, words in (("sampling", Sampling), ("unit", Unit), ("sources", Sources)):
            if getattr(self, name) not in get_args(words):
                raise UsageError(f"{name} is one of {', '.join(get_args(words))}")


def words(text: str) -> list[str]:
    """Return the words of a text in one spelling; of scripts without spaces its characters."""
    if text.isascii():
        return _ASCII_WORD.findall(text.lower())
    return _WORD.findall(unicodedata.normalize("NFKC", text).casefold())


def shingles(found: Sequence[str]) -> set[tuple[str, ...]]:
    """Return the 5-grams of words; the whole of a text that has fewer."""
    if len(found) < _SHINGLE:
        return {tuple(found)} if found else set()
    return set(zip(*(found[start:] for start in range(_SHINGLE)), strict=False))


def spelling(text: str) -> str:
    """Return what is the same of texts that say the same; of signs alone the signs themselves."""
    return " ".join(words(text) or text.split())


class Found:
    """A passage of the index, as a candidate for a query's negatives."""

    def __init__(self, text: str, document: str = "", bare: str = "") -> None:
        """Take a text with its title and headings, its document, and the text without those."""
        self.text = text
        self.document = document
        self.bare = bare or text
        self.spelling = spelling(text)

    @classmethod
    def stored(cls, passage: StoredPassage) -> Self:
        """Return a passage of an index."""
        return cls(passage.context, passage.document.id, passage.passage.text)

    @cached_property
    def shingles(self) -> set[tuple[str, ...]]:
        """See shingles."""
        return shingles(self.spelling.split())


class Judged:
    """What was labelled for one query. Positives are named by their numbers, from 0."""

    def __init__(self, query: str, candidates: Sequence[Candidate]) -> None:
        self.positives = [candidate for candidate in candidates if candidate.label > 0]
        self._labelled = {spelling(candidate.text) for candidate in candidates}
        self._by_spelling: dict[str, set[int]] = defaultdict(set)
        self._by_document: dict[str, set[int]] = defaultdict(set)
        for number, positive in enumerate(self.positives):
            self._by_spelling[spelling(positive.text)].add(number)
            if positive.document:
                self._by_document[positive.document].add(number)
        self._endings = tuple(self._by_spelling)
        asked = set(words(query))
        spelled = [words(positive.text) for positive in self.positives]
        self._shingles = [shingles(found) for found in spelled]
        self._answered = [asked.intersection(found) for found in spelled]

    def same(self, found: Found) -> set[int]:
        """Return the positives that a passage is, word for word, with its title or without."""
        same = self._by_spelling.get(found.spelling, set())
        if not same and found.spelling.endswith(self._endings):
            return self._by_spelling.get(spelling(found.bare), set())
        return same

    def of_document(self, document: str) -> set[int]:
        """Return the positives of a document."""
        return self._by_document.get(document, set())

    def labelled(self, found: Found) -> bool:
        """Whether a passage has a label already."""
        return found.spelling in self._labelled or bool(self.same(found))

    def alike(self, found: Found, share: float) -> set[int]:
        """Return the positives that a passage repeats or is a part of, or that are part of it.

        It must have the words of the query that they have: where a template made the passages, the
        best negatives differ by a name alone. For 600 questions of MedQuAD the 5-grams alone left
        out 455 passages, most of them about another disease; with the words it is 51.
        """
        alike: set[int] = set()
        for number, other in enumerate(self._shingles):
            smaller = min(len(found.shingles), len(other))
            if not smaller or len(found.shingles & other) < share * smaller:
                continue
            if self._answered[number].issubset(found.spelling.split()):
                alike.add(number)
        return alike


class Guards:
    """Say of one query's candidates what speaks against each."""

    def __init__(
        self, options: MiningOptions, judged: Judged, score: Callable[[str], float]
    ) -> None:
        """Take what was labelled, and what scores a text against the query."""
        self._options = options
        self._judged = judged
        self._score = score
        scored = options.margin is not None or options.relative_margin is not None
        scores = [score(p.text) for p in judged.positives] if scored else []
        # Of several positives the one that scores least, as mine_hard_negatives does. Where nobody
        # knows a positive, nothing is near to one.
        self._least = min(scores, default=math.inf)

    def against(self, found: Found, taken: set[str]) -> Reason | None:
        """Return why a passage must not be a negative beside others, whose spellings are given."""
        reason = self._by_text(found) or self._by_score(found)
        return "same_text" if reason is None and found.spelling in taken else reason

    def _by_text(self, found: Found) -> Reason | None:
        options, judged = self._options, self._judged
        if options.spare_documents and judged.of_document(found.document):
            return "positive_document"
        if judged.labelled(found):
            return "labelled"
        share = options.near_duplicate
        return "near_duplicate" if share is not None and judged.alike(found, share) else None

    def _by_score(self, found: Found) -> Reason | None:
        options, least = self._options, self._least
        thresholds: list[tuple[Reason, float | None]] = [
            ("margin", None if options.margin is None else least - options.margin),
            ("relative_margin", None if options.relative_margin is None or math.isinf(least)
             else least - abs(least) * options.relative_margin),
            ("max_score", options.max_score),
        ]  # fmt: skip
        for reason, most in thresholds:
            if most is not None and self._score(found.text) > most:
                return reason
        return None
