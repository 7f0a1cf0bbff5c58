"""Rows of catalog.sqlite as the nouns of engine.types, and the columns that make them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np

from engine.types import Document, Passage, StoredPassage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.types import FloatArray

# Of `document d` and `passage p`.
DOCUMENT_COLUMNS: Final = "d.key, d.title, d.path, d.type, d.date, d.metadata"
PASSAGE_COLUMNS: Final = f"""p.id, p.number, p.start, p."end", p.page, p.heading, p.text,
    {DOCUMENT_COLUMNS}"""


def as_document(row: Sequence[Any]) -> Document:
    """Return the document of a row of DOCUMENT_COLUMNS."""
    key, title, path, type_, date, metadata = row
    return Document(
        id=key, title=title, path=path, type=type_, date=date, metadata=json.loads(metadata)
    )


def as_passage(row: Sequence[Any]) -> StoredPassage:
    """Return the passage of a row that begins with PASSAGE_COLUMNS."""
    heading = cast("list[str]", json.loads(row[5])) if row[5] else []
    return StoredPassage(
        id=row[0],
        document=as_document(row[7:13]),
        passage=Passage(
            number=row[1], start=row[2], end=row[3], page=row[4], heading=tuple(heading),
            text=row[6],
        ),
    )  # fmt: skip


def as_vector(blob: bytes | None) -> FloatArray | None:
    """Return a stored vector, (dim,) float32."""
    return None if blob is None else np.frombuffer(blob, "<f2").astype(np.float32)
