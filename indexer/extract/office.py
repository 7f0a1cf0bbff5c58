"""What the Office formats (docx, pptx) share: their properties."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from indexer.extract.archive import Archive, local
from indexer.extract.dates import seconds

if TYPE_CHECKING:
    from engine.types import MetadataValue

_NO_TITLES = frozenset(("powerpoint presentation", "word document", "document", "untitled"))


@dataclass(frozen=True, slots=True)
class Properties:
    """What a file says of itself."""

    title: str
    metadata: dict[str, MetadataValue]
    date: float | None


def properties(archive: Archive) -> Properties:
    """Return the core properties of an Office file; a title that a program made up is none."""
    root = archive.optional_xml("docProps/core.xml")
    items = list(root) if root is not None else []
    found = {local(item): (item.text or "").strip() for item in items}
    title = found.get("title", "")
    keywords = [word.strip() for word in found.get("keywords", "").replace(";", ",").split(",")]
    metadata: dict[str, MetadataValue] = {
        "author": found.get("creator", ""),
        "subject": found.get("subject", ""),
        "keywords": [word for word in keywords if word],
    }
    return Properties(
        title="" if title.lower() in _NO_TITLES else title,
        metadata=metadata,
        date=seconds(found.get("modified") or found.get("created")),
    )
