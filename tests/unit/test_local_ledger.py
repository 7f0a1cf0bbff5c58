from __future__ import annotations

from pathlib import Path

import pytest

from engine.config import IndexSettings
from engine.local.store import LocalStore
from engine.protocols import Origins
from engine.types import Document, FileState, Origin
from tests.contract.store import DIM, passages

STATE = FileState(size=3, mtime_ns=5, hash=b"h")
OTHER = FileState(size=4, mtime_ns=6, hash=b"i")


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "index", IndexSettings(dim=DIM))


def test_roots_and_files_are_remembered_from_the_commit_on(store: LocalStore) -> None:
    with store.writer() as writer:
        root = writer.ledger.put_root("/docs", "docs", {"include": ["*.md"]})
        writer.ledger.put_file(root, "a.md", STATE, {})
        writer.commit()
    with store.writer() as writer:
        lost = writer.ledger.put_root("/lost", "lost", {})
        writer.ledger.put_file(root, "b.md", STATE, {})
        assert lost.id != root.id
    with store.writer() as writer:
        assert writer.ledger.roots() == [root]
        assert writer.ledger.files(root) == {"a.md": STATE}
        assert root.options == {"include": ["*.md"]}


def test_a_root_put_again_is_the_same_root_with_new_options(store: LocalStore) -> None:
    with store.writer() as writer:
        first = writer.ledger.put_root("/docs", "docs", {"a": 1})
        second = writer.ledger.put_root("/docs", "papers", {"b": 2})
        assert (second.id, second.name, second.options) == (first.id, "papers", {"b": 2})
        assert writer.ledger.roots() == [second]


def test_documents_belong_to_their_file(store: LocalStore) -> None:
    with store.writer() as writer:
        root = writer.ledger.put_root("/docs", "", {})
        for id_ in ("x#1", "x#2", "alone"):
            writer.add(Document(id=id_), passages("text"), None)
        writer.ledger.put_file(root, "x", STATE, {"x#1": b"1", "x#2": b"2"})
        writer.ledger.put_file(root, "empty", STATE, {})
        assert writer.ledger.documents(root, "x") == {"x#1": b"1", "x#2": b"2"}
        assert writer.ledger.document_counts(root) == {"x": 2, "empty": 0}
        assert writer.ledger.owner("x#1") == (root.id, "x")
        assert writer.ledger.owner("alone") == (None, "")
        assert writer.ledger.owner("never") is None
        writer.ledger.put_file(root, "x", OTHER, {})
        assert writer.ledger.files(root)["x"] == OTHER
        assert writer.ledger.documents(root, "x") == {"x#1": b"1", "x#2": b"2"}


def test_forgetting_a_file_leaves_its_documents_without_an_owner(store: LocalStore) -> None:
    with store.writer() as writer:
        root = writer.ledger.put_root("/docs", "", {})
        writer.add(Document(id="a"), passages("text"), None)
        writer.ledger.put_file(root, "a", STATE, {"a": b"1"})
        writer.ledger.remove_file(root, "a")
        assert writer.ledger.files(root) == {}
        assert writer.ledger.owner("a") == (None, "")
        assert writer.count() == (1, 1)


def test_a_ledger_change_alone_is_kept_without_a_new_generation(store: LocalStore) -> None:
    with store.writer() as writer:
        writer.add(Document(id="a"), passages("text"), None)
        assert writer.commit() == 1
        root = writer.ledger.put_root("/docs", "", {})
        assert writer.commit() == 1
    with store.writer() as writer:
        assert writer.ledger.roots() == [root]


def test_a_snapshot_tells_where_documents_came_from(store: LocalStore) -> None:
    with store.writer() as writer:
        folder = writer.ledger.put_root("/docs/", "", {})
        single = writer.ledger.put_root("/one.jsonl", "", {"single": True})
        for id_ in ("a", "r1", "put"):
            writer.add(Document(id=id_), passages("text"), None)
        writer.ledger.put_file(folder, "sub/a.md", STATE, {"a": b"1"})
        writer.ledger.put_file(single, "one.jsonl", OTHER, {"r1": b"1"})
        writer.commit()
    snapshot = store.snapshot()
    assert isinstance(snapshot, Origins)
    assert snapshot.origins(["a", "r1", "put", "gone"]) == {
        "a": Origin(path=str(Path("/docs/sub/a.md")), size=3, mtime_ns=5),
        "r1": Origin(path="/one.jsonl", size=4, mtime_ns=6),
    }
