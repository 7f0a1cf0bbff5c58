"""Word: paragraphs in order, headings by their style, tables as rows, notes at the end."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from indexer.extract.archive import Archive, Element, attribute, local, named
from indexer.extract.draft import Draft, plain
from indexer.extract.office import properties

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from indexer.types import Extracted

_HEADING_NAME = re.compile(r"heading (\d)")
_CONTENTS_NAME = re.compile(r"toc \d")
# What a style can be beside a heading, whose level counts from 1.
_TITLE, _CONTENTS, _BODY = 0, -1, -2
# Twice-written content for old programs, deleted text, and what is no text.
_SKIPPED = frozenset(("Fallback", "del", "moveFrom", "instrText", "pPr", "rPr", "sectPr", "tblPr"))
_BREAKS = {"tab": "\t", "ptab": "\t", "br": "\n", "cr": "\n", "noBreakHyphen": "-"}


def read(path: Path) -> Extracted:
    """Return a Word document."""
    with Archive(path) as archive:
        main = _main_part(archive)
        targets = dict(archive.relations(main).values())
        styles = archive.optional_xml(targets.get("styles", ""))
        writer = _Writer(_levels(styles) if styles is not None else {})
        writer.blocks(archive.xml(main))
        for notes in ("footnotes", "endnotes"):
            root = archive.optional_xml(targets.get(notes, ""))
            for note in root if root is not None else ():
                if not attribute(note, "type"):
                    writer.blocks(note)
        about = properties(archive)
    return writer.draft.finish(
        title=about.title or writer.title, metadata=about.metadata, date=about.date
    )


class _Writer:
    """Writes blocks into a draft; `title` is the first paragraph in the style Title."""

    def __init__(self, levels: dict[str, int]) -> None:
        self.draft = Draft()
        self.title = ""
        self._levels = levels

    def blocks(self, parent: Element) -> None:
        """Write the paragraphs and tables below an element, however deep they are wrapped."""
        for child in parent:
            name = local(child)
            if name == "p":
                self._paragraph(child)
            elif name == "tbl":
                self._table(child)
            elif name not in _SKIPPED:
                self.blocks(child)

    def _paragraph(self, paragraph: Element) -> None:
        style = self._style(paragraph)
        text = plain("".join(_runs(paragraph))).strip("\n")
        if style > 0:
            self.draft.heading(style, text)
        elif style != _CONTENTS:
            self.draft.block(text)
        if style == _TITLE and not self.title:
            self.title = text
        for box in _boxes(paragraph):
            self.blocks(box)

    def _style(self, paragraph: Element) -> int:
        """Return the heading level of a paragraph, or what else it is."""
        about = next((child for child in paragraph if local(child) == "pPr"), None)
        style = _BODY
        for item in about if about is not None else ():
            if local(item) == "pStyle":
                style = self._levels.get(attribute(item, "val"), _BODY)
            elif local(item) == "outlineLvl" and style not in (_TITLE, _CONTENTS):
                return _outline(item) or _BODY
        return style

    def _table(self, table: Element) -> None:
        rows: list[str] = []
        for row in (child for child in _unwrapped(table) if local(child) == "tr"):
            cells = [_cell(cell) for cell in _unwrapped(row) if local(cell) == "tc"]
            rows.append(" | ".join(cells))
        self.draft.block("\n".join(row for row in rows if row.strip(" |")))


def _main_part(archive: Archive) -> str:
    for type_, name in archive.relations("").values():
        if type_ == "officeDocument":
            return name
    return "word/document.xml"


def _levels(styles: Element) -> dict[str, int]:
    """Return what each style that matters is; based-on chains are followed."""
    levels: dict[str, int] = {}
    based: dict[str, str] = {}
    for style in named(styles, "style"):
        key = attribute(style, "styleId")
        items = {local(item): item for item in style.iter()}
        level = _style_level(items)
        if level is not None:
            levels[key] = level
        if "basedOn" in items:
            based[key] = attribute(items["basedOn"], "val")
    for key in based:
        above, seen = key, {key}
        while above not in levels and based.get(above, key) not in seen:
            above = based[above]
            seen.add(above)
        if above in levels:
            levels[key] = levels[above]
    return levels


def _style_level(items: dict[str, Element]) -> int | None:
    """Return what a style says it is: by its name, else by its outline level."""
    name = attribute(items["name"], "val").lower() if "name" in items else ""
    if name == "title":
        return _TITLE
    if _CONTENTS_NAME.match(name):
        return _CONTENTS
    if (match := _HEADING_NAME.match(name)) is not None:
        return int(match[1])
    return (_outline(items["outlineLvl"]) if "outlineLvl" in items else 0) or None


def _outline(item: Element) -> int:
    """Return the heading level of an outlineLvl (they count from 0, and 9 means body text)."""
    value = attribute(item, "val")
    return int(value) + 1 if value.isdecimal() and int(value) < 9 else 0


def _unwrapped(parent: Element) -> Iterator[Element]:
    """Yield children, looking through content controls and custom XML."""
    for child in parent:
        if local(child) in ("sdt", "sdtContent", "customXml", "ins", "moveTo"):
            yield from _unwrapped(child)
        else:
            yield child


def _runs(parent: Element) -> Iterator[str]:
    """Yield the text of a paragraph without that of the boxes anchored in it."""
    for child in parent:
        name = local(child)
        if name == "t":
            yield child.text or ""
        elif name in _BREAKS:
            yield _BREAKS[name]
        elif name not in _SKIPPED and name != "txbxContent":
            yield from _runs(child)


def _boxes(parent: Element) -> Iterator[Element]:
    for child in parent:
        if local(child) == "txbxContent":
            yield child
        elif local(child) not in _SKIPPED:
            yield from _boxes(child)


def _cell(cell: Element) -> str:
    """Return a cell on one line, tables inside of it included."""
    texts = ["".join(_runs(paragraph)) for paragraph in named(cell, "p")]
    return " ".join(" ".join(texts).split())
