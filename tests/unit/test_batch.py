from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from engine.config import IndexSettings
from engine.local.store import LocalStore
from engine.types import Document, FileState, Passage, Root
from indexer.batch import FULL, Batch, Draft
from tests.indexing import CountingEncoder

if TYPE_CHECKING:
    from pathlib import Path

    from engine.local.writer import LocalWriter


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "index", IndexSettings(encoder="hash", dim=64))


def draft(root: Root, name: str, *texts: str, title: str = "") -> Draft:
    passages, start = list[Passage](), 0
    for number, text in enumerate(texts):
        end = start + len(text)
        passages.append(Passage(number=number, start=start, end=end, text=text))
        start = end
    return Draft(
        document=Document(id=name, title=title),
        passages=passages,
        hash=b"h",
        root=root,
        file=name,
        state=FileState(size=1, mtime_ns=1, hash=b"f"),
    )


def start(writer: LocalWriter) -> tuple[Batch, CountingEncoder, Root]:
    encoder = CountingEncoder()
    return Batch(writer, encoder), encoder, writer.ledger.put_root("/root", "", {})


def test_nothing_is_put_before_a_flush(store: LocalStore) -> None:
    with store.writer() as writer:
        batch, encoder, root = start(writer)
        batch.add(draft(root, "a", "one ", "two"), ())
        assert (encoder.read, writer.count()) == ([], (0, 0))
        batch.flush()
        assert encoder.read == ["one ", "two"]
        assert writer.count() == (1, 2)
        assert writer.ledger.documents(root, "a") == {"a": b"h"}


def test_a_full_batch_flushes_itself(store: LocalStore) -> None:
    with store.writer() as writer:
        batch, encoder, root = start(writer)
        batch.add(draft(root, "a", *[f"{n} " for n in range(FULL - 1)]), ())
        assert encoder.read == []
        batch.add(draft(root, "b", "last"), ())
        assert len(encoder.read) == batch.encoded == FULL
        assert writer.count() == (2, FULL)


def test_the_encoder_reads_a_passage_below_its_title(store: LocalStore) -> None:
    with store.writer() as writer:
        batch, encoder, root = start(writer)
        batch.add(draft(root, "a", "text", title="Title"), ())
        batch.flush()
        assert encoder.read == ["Title\ntext"]


def test_equal_texts_are_encoded_once_and_all_have_the_vector(store: LocalStore) -> None:
    with store.writer() as writer:
        batch, encoder, root = start(writer)
        batch.add(draft(root, "a", "same", "else"), ())
        batch.add(draft(root, "b", "same"), ())
        batch.flush()
        assert (encoder.read, batch.encoded) == (["same", "else"], 2)
        vectors = [v for name in "ab" for _, v in writer.document_passages(name)]
        assert all(vector is not None for vector in vectors)
        assert vectors[0] is not None
        assert (vectors[0] == vectors[2]).all()


def test_vectors_from_before_are_used_again(store: LocalStore) -> None:
    with store.writer() as writer:
        batch, encoder, root = start(writer)
        batch.add(draft(root, "a", "one", "two"), ())
        batch.flush()
        before = [vector for _, vector in writer.document_passages("a")]
        encoder.read.clear()
        batch.add(draft(root, "a", "two", "new", "one"), writer.document_passages("a"))
        batch.flush()
        after = [vector for _, vector in writer.document_passages("a")]
        assert encoder.read == ["new"]
        assert before[0] is not None
        assert (after[2] == before[0]).all()
        assert (after[0] == before[1]).all()


def test_a_new_title_is_another_text(store: LocalStore) -> None:
    with store.writer() as writer:
        batch, encoder, root = start(writer)
        batch.add(draft(root, "a", "one", title="Old"), ())
        batch.flush()
        batch.add(draft(root, "a", "one", title="New"), writer.document_passages("a"))
        batch.flush()
        assert encoder.read == ["Old\none", "New\none"]


def test_the_last_of_two_drafts_of_a_document_stays(store: LocalStore) -> None:
    with store.writer() as writer:
        batch, _, root = start(writer)
        batch.add(draft(root, "a", "first"), ())
        batch.add(draft(root, "a", "second"), ())
        batch.flush()
        assert [s.passage.text for s, _ in writer.document_passages("a")] == ["second"]


def test_a_flush_of_nothing_encodes_nothing(store: LocalStore) -> None:
    with store.writer() as writer:
        batch, encoder, _ = start(writer)
        batch.flush()
        batch.flush()
        assert (encoder.read, writer.count()) == ([], (0, 0))
