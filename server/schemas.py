"""The words of HTTP. Pydantic stops here: the engine sees its own dataclasses."""

from __future__ import annotations

import json
from typing import Annotated, Any, Final, Literal, get_args

from pydantic import (
    AliasChoices,
    BaseModel,
    ConfigDict,
    Field,
    TypeAdapter,
    WithJsonSchema,
    field_validator,
)

from engine.answer import (
    LONGEST_BUDGET,
    LONGEST_QUERY,
    MOST,
    MOST_FACETS,
    Answer,
    ResultField,
    SearchRequest,
)
from engine.types import Sources  # noqa: TC001 - pydantic reads the annotations

LONGEST_FILTER: Final = 10_000  # characters
MOST_QUERIES: Final = 1000  # of one batch
DEEPEST: Final = 100_000  # candidates that all queries of a batch ask each source for
LONGEST_FIELD: Final = 200  # characters of a metadata field's name

ANSWER: Final = TypeAdapter(Answer)

FieldName = Annotated[str, Field(min_length=1, max_length=LONGEST_FIELD)]


class SearchOptions(BaseModel):
    """How a question is answered; the fields are those of `shortlist search`."""

    model_config = ConfigDict(extra="forbid")

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
    budget_ms: int | None = Field(
        None,
        ge=0,
        le=LONGEST_BUDGET,
        description="Milliseconds for the search: as many of the best candidates are reranked as"
        " fit, the rest follows in the order of stage one. `stage` tells which, and an answer that"
        " ran out of time is `degraded`. Stage one is not cut short.",
    )
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


class SearchBody(SearchOptions):
    """A question; the fields are those of `shortlist search`."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"query": "how do I renew a certificate", "k": 5}]},
    )

    query: str = Field(
        max_length=LONGEST_QUERY,
        description='Words; also "a phrase", +must, -mustnot, title:word, path:GLOB, prefix*.',
        examples=["how do I renew a certificate"],
    )
    record: bool = Field(
        True,
        description="Whether the answer may be recorded, where the server records feedback: false"
        " for what nobody looks at, as while one types. What is recorded has a `search_id`.",
    )

    def request(self) -> SearchRequest:
        """Return the question as the engine takes it."""
        return SearchRequest(**self.model_dump(exclude={"record"}))


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


# Each is read by itself, so that what is wrong with one fails no other.
_Question = Annotated[
    str | dict[str, Any],
    WithJsonSchema({"anyOf": [{"type": "string"}, {"$ref": "#/components/schemas/SearchBody"}]}),
]


class BatchBody(SearchOptions):
    """Many questions; what stands beside `queries` holds for each that does not say otherwise."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [{"queries": ["passport", {"query": "visa", "filter": "type:pdf"}], "k": 3}]
        },
    )

    queries: list[_Question] = Field(
        min_length=1,
        max_length=MOST_QUERIES,
        description="Texts, or objects as POST /search takes them. All together may ask for"
        f" {MOST:,} results, {MOST:,} candidates to rerank, and {DEEPEST:,} of each source.",
    )

    def request(self, question: str | dict[str, Any]) -> SearchRequest:
        """Return one of the questions as the engine takes it.

        Raises:
            ValidationError: if it is none.
            UsageError: if it goes together with no answer.
        """
        asked = {"query": question} if isinstance(question, str) else question
        own = SearchBody.model_validate_json(json.dumps(asked), strict=True)
        options = self.model_dump(exclude={"queries"})
        return SearchRequest(**options | own.model_dump(exclude_unset=True, exclude={"record"}))


class FieldError(BaseModel):
    """What is wrong with one field; `pointer` is a JSON pointer, or names the parameter."""

    detail: str
    pointer: str


class OpenAIError(BaseModel):
    """What OpenAI clients show of an error; `param` is a field."""

    message: str
    type: Literal["invalid_request_error", "server_error"]
    param: str | None
    code: None


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
    message: str | None = Field(None, description="The detail, where Cohere clients ask.")
    error: str | OpenAIError | None = Field(
        None, description="The detail, where TEI (a string) and OpenAI clients (an object) ask."
    )
    error_type: str | None = Field(None, description="Its kind in the words of TEI.")


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
