from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from engine.errors import DocumentTaken, EncoderMismatch, ExtractionError, IndexLocked, SourceError
from engine.types import Document
from indexer.documents import Ready, make_ready, put, read_bytes, remove, type_of
from indexer.types import Extracted
from tests.fakes import HashEncoder
from tests.indexing import Shelf

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    shelf = Shelf(tmp_path)
    shelf.write({"a.md": "cats sleep", "b.md": "dogs bark"})
    shelf.index()
    return shelf


def ready(shelf: Shelf, id_: str, text: str) -> Ready:
    settings = shelf.store.settings()
    assert settings is not None
    document = Document(id=id_, path=id_, type=type_of(id_))
    return make_ready(document, Extracted(text=text), settings, shelf.encoder)


def test_a_document_is_put_replaced_and_removed(shelf: Shelf) -> None:
    assert put(shelf.store, ready(shelf, "n/1", "birds fly"), shelf.encoder) == (True, 2)
    assert shelf.found("birds") == ["n/1"]
    assert put(shelf.store, ready(shelf, "n/1", "fish swim"), shelf.encoder) == (False, 3)
    assert shelf.found("birds") == []
    assert shelf.found("fish", "path:n") == ["n/1"]
    assert remove(shelf.store, "n/1") == 4
    assert shelf.ids() == ["a.md", "b.md"]
    assert remove(shelf.store, "n/1") is None


def test_a_document_of_many_passages_is_cut_as_a_file_is(shelf: Shelf) -> None:
    text = "The mill turns. " * 100
    shelf.write({"mill.md": text})
    shelf.index()
    put(shelf.store, ready(shelf, "mill", text), shelf.encoder)
    snapshot = shelf.store.snapshot()
    ours, files = (
        [(p.passage, v is not None) for p, v in snapshot.document_passages(id_)]
        for id_ in ("mill", "mill.md")
    )
    snapshot.close()
    assert ours == files
    assert len(ours) > 5


def test_indexing_again_keeps_what_was_put_and_putting_keeps_files(shelf: Shelf) -> None:
    put(shelf.store, ready(shelf, "put", "birds fly"), shelf.encoder)
    (shelf.docs / "b.md").unlink()
    shelf.write({"c.md": "fish swim"})
    shelf.index()
    assert shelf.ids() == ["a.md", "c.md", "put"]
    for change in (
        lambda: put(shelf.store, ready(shelf, "a.md", "mine"), shelf.encoder),
        lambda: remove(shelf.store, "a.md"),
    ):
        with pytest.raises(DocumentTaken, match="a file has this id"):
            change()
    assert shelf.found("cats") == ["a.md"]


def test_a_file_does_not_replace_what_was_put(shelf: Shelf) -> None:
    put(shelf.store, ready(shelf, "c.md", "birds fly"), shelf.encoder)
    shelf.write({"c.md": "fish swim"})
    with pytest.raises(SourceError, match="put over HTTP"):
        shelf.index()
    assert shelf.found("birds") == ["c.md"]
    remove(shelf.store, "c.md")
    shelf.index()
    assert shelf.found("fish") == ["c.md"]


def test_nothing_is_put_while_another_process_writes(shelf: Shelf) -> None:
    one = ready(shelf, "n", "birds fly")
    with shelf.store.writer(), pytest.raises(IndexLocked):
        put(shelf.store, one, shelf.encoder)
    with pytest.raises(EncoderMismatch):
        put(shelf.store, one, HashEncoder(name="other"))
    assert shelf.ids() == ["a.md", "b.md"]


def test_bytes_are_read_as_a_file_is() -> None:
    extracted = read_bytes(b"<title>Mills</title><p>They turn.", "html", 60)
    assert (extracted.title, extracted.text.strip()) == ("Mills", "They turn.")
    with pytest.raises(ExtractionError, match="damaged"):
        read_bytes(b"no workbook", "xlsx", 60)
    with pytest.raises(ExtractionError, match="binary"):
        read_bytes(b"\x89PNG", "png", 60)


@pytest.mark.parametrize(
    ("id_", "type_"),
    [
        ("a/b.PDF", "pdf"), ("a.htm", "html"), ("a", "txt"), ("a.b/c", "txt"), ("", "txt"),
        ("a." + "x" * 300, "txt"), ("a.\x00é", "txt"), ("Makefile", "makefile"), ("../..", "txt"),
    ],
)  # fmt: skip
def test_an_id_says_a_type(id_: str, type_: str) -> None:
    assert type_of(id_) == type_
