"""What is judged for each query, gathered from wherever it stands; contradictions are refused."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.errors import CollectionError
from engine.evaluation.judgements import SHOWN
from indexer.training.examples import Candidate, Example

if TYPE_CHECKING:
    from collections.abc import Callable

    from engine.evaluation.judgements import Faults

_Key = tuple[str, str]  # document, text


class Gathered:
    """Queries with their candidates, both in the order in which they came."""

    def __init__(self, place: Callable[[int], str], faults: Faults) -> None:
        """`place` says for messages where something was found: `train.csv:12`."""
        self._place = place
        self._faults = faults
        self._texts: dict[str, str] = {}  # equal texts are kept once: negatives come often
        self._queries: dict[str, dict[_Key, tuple[float, int]]] = {}
        self._contradictory: set[tuple[str, _Key]] = set()

    def add(self, at: int, query: str, candidate: Candidate) -> None:
        """Take what was judged for a query at some place.

        Raises:
            CollectionError: If it was judged otherwise before (where lenient: is left out).
        """
        text = self._texts.setdefault(candidate.text, candidate.text)
        key = candidate.document, text
        label, before = self._queries.setdefault(query, {}).setdefault(key, (candidate.label, at))
        if label != candidate.label and (query, key) not in self._contradictory:
            what = text or candidate.document
            self._faults.found(
                f"{self._place(at)}: has {candidate.label:g} for {what[:SHOWN]!r} as an answer to"
                f" {query[:SHOWN]!r}, to which {self._place(before)} gives {label:g}",
                "texts judged in two ways for one query, left out",
            )
            self._contradictory.add((query, key))

    def examples(self) -> list[Example]:
        """Return an example for each query about which anything is left."""
        found: list[Example] = []
        for query, judged in self._queries.items():
            candidates = tuple(
                Candidate(text, label, document)
                for (document, text), (label, _) in judged.items()
                if (query, (document, text)) not in self._contradictory
            )
            if candidates:
                found.append(Example(query, candidates))
        return found


def refuse_nothing(examples: list[Example], place: str) -> None:
    """Raise CollectionError for a source that gives no example."""
    if not examples:
        raise CollectionError(
            f"{place} holds nothing to learn from: no row with a query and an answer"
        )
