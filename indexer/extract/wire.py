"""An outcome as one line of JSON: how a worker process answers. Data only, nothing is unpickled."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, TypedDict, cast

from engine.errors import ExtractionError
from indexer.types import Extracted, Section

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.types import MetadataValue

Outcome = Extracted | ExtractionError


class _Answer(TypedDict, total=False):
    error: str
    text: str
    title: str
    sections: list[tuple[int, list[str], int | None]]
    metadata: Mapping[str, MetadataValue]
    date: float | None


def encoded(outcome: Outcome) -> bytes:
    """Return an outcome as one line of ASCII; lone surrogates survive as escapes."""
    if isinstance(outcome, ExtractionError):
        answer: _Answer = {"error": str(outcome)}
    else:
        answer = {
            "text": outcome.text,
            "title": outcome.title,
            "sections": [(each.start, list(each.heading), each.page) for each in outcome.sections],
            "metadata": dict(outcome.metadata),
            "date": outcome.date,
        }
    return json.dumps(answer).encode("ascii") + b"\n"


def decoded(line: bytes) -> Outcome:
    """Return the outcome that `encoded` wrote."""
    answer = cast("_Answer", json.loads(line))
    if "error" in answer:
        return ExtractionError(answer["error"])
    sections = tuple(
        Section(start=start, heading=tuple(heading), page=page)
        for start, heading, page in answer.get("sections", [])
    )
    return Extracted(
        text=answer.get("text", ""),
        title=answer.get("title", ""),
        sections=sections,
        metadata=answer.get("metadata", {}),
        date=answer.get("date"),
    )
