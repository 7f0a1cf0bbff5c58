"""Training examples from use: what people judged, and what their clicks say of relevance.

A judgement outranks clicks on the same passage. Clicks become soft labels with position bias taken
out (`engine.feedback.propensity`). What was clicked in another text than the index holds now says
nothing of the new one and is left out; a passage that only moved in its document is found again.
"""

from __future__ import annotations

import unicodedata
from array import array
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NamedTuple, cast

import numpy as np

from engine.analysis import Analyzer
from engine.errors import UsageError
from engine.feedback import digest_of
from engine.feedback.propensity import STEEPEST, Bias, Seen, estimate_eta, relevance
from engine.query import parse
from indexer.training.examples import Candidate, Example, TrainingSet, checksum_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from engine.feedback import Shown
    from engine.feedback.log import FeedbackLog
    from engine.protocols import Snapshot

# A passage that fewer than one in ten opens who look at it is what they did not want.
LEAST_RELEVANT: Final = 0.1
LEAST_LOOKS: Final = 1.0  # of a passage that nobody clicked, before that means anything


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedbackOptions:
    """How much evidence is enough.

    Attributes:
        least_shown: times that a passage was shown for a query, before its clicks count.
        least_queries: queries with something relevant, below which there is nothing to train.
        eta: how steeply attention falls with rank; None for what the log itself says.
    """

    least_shown: int = 3
    least_queries: int = 8
    eta: float | None = None

    def __post_init__(self) -> None:
        if self.least_shown < 1 or self.least_queries < 1:
            raise UsageError("at least one time, and one query, is needed to learn from feedback")
        if self.eta is not None and not 0 <= self.eta <= STEEPEST:
            raise UsageError(f"eta is between 0 and {STEEPEST:g}, not {self.eta:g}")


class _Pair(NamedTuple):
    """A passage for a query: what a label is about."""

    query: str
    document: str
    digest: bytes


@dataclass(slots=True)
class _Heard:
    """What a log says. `pairs` are numbered; of each time that one was shown three numbers stay."""

    spellings: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter[str]))
    pairs: dict[_Pair, int] = field(default_factory=dict[_Pair, int])
    shown: array[int] = field(default_factory=lambda: array("q"))
    ranks: array[int] = field(default_factory=lambda: array("q"))
    clicked: array[int] = field(default_factory=lambda: array("q"))
    grades: dict[_Pair, list[int]] = field(default_factory=lambda: defaultdict(list[int]))
    names: dict[str | bytes, str | bytes] = field(default_factory=dict[str | bytes, str | bytes])

    def key(self, query: str) -> str:
        """Return what is the same for all spellings of a query; empty if it has no word."""
        words = " ".join(query.split())
        key = unicodedata.normalize("NFKC", words).casefold()
        if key:
            self.spellings[key][words] += 1
        return key

    def add(self, query: str, one: Shown) -> None:
        """Take what was shown; equal documents and digests are kept once."""
        document = cast("str", self.names.setdefault(one.document, one.document))
        digest = cast("bytes", self.names.setdefault(one.digest, one.digest))
        number = self.pairs.setdefault(_Pair(query, document, digest), len(self.pairs))
        self.shown.append(number)
        self.ranks.append(one.rank)
        self.clicked.append(one.clicked is not None)

    def seen(self) -> Seen:
        """Return what was shown and clicked."""
        pairs, ranks, clicks = (
            np.array(column, np.int64) for column in (self.shown, self.ranks, self.clicked)
        )
        return Seen(pairs, ranks, np.ones(len(pairs)), clicks.astype(np.float64))


@dataclass(slots=True)
class _Labels:
    """A label for each pair of which enough is known."""

    labels: dict[_Pair, float]
    judged: int
    seldom: int
    bias: Bias | None


def examples(
    log: FeedbackLog, snapshot: Snapshot, options: FeedbackOptions | None = None
) -> TrainingSet:
    """Return what a log of feedback teaches, about the passages of an index.

    A query's text is its words without operators, in the spelling that came most often. Labels are
    in [0, 1]: of a judgement its grade divided by the highest of the log, of clicks the probability
    of a click by who looks at the passage. Queries without anything relevant are left out.

    Args:
        log: see FeedbackLog.
        snapshot: of the index that was searched.
        options: how much evidence is enough.

    Raises:
        UsageError: If there is too little; it says what there is and what is needed.
    """
    options = options or FeedbackOptions()
    heard = _hear(log)
    found = _labels(heard, options)
    texts = _texts(snapshot, found.labels)
    made, hopeless = _examples(heard, found.labels, texts)
    notes = _notes(found, len(found.labels) - len(texts), hopeless, options)
    if len(made) < options.least_queries:
        counts = log.counts()
        raise UsageError(
            f"{log.path} is too little to train from: {counts.searches:,} searches,"
            f" {counts.clicks:,} clicks and {counts.judgements:,} judgements give"
            f" {len(made):,} queries with something relevant, and {options.least_queries:,} are"
            f" needed ({'; '.join(notes)}); search more, or judge some with: shortlist label"
        )
    return TrainingSet(
        name="feedback",
        kind="labelled",
        examples=made,
        checksums={log.path.name: checksum_of(made)},  # the file changes with every search
        notes=notes,
    )


def _hear(log: FeedbackLog) -> _Heard:
    """Gather the log; only counts are kept, so memory grows with distinct passages alone."""
    heard = _Heard()
    analyzer = Analyzer()  # only tells operators from words, alike in every language
    for search in log.searches():
        words = search.query if search.plain else parse(search.query, analyzer).text
        if key := heard.key(words):
            for one in search.shown:
                heard.add(key, one)
    for judgement in log.judgements():
        pair = _Pair(heard.key(judgement.query), judgement.document, judgement.digest)
        heard.grades[pair].append(judgement.grade)
    return heard


def _labels(heard: _Heard, options: FeedbackOptions) -> _Labels:
    """Return labels: from grades where there are any, else from clicks."""
    highest = max([1, *(grade for grades in heard.grades.values() for grade in grades)])
    labels = {pair: sum(grades) / len(grades) / highest for pair, grades in heard.grades.items()}
    judged, seldom = len(labels), 0
    seen = heard.seen()
    bias = estimate_eta(seen) if options.eta is None else Bias(options.eta, 0.0, 0)
    values, looks = relevance(seen, bias.eta)
    times = np.bincount(seen.pairs)
    clicked = np.bincount(seen.pairs, seen.clicks) > 0
    enough = (times >= options.least_shown) & (clicked | (looks >= LEAST_LOOKS))
    relevant = clicked & (values >= LEAST_RELEVANT)
    for pair, number in heard.pairs.items():
        if pair in heard.grades:
            continue
        if enough[number]:
            labels[pair] = round(float(values[number]), 4) if relevant[number] else 0.0
        else:
            seldom += 1
    return _Labels(labels, judged, seldom, bias if clicked.any() else None)


def _texts(snapshot: Snapshot, pairs: Iterable[_Pair]) -> dict[_Pair, str]:
    """Return what stage two reads of each pair whose text is still in its document."""
    by_document: dict[str, list[_Pair]] = defaultdict(list)
    for pair in pairs:
        by_document[pair.document].append(pair)
    texts: dict[_Pair, str] = {}
    for document, wanted in by_document.items():
        there = {
            digest_of(stored.passage.text): stored.context
            for stored, _ in snapshot.document_passages(document)
        }
        texts |= {pair: there[pair.digest] for pair in wanted if pair.digest in there}
    return texts


def _examples(
    heard: _Heard, labels: Mapping[_Pair, float], texts: Mapping[_Pair, str]
) -> tuple[list[Example], int]:
    """Return examples by query, and how many queries have nothing relevant."""
    by_query: dict[str, list[Candidate]] = defaultdict(list)
    for pair, text in texts.items():
        by_query[pair.query].append(Candidate(text, labels[pair], pair.document))
    made: list[Example] = []
    for query, candidates in sorted(by_query.items()):
        # Equal passages of several documents may be labelled in several ways; each stays.
        ordered = sorted(candidates, key=lambda c: (-c.label, c.document, c.text))
        if ordered[0].label > 0:
            spellings = heard.spellings[query]
            text = min(spellings, key=lambda words: (-spellings[words], words))
            made.append(Example(text, tuple(ordered)))
    return made, len(by_query) - len(made)


def _notes(
    found: _Labels, changed: int, hopeless: int, options: FeedbackOptions
) -> tuple[str, ...]:
    """Say what the labels rest on, and what was left out."""
    clicks = len(found.labels) - found.judged
    notes = [f"labels: {found.judged:,} from judgements, {clicks:,} from clicks"]
    if found.bias is not None:
        how = (
            f"standard error {found.bias.error:.2f}, from {found.bias.clicks:,} clicks on passages"
            " that stood at several ranks"
        )
        given = "as given" if options.eta is not None else how
        notes.append(f"position bias: eta {found.bias.eta:.2f} ({given})")
    counted = (
        (f"passages shown fewer than {options.least_shown} times, or hardly looked at, left out",
         found.seldom),
        ("passages whose text is not in the index any more, left out", changed),
        ("queries without anything relevant, left out", hopeless),
    )  # fmt: skip
    return (*notes, *(f"{text}: {count:,}" for text, count in counted if count))
