"""Report folders as `shortlist evaluate` writes them, made from values that a test chooses.

Every key is there and the means belong to the values; the run files are of the right shape, but
nothing was searched: the values do not follow from them.
"""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

MEASURES: Final = ("nDCG@10", "RR@10", "AP", "P@1", "R@100")
DEPTHS: Final = (5, 10, 20, 30, 50, 100, 200)
COLUMNS: Final = ("base", "realistic", "always_rerank_positives", "ceiling")
ALONE: Final = ("realistic_alone", "always_rerank_positives_alone")
MINILM: Final = "all-MiniLM-L6-v2 (bi-encoder, zero-shot)"

Values = dict[str, float]  # measure -> value of one query, or a mean


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A row, with a value of the primary measure for every query; the other columns follow.

    Attributes:
        base: a value in [0, 1] a query; None: drawn.
        realistic: as base; None: drawn, a little better than base. Unused without a reranker.
    """

    sources: str = "hybrid"
    reranker: str | None = MINILM
    depth: int = 50
    parameters: int | None = 22_713_216
    base: Sequence[float] | None = None
    realistic: Sequence[float] | None = None

    @property
    def name(self) -> str:
        """Name of the row's files."""
        model = (self.reranker or "none").partition(" (")[0].replace("/", "_")
        return f"{self.sources}-{model}-{self.depth}"


def make_report(
    folder: Path,
    *rows: Row,
    queries: Mapping[str, str] | int = 20,
    seed: int = 0,
    **changes: Any,  # noqa: ANN401 - any key of report.json
) -> Path:
    """Write a report and return its folder.

    Args:
        folder: made where it is missing.
        rows: one hybrid row with a reranker where there is none.
        queries: id -> text, or how many to make.
        seed: of the values that no row gives.
        changes: keys of report.json that differ from the ordinary, e.g. `split="dev"`.
    """
    rows = rows or (Row(),)
    texts = queries if not isinstance(queries, int) else _texts(queries)
    values = [_per_query(row, len(texts), seed) for row in rows]
    report = _frame(len(texts)) | {
        "rows": [_row(row, lines) for row, lines in zip(rows, values, strict=True)],
        "comparisons": _comparisons(values),
        "losses": _losses(texts, values[0]),
    }
    (folder / "runs" / "ceiling").mkdir(parents=True, exist_ok=True)
    (folder / "runs" / "alone").mkdir(exist_ok=True)
    _write_json(folder / "report.json", report | {"seed": seed} | changes)
    (folder / "report.html").write_text("<!doctype html><title>report</title>", "utf-8")
    (folder / "qrels.trec").write_text("".join(f"{q} 0 d{q} 1\n" for q in texts), "utf-8")
    _write_per_query(folder / "per_query.jsonl", texts, values)
    _write_runs(folder / "runs", rows, texts)
    return folder


def _texts(count: int) -> dict[str, str]:
    return {f"q{n}": f"question number {n}" for n in range(count)}


def _write_json(path: Path, report: dict[str, Any]) -> None:
    path.write_text(json.dumps(report, ensure_ascii=False, indent=1), "utf-8")


def _write_per_query(
    path: Path, texts: Mapping[str, str], values: Sequence[Sequence[dict[str, Any]]]
) -> None:
    with path.open("w", encoding="utf-8") as file:
        for n, (query, text) in enumerate(texts.items()):
            line = {"query": query, "text": text, "rows": [row[n] for row in values]}
            file.write(json.dumps(line, ensure_ascii=False) + "\n")


def _write_runs(folder: Path, rows: Sequence[Row], texts: Mapping[str, str]) -> None:
    run = "".join(
        f"{q} Q0 {d} {rank} {4 - rank:.6f} shortlist\n"
        for q in texts
        for rank, d in enumerate((f"d{q}", "x", "y"), 1)
    )
    for row in rows:
        places = [f"{row.name}.base", f"ceiling/{row.name}"]
        if row.reranker is not None:
            columns = ("realistic", "always")
            places += [f"{at}{row.name}.{column}" for at in ("", "alone/") for column in columns]
        for place in places:
            (folder / f"{place}.trec").write_text(run, "utf-8")


def _measured(value: float) -> Values:
    # Different for every measure, in the same order, and still 0 and 1 at the ends.
    return {name: value ** (1 + n / 4) for n, name in enumerate(MEASURES)}


def _per_query(row: Row, count: int, seed: int) -> list[dict[str, Any]]:
    # What stage one finds does not depend on the reranker.
    drawn, shifts = random.Random(f"{seed} {row.sources}"), random.Random(f"{seed} {row.name}")
    base = row.base or [drawn.choice((0.0, 0.39, 0.5, 0.63, 1.0)) for _ in range(count)]
    realistic = row.realistic or [min(1.0, max(0.0, b + shifts.gauss(0.05, 0.1))) for b in base]
    if {len(base), len(realistic)} != {count}:
        raise ValueError(f"{row.name}: as many values as queries, which are {count}")
    return [_line(row, b, r) for b, r in zip(base, realistic, strict=True)]


def _line(row: Row, base: float, realistic: float) -> dict[str, Any]:
    best = base if row.reranker is None else max(base, realistic)
    numbers: list[float | None] = [base, realistic, (3 * best + 1) / 4, (best + 1) / 2]
    alone: list[float | None] = [realistic * 0.95, best]
    if row.reranker is None:
        numbers[1] = numbers[2] = alone[0] = alone[1] = None
    columns = zip((*COLUMNS, *ALONE), (*numbers, *alone), strict=True)
    line: dict[str, Any] = {c: None if v is None else _measured(v) for c, v in columns}
    line["curve"] = [[depth, *_at(depth, row.depth, numbers)] for depth in DEPTHS]
    return line


def _at(depth: int, scored: int, numbers: Sequence[float | None]) -> list[float | None]:
    """Return the columns at another depth: nearer to base where it is less."""
    base, share = numbers[0] or 0.0, 2 * depth / (depth + scored)
    moved = [None if v is None else min(1.0, base + (v - base) * share) for v in numbers]
    return moved if depth <= scored else [base, None, None, moved[3]]


def _mean(lines: Sequence[dict[str, Any]], column: str) -> Values | None:
    if lines[0][column] is None:
        return None
    return {name: fmean(line[column][name] for line in lines) for name in MEASURES}


def _around(values: Sequence[float]) -> list[float]:
    middle = fmean(values)
    half = 1.96 * stdev(values) / len(values) ** 0.5 if len(values) > 1 else 0.0
    return [middle - half, middle + half]


def _intervals(lines: Sequence[dict[str, Any]], column: str) -> dict[str, list[float]] | None:
    if lines[0][column] is None:
        return None
    return {name: _around([line[column][name] for line in lines]) for name in MEASURES}


def _against(first: Sequence[float], second: Sequence[float]) -> dict[str, Any]:
    differences = [b - a for a, b in zip(first, second, strict=True)]
    low, high = _around(differences)
    p = 0.5 if low <= 0 <= high else 0.001
    return {
        "difference": fmean(differences),
        "interval": [low, high],
        "p": p,
        "p_corrected": min(1, 2 * p),
    }


def _primary(lines: Sequence[dict[str, Any]], *columns: str) -> list[float]:
    column = next(c for c in columns if lines[0][c] is not None)
    return [line[column][MEASURES[0]] for line in lines]


def _row(row: Row, lines: Sequence[dict[str, Any]]) -> dict[str, Any]:
    base, ceiling = _primary(lines, "base"), _primary(lines, "ceiling")
    ranked = None if row.reranker is None else _primary(lines, "realistic")
    return {
        "name": row.name,
        "sources": row.sources,
        "reranker": row.reranker,
        "parameters": None if row.reranker is None else row.parameters,
        "depth": row.depth,
        "weight": None if ranked is None else 0.5,
        **{column: _mean(lines, column) for column in (*COLUMNS, *ALONE)},
        "intervals": {column: _intervals(lines, column) for column in COLUMNS},
        "retrieval_loss": 1 - fmean(ceiling),
        "ranking_loss": None if ranked is None else fmean(ceiling) - fmean(ranked),
        "significance": None if ranked is None else _against(base, ranked),
        "pairs_per_second": None if ranked is None else 14.2,
        "ms_per_query": 11.5 if ranked is None else 3400.0,
        "ms_first_stage": 11.0,
        "timed_queries": min(10, len(lines)),
        "curve": [_point(lines, n, depth) for n, depth in enumerate(DEPTHS)],
    }


def _point(lines: Sequence[dict[str, Any]], n: int, depth: int) -> dict[str, Any]:
    known = zip(*(line["curve"][n][1:] for line in lines), strict=True)
    means = [None if values[0] is None else fmean(values) for values in known]
    return {"depth": depth, **dict(zip(COLUMNS, means, strict=True))}


def _comparisons(values: Sequence[Sequence[dict[str, Any]]]) -> list[dict[str, Any]]:
    ranked = [_primary(lines, "realistic", "base") for lines in values]
    return [
        {"a": a, "b": b, "measure": MEASURES[0], **_against(ranked[a], ranked[b])}
        for b in range(len(ranked))
        for a in range(b)
    ]


def _losses(texts: Mapping[str, str], lines: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    found = [
        _loss(query, text, value, stage)
        for (query, text), value, stage in zip(
            texts.items(),
            _primary(lines, "realistic", "base"),
            ["retrieval", "ranking"] * len(texts),
            strict=False,
        )
        if value < 1
    ]
    return sorted(found, key=lambda loss: loss["value"])[:20]


def _loss(query: str, text: str, value: float, stage: str) -> dict[str, Any]:
    missed = {"lexical": 120, "dense": None, "fused": 140, "final": None}
    seen = {"lexical": 3, "dense": 7, "fused": 4, "final": 9}
    expected = {
        "document": f"d{query}",
        "title": f"Answer to {text}",
        "text": f"What was expected for {text}.",
        "grade": 1,
        "ranks": missed if stage == "retrieval" else seen,
    }
    returned = {
        "document": "x",
        "title": "Something else",
        "text": "What came back.",
        "grade": 0,
        "ranks": {"lexical": 1, "dense": 1, "fused": 1, "final": 1},
    }
    return {
        "query": query,
        "text": text,
        "row": 0,
        "value": value,
        "best": 1.0,
        "stage": stage,
        "expected": [expected],
        "returned": [returned],
    }


def _frame(count: int) -> dict[str, Any]:
    return {
        "format": 1,
        "collection": "toy",
        "split": "test",
        "queries": count,
        "date": "2026-11-21",
        "machine": {"processor": "Intel(R) Xeon(R) CPU", "cores": 2, "system": "Linux"},
        "versions": {"shortlist": "0.1.0", "python": "3.11.9", "tantivy": "0.26.0"},
        "commit": "445ccdf",
        "data": {
            "checksums": {
                "corpus.jsonl": "6f0c",
                "qrels/test.tsv": "1a2b",
                "queries.jsonl": "77aa",
            },
            "documents": 5183,
            "passages": 6100,
            "queries_in_split": 1109,
            "positives": {"min": 1, "mean": 1.1, "max": 5},
            "candidates": {"min": 50, "mean": 50.0, "max": 50},
            "synthetic": None,
            "notes": [],
            "index": {"settings": {"encoder": "wordllama-256", "language": "en", "words": 200}},
        },
        "measures": list(MEASURES),
        "primary": MEASURES[0],
    }
