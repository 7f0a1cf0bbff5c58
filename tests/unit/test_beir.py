from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from engine.errors import CollectionError
from engine.evaluation.beir import read_beir, splits

if TYPE_CHECKING:
    from collections.abc import Sequence

CORPUS = (
    {"_id": "d1", "title": "Mill", "text": "The mill grinds corn."},
    {"_id": "d2", "title": "", "text": "The miller sells flour."},
    {"_id": "d3", "title": "Bread", "text": ""},
)
QUERIES = (
    {"_id": "q1", "text": "what grinds corn"},
    {"_id": "q2", "text": "who sells flour"},
    {"_id": "q3", "text": "of another split"},
)
HEADER = "query-id\tcorpus-id\tscore\n"
QRELS = f"{HEADER}q2\td2\t1\nq1\td1\t2\nq1\td2\t0\n"
DATA = os.environ.get("SHORTLIST_DATA", "")


def lines(rows: Sequence[object]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def folder(
    home: Path,
    qrels: str = QRELS,
    queries: str | Sequence[object] = QUERIES,
    corpus: str | Sequence[object] = CORPUS,
    split: str = "test",
) -> Path:
    (home / "qrels").mkdir(exist_ok=True)
    for name, content in (("queries.jsonl", queries), ("corpus.jsonl", corpus)):
        text = content if isinstance(content, str) else lines(content)
        (home / name).write_bytes(text.encode())
    (home / "qrels" / f"{split}.tsv").write_bytes(qrels.encode())
    return home


def error(path: Path, split: str = "test") -> str:
    """Return what is wrong with a folder, without its name."""
    with pytest.raises(CollectionError) as caught:
        read_beir(path, split)
    return str(caught.value).replace(f"{path}{os.sep}", "")


def test_only_the_judged_queries_are_kept_in_the_order_of_their_file(tmp_path: Path) -> None:
    collection = read_beir(folder(tmp_path))
    assert list(collection.queries.items()) == [
        ("q1", "what grinds corn"),
        ("q2", "who sells flour"),
    ]
    assert collection.qrels == {"q1": {"d1": 2, "d2": 0}, "q2": {"d2": 1}}
    assert list(collection.qrels) == list(collection.queries)
    assert (collection.name, collection.split) == (tmp_path.name, "test")
    assert collection.corpus == tmp_path / "corpus.jsonl"
    assert collection.notes == ()


def test_checksums_change_with_the_bytes_of_their_file_alone(tmp_path: Path) -> None:
    before = read_beir(folder(tmp_path)).checksums
    assert set(before) == {"corpus.jsonl", "queries.jsonl", "qrels/test.tsv"}
    assert all(re.fullmatch("[0-9a-f]{32}", digest) for digest in before.values())
    after = read_beir(folder(tmp_path, qrels=f"{QRELS}\n")).checksums
    assert {name for name in before if before[name] != after[name]} == {"qrels/test.tsv"}


@pytest.mark.parametrize(
    "qrels",
    [
        QRELS.removeprefix(HEADER),
        QRELS.replace("\n", "\r\n"),
        f"\ufeff{QRELS}",
        f"\n{QRELS}\n\n",
        QRELS.replace("\t1\n", "\t1.0\n"),
        QRELS.replace("\t2\n", "\t+2\n"),
        QRELS.replace("\t2\n", "\t2\t\n"),
        f"{QRELS}q1\td1\t2\n",
        QRELS.replace("\t", "  "),
        "Query_ID\tDocument ID\tGrade\n" + QRELS.removeprefix(HEADER),
        "score\tcorpus-id\tquery-id\n1\td2\tq2\n2\td1\tq1\n0\td2\tq1\n",
        "query-id\tcorpus-id\titeration\tscore\nq2\td2\t0\t1\nq1\td1\t0\t2\nq1\td2\t0\t0\n",
        "q2 0 d2 1\nq1 0 d1 2\nq1 0 d2 0\n",
        "q2\tQ0\td2\t1\nq1\tQ0\td1\t2\nq1\tQ0\td2\t0\n",
    ],
    ids=[
        *("no header", "CRLF", "byte order mark", "blank lines", "1.0", "+2", "tab at the end"),
        *("judged alike twice", "blanks", "header's own words", "other order", "column too many"),
        *("TREC", "TREC with tabs"),
    ],
)
def test_judgements_may_be_written_in_many_ways(qrels: str, tmp_path: Path) -> None:
    assert read_beir(folder(tmp_path, qrels)).qrels == {
        "q1": {"d1": 2, "d2": 0},
        "q2": {"d2": 1},
    }


def test_ids_may_be_numbers_in_json_and_hold_blanks_between_tabs(tmp_path: Path) -> None:
    corpus = [{"_id": 7, "text": "seven"}, {"_id": " my notes ", "text": "notes"}]
    queries = [{"_id": 12, "text": "a number?"}]
    path = folder(tmp_path, f"{HEADER}12\t7\t1\n12\tmy notes\t1\n", queries, corpus)
    collection = read_beir(path)
    assert collection.queries == {"12": "a number?"}
    assert collection.qrels == {"12": {"7": 1, "my notes": 1}}


def test_a_corpus_with_a_byte_order_mark_crlf_and_blank_lines_is_read(tmp_path: Path) -> None:
    corpus = "\ufeff" + lines(CORPUS).replace("\n", "\r\n\r\n")
    assert read_beir(folder(tmp_path, corpus=corpus)).qrels["q1"] == {"d1": 2, "d2": 0}


def test_bytes_that_are_no_text_do_not_end_reading(tmp_path: Path) -> None:
    path = folder(tmp_path)
    corpus = path / "corpus.jsonl"
    corpus.write_bytes(corpus.read_bytes().replace(b"flour", b"caf\xe9"))
    assert len(read_beir(path).queries) == 2


QRELS_ERRORS = [
    ("q1\td1\t1\nq9\td1\t1\n", "qrels/test.tsv:2: judges the query 'q9', which queries.jsonl"),
    ("q1\td1\t1\nq1\td9\t1\n", "qrels/test.tsv:2: judges the document 'd9', which corpus.jsonl"),
    (f"{HEADER}q1\td1\t1\nq1\td1\t2\n", "qrels/test.tsv:3: grade 2 for query 'q1' and document"),
    ("q1\td1\t-1\n", "qrels/test.tsv:1: the grade -1 is negative"),
    ("q1\td1\thigh\n", "qrels/test.tsv:1: the grade 'high' is not a whole number"),
    ("q1\td1\t0.5\n", "qrels/test.tsv:1: the grade '0.5' is not a whole number"),
    ("q1\td1\tnan\n", "qrels/test.tsv:1: the grade 'nan' is not a whole number"),
    (f"q1\td1\t{'9' * 5000}\n", "qrels/test.tsv:1: the grade '999"),
    ("q1\td1\t10001\n", "qrels/test.tsv:1: the grade 10001 is more than 10,000"),
    ("q1\td1\n", "qrels/test.tsv:1: has 2 columns; judgements have three"),
    ("q1\td1\t1\nq1\td2\n", "qrels/test.tsv:2: has 2 columns, not 3"),
    ("q1\td1\t\n", "qrels/test.tsv:1: has 2 columns; judgements have three"),
    (f"{HEADER}q1\td1\t1\t1\n", "qrels/test.tsv:2: has 4 columns, not 3"),
    ("q1\td1\t1\n\td1\t1\n", "qrels/test.tsv:2: has no id of the query"),
    ("q1\td1\t1\nq1\t \t1\n", "qrels/test.tsv:2: has no id of the document"),
    ("", "qrels/test.tsv holds no judgement"),
    (HEADER, "qrels/test.tsv holds no judgement"),
]


@pytest.mark.parametrize(("qrels", "message"), QRELS_ERRORS)
def test_a_judgement_that_cannot_be_used_is_named_by_file_and_line(
    qrels: str, message: str, tmp_path: Path
) -> None:
    assert error(folder(tmp_path, qrels)).startswith(message)


JUDGED = json.dumps(QUERIES[0])
BOTH = f"{JUDGED}\n{json.dumps(QUERIES[1])}\n"


@pytest.mark.parametrize(
    ("queries", "message"),
    [
        (f'{BOTH}{{"_id": "q1", "text": "x"}}\n', "queries.jsonl:3: the query id 'q1' comes twice"),
        (f'{BOTH}{{"_id": "x", "text": "x"}}\n' * 2, "queries.jsonl:4: the query id 'q1' comes"),
        (
            BOTH.replace("who sells flour", "\\u0000 "),
            "queries.jsonl:2: the query 'q2' has no text",
        ),
        (f'{BOTH}{{"_id": "q3"}}\n', 'queries.jsonl:3: has no "text"'),
        (f'{BOTH}{{"_id": "q3", "text": null}}\n', 'queries.jsonl:3: has no "text"'),
        (f'{BOTH}{{"text": "x"}}\n', 'queries.jsonl:3: has no "_id"'),
        (f'{BOTH}{{"_id": " ", "text": "x"}}\n', 'queries.jsonl:3: has no "_id"'),
        (f'{BOTH}{{"_id": true, "text": "x"}}\n', 'queries.jsonl:3: has no "_id"'),
        (f"{BOTH}[1]\n", "queries.jsonl:3: is not a JSON object"),
        (f'{BOTH}{{"_id": \n', "queries.jsonl:3: is not JSON: "),
        (f"{BOTH}{'[' * 100_000}\n", "queries.jsonl:3: is not JSON: "),
        ("", "qrels/test.tsv:2: judges the query 'q2'"),
    ],
)
def test_a_query_that_cannot_be_used_is_named_by_file_and_line(
    queries: str, message: str, tmp_path: Path
) -> None:
    assert error(folder(tmp_path, queries=queries)).startswith(message)


@pytest.mark.parametrize(
    ("added", "message"),
    [
        ('{"_id": "d2", "text": "x"}', "corpus.jsonl:4: the document id 'd2' comes twice"),
        ('{"_id": "d8", "title": "x"}', 'corpus.jsonl:4: has no "text"'),
        ('{"text": "x"}', 'corpus.jsonl:4: has no "_id"'),
        ('{"_id": ["d8"], "text": "x"}', 'corpus.jsonl:4: has no "_id"'),
        ("null", "corpus.jsonl:4: is not a JSON object"),
        ("d8\tx", "corpus.jsonl:4: is not JSON: "),
    ],
)
def test_a_document_that_cannot_be_used_is_named_by_file_and_line(
    added: str, message: str, tmp_path: Path
) -> None:
    corpus = f"{lines(CORPUS)}{added}\n"
    assert error(folder(tmp_path, corpus=corpus)).startswith(message)


def test_an_empty_corpus_holds_no_judged_document(tmp_path: Path) -> None:
    message = error(folder(tmp_path, corpus=""))
    assert message.startswith("qrels/test.tsv:2: judges the document 'd2'")


def test_an_error_says_how_many_more_of_its_kind_there_are(tmp_path: Path) -> None:
    unknown = "q1\td7\t1\nq1\td8\t1\nq2\td7\t1\n"
    assert error(folder(tmp_path, QRELS + unknown)).endswith("(2 more of the kind follow)")
    twice = [*QUERIES, QUERIES[0], QUERIES[2]]
    assert error(folder(tmp_path, queries=twice)).endswith("(1 more of the kind follow)")


@pytest.mark.parametrize("name", ["corpus.jsonl", "queries.jsonl"])
def test_a_missing_file_is_named(name: str, tmp_path: Path) -> None:
    path = folder(tmp_path)
    (path / name).unlink()
    assert error(path) == f"{path} has no {name}; BEIR's layout needs one"
    (path / f"{name}.gz").touch()
    assert error(path) == f"{path} has no {name}; unpack {name}.gz"


def test_a_missing_split_is_answered_with_those_that_are_there(tmp_path: Path) -> None:
    path = folder(folder(tmp_path), split="dev")
    assert splits(path) == ["dev", "test"]
    assert error(path, "train") == (
        f"{path} has no qrels/train.tsv; the splits there are: dev, test"
    )
    with pytest.raises(CollectionError, match="there is no folder"):
        read_beir(tmp_path / "missing")


def test_a_lenient_reader_leaves_out_and_counts(tmp_path: Path) -> None:
    qrels = f"{QRELS}q1\td9\t1\nq1\td3\t-2\nq9\td1\t1\nq9\td2\t1\nq3\td1\t1\nq4\td8\t1\n"
    queries = [*QUERIES[:2], {"_id": "q3", "text": " "}, {"_id": "q4", "text": "unknown alone"}]
    collection = read_beir(folder(tmp_path, qrels, queries), lenient=True)
    assert collection.queries.keys() == {"q1", "q2"}
    assert collection.qrels == {"q1": {"d1": 2, "d2": 0, "d3": 0}, "q2": {"d2": 1}}
    assert collection.notes == (
        "negative grades, read as 0: 1",
        "queries without text, left out: 1",
        "judgements of unknown queries, left out: 2",
        "judgements of unknown documents, left out: 2",
        "queries left without a judgement, left out: 1",
    )


def test_where_nothing_is_left_a_lenient_reader_fails_too(tmp_path: Path) -> None:
    with pytest.raises(CollectionError, match="has no query that is judged"):
        read_beir(folder(tmp_path, "q1\td9\t1\n"), lenient=True)


def test_what_no_ranking_can_score_for_is_noted(tmp_path: Path) -> None:
    corpus = [*CORPUS, {"_id": "d4", "text": " "}]
    collection = read_beir(folder(tmp_path, f"{QRELS}q3\td4\t0\n", corpus=corpus))
    assert collection.notes == (
        "judged documents without text, which nothing can find: 1",
        "queries without a relevant document, which score 0: 1",
    )


@pytest.mark.skipif(not DATA, reason="SHORTLIST_DATA names no folder with judged collections")
def test_every_real_collection_is_read_without_a_complaint() -> None:
    found = {
        collection.label: (len(collection.queries), collection.notes)
        for path in sorted(Path(DATA).iterdir())
        if (path / "corpus.jsonl").is_file()
        for collection in (read_beir(path, split) for split in splits(path))
    }
    assert {label: notes for label, (_, notes) in found.items() if notes} == {}
    assert found["scifact/test"][0] == 300
    assert found["squad/train"][0] > 80_000
