"""OpenDocument text and slides: headings by outline level, tables as rows, slides as pages."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.errors import ExtractionError
from indexer.extract.archive import Archive, Element, attribute, local, named
from indexer.extract.dates import seconds
from indexer.extract.draft import Draft, plain

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from engine.types import MetadataValue
    from indexer.types import Extracted

_SKIPPED = frozenset(
    ("annotation", "tracked-changes", "sequence-decls", "forms", "index-title-template",
     "table-of-content", "note-citation")
)  # fmt: skip
_MAX_SPACES = 100


def read(path: Path) -> Extracted:
    """Return an OpenDocument text or presentation."""
    with Archive(path) as archive:
        manifest = archive.optional_xml("META-INF/manifest.xml")
        if manifest is not None and next(named(manifest, "encryption-data"), None) is not None:
            raise ExtractionError("encrypted")
        body = next(named(archive.xml("content.xml"), "body"), None)
        if body is None:
            raise ExtractionError("damaged: it has no body")
        about = archive.optional_xml("meta.xml")
    writer = _Writer()
    writer.blocks(body)
    items = list(about.iter()) if about is not None else []
    found = {local(item): (item.text or "").strip() for item in items}
    words = [item.text or "" for item in items if local(item) == "keyword"]
    metadata: dict[str, MetadataValue] = {
        "author": found.get("creator") or found.get("initial-creator", ""),
        "subject": found.get("subject", ""),
        "keywords": [word for word in words if word],
    }
    return writer.draft.finish(
        title=found.get("title", ""),
        metadata=metadata,
        date=seconds(found.get("date") or found.get("creation-date")),
    )


class _Writer:
    """Writes blocks into a draft and counts slides."""

    def __init__(self) -> None:
        self.draft = Draft()
        self._slides = 0

    def blocks(self, parent: Element) -> None:
        """Write the headings, paragraphs, lists and tables below an element."""
        for child in parent:
            name = local(child)
            if name == "h":
                self._heading(child)
            elif name == "p":
                self._paragraph(child)
            elif name == "table":
                self.draft.block("\n".join(_rows(child)))
            elif name == "page":
                self._slides += 1
                self.draft.turn_page(self._slides)
                self._slide(child)
            elif name not in _SKIPPED:
                self.blocks(child)

    def _heading(self, heading: Element) -> None:
        level = attribute(heading, "outline-level")
        self.draft.heading(int(level) if level.isdecimal() else 1, "".join(_runs(heading)))

    def _paragraph(self, paragraph: Element) -> None:
        self.draft.block(plain("".join(_runs(paragraph))))
        for box in (*named(paragraph, "text-box"), *named(paragraph, "note-body")):
            self.blocks(box)

    def _slide(self, page: Element) -> None:
        title = next((frame for frame in page if attribute(frame, "class") == "title"), None)
        if title is not None:
            self.draft.heading(1, " ".join("".join(_runs(line)) for line in named(title, "p")))
        for frame in page:
            if frame is not title:
                self.blocks(frame)


def _runs(parent: Element) -> Iterator[str]:
    """Yield the text of a paragraph without its notes, boxes and comments."""
    if parent.text:
        yield parent.text
    for child in parent:
        name = local(child)
        if name == "s":
            count = attribute(child, "c")
            yield " " * (min(int(count), _MAX_SPACES) if count.isdecimal() else 1)
        elif name in ("tab", "line-break"):
            yield "\t" if name == "tab" else "\n"
        elif name not in _SKIPPED and name not in ("note", "text-box"):
            yield from _runs(child)
        if child.tail:
            yield child.tail


def _rows(table: Element) -> Iterator[str]:
    for row in named(table, "table-row"):
        cells = [
            " ".join(" ".join("".join(_runs(line)) for line in named(cell, "p")).split())
            for cell in row
            if local(cell) == "table-cell"
        ]
        if any(cells):
            yield " | ".join(cells).rstrip(" |")
