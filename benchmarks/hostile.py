"""Hostile requests to a running server: each is answered, refused with the reason, or cut off.

Raw sockets send what no HTTP library would. An answer is whole and no 5xx (but 503 with
Retry-After), a 4xx says why, and no connection lasts longer than LIMIT. Meanwhile the server's
memory and its open files are looked at: they must end where they began.
"""

from __future__ import annotations

import json
import socket
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from itertools import repeat
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.request import urlopen

from benchmarks.attacks import attacks
from benchmarks.results import measured_here
from benchmarks.served import make_index, serving
from benchmarks.tables import markdown
from engine.errors import ShortlistError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.raw_requests import Attack
    from benchmarks.served import Served

TIMEOUT: Final = 5.0  # seconds that the server gives a request and its body
LIMIT: Final = 60.0  # seconds of a whole conversation; the server's own limits are far below
_CLIENTS: Final = 32  # at the same time
_THIRDS: Final = 3
_MORE_FILES: Final = 10  # those of another commit, and whoever just connects
_SETTLE: Final = 20.0  # seconds for the last connections to be closed
_DOCUMENTS: Final = {"fish.txt": "The red fish swims.\n", "cats.md": "# Cats\n\nCats purr.\n"}


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an attack.

    Attributes:
        statuses: of the answers, in their order.
        seconds: from the connection to its end.
        fault: what is wrong with that; empty if nothing is.
    """

    kind: str
    statuses: tuple[int, ...]
    seconds: float
    fault: str = ""


def send(port: int, attack: Attack, limit: float = LIMIT) -> Outcome:
    """Attack a server on loopback, and judge what it does."""
    start = time.monotonic()
    statuses: list[int] = []
    fault = ""
    with socket.create_connection(("127.0.0.1", port), timeout=limit) as connection:
        sender = threading.Thread(target=_send, args=(connection, attack), daemon=True)
        sender.start()
        if attack.leaves:
            sender.join(limit)
        else:
            fault = _read(connection, attack, statuses, start + limit)
    sender.join(limit)
    if not (fault or statuses or attack.unanswered):
        fault = "closed without an answer"
    return Outcome(attack.kind, tuple(statuses), round(time.monotonic() - start, 2), fault)


def _send(connection: socket.socket, attack: Attack) -> None:
    # A server may close before it has read everything.
    with suppress(OSError):
        for part in attack.parts:
            connection.sendall(part)
            time.sleep(attack.pause)


def _read(connection: socket.socket, attack: Attack, statuses: list[int], deadline: float) -> str:
    """Read answers until the server closes; return what is wrong, if anything."""
    method = attack.parts[0].partition(b" ")[0].decode("latin-1")
    answers = _Answers(connection, deadline)
    try:
        while answers.more():
            answer = HTTPResponse(answers, method=method)  # pyright: ignore[reportArgumentType]
            answer.begin()
            body = answer.read()
            statuses.append(answer.status)
            if fault := _fault(answer, body, method):
                return fault
    except TimeoutError:
        return f"the connection is open after {LIMIT:g} seconds"
    except ConnectionError:
        # It closed while there was more to read: the kernel then resets.
        return ""
    except (HTTPException, ValueError) as error:
        return f"no HTTP: {error!r}"
    return ""


class _Answers:
    """Several answers of one connection, which has until a deadline."""

    def __init__(self, connection: socket.socket, deadline: float) -> None:
        connection.settimeout(max(0.1, deadline - time.monotonic()))
        self._file = connection.makefile("rb")

    def more(self) -> bool:
        return bool(self._file.peek(1))  # pyright: ignore[reportAttributeAccessIssue]

    def makefile(self, mode: str) -> Any:  # noqa: ANN401 - as HTTPResponse asks
        del mode
        return _Kept(self._file)


class _Kept:
    """A file that is not closed with one answer."""

    def __init__(self, file: Any) -> None:  # noqa: ANN401
        self._file = file

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        return getattr(self._file, name)

    def close(self) -> None:
        pass


def _fault(answer: HTTPResponse, body: bytes, method: str) -> str:
    if answer.status == 503 and answer.getheader("Retry-After"):
        return ""
    if answer.status >= 500:
        return f"status {answer.status}"
    if answer.status < 400 or method == "HEAD":
        return ""
    try:
        why = json.loads(body)["detail"]
    except (ValueError, KeyError, TypeError):
        return f"a {answer.status} that does not say why: {body[:100]!r}"
    return "" if isinstance(why, str) and why else f"an empty reason with {answer.status}"


def attack_all(count: int, seed: int, reranker: str = "") -> dict[str, Any]:
    """Send so many hostile requests to a server of its own; return what is committed."""
    with tempfile.TemporaryDirectory() as folder:
        documents = Path(folder) / "docs"
        documents.mkdir()
        for name, text in _DOCUMENTS.items():
            (documents / name).write_text(text, "utf-8")
        index = Path(folder) / "index"
        make_index(documents, index)
        options = ["--writable", "--feedback", "--timeout", f"{TIMEOUT:g}"]
        options += ["--reranker", reranker] if reranker else []
        with serving(index, options) as server:
            found = besiege(server, count, seed)
    return {**measured_here(f"python -m benchmarks hostile --requests {count}"), **found}


def besiege(server: Served, count: int, seed: int) -> dict[str, Any]:
    """Send so many hostile requests to a server, in thirds, and look at it in between."""
    # What is loaded with the first requests of each kind is no leak.
    _all(server.port, list(attacks(count // 10, seed + 1)))
    wanted = list(attacks(count, seed))
    memory = [server.resident_mb()]
    files = [_open_files(server)]
    outcomes: list[Outcome] = []
    start = time.monotonic()
    for third in range(_THIRDS):
        at = [len(wanted) * edge // _THIRDS for edge in (third, third + 1)]
        outcomes += _all(server.port, wanted[slice(*at)])
        memory.append(server.resident_mb())
    seconds = time.monotonic() - start
    _settle(server, files)
    faults = [f"{o.kind}: {o.fault} {list(o.statuses)}" for o in outcomes if o.fault]
    faults += [f"in the log: {fault}" for fault in server.faults()]
    if files[-1] > files[0] + _MORE_FILES:
        faults.append(f"{files[-1] - files[0]} more files are open than before")
    if not _answers(server):
        faults.append("the server does not answer a search any more")
    return {
        "requests": len(outcomes),
        "seed": seed,
        "seconds": round(seconds, 1),
        "limit_seconds": LIMIT,
        "slowest_seconds": max(o.seconds for o in outcomes),
        "resident_mb": {"before": memory[0], "after_each_third": memory[1:]},
        "peak_mb": server.peak_mb(),
        "open_files": {"before": files[0], "after": files[-1]},
        "faults": faults,
        "kinds": _by_kind(outcomes),
    }


def _all(port: int, wanted: Sequence[Attack]) -> list[Outcome]:
    with ThreadPoolExecutor(_CLIENTS) as pool:
        return list(pool.map(send, repeat(port), wanted))


def _settle(server: Served, files: list[int]) -> None:
    """Wait until the server has closed what the attacks left open."""
    deadline = time.monotonic() + _SETTLE
    files.append(_open_files(server))
    while files[-1] > files[0] and time.monotonic() < deadline:
        time.sleep(0.5)
        files.append(_open_files(server))


def _open_files(server: Served) -> int:
    return len(list(Path(f"/proc/{server.process.pid}/fd").iterdir()))


def _answers(server: Served) -> bool:
    with urlopen(f"{server.url}/search?q=red+fish", timeout=LIMIT) as answer:  # noqa: S310
        results = json.load(answer)["results"]
    return bool(results) and results[0]["document"].endswith("fish.txt")


def _by_kind(outcomes: Sequence[Outcome]) -> list[dict[str, Any]]:
    kinds = dict.fromkeys(outcome.kind for outcome in outcomes)
    return [_row(kind, [o for o in outcomes if o.kind == kind]) for kind in kinds]


def _row(kind: str, some: Sequence[Outcome]) -> dict[str, Any]:
    counts = Counter(status for outcome in some for status in outcome.statuses)
    return {
        "kind": kind,
        "requests": len(some),
        "statuses": {str(status): counts[status] for status in sorted(counts)},
        "closed_without_answer": sum(not outcome.statuses for outcome in some),
        "slowest_seconds": max(outcome.seconds for outcome in some),
    }


def table(found: dict[str, Any]) -> str:
    """Return a line for each kind as Markdown."""
    head = ("", "requests", "answers", "closed", "slowest, s")
    rows = [
        [
            row["kind"],
            str(row["requests"]),
            ", ".join(f"{number} x {status}" for status, number in row["statuses"].items()),
            str(row["closed_without_answer"]),
            f"{row['slowest_seconds']:.1f}",
        ]
        for row in found["kinds"]
    ]
    return markdown(head, rows)


def require_none(found: dict[str, Any]) -> None:
    """Raise ShortlistError if anything was wrong."""
    if found["faults"]:
        raise ShortlistError("\n".join([f"{len(found['faults'])} faults:", *found["faults"]]))
