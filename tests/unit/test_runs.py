from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import UsageError
from engine.runs import RUN_NAME, read_queries, trec_lines

if TYPE_CHECKING:
    from pathlib import Path


def read(folder: Path, content: str | bytes) -> dict[str, str]:
    path = folder / "queries"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_queries(path)


@pytest.mark.parametrize(
    ("content", "queries"),
    [
        ("1\tone\n2\ttwo words\n", {"1": "one", "2": "two words"}),
        ("1\tone", {"1": "one"}),
        ("1\tone\r\n", {"1": "one"}),
        (" 1 \tone\ttwo\n", {"1": "one\ttwo"}),
        ("\ufeff1\tone\n", {"1": "one"}),
        ("\n1\tone\n\n", {"1": "one"}),
        ("1\t\n", {"1": ""}),
        ('{"_id": "q", "text": "one"}\n', {"q": "one"}),
        ('{"id": 7, "query": "one", "metadata": {}}\n', {"7": "one"}),
        ('  {"_id": "q", "text": "one"}', {"q": "one"}),
        ('{"_id": "q", "text": "one"}\n2\ttwo\n', {"q": "one", "2": "two"}),
    ],
)
def test_both_forms_of_a_query_file_are_read(
    content: str, queries: dict[str, str], tmp_path: Path
) -> None:
    assert read(tmp_path, content) == queries


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "holds no query"),
        ("one two\n", ":1: neither"),
        ("1\tone\n\ttwo\n", ":2: neither"),
        ('{"_id": "q"}', ":1: neither"),
        ('{"text": "one"}', ":1: neither"),
        ('{"_id": null, "text": "one"}', ":1: neither"),
        ('{"_id": " ", "text": "one"}', ":1: neither"),
        ('{"_id": "q", "text": ["one"]}', ":1: neither"),
        ('{"_id": "q", "text": "one"', ":1: neither"),
        ("1\tone\n1\ttwo\n", ":2: the query id '1' comes twice"),
    ],
)
def test_what_is_no_query_is_named_by_its_line(content: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=message):
        read(tmp_path, content)


def test_bytes_that_are_no_text_are_replaced(tmp_path: Path) -> None:
    assert read(tmp_path, b"1\tcaf\xe9\n") == {"1": "caf\ufffd"}


def test_a_run_has_six_columns(tmp_path: Path) -> None:
    assert list(trec_lines("q", [("d", 1.5), ("e", 0.25)])) == [
        f"q Q0 d 1 1.500000 {RUN_NAME}",
        f"q Q0 e 2 0.250000 {RUN_NAME}",
    ]


def test_white_space_in_ids_is_percent_encoded() -> None:
    (line,) = trec_lines("my query", [("a folder/b\u00a0c\t.txt", 1.0)])
    assert line.startswith("my%20query Q0 a%20folder/b%C2%A0c%09.txt 1 ")


def test_no_result_is_no_line() -> None:
    assert list(trec_lines("q", [])) == []


SCORES = st.lists(st.floats(-1000, 1000), max_size=50)


@given(SCORES)
def test_scores_decrease_strictly_and_stay_close(scores: list[float]) -> None:
    ranked = sorted(scores, reverse=True)
    rows = [line.split() for line in trec_lines("q", [(f"d{n}", s) for n, s in enumerate(ranked)])]
    assert [int(row[3]) for row in rows] == list(range(1, len(rows) + 1))
    written = [float(row[4]) for row in rows]
    assert all(one > other for one, other in pairwise(written))
    for score, shown in zip(ranked, written, strict=True):
        assert abs(score - shown) <= 1e-6 * (len(rows) + 1)


@given(st.text(), st.text(min_size=1))
def test_a_line_always_has_six_columns(query: str, document: str) -> None:
    (line,) = trec_lines(f"q{query}", [(f"d{document}", 1.0)])
    assert len(line.split()) == 6
