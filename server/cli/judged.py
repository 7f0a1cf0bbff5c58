"""What `shortlist evaluate` opens: a collection, and an engine over an index of its documents."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any, cast

from engine.assemble import NO_RERANKER, encoder_source, load_encoder, open_engine
from engine.config import IndexSettings
from engine.errors import CollectionError, IndexFault, IndexLocked

if TYPE_CHECKING:
    from pathlib import Path

    from engine.evaluation.collection import Collection
    from engine.local.snapshot import LocalSnapshot
    from engine.protocols import Snapshot
    from engine.search import SearchEngine

Opened = tuple["Collection", "SearchEngine"]


def from_index(index: Path, most: int | None) -> Opened:
    """Return queries made from an index."""
    from engine.evaluation.known_items import make_queries

    engine = open_engine(index, NO_RERANKER)
    try:
        return make_queries(engine.snapshot, engine.analyzer, most=most or 200), engine
    except BaseException:
        engine.close()
        raise


def from_topics(
    topics: Path, qrels: Path, index: Path, *, lenient: bool, most: int | None
) -> Opened:
    """Return TREC topics and judgements of the documents of an index."""
    from engine.evaluation.trec import read_trec

    engine = open_engine(index, NO_RERANKER)
    try:
        judged = read_trec(topics, qrels, engine.snapshot.known, lenient=lenient)
        return judged.sample(most), engine
    except BaseException:
        engine.close()
        raise


def from_corpus(
    judged: Collection, index: Path | None, cache: Path, language: str, encoder: str
) -> Opened:
    """Return a collection with an engine over the given index, or over one made for its corpus."""
    if index is None:
        return judged, _cached(judged, cache, language, encoder)
    engine = open_engine(index, NO_RERANKER)
    try:
        _require_documents(judged, engine.snapshot, index)
    except BaseException:
        engine.close()
        raise
    return judged, engine


def _cached(judged: Collection, cache: Path, language: str, encoder: str) -> SearchEngine:
    """Return an engine over the index that was or is made for a collection."""
    from indexer.judged.indexes import index_of
    from server.cli.progress import make_progress

    source = encoder_source(encoder)
    model = load_encoder(source)
    settings = IndexSettings(
        language=language, encoder=model.name, encoder_source=source, dim=model.dim
    )
    try:
        return open_engine(index_of(judged, cache, model, settings, make_progress()), NO_RERANKER)
    except IndexLocked:
        raise
    except IndexFault as error:
        raise IndexFault(
            f"the index of {judged.name} in {cache / 'indexes'} cannot be used: {error};"
            " delete its folder there and run the same command again, which makes a new one"
        ) from error


def identity(snapshot: Snapshot) -> dict[str, Any]:
    """Return what tells an index on disk from every other one, and from itself tomorrow."""
    local = cast("LocalSnapshot", snapshot)
    return {
        "settings": asdict(local.settings),
        "generation": local.generation,
        "parts": [local.parts.text, local.parts.dense],
    }


def _require_documents(judged: Collection, snapshot: Snapshot, index: Path) -> None:
    positives = {d for grades in judged.qrels.values() for d, g in grades.items() if g > 0}
    known = snapshot.known(sorted(positives))
    if not known and positives:
        raise CollectionError(
            f"{index} holds none of the {len(positives):,} relevant documents of {judged.label}:"
            " is it an index of another corpus, or made with --name?"
        )
