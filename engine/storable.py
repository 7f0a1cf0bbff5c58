"""What every store asks of a document before it changes anything for it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from engine.analysis import clean
from engine.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.types import Document, FloatArray, MetadataValue, Passage


def storable(
    document: Document, passages: Sequence[Passage], vectors: FloatArray | None
) -> tuple[Document, Sequence[Passage]]:
    """Return a document and its passages with text that can be stored; offsets stay right.

    Lone surrogates and NUL become spaces, except in an id, which must stay what it is.

    Raises:
        UsageError: if the id has such characters, two passages have one number, or the vectors are
            not a row a passage.
    """
    if clean(document.id) != document.id:
        raise UsageError(f"document id {document.id!r} is not valid Unicode text")
    if len({passage.number for passage in passages}) != len(passages):
        raise UsageError(f"document {document.id!r} has two passages with the same number")
    if vectors is not None and len(vectors) != len(passages):
        raise UsageError(f"{len(vectors)} vectors for {len(passages)} passages")
    return _cleaned(document), [_cleaned_passage(passage) for passage in passages]


def _cleaned(document: Document) -> Document:
    return replace(
        document,
        title=clean(document.title),
        path=clean(document.path),
        type=clean(document.type),
        metadata={clean(name): _cleaned_value(v) for name, v in document.metadata.items()},
    )


def _cleaned_value(value: MetadataValue) -> MetadataValue:
    if isinstance(value, list):
        return [clean(item) for item in value]
    return clean(value) if isinstance(value, str) else value


def _cleaned_passage(passage: Passage) -> Passage:
    text, heading = clean(passage.text), tuple(clean(part) for part in passage.heading)
    if text == passage.text and heading == passage.heading:
        return passage
    return replace(passage, text=text, heading=heading)
