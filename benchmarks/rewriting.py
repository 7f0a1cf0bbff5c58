"""Searches while the index is rewritten: none fails, and none is answered from two commits.

Every document carries the number of the round that wrote it, in its text and in its metadata. One
writer is `shortlist index`, which puts all documents of a round into one commit: an answer has
results of one round. The other is PUT /documents, a commit for each: which round a document had in
a commit is known from the answers to PUT, and an answer says from which commit it is.
"""

from __future__ import annotations

import json
import shutil
import threading
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final

from benchmarks.clients import Client, drive, figures
from benchmarks.served import make_index, serving

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping, Sequence
    from pathlib import Path

    from benchmarks.clients import Asked
    from benchmarks.results import Row
    from benchmarks.served import Served

_DOCUMENTS: Final = 200  # that shortlist index writes in one commit
_PUT: Final = 30  # that are put, each in a commit of its own
_CLIENTS: Final = 8
_K: Final = 30
_WORDS: Final = ("fish", "sea", "heart", "ship", "mill", "corn", "river")


def rewrite_under_load(folder: Path, reranker: str, seconds: float) -> list[Row]:
    """Search while each of the two writers writes as fast as it can; return a row for each."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    options = ["--reranker", reranker] if reranker else []
    rows: list[Row] = []
    for by, judged in (("shortlist index", _by_index), ("PUT /documents", _by_put)):
        index = (folder / f"index{len(rows)}").absolute()
        _write_round(folder.absolute(), index, 1)
        with serving(index, ["--writable", *options]) as server:
            rows.append({"by": by, **judged(server, folder.absolute(), index, seconds)})
            rows[-1]["faults"] = server.faults()
    return rows


def record(number: int, turn: int) -> dict[str, Any]:
    """Return a document as it is written in a round."""
    word, other = _WORDS[number % len(_WORDS)], _WORDS[(number + turn) % len(_WORDS)]
    text = f"The {word} of document {number}, with a {other}. Written in round {turn}."
    return {"_id": f"d{number}", "text": text, "round": turn}


def _write_round(folder: Path, index: Path, turn: int) -> None:
    place = folder / "records.jsonl"
    lines = [json.dumps(record(number, turn)) for number in range(_DOCUMENTS)]
    place.write_text("\n".join(lines) + "\n", "utf-8")
    make_index(place, index)


@contextmanager
def _meanwhile(write: Callable[[int], None]) -> Generator[list[int]]:
    """Write one round after the other until the end; the value grows by each that is written."""
    done: list[int] = []
    failed: list[Exception] = []
    over = threading.Event()

    def run() -> None:
        turn = 2
        try:
            while not over.is_set():
                write(turn)
                done.append(turn)
                turn += 1
        except Exception as error:
            failed.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield done
    finally:
        over.set()
        thread.join()
    if failed:
        raise failed[0]


def _by_index(server: Served, folder: Path, index: Path, seconds: float) -> Row:
    with _meanwhile(lambda turn: _write_round(folder, index, turn)) as done:
        some = drive(server.port, _CLIENTS, seconds, _question, _kept)
    mixed = sum(len({r for _, r in asked.answer.get("results", [])}) > 1 for asked in some)
    return _row(some, len(done), mixed)


def _by_put(server: Served, folder: Path, index: Path, seconds: float) -> Row:
    del folder, index
    writer = Client(server.port)
    # For each document: from which commit on it is of which round.
    history: dict[str, list[tuple[int, int]]] = {}

    def write(turn: int) -> None:
        for number in range(_PUT):
            body = record(number, turn)
            put = {"text": body["text"], "metadata": {"round": turn}}
            status, answer = writer.ask("PUT", f"/documents/put{number}", put)
            while status == 503:
                time.sleep(0.1)
                status, answer = writer.ask("PUT", f"/documents/put{number}", put)
            if status not in (200, 201):
                raise RuntimeError(f"PUT was answered {status}: {answer}")
            history.setdefault(f"put{number}", []).append((answer["snapshot"], turn))
            if over.is_set():
                return

    over = threading.Event()
    write_first = threading.Thread(target=write, args=(1,))
    write_first.start()
    write_first.join()
    with _meanwhile(write):
        some = drive(server.port, _CLIENTS, seconds, _question_put, _kept)
        over.set()
    writer.close()
    commits = sum(map(len, history.values()))
    return _row(some, commits, sum(contradicts(asked.answer, history) for asked in some))


def contradicts(
    answer: Mapping[str, Any], history: Mapping[str, Sequence[tuple[int, int]]]
) -> bool:
    """Whether a result is of another round than its document had in the answer's commit."""
    snapshot = answer.get("snapshot", 0)
    for document, turn in answer.get("results", []):
        of = [t for commit, t in history.get(document, []) if commit <= snapshot]
        if not of or of[-1] != turn:
            return True
    return False


def _question(client: int, turn: int) -> tuple[str, Mapping[str, Any]]:
    query = f"{_WORDS[(client + turn) % len(_WORDS)]} document round"
    return "/search", {"query": query, "k": _K, "depth": 200, "rerank_depth": 5}


def _question_put(client: int, turn: int) -> tuple[str, Mapping[str, Any]]:
    path, body = _question(client, turn)
    return path, {**body, "filter": "path:put*"}


def _kept(answer: dict[str, Any]) -> dict[str, Any]:
    """Keep the commit, and of each result its document and round; text and metadata must agree."""
    results = [
        (r["document"], _round(r) if f"round {_round(r)}." in r["text"] else -1)
        for r in answer["results"]
    ]
    return {
        "snapshot": answer["snapshot"],
        "degraded_reason": answer["degraded_reason"],
        "results": results,
    }


def _round(result: Mapping[str, Any]) -> int:
    return int(float(result["metadata"]["round"]))


def _row(some: Sequence[Asked], commits: int, mixed: int) -> Row:
    snapshots = {asked.answer["snapshot"] for asked in some if asked.answer}
    results = sum(len(asked.answer.get("results", [])) for asked in some)
    return {
        **figures(some),
        "commits": commits,
        "commits_seen": len(snapshots),
        "results_compared": results,
        "mixed": mixed,
    }
