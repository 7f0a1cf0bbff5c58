"""What a commit leaves on disk: generations, folds, rebuilds, the log."""

from __future__ import annotations

import json
import sqlite3
import time
from typing import TYPE_CHECKING

import numpy as np
import pytest

from engine.config import IndexSettings
from engine.errors import IndexFault, UsageError
from engine.local import files
from engine.local.parts import KEPT_GENERATIONS
from engine.local.store import LocalStore
from engine.local.text import deleted_share
from engine.local.verify import verify
from engine.local.writer import REBUILD_SHARE, SMALLEST_FOLD, LocalWriter
from engine.types import Document
from tests.contract.store import DIM, ask, commit, documents, passages, put

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "index", IndexSettings(dim=DIM))


def names(store: LocalStore, part: str) -> list[str]:
    folder = store.folder / part
    return sorted(p.name for p in folder.iterdir()) if folder.is_dir() else []


def log_size(store: LocalStore) -> int:
    log = store.folder / "catalog.sqlite-wal"
    return log.stat().st_size if log.exists() else 0


# -- folding vectors -------------------------------------------------------------------------------


def test_few_vectors_wait_in_the_tail_and_many_are_folded(store: LocalStore) -> None:
    commit(store, {"a": ["alpha"] * SMALLEST_FOLD})
    assert store.snapshot().parts.dense == ""
    commit(store, {"b": ["alpha"]})
    parts = store.snapshot().parts
    assert (parts.dense_rows, parts.dense_through) == (SMALLEST_FOLD + 1, SMALLEST_FOLD + 1)
    assert names(store, "dense") == [parts.dense.removeprefix("dense/")]
    commit(store, {"c": ["beta"]})
    assert store.snapshot().parts.dense == parts.dense
    assert verify(store.folder).damage == []


def test_removed_rows_are_masked_until_they_are_many(store: LocalStore) -> None:
    commit(store, {f"{n}": ["alpha"] * 30 for n in range(20)})
    first = store.snapshot().parts
    assert first.dense_rows == 600
    for n in range(9):
        with store.writer() as writer:
            writer.delete_document(f"{n}")
            writer.commit()
        found = ask(store).near("alpha", 1000)
        assert len(found) == 30 * (19 - n)
        assert verify(store.folder).damage == []
    assert store.snapshot().parts.dense != first.dense
    assert store.snapshot().parts.dense_rows < 600


def test_everything_removed_leaves_no_dense_file(store: LocalStore) -> None:
    commit(store, {"a": ["alpha"] * 300})
    assert store.snapshot().parts.dense
    with store.writer() as writer:
        writer.delete_document("a")
        writer.commit()
    assert store.snapshot().parts.dense == ""
    assert ask(store).both("alpha") == [[], []]
    assert verify(store.folder).damage == []


def test_an_inverted_file_answers_filtered_queries_exactly(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "index", IndexSettings(dim=DIM, approximate_from=300))
    words = ["alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta"]
    texts = {
        f"{'rare' if n % 100 == 0 else 'many'}/{n}": [
            f"{words[n % 8]} {words[n % 7]} {words[n % 3]}"
        ]
        for n in range(600)
    }
    commit(store, texts)
    parts = store.snapshot().parts
    assert parts.measured["lists"] == 24
    assert parts.measured["recall"] >= 0.95
    with store.writer() as writer:
        for n in range(0, 600, 7):
            writer.delete_document(f"many/{n}")
        writer.commit()
    exact = LocalStore(tmp_path / "exact", IndexSettings(dim=DIM))
    commit(exact, {k: v for k, v in texts.items() if k[:4] == "rare" or int(k[5:]) % 7})
    for word in words:
        for where in ("path:rare", "path:many/1*"):
            mine = ask(store).near(word, 20, where)
            assert documents(mine) == documents(ask(exact).near(word, 20, where))
    assert verify(store.folder).damage == []


# -- generations -----------------------------------------------------------------------------------


def test_the_last_generations_are_kept_and_older_ones_removed(store: LocalStore) -> None:
    for n in range(8):
        commit(store, {f"{n}": ["alpha"] * 300})
        kept = {"text": names(store, "text"), "dense": names(store, "dense")}
        parts = store.snapshot().parts
        assert parts.text.removeprefix("text/") in kept["text"]
        assert len(kept["text"]) <= KEPT_GENERATIONS + 1
        assert len(kept["dense"]) <= KEPT_GENERATIONS
        assert {f"{p}/{name}" for p, there in kept.items() for name in there} == parts.named
    assert sorted(int(name.partition("-")[0]) for name in names(store, "text"))[-1] == 8


def test_a_snapshot_of_an_old_generation_answers_after_its_files_are_gone(
    store: LocalStore,
) -> None:
    commit(store, {"a": ["alpha"] * 300})
    old = ask(store)
    for n in range(6):
        commit(store, {"a": [f"word{n}"] * 300})
    assert old.snapshot.generation == 1
    assert len(old.text("alpha", 1000)) == len(old.near("alpha", 1000)) == 300
    assert old.text("word5") == []


def test_what_an_interrupted_write_left_is_removed_by_the_next_writer(store: LocalStore) -> None:
    commit(store, {"a": ["alpha"] * 300})
    left = [store.folder / "text" / "2-abcdef01", store.folder / "dense" / "2-12345678.tmp"]
    left[0].mkdir()
    (left[0] / "meta.json").write_text("{}")
    left[1].write_bytes(b"half")
    assert verify(store.folder).strangers == ["dense/2-12345678.tmp", "text/2-abcdef01"]
    assert verify(store.folder).whole
    commit(store, {"b": ["alpha"]})
    assert not any(path.exists() for path in left)
    assert verify(store.folder).strangers == []


def test_many_deleted_entries_make_the_text_part_anew(store: LocalStore) -> None:
    commit(store, {f"{n}": ["alpha beta"] for n in range(10)})
    commit(store, {"0": ["alpha gamma"], "1": ["alpha gamma"]})
    share = deleted_share(store.folder / store.snapshot().parts.text)
    assert 0 < share <= REBUILD_SHARE
    commit(store, {f"{n}": ["alpha delta"] for n in range(2, 5)})
    assert deleted_share(store.folder / store.snapshot().parts.text) == 0
    assert len(ask(store).text("alpha")) == 10
    assert verify(store.folder).damage == []


def test_a_rebuild_publishes_what_was_not_committed_and_loses_nothing(store: LocalStore) -> None:
    commit(store, {"a": ["alpha"] * 300, "b": ["beta"]})
    with store.writer() as writer:
        put(writer, "c", "alpha")
        writer.delete_document("b")
        assert writer.rebuild() == 2
        put(writer, "d", "alpha")
    asker = ask(store)
    assert sorted(set(documents(asker.text("alpha", 999)))) == ["a", "c"]
    assert asker.text("beta") == []
    assert store.snapshot().parts.dense_rows == 301
    assert verify(store.folder).damage == []


def test_a_rebuild_of_an_empty_index_works(store: LocalStore) -> None:
    with store.writer() as writer:
        assert writer.rebuild() == 1
    assert store.snapshot().count() == (0, 0)


# -- the log and the lock --------------------------------------------------------------------------


def test_a_writer_that_leaves_empties_the_log(store: LocalStore) -> None:
    for n in range(5):
        commit(store, {f"{n}": ["alpha"] * 200})
        assert log_size(store) == 0


def test_a_writer_does_not_wait_for_open_snapshots(store: LocalStore) -> None:
    commit(store, {"a": ["alpha"]})
    snapshot = store.snapshot()
    start = time.monotonic()
    for n in range(3):
        commit(store, {"a": [f"beta{n}"]})
    assert time.monotonic() - start < 8  # it once waited ten seconds for each
    assert snapshot.generation == 1
    snapshot.close()
    commit(store, {"a": ["gamma"]})
    assert log_size(store) == 0


def test_the_log_is_emptied_once_the_last_reader_has_gone(store: LocalStore) -> None:
    commit(store, {"a": ["alpha"]})
    snapshot = store.snapshot()
    commit(store, {"b": ["beta"] * 500})
    assert log_size(store) > 0
    snapshot.close()
    with store.writer():
        pass
    assert log_size(store) == 0


def test_the_lock_names_who_holds_it(tmp_path: Path) -> None:
    with files.WriterLock(tmp_path / "lock"):
        holder = json.loads((tmp_path / "lock").read_text())
        assert set(holder) == {"pid", "host", "since"}
        with (
            pytest.raises(IndexFault, match=str(holder["pid"])),
            files.WriterLock(tmp_path / "lock"),
        ):
            pytest.fail("two hold the lock")
    with files.WriterLock(tmp_path / "lock"):
        pass


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(IndexFault):
        LocalStore(tmp_path / "file").writer()
    with pytest.raises(IndexFault):
        LocalStore(tmp_path / "file" / "below").writer()


# -- changes ---------------------------------------------------------------------------------------


def test_vectors_of_another_size_are_refused_and_change_nothing(store: LocalStore) -> None:
    commit(store, {"a": ["alpha"]})
    with store.writer() as writer:
        for shape in ((1, DIM + 1), (2, DIM), (0, DIM), (DIM,)):
            with pytest.raises(UsageError):
                writer.add(Document(id="a"), passages("beta"), np.ones(shape, np.float32))
        assert writer.commit() == 1
    assert documents(ask(store).text("alpha")) == ["a"]


def test_uncommitted_changes_are_seen_by_the_writer_itself(store: LocalStore) -> None:
    commit(store, {"a": ["alpha"]})
    with store.writer() as writer:
        put(writer, "b", "beta", "gamma")
        assert writer.count() == (2, 3)
        assert [s.passage.text for s, _ in writer.document_passages("b")] == ["beta", "gamma"]


def test_a_document_s_number_is_not_its_successor_s(store: LocalStore) -> None:
    """Text is deleted by document number: a number used twice would delete a stranger."""
    seen: set[int] = set()
    with store.writer() as writer:
        for _ in range(5):
            put(writer, "a", "alpha")
            writer.commit()
            rows = sqlite3.connect(store.folder / "catalog.sqlite").execute(
                "SELECT id FROM document"
            )
            [(number,)] = rows.fetchall()
            assert number not in seen
            seen.add(number)


def test_settings_count_only_when_the_index_is_made(tmp_path: Path) -> None:
    made = LocalWriter(tmp_path / "index", IndexSettings(language="de", dim=DIM))
    with made:
        made.commit()
    store = LocalStore(tmp_path / "index", IndexSettings(language="fr", dim=9))
    with store.writer() as writer:
        assert writer.settings == IndexSettings(language="de", dim=DIM)
    assert store.settings() == store.snapshot().settings
