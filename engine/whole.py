"""The text of a whole document, put together from its passages."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from engine.types import context_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from engine.protocols import Snapshot
    from engine.types import Passage, StoredPassage

# Passages of a document that stage two reads at once: two are about as long as what a reranker
# takes (512 tokens), and the answer to a claim may stand across the cut between them.
_SHORT: Final = 2


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


def read_whole(snapshot: Snapshot, passages: Iterable[StoredPassage]) -> dict[int, str]:
    """Return what stage two reads of passages that stand for their documents.

    A document of two passages is read whole. Abstracts that are cut in two lose by it otherwise:
    benchmarks/LOG.md, "Short documents read whole".

    Returns:
        Passage id -> title and text of its whole document; no entry for one that is read alone.
    """
    standing = {stored.document.id: stored for stored in passages}
    whole: dict[int, str] = {}
    for document, every in snapshot.short_documents(list(standing), _SHORT).items():
        if len(every) > 1:
            parts = [stored.passage for stored in every]
            text = text_between(parts, 0, length(parts))
            whole[standing[document].id] = context_text(every[0].document.title, (), text)
    return whole
