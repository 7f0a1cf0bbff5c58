"""Negatives from stage one and from the whole index, and what must not be one."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final

import pytest

from engine.answer import SearchRequest
from engine.errors import UsageError
from indexer.training.drawn import list_documents
from indexer.training.examples import Candidate, Example
from indexer.training.guards import MiningOptions, shingles, words
from indexer.training.mining import choose, mine
from indexer.training.statistics import Spread, table
from tests.fakes import make_engine

if TYPE_CHECKING:
    from engine.search import SearchEngine
    from indexer.training.guards import Reason

# A passage a line; the title, which stage two reads before it, is the id.
LIBRARY: Final = {
    "mill": "the mill grinds corn into flour at the river",
    "miller": "the miller sells flour and corn\nhe sleeps above the stones all night",
    "bakery": "the bakery buys flour of the mill",
    "farm": "the farm grows corn beside the mill",
    "river": "the river drives the wheel of the mill",
    "sea": "ships cross the sea in a storm",
    "moon": "the moon pulls the sea twice a day",
    "star": "a star burns for a long time",
    "copy": "once more the mill grinds corn into flour at the river",
}
QUERY: Final = "what grinds corn into flour"
HARD: Final = MiningOptions(num_negatives=3, random_negatives=0)


def text(document: str, line: int = 0) -> str:
    return f"{document}\n{LIBRARY[document].splitlines(keepends=True)[line]}"


def example(*documents: str, query: str = QUERY) -> Example:
    return Example(query, tuple(Candidate(text(d), 1.0, d) for d in documents))


def engine(**more: str) -> SearchEngine:
    return make_engine({**LIBRARY, **more}, rerank=False)


def negatives(options: MiningOptions, *positives: str, **more: str) -> list[str]:
    [mined] = mine(engine(**more), [example(*(positives or ("mill",)))], options).examples
    return [candidate.document for candidate in mined.negatives]


def served_documents(**more: str) -> list[str]:
    """Return what a search shows for the query."""
    request = SearchRequest(query=QUERY, group_by="document", rerank=False, plain=True)
    return [result.document for result in engine(**more).search(request).results]


@dataclass
class Told:
    """See mining.Progress; remembers."""

    events: list[object] = field(default_factory=list[object])

    def start(self, what: str, queries: int, done: int) -> None:
        self.events.append((what, queries, done))

    def advance(self, queries: float) -> None:
        self.events.append(queries)

    def finish(self) -> None:
        self.events.append("finished")


# -- what is taken -------------------------------------------------------------------------------


def test_the_first_of_stage_one_are_hard_negatives_as_stage_two_reads_them() -> None:
    [mined] = mine(engine(), [example("mill")], HARD).examples
    assert mined.positives == example("mill").candidates
    served = [d for d in served_documents() if d not in ("mill", "copy")]
    assert [c.text for c in mined.negatives] == [text(document) for document in served[:3]]
    assert {c.label for c in mined.negatives} == {0.0}


def test_a_document_stands_once_by_its_best_passage() -> None:
    assert negatives(replace(HARD, num_negatives=8)).count("miller") == 1
    passages = negatives(replace(HARD, num_negatives=9, unit="passage"))
    assert passages.count("miller") == 2


def test_random_negatives_come_from_the_whole_index() -> None:
    options = MiningOptions(num_negatives=1, random_negatives=7, range_max=1)
    assert {"sea", "moon", "star"} <= set(negatives(options))


def test_hard_and_random_counts_are_what_was_asked() -> None:
    mined = mine(engine(), [example("mill")], MiningOptions(num_negatives=3, random_negatives=2))
    assert (mined.statistics.hard, mined.statistics.random, mined.statistics.short) == (3, 2, 0)
    assert len(mined.examples[0].negatives) == 5


def test_a_range_skips_the_first_places() -> None:
    options = replace(HARD, near_duplicate=None)
    ranking = negatives(replace(options, num_negatives=5))
    assert negatives(replace(options, num_negatives=2, range_min=2)) == ranking[2:4]
    assert negatives(replace(options, num_negatives=1, range_min=1, range_max=2)) == ranking[1:2]


def test_positives_take_no_place_so_tight_ranges_are_filled() -> None:
    options = replace(HARD, range_max=3, near_duplicate=None)
    assert len(negatives(options, "mill", "miller", "farm")) == 3


def test_what_a_guard_leaves_out_takes_its_place_so_ranges_mean_the_same_with_guards() -> None:
    assert len(negatives(replace(HARD, range_max=3))) == 2


def test_random_sampling_keeps_the_order_of_the_ranking_and_follows_the_seed() -> None:
    ranking = negatives(replace(HARD, num_negatives=7))
    options = replace(HARD, sampling="random")
    seen = {tuple(negatives(replace(options, seed=seed))) for seed in range(8)}
    assert len(seen) > 1
    assert all(list(some) == sorted(some, key=ranking.index) for some in seen)
    assert negatives(options) == negatives(options)


def test_sources_of_stage_one_can_be_chosen() -> None:
    lexical = negatives(replace(HARD, num_negatives=8, sources="lexical"))
    assert "moon" not in lexical  # it shares no word but stop words


def test_pairs_are_counted_as_the_published_recipe_does() -> None:
    examples = [example("mill", "farm"), example("sea", query="ships in a storm at sea")]
    statistics = mine(engine(), examples, HARD).statistics
    assert statistics.pairs == 3 * 3
    assert statistics.scores["difference"].count == statistics.pairs


def test_a_choice_of_examples_does_not_depend_on_their_order() -> None:
    examples = [example("mill", query=f"flour {number}") for number in range(10)]
    some = choose(examples, 4, seed=0)
    assert [e.query for e in some] == sorted(e.query for e in some)
    assert choose(examples[::-1], 4, seed=0) == some[::-1]
    assert {e.query for e in some} < {e.query for e in choose(examples, 5, seed=0)}
    assert choose(examples, None, seed=0) == choose(examples, 99, seed=0) == examples


def test_what_another_set_names_as_an_answer_is_no_negative() -> None:
    [alone] = mine(engine(), [example("mill")], HARD).examples
    first = alone.negatives[0]
    other = Example(QUERY, (Candidate(first.text, 1.0, first.document),))
    [mined] = mine(engine(), [example("mill")], HARD, known=[example("mill"), other]).examples
    assert first.text not in {negative.text for negative in mined.negatives}
    assert mined.positives == alone.positives  # the other set teaches its own answers


def test_progress_is_told() -> None:
    told = Told()
    mine(engine(), [example("mill"), example("sea", query="ships")], HARD, told)
    assert told.events == [("mining", 2, 0), 1, 1, "finished"]


# -- what is left alone --------------------------------------------------------------------------


def test_given_negatives_are_kept_and_added_to_only_if_wanted() -> None:
    given = Candidate("no mill at all", 0.0)
    tuple_ = Example(QUERY, (*example("mill").candidates, given))
    mined = mine(engine(), [tuple_], HARD)
    assert mined.examples == (tuple_,)
    assert (mined.statistics.queries, mined.statistics.kept) == (0, 1)
    [more] = mine(engine(), [tuple_], replace(HARD, add_to_given=True)).examples
    assert more.candidates[:2] == tuple_.candidates
    assert len(more.negatives) == 4


def test_a_query_without_a_positive_gets_nothing() -> None:
    alone = Example(QUERY, (Candidate("no mill at all", 0.0),))
    assert mine(engine(), [alone], replace(HARD, add_to_given=True)).examples == (alone,)


def test_an_empty_query_gets_random_negatives_only() -> None:
    statistics = mine(engine(), [example("mill", query=" ")], MiningOptions()).statistics
    assert (statistics.hard, statistics.random, statistics.short) == (0, 2, 1)


# -- the guards ----------------------------------------------------------------------------------


def test_no_passage_of_a_positives_document_is_a_negative() -> None:
    options = MiningOptions(num_negatives=8, random_negatives=9, unit="passage")
    mined = mine(engine(), [example("miller")], options)
    assert "miller" not in {c.document for c in mined.examples[0].negatives}
    assert mined.statistics.skipped["positive_document"] > 0
    spared = replace(options, spare_documents=False)
    assert "miller" in negatives(spared, "miller")


def test_the_positive_itself_is_no_negative_whatever_is_switched_off() -> None:
    bare = Example(QUERY, (Candidate("The mill grinds corn, into flour: at the river!", 1.0),))
    off = replace(HARD, num_negatives=8, near_duplicate=None, spare_documents=False)
    [mined] = mine(engine(), [bare], off).examples
    assert {"mill", "copy"} & {c.document for c in mined.negatives} == {"copy"}


def test_a_near_duplicate_of_a_positive_is_left_out() -> None:
    mined = mine(engine(), [example("mill")], replace(HARD, num_negatives=8))
    assert "copy" not in {c.document for c in mined.examples[0].negatives}
    assert mined.statistics.skipped["near_duplicate"] == 1
    assert "copy" in negatives(replace(HARD, num_negatives=8, near_duplicate=None))


def test_what_lacks_a_word_of_the_query_is_no_near_duplicate() -> None:
    long = "has these signs and they come and go for many weeks in all who have it"
    sheets = {"red": f"red fever {long}", "blue": f"blue fever {long}"}
    positive = Example("signs of red fever", (Candidate(f"red\n{sheets['red']}", 1.0, "red"),))
    unasked = replace(positive, query="signs of fever")
    blue = {
        e.query: "blue" in {c.document for c in e.negatives}
        for e in mine(engine(**sheets), [positive, unasked], HARD).examples
    }
    assert blue == {"signs of red fever": True, "signs of fever": False}


def test_the_same_text_is_taken_once() -> None:
    mined = mine(
        make_engine({"a/x": "corn flour", "b/x": "Corn, flour!", "c/y": "mill"}, rerank=False),
        [Example("corn", (Candidate("mill", 1.0),))],
        replace(HARD, num_negatives=2),
    )
    assert [c.document for c in mined.examples[0].negatives] == ["a/x"]
    assert mined.statistics.skipped == {"same_text": 1}
    assert mined.statistics.short == 1


def test_what_is_labelled_for_the_query_is_not_mined_also_where_another_example_labels_it() -> None:
    options = replace(HARD, num_negatives=8, add_to_given=True)
    judged = Example(QUERY, (Candidate(text("farm"), 0.0),))
    first, _ = mine(engine(), [example("mill"), judged], options).examples
    assert "farm" not in {c.document for c in first.negatives}


def test_what_answers_the_question_in_another_spelling_is_no_negative() -> None:
    twins = [example("mill"), example("bakery", query=f"  {QUERY.upper()}")]
    for mined in mine(engine(), twins, HARD).examples:
        assert len(mined.negatives) == 3
        assert {"mill", "bakery"}.isdisjoint(c.document for c in mined.negatives)


def test_margins_and_the_maximum_score_leave_out_what_scores_too_high() -> None:
    wide = replace(HARD, num_negatives=8)
    everything = set(negatives(wide))
    cases: list[tuple[MiningOptions, Reason]] = [
        (replace(wide, max_score=0.25), "max_score"),
        (replace(wide, margin=0.36), "margin"),
        (replace(wide, relative_margin=0.6), "relative_margin"),
    ]
    for options, reason in cases:
        mined = mine(engine(), [example("mill")], options)
        left = {c.document for c in mined.examples[0].negatives}
        spread = mined.statistics.scores
        assert left < everything, reason
        assert mined.statistics.skipped[reason] == len(everything - left)
        if reason == "max_score":
            assert spread["negative"].values["max"] <= 0.25
        elif reason == "margin":
            assert spread["difference"].values["min"] >= 0.36
        else:
            assert spread["negative"].values["max"] <= 0.4 * spread["positive"].values["min"]


def test_a_margin_is_kept_to_the_positive_that_scores_least() -> None:
    options = replace(HARD, num_negatives=7, margin=0.0)
    both = mine(engine(), [example("mill", "star")], options).statistics
    assert both.scores["negative"].values["max"] <= both.scores["positive"].values["min"]


def test_random_negatives_pass_the_same_guards() -> None:
    options = MiningOptions(num_negatives=0, random_negatives=9, max_score=0.2)
    statistics = mine(engine(), [example("mill")], options).statistics
    assert statistics.scores["random"].values["max"] <= 0.2
    assert {"positive_document", "near_duplicate", "max_score"} == set(statistics.skipped)


# -- positives in their places -------------------------------------------------------------------


def test_positives_can_stand_where_stage_one_has_them() -> None:
    options = replace(HARD, include_positives=True, near_duplicate=None)
    [mined] = mine(engine(), [example("farm")], options).examples
    served = served_documents()
    at = served.index("farm")
    assert at >= 3
    assert [c.document for c in mined.candidates] == ["farm", *served[:3]]  # too deep: as given
    [deeper] = mine(engine(), [example("farm")], replace(options, num_negatives=7)).examples
    assert [c.document for c in deeper.candidates] == served[:7]
    assert [c.label for c in deeper.candidates] == [float(n == at) for n in range(7)]


# -- what is told --------------------------------------------------------------------------------


def test_positives_that_stage_one_misses_are_counted() -> None:
    examples = [
        example("star", query="what grinds"),
        example("mill"),
        Example("flour corn", (Candidate("the mill grinds corn into flour at the river.", 1.0),)),
    ]
    statistics = mine(engine(), examples, replace(HARD, sources="lexical")).statistics
    assert (statistics.positives, statistics.missed) == (3, 1)
    assert "1 positives (33.3%)" in table(statistics)


def test_the_table_says_how_scores_lie_and_what_was_left_out() -> None:
    shown = table(mine(engine(), [example("mill")], MiningOptions(num_negatives=3)).statistics)
    lines = shown.splitlines()
    assert lines[0].split() == ["Metric", "Positive", "Negative", "Random", "Difference"]
    assert lines[1].split() == ["Count", "1", "3", "2", "3"]
    assert [line.split()[0] for line in lines[2:10]] == [
        *("Mean", "Median", "Std", "Min", "25%", "50%", "75%", "Max")
    ]
    assert "1 near-duplicates of a positive" in shown


def test_of_queries_that_bring_their_negatives_there_is_no_table() -> None:
    tuple_ = Example(QUERY, (*example("mill").candidates, Candidate("no", 0.0)))
    shown = table(mine(engine(), [tuple_], HARD).statistics)
    assert shown == "1 queries stay as they came: negatives stand there already."


def test_a_spread_is_that_of_a_sample() -> None:
    spread = Spread.of([1.0, 2.0, 3.0, 4.0])
    assert spread.values == {
        "mean": 2.5, "median": 2.5, "std": 1.290994, "min": 1.0, "25%": 1.75, "50%": 2.5,
        "75%": 3.25, "max": 4.0,
    }  # fmt: skip


# -- options -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"num_negatives": -1}, "below 0"),
        ({"num_negatives": 0, "random_negatives": 0}, "at least one"),
        ({"range_min": 50}, "below range_max"),
        ({"range_max": 10_001}, "at most 10,000"),
        ({"range_min": 46}, "do not fit"),
        ({"max_score": 1.5}, "max_score is between -1 and 1, not 1.5"),
        ({"margin": -0.1}, "margin is between"),
        ({"relative_margin": float("nan")}, "relative_margin is between"),
        ({"near_duplicate": 0.0}, "near_duplicate is above 0"),
        ({"sampling": "best"}, "sampling is one of top, random"),
        ({"unit": "chunk"}, "unit is one of"),
        ({"sources": "all"}, "sources is one of"),
    ],
)
def test_options_that_cannot_be_are_refused(wrong: dict[str, Any], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        MiningOptions(**wrong)


# -- words ---------------------------------------------------------------------------------------


def test_words_are_spelled_in_one_way() -> None:
    assert words("The Mill, ﬁne STRASSE.") == ["the", "mill", "fine", "strasse"]
    assert words("Straße") == ["strasse"]
    assert words("東京 tower") == ["東", "京", "tower"]
    assert words("...") == []


def test_shingles_of_few_words_are_the_whole() -> None:
    assert shingles(["a", "b"]) == {("a", "b")}
    assert shingles([]) == set()
    assert shingles(list("abcdef")) == {tuple("abcde"), tuple("bcdef")}


def test_all_documents_are_listed_once() -> None:
    assert list_documents(engine().snapshot) == sorted(LIBRARY)
