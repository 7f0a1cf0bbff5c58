"""Vectors of texts, as clients of OpenAI and of text-embeddings-inference ask for them."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal, cast

import numpy as np
from pydantic import BaseModel, Field, WithJsonSchema

from server.problems import HttpError
from server.wire.rerank import MOST_TEXTS, Usage
from server.wire.texts import LONGEST_TEXT, Lenient, require_length, require_some, tokens, unfit

if TYPE_CHECKING:
    from engine.types import FloatArray

MOST_INPUTS: Final = 2048  # as OpenAI has it
_TEXT: Final = {"type": "string", "minLength": 1, "maxLength": LONGEST_TEXT}
_NO_NUMBERS: Final = (
    "send text: token numbers are those of another model's vocabulary"
    " (LangChain's OpenAIEmbeddings sends text with check_embedding_ctx_length=False)"
)


def _inputs(most: int) -> WithJsonSchema:
    many = {"type": "array", "minItems": 1, "maxItems": most, "items": _TEXT}
    return WithJsonSchema({"anyOf": [_TEXT, many]})


class EmbeddingsBody(Lenient):
    """As OpenAI clients ask."""

    input: Annotated[Any, _inputs(MOST_INPUTS)]
    model: str = Field("", description="Any: the server has one encoder, and says which.")
    encoding_format: Literal["float", "base64"] = Field(
        "float", description="base64: little-endian float32."
    )
    dimensions: int | None = Field(
        None, ge=1, description="Numbers wanted: cut, then of length 1 again."
    )


class EmbedBody(Lenient):
    """As clients of text-embeddings-inference ask; vectors always have length 1."""

    inputs: Annotated[Any, _inputs(MOST_TEXTS)]
    prompt_name: str = Field("", description="query, or anything else for a passage.")
    dimensions: int | None = Field(
        None, ge=1, description="Numbers wanted: cut, then of length 1 again."
    )


class Embedding(BaseModel):
    """One text's vector, as numbers or as base64 of little-endian float32."""

    object: Literal["embedding"]
    index: int
    embedding: list[float] | str


class Embeddings(BaseModel):
    """The answer to OpenAI clients."""

    object: Literal["list"]
    data: list[Embedding]
    model: str
    usage: Usage


def texts_of(value: object, name: str, most: int) -> list[str]:
    """Return the texts of an `input`, one or many.

    Raises:
        HttpError: 400 for an empty list or text, 422 for too many, too long, or no texts.
    """
    values = cast("list[object]", value if isinstance(value, list) else [value])
    require_some(values, most, name)
    return [_text(item, (name, number)) for number, item in enumerate(values)]


def _text(item: object, place: tuple[str, int]) -> str:
    if not isinstance(item, str):
        raise unfit(_NO_NUMBERS if isinstance(item, int | list) else "text is needed", place)
    if not item:
        raise HttpError(400, f"{place[0]} {place[1]} is an empty text")
    return require_length(item, place)


def cut(vectors: FloatArray, dimensions: int | None) -> FloatArray:
    """Return (n, dimensions) unit rows of the first numbers of each; None = all of them.

    Raises:
        HttpError: 422 if the vectors do not have so many.
    """
    if dimensions is None or dimensions == vectors.shape[1]:
        return vectors
    if dimensions > vectors.shape[1]:
        raise unfit(f"the encoder gives {vectors.shape[1]}", ("dimensions",))
    short = vectors[:, :dimensions]
    norms = np.linalg.norm(short, axis=1, keepdims=True)
    return np.divide(short, norms, out=np.zeros_like(short), where=norms > 0)


def embeddings(
    texts: list[str], vectors: FloatArray, model: str, encoding: Literal["float", "base64"]
) -> Embeddings:
    """Return the answer to OpenAI clients."""
    rows: list[Any] = (
        [base64.b64encode(row.tobytes()).decode() for row in vectors.astype("<f4")]
        if encoding == "base64"
        else vectors.tolist()
    )
    read = tokens(texts)
    return Embeddings(
        object="list",
        data=[
            Embedding(object="embedding", index=number, embedding=row)
            for number, row in enumerate(rows)
        ],
        model=model,
        usage=Usage(prompt_tokens=read, total_tokens=read),
    )
