"""Settings of an index: chosen when it is made, kept in its catalogue; no config file."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from typing import Any, Self, cast

from engine.errors import ForeignIndex, UsageError


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexSettings:
    """What decides how text becomes passages, terms and vectors.

    `passage_words` and `overlap_words` count words. `encoder` names the model of the vectors, of
    `dim` numbers each, loaded from `encoder_source` (a folder or hub name; empty = the
    default). From `approximate_from` passages on, unfiltered dense search reads only the nearest
    lists of an inverted file.
    """

    language: str = "en"
    passage_words: int = 200
    overlap_words: int = 20
    encoder: str = ""
    encoder_source: str = ""
    dim: int = 0
    approximate_from: int = 500_000

    def __post_init__(self) -> None:
        if self.passage_words < 10:
            raise UsageError(f"a passage needs at least 10 words, not {self.passage_words}")
        if not 0 <= self.overlap_words <= self.passage_words // 2:
            raise UsageError(
                f"the overlap is at most half a passage ({self.passage_words // 2} words),"
                f" not {self.overlap_words}"
            )

    def to_json(self) -> str:
        """Return the settings as a JSON object."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Return the settings of a JSON object.

        Raises:
            ForeignIndex: if a key is unknown, so that no setting is silently ignored.
        """
        values = cast("dict[str, Any]", json.loads(text))
        unknown = set(values) - {f.name for f in fields(cls)}
        if unknown:
            raise ForeignIndex(f"the index has settings that this version does not know: {unknown}")
        return cls(**values)
