# pyright: basic
"""Speed and size at 100,000 real passages, beside bm25s in the same run.

The index is built by the command line in a process of its own, whose peak memory the operating
system tells; queries are timed one at a time in this process, stage one alone.
"""

from __future__ import annotations

import gzip
import json
import resource
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import bm25s
import numpy as np
import Stemmer

from benchmarks.collections import data_folder
from benchmarks.results import measured_here
from engine.answer import SearchRequest
from engine.assemble import open_engine

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

SCRATCH = Path(".scratch")
_QUERIES = 500


def measure_speed(passages: int) -> dict[str, object]:
    """Index about so many passages and return the figures that are committed."""
    corpus, queries = _corpus(passages)
    index = SCRATCH / f"speed-{passages}"
    shutil.rmtree(index, ignore_errors=True)
    first = _index(corpus, index)
    again = _index(corpus, index)
    start = time.perf_counter()
    engine = open_engine(index, "none")
    opened = time.perf_counter() - start
    texts = queries[:_QUERIES]
    figures = {
        name: _latency(lambda text, o=options: engine.search(SearchRequest(query=text, **o)), texts)
        for name, options in {
            "lexical": {"sources": "lexical", "rerank": False},
            "dense": {"sources": "dense", "rerank": False},
            "hybrid": {"rerank": False},
            "hybrid, filter keeps 0.1 %": {"rerank": False, "filter": "bucket:7"},
        }.items()
    }
    peer = _bm25s(corpus, texts)
    return {
        **measured_here(f"python -m benchmarks speed --passages {passages}"),
        "index": {**first, "passages_per_second": round(first["passages"] / first["seconds"])},
        "second_run_seconds": again["seconds"],
        "size_mb": round(sum(p.stat().st_size for p in index.rglob("*") if p.is_file()) / 1e6, 1),
        "open_seconds": round(opened, 3),
        "stage_one_ms": figures,
        "bm25s": peer,
        "build_time_ratio_to_bm25s": round(first["seconds"] / peer["index_seconds"], 2),
        "lexical_p50_ratio_to_bm25s": round(figures["lexical"]["p50"] / peer["p50"], 2),
    }


def _corpus(passages: int) -> tuple[Path, list[str]]:
    """Write the first passages of the training mix as records of one passage each, in buckets."""
    path = SCRATCH / f"speed-{passages}.jsonl"
    queries: list[str] = []
    seen: set[str] = set()
    path.parent.mkdir(exist_ok=True)
    with path.open("w", encoding="utf-8") as out:
        for row in _pairs():
            text = " ".join(row["positive"].split()[:180])
            if text in seen or len(seen) >= passages:
                continue
            seen.add(text)
            queries.append(row["query"])
            record = {"_id": f"d{len(seen)}", "text": text, "bucket": len(seen) % 1000}
            out.write(json.dumps(record) + "\n")
    return path, [queries[at] for at in range(0, len(queries), max(1, len(queries) // _QUERIES))]


def _pairs() -> Iterator[dict]:
    folder = (data_folder() or Path()) / "train-mix"
    for file in sorted(folder.glob("*.jsonl.gz")):
        with gzip.open(file, "rt", encoding="utf-8") as lines:
            yield from map(json.loads, lines)


def _index(corpus: Path, index: Path) -> dict:
    shortlist = [sys.executable, "-c", "from server.cli import main; main()"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    run = subprocess.run(
        [*shortlist, "index", corpus, "-i", index, "--json"],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    wall = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    report = json.loads(run.stdout)
    return {
        "passages": report["passages"],
        "encoded": report["encoded"],
        "seconds": round(wall, 2),
        "cpu_seconds": round(
            after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime, 2
        ),
        "peak_memory_mb": round(after.ru_maxrss / 1024),
    }


def _latency(search: Callable[[str], object], texts: Sequence[str]) -> dict[str, float]:
    for text in texts[:20]:
        search(text)
    times = []
    for text in texts:
        start = time.perf_counter()
        search(text)
        times.append((time.perf_counter() - start) * 1000)
    return {"p50": round(float(np.percentile(times, 50)), 2),
            "p95": round(float(np.percentile(times, 95)), 2)}  # fmt: skip


def _bm25s(corpus: Path, texts: Sequence[str]) -> dict[str, float]:
    options = {"stopwords": "en", "stemmer": Stemmer.Stemmer("english"), "show_progress": False}
    start = time.perf_counter()
    with corpus.open(encoding="utf-8") as file:
        documents = [json.loads(line)["text"] for line in file]
    retriever = bm25s.BM25()
    retriever.index(bm25s.tokenize(documents, **options), show_progress=False)
    built = time.perf_counter() - start

    def search(text: str) -> object:
        tokens = bm25s.tokenize([text], **options)
        return retriever.retrieve(tokens, k=100, show_progress=False)

    return {"index_seconds": round(built, 2), **_latency(search, texts)}
