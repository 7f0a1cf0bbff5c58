"""Markdown: front matter becomes properties, headings become sections, links become their words.

The text stays Markdown, but for what only a renderer needs: link targets, picture addresses and
comments. Fenced code is copied unchanged, and a `#` in it is no heading.
"""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

from indexer.extract import front_matter, text
from indexer.extract.dates import seconds
from indexer.extract.draft import Draft, one_line

if TYPE_CHECKING:
    from collections.abc import Iterator

    from indexer.types import Extracted

_FENCE = re.compile(r" {0,3}(`{3,}|~{3,})(.*)")
_ATX = re.compile(r" {0,3}(#{1,6})(?:[ \t]+(.*?))?(?:[ \t]+#+)?[ \t]*$")
_UNDERLINE = re.compile(r" {0,3}(=+|-+)[ \t]*$")
_NO_PARAGRAPH = re.compile(r"[ \t]*$|[ \t]*[>|]|[ \t]*(?:[-*+]|\d+[.)])[ \t]| {4}|\t")
_LINK = re.compile(
    r"!?\[((?:[^\[\]\n]|\[[^\[\]\n]*+\])*+)\]"  # the words, or a picture's description
    r"\((?:<[^<>\n]*+>|[^()\s]*+(?:\([^()\s]*+\))?+[^()\s]*+)"  # the target
    r"(?:[ \t]++(?:\"[^\"\n]*+\"|'[^'\n]*+'))?[ \t]*+\)"  # its title
)  # possessive throughout: a picture that is written into the text has megabytes of target
# A heading is no longer than this; a longer line is not even looked at.
_LINE_CHARACTERS = 1000
_MARKS = re.compile(r"`+|\*\*|__|(?<!\w)[*_]|[*_](?!\w)")
_ATTRIBUTES = re.compile(r"[ \t]*\{[#.:][^{}]*\}[ \t]*$")


def read(data: bytes) -> Extracted:
    """Return a Markdown document; its title and date come from the front matter, if they can."""
    properties, body = front_matter.split(text.decode(data))
    draft = Draft()
    write(draft, body)
    title = properties.pop("title", "")
    date = properties.pop("date", None)
    return draft.finish(
        title=title if isinstance(title, str) else str(title),
        metadata=front_matter.metadata_of(properties),
        date=seconds(date),
    )


def write(draft: Draft, body: str) -> None:
    """Write Markdown into a draft, opening a section at each heading outside of code."""
    before = ""
    for line, is_code in _pieces(body):
        if is_code:
            draft.add(line)
            before = ""
            continue
        if len(line) <= _LINE_CHARACTERS:
            _heading(draft, line, before)
        draft.add(line)
        before = line if len(line) <= _LINE_CHARACTERS else ""


def _heading(draft: Draft, line: str, before: str) -> None:
    """Open a section if this line is a heading, or underlines the line before."""
    heading = _ATX.match(line.rstrip("\n"))
    if heading is not None and heading[2]:
        _open(draft, len(heading[1]), heading[2])
    underline = _UNDERLINE.match(line)
    if underline is not None and not _NO_PARAGRAPH.match(before) and not _ATX.match(before):
        level = 1 if underline[1].startswith("=") else 2
        _open(draft, level, before, back=len(before))


def _open(draft: Draft, level: int, heading: str, *, back: int = 0) -> None:
    name = one_line(_MARKS.sub("", _ATTRIBUTES.sub("", heading)))
    if name:
        draft.mark(level, name, back=back)


def _pieces(body: str) -> Iterator[tuple[str, bool]]:
    """Yield lines with their line feed, and whether each is (the fence of) code."""
    fence = ""
    prose: list[str] = []
    for line in io.StringIO(body, newline="\n"):
        match = _FENCE.match(line)
        if fence:
            yield line, True
            if match is not None and match[1].startswith(fence) and not match[2].strip():
                fence = ""
        elif match is not None and not (match[1][0] == "`" and "`" in match[2]):
            yield from _prose(prose)
            prose = []
            fence = match[1]
            yield line, True
        else:
            prose.append(line)
    yield from _prose(prose)


def _prose(lines: list[str]) -> Iterator[tuple[str, bool]]:
    if not lines:
        return
    cleaned = _without_comments("".join(lines))
    # Twice, because a picture is often the text of a link (the badges on top of a README).
    for _ in range(2):
        cleaned = _LINK.sub(r"\1", cleaned)
    for line in io.StringIO(cleaned, newline="\n"):
        yield line, False


def _without_comments(text: str) -> str:
    kept: list[str] = []
    end = 0
    while (start := text.find("<!--", end)) >= 0 and (close := text.find("-->", start + 4)) >= 0:
        kept.append(text[end:start])
        end = close + 3
    return "".join((*kept, text[end:]))
