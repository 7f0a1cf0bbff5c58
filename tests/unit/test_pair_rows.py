from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from engine.errors import CollectionError
from indexer.judged.pairs import read_pairs
from indexer.judged.rows import find_column, rows_of
from tests.pair_files import FORMATS, ROWS, pairs_file

if TYPE_CHECKING:
    from pathlib import Path


def written(home: Path, name: str, content: str) -> Path:
    path = home / name
    path.write_bytes(content.encode())
    return path


def error(path: Path) -> str:
    """Return what is wrong with a file, without its folder."""
    with pytest.raises(CollectionError) as caught:
        read_pairs(path, path.parent / "into")
    return str(caught.value).replace(f"{path.parent}{os.sep}", "")


@pytest.mark.parametrize("name", FORMATS)
def test_missing_columns_are_answered_with_those_that_are_there(name: str, tmp_path: Path) -> None:
    path = pairs_file(tmp_path, [{"title": "q", "answer": "a"}], name)
    assert error(path) == (
        f"no column for the question in {name}: it may be called query, question, anchor,"
        " sentence1; the columns are: title, answer"
    )


def test_a_table_without_a_header_shows_its_first_row_as_columns(tmp_path: Path) -> None:
    path = written(tmp_path, "a.csv", "who mills?,a miller\nwho bakes?,a baker\n")
    assert error(path).endswith("the columns are: who mills?, a miller")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", "question,answer\nq,a\n,b\n", "a.csv:3: has no question in the"),
        ("a.csv", 'question,answer\n"two\nlines",a\nq,\n', "a.csv:4: has no answer in the column"),
        ("a.csv", "question,answer\nq,a\nq\n", "a.csv:3: has 1 columns, not 2"),
        ("a.csv", "question,answer\nq,a\nq,a,b\n", "a.csv:3: has 3 columns, not 2"),
        ("a.csv", "", "a.csv holds no pair of question and answer"),
        ("a.csv", "question,answer\n", "a.csv holds no pair of question and answer"),
        ("a.jsonl", '{"query": "q", "answer": "a"}\n{"query": "q"}\n', "a.jsonl:2: has no answer"),
        ("a.jsonl", '\n{"query": "q", "answer": null}\n', "a.jsonl:2: has no answer"),
        ("a.jsonl", '{"query": "q", "answer": ["a"]}\n', "a.jsonl:1: the answer is no text"),
        ("a.jsonl", '{"query": true, "answer": "a"}\n', "a.jsonl:1: the question is no text"),
        ("a.jsonl", "[1]\n", "a.jsonl:1: is not a JSON object"),
        ("a.jsonl", "{\n", "a.jsonl:1: is not JSON: "),
        ("a.jsonl", f"{'[' * 100_000}\n", "a.jsonl:1: is not JSON: "),
        ("a.json", '[\n{"query": "q", "answer": "a"},\n{"query": "q"}\n]', "a.json:3: has no"),
        ("a.json", '[{"query": "q", "answer": "a"}\n{}]', "a.json:1: neither a comma nor ] comes"),
        ("a.json", '[{"query": "q", "answer": "a"},\n]', "a.json:2: is not JSON: "),
        ("a.json", '[{"query": "q", "answer": "a"}', "a.json:1: neither a comma nor ] comes"),
        ("a.json", f"[\n{'[' * 100_000}", "a.json:2: is not JSON: "),
        ("a.json", "[\n1]", "a.json:2: is not a JSON object"),
        ("a.json", "[ ]", "a.json holds no pair of question and answer"),
        ("a.json", '{"rows": []', "a.json:1: is not JSON: "),
        ("a.parquet", "no parquet", "a.parquet cannot be read: "),
        ("a.arrow", "no arrow", "a.arrow cannot be read: "),
        ("a.feather", "", "a.feather cannot be read: "),
        ("a.jsonl.gz", "not packed", "a.jsonl.gz cannot be read: "),
        ("a.txt", "q\ta\n", "a.txt is no file of questions and answers: its name ends in none of"),
        ("a.parquet.gz", "", "a.parquet.gz is no file of questions and answers"),
        ("a", "", "a is no file of questions and answers"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_by_its_line(
    name: str, content: str, message: str, tmp_path: Path
) -> None:
    assert error(written(tmp_path, name, content)).startswith(message)


def test_a_packed_file_that_is_cut_off_is_an_error(tmp_path: Path) -> None:
    rows = [{"question": f"q{n}", "answer": f"a{n}"} for n in range(500)]
    whole = pairs_file(tmp_path, rows, "a.jsonl.gz")
    whole.write_bytes(whole.read_bytes()[:-200])
    assert error(whole).startswith("a.jsonl.gz cannot be read: ")


def test_a_damaged_parquet_file_is_an_error(tmp_path: Path) -> None:
    path = pairs_file(tmp_path, ROWS, "a.parquet")
    content = path.read_bytes()
    path.write_bytes(content[:8] + bytes(200) + content[208:])
    assert error(path).startswith("a.parquet cannot be read: ")


def test_files_that_are_not_there_are_named(tmp_path: Path) -> None:
    for name in FORMATS:
        assert error(tmp_path / name) == f"there is no file {name}"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "cp1252"])
def test_a_table_may_be_in_another_encoding(encoding: str, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    rows = "question;answer\r\nwas ißt man täglich;Brötchen und Käse für alle\r\n"
    path.write_bytes(rows.encode(encoding))
    collection = read_pairs(path, tmp_path)
    assert list(collection.queries.values()) == ["was ißt man täglich"]


def test_rows_keep_what_a_file_says_of_their_values(tmp_path: Path) -> None:
    rows = [{"query": "q", "negatives": ["a", "b"], "score": 0.5, "label": None}]
    for name in ("a.jsonl", "a.json", "a.parquet", "a.arrow"):
        assert list(rows_of(pairs_file(tmp_path, rows, name))) == [
            (1 if name != "a.json" else 2, rows[0])
        ]


def test_the_first_wanted_name_wins_whatever_the_order_of_the_columns() -> None:
    assert find_column(["text", "Answer", "answer"], ["answer", "text"], "answer") == "Answer"
    with pytest.raises(CollectionError, match="the columns are: none"):
        find_column([], ["answer"], "answer")
