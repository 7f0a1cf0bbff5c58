"""What extraction hands to chunking: a document's text and the structure over it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from engine.types import MetadataValue

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """From `start` (a character offset) to the next section: under these headings, on this page.

    `heading` is the chain from the outermost, `page` counts from 1.
    """

    start: int
    heading: tuple[str, ...] = ()
    page: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Extracted:
    """The text of one document; `sections` ascend by start.

    `title` is what the file itself says (front matter, properties, first heading), or empty.
    `date` is seconds since the epoch, where the file itself names one.
    """

    text: str
    title: str = ""
    sections: tuple[Section, ...] = ()
    metadata: Mapping[str, MetadataValue] = field(default_factory=dict[str, MetadataValue])
    date: float | None = None
