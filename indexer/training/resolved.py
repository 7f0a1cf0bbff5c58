"""Answers as stage two will read them: the passages of the index that they name or repeat."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from engine.errors import CollectionError
from engine.evaluation.best_passage import best_passage
from engine.evaluation.judgements import SHOWN, Faults
from indexer.training.examples import Candidate, Example
from indexer.training.located import Place, locate, plain

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from engine.protocols import Encoder, Snapshot
    from engine.types import FloatArray, StoredPassage
    from indexer.training.examples import TrainingSet

    Passages = list[tuple[StoredPassage, FloatArray | None]]

_TOGETHER: Final = 512  # examples whose queries are encoded at once
_REMEMBERED: Final = 4096  # documents: questions about one often stand together
# Two passages of 200 words are about 2,500 characters; a reranker reads no more of a text.
_LONG: Final = 3000


def resolve(snapshot: Snapshot, encoder: Encoder, training: TrainingSet) -> TrainingSet:
    """Return a set whose candidates are passages of an index, wherever they are in it.

    A candidate is in the index if it has a document's id, or its text is, white space apart, that
    of a document or of a passage. Where all of a source's answers (or most of them) are ids of
    documents, they are read as ids. The candidate then becomes the passage that holds its text,
    else the document's best one for the query, by cosine, with title and headings before it. Other
    texts stay as they are.

    Raises:
        CollectionError: If a document is named that is not in the index.
    """
    if training.kind == "questions":
        return training
    every = [*training.examples, *training.dev]
    faults = Faults(lenient=True)
    every = _ids_as_documents(snapshot, every, faults)
    _require_known(snapshot, every, training.name)
    places = locate(snapshot, (c.text for e in every for c in e.candidates if not c.document))
    resolver = _Resolver(snapshot, encoder, places, faults)
    found = [
        one
        for first in range(0, len(every), _TOGETHER)
        for one in resolver.resolve(every[first : first + _TOGETHER])
    ]
    count = len(training.examples)
    return replace(
        training,
        examples=[one for one in found[:count] if one.candidates],
        dev=[one for one in found[count:] if one.candidates],
        notes=(*training.notes, *faults.notes),
    )


class _Resolver:
    """Replaces texts by passages, some examples at a time."""

    def __init__(
        self, snapshot: Snapshot, encoder: Encoder, places: Mapping[str, Place], faults: Faults
    ) -> None:
        self._passages = lru_cache(_REMEMBERED)(snapshot.document_passages)
        self._encoder = encoder
        self._places = places
        self._faults = faults

    def resolve(self, examples: Sequence[Example]) -> list[Example]:
        """Return examples in the same order; one of which nothing is left has no candidate."""
        undecided = [e.query for e in examples if any(len(self._in(c)) > 1 for c in e.candidates)]
        queries = list(dict.fromkeys(undecided))
        encoded = self._encoder.encode_queries(queries) if queries else ()
        vectors = dict(zip(queries, encoded, strict=True))
        return [self._example(example, vectors.get(example.query)) for example in examples]

    def _in(self, candidate: Candidate) -> Passages:
        """Return the passages that a candidate may be: of its document those that hold its text.

        They are all of its document where its text is longer than any, or there is none.
        """
        place = None if candidate.document else self._places.get(candidate.text)
        document = place.document if place else candidate.document
        passages = self._passages(document) if document else []
        if len(passages) < 2:
            return passages
        if place is not None and place.passage is not None:
            return [one for one in passages if one[0].passage.number == place.passage]
        text = plain(candidate.text)
        return [one for one in passages if text and text in plain(one[0].context)] or passages

    def _example(self, example: Example, vector: FloatArray | None) -> Example:
        found = [self._candidate(candidate, vector) for candidate in example.candidates]
        some = [one for one in found if one is not None]
        best: dict[str, float] = {}
        for one in some:
            best[one.text] = max(one.label, best.get(one.text, one.label))
        kept = dict.fromkeys(one for one in some if one.label == best[one.text])
        for note, count in (
            ("answers whose documents have no text, left out", len(found) - len(some)),
            ("answers that became a passage which their query has already", len(some) - len(kept)),
        ):
            self._faults.note(note, count)
        return Example(example.query, tuple(kept))

    def _candidate(self, candidate: Candidate, vector: FloatArray | None) -> Candidate | None:
        passages = self._in(candidate)
        stored = passages[0][0] if passages else None
        if vector is not None and len(passages) > 1:
            stored = best_passage(passages, vector)
        if stored is not None:
            return Candidate(stored.context, candidate.label, stored.document.id)
        if not candidate.text.strip():
            return None
        if not candidate.document:
            long = len(candidate.text) > _LONG
            more = ", and far longer than a passage: only their beginning is read" if long else ""
            self._faults.note(f"answers that are not in the index{more}")
        return candidate


def _ids_as_documents(
    snapshot: Snapshot, examples: Sequence[Example], faults: Faults
) -> list[Example]:
    """Return examples whose answers are ids of documents with documents in place of texts.

    Most of the answers must be ids: `12` may also be one answer among others, and the id of a
    document that has nothing to do with it.
    """
    texts = {c.text.strip() for e in examples for c in e.candidates if not c.document}
    if 2 * len(snapshot.known(sorted(texts))) <= len(texts):
        return list(examples)
    faults.note("answers read as the ids of documents", len(texts))
    return [Example(e.query, tuple(map(_as_document, e.candidates))) for e in examples]


def _as_document(candidate: Candidate) -> Candidate:
    if candidate.document:
        return candidate
    return Candidate("", candidate.label, candidate.text.strip())


def _require_known(snapshot: Snapshot, examples: Iterable[Example], name: str) -> None:
    named = (c.document for e in examples for c in e.candidates if c.document)
    documents = list(dict.fromkeys(named))
    known = snapshot.known(documents)
    missing = [document for document in documents if document not in known]
    if missing:
        others = f" and {len(missing) - 1:,} other documents" if len(missing) > 1 else ""
        raise CollectionError(
            f"{name}: {missing[0][:SHOWN]!r}{others} of {len(documents):,} judged are not in the"
            " index; index what the examples are about, under the ids that they use"
        )
