"""What an index folder may be when it is opened, and the error that says what it is."""

from __future__ import annotations

import sqlite3
import weakref
from typing import TYPE_CHECKING

import pytest

from engine.assemble import check_encoder, open_engine
from engine.config import IndexSettings
from engine.errors import DamagedIndex, EncoderMismatch, ForeignIndex, IndexFault, NoIndex
from engine.local.schema import FORMAT
from engine.local.store import LocalStore
from engine.local.verify import verify
from tests.contract.store import DIM, ask, commit, documents
from tests.fakes import HashEncoder

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SETTINGS = IndexSettings(dim=DIM, encoder="hash")


def no_folder(folder: Path) -> None: ...


def empty_folder(folder: Path) -> None:
    folder.mkdir()


def empty_catalogue(folder: Path) -> None:
    folder.mkdir()
    (folder / "catalog.sqlite").touch()


def never_committed(folder: Path) -> None:
    with LocalStore(folder, SETTINGS).writer():
        pass


def lock_and_parts_alone(folder: Path) -> None:
    for part in ("text", "dense"):
        (folder / part).mkdir(parents=True)
    (folder / "writer.lock").write_text("{}")


@pytest.mark.parametrize(
    "made", [no_folder, empty_folder, empty_catalogue, never_committed, lock_and_parts_alone]
)
def test_where_nothing_was_committed_there_is_no_index_and_one_can_be_made(
    tmp_path: Path, made: Callable[[Path], None]
) -> None:
    made(tmp_path / "index")
    store = LocalStore(tmp_path / "index", SETTINGS)
    assert store.settings() is None
    for ask_for in (
        store.snapshot,
        lambda: verify(store.folder),
        lambda: open_engine(store.folder),
    ):
        with pytest.raises(NoIndex, match="no index"):
            ask_for()
    commit(store, {"a": ["alpha"]})
    assert documents(ask(store).text("alpha")) == ["a"]
    assert verify(store.folder).whole


def test_a_folder_of_other_things_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear")
    with pytest.raises(ForeignIndex, match=r"letter\.txt"):
        LocalStore(tmp_path).writer()
    assert [p.name for p in tmp_path.iterdir()] == ["letter.txt"]
    with pytest.raises(NoIndex):
        LocalStore(tmp_path).snapshot()


def test_a_file_is_no_index(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(ForeignIndex, match="is a file"):
        LocalStore(tmp_path / "file").writer()
    with pytest.raises(NoIndex):
        LocalStore(tmp_path / "file").snapshot()


def test_another_program_s_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    connection = sqlite3.connect(tmp_path / "catalog.sqlite")
    connection.execute("CREATE TABLE theirs (x)")
    connection.commit()
    connection.close()
    before = (tmp_path / "catalog.sqlite").read_bytes()
    store = LocalStore(tmp_path)
    for open_ in (store.snapshot, store.writer, store.settings, lambda: verify(tmp_path)):
        with pytest.raises(ForeignIndex, match="not made by Shortlist"):
            open_()
    assert (tmp_path / "catalog.sqlite").read_bytes() == before


def test_a_newer_format_is_refused_with_what_to_do(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "index", SETTINGS)
    commit(store, {"a": ["alpha"]})
    connection = sqlite3.connect(store.folder / "catalog.sqlite")
    connection.execute(f"PRAGMA user_version = {FORMAT + 1}")
    connection.close()
    for open_ in (store.snapshot, store.writer, store.settings, lambda: verify(store.folder)):
        with pytest.raises(ForeignIndex, match=rf"format {FORMAT + 1}.*update Shortlist"):
            open_()


def test_text_that_calls_itself_a_catalogue_is_damage(tmp_path: Path) -> None:
    (tmp_path / "catalog.sqlite").write_text("hello " * 1000)
    store = LocalStore(tmp_path)
    for open_ in (store.snapshot, store.writer, store.settings):
        with pytest.raises(DamagedIndex):
            open_()
    verdict = verify(tmp_path)
    assert verdict.beyond_repair
    assert verdict.damage


def test_a_writer_that_was_refused_holds_no_lock(tmp_path: Path) -> None:
    (tmp_path / "catalog.sqlite").write_text("hello " * 1000)
    for _ in range(2):
        with pytest.raises(DamagedIndex):
            LocalStore(tmp_path).writer()
    (tmp_path / "catalog.sqlite").unlink()
    commit(LocalStore(tmp_path, SETTINGS), {"a": ["alpha"]})


def test_an_index_of_another_encoder_is_an_error_that_names_both(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "index", SETTINGS)
    commit(store, {"a": ["alpha"]})
    settings = store.snapshot().settings
    check_encoder(settings, HashEncoder())
    with pytest.raises(EncoderMismatch, match=r"'hash'.*'other'"):
        check_encoder(settings, HashEncoder(name="other"))
    with pytest.raises(EncoderMismatch):
        open_engine(store.folder, "none")


def test_every_commit_and_every_new_index_is_another_version(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "index", SETTINGS)
    versions = [store.version()] if (tmp_path / "index").exists() else []
    for n in range(3):
        commit(store, {"a": [f"alpha{n}"]})
        versions.append(store.version())
        assert store.version() == versions[-1]
    assert len(set(versions)) == 3


def test_a_snapshot_that_nobody_holds_is_gone_at_once(tmp_path: Path) -> None:
    """A server opens one for every commit, and vectors are large: no waiting for a collection."""
    store = LocalStore(tmp_path / "index", SETTINGS)
    commit(store, {"a": ["alpha"]})
    asker = ask(store)
    assert documents(asker.text("alpha", 5, "path:a")) == ["a"]
    assert documents(asker.near("alpha", 5, "path:a")) == ["a"]
    held = weakref.ref(asker.snapshot)
    asker.snapshot.close()
    del asker
    assert held() is None


def test_a_catalogue_that_is_locked_for_ever_is_an_error_of_ours(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "index", SETTINGS)
    commit(store, {"a": ["alpha"]})
    with store.writer() as writer:
        other = sqlite3.connect(store.folder / "catalog.sqlite", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        writer._catalog.execute("PRAGMA busy_timeout = 10")  # pyright: ignore[reportPrivateUsage]
        with pytest.raises(IndexFault, match="locked"):
            writer.delete_document("a")
        other.execute("ROLLBACK")
        other.close()
    assert documents(ask(store).text("alpha")) == ["a"]
