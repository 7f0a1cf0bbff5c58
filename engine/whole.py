"""The text of a whole document, put together from its passages."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.types import Passage


def length(passages: Sequence[Passage]) -> int:
    """Return how many characters a document has."""
    return max((passage.end for passage in passages), default=0)


def text_between(passages: Sequence[Passage], start: int, end: int) -> str:
    """Return the characters from `start` to before `end` of a document.

    Args:
        passages: all of the document, by number: they overlap, and cover every character.
        start: from 0.
        end: may lie beyond the document.
    """
    pieces: list[str] = []
    at = start
    for passage in passages:
        if passage.end <= at or passage.start >= end:
            continue
        pieces.append(passage.text[at - passage.start : end - passage.start])
        at = passage.end
    return "".join(pieces)
