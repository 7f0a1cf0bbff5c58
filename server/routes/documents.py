"""/documents: what is in the index, and with --writable putting and removing it."""

from __future__ import annotations

import time
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Annotated, Final, TypeVar
from urllib.parse import unquote_to_bytes

from anyio import to_thread
from fastapi import APIRouter, Depends, Request, Response

from engine.analysis import clean
from engine.types import Document
from indexer.columns import plain
from indexer.documents import read_bytes, type_of
from indexer.types import Extracted
from server.bodies import checked, media_type, parameters, read
from server.description import document_body, document_id, problems, url_parameters
from server.document_schemas import (
    LONGEST_ID,
    DocumentBody,
    DocumentList,
    ListParameters,
    Removed,
    TextParameters,
    WholeDocument,
    Written,
)
from server.document_views import listed, whole
from server.gate import may_write
from server.live import NotReadyError
from server.media import type_of_body
from server.problems import HttpError, pointer
from server.routes.serving import Live, in_thread, not_ready
from server.settings import DOCUMENT_BODY
from server.writing import Writes

if TYPE_CHECKING:
    from collections.abc import Callable

    from server.live import LiveEngine

T = TypeVar("T")
EXTRACT_SECONDS: Final = 60.0
router = APIRouter()


def _writes(request: Request) -> Writes:
    """Return the write side of the server; HttpError 403 where it has none."""
    writes: Writes | None = request.app.state.writes
    if writes is None:
        raise HttpError(403, "this server does not change its index (shortlist serve --writable)")
    return writes


def _document_id(request: Request) -> str:
    """Return the id in the path, in which slashes may be encoded or not."""
    raw: bytes = request.scope["raw_path"]
    detail = f"an id has 1 to {LONGEST_ID:,} characters of UTF-8, and no NUL"
    try:
        found = unquote_to_bytes(raw.partition(b"/documents/")[2]).decode()
    except UnicodeDecodeError:
        found = ""
    if not 0 < len(found) <= LONGEST_ID or clean(found) != found:
        raise HttpError(422, detail, errors=[{"detail": detail, "pointer": pointer(("id",))}])
    return found


Writer = Annotated[Writes, Depends(_writes)]
DocumentId = Annotated[str, Depends(_document_id)]
_PATH: Final = "/documents/{id:path}"
_MAY: Final = [Depends(may_write)]


# -- reading ---------------------------------------------------------------------------------------


@router.get(
    "/documents",
    operation_id="listDocuments",
    responses=problems(422, 503),
    openapi_extra={"parameters": url_parameters(ListParameters)},
)
async def list_documents(request: Request, live: Live) -> DocumentList:
    """List documents by id; `next_after` of a page is `after` of the next."""
    values = parameters(request)
    asked = checked(lambda: ListParameters.model_validate(values))

    def work() -> DocumentList:
        with live.use() as engine:
            return listed(engine.snapshot, asked.prefix, asked.after, asked.limit)

    return await in_thread(request, work)


@router.get(
    _PATH,
    operation_id="getDocument",
    responses=problems(404, 422, 503),
    openapi_extra={"parameters": url_parameters(TextParameters, path="id")},
)
async def get_document(document: DocumentId, request: Request, live: Live) -> WholeDocument:
    """Return what is known of a document, where its passages stand, and a stretch of its text."""
    values = parameters(request)
    asked = checked(lambda: TextParameters.model_validate(values))

    def work() -> WholeDocument | None:
        with live.use() as engine:
            return whole(engine.snapshot, document, asked.stretch)

    found = await in_thread(request, work)
    if found is None:
        raise _missing()
    return found


def _missing() -> HttpError:
    return HttpError(404, "there is no such document (GET /documents lists what there is)")


# -- writing ---------------------------------------------------------------------------------------


@router.put(
    _PATH,
    operation_id="putDocument",
    dependencies=_MAY,
    responses={201: {"model": Written, "description": "It is a new document."}}
    | problems(400, 408, 409, 413, 415, 422, 503),
    openapi_extra=document_body(),
)
async def put_document(
    document: DocumentId, request: Request, response: Response, writes: Writer, live: Live
) -> Written:
    """Put a document, in place of one with that id, as JSON or as the bytes of a file.

    It is committed and found by searches when the answer comes. What belongs to a file is changed
    by changing the file (409).
    """
    kind = media_type(request)
    type_ = "" if kind == "application/json" else type_of_body(kind, document)
    with writes.place():
        content = await read(request, DOCUMENT_BODY)

        def work() -> Written:
            made, extracted = _made(document, type_, content)
            created, passages, generation = writes.put(live, made, extracted)
            return Written(
                document=document, created=created, passages=passages, snapshot=generation
            )

        written = await _changed(request, work, live)
    response.status_code = 201 if written.created else 200
    return written


@router.delete(
    _PATH,
    operation_id="deleteDocument",
    dependencies=_MAY,
    responses=problems(404, 409, 422, 503),
    openapi_extra=document_id(),
)
async def delete_document(
    document: DocumentId, request: Request, writes: Writer, live: Live
) -> Removed:
    """Remove a document that was put here; no search finds it when the answer comes."""
    with writes.place():
        generation = await _changed(request, lambda: writes.remove(live, document), live)
    if generation is None:
        raise _missing()
    return Removed(document=document, snapshot=generation)


def _made(id_: str, type_: str, content: bytes) -> tuple[Document, Extracted]:
    """Return a document and its text: of JSON without a type, else of the bytes of a file."""
    if type_:
        extracted = read_bytes(content, type_, EXTRACT_SECONDS)
        title = extracted.title or PurePosixPath(id_).name
        date, metadata = extracted.date, extracted.metadata
    else:
        body = checked(lambda: DocumentBody.model_validate_json(content, strict=True))
        extracted, title, date = Extracted(text=body.text), body.title, body.seconds
        values = {name: plain(value) for name, value in body.metadata.items()}
        metadata = {name: value for name, value in values.items() if value is not None}
    document = Document(
        id=id_,
        title=title,
        path=id_,
        type=type_ or type_of(id_),
        date=time.time() if date is None else date,
        metadata=metadata,
    )
    return document, extracted


async def _changed(request: Request, work: Callable[[], T], live: LiveEngine) -> T:
    """Do what changes the index in a thread of its own kind: searches do not wait for it."""
    try:
        return await to_thread.run_sync(work, limiter=request.app.state.write_limiter)
    except NotReadyError:
        raise not_ready(live) from None
