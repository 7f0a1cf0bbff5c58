from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from engine.errors import CollectionError
from engine.evaluation.beir import read_beir
from indexer.judged.pairs import collect, read_pairs
from indexer.records import Record, read_records
from tests.pair_files import FORMATS, ROWS, pairs_file

if TYPE_CHECKING:
    from engine.evaluation.collection import Collection

DATA = os.environ.get("SHORTLIST_DATA", "")


def read(path: Path, into: Path) -> tuple[Collection, dict[str, str]]:
    """Return a collection, and the texts of its documents by id."""
    collection = read_pairs(path, into)
    assert collection.corpus == into / "corpus.jsonl"
    records = [one for one in read_records(into / "corpus.jsonl") if isinstance(one, Record)]
    return collection, {record.id: record.text for record in records}


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_gives_the_same_collection(name: str, tmp_path: Path) -> None:
    collection, texts = read(pairs_file(tmp_path, ROWS, name), tmp_path / "into")
    assert collection.label == name.partition(".")[0]
    assert list(collection.queries.values()) == [
        'what grinds, "corn"',
        "what does a miller sell",
        "was ißt man täglich",
    ]
    assert list(texts.values()) == ["A mill.\nA second line.", "Flour, of course", "Bread"]
    relevant = [[texts[document] for document in grades] for grades in collection.qrels.values()]
    assert relevant == [["A mill.\nA second line."], ["Flour, of course", "Bread"], ["Bread"]]
    assert {grade for grades in collection.qrels.values() for grade in grades.values()} == {1}
    assert set(collection.checksums) == {"corpus.jsonl", name}
    assert collection.notes == ()


def test_ids_come_from_the_texts_and_outlive_another_order(tmp_path: Path) -> None:
    one = read_pairs(pairs_file(tmp_path, ROWS), tmp_path / "one")
    other = read_pairs(pairs_file(tmp_path, ROWS[::-1]), tmp_path / "other")
    assert one.qrels == other.qrels
    assert one.queries == other.queries
    # BLAKE2b of 16 bytes, in which these two begin alike for 48 bits.
    twins = [{"question": "q", "answer": f"answer {n}"} for n in (6045447, 13367742)]
    (grades,) = read_pairs(pairs_file(tmp_path, twins), tmp_path / "twins").qrels.values()
    short, long = grades
    assert short == "df25fe97b2888"
    assert long.startswith(short)
    assert len(long) == 33


def test_the_corpus_is_left_alone_where_it_already_says_the_same(tmp_path: Path) -> None:
    path = pairs_file(tmp_path, ROWS)
    corpus = tmp_path / "into" / "corpus.jsonl"
    first = read_pairs(path, corpus.parent)
    os.utime(corpus, (1, 1))
    assert read_pairs(path, corpus.parent) == first
    assert corpus.stat().st_mtime == 1
    pairs_file(tmp_path, ROWS[1:])
    again = read_pairs(path, corpus.parent)
    assert corpus.stat().st_mtime > 1
    assert again.checksums["corpus.jsonl"] != first.checksums["corpus.jsonl"]
    assert [one.name for one in corpus.parent.iterdir()] == ["corpus.jsonl"]


def test_a_file_that_ends_in_an_error_changes_nothing(tmp_path: Path) -> None:
    path = pairs_file(tmp_path, ROWS)
    corpus = read_pairs(path, tmp_path / "into").corpus
    assert corpus is not None
    before = corpus.read_bytes()
    pairs_file(tmp_path, [ROWS[2], {"question": "q", "answer": " "}])
    with pytest.raises(CollectionError, match=r"a\.jsonl:3: has no answer in the column 'answer'"):
        read_pairs(path, corpus.parent)
    assert corpus.read_bytes() == before
    assert [one.name for one in corpus.parent.iterdir()] == ["corpus.jsonl"]


def test_a_corpus_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "into").write_text("a file")
    with pytest.raises(CollectionError, match=r"corpus\.jsonl cannot be written: file exists"):
        read_pairs(pairs_file(tmp_path, ROWS), tmp_path / "into")


@pytest.mark.parametrize(
    "names",
    [
        ("Query", "Document"),
        (" QUESTION", "context"),
        ("anchor", "positive"),
        ("sentence1", "sentence2"),
        ("query", "Response"),
        ("question", "text"),
    ],
)
def test_columns_are_known_by_name_in_any_order(names: tuple[str, str], tmp_path: Path) -> None:
    question, answer = names
    rows = [{answer: "to that", question: "this"}]
    for name in ("a.csv", "a.parquet"):
        collection = read_pairs(pairs_file(tmp_path, rows, name), tmp_path)
        assert list(collection.queries.values()) == ["this"]


def test_columns_that_play_no_part_are_noted(tmp_path: Path) -> None:
    rows = [{"label": 0, "title": "t", "question": "q", "context": "c", "answer": "a"}]
    collection = read_pairs(pairs_file(tmp_path, rows), tmp_path)
    assert collection.notes == (
        "columns ignored (label, title, context), so every row counts as relevant: 3",
    )
    assert collection.corpus is not None
    assert '"text": "a"' in collection.corpus.read_text()


def test_a_lenient_reader_leaves_out_what_is_empty(tmp_path: Path) -> None:
    rows = [*ROWS, {"question": "", "answer": "a"}, {"question": "q", "answer": " "}]
    path = pairs_file(tmp_path, [*rows, {"question": "\n", "answer": ""}])
    collection = read_pairs(path, tmp_path, lenient=True)
    assert len(collection.queries) == 3
    assert collection.notes == (
        "rows without question, left out: 2",
        "rows without answer, left out: 1",
    )
    pairs_file(tmp_path, rows[-1:])
    with pytest.raises(CollectionError, match="holds no pair"):
        read_pairs(path, tmp_path, lenient=True)


def test_numbers_are_texts_and_broken_characters_are_replaced(tmp_path: Path) -> None:
    content = '{"question": 7, "answer": "half a pair: \\ud800, nothing: \\u0000"}\n'
    path = tmp_path / "a.jsonl"
    path.write_text(content)
    collection = read_pairs(path, tmp_path)
    assert list(collection.queries.values()) == ["7"]
    assert collection.corpus is not None
    assert json.loads(collection.corpus.read_text())["text"] == "half a pair:  , nothing:  "


def test_what_was_written_can_be_read_as_a_folder_too(tmp_path: Path) -> None:
    """The oracle: BEIR's reader finds every answer where this one says that it is."""
    collection = read_pairs(pairs_file(tmp_path, ROWS), tmp_path)
    queries = [{"_id": id, "text": text} for id, text in collection.queries.items()]
    (tmp_path / "queries.jsonl").write_text("".join(json.dumps(one) + "\n" for one in queries))
    (tmp_path / "qrels").mkdir()
    (tmp_path / "qrels" / "test.tsv").write_text(
        "".join(f"{q}\t{d}\t1\n" for q, grades in collection.qrels.items() for d in grades)
    )
    assert read_beir(tmp_path).qrels == collection.qrels


def test_rows_of_any_source_name_the_place_that_they_come_from(tmp_path: Path) -> None:
    rows: list[tuple[int, dict[str, object]]] = [(7, {"query": "q", "answer": ""})]
    with pytest.raises(CollectionError, match=r"^owner/name/train:7: has no answer"):
        collect(rows, tmp_path, place="owner/name/train", name="name")


@pytest.mark.skipif(not DATA, reason="SHORTLIST_DATA names no folder with judged collections")
def test_the_real_training_pairs_are_read_without_a_complaint(tmp_path: Path) -> None:
    mix = Path(DATA, "train-mix")
    for name in ("shell-tasks", "diseases"):
        collection = read_pairs(mix / f"{name}.jsonl.gz", tmp_path)
        assert collection.name == name
        assert len(collection.queries) > 4000
