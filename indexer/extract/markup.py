"""Light markup besides Markdown: reStructuredText, AsciiDoc, Org and LaTeX, with their sections."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from indexer.extract import text
from indexer.extract.dates import seconds
from indexer.extract.draft import Mark, one_line, sections_of
from indexer.types import Extracted

if TYPE_CHECKING:
    from collections.abc import Iterator

_ADORNMENT = re.compile(r"([!-/:-@\[-`{-~])\1{2,}[ \t]*$")
_FIELD = re.compile(r":(title|date|author|authors):[ \t]*(.+)", re.IGNORECASE)
_PATTERNS = {
    "adoc": re.compile(r"^(={1,6})[ \t]+(\S[^\n]*)$", re.MULTILINE),
    "org": re.compile(r"^(\*{1,8})[ \t]+(\S[^\n]*)$", re.MULTILINE),
    "tex": re.compile(
        r"^[ \t]*\\(part|chapter|section|subsection|subsubsection|paragraph)\*?"
        r"(?:\[[^\]\n]*\])?\{([^\n]*?)\}",
        re.MULTILINE,
    ),
}
_TITLES = {
    "org": re.compile(r"^#\+title:[ \t]*(.+)$", re.MULTILINE | re.IGNORECASE),
    "tex": re.compile(r"\\title(?:\[[^\]\n]{0,200}\])?\{([^{}]*)\}"),
}
_LATEX_LEVELS = ("part", "chapter", "section", "subsection", "subsubsection", "paragraph")
_HEADER_CHARACTERS = 4000


class _Found(NamedTuple):
    """A heading: where it starts, how deep it is (from 1), its words."""

    start: int
    level: int
    heading: str


def read(data: bytes, type_: str) -> Extracted:
    """Return a document of one markup; the text is unchanged."""
    body = text.decode(data)
    found = list(_restructured(body) if type_ == "rst" else _matched(body, type_))
    fields = {match[1].lower(): match[2] for match in _FIELD.finditer(body[:_HEADER_CHARACTERS])}
    title = fields.get("title", "") if type_ == "rst" else ""
    if type_ in _TITLES and (match := _TITLES[type_].search(body)) is not None:
        title = match[1]
    if not title and found and found[0].level == min(item.level for item in found):
        title = found[0].heading
    title = one_line(title)
    author = one_line(fields.get("author") or fields.get("authors", ""))
    return Extracted(
        text=body,
        title=title,
        sections=sections_of([Mark(*item) for item in found], title),
        metadata={"author": author} if author else {},
        date=seconds(fields.get("date")),
    )


def _matched(body: str, type_: str) -> Iterator[_Found]:
    for match in _PATTERNS[type_].finditer(body):
        mark = match[1]
        level = _LATEX_LEVELS.index(mark) + 1 if type_ == "tex" else len(mark)
        yield _Found(match.start(), level, one_line(match[2]))


def _restructured(body: str) -> Iterator[_Found]:
    """Yield headings: a line of one punctuation mark under (and maybe over) a line as long.

    The first style met is level 1, the next new one level 2: that is how the format defines it.
    """
    lines = body.split("\n")
    styles: list[str] = []
    start = 0
    skip = -1
    for index, line in enumerate(lines):
        over, words, span = _title_at(lines, index)
        if words and index > skip:
            style = lines[index][:1] * (2 if over else 1) if over else lines[index + 1][:1]
            if style not in styles:
                styles.append(style)
            yield _Found(start, styles.index(style) + 1, one_line(words))
            skip = index + span - 1
        start += len(line) + 1


def _title_at(lines: list[str], index: int) -> tuple[bool, str, int]:
    """Return whether it has an overline, the words, and the lines of a heading that starts here."""
    here = lines[index].rstrip()
    below = lines[index + 1].rstrip() if index + 1 < len(lines) else ""
    if _ADORNMENT.match(here):
        under = lines[index + 2].rstrip() if index + 2 < len(lines) else ""
        if under == here and below.strip() and len(below.strip()) <= len(here):
            return True, below.strip(), 3
        return False, "", 1
    blank_above = index == 0 or not lines[index - 1].strip()
    flush_left = bool(here) and not here.startswith((" ", "\t", ".."))
    if blank_above and flush_left and _ADORNMENT.match(below) and len(below) >= len(here):
        return False, here, 2
    return False, "", 1
