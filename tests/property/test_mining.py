"""Mining over any small index: what no negative may be, and a slow twin of its ranking."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from engine.answer import SearchRequest
from indexer.training.examples import Candidate, Example
from indexer.training.guards import MiningOptions, spelling
from indexer.training.mining import mine
from tests.fakes import make_engine

if TYPE_CHECKING:
    from random import Random

    from engine.search import SearchEngine

WORD = st.sampled_from(["mill", "corn", "flour", "sea", "moon", "the", "Mühle", "水"])
LINE = st.lists(WORD, min_size=1, max_size=7).map(" ".join)
LIBRARY = st.lists(st.lists(LINE, min_size=1, max_size=3).map("\n".join), min_size=2, max_size=12)
OPTIONS = st.builds(
    MiningOptions,
    num_negatives=st.integers(1, 4),
    random_negatives=st.integers(0, 3),
    range_min=st.integers(0, 2),
    range_max=st.sampled_from([6, 8, 50]),
    max_score=st.none() | st.sampled_from([0.5, 0.9]),
    margin=st.none() | st.sampled_from([0.0, 0.1]),
    relative_margin=st.none() | st.sampled_from([0.05, 0.3]),
    sampling=st.sampled_from(["top", "random"]),
    near_duplicate=st.none() | st.just(0.8),
    unit=st.sampled_from(["document", "passage"]),
    seed=st.integers(0, 3),
)


@st.composite
def mills(draw: st.DrawFn) -> tuple[SearchEngine, list[Example]]:
    """An index, and examples whose positives are passages of it, with their document or without."""
    library = {f"d{n}.txt": text for n, text in enumerate(draw(LIBRARY))}
    engine = make_engine(library, rerank=False)
    stored = engine.snapshot.passages(range(1, 100))
    examples: list[Example] = []
    for query in draw(st.lists(LINE, min_size=1, max_size=4, unique=True)):
        positives = draw(st.lists(st.sampled_from(stored), min_size=1, max_size=2))
        named = draw(st.booleans())
        examples.append(
            Example(
                query,
                tuple(
                    Candidate(p.context, 1.0, p.document.id)
                    if named
                    else Candidate(p.passage.text, 1.0)
                    for p in positives
                ),
            )
        )
    return engine, examples


@given(mills(), OPTIONS)
def test_negatives_are_few_other_than_the_positives_and_all_different(
    made: tuple[SearchEngine, list[Example]], options: MiningOptions
) -> None:
    engine, examples = made
    texts = {p.context: p for p in engine.snapshot.passages(range(1, 100))}
    mined = mine(engine, examples, options)
    assert [e.query for e in mined.examples] == [e.query for e in examples]
    for before, after in zip(examples, mined.examples, strict=True):
        assert after.positives == before.candidates
        spelled = [spelling(c.text) for c in after.negatives]
        assert len(spelled) == len(set(spelled))
        assert len(spelled) <= options.num_negatives + options.random_negatives
        for negative in after.negatives:
            assert negative.document == texts[negative.text].document.id
            bare = spelling(texts[negative.text].passage.text)
            for positive in before.positives:
                assert spelling(positive.text) not in (spelling(negative.text), bare)
                assert negative.document != positive.document
    statistics = mined.statistics
    assert statistics.hard + statistics.random == sum(len(e.negatives) for e in mined.examples)
    assert statistics.positives == sum(len(e.positives) for e in examples)
    assert statistics.missed is not None
    assert 0 <= statistics.missed <= statistics.positives


@given(mills(), OPTIONS, st.randoms())
def test_mining_repeats_and_does_not_depend_on_the_order_of_examples(
    made: tuple[SearchEngine, list[Example]], options: MiningOptions, random: Random
) -> None:
    engine, examples = made
    shuffled = list(examples)
    random.shuffle(shuffled)
    one, other = mine(engine, examples, options), mine(engine, shuffled, options)
    assert one.statistics == other.statistics
    assert set(one.examples) == set(other.examples)
    alone = [mine(engine, [e], options).examples[0] for e in examples]
    assert alone == list(one.examples)


@given(mills(), st.booleans())
def test_without_guards_the_negatives_are_the_served_ranking_without_the_positives(
    made: tuple[SearchEngine, list[Example]], by_document: bool
) -> None:
    engine, examples = made
    options = MiningOptions(
        num_negatives=100,
        random_negatives=0,
        range_max=100,
        near_duplicate=None,
        spare_documents=False,
        unit="document" if by_document else "passage",
    )
    for example, after in zip(examples, mine(engine, examples, options).examples, strict=True):
        assert [c.text for c in after.negatives] == _served(engine, example, by_document)


def _served(engine: SearchEngine, example: Example, by_document: bool) -> list[str]:
    """Return what a search shows, less positives and repeated texts: the slow twin."""
    group = "document" if by_document else None
    request = SearchRequest(query=example.query, k=100, group_by=group, rerank=False, plain=True)
    positives = {spelling(p.text) for p in example.positives}
    seen: set[str] = set()
    left: list[str] = []
    for result in engine.search(request).results:
        context = f"{result.title}\n{result.text}"
        same = {spelling(context), spelling(result.text)} & positives
        if not same and spelling(context) not in seen:
            left.append(context)
        seen.add(spelling(context))
    return left


@given(mills(), OPTIONS)
def test_more_places_give_no_other_negatives_before(
    made: tuple[SearchEngine, list[Example]], options: MiningOptions
) -> None:
    engine, examples = made
    top = replace(options, sampling="top", random_negatives=0, range_max=6)
    wide = replace(top, range_max=50)
    for few, more in zip(
        mine(engine, examples, top).examples, mine(engine, examples, wide).examples, strict=True
    ):
        assert more.negatives[: len(few.negatives)] == few.negatives
