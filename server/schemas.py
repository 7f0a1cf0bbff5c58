"""The words of HTTP. Pydantic stops here: the engine sees its own dataclasses."""

from __future__ import annotations

from typing import Any, Final, Literal

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, TypeAdapter

from engine.answer import LONGEST_QUERY, MOST, Answer, SearchRequest
from engine.types import Sources  # noqa: TC001 - pydantic reads the annotations

LONGEST_FILTER: Final = 10_000  # characters

ANSWER: Final = TypeAdapter(Answer)


class SearchBody(BaseModel):
    """A question; the fields are those of `shortlist search`."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"query": "how do I renew a certificate", "k": 5}]},
    )

    query: str = Field(
        max_length=LONGEST_QUERY,
        description='Words; also "a phrase", +must, -mustnot, title:word, path:GLOB, prefix*.',
        examples=["how do I renew a certificate"],
    )
    k: int = Field(
        10,
        ge=1,
        le=MOST,
        validation_alias=AliasChoices("k", "limit"),
        description="Results asked for (also accepted under the name limit).",
    )
    offset: int = Field(0, ge=0, le=MOST, description="Results to leave out first.")
    depth: int = Field(100, ge=1, le=MOST, description="Candidates that each source gives.")
    sources: Sources = Field("hybrid", description="Which sources stage one asks.")
    filter: str = Field(
        "",
        max_length=LONGEST_FILTER,
        description='Which documents may answer: path:GLOB type:pdf date:2024..2025 field:"a b".',
        examples=["type:pdf date:2024..2025"],
    )
    group_by: Literal["document"] | None = Field(
        None, description="document: the best passage of each document."
    )
    rerank: bool = Field(True, description="Whether stage two ranks.")
    rerank_depth: int = Field(50, ge=1, le=MOST, description="Candidates that are reranked.")
    explain: bool = Field(False, description="Whether results carry the score of each stage.")

    def request(self) -> SearchRequest:
        """Return the question as the engine takes it."""
        return SearchRequest(**self.model_dump())


class SearchParameters(SearchBody):
    """The same as parameters of a URL, where the query is `q`."""

    query: str = Field(
        max_length=LONGEST_QUERY,
        validation_alias=AliasChoices("q", "query"),
        description=SearchBody.model_fields["query"].description,
        examples=["how do I renew a certificate"],
    )


class FieldError(BaseModel):
    """What is wrong with one field; `pointer` is a JSON pointer, or names the parameter."""

    detail: str
    pointer: str


class Problem(BaseModel):
    """Why there is no answer (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    instance: str = Field(description="The request's id, as it stands in the server's log.")
    errors: list[FieldError] | None = Field(None, description="With status 422.")
    stage: Literal["loading", "failed", "stopped"] | None = Field(
        None, description="With status 503, while the server has no engine."
    )


class Alive(BaseModel):
    """The process answers."""

    status: Literal["alive"]


class Ready(BaseModel):
    """Searches are answered, from this commit of the index."""

    status: Literal["ready"]
    snapshot: int


def answer_json(answer: Answer, *, explain: bool) -> bytes:
    """Return an answer as JSON; `scores` are there only where they were asked for."""
    left_out: dict[str, Any] | None = None if explain else {"results": {"__all__": {"scores"}}}
    return ANSWER.dump_json(answer, exclude=left_out)
