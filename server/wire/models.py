"""Which models are here, as clients of OpenAI and of text-embeddings-inference ask."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict

from server.wire.rerank import MOST_TEXTS
from server.wire.texts import LONGEST_TEXT

if TYPE_CHECKING:
    from engine.search import SearchEngine


class Model(BaseModel):
    """A model; when it was made is not known."""

    id: str
    object: Literal["model"]
    created: int
    owned_by: str


class Models(BaseModel):
    """The answer to OpenAI clients."""

    object: Literal["list"]
    data: list[Model]


class Info(BaseModel):
    """The answer to clients of text-embeddings-inference.

    `model_type` has one key, `reranker` or, without one, `embedding`. Longer texts than
    `max_input_length` tokens are read too, in windows; `auto_truncate` says that none is refused.
    """

    # Pydantic keeps these beginnings for itself, unless told.
    model_config = ConfigDict(protected_namespaces=())

    model_id: str
    served_model_name: str
    model_dtype: str
    model_type: dict[str, dict[str, Any]]
    max_concurrent_requests: int
    max_input_length: int
    max_batch_tokens: int
    max_client_batch_size: int
    auto_truncate: bool
    tokenization_workers: int
    version: str


def models(engine: SearchEngine) -> Models:
    """Return the encoder and, if there is one, the reranker."""
    names = [engine.encoder.name, *([engine.reranker.name] if engine.reranker else [])]
    listed = [Model(id=n, object="model", created=0, owned_by="shortlist") for n in names]
    return Models(object="list", data=listed)


def info(engine: SearchEngine, threads: int, version: str) -> Info:
    """Return what this server does.

    Args:
        engine: it asks.
        threads: requests that are worked on at the same time.
        version: of Shortlist.
    """
    name = engine.reranker.name if engine.reranker else engine.encoder.name
    label = {"id2label": {"0": "LABEL_0"}, "label2id": {"LABEL_0": 0}}
    return Info(
        model_id=name,
        served_model_name=name,
        model_dtype="float32",
        model_type={"reranker": label} if engine.reranker else {"embedding": {"pooling": "mean"}},
        max_concurrent_requests=threads,
        max_input_length=LONGEST_TEXT // 4,
        max_batch_tokens=LONGEST_TEXT // 4 * MOST_TEXTS,
        max_client_batch_size=MOST_TEXTS,
        auto_truncate=True,
        tokenization_workers=threads,
        version=version,
    )
