"""Five dialects of one question: how well does each of these texts answer this query?

    Cohere v1 and v2, Jina     documents                     {results: [{index, relevance_score}]}
    Voyage                     documents, top_k, truncation  {data: [{index, relevance_score}]}
    text-embeddings-inference  texts                         [{index, score}]

They share their paths, so the body tells them apart. All answer best first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, cast

from pydantic import BaseModel, Field, TypeAdapter, WithJsonSchema

from engine.answer import LONGEST_QUERY
from server.wire.texts import (
    LONGEST_TEXT,
    Lenient,
    checked,
    require_length,
    require_some,
    tokens,
    unfit,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from server.scoring import ScoredTexts

Dialect = Literal["cohere", "voyage", "tei"]

MOST_TEXTS: Final = 10_000
_TEXT: Final = {"type": "string", "maxLength": LONGEST_TEXT}
_DOCUMENT: Final = {
    "anyOf": [_TEXT, {"type": "object", "required": ["text"], "properties": {"text": _TEXT}}]
}
_Query = Annotated[str, Field(max_length=LONGEST_QUERY)]


class RerankDocuments(Lenient):
    """As Cohere, Jina and Voyage clients ask; `top_k` and `truncation` are Voyage's."""

    query: _Query
    documents: Annotated[
        list[Any],
        Field(description="Texts, or objects with a text."),
        WithJsonSchema(
            {"type": "array", "minItems": 1, "maxItems": MOST_TEXTS, "items": _DOCUMENT}
        ),
    ]
    model: str = Field("", description="Any: the server has one model, and says which.")
    top_n: int = Field(0, ge=0, description="Results wanted, best first; 0 = all.")
    top_k: int = Field(0, ge=0, description="The same in Voyage's words.")
    return_documents: bool = Field(False, description="Whether results carry their document.")
    rank_fields: list[str] = Field(
        default=[], description="Fields of the objects to read, in this order; else their text."
    )
    raw_scores: bool = Field(False, description="Whether scores are the model's logits.")


class RerankTexts(Lenient):
    """As clients of text-embeddings-inference ask."""

    query: _Query
    texts: Annotated[
        list[str],
        WithJsonSchema({"type": "array", "minItems": 1, "maxItems": MOST_TEXTS, "items": _TEXT}),
    ]
    raw_scores: bool = Field(False, description="Whether scores are the model's logits.")
    return_text: bool = Field(False, description="Whether results carry their text.")


@dataclass(frozen=True, slots=True, kw_only=True)
class RerankCall:
    """What was asked, whatever the dialect.

    Attributes:
        texts: what the reranker reads.
        documents: the same as they came, which is how they are given back.
        top: results wanted.
        model: name of the model that was asked for, empty if any will do.
    """

    dialect: Dialect
    query: str
    texts: list[str]
    documents: list[Any]
    top: int
    return_documents: bool
    raw_scores: bool
    model: str = ""

    def tokens(self) -> int:
        """Estimate what is read: the query with each of the texts."""
        return tokens(self.texts) + tokens([self.query]) * len(self.texts)


def dialect_of(fields: dict[str, Any]) -> Dialect:
    """Return how a body asks; HttpError 422 if it has both `texts` and `documents`, or neither."""
    texts, documents = (fields.get(name) is not None for name in ("texts", "documents"))
    if texts and documents:
        raise unfit("give either documents or texts, not both", ())
    if texts:
        return "tei"
    if not documents:
        raise unfit("field required: a list of texts to rank (or texts)", ("documents",))
    return "voyage" if "top_k" in fields or "truncation" in fields else "cohere"


def call_of(fields: dict[str, Any], dialect: Dialect) -> RerankCall:
    """Return what a body asks; HttpError 400 for an empty list, 422 for what cannot be."""
    if dialect == "tei":
        return _texts_call(checked(RerankTexts, fields))
    asked = checked(RerankDocuments, fields)
    require_some(asked.documents, MOST_TEXTS, "documents")
    top = asked.top_k if dialect == "voyage" else asked.top_n
    return RerankCall(
        dialect=dialect,
        query=asked.query,
        texts=[_text(d, n, asked.rank_fields) for n, d in enumerate(asked.documents)],
        documents=asked.documents,
        top=min(top or len(asked.documents), len(asked.documents)),
        return_documents=asked.return_documents,
        raw_scores=asked.raw_scores,
        model=asked.model,
    )


def _texts_call(asked: RerankTexts) -> RerankCall:
    require_some(asked.texts, MOST_TEXTS, "texts")
    return RerankCall(
        dialect="tei",
        query=asked.query,
        texts=[require_length(text, ("texts", n)) for n, text in enumerate(asked.texts)],
        documents=asked.texts,
        top=len(asked.texts),
        return_documents=asked.return_text,
        raw_scores=asked.raw_scores,
    )


def _text(document: object, number: int, rank_fields: Sequence[str]) -> str:
    """Return what is read of a document."""
    place = ("documents", number)
    if isinstance(document, str):
        return require_length(document, place)
    if not isinstance(document, dict):
        raise unfit("a document is a string, or an object with a text", place)
    fields = cast("dict[str, object]", document)
    wanted = rank_fields or ("text",)
    parts = [value for name in wanted if isinstance(value := fields.get(name), str)]
    if not parts:
        raise unfit(f"the object has no string under {' or '.join(wanted)[:100]}", place)
    return require_length("\n".join(parts), place)


# -- answers -------------------------------------------------------------------------------------


class RankedText(BaseModel):
    """A text by its place in the request."""

    index: int
    score: float
    text: str = Field(default="", description="Only if asked for.")


class RankedDocument(BaseModel):
    """A document by its place in the request; Voyage gets it as a string."""

    index: int
    relevance_score: float
    document: dict[str, Any] | str = Field(default="", description="Only if asked for.")


class Usage(BaseModel):
    """Tokens, estimated as one for every four bytes."""

    prompt_tokens: int
    total_tokens: int


class Reranked(BaseModel):
    """The answer to Cohere and Jina clients, best first."""

    id: str
    object: Literal["rerank"]
    model: str
    results: list[RankedDocument]
    usage: Usage
    meta: dict[str, Any]


class VoyageReranked(BaseModel):
    """The answer to Voyage clients, best first."""

    object: Literal["list"]
    data: list[RankedDocument]
    model: str
    usage: Usage


Answer = Reranked | VoyageReranked | list[RankedText]
ANSWER: Final[TypeAdapter[Answer]] = TypeAdapter(Answer)


def answer_json(answer: Answer) -> bytes:
    """Return an answer as JSON; documents are there only where they were asked for."""
    return ANSWER.dump_json(answer, exclude_unset=True)


def answer_of(call: RerankCall, scored: ScoredTexts, request_id: str, api_version: str) -> Answer:
    """Return the answer in the words of who asked."""
    best = [(number, float(scored.scores[number])) for number in scored.order[: call.top]]
    if call.dialect == "tei":
        return [_ranked_text(call, number, score) for number, score in best]
    results = [_ranked_document(call, number, score) for number, score in best]
    read = call.tokens()
    usage = Usage(prompt_tokens=read, total_tokens=read)
    if call.dialect == "voyage":
        return VoyageReranked(object="list", data=results, model=scored.model, usage=usage)
    meta: dict[str, Any] = {
        "api_version": {"version": api_version},
        "billed_units": {"search_units": 0},
        "tokens": {"input_tokens": read},
    }
    if warnings := _warnings(call, scored):
        meta["warnings"] = warnings
    return Reranked(
        id=request_id, object="rerank", model=scored.model, results=results, usage=usage, meta=meta
    )


def _ranked_text(call: RerankCall, number: int, score: float) -> RankedText:
    ranked = RankedText(index=number, score=score)
    if call.return_documents:
        ranked.text = call.texts[number]
    return ranked


def _ranked_document(call: RerankCall, number: int, score: float) -> RankedDocument:
    ranked = RankedDocument(index=number, relevance_score=score)
    if call.return_documents and call.dialect == "voyage":
        ranked.document = call.texts[number]
    elif call.return_documents:
        document = call.documents[number]
        ranked.document = {"text": document} if isinstance(document, str) else document
    return ranked


def _warnings(call: RerankCall, scored: ScoredTexts) -> list[str]:
    warnings: list[str] = []
    if call.model not in ("", scored.model):
        warnings.append(f"this server has one reranker, {scored.model}, whatever model is named")
    if not (scored.calibrated or call.raw_scores):
        warnings.append("this reranker is not calibrated: its scores rank, and mean nothing else")
    return warnings
