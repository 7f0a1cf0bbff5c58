# pyright: basic
"""FAISS against numpy: the exact slow twin of every way to search."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import faiss
import numpy as np
import pytest

from engine.errors import DamagedIndex, IndexFault
from engine.local.dense import DECIMALS, WANTED_RECALL, DensePart, write

if TYPE_CHECKING:
    from pathlib import Path

DIM = 24
EXACT, INVERTED = 10**9, 1
NONE = np.empty(0, np.int64)


def unit_rows(count: int, seed: int = 0) -> np.ndarray:
    """Clustered like real passages, rounded as the catalogue keeps them."""
    random = np.random.default_rng(seed)
    centres = random.normal(size=(8, DIM))
    rows = centres[random.integers(0, 8, count)] + random.normal(scale=0.6, size=(count, DIM))
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    return rows.astype(np.float16).astype(np.float32)


def brute_force(ids: np.ndarray, rows: np.ndarray, query: np.ndarray, depth: int) -> list[int]:
    """The ids of the best rows, in the order of their scores; ties by id."""
    scores = np.round((rows @ query).astype(np.float64), DECIMALS)
    return ids[np.lexsort((ids, -scores))][:depth].tolist()


def nearest(
    part: DensePart, query: np.ndarray, depth: int, allowed: np.ndarray | None
) -> list[int]:
    """The part's answer, ties ordered by id and cut as a snapshot does."""
    found = part.search(query, depth, allowed)
    return [i for i, _ in sorted(found, key=lambda hit: (-hit[1], hit[0]))[:depth]]


def agree(found: list[int], wanted: list[int]) -> float:
    return len(set(found) & set(wanted)) / max(1, len(wanted))


@pytest.fixture(params=[EXACT, INVERTED], ids=["exact", "inverted"])
def part_of_900(request: pytest.FixtureRequest, tmp_path: Path) -> DensePart:
    """600 rows in a file, of which every fifth is gone, and 300 in the tail."""
    ids, rows = np.arange(1000, 1900) * 2, unit_rows(900)
    write(tmp_path / "x.faiss", ids[:600], rows[:600], request.param)
    return DensePart(tmp_path / "x.faiss", ids[:600:5], ids[600:], rows[600:])


def living() -> tuple[np.ndarray, np.ndarray]:
    ids, rows = np.arange(1000, 1900) * 2, unit_rows(900)
    keep = np.ones(900, bool)
    keep[:600:5] = False
    return ids[keep], rows[keep]


def test_filtered_search_is_exact_over_file_and_tail(part_of_900: DensePart) -> None:
    ids, rows = living()
    random = np.random.default_rng(1)
    for share in (0.002, 0.01, 0.1, 0.5, 1.0):
        kept = random.random(len(ids)) < share
        for query in unit_rows(10, seed=2):
            for depth in (1, 10, 100, 5000):
                wanted = brute_force(ids[kept], rows[kept], query, depth)
                found = nearest(part_of_900, query, depth, ids[kept])
                assert len(found) == len(wanted)
                assert len(set(wanted) - set(found)) <= 1  # the last may tie but for rounding


def test_search_without_a_filter_finds_nearly_all_and_nothing_that_is_gone(
    part_of_900: DensePart,
) -> None:
    ids, rows = living()
    shares = []
    for query in unit_rows(40, seed=3):
        found = nearest(part_of_900, query, 100, None)
        assert set(found) <= set(ids.tolist())
        shares.append(agree(found, brute_force(ids, rows, query, 100)))
    assert np.mean(shares) >= WANTED_RECALL - 0.02
    assert len(part_of_900) == len(ids)


def test_ids_that_are_not_there_may_be_allowed(part_of_900: DensePart) -> None:
    query = unit_rows(1)[0]
    assert part_of_900.search(query, 10, np.array([1, 3, 10**9])) == []
    assert part_of_900.search(query, 10, NONE) == []
    gone = np.array([2000, 2010])  # in the file, removed since
    assert part_of_900.search(query, 10, gone) == []
    assert part_of_900.search(query, 0, None) == []


def test_equal_rows_score_alike_in_file_and_tail(tmp_path: Path) -> None:
    rows = unit_rows(300)
    write(tmp_path / "x.faiss", np.arange(300), rows, EXACT)
    part = DensePart(tmp_path / "x.faiss", NONE, np.arange(300, 600), rows)
    for query in unit_rows(30, seed=4):
        scores = dict(part.search(query, 600, None))
        assert all(scores[n] == scores[n + 300] for n in range(300))


def test_all_that_tie_with_the_last_are_given(tmp_path: Path) -> None:
    rows = np.repeat(unit_rows(2), 200, axis=0)
    write(tmp_path / "x.faiss", np.arange(250), rows[:250], EXACT)
    part = DensePart(tmp_path / "x.faiss", NONE, np.arange(250, 400), rows[250:])
    assert sorted(i for i, _ in part.search(rows[0], 3, None)) == list(range(200))
    assert sorted(i for i, _ in part.search(rows[399], 3, None)) == list(range(200, 400))


@pytest.mark.parametrize("gone", [0, 1, 50])
def test_a_part_without_a_file_or_without_a_tail_works(tmp_path: Path, gone: int) -> None:
    ids, rows = np.arange(50), unit_rows(50)
    write(tmp_path / "x.faiss", ids, rows, EXACT)
    only_file = DensePart(tmp_path / "x.faiss", ids[:gone], NONE, np.empty((0, DIM), np.float32))
    only_tail = DensePart(None, NONE, ids[gone:], rows[gone:])
    for query in rows[:5]:
        assert nearest(only_file, query, 10, None) == nearest(only_tail, query, 10, None)
    empty = DensePart(None, NONE, NONE, np.empty((0, 0), np.float32))
    assert empty.search(rows[0], 5, None) == []
    assert len(empty) == 0


def test_what_an_inverted_file_measured_is_told(tmp_path: Path) -> None:
    ids, rows = np.arange(900), unit_rows(900)
    assert write(tmp_path / "a.faiss", ids, rows, 901) == {}
    measured = write(tmp_path / "b.faiss", ids, rows, 900)
    assert measured["lists"] == 30
    assert 1 <= measured["probes"] <= 30
    assert measured["recall"] >= WANTED_RECALL
    for name in ("a", "b"):
        part = DensePart(tmp_path / f"{name}.faiss", NONE, NONE, np.empty((0, DIM), np.float32))
        assert np.array_equal(part.vectors(), rows)
        assert np.array_equal(part.ids, ids)
    assert not list(tmp_path.glob("*.tmp"))


@pytest.mark.parametrize("count", [1, 2, 5])
def test_an_inverted_file_of_a_few_rows_finds_them(tmp_path: Path, count: int) -> None:
    write(tmp_path / "x.faiss", np.arange(count), unit_rows(count), INVERTED)
    part = DensePart(tmp_path / "x.faiss", NONE, NONE, np.empty((0, DIM), np.float32))
    for n, row in enumerate(unit_rows(count)):
        assert nearest(part, row, 1, None) == [n]


def test_a_truncated_or_foreign_file_is_damage(tmp_path: Path) -> None:
    path = tmp_path / "x.faiss"
    write(path, np.arange(100), unit_rows(100), EXACT)
    whole = path.read_bytes()
    for data in (b"", whole[:10], whole[: len(whole) // 2], whole[:-1], b"not faiss at all" * 9):
        path.write_bytes(data)
        with pytest.raises(DamagedIndex):
            DensePart(path, NONE, NONE, np.empty((0, DIM), np.float32))


def test_a_file_that_cannot_be_written_is_an_error_that_says_so(tmp_path: Path) -> None:
    with pytest.raises(IndexFault, match="cannot be written"):
        write(tmp_path / "missing" / "x.faiss", np.arange(3), unit_rows(3), EXACT)


def test_every_thread_searches_on_one_core_and_alike(part_of_900: DensePart) -> None:
    queries = unit_rows(20, seed=5)
    alone = [part_of_900.search(query, 20, None) for query in queries]
    wrong: list[int] = []
    cores: list[int] = []

    def work() -> None:
        for n, query in enumerate(queries):
            if part_of_900.search(query, 20, None) != alone[n]:
                wrong.append(n)
        cores.append(faiss.omp_get_max_threads())

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert cores == [1] * 4
