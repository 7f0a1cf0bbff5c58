"""Negatives from our own stage one, because those are what the reranker will meet.

For each query the ranking is read that stage two would read, its positives are set aside, what the
guards speak against is left out, and the first of the rest are the hard negatives. Random ones
from the whole index go with them.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from functools import lru_cache, partial
from random import Random
from typing import TYPE_CHECKING, Final, Protocol

from indexer.training.drawn import WholeIndex
from indexer.training.examples import Candidate, Example
from indexer.training.groups import plain
from indexer.training.guards import Found, Guards, Judged, MiningOptions, spelling
from indexer.training.mined import Mined
from indexer.training.places import ranking
from indexer.training.statistics import Tally

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from engine.protocols import Encoder
    from engine.search import SearchEngine
    from engine.types import FloatArray
    from indexer.training.places import Ranking

    Rank = Callable[[str, Judged], Ranking]  # of a query and what is labelled for it

_DECIMALS: Final = 6  # of a cosine: its last bits depend on the machine
_VECTORS: Final = 20_000  # remembered; the same passages are found again and again
_TRIES: Final = 8  # passages looked at for each random negative


class Progress(Protocol):
    """Told while mining goes on."""

    def start(self, what: str, queries: int, done: int) -> None:
        """So many queries are to be mined, of which some are done already."""
        ...

    def advance(self, queries: float) -> None:
        """So many queries more are done."""
        ...

    def finish(self) -> None:
        """The queries are done."""
        ...


def mine(
    engine: SearchEngine,
    examples: Sequence[Example],
    options: MiningOptions | None = None,
    progress: Progress | None = None,
    known: Sequence[Example] | None = None,
) -> Mined:
    """Return examples with negatives, in the order given.

    What a query gets depends on its text, on what is labelled for it and on the options, not on
    the other queries. A teacher's scores are no labels: mine before the teacher scores.

    Args:
        engine: over the index; its stage two is not asked.
        examples: one that has negatives stays as it is, see `add_to_given`.
        options: see MiningOptions.
        progress: told while it goes on.
        known: all examples that there are, those of other sets too: what one of them names as an
            answer is no negative of the same query. None is `examples` alone.
    """
    options = options or MiningOptions()
    collector = Collector(engine, options, examples if known is None else known)
    return collector.collect(examples, partial(ranking, engine, options), progress)


def choose(examples: Sequence[Example], most: int | None, seed: int) -> list[Example]:
    """Return the first `most` examples of an order that the seed makes, as they stand."""
    if most is None or most >= len(examples):
        return list(examples)
    drawn = [_digest(seed, "most", example.query) for example in examples]
    by_draw = sorted(range(len(examples)), key=drawn.__getitem__)
    return [examples[number] for number in sorted(by_draw[: max(0, most)])]


def identity(engine: SearchEngine) -> dict[str, str | int]:
    """Return what tells the index of an engine from others."""
    documents, passages = engine.snapshot.count()
    return {
        "encoder": engine.encoder.name,
        "generation": engine.snapshot.generation,
        "documents": documents,
        "passages": passages,
    }


class Collector:
    """Makes examples with negatives of rankings, and counts. Where rankings come from is open."""

    def __init__(
        self,
        engine: SearchEngine,
        options: MiningOptions,
        examples: Sequence[Example],
        encoder: Encoder | None = None,
    ) -> None:
        """Take all examples that there are: what one labels of a query counts for its twins.

        Args:
            engine: over the index.
            options: see MiningOptions.
            examples: see Example. Twins are the same but for white space and case, see groups.
            encoder: whose cosines are the scores; the index's own if None.
        """
        self._options = options
        self._labelled: dict[str, list[Candidate]] = defaultdict(list)
        for example in examples:
            self._labelled[plain(example.query)] += example.candidates
        self._whole = WholeIndex(engine.snapshot) if options.random_negatives else None
        self._encoder = encoder or engine.encoder
        self._vector = lru_cache(_VECTORS)(_encode_one(self._encoder))
        self._identity = identity(engine)
        self._tally = Tally(self._encoder.name)

    def collect(
        self, examples: Sequence[Example], rank: Rank, progress: Progress | None = None
    ) -> Mined:
        """Return examples with the negatives that their rankings give; none without any text."""
        if progress is not None:
            progress.start("mining", len(examples), 0)
        mined: list[Example] = []
        for example in examples:
            wants = self.wants(example)
            taken = self._take(example, rank) if wants else example
            if taken.candidates:
                mined.append(taken)
            self._tally.kept += not wants
            if progress is not None:
                progress.advance(1)
        if progress is not None:
            progress.finish()
        return Mined(tuple(mined), self._tally.statistics(), self._options, self._identity)

    def wants(self, example: Example) -> bool:
        """Whether an example is to get negatives: without a positive nobody knows what is wrong.

        A question that nothing is labelled for gets candidates: a teacher will say what they are.
        """
        given = bool(example.negatives) and not self._options.add_to_given
        return not example.candidates or (bool(example.positives) and not given)

    def _take(self, example: Example, rank: Rank) -> Example:
        query, options = example.query, self._options
        judged = Judged(query, self._labelled[plain(query)])
        ranked = rank(query, judged)
        if ranked.missed is not None:
            self._tally.miss(sum(missed in example.candidates for missed in ranked.missed))
        self._tally.skipped["positive_document"] += ranked.spared
        score = self._scorer(query)
        guards = Guards(options, judged, score)
        hard = self._hard(query, ranked.found, guards)
        random = self._random(query, guards, {spelling(candidate.text) for candidate in hard})
        few = len(hard) < options.num_negatives or len(random) < options.random_negatives
        self._tally.short += few
        self._tally.count(
            [score(c.text) for c in example.positives],
            [score(c.text) for c in hard if c.label <= 0],
            [score(c.text) for c in random],
        )
        placed = {candidate for candidate in hard if candidate.label > 0}
        given = (candidate for candidate in example.candidates if candidate not in placed)
        return Example(query, (*given, *hard, *random))

    def _hard(
        self, query: str, found: Sequence[Found | Candidate], guards: Guards
    ) -> list[Candidate]:
        left: list[Found | Candidate] = []
        seen: set[str] = set()
        for one in found:
            if isinstance(one, Candidate):
                left.append(one)
            elif self._may(one, guards, seen):
                left.append(one)
                seen.add(one.spelling)
        most = self._options.num_negatives
        if self._options.sampling == "random" and len(left) > most:
            numbers = self._draw_for(query, "hard").sample(range(len(left)), most)
            left = [left[number] for number in sorted(numbers)]
        return [one if isinstance(one, Candidate) else _negative(one) for one in left[:most]]

    def _random(self, query: str, guards: Guards, taken: set[str]) -> list[Candidate]:
        wanted = self._options.random_negatives
        drawn: list[Candidate] = []
        if self._whole is None:
            return drawn
        for found in self._whole.draw(self._draw_for(query, "random"), wanted * _TRIES):
            if self._may(found, guards, taken):
                drawn.append(_negative(found))
                taken.add(found.spelling)
            if len(drawn) == wanted:
                break
        return drawn

    def _may(self, found: Found, guards: Guards, taken: set[str]) -> bool:
        reason = guards.against(found, taken)
        if reason is not None:
            self._tally.skipped[reason] += 1
        return reason is None

    def _scorer(self, query: str) -> Callable[[str], float]:
        vector = self._encoder.encode_queries([query])[0]
        return lambda text: round(float(self._vector(text) @ vector), _DECIMALS)

    def _draw_for(self, query: str, what: str) -> Random:
        return Random(_digest(self._options.seed, what, query))  # noqa: S311 - no secret


def _negative(found: Found) -> Candidate:
    return Candidate(found.text, 0.0, found.document)


def _encode_one(encoder: Encoder) -> Callable[[str], FloatArray]:
    return lambda text: encoder.encode_passages([text])[0]


def _digest(seed: int, what: str, query: str) -> bytes:
    """Return bytes that depend on nothing else, on any machine."""
    told = f"{seed}\0{what}\0{query}".encode("utf-8", "surrogatepass")
    return hashlib.blake2b(told, digest_size=16).digest()
