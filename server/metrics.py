"""LEAF (prometheus_client): numbers about a running server, for Prometheus.

Every series exists from the start, so that a rate of errors is 0 before the first and not nothing.
Labels have few values: routes as templates, stages, reasons; no query, no key, no document.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final, Protocol, get_args, runtime_checkable

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from engine.answer import DegradedReason
from engine.shortlist import STAGES
from server.live import NotReadyError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from engine.answer import Answer
    from engine.search import SearchEngine
    from server.live import LiveEngine

_SECONDS: Final = (
    0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, math.inf,
)  # fmt: skip
_PAIRS: Final = (1, 2, 4, 8, 16, 32, 64, 128, 256, math.inf)


class Metrics:
    """The series of one application, in a registry of its own.

    Attributes:
        routes: templates of the routes that are told apart.
        running: requests that are being answered.
        queue_size: pairs, or requests, that wait for the reranker.
    """

    def __init__(self, live: LiveEngine, version: str, routes: Mapping[str, set[int]]) -> None:
        """Make all series.

        Args:
            live: the engine whose index and models are told.
            version: of Shortlist.
            routes: of each route the statuses that it may answer with.
        """
        disable_created_metrics()  # a second series for each, that nobody asks for
        self.routes = frozenset(routes)
        self._registry = registry = CollectorRegistry()
        self._requests = Counter(
            "shortlist_http_requests", "Requests answered.", ["route", "status"], registry=registry
        )
        self._seconds = Histogram(
            "shortlist_http_request_duration_seconds", "From first to last byte.", ["route"],
            buckets=_SECONDS, registry=registry,
        )  # fmt: skip
        self.running = Gauge(
            "shortlist_requests_running", "Requests being answered.", registry=registry
        )
        self._stages = Histogram(
            "shortlist_stage_duration_seconds", "Stages of searches.", ["stage"],
            buckets=_SECONDS, registry=registry,
        )  # fmt: skip
        self._degraded = Counter(
            "shortlist_degraded_searches", "Searches of which a part could not do its work.",
            ["reason"], registry=registry,
        )  # fmt: skip
        self.queue_size = Gauge(
            "shortlist_rerank_queue_size", "Waiting for the reranker.", registry=registry
        )
        self._batch_size = Histogram(
            "shortlist_rerank_batch_size", "Pairs that the reranker read at once.",
            buckets=_PAIRS, registry=registry,
        )  # fmt: skip
        self._pairs = Counter(
            "shortlist_rerank_pairs", "Pairs that the reranker read.", registry=registry
        )
        self._begin(routes)
        registry.register(_Index(live, version))

    def _begin(self, routes: Mapping[str, set[int]]) -> None:
        for route, statuses in routes.items():
            self._seconds.labels(route)
            for status in statuses:
                self._requests.labels(route, str(status))
        for stage in STAGES:
            self._stages.labels(stage)
        for reason in get_args(DegradedReason):
            self._degraded.labels(reason)

    def ended(self, route: str, status: int, seconds: float) -> None:
        """Take note of a request that was answered."""
        self._requests.labels(route, str(status)).inc()
        self._seconds.labels(route).observe(seconds)

    def answered(self, answer: Answer) -> None:
        """Take note of a search."""
        for stage, milliseconds in answer.timings_ms.items():
            if stage in STAGES:
                self._stages.labels(stage).observe(milliseconds / 1000)
        if answer.degraded_reason:
            self._degraded.labels(answer.degraded_reason).inc()

    def reranked(self, pairs: int) -> None:
        """Take note of a batch that the reranker read."""
        self._batch_size.observe(pairs)
        self._pairs.inc(pairs)

    def text(self) -> bytes:
        """Return all of it in Prometheus' text format; it looks at the index."""
        return generate_latest(self._registry)


@runtime_checkable
class OnDisk(Protocol):
    """What a snapshot tells that lies in files."""

    @property
    def committed(self) -> float:
        """When its commit was made, in seconds since the epoch; 0 if that is not known."""
        ...

    def size_bytes(self) -> int:
        """Return how large the index is."""
        ...


class _Index(Collector):
    """The index and the models, looked at when they are asked for."""

    def __init__(self, live: LiveEngine, version: str) -> None:
        self._live = live
        self._version = version

    def collect(self) -> Iterator[GaugeMetricFamily]:
        try:
            with self._live.use() as engine:
                yield from self._all(_facts(engine), _models(engine))
        except NotReadyError:
            yield from self._all(dict.fromkeys(_HELP, 0.0), ("", ""))

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Say the names without a look at the index."""
        yield from self._all(dict.fromkeys(_HELP, 0.0), ("", ""))

    def _all(
        self, facts: Mapping[str, float], models: tuple[str, str]
    ) -> Iterator[GaugeMetricFamily]:
        for name, value in facts.items():
            yield GaugeMetricFamily(f"shortlist_index_{name}", _HELP[name], value)
        build = GaugeMetricFamily(
            "shortlist_build_info", "What runs here.", labels=["version", "encoder", "reranker"]
        )
        build.add_metric([self._version, *models], 1)
        yield build


_HELP: Final = {
    "documents": "Documents in the index.",
    "passages": "Passages in the index.",
    "size_bytes": "Size of the index on disk.",
    "generation": "Number of the commit that answers.",
    "commit_timestamp_seconds": "When that commit was made.",
}


def _facts(engine: SearchEngine) -> dict[str, float]:
    snapshot = engine.snapshot
    documents, passages = snapshot.count()
    on_disk = snapshot if isinstance(snapshot, OnDisk) else None
    return {
        "documents": documents,
        "passages": passages,
        "size_bytes": on_disk.size_bytes() if on_disk else 0,
        "generation": snapshot.generation,
        "commit_timestamp_seconds": on_disk.committed if on_disk else 0,
    }


def _models(engine: SearchEngine) -> tuple[str, str]:
    return engine.encoder.name, engine.reranker.name if engine.reranker else ""
