"""One document at a time, from a client instead of a folder: read, made ready, put, removed.

What came from a file stays the file's: it is neither replaced nor removed here. And `build` refuses
a file that has the id of a document that was put here.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from engine.assemble import check_encoder
from engine.errors import DocumentTaken, ExtractionError
from indexer.batch import encoder_input
from indexer.chunking import cut
from indexer.extract import extract_many, file_type

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.config import IndexSettings
    from engine.local.store import LocalStore
    from engine.local.writer import LocalWriter
    from engine.protocols import Encoder
    from engine.types import Document, FloatArray, Passage
    from indexer.types import Extracted

_TYPE: Final = re.compile(r"[a-z0-9_+-]{1,20}")


@dataclass(frozen=True, slots=True)
class Ready:
    """A document with its passages and their vectors, (n, dim)."""

    document: Document
    passages: Sequence[Passage]
    vectors: FloatArray


def type_of(document: str) -> str:
    """Return the type that a document's id says, `txt` where it says none."""
    found = file_type(Path(document))
    return found if _TYPE.fullmatch(found) else "txt"


def read_bytes(content: bytes, type_: str, seconds: float) -> Extracted:
    """Return the text of what would be a file of this type; parsers work as for files.

    Raises:
        ExtractionError: if it gives no text, or not in time.
    """
    with TemporaryDirectory(prefix="shortlist-") as folder:
        path = Path(folder, f"document.{type_}")
        path.write_bytes(content)
        [(_, outcome)] = extract_many([path], workers=1, timeout=seconds)
    if isinstance(outcome, ExtractionError):
        raise outcome
    return outcome


def make_ready(
    document: Document, extracted: Extracted, settings: IndexSettings, encoder: Encoder
) -> Ready:
    """Cut a document and encode its passages."""
    passages = cut(extracted, words=settings.passage_words, overlap=settings.overlap_words)
    texts = [encoder_input(document.title, passage) for passage in passages]
    return Ready(document, passages, encoder.encode_passages(texts))


def put(store: LocalStore, ready: Ready, encoder: Encoder) -> tuple[bool, int]:
    """Put a document and commit; return whether it is a new one, and the generation.

    Raises:
        DocumentTaken: if a file has that id.
        EncoderMismatch: if the index has vectors of another encoder by now.
        IndexLocked: if another process is writing.
    """
    with store.writer() as writer:
        check_encoder(writer.settings, encoder)
        known = _is_ours(writer, ready.document.id)
        writer.add(ready.document, ready.passages, ready.vectors)
        return not known, writer.commit()


def remove(store: LocalStore, document: str) -> int | None:
    """Remove a document and commit; return the generation, or None if it was not there.

    Raises:
        DocumentTaken: if it came from a file.
        IndexLocked: if another process is writing.
    """
    with store.writer() as writer:
        if not _is_ours(writer, document):
            return None
        writer.delete_document(document)
        return writer.commit()


def _is_ours(writer: LocalWriter, document: str) -> bool:
    owner = writer.ledger.owner(document)
    if owner is not None and owner[0] is not None:
        raise DocumentTaken(
            "a file has this id: change or remove the file and index its folder again, or choose"
            " another id"
        )
    return owner is not None
