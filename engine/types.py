"""The nouns of Shortlist, as plain frozen data.

A document is what the user has; a passage is a contiguous stretch of its text and the unit that is
indexed and ranked. Scores are higher-is-better, ranks count from 1, offsets count characters.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Mapping

BoolArray = npt.NDArray[np.bool_]
FloatArray = npt.NDArray[np.float32]
DoubleArray = npt.NDArray[np.float64]
IdArray = npt.NDArray[np.int64]
MetadataValue = str | int | float | bool | list[str]
Stage = Literal["lexical", "dense", "fused", "reranked"]
Sources = Literal["hybrid", "lexical", "dense"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """What the user has: a file, or a record of a corpus.

    `id` is stable: the path relative to its root, or the record's own id. `type` is the lower-case
    file extension without its dot (`pdf`, `md`, `py`, `jsonl`). `date` is seconds since the epoch.
    """

    id: str
    title: str = ""
    path: str = ""
    type: str = ""
    date: float | None = None
    metadata: Mapping[str, MetadataValue] = field(default_factory=dict[str, MetadataValue])


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """A stretch of a document: `text == document_text[start:end]`.

    `number` counts from 0 in its document, `page` from 1. `heading` is the chain of headings above
    the passage, outermost first, without the document's title.
    """

    number: int
    start: int
    end: int
    text: str
    page: int | None = None
    heading: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredPassage:
    """A passage as it lies in an index, with its id (never reused) and its document."""

    id: int
    document: Document
    passage: Passage

    @property
    def context(self) -> str:
        """The passage's text as stage two reads it: title and headings stand before it."""
        return context_text(self.document.title, self.passage.heading, self.passage.text)


class Hit(NamedTuple):
    """One passage that a source proposes. Ties break by (document, number)."""

    passage: int
    document: str
    number: int
    score: float


def by_rank(hit: Hit) -> tuple[float, str, int]:
    """Sort key of every ranking: best score first, ties by document and passage number."""
    return (-hit.score, hit.document, hit.number)


@dataclass(frozen=True, slots=True)
class Scores:
    """What a reranker says of pairs, in their order.

    Attributes:
        logits: (n,) float32.
        in_windows: (n,) which pairs were too long to be read in one piece; None if none was.
        waited: seconds that were spent waiting for the pairs of others.
    """

    logits: FloatArray
    in_windows: BoolArray | None = None
    waited: float = 0.0

    @property
    def windowed(self) -> int:
        """How many pairs were read in windows."""
        return 0 if self.in_windows is None else int(self.in_windows.sum())


def context_text(title: str, heading: tuple[str, ...], text: str) -> str:
    """Return a passage's text with its title and headings before it, as both stages read it."""
    above = " > ".join(part for part in (title, *heading) if part)
    return f"{above}\n{text}" if above and text else above or text


@dataclass(frozen=True, slots=True, kw_only=True)
class FileState:
    """A file when it was indexed: size in bytes, modification time, hash of its content."""

    size: int
    mtime_ns: int
    hash: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Root:
    """A folder or file that an index is made from; `name` goes before its documents' ids."""

    id: int
    path: str
    name: str
    options: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """The file that a document came from (absolute path), and its state when it was indexed."""

    path: str
    size: int
    mtime_ns: int
