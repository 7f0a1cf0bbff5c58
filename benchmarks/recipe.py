"""Rerank a static model's best 30 answers: a published experiment, and the same one on other pairs.

benchmarks/recipes/gooaq.md explains it. The pairs are written as a file of questions and answers,
which is then read like any user's.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Final, cast

from benchmarks.collections import folder_of
from benchmarks.evaluated import engine_over, evaluated
from engine.analysis import clean
from engine.config import IndexSettings
from engine.evaluation.beir import read_beir
from engine.evaluation.plan import Plan
from indexer.judged import open_collection
from indexer.judged.written import written

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from benchmarks.evaluated import Places, Report
    from engine.evaluation.collection import Collection
    from engine.protocols import Reranker

Pair = tuple[str, str]  # question, answer
HELD_OUT: Final = 1000
DEPTH: Final = 30
_PRIMARY: Final = "nDCG@10"
_COLUMNS: Final = {
    "base": "base",
    "realistic_alone": "realistic, the reranker alone",
    "always_rerank_positives_alone": "always, the reranker alone",
    "realistic": "realistic, both stages",
    "always_rerank_positives": "always, both stages",
    "ceiling": "ceiling",
}


@dataclass(frozen=True, slots=True)
class Recipe:
    """An experiment.

    Attributes:
        pairs: gives all pairs, whose answers are the corpus, and the questions that are asked;
            None for a fixed sample of all.
        encoder: of stage one; empty is the default.
        reranker: where none is named; empty is the default.
        published: column -> nDCG@10 in percent, as others report it.
    """

    pairs: Callable[[], tuple[Iterable[Pair], set[str] | None]]
    encoder: str = ""
    reranker: str = ""
    published: Mapping[str, float] = field(default_factory=dict[str, float])


def _gooaq() -> tuple[Iterable[Pair], set[str] | None]:
    from benchmarks.gooaq import pairs

    return pairs(HELD_OUT)


def _side(name: str, split: str) -> tuple[Iterable[Pair], set[str] | None]:
    return judged_pairs(folder_of(name), split), None


RECIPES: Final = {
    "gooaq": Recipe(
        _gooaq,
        encoder="sentence-transformers/static-retrieval-mrl-en-v1",
        reranker="cross-encoder/ms-marco-MiniLM-L6-v2",
        published={
            "base": 59.12, "realistic_alone": 69.56, "always_rerank_positives_alone": 72.09,
        },
    ),
    "squad": Recipe(lambda: _side("squad", "test")),
    "medquad": Recipe(lambda: _side("medquad", "test")),
}  # fmt: skip


def cook(
    recipe: Recipe, collection: Collection, rerankers: Sequence[Reranker | None], places: Places
) -> Report:
    """Return the report of an experiment on what was gathered for it."""
    engine = engine_over(collection, places, IndexSettings(encoder_source=recipe.encoder))
    plan = Plan(sources=("dense",), depths=(DEPTH,))
    try:
        return evaluated(engine, collection, rerankers, plan, places, f"recipe-{collection.name}")
    finally:
        engine.close()


def gathered(name: str, recipe: Recipe, cache: Path) -> Collection:
    """Return the questions that are asked, over the answers of all pairs.

    Raises:
        CollectionError: if the pairs are not to be had.
    """
    pairs, asked = recipe.pairs()
    folder = cache / "recipes" / name
    path = folder / f"{name}.jsonl"
    with written(path) as file:
        for question, answer in pairs:
            row = {"question": question, "answer": answer}
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
    collection = open_collection(str(path), split=None, into=folder)
    if asked is None:
        return collection.sample(HELD_OUT)
    texts = {clean(question) for question in asked}
    queries = {q: text for q, text in collection.queries.items() if text in texts}
    return replace(collection, queries=queries, qrels={q: collection.qrels[q] for q in queries})


def judged_pairs(folder: Path, split: str) -> Iterator[Pair]:
    """Yield each question of a split with the text of each document that is relevant to it."""
    judged = read_beir(folder, split)
    wanted = {d for grades in judged.qrels.values() for d, grade in grades.items() if grade > 0}
    texts: dict[str, str] = {}
    with cast("Path", judged.corpus).open(encoding="utf-8") as lines:
        for line in lines:
            record = cast("dict[str, Any]", json.loads(line))
            if str(record["_id"]) in wanted:
                texts[str(record["_id"])] = record["text"]
    for query, question in judged.queries.items():
        for document, grade in judged.qrels[query].items():
            if grade > 0:
                yield question, texts[document]


def beside(recipe: Recipe, report: Report) -> Iterator[str]:
    """Yield the figures of the first row, each with the published one where there is one."""
    row = report["rows"][0]
    yield f"{_PRIMARY:<34}{'here':>8}" + (f"{'published':>12}" if recipe.published else "")
    for column, title in _COLUMNS.items():
        if row[column] is not None:
            figure = recipe.published.get(column)
            told = "" if figure is None else f"{figure:>12.2f}"
            yield f"{title:<34}{100 * row[column][_PRIMARY]:>8.2f}{told}"
