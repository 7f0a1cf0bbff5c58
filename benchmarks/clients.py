"""Clients that ask a server one request after the other, and what became of their requests."""

from __future__ import annotations

import http.client
import json
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import count
from typing import TYPE_CHECKING, Any, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_PATIENCE: Final = 120  # seconds; a server's own limits are far below
JSON: Final = {"Content-Type": "application/json"}

# Returns path and body of a client's request, given the client's number and how many it sent.
Question = "Callable[[int, int], tuple[str, Mapping[str, Any]]]"


@dataclass(slots=True)
class Asked:
    """One request: when it was sent, how long it took in seconds, its status and answer."""

    client: int
    sent: float
    seconds: float
    status: int
    answer: dict[str, Any] = field(default_factory=dict[str, Any])


class Client:
    """A connection that is kept, and made again where the server closed it."""

    def __init__(self, port: int) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=_PATIENCE)

    def ask(
        self, method: str, path: str, body: Mapping[str, Any] | None = None
    ) -> tuple[int, dict[str, Any]]:
        """Return (status, answer); 0 where the connection broke."""
        content = None if body is None else json.dumps(body)
        for fresh in (False, True):
            try:
                self._connection.request(method, path, content, JSON if content else {})
                response = self._connection.getresponse()
                return response.status, json.loads(response.read())
            except (ConnectionError, http.client.RemoteDisconnected):
                # A connection that was idle may have been closed meanwhile; a fresh one may not.
                self._connection.close()
                if fresh:
                    return 0, {}
            except (OSError, http.client.HTTPException):
                self._connection.close()
                return 0, {}
        return 0, {}

    def close(self) -> None:
        """Hang up."""
        self._connection.close()


def drive(
    port: int,
    clients: int,
    seconds: float,
    question: Callable[[int, int], tuple[str, Mapping[str, Any]]],
    keep: Callable[[dict[str, Any]], dict[str, Any]],
) -> list[Asked]:
    """Let so many clients POST at the same time, each waiting for its answer, for some seconds.

    Args:
        port: where the server listens.
        clients: how many there are.
        seconds: after which no further request is sent; the last answers are waited for.
        question: path and body of a request, given the client's number and how many it sent.
        keep: what of an answer is kept.
    """
    end = time.monotonic() + seconds
    begin = threading.Barrier(clients)

    def run(number: int) -> list[Asked]:
        found: list[Asked] = []
        client = Client(port)
        begin.wait()
        for turn in count():
            sent = time.monotonic()
            if sent >= end:
                break
            path, body = question(number, turn)
            status, answer = client.ask("POST", path, body)
            took = time.monotonic() - sent
            found.append(Asked(number, sent, took, status, keep(answer) if status == 200 else {}))
        client.close()
        return found

    with ThreadPoolExecutor(clients) as pool:
        return [asked for some in pool.map(run, range(clients)) for asked in some]


def figures(some: Sequence[Asked]) -> dict[str, Any]:
    """Return throughput, latencies in ms of what was answered, and what was not."""
    good = [asked.seconds * 1000 for asked in some if asked.status == 200]
    began = min(asked.sent for asked in some)
    ended = max(asked.sent + asked.seconds for asked in some)
    degraded = Counter(r for asked in some if (r := asked.answer.get("degraded_reason")))
    refused = sum(asked.status == 503 for asked in some)
    return {
        "requests": len(some),
        "seconds": round(ended - began, 1),
        "per_second": round(len(good) / (ended - began), 2),
        **{f"p{share}": _percentile(good, share) for share in (50, 95, 99)},
        "degraded": dict(sorted(degraded.items())),
        "refused_503": refused,
        "failed": len(some) - len(good) - refused,
    }


def _percentile(values: Sequence[float], share: int) -> float | None:
    return round(float(np.percentile(values, share)), 1) if values else None
