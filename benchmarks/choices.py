"""What a search could do otherwise, measured on dev splits: fusion, passages, titles, weights.

Every value of a choice is compared with what the product does now, query by query.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from statistics import fmean
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from benchmarks.collections import DEV, load
from benchmarks.evaluated import engine_over, evaluated
from benchmarks.results import stamp
from benchmarks.tables import markdown, percent, shown
from benchmarks.variants import RankFusion, Titles, Weighted, has_titles, retitled
from engine.assemble import load_reranker
from engine.config import IndexSettings
from engine.evaluation.plan import Plan
from engine.evaluation.reports import read_per_query
from engine.evaluation.scored import RememberedReranker
from engine.search import DENSE_WEIGHT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from benchmarks.collections import Split
    from benchmarks.evaluated import Places
    from benchmarks.results import Row
    from engine.evaluation.collection import Collection
    from engine.search import SearchEngine

CELL_KEYS: Final = ("choice", "value", "collection", "split")
_SHOWN: Final = ("nDCG@10", "R@100")
_DENSE: Final = (0.0, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4)
_WHOLE: Final = 1_000_000_000  # words: no document has so many
_PASSAGES: Final = ((120, 20), (160, 20), (200, 0), (200, 20), (250, 30), (_WHOLE, 0))
_TITLES: Final[tuple[Titles, ...]] = ("as is", "none", "twice")
_WEIGHTS: Final = tuple(n / 10 for n in range(11))
_STAGE_ONE: Final = Plan(timed_queries=1)
_AS_IT_IS: Final = "as-it-is"  # one report serves every choice's default
_NORMAL: Final = 1.96  # standard errors on each side of a 95 % interval


@dataclass(frozen=True, slots=True)
class Measured:
    """A value of a choice on one collection: query by query, its measures."""

    value: str
    values: list[dict[str, float]]
    is_default: bool


@dataclass(frozen=True, slots=True)
class Choice:
    """What is chosen, on how many queries of a collection, and what measures its values."""

    title: str
    queries: int
    measured: Callable[[Collection, Places], Iterator[Measured]]


def _fusion(collection: Collection, places: Places) -> Iterator[Measured]:
    engine = engine_over(collection, places)
    try:
        for weight in _DENSE:
            engine.dense_weight = weight
            value, is_default = f"{weight:g}", weight == DENSE_WEIGHT
            name = _AS_IT_IS if is_default else f"dense-{value}"
            yield Measured(value, _stage_one(engine, collection, places, name), is_default)
        by_rank = RankFusion.like(engine)
        yield Measured("RRF", _stage_one(by_rank, collection, places, "rrf"), is_default=False)
    finally:
        engine.close()


def _passages(collection: Collection, places: Places) -> Iterator[Measured]:
    usual = IndexSettings()
    for words, overlap in _PASSAGES:
        settings = IndexSettings(passage_words=words, overlap_words=overlap)
        value = "whole" if words == _WHOLE else f"{words} / {overlap}"
        name = f"passages-{words}-{overlap}"
        yield _indexed(collection, places, (value, name), settings, is_default=settings == usual)


def _titles(collection: Collection, places: Places) -> Iterator[Measured]:
    if not has_titles(collection):
        return
    for titles in _TITLES:
        folder = places.cache / "variants" / f"{collection.name}-titles-{titles}"
        varied = retitled(collection, titles, folder)
        value = (titles, f"titles-{titles}")
        yield _indexed(varied, places, value, IndexSettings(), is_default=titles == "as is")


def _weight(collection: Collection, places: Places) -> Iterator[Measured]:
    # Remembered below its weights too: the time of a query is not asked here.
    reranker = RememberedReranker(load_reranker(), places.cache / "scores")
    engine = engine_over(collection, places)
    try:
        weighted = [Weighted(reranker, weight) for weight in _WEIGHTS]
        name = _report_name(collection, "weights")
        evaluated(engine, collection, weighted, _STAGE_ONE, places, name)
    finally:
        engine.close()
    lines = list(read_per_query(places.reports / name))
    for row, weight in enumerate(_WEIGHTS):
        values = [line["rows"][row]["realistic"] for line in lines]
        yield Measured(f"{weight:g}", values, is_default=weight == reranker.weight)


CHOICES: Final = {
    "fusion": Choice("weight of dense", 500, _fusion),
    "passages": Choice("words / overlap", 500, _passages),
    "titles": Choice("titles", 500, _titles),
    "weight": Choice("weight of the reranker", 150, _weight),
}


def _indexed(
    collection: Collection,
    places: Places,
    value: tuple[str, str],
    settings: IndexSettings,
    *,
    is_default: bool,
) -> Measured:
    engine = engine_over(collection, places, settings)
    try:
        name = _AS_IT_IS if is_default else value[1]
        return Measured(value[0], _stage_one(engine, collection, places, name), is_default)
    finally:
        engine.close()


def _stage_one(
    engine: SearchEngine, collection: Collection, places: Places, name: str
) -> list[dict[str, float]]:
    folder = _report_name(collection, name)
    evaluated(engine, collection, [None], _STAGE_ONE, places, folder)
    return [line["rows"][0]["base"] for line in read_per_query(places.reports / folder)]


def _report_name(collection: Collection, name: str) -> str:
    return f"choices/{collection.name}-{collection.split}-{name}".replace(" ", "-")


def measure(name: str, split: Split, places: Places, queries: int | None = None) -> list[Row]:
    """Return the cells of a choice on one collection: a row for each of its values.

    `queries` is how many of the collection's are asked; None is the choice's own number.
    """
    choice = CHOICES[name]
    collection = load(*split, places.cache).sample(queries or choice.queries)
    found = list(choice.measured(collection, places))
    told = stamp()
    usual = next((one.values for one in found if one.is_default), None)
    return [
        {
            "choice": name,
            "value": one.value,
            "is_default": one.is_default,
            "collection": collection.name,
            "split": collection.split,
            "queries": len(collection.queries),
            **{m: round(fmean(v[m] for v in one.values), 5) for m in _SHOWN},
            **({} if usual is None else _against(usual, one.values)),
            **told,
        }
        for one in found
    ]


def _against(usual: Sequence[dict[str, float]], other: Sequence[dict[str, float]]) -> Row:
    """Return the mean difference to what is done now, and its standard error."""
    apart = np.array([b[_SHOWN[0]] - a[_SHOWN[0]] for a, b in zip(usual, other, strict=True)])
    error = apart.std(ddof=1) / sqrt(len(apart)) if len(apart) > 1 else 0.0
    return {"difference": round(float(apart.mean()), 5), "error": round(float(error), 5)}


def table(name: str, cells: Sequence[Row]) -> str:
    """Return a choice as Markdown: a line for each value, a column for each collection."""
    mine = [cell for cell in cells if cell["choice"] == name]
    found = {(cell["collection"], cell["split"]) for cell in mine}
    splits = [split for split in DEV if split in found]
    values = dict.fromkeys(cell["value"] for cell in mine)
    head = [CHOICES[name].title, *(f"{shown(c)} {s}" for c, s in splits), "mean", "to the default"]
    by_value = {
        v: {(c["collection"], c["split"]): c for c in mine if c["value"] == v} for v in values
    }
    lines = [_line(v, [by_value[v][s] for s in splits if s in by_value[v]], splits) for v in values]
    return markdown(head, lines)


def _line(value: str, cells: Sequence[dict[str, Any]], splits: Sequence[Split]) -> list[str]:
    found = {
        (c["collection"], c["split"]): " / ".join(percent(c[m]) for m in _SHOWN) for c in cells
    }
    whole = len(found) == len(splits)
    mean = " / ".join(percent(fmean(c[m] for c in cells)) for m in _SHOWN) if whole else ""
    is_default = any(c["is_default"] for c in cells)
    apart = ""
    if whole and not is_default and all("difference" in c for c in cells):
        error = sqrt(sum(c["error"] ** 2 for c in cells)) / len(cells)
        apart = f"{100 * fmean(c['difference'] for c in cells):+.2f} ± {100 * _NORMAL * error:.2f}"
    name = f"**{value}**" if is_default else value
    return [name, *(found.get(split, "") for split in splits), mean, apart]
