"""A mined set as a file, and in the formats of the library."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import UsageError
from indexer.judged.rows import rows_of
from indexer.training.examples import Candidate, Example
from indexer.training.guards import MiningOptions
from indexer.training.mined import Mined, as_rows, read, write
from indexer.training.mining import mine
from tests.fakes import make_engine

if TYPE_CHECKING:
    from pathlib import Path

    from indexer.training.mined import Format

LIBRARY = {
    "mill": "the mill grinds corn",
    "bakery": "the bakery buys flour",
    "farm": "the farm grows corn",
    "sea": "ships cross the sea\u2028in a storm",
}
PAIRS = [
    Example("who grinds corn", (Candidate("mill\nthe mill grinds corn", 1.0, "mill"),)),
    Example("wer mahlt \ud800 Korn", (Candidate("farm\nthe farm grows corn", 0.5, "farm"),)),
]


def mined() -> Mined:
    options = MiningOptions(num_negatives=2, random_negatives=1, max_score=0.9)
    made = mine(make_engine(LIBRARY, rerank=False), PAIRS, options)
    return replace(made, checksums={"pairs.csv": "0af1"})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "sub" / "mined.jsonl"
    write(path, mined())
    return path


def rewrite(path: Path, number: int, **changes: object) -> None:
    """Change a line of a file, from 1; what is None goes."""
    lines = path.read_text("utf-8").split("\n")
    row = json.loads(lines[number - 1]) | changes
    lines[number - 1] = json.dumps({n: v for n, v in row.items() if v is not None})
    path.write_text("\n".join(lines), "utf-8")


# -- the file ------------------------------------------------------------------------------------


def test_what_is_written_is_read_again(path: Path) -> None:
    assert read(path) == mined()


def test_the_first_line_tells_how_it_was_made(path: Path) -> None:
    header = json.loads(path.read_text("utf-8").split("\n")[0])
    assert header["examples"] == 2
    assert header["miner"] == "own"
    assert header["checksums"] == {"pairs.csv": "0af1"}
    assert header["options"]["max_score"] == 0.9
    assert header["statistics"]["hard"] == 4
    assert header["index"] == {"encoder": "hash", "generation": 1, "documents": 4, "passages": 5}


def test_without_the_first_line_it_is_a_file_of_tuples(path: Path) -> None:
    plain = path.with_name("tuples.jsonl")
    plain.write_text(path.read_text("utf-8").split("\n", 1)[1], "utf-8")
    first, second = [row for _, row in rows_of(plain)]
    assert list(first)[:5] == ["query", "positive", "negative_1", "negative_2", "negative_3"]
    assert first["query"] == PAIRS[0].query
    assert "candidate_labels" not in first  # they are 1 and 0
    assert second["candidate_labels"] == [0.5, 0, 0, 0]


def test_two_positives_and_positives_among_negatives_are_told_apart(tmp_path: Path) -> None:
    candidates = [Candidate(t, label) for t, label in (("a", 0), ("b", 1), ("c", 0), ("d", 1))]
    one = replace(mined(), examples=(Example("q", tuple(candidates)),))
    write(tmp_path / "m", one)
    assert json.loads((tmp_path / "m").read_text().split("\n")[1]) == {
        "query": "q", "negative_1": "a", "positive": "b", "negative_2": "c", "positive_2": "d",
    }  # fmt: skip
    assert read(tmp_path / "m") == one


TEXT = st.text(max_size=8)
CANDIDATE = st.builds(
    Candidate,
    text=TEXT,
    label=st.sampled_from([0.0, 1.0, 0.25, -3.5]),
    document=st.sampled_from(["", "d1", "ü\n"]),
)


@given(st.lists(st.builds(Example, TEXT, st.lists(CANDIDATE, min_size=1, max_size=4).map(tuple))))
def test_any_examples_come_back(
    tmp_path_factory: pytest.TempPathFactory, examples: list[Example]
) -> None:
    path = tmp_path_factory.mktemp("mined") / "m.jsonl"
    one = replace(mined(), examples=tuple(examples))
    write(path, one)
    assert read(path) == one


def test_an_unfinished_write_leaves_the_file_as_it_was(path: Path) -> None:
    before = path.read_bytes()
    broken = Example("q", (Candidate("a", float("nan")),))
    with pytest.raises(ValueError, match="JSON compliant"):
        write(path, replace(mined(), examples=(*PAIRS, broken)))
    assert path.read_bytes() == before
    assert list(path.parent.iterdir()) == [path]


# -- files that are none -------------------------------------------------------------------------


def test_a_missing_file_is_an_error_of_use(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be read: no such file"):
        read(tmp_path / "none.jsonl")
    with pytest.raises(UsageError, match="cannot be read: is a directory"):
        read(tmp_path)


@pytest.mark.parametrize("text", ["", "\n", "query,positive\na,b\n", '{"query": "a"}\n', "[1]\n"])
def test_a_foreign_file_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "pairs.csv"
    path.write_text(text)
    with pytest.raises(UsageError, match="its first line does not say so"):
        read(path)


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "mined.jsonl"
    path.write_bytes(b"\x1f\x8b\x08\xff")
    with pytest.raises(UsageError, match="not UTF-8"):
        read(path)


def test_another_format_is_refused(path: Path) -> None:
    rewrite(path, 1, format=2)
    with pytest.raises(UsageError, match="has format 2, this version reads 1"):
        read(path)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"examples": "two"}, "line 1 does not tell the number"),
        ({"statistics": None}, "line 1 is damaged"),
        ({"statistics": {"queries": 1}}, "line 1 is damaged"),
        ({"options": {"colour": "red"}}, "line 1 is damaged"),
        ({"options": {"margin": -1}}, "line 1: margin is between"),
        ({"index": []}, "line 1 is damaged"),
    ],
)
def test_a_damaged_first_line_is_named(path: Path, changes: dict[str, Any], said: str) -> None:
    rewrite(path, 1, **changes)
    with pytest.raises(UsageError, match=said):
        read(path)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"query": None}, "line 3 is no example"),
        ({"positive": 3}, "line 3 is no example"),
        ({"candidate_documents": ["a"]}, "line 3: candidate_documents"),
        ({"candidate_labels": [1, 0, 0, "x"]}, "line 3: candidate_documents"),
        ({"candidate_labels": [0, 0, 0, 0]}, "line 3: 0 is no label of positive"),
        ({"candidate_labels": [float("inf"), 0, 0, 0]}, "line 3: inf is no label of positive"),
    ],
)
def test_a_damaged_line_is_named(path: Path, changes: dict[str, Any], said: str) -> None:
    rewrite(path, 3, **changes)
    with pytest.raises(UsageError, match=said):
        read(path)


def test_a_file_that_was_cut_is_refused(path: Path) -> None:
    text = path.read_text("utf-8")
    path.write_text(text[:-30], "utf-8")
    with pytest.raises(UsageError, match="line 3 is no example"):
        read(path)
    path.write_text("\n".join(text.split("\n")[:2]), "utf-8")
    with pytest.raises(UsageError, match="tells of 2 examples, and there are 1"):
        read(path)


# -- formats -------------------------------------------------------------------------------------

FULL = Example("q", tuple(Candidate(t, float(t.startswith("p"))) for t in ("p1", "p2", "n1", "n2")))
SHORT = Example("r", (Candidate("p3", 1.0), Candidate("n3", 0.0)))


@pytest.mark.parametrize(
    ("output", "rows"),
    [
        ("triplet", [("q", "p1", "n1"), ("q", "p1", "n2"), ("q", "p2", "n1"), ("q", "p2", "n2"),
                     ("r", "p3", "n3")]),
        ("n-tuple", [("q", "p1", "n1", "n2"), ("q", "p2", "n1", "n2")]),
        ("labeled-pair", [("q", "p1", 1), ("q", "p2", 1), ("q", "n1", 0), ("q", "n2", 0),
                          ("r", "p3", 1), ("r", "n3", 0)]),
        ("labeled-list", [("q", ["p1", "n1", "n2"], [1, 0, 0]),
                          ("q", ["p2", "n1", "n2"], [1, 0, 0]), ("r", ["p3", "n3"], [1, 0])]),
    ],
)  # fmt: skip
def test_the_formats_of_the_library(output: Format, rows: list[tuple[Any, ...]]) -> None:
    assert [tuple(row.values()) for row in as_rows([FULL, SHORT], output)] == rows
