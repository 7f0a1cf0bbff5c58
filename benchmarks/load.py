"""Load from a second process: a server that is asked by many clients at the same time.

    levels      1, 8 and 32 clients, without reranking, with it, and with a budget
    batching    micro-batches beside one request at a time, and one pair at a time, at 8 clients
    fairness    short searches beside one client that has long lists reranked, for each of these
    rewriting   searches while the index changes (benchmarks/rewriting.py)

Clients wait for their answer before they ask again, and run on the same processors as the server:
what they cost is in the figures.
"""

from __future__ import annotations

import json
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from benchmarks.clients import drive, figures
from benchmarks.collections import folder_of
from benchmarks.results import Row, measured_here
from benchmarks.rewriting import rewrite_under_load
from benchmarks.served import make_index, running, serving
from benchmarks.tables import markdown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AbstractContextManager

    from benchmarks.clients import Asked
    from benchmarks.served import Served

SCRATCH: Final = Path(".scratch")
PARTS: Final = ("levels", "batching", "fairness", "rewriting")
_COLLECTION: Final = "scifact"
_CLIENTS: Final = (1, 8, 32)
_AT: Final = 8  # clients that batching is compared at
_SHORT: Final = 10  # candidates of the searches that are compared
_LONG: Final = 100  # texts of a list to rerank
_WAYS: Final = ("micro-batches", "request", "pair")
_KINDS: Final[dict[str, dict[str, Any]]] = {
    "stage one": {"rerank": False},
    "50 reranked": {},
    "50 reranked, budget 500 ms": {"budget_ms": 500},
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What is asked.

    Attributes:
        index: of the collection.
        queries: of the collection.
        reranker: as `shortlist serve` takes it.
        seconds: of each figure without reranking; those with it take three times as long.
    """

    index: Path
    queries: Sequence[str]
    reranker: str
    seconds: float

    def serve(self, way: str = "micro-batches") -> AbstractContextManager[Served]:
        """Run a server that shares its reranker in one of the ways."""
        if way == "micro-batches":
            return serving(self.index, ["--reranker", self.reranker] if self.reranker else [])
        module = [sys.executable, "-m", "benchmarks.one_by_one"]
        return running([*module, str(self.index), way, *filter(None, [self.reranker])])

    def searching(self, **options: object) -> Callable[[int, int], tuple[str, Mapping[str, Any]]]:
        """Return what asks the collection's questions, each client others."""

        def question(client: int, turn: int) -> tuple[str, Mapping[str, Any]]:
            at = (client * 37 + turn) % len(self.queries)
            return "/search", {"query": self.queries[at], **options}

        return question


def measure_load(
    seconds: float, reranker: str = "", only: Sequence[str] = (), limit: int = 0
) -> dict[str, Any]:
    """Return the figures that are committed.

    Args:
        seconds: see Load.
        reranker: as `shortlist serve` takes it.
        only: parts that are measured, default all.
        limit: documents that are indexed; 0 is all.
    """
    wanted = only or PARTS
    load = _prepared(seconds, reranker, limit)
    found: dict[str, Any] = {}
    if "levels" in wanted:
        with load.serve() as server:
            found["levels"] = _levels(server, load)
    for part, measure in (("batching", _batching), ("fairness", _fairness)):
        if part in wanted:
            rows: list[Row] = []
            for way in _WAYS:
                with load.serve(way) as server:
                    rows.append({"way": way, **measure(server, load)})
            found[part] = rows
    if "rewriting" in wanted:
        found["rewriting"] = rewrite_under_load(SCRATCH / "rewriting", reranker, 3 * seconds)
    return {
        **measured_here(f"python -m benchmarks load --seconds {seconds:g}"),
        "collection": _COLLECTION,
        "reranker": reranker,
        **found,
    }


def _prepared(seconds: float, reranker: str, limit: int) -> Load:
    folder = folder_of(_COLLECTION)
    SCRATCH.mkdir(exist_ok=True)
    index, corpus = SCRATCH / "load", SCRATCH / "load.jsonl"
    lines = (folder / "corpus.jsonl").read_text("utf-8").splitlines(keepends=True)
    corpus.write_text("".join(lines[: limit or None]), "utf-8")
    shutil.rmtree(index, ignore_errors=True)
    make_index(corpus.absolute(), index.absolute())
    rows = (folder / "queries.jsonl").read_text("utf-8").splitlines()
    queries = [str(json.loads(row)["text"]) for row in rows]
    return Load(index=index.absolute(), queries=queries, reranker=reranker, seconds=seconds)


def _levels(server: Served, load: Load) -> list[Row]:
    rows: list[Row] = []
    for kind, options in _KINDS.items():
        seconds = load.seconds * (1 if options.get("rerank") is False else 3)
        for clients in _CLIENTS:
            some, busy = _measured(server, clients, seconds, load.searching(**options))
            rows.append({"kind": kind, "clients": clients, **figures(some), "cpu_seconds": busy})
    return rows


def _batching(server: Served, load: Load) -> Row:
    """Throughput and latency of searches that are all alike."""
    asking = load.searching(rerank_depth=_SHORT)
    some, busy = _measured(server, _AT, 3 * load.seconds, asking)
    return {"clients": _AT, "rerank_depth": _SHORT, **figures(some), "cpu_seconds": busy}


def _fairness(server: Served, load: Load) -> Row:
    """Latency of short searches, with a budget or none, beside one client with long lists."""
    texts = [f"{query} {load.queries[n - 1]}" for n, query in enumerate(load.queries[:_LONG])]
    asking = load.searching(rerank_depth=_SHORT)
    hurried = load.searching(rerank_depth=_SHORT, budget_ms=500)

    def question(client: int, turn: int) -> tuple[str, Mapping[str, Any]]:
        if client == 0:
            return "/rerank", {"query": load.queries[turn], "documents": texts}
        return (asking if client % 2 else hurried)(client, turn)

    some, busy = _measured(server, _AT, 3 * load.seconds, question)
    parts = {
        "long": [asked for asked in some if asked.client == 0],
        "short": [asked for asked in some if asked.client % 2],
        "short, budget 500 ms": [a for a in some if a.client and a.client % 2 == 0],
    }
    return {"clients": _AT, "cpu_seconds": busy} | {
        name: figures(part) for name, part in parts.items()
    }


def _measured(
    server: Served,
    clients: int,
    seconds: float,
    question: Callable[[int, int], tuple[str, Mapping[str, Any]]],
) -> tuple[list[Asked], float]:
    """Drive a server; return what was asked, and for how long it kept processors busy."""
    before = server.cpu_seconds()
    some = drive(server.port, clients, seconds, question, _kept)
    return some, round(server.cpu_seconds() - before, 1)


def _kept(answer: dict[str, Any]) -> dict[str, Any]:
    return {"degraded_reason": answer.get("degraded_reason")}


# -- as tables -------------------------------------------------------------------------------------

_HEAD: Final = ("requests/s", "p50 ms", "p95 ms", "p99 ms", "degraded", "503", "failed")


def tables(found: Mapping[str, Any]) -> str:
    """Return what was measured as Markdown."""
    parts: list[str] = []
    if levels := found.get("levels"):
        rows = [[f"{r['kind']}, {r['clients']} clients", *_cells(r)] for r in levels]
        parts.append(markdown(("", *_HEAD), rows))
    if batching := found.get("batching"):
        parts.append(markdown(("", *_HEAD), [[r["way"], *_cells(r)] for r in batching]))
    if fairness := found.get("fairness"):
        names = ("long", "short", "short, budget 500 ms")
        rows = [[f"{r['way']}: {name}", *_cells(r[name])] for r in fairness for name in names]
        parts.append(markdown(("", *_HEAD), rows))
    if rewriting := found.get("rewriting"):
        more = ("commits", "answers mixed")
        rows = [[r["by"], *_cells(r), str(r["commits"]), str(r["mixed"])] for r in rewriting]
        parts.append(markdown(("", *_HEAD, *more), rows))
    return "\n\n".join(parts)


def _cells(row: Mapping[str, Any]) -> list[str]:
    times = ["" if row[p] is None else f"{row[p]:,.0f}" for p in ("p50", "p95", "p99")]
    degraded = sum(row["degraded"].values())
    lost = [str(row["refused_503"]), str(row["failed"])]
    return [f"{row['per_second']:.2f}", *times, str(degraded), *lost]
