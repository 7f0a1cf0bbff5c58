"""Cut a document into passages: exact quotes that together cover every character.

A passage ends where the text itself pauses, if a pause lies in the second half of its window: at a
heading, else a paragraph, a line, a sentence, a word, and only then between two characters. White
space after a passage belongs to it. No passage crosses a heading unless one side is tiny, and none
is tiny itself unless its document is.

Sizes are in words: a run of up to 16 characters without a space, 2 characters of Chinese or
Japanese, 5 of a script that writes no spaces (Thai, Lao, Khmer, Burmese, Tibetan), or 16 of nothing
but space. So no passage has more than 32 characters a word, whatever the text.

Everything that runs over the text is a compiled pattern: counting words is one match a passage.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left, bisect_right
from functools import lru_cache
from itertools import pairwise, takewhile
from typing import TYPE_CHECKING, NamedTuple

from engine.errors import UsageError
from engine.types import Passage
from indexer.types import Section

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from indexer.types import Extracted

_CJK = (
    "\u2e80-\u2fff\u3001-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff01-\uff9f"
    "\U00020000-\U0003ffff"
)
_UNSPACED = "\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff"
_WORD = rf"(?:[{_CJK}]{{1,2}}+|[{_UNSPACED}]{{1,5}}+|[^\s{_CJK}{_UNSPACED}]{{1,16}}+)"
_ASCII_WORD = r"\S{1,16}+"
_ANY_SPACE = re.compile(r"\s*+")

_PARAGRAPH = re.compile(r"\n(?:[^\S\n]*+\n)++|\f")
# A line break that only wraps a long line of prose is no pause.
_LINE = re.compile(r"\n(?:(?!\w)|(?<![^\n]{40}[\w,\r]\n))")
_SENTENCE = re.compile(
    r"[.!?\u2026\u0964\u0965\u061f\u06d4\u0589\u1362\u104b\u17d4](?<!\b[^\W\d_]\.)"
    r"(?<!\bMr\.)(?<!\bMs\.)(?<!\bDr\.)(?<!\bSt\.)(?<!\bvs\.)(?<!\bcf\.)(?<!\bMrs\.)(?<!\bFig\.)"
    r"[\"'\u2019\u201d\u00bb)\]*_]*+\s++"
    r"|[\u3002\uff01\uff1f\uff61][\"'\u2019\u201d\u300d\u300f\uff09\u3011]*+\s*+"
)
_SPACE = re.compile(r"\s++|[\u3001\uff0c\uff1a\uff1b]++")


class _Text(NamedTuple):
    """A text to cut, the sizes in words, and where its headings stand."""

    text: str
    full: int
    overlap: int
    sections: list[Section]
    breaks: list[int]  # the starts of the sections whose heading is new

    @property
    def least(self) -> int:
        """Fewer words than this are tiny: not worth a passage of their own beside a neighbour."""
        return max(self.full // 4, 1)

    def after(self, start: int, words: int) -> int:
        """Return the offset behind so many words."""
        found = _words(words, ascii_only=self.text.isascii()).match(self.text, start)
        return start if found is None else found.end()

    def skip_space(self, start: int) -> int:
        """Return the offset of the first character that is no white space."""
        found = _ANY_SPACE.match(self.text, start)
        return start if found is None else found.end()


def cut(extracted: Extracted, *, words: int, overlap: int) -> list[Passage]:
    """Return the passages of a document, each of at most `words` words.

    A passage begins about `overlap` words before the end of the one before it, at a sentence if
    there is one, but never before its own heading. A text of white space alone is one passage.

    Raises:
        UsageError: If a size is impossible; the overlap is at most half a passage.
    """
    if words < 1 or not 0 <= overlap <= words // 2:
        raise UsageError(f"passages of {words} words cannot overlap by {overlap}: at most by half")
    sections = _sections(extracted)
    breaks = [new.start for old, new in pairwise(sections) if new.heading != old.heading]
    source = _Text(extracted.text, words, overlap, sections, breaks)
    starts = [section.start for section in sections]
    passages: list[Passage] = []
    for first, last in _stretches(source):
        for start, end in _spans(source, first, last):
            touched = bisect_right(starts, start) - 1, max(bisect_left(starts, end), 1)
            passage = Passage(
                number=len(passages),
                start=start,
                end=end,
                text=source.text[start:end],
                page=sections[bisect_right(starts, source.skip_space(start)) - 1].page,
                heading=_heading(sections[slice(*touched)], start, end),
            )
            passages.append(passage)
    return passages


def _sections(extracted: Extracted) -> list[Section]:
    """Return sections that cover the text: from 0, of strictly ascending starts."""
    sections = [Section(start=0)]
    for section in extracted.sections:
        if section.start == sections[-1].start:
            sections[-1] = section
        elif sections[-1].start < section.start < len(extracted.text):
            sections.append(section)
    return sections


def _stretches(source: _Text) -> Iterator[tuple[int, int]]:
    """Yield the parts that are cut each on its own: a section, or tiny sections with a neighbour.

    A tiny one joins what follows it, unless its heading is closer to what stands before it.
    """
    edges = [0]
    outer: tuple[str, ...] = ()  # the heading that stands before the last edge
    for old, new in pairwise(source.sections):
        if new.heading == old.heading:
            continue
        if _tiny(source, edges[-1], new.start):
            if _shared(outer, old.heading) <= _shared(old.heading, new.heading):
                continue
            edges.pop()
        edges.append(new.start)
        outer = old.heading
    if len(edges) > 1 and _tiny(source, edges[-1], len(source.text)):
        edges.pop()
    return pairwise([*edges, len(source.text)])


def _tiny(source: _Text, start: int, end: int) -> bool:
    almost = source.after(source.skip_space(start), source.least - 1)
    return source.skip_space(almost) >= end


def _spans(source: _Text, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield the passages of a stretch, as offsets."""
    pause, full = start, source.full
    while True:
        body = source.skip_space(start)
        half = source.after(body, full // 2)
        if half <= pause and start < pause:  # more than half of it would be said again
            start = pause
            continue
        limit = source.skip_space(source.after(half, full - full // 2))
        if limit >= end:
            yield start, end
            return
        width = (limit - body) * source.overlap // full
        if source.skip_space(source.after(limit, source.least - 1)) >= end:  # a tiny rest
            limit = source.skip_space(source.after(body, max(full - source.least, 1)))
        pause = _pause(source, max(half, body + 1), limit)
        yield start, pause
        start = _restart(source, start, pause, width)


def _pause(source: _Text, low: int, high: int) -> int:
    """Return where to end a passage: the last of the strongest pauses in [low, high]."""
    heading = _last(source.breaks, high)
    if heading >= low:
        return heading
    for pattern in (_PARAGRAPH, _LINE, _SENTENCE, _SPACE):
        places = _places(pattern, source.text, low, high)
        if places:
            return places[-1]
    return _between_characters(source.text, low, high)


def _restart(source: _Text, start: int, pause: int, width: int) -> int:
    """Return where the passage after a pause begins, about `width` characters before it."""
    floor = max(start + 1, _last(source.breaks, pause))
    aim = max(floor, pause - width)
    if aim >= pause:
        return pause
    early, text = max(floor, aim - width // 2), source.text
    patterns = (_PARAGRAPH, _LINE, _SENTENCE)
    places = [place for pattern in patterns for place in _places(pattern, text, early, pause - 1)]
    if places:
        return min(places, key=lambda place: (abs(place - aim), place))
    return next(iter(_places(_SPACE, text, aim, pause - 1)), aim)


def _last(places: Sequence[int], limit: int) -> int:
    """Return the last of ascending places up to a limit, or 0."""
    count = bisect_right(places, limit)
    return places[count - 1] if count else 0


def _places(pattern: re.Pattern[str], text: str, low: int, high: int) -> list[int]:
    """Return the pauses of a kind in [low, high]; a small letter shows that a sentence goes on."""
    found = pattern.finditer(text, max(low - 4, 0), high + 1)  # `.") ` may end at low itself
    return [
        end
        for match in found
        if low <= (end := match.end()) <= high
        and not (pattern is _SENTENCE and text[end].islower())
    ]


def _between_characters(text: str, low: int, high: int) -> int:
    """Return the last place in [low, high] that does not part a letter from its marks."""
    place = high
    while place > low and unicodedata.category(text[place]).startswith("M"):
        place -= 1
    return place if place > low else high


def _heading(sections: Sequence[Section], start: int, end: int) -> tuple[str, ...]:
    """Return the heading that holds over half of a passage, else what all its headings share."""
    if len(sections) == 1:
        return sections[0].heading
    shares: dict[tuple[str, ...], int] = {}
    bounds = [start, *(section.start for section in sections[1:]), end]
    for section, (first, last) in zip(sections, pairwise(bounds), strict=True):
        shares[section.heading] = shares.get(section.heading, 0) + last - first
    largest = max(shares, key=lambda heading: shares[heading])
    if 2 * shares[largest] > end - start:
        return largest
    return largest[: min(_shared(largest, other) for other in shares)]


def _shared(one: Sequence[str], other: Sequence[str]) -> int:
    """Count the outer headings that two chains have in common."""
    pairs = zip(one, other, strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


@lru_cache(maxsize=64)
def _words(count: int, *, ascii_only: bool) -> re.Pattern[str]:
    """Return a pattern that matches so many words, or all there are."""
    word = _ASCII_WORD if ascii_only else _WORD
    return re.compile(rf"(?:{word}\s{{0,16}}+|\s{{1,16}}+){{0,{count}}}+")
