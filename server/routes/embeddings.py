"""POST /v1/embeddings and /embed: vectors of the static encoder."""

from __future__ import annotations

from typing import TYPE_CHECKING

from anyio import to_thread
from fastapi import APIRouter, Request, Response
from pydantic_core import to_json

from server.bodies import read, require_json
from server.description import problems
from server.routes.serving import Live, in_thread
from server.wire import description as described
from server.wire.embeddings import (
    MOST_INPUTS,
    EmbedBody,
    EmbeddingsBody,
    cut,
    embeddings,
    texts_of,
)
from server.wire.rerank import MOST_TEXTS
from server.wire.texts import LONGEST_BODY, checked, read_object

if TYPE_CHECKING:
    from engine.protocols import Encoder
    from server.live import LiveEngine

router = APIRouter()


@router.post(
    "/v1/embeddings",
    operation_id="embeddings",
    responses=described.EMBEDDINGS_ANSWER | problems(400, 413, 415, 422, 503),
    openapi_extra=described.EMBEDDINGS_BODY,
)
async def embed_for_openai(request: Request, live: Live) -> Response:
    """Return the vectors of texts, as OpenAI clients ask."""
    require_json(request)
    body = await read(request, LONGEST_BODY)

    def understand() -> tuple[EmbeddingsBody, list[str]]:
        asked = checked(EmbeddingsBody, read_object(body))
        return asked, texts_of(asked.input, "input", MOST_INPUTS)

    asked, texts = await to_thread.run_sync(understand)

    def work() -> bytes:
        encoder = _encoder(live)
        vectors = cut(encoder.encode_passages(texts), asked.dimensions)
        return to_json(embeddings(texts, vectors, encoder.name, asked.encoding_format))

    return Response(await in_thread(request, work), media_type="application/json")


@router.post(
    "/embed",
    operation_id="embed",
    responses=described.EMBED_ANSWER | problems(400, 413, 415, 422, 503),
    openapi_extra=described.EMBED_BODY,
)
async def embed_for_tei(request: Request, live: Live) -> Response:
    """Return the vectors of texts, as clients of text-embeddings-inference ask."""
    require_json(request)
    body = await read(request, LONGEST_BODY)

    def understand() -> tuple[EmbedBody, list[str]]:
        fields = read_object(body)
        request.state.shape = "tei"
        asked = checked(EmbedBody, fields)
        return asked, texts_of(asked.inputs, "inputs", MOST_TEXTS)

    asked, texts = await to_thread.run_sync(understand)

    def work() -> bytes:
        encoder = _encoder(live)
        encode = encoder.encode_queries if asked.prompt_name == "query" else encoder.encode_passages
        return to_json(cut(encode(texts), asked.dimensions).tolist())

    return Response(await in_thread(request, work), media_type="application/json")


def _encoder(live: LiveEngine) -> Encoder:
    """Return the model; the index is not needed, so no commit of it is held."""
    with live.use() as engine:
        return engine.encoder
