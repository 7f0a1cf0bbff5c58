"""Quality on the judged collections: stage one by source, and both stages, measured by ir-measures.

The product indexes the corpus and answers the queries; nothing here ranks by itself. The reranker's
scores are kept, so that any weight between the stages can be looked at without scoring again.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from tqdm import tqdm

from benchmarks.indexes import index_of
from benchmarks.machine import machine
from benchmarks.measures import percentages
from engine.answer import SearchRequest
from engine.assemble import open_engine
from engine.rerank import combine
from engine.types import Hit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.collections import Collection
    from engine.search import SearchEngine

Run = dict[str, dict[str, float]]
SCRATCH = Path(".scratch")
WEIGHTS = (0.0, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 1.0)
_BATCH = 300  # queries in one score call: a passage that many retrieve is encoded once


@dataclass(frozen=True, slots=True)
class Row:
    """One system on one collection; figures in percent."""

    collection: str
    split: str
    queries: int
    system: str
    ndcg_10: float
    recall_100: float


def measure(collection: Collection, run: Run, system: str) -> Row:
    """Return a run's figures by ir-measures with the full judgements."""
    return Row(
        collection.name,
        collection.split,
        len(collection.queries),
        system,
        *percentages(collection.qrels, run),
    )


def first_stage(
    engine: SearchEngine, collection: Collection, sources: str, depth: int = 100
) -> Run:
    """Return stage one's ranking of documents."""
    run: Run = {}
    for query, text in tqdm(collection.queries.items(), desc=sources, leave=False, disable=None):
        request = _request(text, sources=sources, k=depth, rerank=False)
        run[query] = _decreasing([r.document for r in engine.search(request).results])
    return run


def second_stage(
    engine: SearchEngine, collection: Collection, rerank_depth: int
) -> dict[str, list[tuple[str, float, float | None]]]:
    """Return for each query (document, fused score, logit) of the candidates, in fused order."""
    out: dict[str, list[tuple[str, float, float | None]]] = {}
    queries = list(collection.queries.items())
    for at in tqdm(range(0, len(queries), _BATCH), desc="rerank", leave=False, disable=None):
        batch = queries[at : at + _BATCH]
        requests = [_request(text, k=100, rerank_depth=rerank_depth) for _, text in batch]
        for (query, _), answer in zip(batch, engine.search_many(requests), strict=True):
            rows = [
                (r.document, r.scores["fused"] or 0.0, r.scores["reranked"])
                for r in sorted(answer.results, key=lambda r: r.ranks["fused"] or 0)
                if r.scores is not None
            ]
            out[query] = rows
    return out


def weighted(scored: dict[str, list[tuple[str, float, float | None]]], weight: float) -> Run:
    """Return the ranking that a weight of the reranker gives."""
    run: Run = {}
    for query, rows in scored.items():
        hits = [Hit(n, document, 0, fused) for n, (document, fused, _) in enumerate(rows)]
        logits = np.array([x for _, _, x in rows if x is not None], np.float32)
        run[query] = _decreasing([h.document for h in combine(hits, logits, weight)])
    return run


def matrix(
    collections: Sequence[Collection], *, reranker: str, most_reranked: int, rerank_depth: int
) -> dict[str, Any]:
    """Return the figures of every collection, as the JSON that is committed."""
    from benchmarks.peers import bm25s_run

    rows: list[Row] = []
    for collection in collections:
        engine = open_engine(index_of(collection.corpus, SCRATCH / collection.name), reranker)
        rows.append(measure(collection, bm25s_run(collection), "bm25s"))
        rows += [
            measure(collection, first_stage(engine, collection, sources), sources)
            for sources in ("lexical", "dense", "hybrid")
        ]
        if engine.reranker is not None:
            part = _part(collection, most_reranked)
            scored = _cached(part, engine, rerank_depth)
            rows += [
                measure(part, weighted(scored, weight), f"reranked, weight {weight}")
                for weight in WEIGHTS
            ]
        for row in rows:
            if (row.collection, row.split) == (collection.name, collection.split):
                print(f"{row.collection:<14}{row.split:<8}{row.queries:>6}  {row.system:<24}"
                      f"{row.ndcg_10:>6.1f}{row.recall_100:>7.1f}", flush=True)  # fmt: skip
        engine.close()
    return {"machine": machine(), "reranker": reranker or "default", "depth": rerank_depth,
            "rows": [asdict(row) for row in rows]}  # fmt: skip


def _part(collection: Collection, most: int) -> Collection:
    from benchmarks.collections import load

    return load(collection.name, collection.split, most)


def _cached(
    part: Collection, engine: SearchEngine, depth: int
) -> dict[str, list[tuple[str, float, float | None]]]:
    model = engine.reranker.name if engine.reranker else ""
    key = json.dumps([model, engine.snapshot.generation, depth, sorted(part.queries)])
    name = hashlib.sha256(key.encode()).hexdigest()[:16]
    path = SCRATCH / "scores" / f"{part.name}-{part.split}-{name}.json"
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(second_stage(engine, part, depth)))
    return json.loads(path.read_text())


def _request(text: str, **options: Any) -> SearchRequest:  # noqa: ANN401
    return SearchRequest(query=text, group_by="document", plain=True, explain=True, **options)


def _decreasing(documents: Sequence[str]) -> dict[str, float]:
    """Return strictly decreasing scores, so that no tool orders ties anew."""
    return {document: float(-rank) for rank, document in enumerate(documents)}
