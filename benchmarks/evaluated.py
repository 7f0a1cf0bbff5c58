"""One evaluation of a benchmark: its index and scores are cached, and its report too.

A report is read instead of made again while nothing changed that its figures depend on: the data,
the index, the models, the plan, the versions of libraries, the code of the engine.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Self

from engine.assemble import NO_RERANKER, load_encoder, open_engine
from engine.config import IndexSettings
from engine.evaluation.environment import Environment
from engine.evaluation.evaluate import evaluate
from engine.evaluation.reports import REPORT, read_report
from indexer.judged.indexes import index_of
from server.cli.judged import identity
from server.cli.progress import QueryProgress, make_progress

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.evaluation.collection import Collection
    from engine.evaluation.plan import Plan
    from engine.protocols import Reranker
    from engine.search import SearchEngine

Report = dict[str, Any]
_SCRATCH: Final = Path(".scratch")
_ENGINE: Final = Path(__file__).parents[1] / "engine"


@dataclass(frozen=True, slots=True)
class Places:
    """Where indexes and scores are cached, and where reports go."""

    cache: Path
    reports: Path

    @classmethod
    def here(cls) -> Self:
        """Return the places that this process is told by its environment."""
        cache = os.environ.get("SHORTLIST_CACHE")
        return cls(Path(cache).expanduser() if cache else _SCRATCH / "cache", _SCRATCH / "reports")


def engine_over(
    collection: Collection, places: Places, settings: IndexSettings | None = None
) -> SearchEngine:
    """Return an engine over the index of a collection, made if it is not there.

    Of `settings`, `encoder_source` names the encoder; its name and size are filled in.
    """
    settings = settings or IndexSettings()
    encoder = load_encoder(settings.encoder_source)
    settings = replace(settings, encoder=encoder.name, dim=encoder.dim)
    return open_engine(
        index_of(collection, places.cache, encoder, settings, make_progress()), NO_RERANKER
    )


def evaluated(
    engine: SearchEngine,
    collection: Collection,
    rerankers: Sequence[Reranker | None],
    plan: Plan,
    places: Places,
    name: str,
) -> Report:
    """Return the report of an evaluation, which lies in the folder `name` of the reports."""
    environment = Environment.here(identity(engine.snapshot))
    key = _key(engine, collection, rerankers, plan, environment)
    folder = places.reports / name
    note = places.reports / f"{name}.key"
    if not note.is_file() or note.read_text() != key:  # even an unfinished one is of other things
        shutil.rmtree(folder, ignore_errors=True)
        folder.parent.mkdir(parents=True, exist_ok=True)
        note.write_text(key)
    if (folder / REPORT).is_file():
        return read_report(folder)
    return evaluate(
        engine, collection, rerankers, plan, folder, places.cache / "scores",
        environment=environment, progress=QueryProgress(),
    )  # fmt: skip


def _key(
    engine: SearchEngine,
    collection: Collection,
    rerankers: Sequence[Reranker | None],
    plan: Plan,
    environment: Environment,
) -> str:
    models = [(r.fingerprint, r.name, r.weight) if r else None for r in rerankers]
    judged = json.dumps([dict(collection.queries), dict(collection.qrels)], sort_keys=True)
    data = hashlib.blake2b(judged.encode("utf-8", "replace"), digest_size=16).hexdigest()
    search = [type(engine).__name__, engine.dense_weight, dict(environment.index)]
    return plan.fingerprint(
        collection.label, data, search, models, dict(environment.versions), _code()
    )


@cache
def _code() -> str:
    """Return a digest of the code of the engine, as it was when it was first asked for."""
    digest = hashlib.blake2b(digest_size=16)
    for path in sorted(_ENGINE.rglob("*.py")):
        digest.update(path.relative_to(_ENGINE).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()
