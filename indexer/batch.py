"""Documents on their way into the index: encoded many at a time, only what is new of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from engine.analysis import clean
from engine.types import context_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from engine.local.writer import LocalWriter
    from engine.protocols import Encoder
    from engine.types import Document, FileState, FloatArray, Passage, Root, StoredPassage

FULL: Final = 512  # passages; the encoder is fastest from there on (32: 3,900/s, 512: 6,200/s)


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A document ready to be put, and what the ledger keeps of it."""

    document: Document
    passages: Sequence[Passage] = ()
    hash: bytes
    root: Root
    file: str
    state: FileState

    def inputs(self) -> list[str]:
        """What the encoder reads: each passage below its title and headings."""
        return [encoder_input(self.document.title, passage) for passage in self.passages]


class Batch:
    """Collects drafts; `flush` encodes them in one call and puts them."""

    def __init__(self, writer: LocalWriter, encoder: Encoder) -> None:
        self._writer = writer
        self._encoder = encoder
        self._drafts: list[Draft] = []
        self._known: dict[str, FloatArray] = {}
        self._size = 0
        self.encoded = 0

    def add(self, draft: Draft, before: Iterable[tuple[StoredPassage, FloatArray | None]]) -> None:
        """Take a draft; vectors of passages that were the same `before` are used again."""
        for stored, vector in before:
            if vector is not None:
                self._known[encoder_input(stored.document.title, stored.passage)] = vector
        self._drafts.append(draft)
        self._size += len(draft.passages)
        if self._size >= FULL:
            self.flush()

    def flush(self) -> None:
        """Encode what is new and put everything into the writer."""
        inputs = [draft.inputs() for draft in self._drafts]
        unknown = list(dict.fromkeys(t for texts in inputs for t in texts if t not in self._known))
        vectors = self._encoder.encode_passages(unknown)
        self.encoded += len(unknown)
        self._known.update(zip(unknown, vectors, strict=True))
        for draft, texts in zip(self._drafts, inputs, strict=True):
            rows = np.stack([self._known[text] for text in texts])
            self._writer.add(draft.document, draft.passages, rows)
            self._writer.ledger.put_file(
                draft.root, draft.file, draft.state, {draft.document.id: draft.hash}
            )
        self._drafts, self._known, self._size = [], {}, 0


def encoder_input(title: str, passage: Passage) -> str:
    """Return what the encoder reads: text as it is stored, so encoding again reads the same."""
    return clean(context_text(title, passage.heading, passage.text))
