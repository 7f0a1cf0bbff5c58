"""Quality on the judged collections: stage one by source, and both stages, by `evaluate`.

The product indexes the corpus, answers the queries and measures itself; nothing here ranks.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import metadata
from statistics import fmean
from typing import TYPE_CHECKING, Final

from tqdm import tqdm

from benchmarks.collections import MULTILINGUAL, load
from benchmarks.evaluated import engine_over, evaluated
from benchmarks.results import Row, compact, stamp
from engine.evaluation.measures import DEFAULT, Measures
from engine.evaluation.plan import Plan

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmarks.collections import Split
    from benchmarks.evaluated import Places
    from engine.evaluation.collection import Collection
    from engine.protocols import Reranker
    from engine.search import SearchEngine
    from engine.types import Sources

ROW_KEYS: Final = ("collection", "split", "sources", "reranker", "depth")
PEER_KEYS: Final = ("name", "collection", "split")
_PRIMARY: Final = DEFAULT[0]
_NEAR: Final = 0.01  # how far BM25 may be from the catalogue's without a word


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is measured: every query for stage one, a sample of so many for the rerankers."""

    splits: Sequence[Split]
    sources: tuple[Sources, ...] = ("lexical", "dense", "hybrid")
    depth: int = 50
    queries: int = 300


def matrix(
    wanted: Wanted, rerankers: Sequence[Reranker], places: Places
) -> tuple[list[Row], list[Row]]:
    """Return the rows of every collection, and those of its peers."""
    rows: list[Row] = []
    peers: list[Row] = []
    for name, split in tqdm(wanted.splits, desc="collections", disable=None):
        collection = load(name, split, places.cache)
        if name != MULTILINGUAL or split == "en":  # the catalogue's BM25 reads English alone
            peers.append(peer(collection))
        engine = engine_over(collection, places)
        try:
            found = measured(
                engine, collection, wanted, [] if name == MULTILINGUAL else rerankers, places
            )
        finally:
            engine.close()
        rows += found
        tqdm.write("\n".join(_said(collection, found, peers)))
    return rows, peers


def measured(
    engine: SearchEngine,
    collection: Collection,
    wanted: Wanted,
    rerankers: Sequence[Reranker],
    places: Places,
) -> list[Row]:
    """Return the rows of one collection."""
    name = f"{collection.name}-{collection.split}"
    plan = Plan(sources=wanted.sources, depths=(wanted.depth,))
    rows = compact(evaluated(engine, collection, [None], plan, places, f"{name}-stage-one"))
    if rerankers:
        plan = Plan(sources=("hybrid",), depths=(wanted.depth,))
        part = collection.sample(wanted.queries)
        rows += compact(evaluated(engine, part, rerankers, plan, places, f"{name}-two-stages"))
    return rows


def peer(collection: Collection) -> Row:
    """Return the figures of bm25s, run as the catalogue of the collections did."""
    from benchmarks.peers import bm25s_run

    run = {query: list(found) for query, found in bm25s_run(collection).items()}
    measures = Measures([*DEFAULT, "R@100"])
    values = measures.judge(collection.qrels).values(run).values()
    return {
        "name": "bm25s",
        "version": metadata.version("bm25s"),
        "collection": collection.name,
        "split": collection.split,
        "queries": len(collection.queries),
        **{name: round(fmean(v[name] for v in values), 5) for name in measures.names},
        **stamp(),
    }


def _said(collection: Collection, rows: Sequence[Row], peers: Sequence[Row]) -> Iterator[str]:
    yield f"{collection.label}, {_PRIMARY}"
    for row in rows:
        system = f"{row['sources']}, {row['reranker'] or 'stage one'}, {row['queries']:,} queries"
        figures = "  ".join(
            f"{column.partition('_')[0]} {100 * row[column][_PRIMARY]:.1f}"
            for column in ("base", "realistic", "always_rerank_positives", "ceiling")
            if row[column] is not None
        )
        yield f"  {system}: {figures}"
    yield from _beside(collection, rows, peers)


def _beside(collection: Collection, rows: Sequence[Row], peers: Sequence[Row]) -> Iterator[str]:
    """Say how far BM25 is from the catalogue's figure, which is bm25s' in the same run."""
    ours = [r["base"][_PRIMARY] for r in rows if r["sources"] == "lexical" and not r["reranker"]]
    theirs = [
        p[_PRIMARY]
        for p in peers
        if (p["collection"], p["split"]) == (collection.name, collection.split)
    ]
    for mine, catalogue in zip(ours, theirs, strict=False):
        apart = mine - catalogue
        far = f" WARNING: more than {100 * _NEAR:.0f} point apart" if abs(apart) > _NEAR else ""
        yield (
            f"  BM25 {100 * mine:.1f}, the catalogue's (bm25s) {100 * catalogue:.1f}:"
            f" {100 * apart:+.1f}{far}"
        )
