"""The words of HTTP. Pydantic stops here: the engine sees its own dataclasses."""

from __future__ import annotations

from typing import Annotated, Final, Literal, get_args

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, TypeAdapter, field_validator

from engine.answer import (
    LONGEST_QUERY,
    MOST,
    MOST_FACETS,
    Answer,
    ResultField,
    SearchRequest,
)
from engine.types import Sources  # noqa: TC001 - pydantic reads the annotations

LONGEST_FILTER: Final = 10_000  # characters
LONGEST_FIELD: Final = 200  # characters of a metadata field's name

ANSWER: Final = TypeAdapter(Answer)

FieldName = Annotated[str, Field(min_length=1, max_length=LONGEST_FIELD)]


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
    min_score: float | None = Field(
        None,
        ge=0,
        le=1,
        allow_inf_nan=False,
        description="Least `relevance` of a result. Scores of other stages compare with nothing:"
        " where no candidate was reranked by a calibrated model, all are kept and a note says so;"
        " else those that were not reranked are left out. Counted after it: total and facets.",
    )
    facets: tuple[FieldName, ...] = Field(
        (),
        max_length=MOST_FACETS,
        description="Count the candidates' values of `type`, `folder` or fields of metadata.",
        examples=[["type", "folder"]],
    )
    highlight: bool = Field(
        True, description="Whether matches are marked; without, a snippet is the beginning."
    )
    fields: tuple[ResultField, ...] | None = Field(
        None,
        description="Members of a result that come back; all where it is left out.",
        examples=[["document", "start", "end", "snippet"]],
    )
    explain: bool = Field(False, description="Whether results carry the score of each stage.")

    def request(self) -> SearchRequest:
        """Return the question as the engine takes it."""
        return SearchRequest(**self.model_dump())


class SearchParameters(SearchBody):
    """The same as parameters of a URL, where the query is `q` and lists are parted by commas."""

    query: str = Field(
        max_length=LONGEST_QUERY,
        validation_alias=AliasChoices("q", "query"),
        description=SearchBody.model_fields["query"].description,
        examples=["how do I renew a certificate"],
    )

    @field_validator("facets", "fields", mode="before")
    @classmethod
    def _split(cls, text: object) -> object:
        return text.split(",") if isinstance(text, str) else text


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


def answer_json(answer: Answer, request: SearchRequest) -> bytes:
    """Return an answer as JSON; its results have the members that were asked for."""
    out = set[str]() if request.explain else {"scores"}
    if request.fields is not None:
        out = {*get_args(ResultField)} - {*request.fields}
    return ANSWER.dump_json(answer, exclude={"results": {"__all__": out}} if out else None)
