"""The text of one document while a reader writes it: pieces, and the headings and pages over them.

Every reader of a structured format writes here, so offsets, heading chains and the size limit are
kept in one place.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from engine.errors import ExtractionError
from indexer.types import Extracted, Section

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.types import MetadataValue

MAX_CHARACTERS = 50_000_000
_SPACES = re.compile(r"\s+")
_HEADING_CHARACTERS = 200
# Ligatures that PDF and Word keep as one character, and marks that only a line break needs: a
# search for "office" must find them.
_PLAIN = str.maketrans(
    {
        "\ufb00": "ff", "\ufb01": "fi", "\ufb02": "fl", "\ufb03": "ffi", "\ufb04": "ffl",
        "\ufb05": "st", "\ufb06": "st", "\u00ad": None, "\u200b": None, "\ufeff": None, "\0": None,
        "\u00a0": " ", "\u202f": " ", "\r": "\n", "\u2028": "\n", "\u2029": "\n",
        "\x0b": "\n",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Mark:
    """A place where the headings or the page change: `level` counts from 1, 0 = page only."""

    start: int
    level: int = 0
    heading: str = ""
    page: int | None = None


def plain(text: str) -> str:
    """Return text without typographic characters that hide words from a search."""
    return text.replace("\r\n", "\n").translate(_PLAIN)


def one_line(text: str) -> str:
    """Return text on one line, cut to what a heading or a title may have."""
    return _SPACES.sub(" ", plain(text)).strip()[:_HEADING_CHARACTERS].strip()


def sections_of(marks: list[Mark], title: str) -> tuple[Section, ...]:
    """Return the sections that marks open, without the title at the top of their chains.

    A passage shows title and headings one after the other, so a first heading that *is* the title
    would be read twice.
    """
    sections: list[Section] = []
    chain: list[tuple[int, str]] = []
    for mark in marks:
        if mark.level:
            chain = [above for above in chain if above[0] < mark.level]
            chain.append((mark.level, mark.heading))
        names = tuple(name for _, name in chain if name)
        names = names[1:] if names and names[0] == title else names
        section = Section(start=mark.start, heading=names, page=mark.page)
        if sections and sections[-1].start == section.start:
            sections.pop()
        sections.append(section)
    return tuple(sections)


@dataclass(slots=True)
class Draft:
    """A document being written: `length` characters so far."""

    parts: list[str] = field(default_factory=list[str])
    marks: list[Mark] = field(default_factory=list[Mark])
    length: int = 0
    page: int | None = None

    def add(self, text: str) -> None:
        """Append text as it is.

        Raises:
            ExtractionError: The document has more characters than anyone can search.
        """
        self.length += len(text)
        if self.length > MAX_CHARACTERS:
            msg = f"more than {MAX_CHARACTERS:,} characters of text"
            raise ExtractionError(msg)
        if text:
            self.parts.append(text)

    def block(self, text: str) -> None:
        """Append a paragraph, parted from the one before by an empty line; nothing if blank."""
        text = plain(text).strip("\n")
        if not text.strip():
            return
        self.part()
        self.add(text)

    def part(self) -> None:
        """Part what comes next from what was written, so that a section starts at its text."""
        if self.parts and not self.parts[-1].endswith("\n\n"):
            self.add("\n\n")

    def heading(self, level: int, text: str) -> None:
        """Open a section under a heading and write the heading as its first line."""
        name = one_line(text)
        if not name:
            return
        self.part()
        self.mark(level, name)
        self.add(name)

    def mark(self, level: int, name: str, *, back: int = 0) -> None:
        """Open a section here, or some characters back, without writing its heading."""
        self.marks.append(Mark(self.length - back, level, name, self.page))

    def turn_page(self, number: int) -> None:
        """Open a page here (a slide is one, too)."""
        self.part()
        self.page = number
        self.marks.append(Mark(self.length, page=number))

    def first_heading(self) -> str:
        """Return the first heading of the highest level that opens the document, or nothing."""
        headings = [mark for mark in self.marks if mark.level]
        if not headings:
            return ""
        top = min(mark.level for mark in headings)
        return headings[0].heading if headings[0].level == top else ""

    def finish(
        self,
        *,
        title: str = "",
        metadata: Mapping[str, MetadataValue] | None = None,
        date: float | None = None,
        headed: bool = True,
    ) -> Extracted:
        """Return the document.

        Without a title of its own its first heading is one, if it is `headed`: the first heading of
        a text names the whole, the first sheet of a workbook does not.
        """
        title = one_line(title) or (self.first_heading() if headed else "")
        return Extracted(
            text="".join(self.parts),
            title=title,
            sections=sections_of(self.marks, title),
            metadata={
                key: value for key, value in (metadata or {}).items() if value not in ("", [])
            },
            date=date,
        )
