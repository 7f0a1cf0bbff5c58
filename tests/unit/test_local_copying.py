from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from engine.config import IndexSettings
from engine.errors import DamagedIndex, NoIndex
from engine.local.copying import copy_index
from engine.local.store import LocalStore
from engine.local.verify import verify
from tests.contract.store import DIM, OTHER, ask, commit, documents

if TYPE_CHECKING:
    from pathlib import Path

WORDS = {f"{n}": [f"alpha word{n}"] for n in range(300)}


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    store = LocalStore(tmp_path / "index", IndexSettings(dim=DIM))
    commit(store, WORDS)
    return store


def test_a_copy_is_whole_and_answers_the_same(store: LocalStore, tmp_path: Path) -> None:
    commit(store, {"5": ["beta"], "tail": ["gamma"]})
    copy_index(store.folder, tmp_path / "copy")
    copy = LocalStore(tmp_path / "copy")
    assert verify(copy.folder).whole
    assert verify(copy.folder).strangers == []
    assert copy.settings() == store.settings()
    for word in ("alpha", "beta", "word7"):
        assert ask(copy).both(word, 999) == ask(store).both(word, 999)
    [dense] = (copy.folder / "dense").iterdir()
    assert dense.samefile(store.folder / "dense" / dense.name)


def test_what_is_written_to_the_one_is_not_in_the_other(store: LocalStore, tmp_path: Path) -> None:
    copy_index(store.folder, tmp_path / "copy")
    copy = LocalStore(tmp_path / "copy")
    commit(store, {f"{n}": ["beta"] for n in range(200)})
    commit(copy, {"own": ["delta"]})
    with copy.writer() as writer:
        writer.reencode(OTHER)
        writer.commit()
    assert verify(store.folder).whole
    assert verify(copy.folder).whole
    assert ask(store).text("delta") == ask(copy).text("beta") == []
    assert len(ask(copy).text("alpha", 999)) == 300
    assert len(ask(store).near("beta", 999)) == 300
    assert documents(ask(copy).text("delta")) == ["own"]


def test_a_copy_made_while_another_writes_has_one_commit(store: LocalStore, tmp_path: Path) -> None:
    with store.writer() as writer:
        writer.delete_document("7")
        copy_index(store.folder, tmp_path / "copy")
        writer.commit()
    assert ask(LocalStore(tmp_path / "copy")).snapshot.count() == (300, 300)
    assert verify(tmp_path / "copy").whole


def test_nothing_and_a_damaged_index_are_not_copied(store: LocalStore, tmp_path: Path) -> None:
    with pytest.raises(NoIndex):
        copy_index(tmp_path / "nowhere", tmp_path / "copy")
    for path in (store.folder / "dense").iterdir():
        path.unlink()
    with pytest.raises(DamagedIndex, match="--repair"):
        copy_index(store.folder, tmp_path / "copy")
