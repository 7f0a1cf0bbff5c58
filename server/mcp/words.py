"""What the tools take and answer.

Assistants pay for every character, so what is usual is left out of an answer: the fields with a
default are there only where they say something else.
"""

from __future__ import annotations

from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from engine.answer import LONGEST_QUERY, DegradedReason
from engine.types import MetadataValue, Stage  # noqa: TC001 - pydantic reads the annotations
from server.schemas import LONGEST_FILTER

MOST_RESULTS: Final = 20
LONGEST_PASSAGE: Final = 3_000  # characters of a passage that a result shows
LONGEST_TEXT: Final = 20_000  # characters that get_document returns at once
MOST_LISTED: Final = 200
_LONGEST_ID: Final = 10_000  # characters


# -- what they take ------------------------------------------------------------------------------


class Arguments(BaseModel):
    """What a tool is called with; a name that is not here is refused, and never ignored."""

    model_config = ConfigDict(extra="forbid")


class SearchArguments(Arguments):
    """What to look for."""

    query: str = Field(
        max_length=LONGEST_QUERY,
        description=(
            "A question or keywords, in the language of the documents. Also understood:"
            ' "an exact phrase", +must, -mustnot, title:word.'
        ),
        examples=["how do I renew a certificate"],
    )
    k: int = Field(5, ge=1, le=MOST_RESULTS, description="Passages wanted.")
    filter: str = Field(
        "",
        max_length=LONGEST_FILTER,
        description=(
            "Only documents that all terms hold for; a field named twice means either:"
            " path:GLOB type:EXTENSION date:FROM..TO field:VALUE (metadata). Empty: all."
        ),
        examples=['path:guide/* type:pdf date:2024..2025-06 author:"Ada Lovelace"'],
    )
    rerank: bool = Field(
        True, description="false skips the reranker: many times faster, in a rougher order."
    )


class GetDocumentArguments(Arguments):
    """What to read."""

    document: str = Field(
        max_length=_LONGEST_ID,
        description="Its id, as search and list_documents return it.",
        examples=["guide/install.md"],
    )
    start: int = Field(0, ge=0, description="First character wanted, from 0.")
    end: int | None = Field(
        None, ge=1, description="Character to stop before. Left out: as far as one answer goes."
    )


class ListDocumentsArguments(Arguments):
    """Which to list."""

    prefix: str = Field(
        "",
        max_length=_LONGEST_ID,
        description="What ids begin with, such as a folder. Empty: all.",
        examples=["guide/"],
    )
    limit: int = Field(50, ge=1, le=MOST_LISTED, description="Documents wanted.")
    after: str = Field(
        "", max_length=_LONGEST_ID, description="The next_after of the answer before, to go on."
    )


class StatusArguments(Arguments):
    """Nothing."""


# -- what they answer ----------------------------------------------------------------------------


class Reply(BaseModel):
    """What a tool answers."""

    def concise(self) -> dict[str, Any]:
        """Return it as JSON, without what has its usual value."""
        return self.model_dump(mode="json", exclude_defaults=True)


class FoundPassage(Reply):
    """A passage; cite it by `document`, and by `page` or `start`."""

    rank: str = Field(description='Its place among the results, "1 of 5" is the best.')
    document: str = Field(description="Id of its document, for get_document.")
    title: str = Field(default="", description="Title of its document.")
    heading: str = Field(default="", description="Headings that it stands under.")
    page: int | None = Field(default=None, description="Its page, where the document has pages.")
    start: int = Field(description="Its first character in the document, from 0.")
    end: int = Field(description="The character after its last.")
    text: str
    cut: bool = Field(
        default=False, description="The passage goes on after `end`; get_document has the rest."
    )
    stage: Stage = Field(
        description="What its rank follows: reranked is best, then fused, lexical and dense."
    )
    stale: bool = Field(
        default=False, description="The file changed since it was indexed: the text may be old."
    )


class Search(Reply):
    """Passages, best first."""

    results: list[FoundPassage]
    degraded: DegradedReason | None = Field(
        None, description="A part of the search could not do its work, notes say more."
    )
    notes: list[str] = Field(default=[], description="What to know about this answer.")


class DocumentText(Reply):
    """Characters of a document, from `start` to before `end`."""

    document: str
    title: str = ""
    type: str = Field(default="", description="File extension.")
    date: str | None = Field(default=None, description="Day of its last change, or its own (UTC).")
    metadata: dict[str, MetadataValue] = Field(default={}, description="What else is known of it.")
    start: int
    end: int
    length: int = Field(description="Characters of the whole document.")
    next_start: int | None = Field(
        None, description="Where the next call goes on, if there is more."
    )
    text: str


class ListedDocument(Reply):
    """A document of the index."""

    document: str = Field(description="Its id, for get_document.")
    title: str = ""
    type: str = Field(default="", description="File extension.")
    date: str | None = Field(default=None, description="Day of its last change, or its own (UTC).")


class Documents(Reply):
    """Documents by id."""

    documents: list[ListedDocument]
    next_after: str | None = Field(
        default=None, description="`after` of the next call, if there is more."
    )


class Status(Reply):
    """What the index holds, and whether searches are answered."""

    state: Literal["loading", "ready", "failed", "stopped"] = Field(
        description="loading: models are loaded, calls wait for them."
    )
    reason: str = Field(default="", description="Why it failed.")
    documents: int | None = None
    passages: int | None = None
    commit: int | None = Field(default=None, description="Number of the index's newest commit.")
    language: str | None = Field(default=None, description="Language whose words are stemmed.")
    encoder: str | None = None
    reranker: str | None = Field(default=None, description="Missing: results are not reranked.")
