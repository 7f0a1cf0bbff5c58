# pyright: basic
"""tantivy against twenty lines of BM25."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from engine.analysis import Analyzer
from engine.errors import DamagedIndex
from engine.local.text import TextPart, TextWriter, deleted_share
from engine.query import parse

if TYPE_CHECKING:
    from pathlib import Path

ENGLISH = Analyzer()
TEXTS = [
    "the cat sat on the mat", "cat and dog", "dog dog dog", "a bird", "mat mat cat",
    "quick brown fox", "lazy dog sat", "bird and fox and cat and dog", "mat", "fox",
]  # fmt: skip


def written(folder: Path, texts: list[str], previous: Path | None = None) -> Path:
    """A generation of passages 1, 2, ... each its own document."""
    writer = TextWriter(folder, previous)
    first = 1 if previous is None else 1000
    for n, text in enumerate(texts, first):
        writer.add(n, n, ENGLISH.terms(text), [])
    writer.commit()
    return folder


def bm25(texts: list[str], query: str, k1: float = 1.2, b: float = 0.75) -> dict[int, float]:
    """Score of each passage that has a term of the query."""
    bodies = [ENGLISH.terms(text) for text in texts]
    average = sum(map(len, bodies)) / len(bodies)
    scores: dict[int, float] = {}
    for term in dict.fromkeys(parse(query, ENGLISH).terms):
        having = sum(term in body for body in bodies)
        weight = math.log(1 + (len(bodies) - having + 0.5) / (having + 0.5))
        for n, body in enumerate(bodies, 1):
            count = Counter(body)[term]
            if count:
                norm = k1 * (1 - b + b * len(body) / average)
                scores[n] = scores.get(n, 0) + weight * count * (k1 + 1) / (count + norm)
    return scores


@pytest.mark.parametrize("query", ["cat", "dog mat", "fox bird cat dog", "quick", "cat cat"])
def test_scores_are_those_of_bm25(tmp_path: Path, query: str) -> None:
    part = TextPart(written(tmp_path / "1", TEXTS))
    found = dict(part.search(parse(query, ENGLISH), 100, None))
    wanted = bm25(TEXTS, query)
    assert found.keys() == wanted.keys()
    assert all(abs(found[n] - wanted[n]) < 1e-3 for n in wanted)


def test_restricting_documents_changes_no_score(tmp_path: Path) -> None:
    part = TextPart(written(tmp_path / "1", TEXTS))
    query = parse("cat dog", ENGLISH)
    everything = dict(part.search(query, 100, None))
    some = dict(part.search(query, 100, [2, 3, 4]))
    assert some == {n: everything[n] for n in (2, 3)}
    assert part.search(query, 100, []) == []
    assert part.search(query, 0, None) == []


def test_a_generation_is_changed_without_touching_the_one_before(tmp_path: Path) -> None:
    first = written(tmp_path / "1", TEXTS)
    before = {p.name: p.read_bytes() for p in first.iterdir() if p.suffix != ".lock"}
    old = TextPart(first)
    writer = TextWriter(tmp_path / "2", first)
    writer.delete(1)
    writer.add(50, 50, ["cat"], [])
    writer.commit()
    new = TextPart(tmp_path / "2")
    assert {p.name: p.read_bytes() for p in first.iterdir() if p.suffix != ".lock"} == before
    assert sorted(old.ids().tolist()) == list(range(1, 11))
    assert sorted(new.ids().tolist()) == [*range(2, 11), 50]
    assert (old.count, new.count) == (10, 10)


def test_the_share_of_deleted_entries_is_read_from_the_folder(tmp_path: Path) -> None:
    first = written(tmp_path / "1", TEXTS)
    assert deleted_share(first) == 0
    writer = TextWriter(tmp_path / "2", first)
    for n in (1, 2, 3):
        writer.delete(n)
    writer.commit()
    assert deleted_share(tmp_path / "2") == pytest.approx(0.3)
    assert deleted_share(written(tmp_path / "3", [])) == 0


def test_equal_passages_tie_at_the_cut(tmp_path: Path) -> None:
    part = TextPart(written(tmp_path / "1", ["cat"] * 300 + ["dog"]))
    found = part.search(parse("cat", ENGLISH), 5, None)
    assert sorted(n for n, _ in found) == list(range(1, 301))
    assert len({score for _, score in found}) == 1


@pytest.mark.parametrize("damage", ["missing", "empty", "no meta", "broken meta"])
def test_a_folder_that_is_not_whole_is_damage(tmp_path: Path, damage: str) -> None:
    folder = written(tmp_path / "1", TEXTS)
    for path in list(folder.iterdir()):
        if damage == "empty" or (damage == "no meta" and path.name == "meta.json"):
            path.unlink()
        if damage == "broken meta" and path.name == "meta.json":
            path.write_text("{")
    where = tmp_path / "none" if damage == "missing" else folder
    with pytest.raises(DamagedIndex):
        TextPart(where)
    with pytest.raises(DamagedIndex):
        TextWriter(tmp_path / "2", where)
