"""Which documents of an index say what texts from elsewhere say: one pass over all of it."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING, NamedTuple

from engine.types import context_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from engine.protocols import Snapshot
    from engine.types import StoredPassage


class Place(NamedTuple):
    """Where an index has a text: a whole document (no passage), or one of its passages."""

    document: str
    passage: int | None


def locate(snapshot: Snapshot, texts: Iterable[str]) -> dict[str, Place]:
    """Return where an index has some texts, white space apart; those that it has not are left out.

    A whole document is found before a passage of another one, and the first id before others.
    Texts are found with their title and headings before them, or without. Only hashes are kept.
    """
    wanted: dict[bytes, list[str]] = {}
    for text in set(texts):
        wanted.setdefault(_digest(text), []).append(text)
    found: dict[bytes, Place] = {}
    if wanted:
        for passages in _documents(snapshot):
            for said, place in _places(passages):
                digest = _digest(said)
                known = found.get(digest)
                better = known is None or (known.passage is not None and place.passage is None)
                if better and digest in wanted:
                    found[digest] = place
    return {text: place for digest, place in found.items() for text in wanted[digest]}


def plain(text: str) -> str:
    """Return a text with every run of white space as one space."""
    return " ".join(text.split())


def whole(passages: Sequence[StoredPassage]) -> str:
    """Return the text of a document, put together from all its passages, which may overlap."""
    parts: list[str] = []
    end = 0
    for stored in passages:
        passage = stored.passage
        if passage.end > end:
            parts.append(" " * (passage.start > end) + passage.text[max(0, end - passage.start) :])
            end = passage.end
    return "".join(parts)


def _documents(snapshot: Snapshot) -> Iterator[list[StoredPassage]]:
    after = ""
    while page := snapshot.documents(after=after):
        for document in page:
            passages = [stored for stored, _ in snapshot.document_passages(document.id)]
            if passages:
                yield passages
        after = page[-1].id


def _places(passages: Sequence[StoredPassage]) -> Iterator[tuple[str, Place]]:
    """Yield everything that a document can be known by."""
    document = passages[0].document
    text = passages[0].passage.text if len(passages) == 1 else whole(passages)
    yield text, Place(document.id, None)
    if document.title:
        yield context_text(document.title, (), text), Place(document.id, None)
    for stored in passages:
        place = Place(document.id, stored.passage.number)
        if len(passages) > 1:
            yield stored.passage.text, place
        if stored.passage.heading or (document.title and len(passages) > 1):
            yield stored.context, place


def _digest(text: str) -> bytes:
    return blake2b(plain(text).encode(), digest_size=16).digest()
