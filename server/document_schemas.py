"""The words of /documents and /feedback."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from datetime import date as Day  # noqa: N812 - a field has that name
from typing import Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from engine.feedback import BEST_GRADE
from engine.types import Document, MetadataValue  # noqa: TC001 - pydantic reads the annotations

LONGEST_ID: Final = 4096  # characters
LONGEST_TEXT: Final = 1_000_000  # characters of one answer
LONGEST_METADATA: Final = 100_000  # characters as JSON; every result carries it
MOST_LISTED: Final = 1000  # documents


class DocumentBody(BaseModel):
    """A document as a client has it."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "text": "Bring the old passport and a photo.",
                    "title": "Renewing a passport",
                    "metadata": {"author": "Ada", "tags": ["travel"]},
                }
            ]
        },
    )

    text: str = Field(description="Cut into passages as the text of a file is.")
    title: str = Field("", max_length=1000)
    date: datetime | Day | None = Field(
        None,
        description="What `date:` in a filter compares; the moment of putting, if left out.",
        examples=["2024-05-01"],
    )
    metadata: dict[str, Any] = Field(
        default={},
        description="Fields for filters and facets. An object becomes its JSON, null nothing.",
    )

    @property
    def seconds(self) -> float | None:
        """The date in seconds since the epoch; UTC unless it says otherwise."""
        if self.date is None:
            return None
        day = self.date
        moment = day if isinstance(day, datetime) else datetime(day.year, day.month, day.day)  # noqa: DTZ001
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()

    @field_validator("metadata")
    @classmethod
    def _bounded(cls, metadata: dict[str, Any]) -> dict[str, Any]:
        if len(json.dumps(metadata)) > LONGEST_METADATA:
            raise ValueError(f"has more than {LONGEST_METADATA:,} characters as JSON")
        return metadata


class Written(BaseModel):
    """A document is in the index, and found by the next search."""

    document: str
    created: bool = Field(description="Whether there was none with this id before.")
    passages: int
    snapshot: int = Field(description="The commit that has it.")


class Removed(BaseModel):
    """A document is no longer in the index."""

    document: str
    snapshot: int = Field(description="The commit that no longer has it.")


class ListedDocument(BaseModel):
    """A document, without its text."""

    document: str
    title: str
    path: str
    type: str
    date: datetime | None
    metadata: dict[str, MetadataValue]
    from_file: bool = Field(description="Whether it belongs to a file, and changes with it alone.")

    @classmethod
    def of(cls, document: Document, *, from_file: bool, **more: Any) -> Self:  # noqa: ANN401
        """Return a document in these words."""
        return cls(
            document=document.id,
            title=document.title,
            path=document.path,
            type=document.type,
            date=_moment(document.date),
            metadata=dict(document.metadata),
            from_file=from_file,
            **more,
        )


class DocumentList(BaseModel):
    """Documents by id."""

    documents: list[ListedDocument]
    next_after: str | None = Field(description="`after` of the next page; null at the end.")
    snapshot: int


class PassagePlace(BaseModel):
    """Where a passage stands in its document: characters from `start` to before `end`."""

    passage: int
    start: int
    end: int
    page: int | None
    heading: str


class WholeDocument(ListedDocument):
    """A document, with its text where that was asked for."""

    stale: bool = Field(description="Whether its file changed since it was indexed.")
    length: int = Field(description="Characters of the whole text.")
    passages: list[PassagePlace]
    start: int | None = Field(description="Where `text` begins; null without text.")
    end: int | None = Field(description="Where `text` ends; less than asked for if that is far.")
    text: str | None
    snapshot: int


class ListParameters(BaseModel):
    """Which documents are listed."""

    model_config = ConfigDict(extra="forbid")

    prefix: str = Field("", max_length=LONGEST_ID, description="What their ids begin with.")
    after: str = Field("", max_length=LONGEST_ID, description="The id before the first of them.")
    limit: int = Field(100, ge=1, le=MOST_LISTED, description="How many at most.")


class TextParameters(BaseModel):
    """Which part of the text comes with a document; none, unless one of these is given."""

    model_config = ConfigDict(extra="forbid")

    text: bool = Field(False, description="The whole text, as far as one answer holds it.")
    start: int | None = Field(None, ge=0, description="Only from this character on.")
    end: int | None = Field(None, ge=0, description="Only to before this character.")

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.end is not None and self.end < (self.start or 0):
            raise ValueError("end comes before start")
        return self

    @property
    def stretch(self) -> tuple[int, int] | None:
        """The characters [start, end) that are asked for, or None."""
        if not self.text and self.start is None and self.end is None:
            return None
        start = self.start or 0
        longest = start + LONGEST_TEXT
        return start, longest if self.end is None else min(self.end, longest)


class FeedbackBody(BaseModel):
    """What someone did with a result, or says of it."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "search_id": "w1c7jPzYVQ7V0tSrkS4b2Q",
                    "document": "guide/passport.md",
                    "passage": 2,
                    "kind": "click",
                }
            ]
        },
    )

    search_id: str = Field(max_length=100, description="Of the answer that showed the result.")
    document: str = Field(max_length=LONGEST_ID)
    passage: int = Field(ge=0)
    kind: Literal["click", "judgement"]
    grade: int | None = Field(
        None,
        ge=0,
        le=BEST_GRADE,
        description="Of a judgement: 0 not relevant, 1 relevant, up to 3, exactly what was asked.",
    )

    @model_validator(mode="after")
    def _graded(self) -> Self:
        if (self.grade is None) is (self.kind == "judgement"):
            raise ValueError("a judgement has a grade, a click has none")
        return self


def _moment(seconds: float | None) -> datetime | None:
    if seconds is None:
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):  # a year that the calendar does not have
        return None
