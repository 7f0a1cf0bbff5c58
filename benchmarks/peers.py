# pyright: basic
"""Other people's search, run on the same input in the same run."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, cast

import bm25s
import Stemmer

if TYPE_CHECKING:
    from pathlib import Path

    from engine.evaluation.collection import Collection


def bm25s_run(collection: Collection, depth: int = 100) -> dict[str, dict[str, float]]:
    """Return bm25s' ranking with its defaults, the Snowball English stemmer, title and text."""
    with cast("Path", collection.corpus).open(encoding="utf-8") as file:
        records = [json.loads(line) for line in file]
    stemmer = Stemmer.Stemmer("english")
    texts = [f"{r.get('title', '')} {r['text']}" for r in records]
    retriever = bm25s.BM25()
    options = {"stopwords": "en", "stemmer": stemmer, "show_progress": False}
    retriever.index(bm25s.tokenize(texts, **options), show_progress=False)
    queries = bm25s.tokenize(list(collection.queries.values()), **options)
    found, scores = retriever.retrieve(queries, k=min(depth, len(records)), show_progress=False)
    return {
        query: {records[d]["_id"]: float(s) for d, s in zip(row, values, strict=True) if s > 0}
        for query, row, values in zip(collection.queries, found, scores, strict=True)
    }
