"""schemathesis over a running server: does it do what GET /openapi.json says, and nothing else?

For each way to run a server, schemathesis makes requests out of the description, valid and not, and
holds every answer against it: status, media type, headers and body must be described, a 5xx can
only be 503, methods and keys that are wrong are refused. How often each operation was asked, and
how it answered, is counted by the server's own log.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from benchmarks.results import measured_here
from benchmarks.served import make_index, serving
from benchmarks.tables import markdown
from engine.errors import ShortlistError

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Sequence

    from benchmarks.served import Served

_SECRET: Final = "a-key-of-the-schema-benchmark"  # noqa: S105 - it opens nothing else
# A schema cannot say everything: a filter has a grammar, an end comes after its start, a search
# that is clicked at must have been made. All this is 422, which schemathesis takes for a fault.
UNCHECKED: Final = "positive_data_acceptance"
# 503 is described: too many wait, or nothing is loaded. Routes of foreign clients take what those
# send (1 for true), and a batch answers for each of its queries: there, what breaks the schema may
# be answered. Everywhere 413 and 424 refuse too.
_LENIENT: Final = ("rerank", "rerankV1", "rerankV2", "embeddings", "embed", "searchBatch")
_CONFIG: Final = f"""
[checks.{UNCHECKED}]
enabled = false

[checks.not_a_server_error]
expected-statuses = ["2xx", "3xx", "4xx", "503"]

[checks.negative_data_rejection]
expected-statuses = ["400", "401", "403", "404", "405", "409", "413", "415", "422", "424", "429"]

[[operations]]
include-operation-id = {json.dumps(_LENIENT)}
checks.negative_data_rejection.enabled = false
"""
_DOCUMENTS: Final = {
    "guide/passport.md": "# Renewing a passport\n\nBring the old passport and a photo.\n",
    "guide/visa.md": "# Visa\n\nAsk the embassy of the country that you travel to.\n",
    "fish.txt": "The red fish swims in the blue sea.\n",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """A way to run a server.

    Attributes:
        options: of `shortlist serve`.
        env: variables.
        key: that requests come with.
        operations: those that are asked, all if none are named.
    """

    name: str
    options: tuple[str, ...] = ()
    env: tuple[tuple[str, str], ...] = ()
    key: str = ""
    operations: tuple[str, ...] = ()


_CHANGES: Final = ("--writable", "--feedback")
_DOCUMENT: Final = ("listDocuments", "getDocument", "putDocument", "deleteDocument")
_CHANGING: Final = (*_DOCUMENT, "giveFeedback", "reload")
_RANKING: Final = ("rerank", "rerankV1", "rerankV2", "search", "searchByUrl", "searchBatch")
_LOOKING: Final = ("searchByUrl", "listDocuments", "getDocument", "models", "info", "metrics")
_HEALTH: Final = ("livez", "healthz", "readyz", "health")
# After the first each is asked what it answers in another way.
WAYS: Final = (
    Way(name="read only"),
    Way(
        name="writable, feedback",
        options=_CHANGES,
        operations=(*_CHANGING, "search", "searchByUrl"),
    ),
    Way(
        name="the same with a key that may write",
        options=_CHANGES,
        env=(("SHORTLIST_WRITE_KEY", _SECRET),),
        key=_SECRET,
        operations=(*_CHANGING, *_LOOKING, *_HEALTH),
    ),
    Way(
        name="the same with a key that may only read",
        options=_CHANGES,
        env=(("SHORTLIST_API_KEY", _SECRET), ("SHORTLIST_WRITE_KEY", f"other:{_SECRET}2")),
        key=_SECRET,
        operations=(*_CHANGING, *_LOOKING),
    ),
    Way(
        name="no reranker",
        options=("--no-rerank",),
        operations=(*_RANKING, "models", "info", "metrics"),
    ),
    Way(
        name="at most 60 requests a minute",
        options=("--rate-limit", "60"),
        operations=(*_LOOKING, *_HEALTH),
    ),
)


def check_all(
    examples: int, seed: int, reranker: str = "", only: Sequence[str] = ()
) -> dict[str, Any]:
    """Try every way to run a server; return what is committed.

    Args:
        examples: made for each operation, besides those of edge cases, of which there are more.
        seed: of what is made.
        reranker: as `shortlist serve` takes it.
        only: names of the ways that are tried, default all.
    """
    with tempfile.TemporaryDirectory() as folder:
        documents = Path(folder) / "docs"
        for name, text in _DOCUMENTS.items():
            (documents / name).parent.mkdir(parents=True, exist_ok=True)
            (documents / name).write_text(text, "utf-8")
        ways: list[dict[str, Any]] = []
        for way in WAYS:
            if only and way.name not in only:
                continue
            index = Path(folder) / f"index{len(ways)}"
            make_index(documents, index)
            ways.append(_check(way, index, reranker, (examples, seed)))
    return {
        **measured_here(f"python -m benchmarks schema --examples {examples} --seed {seed}"),
        "requests": sum(row["requests"] for row in ways),
        "failures": sum(len(row["failures"]) for row in ways),
        "unchecked": UNCHECKED,
        "ways": ways,
    }


def _check(way: Way, index: Path, reranker: str, made: tuple[int, int]) -> dict[str, Any]:
    options = [*way.options, *(["--reranker", reranker] if reranker else [])]
    with serving(index, options, dict(way.env)) as server:
        report, said = _schemathesis(server, way, made)
        answered = server.answered()
        faults = server.faults()
    failures = failures_of(report) + [f"in the log: {fault}" for fault in faults]
    if failures:
        print(said)
    return {
        "way": way.name,
        "schemathesis": report["schemathesis_version"],
        "operations": report["operations"]["tested"],
        "requests": sum(sum(counts.values()) for counts in answered.values()),
        "failures": failures,
        "statuses": {name: _by_status(counts) for name, counts in sorted(answered.items())},
    }


def _by_status(counts: Counter[int]) -> dict[str, int]:
    return {str(status): counts[status] for status in sorted(counts)}


def _schemathesis(server: Served, way: Way, made: tuple[int, int]) -> tuple[dict[str, Any], str]:
    """Run schemathesis; return its report, and what it printed."""
    program = Path(sys.executable).with_name("schemathesis")
    if not program.is_file():
        raise ShortlistError("schemathesis is not installed: pip install -e '.[dev]'")
    examples, seed = made
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "report.json"
        (Path(folder) / "schemathesis.toml").write_text(_CONFIG, "utf-8")
        command = [
            str(program), "run", f"{server.url}/openapi.json", "--no-color",
            "--max-examples", str(examples), "--seed", str(seed), "--continue-on-failure",
            "--suppress-health-check", "all", "--generation-database", "none",
            "--request-timeout", "60", "--report", "json", "--report-json-path", str(place),
        ]  # fmt: skip
        for name in dict.fromkeys(way.operations):
            command += ["--include-operation-id", name]
        if way.key:
            command += ["--header", f"Authorization: Bearer {way.key}"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        if not place.is_file() or not place.stat().st_size:
            raise ShortlistError(f"schemathesis failed: {done.stdout}{done.stderr}")
        return json.loads(place.read_text("utf-8")), done.stdout


def failures_of(report: dict[str, Any]) -> list[str]:
    """Return what does not hold, and what kept schemathesis from looking."""
    found = [
        f"{failure['title']}: {', '.join(failure['operations'])}" for failure in report["failures"]
    ]
    found += [f"schemathesis: {error}" for error in report["errors"]]
    return found if report["complete"] else [*found, f"schemathesis: {report['stop_reason']}"]


def table(found: dict[str, Any]) -> str:
    """Return the summary as Markdown: a line for each way to run a server."""
    head = ("", "operations", "requests", "of them refused (4xx)", "503", "failures")
    rows = [
        [
            way["way"],
            str(way["operations"]),
            f"{way['requests']:,}",
            f"{_count(way, '4'):,}",
            str(_count(way, "503")),
            str(len(way["failures"])),
        ]
        for way in found["ways"]
    ]
    return markdown(head, rows)


def _count(way: dict[str, Any], beginning: str) -> int:
    return sum(
        number
        for counts in way["statuses"].values()
        for status, number in counts.items()
        if status.startswith(beginning)
    )
