"""What `shortlist evaluate` says of wrong use and of collections that cannot be right."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.commands import shortlist

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize(
    ("args", "code", "words"),
    [
        ([], 2, "give a COLLECTION, or --from-index"),
        (["small", "--from-index"], 2, "give a COLLECTION, or --from-index"),
        (["--from-index"], 2, "-i INDEX"),
        (["small", "--qrels", "small/qrels/test.tsv"], 2, "-i INDEX"),
        (["nowhere"], 1, "nowhere is no collection"),
        (["small", "--split", "dev"], 1, "there are: test"),
        (["small", "-m", "nonsense"], 2, "no measure 'nonsense'"),
        (["small", "-m", "NumRet"], 2, "no mean over queries"),
        (["small", "--sources", "psychic"], 2, "psychic is none of"),
        (["small", "--depth", "0"], 2, "between 1 and"),
        (["small", "--depth", "many"], 2, "30,100"),
        (["small", "--reranker", "nowhere"], 1, "no model at nowhere"),
        (["small", "-o", "small"], 2, "holds other things"),
        (["small", "-o", "small/corpus.jsonl"], 2, "is a file"),
    ],
)
def test_wrong_use_says_what_is_wrong(home: Path, args: list[str], code: int, words: str) -> None:
    given = args if "--reranker" in args else [*args, "--reranker", "none"]
    outcome = shortlist("evaluate", *given)
    assert (outcome.code, "Traceback" in outcome.err) == (code, False), outcome.err
    assert words in outcome.err


@pytest.mark.parametrize(
    ("file", "line", "words"),
    [
        ("qrels/test.tsv", "q1\tnobody\t1", "qrels/test.tsv:7"),
        ("qrels/test.tsv", "nobody\tmill\t1", "qrels/test.tsv:7"),
        ("qrels/test.tsv", "q1\tsea\t-1", "qrels/test.tsv:7"),
        ("qrels/test.tsv", "q1\tsea\thigh", "qrels/test.tsv:7"),
        ("qrels/test.tsv", "q1\tmill\t1", "qrels/test.tsv:7"),
        ("queries.jsonl", '{"_id": "q1", "text": "again"}', "queries.jsonl:5"),
        ("corpus.jsonl", '{"_id": "mill", "text": "again"}', "corpus.jsonl:6"),
        ("corpus.jsonl", "no json", "corpus.jsonl:6"),
    ],
)
def test_a_bad_line_is_named_by_file_and_number(
    home: Path, file: str, line: str, words: str
) -> None:
    path = home / "small" / file
    path.write_text(f"{path.read_text().rstrip()}\n{line}\n")
    outcome = shortlist("evaluate", "small", "--reranker", "none")
    assert outcome.code == 1
    assert words in outcome.err
