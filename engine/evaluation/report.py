"""report.json: everything that an evaluation found, and what it was found on."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from itertools import combinations
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from engine.evaluation.measures import Measures
from engine.evaluation.reports import FORMAT, read_per_query
from engine.evaluation.rows import RUNS, Column
from engine.evaluation.significance import holm, intervals, randomisation

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from engine.evaluation.collection import Collection, Synthetic
    from engine.evaluation.environment import Environment
    from engine.evaluation.latency import Latency
    from engine.evaluation.plan import Plan
    from engine.evaluation.rows import Row
    from engine.search import SearchEngine
    from engine.types import FloatArray

_SHOWN: Final[tuple[Column, ...]] = ("base", "realistic", "always_rerank_positives", "ceiling")


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known before the first query: of the collection, the index, the machine."""

    collection: Collection
    plan: Plan
    measures: tuple[str, ...]
    data: dict[str, Any]
    environment: Environment

    @classmethod
    def of(
        cls,
        engine: SearchEngine,
        collection: Collection,
        plan: Plan,
        measures: tuple[str, ...],
        environment: Environment,
    ) -> Facts:
        """Gather the facts of an evaluation."""
        documents, passages = engine.snapshot.count()
        positives = [sum(g > 0 for g in grades.values()) for grades in collection.qrels.values()]
        data = {
            "checksums": dict(collection.checksums),
            "documents": documents,
            "passages": passages,
            "encoder": engine.encoder.name,
            "index": dict(environment.index),
            "positives": _spread(positives),
            "synthetic": _made(collection.synthetic),
            "notes": list(collection.notes),
        }
        return cls(
            collection=collection,
            plan=plan,
            measures=measures,
            data=data,
            environment=environment,
        )


@dataclass(frozen=True, slots=True)
class _Values:
    """Per query: (rows, columns, queries, measures) values, NaN where a row has no such column."""

    values: np.ndarray
    candidates: list[int]
    curve: list[dict[int, list[float | None]]]
    perfect: FloatArray

    def of(self, row: int, column: Column) -> np.ndarray:
        """Return (queries, measures) values."""
        return self.values[row, list(RUNS).index(column)]


def build_report(
    folder: Path, facts: Facts, rows: Sequence[Row], latencies: Sequence[Latency]
) -> dict[str, Any]:
    """Return report.json, made of the values of every query that lie in the folder."""
    values = _read_values(folder, facts, rows)
    described = [
        _described(number, row, latency, values, facts)
        for number, (row, latency) in enumerate(zip(rows, latencies, strict=True))
    ]
    found = {
        "format": FORMAT,
        "collection": facts.collection.name,
        "split": facts.collection.split,
        "queries": len(facts.collection.queries),
        "date": datetime.now(UTC).date().isoformat(),
        "machine": dict(facts.environment.machine),
        "versions": dict(facts.environment.versions),
        "commit": facts.environment.commit,
        "command": facts.environment.command,
        "seed": facts.plan.seed,
        "options": asdict(facts.plan),
        "data": facts.data | {"candidates": _spread(values.candidates)},
        "measures": list(facts.measures),
        "primary": facts.measures[0],
        "rows": described,
        "comparisons": [],
    }
    _compare(found, values, facts)
    return found


def _read_values(folder: Path, facts: Facts, rows: Sequence[Row]) -> _Values:
    queries = len(facts.collection.queries)
    values = np.full((len(rows), len(RUNS), queries, len(facts.measures)), np.nan)
    sums: list[dict[int, list[list[float]]]] = [
        defaultdict(lambda: [[] for _ in _SHOWN]) for _ in rows
    ]
    candidates: list[int] = []
    for number, line in enumerate(read_per_query(folder)):
        candidates.append(line["rows"][0]["candidates"])
        for row, said in enumerate(line["rows"]):
            for column, name in enumerate(RUNS):
                if said[name] is not None:
                    values[row, column, number] = [said[name][m] for m in facts.measures]
            for depth, *points in said["curve"]:
                for place, point in zip(sums[row][depth], points, strict=True):
                    if point is not None:
                        place.append(point)
    curve = [
        {depth: [float(np.mean(p)) if p else None for p in points] for depth, points in by.items()}
        for by in sums
    ]
    return _Values(values, candidates, curve, _perfect(facts))


def _perfect(facts: Facts) -> FloatArray:
    """Return (queries,) values of the primary measure when every positive comes first."""
    qrels = facts.collection.qrels
    ideal = {
        query: sorted((d for d, g in grades.items() if g > 0), key=lambda d, g=grades: -g[d])
        for query, grades in qrels.items()
    }
    found = Measures(facts.measures[:1]).judge(qrels).primary(ideal)
    return np.array([found[query] for query in facts.collection.queries], np.float32)


def _described(
    number: int, row: Row, latency: Latency, values: _Values, facts: Facts
) -> dict[str, Any]:
    names = facts.measures
    means: dict[str, Any] = {}
    bounds: dict[str, Any] = {}
    for column in RUNS:
        mine = values.of(number, column)
        known = column in row.columns
        means[column] = _named(names, mine.mean(0)) if known else None
        if column in _SHOWN:
            limits = intervals(mine, seed=facts.plan.seed) if known else None
            bounds[column] = None if limits is None else _named(names, limits)
    reached = means["realistic"]
    best = means["ceiling"][names[0]]
    return {
        "name": row.name,
        "sources": row.sources,
        "reranker": row.reranker.name if row.reranker else None,
        "parameters": row.reranker.parameters if row.reranker else None,
        "depth": row.depth,
        "weight": row.reranker.weight if row.reranker else None,
        **means,
        "intervals": bounds,
        "retrieval_loss": float(values.perfect.mean()) - best,
        "ranking_loss": None if reached is None else best - reached[names[0]],
        "significance": None,
        "pairs_per_second": latency.pairs_per_second,
        "ms_per_query": latency.ms_per_query,
        "ms_first_stage": latency.ms_first_stage,
        "timed_queries": latency.queries,
        "curve": [
            {"depth": depth, **dict(zip(_SHOWN, points, strict=True))}
            for depth, points in sorted(values.curve[number].items())
        ],
    }


def _compare(found: dict[str, Any], values: _Values, facts: Facts) -> None:
    """Test realistic against base in each row, and the rows against each other.

    Two rows whose queries never differ are no comparison, and one whose differences are those of a
    comparison before it says nothing new (a row without a reranker is another's base): neither is
    made, so that neither costs the others their power.
    """
    rows = found["rows"]
    base = [values.of(n, "base")[:, 0] for n in range(len(rows))]
    reached = [
        values.of(n, "realistic")[:, 0] if row["realistic"] else base[n]
        for n, row in enumerate(rows)
    ]
    against_base = {(n, n): reached[n] - base[n] for n, row in enumerate(rows) if row["realistic"]}
    pairs = {(a, b): reached[b] - reached[a] for a, b in combinations(range(len(rows)), 2)}
    seen: set[bytes] = {np.abs(vector).tobytes() for vector in against_base.values()}
    for pair, vector in pairs.items():
        told = np.abs(vector).tobytes()
        if vector.any() and told not in seen:
            seen.add(told)
            against_base[pair] = vector
    for (a, b), outcome in _tested(against_base, facts.plan.seed).items():
        if a == b:
            rows[a]["significance"] = outcome
        else:
            found["comparisons"].append({"a": a, "b": b, "measure": facts.measures[0], **outcome})


def _tested(
    differences: Mapping[tuple[int, int], np.ndarray], seed: int
) -> dict[tuple[int, int], dict[str, Any]]:
    """Return mean, interval and p-values of differences (queries,), corrected together."""
    if not differences:
        return {}
    stacked = np.stack(list(differences.values()), axis=1)
    ps = randomisation(stacked, seed=seed)
    corrected = np.ones(len(ps))
    differ = np.flatnonzero(stacked.any(axis=0))
    corrected[differ] = holm(ps[differ])
    limits = intervals(stacked, seed=seed)
    return {
        pair: {
            "difference": float(stacked[:, n].mean()),
            "interval": limits[n].tolist(),
            "p": float(ps[n]),
            "p_corrected": float(corrected[n]),
        }
        for n, pair in enumerate(differences)
    }


def _made(synthetic: Synthetic | None) -> dict[str, Any] | None:
    if synthetic is None:
        return None
    return {
        "how": synthetic.how,
        "shared_words": synthetic.shared_words,
        "kinds": dict(synthetic.kinds),
    }


def _named(names: Sequence[str], values: np.ndarray) -> dict[str, Any]:
    return dict(zip(names, values.tolist(), strict=True))


def _spread(counts: Sequence[int]) -> dict[str, float]:
    return {"min": min(counts), "mean": round(float(np.mean(counts)), 3), "max": max(counts)}
