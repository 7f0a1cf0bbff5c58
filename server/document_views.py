"""Documents of a snapshot in the words of /documents."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.protocols import Origins
from engine.stale import is_stale
from engine.whole import length, text_between
from server.document_schemas import DocumentList, ListedDocument, PassagePlace, WholeDocument

if TYPE_CHECKING:
    from engine.protocols import Snapshot
    from engine.types import Origin


def listed(snapshot: Snapshot, prefix: str, after: str, limit: int) -> DocumentList:
    """Return one page of documents, by id."""
    found = snapshot.documents(prefix, after, limit + 1)
    page = found[:limit]
    files = _origins(snapshot, [document.id for document in page])
    return DocumentList(
        documents=[ListedDocument.of(d, from_file=d.id in files) for d in page],
        next_after=page[-1].id if len(found) > len(page) else None,
        snapshot=snapshot.generation,
    )


def whole(
    snapshot: Snapshot, document: str, stretch: tuple[int, int] | None
) -> WholeDocument | None:
    """Return a document with the characters [start, end) of its text; None if it is not there."""
    found = snapshot.documents(prefix=document, limit=1)
    if not found or found[0].id != document:
        return None
    passages = [stored.passage for stored, _ in snapshot.document_passages(document)]
    size = length(passages)
    start, end = (min(at, size) for at in stretch) if stretch else (None, None)
    origin = _origins(snapshot, [document]).get(document)
    return WholeDocument.of(
        found[0],
        from_file=origin is not None,
        stale=is_stale(origin),
        length=size,
        passages=[
            PassagePlace(
                passage=p.number,
                start=p.start,
                end=p.end,
                page=p.page,
                heading=" > ".join(p.heading),
            )
            for p in passages
        ],
        start=start,
        end=end,
        text=None if start is None or end is None else text_between(passages, start, end),
        snapshot=snapshot.generation,
    )


def _origins(snapshot: Snapshot, documents: list[str]) -> dict[str, Origin]:
    return snapshot.origins(documents) if isinstance(snapshot, Origins) else {}
