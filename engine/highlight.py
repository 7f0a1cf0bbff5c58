"""What a result shows: the part of a passage that answers, and the query's words in it."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from engine.analysis import Analyzer
    from engine.query import Query

SNIPPET: Final = 300  # characters
_LEAD: Final = 60  # characters before the first match, so that it stands in a sentence
_LONGEST_TEXT: Final = 20_000  # characters searched; a passage is far shorter


def find_matches(text: str, query: Query, analyzer: Analyzer) -> list[tuple[int, int]]:
    """Return [start, end) of every match of the query's words, merged and ascending."""
    # A single character of Chinese or Japanese matches everywhere; pairs say more where there are.
    pairs = any(len(t) > 1 and not t.isascii() for t in query.terms)
    terms = {t for t in query.terms if not (pairs and len(t) == 1 and not t.isascii())}
    spans: list[tuple[int, int]] = []
    for start, end, term in analyzer.spans(text[:_LONGEST_TEXT]):
        if term in terms or any(term.startswith(p) for p in query.prefixes):
            if spans and start <= spans[-1][1]:
                spans[-1] = (spans[-1][0], max(end, spans[-1][1]))
            else:
                spans.append((start, end))
    return spans


def snippet(text: str, query: Query, analyzer: Analyzer) -> tuple[str, list[list[int]]]:
    """Return the part of a text with most matches, on one line, and the matches' offsets in it.

    At most about 300 characters, cut at white space; one line keeps offsets and characters apart
    from each other, since every white space becomes exactly one space.
    """
    matches = find_matches(text, query, analyzer)
    start, end = _window(text, matches)
    inside = [(max(a, start), min(b, end)) for a, b in matches if a < end and b > start]
    head, tail = "… " if text[:start].strip() else "", " …" if text[end:].strip() else ""
    line = "".join(" " if c.isspace() else c for c in text[start:end])
    shift = len(head) - start
    return f"{head}{line}{tail}", [[a + shift, b + shift] for a, b in inside]


def _window(text: str, matches: list[tuple[int, int]]) -> tuple[int, int]:
    """Return [start, end) of the densest part, its ends moved to white space."""
    if len(text) <= SNIPPET:
        return _stripped(text, 0, len(text))
    starts = [start for start, _ in matches]
    ends = [end for _, end in matches]
    # Where none fits whole, as a long quotation in Chinese, the first is shown as far as it goes.
    best, first = 0, starts[0] if starts else 0
    for index, start in enumerate(starts):
        inside = bisect_left(ends, start + SNIPPET - _LEAD) - index
        if inside > best:
            best, first = inside, start
    start = _to_space(text, max(0, first - _LEAD)) if matches else 0
    return _stripped(text, start, _from_space(text, min(len(text), start + SNIPPET)))


def _to_space(text: str, at: int) -> int:
    """Move a start right, past the rest of a word that it would cut."""
    for step in range(20):
        if at == 0 or text[at - 1].isspace():
            break
        at += 1
        if step == 19:
            return at - 20
    return at


def _from_space(text: str, at: int) -> int:
    """Move an end left, before a word that it would cut."""
    for back in range(min(20, at)):
        if at == len(text) or text[at - back].isspace():
            return at - back
    return at


def _stripped(text: str, start: int, end: int) -> tuple[int, int]:
    end = start + len(text[start:end].rstrip())
    return end - len(text[start:end].lstrip()), end
