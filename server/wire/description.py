"""The foreign routes in GET /openapi.json: what they take and answer, with examples."""

from __future__ import annotations

from typing import Any, Final

from pydantic.json_schema import models_json_schema

from server.wire.embeddings import EmbedBody, Embeddings, EmbeddingsBody
from server.wire.models import Info, Models
from server.wire.rerank import RankedText, RerankDocuments, Reranked, RerankTexts, VoyageReranked

_REF: Final = "#/components/schemas/{model}"
_BODIES: Final = (RerankDocuments, RerankTexts, EmbeddingsBody, EmbedBody)
_ANSWERS: Final = (Reranked, VoyageReranked, RankedText, Embeddings, Models, Info)

_ASKED: Final[dict[str, Any]] = {"query": "how do cats sleep"}
_TEXTS: Final = ["dogs bark", "cats sleep by day"]
_RERANK_BODIES: Final[dict[str, Any]] = {
    "cohere_v2": {**_ASKED, "model": "any", "documents": _TEXTS, "top_n": 1},
    "cohere_v1": {
        **_ASKED,
        "documents": [{"text": text} for text in _TEXTS],
        "return_documents": True,
    },
    "jina": {**_ASKED, "model": "any", "documents": _TEXTS, "return_documents": True},
    "voyage": {**_ASKED, "model": "any", "documents": _TEXTS, "top_k": None, "truncation": True},
    "text_embeddings_inference": {**_ASKED, "texts": _TEXTS, "raw_scores": False},
}
_MODEL: Final = "shortlist-reranker-small (cross-encoder)"
_ENCODER: Final = "shortlist-static@5d3f0c1b2a49"
_USAGE: Final = {"prompt_tokens": 18, "total_tokens": 18}
_BEST: Final = {"index": 1, "relevance_score": 0.8437}
_OTHER: Final = {"index": 0, "relevance_score": 0.0193}
_META: Final = {
    "api_version": {"version": "2"},
    "billed_units": {"search_units": 0},
    "tokens": {"input_tokens": 18},
}


def _reranked(*results: dict[str, Any]) -> dict[str, Any]:
    head = {"id": "6f1d8a52-0f0e-4a53-9b2e-1c8f3f9f3a60", "object": "rerank", "model": _MODEL}
    return {**head, "results": list(results), "usage": _USAGE, "meta": _META}


_WITH_TEXTS: Final = _reranked(
    {**_BEST, "document": {"text": _TEXTS[1]}}, {**_OTHER, "document": {"text": _TEXTS[0]}}
)
_RERANK_ANSWERS: Final[dict[str, Any]] = {
    "cohere_v2": _reranked(_BEST),
    "cohere_v1": _WITH_TEXTS,
    "jina": _WITH_TEXTS,
    "voyage": {
        "object": "list",
        "data": [_BEST, _OTHER],
        "model": _MODEL,
        "usage": _USAGE,
    },
    "text_embeddings_inference": [
        {"index": 1, "score": 0.8437},
        {"index": 0, "score": 0.0193},
    ],
}


def _ref(name: str) -> dict[str, str]:
    return {"$ref": _REF.format(model=name)}


def _content(schema: dict[str, Any], examples: dict[str, Any]) -> dict[str, Any]:
    shown = {name: {"value": value} for name, value in examples.items()}
    return {"application/json": {"schema": schema, **({"examples": shown} if shown else {})}}


def _taking(schema: dict[str, Any], examples: dict[str, Any]) -> dict[str, Any]:
    return {"requestBody": {"required": True, "content": _content(schema, examples)}}


def _answering(
    schema: dict[str, Any], examples: dict[str, Any] | None = None
) -> dict[int | str, dict[str, Any]]:
    return {200: {"description": "The answer.", "content": _content(schema, examples or {})}}


_VECTORS: Final[dict[str, Any]] = {
    "type": "array",
    "items": {"type": "array", "items": {"type": "number"}},
}

RERANK_BODY: Final = _taking(
    {"anyOf": [_ref("RerankDocuments"), _ref("RerankTexts")]}, _RERANK_BODIES
)
RERANK_ANSWER: Final = _answering(
    {
        "anyOf": [
            _ref("Reranked"),
            _ref("VoyageReranked"),
            {"type": "array", "items": _ref("RankedText")},
        ]
    },
    _RERANK_ANSWERS,
)
EMBEDDINGS_BODY: Final = _taking(
    _ref("EmbeddingsBody"),
    {
        "one": {"model": "any", "input": "cats sleep by day"},
        "many": {"model": "any", "input": _TEXTS, "encoding_format": "base64", "dimensions": 64},
    },
)
EMBEDDINGS_ANSWER: Final = _answering(
    _ref("Embeddings"),
    {
        "one": {
            "object": "list",
            "data": [{"object": "embedding", "index": 0, "embedding": [0.0712, -0.0033]}],
            "model": _ENCODER,
            "usage": {"prompt_tokens": 5, "total_tokens": 5},
        }
    },
)
EMBED_BODY: Final = _taking(_ref("EmbedBody"), {"many": {"inputs": _TEXTS}})
EMBED_ANSWER: Final = _answering(_VECTORS, {"many": [[0.0712, -0.0033], [0.0208, 0.1121]]})
MODELS_ANSWER: Final = _answering(
    _ref("Models"),
    {
        "two": {
            "object": "list",
            "data": [
                {"id": name, "object": "model", "created": 0, "owned_by": "shortlist"}
                for name in (_ENCODER, _MODEL)
            ],
        }
    },
)
INFO_ANSWER: Final = _answering(
    _ref("Info"),
    {
        "reranker": {
            "model_id": _MODEL,
            "served_model_name": _MODEL,
            "model_dtype": "float32",
            "model_type": {"reranker": {"id2label": {"0": "LABEL_0"}, "label2id": {"LABEL_0": 0}}},
            "max_concurrent_requests": 32,
            "max_input_length": 25_000,
            "max_batch_tokens": 250_000_000,
            "max_client_batch_size": 10_000,
            "auto_truncate": True,
            "tokenization_workers": 32,
            "version": "0.1.0",
        }
    },
)


def components() -> dict[str, Any]:
    """Return the schemas that these routes name."""
    _, schemas = models_json_schema(
        [
            *((body, "validation") for body in _BODIES),
            *((answer, "serialization") for answer in _ANSWERS),
        ],
        ref_template=_REF,
    )
    return schemas["$defs"]
