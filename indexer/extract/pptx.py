"""PowerPoint: a page a slide under its title, tables as rows, speaker notes below."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.errors import ExtractionError
from indexer.extract.archive import Archive, Element, attribute, local, named
from indexer.extract.draft import Draft
from indexer.extract.office import properties

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from indexer.types import Extracted

_TITLES = frozenset(("title", "ctrTitle"))
# Placeholders that repeat on every slide.
_FURNITURE = frozenset(("sldNum", "dt", "ftr", "hdr", "sldImg"))


def read(path: Path) -> Extracted:
    """Return a presentation; `page` is the number of the slide."""
    draft = Draft()
    with Archive(path) as archive:
        for number, name in enumerate(_slides(archive), start=1):
            draft.turn_page(number)
            _slide(draft, archive, name)
        about = properties(archive)
    return draft.finish(title=about.title, metadata=about.metadata, date=about.date)


def _slides(archive: Archive) -> list[str]:
    """Return the parts of the slides in the order of the show."""
    main = next(
        (name for type_, name in archive.relations("").values() if type_ == "officeDocument"),
        "ppt/presentation.xml",
    )
    targets = archive.relations(main)
    slides: list[str] = []
    for entry in named(archive.xml(main), "sldId"):
        # Two attributes are called id; the relation's is the one with a namespace.
        relation = next((value for key, value in entry.items() if key.endswith("}id")), "")
        if relation not in targets:
            raise ExtractionError("damaged: a slide is missing")
        slides.append(targets[relation][1])
    return slides


def _slide(draft: Draft, archive: Archive, name: str) -> None:
    shapes = list(_shapes(archive.xml(name)))
    title = next((shape for shape in shapes if _placeholder(shape) in _TITLES), None)
    if title is not None:
        draft.heading(1, " ".join(_paragraphs(title)))
    for shape in shapes:
        if shape is not title and _placeholder(shape) not in _FURNITURE:
            draft.block(_shape_text(shape))
    for type_, part in archive.relations(name).values():
        if type_ == "notesSlide" and part in archive:
            for shape in _shapes(archive.xml(part)):
                if _placeholder(shape) not in _FURNITURE:
                    draft.block(_shape_text(shape))


def _shapes(root: Element) -> Iterator[Element]:
    """Yield shapes and tables in drawing order, looking into groups."""
    for child in root:
        name = local(child)
        if name in ("sp", "graphicFrame"):
            yield child
        elif name != "Fallback":
            yield from _shapes(child)


def _placeholder(shape: Element) -> str:
    found = next(named(shape, "ph"), None)
    return "" if found is None else attribute(found, "type") or "body"


def _shape_text(shape: Element) -> str:
    rows = [
        " | ".join(" ".join(_paragraphs(cell)) for cell in row if local(cell) == "tc")
        for row in named(shape, "tr")
    ]
    return "\n".join(rows or _paragraphs(shape))


def _paragraphs(parent: Element) -> list[str]:
    found: list[str] = []
    for paragraph in named(parent, "p"):
        pieces = (
            piece.text or "" if local(piece) == "t" else "\n" if local(piece) == "br" else ""
            for piece in paragraph.iter()
        )
        if text := "".join(pieces).strip():
            found.append(text)
    return found
