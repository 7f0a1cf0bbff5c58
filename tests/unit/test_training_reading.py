from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from engine.errors import CollectionError, UsageError
from indexer.training.examples import Candidate, Example
from indexer.training.reading import examples_of, read_examples, split
from indexer.training.sources import read_sources
from tests.judged import write_collection
from tests.pair_files import FORMATS, ROWS, pairs_file

if TYPE_CHECKING:
    from collections.abc import Sequence

    from indexer.training.examples import TrainingSet

DATA = os.environ.get("SHORTLIST_DATA", "")
Rows = list[dict[str, object]]


def of(rows: Sequence[dict[str, object]], *, lenient: bool = False) -> TrainingSet:
    """Return the examples of rows in memory, whose lines count from 1."""
    return examples_of(enumerate(rows, 1), place="rows", name="rows", lenient=lenient)


def judged(training: TrainingSet) -> list[tuple[str, list[tuple[str, float]]]]:
    """Return what is judged, without documents."""
    return [(e.query, [(c.text, c.label) for c in e.candidates]) for e in training.examples]


def error(rows: Sequence[dict[str, object]], *, lenient: bool = False) -> str:
    with pytest.raises(CollectionError) as caught:
        of(rows, lenient=lenient)
    return str(caught.value)


@pytest.mark.parametrize("name", FORMATS)
def test_pairs_of_every_format_are_gathered_by_query(name: str, tmp_path: Path) -> None:
    training = read_examples(pairs_file(tmp_path, ROWS, name))
    assert judged(training) == [
        ('what grinds, "corn"', [("A mill.\nA second line.", 1)]),
        ("what does a miller sell", [("Flour, of course", 1), ("Bread", 1)]),
        ("was ißt man täglich", [("Bread", 1)]),
    ]
    assert (training.name, training.kind) == (name.partition(".")[0], "pairs")
    assert list(training.checksums) == [name]
    assert training.notes == ()


@pytest.mark.parametrize(
    ("query", "text"),
    [
        ("Query", "Document"),
        (" QUESTION", "passage"),
        ("anchor", "positive"),
        ("sentence1", "sentence2"),
        ("query", "Response"),
        ("question", "text"),
        ("query", "answer"),
    ],
)
def test_columns_are_known_by_name_in_any_order(query: str, text: str) -> None:
    rows: Rows = [{text: "to that", query: "this"}, {query: "more", text: "again"}]
    assert judged(of(rows)) == [("this", [("to that", 1)]), ("more", [("again", 1)])]


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.parquet"])
def test_negatives_are_read_by_their_numbers(name: str, tmp_path: Path) -> None:
    row = {"negative_10": "z", "negative_2": "y", "negative": "x", "query": "q", "positive": "p"}
    training = read_examples(pairs_file(tmp_path, [row], name))
    assert training.kind == "tuples"
    assert judged(training) == [("q", [("p", 1), ("x", 0), ("y", 0), ("z", 0)])]


def test_the_rows_of_one_query_make_one_list_without_repeats() -> None:
    rows: Rows = [
        {"query": "q", "positive": "p", "negative": "n"},
        {"query": "other", "positive": "n", "negative": "p"},
        {"query": "q", "positive": "p", "negative": "m"},
    ]
    assert judged(of(rows)) == [
        ("q", [("p", 1), ("n", 0), ("m", 0)]),
        ("other", [("n", 1), ("p", 0)]),
    ]


def test_each_json_row_may_have_its_own_number_of_negatives() -> None:
    rows: Rows = [
        {"query": "q", "positive": "p"},
        {"query": "r", "positive": "p", "negative_1": "m", "negative_2": "n"},
    ]
    training = of(rows)
    assert (training.kind, judged(training)[1]) == ("tuples", ("r", [("p", 1), ("m", 0), ("n", 0)]))
    assert training.notes == ()


@pytest.mark.parametrize("label", ["label", "Labels", "score", "scores", "relevance"])
@pytest.mark.parametrize("values", [(0, 1), (0.25, 1.0), (False, True), ("0", "1.0")])
def test_labels_are_numbers_from_0_to_1(label: str, values: tuple[object, object]) -> None:
    low, high = values
    rows: Rows = [
        {label: low, "query": "q", "passage": "a"},
        {label: high, "query": "q", "passage": "b"},
    ]
    training = of(rows)
    assert training.kind == "labelled"
    assert judged(training) == [("q", [("a", float(str(low)) if low else 0), ("b", 1)])]


def test_tables_say_truths_in_words() -> None:
    rows: Rows = [
        {"query": "q", "answer": "a", "label": "True"},
        {"query": "q", "answer": "b", "label": " false"},
    ]
    assert judged(of(rows)) == [("q", [("a", 1), ("b", 0)])]


@pytest.mark.parametrize("value", ["", None, "1_0", "high", float("nan"), "inf", [], {"a": 1}])
def test_what_is_no_number_is_no_label(value: object) -> None:
    rows: Rows = [
        {"query": "q", "answer": "a", "label": 1},
        {"query": "q", "answer": "b", "label": value},
    ]
    assert error(rows).startswith("rows:2: ")


def test_a_label_out_of_range_is_refused_with_the_range_even_where_lenient() -> None:
    rows: Rows = [
        {"query": "q", "answer": "a", "label": 1},
        {"query": "q", "answer": "b", "label": 3},
    ]
    expected = "rows:2: the label 3 is out of range: it goes from 0 (not relevant) to 1; divide"
    assert error(rows).startswith(expected)
    assert error(rows, lenient=True).startswith(expected)


@pytest.mark.parametrize("column", ["score", "Scores"])
def test_scores_of_any_size_are_those_of_a_teacher(column: str) -> None:
    rows: Rows = [
        {"query": "q", "answer": "a", column: 7.5},
        {"query": "q", "answer": "b", column: -2},
    ]
    training = of(rows)
    assert (training.kind, judged(training)) == ("scored", [("q", [("a", 7.5), ("b", -2)])])
    rows[1][column] = rows[0][column] = 0.5
    assert of(rows).kind == "labelled"


def test_a_list_of_texts_has_a_list_of_labels(tmp_path: Path) -> None:
    row: dict[str, object] = {
        "query": "q", "documents": ["a", "b", "c"], "labels": [0, 1, 0.5]
    }  # fmt: skip
    for name in ("a.jsonl", "a.json", "a.parquet", "a.arrow"):
        training = read_examples(pairs_file(tmp_path, [row], name))
        assert training.kind == "labelled"
        assert judged(training) == [("q", [("a", 0), ("b", 1), ("c", 0.5)])]
    assert of([{"query": "q", "answers": ["a", "b"]}]).kind == "pairs"
    assert error([row | {"labels": [0, 1]}]) == (
        "rows:1: has 2 of 'labels' for 3 texts; each text needs its own"
    )


def test_scores_in_a_list_belong_to_the_positive_and_then_the_negatives() -> None:
    row: dict[str, object] = {
        "query": "q", "positive": "p", "negative_1": "m", "negative_2": "n", "score": [9, 1, -3]
    }  # fmt: skip
    training = of([row])
    assert (training.kind, judged(training)) == ("scored", [("q", [("p", 9), ("m", 1), ("n", -3)])])


def test_one_number_for_several_texts_plays_no_part() -> None:
    training = of([{"query": "q", "positive": "p", "negative": "n", "score": 3.2}])
    assert (training.kind, judged(training)) == ("tuples", [("q", [("p", 1), ("n", 0)])])
    assert training.notes == ("columns ignored (score): 1",)


def test_labels_that_are_all_1_make_pairs() -> None:
    training = of([{"query": "q", "answer": "a", "label": 1}])
    assert training.kind == "pairs"
    assert training.notes == ("every label is 1, so the rows are pairs; examples: 1",)


@pytest.mark.parametrize("column", ["document_id", "doc_id", "answer_id", "passage_id"])
def test_documents_are_named_by_ids_with_or_without_a_text(column: str) -> None:
    rows: Rows = [
        {"query": "q", column: " a.md ", "text": None},
        {"query": "q", column: 7, "text": "seven"},
        {"query": "q", column: None, "text": "from elsewhere"},
    ]
    assert of(rows).examples[0].candidates == (
        Candidate("", 1, "a.md"),
        Candidate("seven", 1, "7"),
        Candidate("from elsewhere", 1),
    )
    assert of([{"query": "q", column: "a.md"}]).examples[0].positives[0].document == "a.md"
    assert "1 texts and 2 document ids" in error([{"query": "q", column: ["a", "b"], "text": "t"}])


def test_columns_that_play_no_part_are_noted() -> None:
    rows: Rows = [
        {"title": "t", "query": "q", "answer": "a", "text": "b"},
        {"query": "q", "answer": "c", "group": 1},
    ]
    assert of(rows).notes == ("columns ignored (title, text, group): 3",)


def test_missing_columns_are_answered_with_those_that_are_there() -> None:
    assert error([{"title": "q", "answer": "a"}]).endswith("the columns are: title, answer")
    missing = "no column for the answer in rows (a --teacher needs none): "
    assert error([{"title": "q", "query": "a"}]).startswith(missing)
    assert error([{"title": "q", "query": "a"}]).endswith("the columns are: title, query")


@pytest.mark.parametrize(
    ("first", "other", "found"),
    [
        ({"text": "a"}, {"text": "b", "label": 0}, "'label', where the first row has none of the"),
        ({"text": "a"}, {"text": "b", "answer": "c"}, "'answer', where the first row reads 'text'"),
        ({"answer": "a", "text": "b"}, {"text": "c"}, "'text', where the first row reads 'answer'"),
        ({"text": "a"}, {"doc_id": "c"}, "'doc_id', where the first row has none of the kind"),
    ],
)
def test_a_column_that_only_later_rows_have_is_never_overlooked(
    first: dict[str, object], other: dict[str, object], found: str
) -> None:
    message = error([{"query": "q", **first}, {"query": "r", **other}])
    assert message.startswith(f"rows:2: has a column {found}")


def test_a_text_that_is_judged_in_two_ways_is_refused_with_both_places() -> None:
    rows: Rows = [
        {"query": "q", "positive": "a", "negative": "b"},
        {"query": "r", "positive": "c", "negative": "a"},
        {"query": "q", "positive": "b", "negative": "d"},
    ]
    assert error(rows) == ("rows:3: has 1 for 'b' as an answer to 'q', to which rows:1 gives 0")
    training = of(rows, lenient=True)
    assert judged(training)[0] == ("q", [("a", 1), ("d", 0)])
    assert training.notes == ("texts judged in two ways for one query, left out: 1",)


def test_one_document_judged_in_two_ways_is_refused_too() -> None:
    rows: Rows = [
        {"query": "q", "doc_id": "a", "label": 1},
        {"query": "q", "doc_id": "a", "label": 0},
    ]
    assert "for 'a' as an answer" in error(rows)


@pytest.mark.parametrize(
    ("row", "message", "note"),
    [
        ({"query": " "}, "has no query in the column 'query'", "rows without a query, left out: 1"),
        ({"answer": "\n"}, "has no answer in the column 'answer'", "rows without an answer,"),
        ({"answer": []}, "has no answer in the column 'answer'", "rows without an answer,"),
        ({"answer": ["x", ""]}, "has an empty text in the column 'answer'", "empty texts, left"),
        ({"negative": None}, "has an empty text in the column 'negative'", "empty texts, left"),
    ],
)
def test_what_is_empty_is_refused_or_left_out_with_a_note(
    row: dict[str, object], message: str, note: str
) -> None:
    good: dict[str, object] = {"query": "q", "answer": "a", "negative": "b"}
    rows = [good, {"query": "r", "answer": "c", "negative": "d"} | row]
    assert error(rows) == f"rows:2: {message}"
    training = of(rows, lenient=True)
    assert judged(training)[0] == ("q", [("a", 1), ("b", 0)])
    assert training.notes[0].startswith(note)


def test_a_text_without_a_label_is_refused_or_left_out() -> None:
    rows: Rows = [
        {"query": "q", "answer": "a", "label": 0},
        {"query": "q", "answer": "b", "label": None},
    ]
    assert error(rows) == "rows:2: has nothing in the column 'label'"
    assert judged(of(rows, lenient=True)) == [("q", [("a", 0)])]


def test_values_that_are_no_text_are_refused() -> None:
    assert error([{"query": ["q"], "answer": "a"}]) == "rows:1: the query is no text but a list"
    assert error([{"query": "q", "answer": {"text": "a"}}]).endswith("is no text but a dict")
    assert error([{"query": "q", "answer": True}]).endswith("is no text but a bool")
    assert judged(of([{"query": 7, "answer": "a\0b"}])) == [("7", [("a b", 1)])]


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.json"])
@pytest.mark.parametrize("content", ["", "query,answer\n"])
def test_an_empty_file_is_refused(name: str, content: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(content if name == "a.csv" else "[]" if name == "a.json" else "")
    for lenient in (False, True):
        with pytest.raises(CollectionError, match=f"{name} holds nothing to learn from"):
            read_examples(path, lenient=lenient)


def test_what_is_no_source_is_named(tmp_path: Path) -> None:
    with pytest.raises(CollectionError, match=r"there is no file .*a\.csv"):
        read_examples(tmp_path / "a.csv")
    with pytest.raises(CollectionError, match="its name ends in none of"):
        read_examples(tmp_path / "squad")
    with pytest.raises(CollectionError, match=r"no qrels/train\.tsv.*there are no splits"):
        read_examples(tmp_path)


def test_several_sources_keep_their_kinds(tmp_path: Path) -> None:
    pairs = pairs_file(tmp_path, ROWS)
    tuples = pairs_file(tmp_path, [{"query": "q", "answer": "a", "negative": "b"}], "a.csv")
    assert [training.kind for training in read_sources([tuples, pairs])] == ["tuples", "pairs"]
    with pytest.raises(UsageError, match="is named twice"):
        read_sources([pairs, tuples, pairs])


def test_several_sources_have_names_of_their_own(tmp_path: Path) -> None:
    paths: list[Path] = []
    for place in ("one", "two", "three"):
        (tmp_path / place).mkdir()
        paths.append(pairs_file(tmp_path / place, ROWS))
    assert [one.name for one in read_sources(paths)] == ["a", "a-2", "a-3"]


def folder(home: Path, **splits: str) -> Path:
    """Return the collection of tests.judged with other judgements: `query document grade`."""
    path = write_collection(home / "mill")
    (path / "qrels" / "test.tsv").write_text("this is no judgement at all, nobody may read it")
    for name, lines in splits.items():
        text = "query-id\tcorpus-id\tscore\n" + "\n".join(lines.split("; ")).replace(" ", "\t")
        (path / "qrels" / f"{name}.tsv").write_text(text)
    return path


def test_a_folder_trains_on_train_holds_out_dev_and_never_reads_test(tmp_path: Path) -> None:
    training = read_examples(
        folder(tmp_path, train="q1 mill 2; q1 sea 1; q3 oven 1", dev="q2 river 1")
    )
    assert (training.name, training.kind) == ("mill", "pairs")
    assert training.examples == [
        Example(
            "who grinds corn",
            (
                Candidate("The mill\nA mill by the river grinds corn into flour.", 1, "mill"),
                Candidate("Ships carry grain over the sea to other towns.", 0.5, "sea"),
            ),
        ),
        Example(
            "hot stone",
            (Candidate("Ovens\nAn oven of stone keeps its heat over night.", 0.5, "oven"),),
        ),
    ]
    assert [example.query for example in training.dev] == ["what drives the wheel"]
    assert training.dev[0].candidates[0].label == 0.5
    assert set(training.checksums) == {
        *("corpus.jsonl", "queries.jsonl", "qrels/train.tsv", "qrels/dev.tsv")
    }


def test_judgements_of_0_make_labels(tmp_path: Path) -> None:
    training = read_examples(folder(tmp_path, train="q1 mill 1; q1 sea 0"))
    assert training.kind == "labelled"
    assert [c.label for c in training.examples[0].candidates] == [1, 0]
    assert training.dev == []


def test_a_folder_without_train_names_the_splits_that_it_has(tmp_path: Path) -> None:
    with pytest.raises(CollectionError, match="alone is trained on; the splits there are: dev, te"):
        read_examples(folder(tmp_path, dev="q1 mill 1"))


def test_unknown_documents_of_a_folder_are_refused_or_left_out(tmp_path: Path) -> None:
    path = folder(tmp_path, train="q1 mill 1; q1 gone 1")
    with pytest.raises(CollectionError, match=r"train\.tsv:3: judges the document 'gone'"):
        read_examples(path)
    training = read_examples(path, lenient=True)
    assert [c.document for c in training.examples[0].candidates] == ["mill"]
    assert training.notes == ("train: judgements of unknown documents, left out: 1",)


def test_a_judged_document_without_text_is_left_out_with_a_note(tmp_path: Path) -> None:
    path = folder(tmp_path, train="q1 mill 1; q1 void 1")
    with (path / "corpus.jsonl").open("a") as file:
        file.write(json.dumps({"_id": "void", "title": "", "text": " "}) + "\n")
    training = read_examples(path)
    assert [c.document for c in training.examples[0].candidates] == ["mill"]
    assert "judgements of documents without text, left out: 1" in training.notes


def pairs(count: int) -> list[Example]:
    return [Example(f"q{n}", (Candidate(f"a{n}", 1),)) for n in range(count)]


def test_dev_is_a_share_of_the_queries_and_another_one_with_another_seed() -> None:
    train, dev = split(pairs(200), 0.1)
    assert (len(train), len(dev)) == (180, 20)
    assert sorted(e.query for e in train + dev) == sorted(e.query for e in pairs(200))
    assert split(pairs(200), 0.1)[1] == dev
    assert split(pairs(200), 0.1, seed=1)[1] != dev


def test_dev_has_limits() -> None:
    assert len(split(pairs(200), 0.5, most=30)[1]) == 30
    assert len(split(pairs(200), 0.01, least=15)[1]) == 15
    assert len(split(pairs(8), least=50)[1]) == 4
    assert len(split(pairs(2), 0.9)[1]) == 1
    assert split(pairs(1)) == (pairs(1), [])
    assert split([]) == ([], [])
    for share in (0, 1, -0.5):
        with pytest.raises(UsageError, match="between 0 and 1"):
            split(pairs(2), share)


def test_a_group_too_large_for_dev_stays_in_train() -> None:
    large = [Example(f"same {n}", (Candidate("one answer", 1),)) for n in range(90)]
    for seed in range(5):
        train, dev = split([*large, *pairs(10)], seed=seed)
        assert len(dev) == 9
        assert large == [example for example in train if example in large]


def test_what_makes_a_group_is_a_positive_alone() -> None:
    """A negative is anybody's: popular ones would tie everything together."""
    negative = Candidate("common", 0, "d")
    examples = [Example(f"q{n}", (Candidate(f"a{n}", 1), negative)) for n in range(10)]
    assert len(split(examples, 0.5)[1]) == 5


def test_queries_without_a_positive_are_nothing_to_hold_out() -> None:
    hopeless = [Example(f"n{n}", (Candidate(f"b{n}", 0),)) for n in range(50)]
    for seed in range(5):
        assert {e.query[0] for e in split([*hopeless, *pairs(10)], seed=seed)[1]} == {"q"}
    assert len(split([*hopeless, *pairs(1)])[1]) == 5


def test_a_teacher_who_likes_nothing_has_a_best_all_the_same() -> None:
    scored = [
        Example(f"q{n}", (Candidate("shared", -1), Candidate(f"a{n}", -5))) for n in range(10)
    ]
    assert split(scored, 0.5)[1] == []  # one group


@pytest.mark.skipif(not DATA, reason="SHORTLIST_DATA names no folder with judged collections")
@pytest.mark.parametrize(
    ("name", "queries", "candidates", "dev"),
    [("medquad", 11_992, 13_729, 1000), ("squad", 82_606, 82_699, 1000)],
)
def test_the_real_training_splits_are_read_whole(
    name: str, queries: int, candidates: int, dev: int
) -> None:
    training = read_examples(Path(DATA, name))
    assert (training.kind, training.notes) == ("pairs", ())
    assert len(training.examples) == queries
    assert sum(len(example.candidates) for example in training.examples) == candidates
    assert len(training.dev) == dev
    train, held_out = split(training.examples)
    assert len(held_out) == 1000
    documents = {c.document for example in held_out for c in example.positives}
    assert not any(c.document in documents for example in train for c in example.positives)
