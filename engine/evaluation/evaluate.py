"""One collection from query to report: the first stage alone, realistic, always, ceiling.

Queries are answered in batches, and every batch ends on disk, so memory does not grow with the
number of queries and a run that was stopped goes on where it was.
"""

from __future__ import annotations

import hashlib
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from engine.evaluation.batch import Runner
from engine.evaluation.environment import Environment
from engine.evaluation.held import held
from engine.evaluation.journal import Journal
from engine.evaluation.latency import measure_latency
from engine.evaluation.losses import worst_losses
from engine.evaluation.page import render
from engine.evaluation.plan import Plan, Progress, Silent
from engine.evaluation.report import Facts, build_report
from engine.evaluation.reports import QRELS, read_per_query
from engine.evaluation.scored import RememberedReranker
from engine.evaluation.trec import write_qrels

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from engine.evaluation.collection import Collection
    from engine.evaluation.latency import Latency
    from engine.evaluation.plan import Group
    from engine.protocols import Reranker
    from engine.search import SearchEngine

_BATCH: Final = 250  # queries


def evaluate(  # noqa: PLR0913 - what is evaluated, how, and where to
    engine: SearchEngine,
    collection: Collection,
    rerankers: Sequence[Reranker | None],
    plan: Plan,
    report: Path,
    scores: Path,
    *,
    environment: Environment | None = None,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Evaluate a collection; write a report's folder and return its report.json.

    Args:
        engine: over the index of the collection; its own reranker is not used.
        collection: queries and judgements.
        rerankers: each on its own; None for a row of stage one alone.
        plan: what is compared.
        report: folder to write to; an unfinished run of the same evaluation is continued.
        scores: folder where scores of pairs are remembered.
        environment: machine, versions and commit, for the record.
        progress: told while it goes on.

    Raises:
        UsageError: if the folder holds something else, another process writes to it, or a measure
            is not known.
        ShortlistError: if the folder or that of the scores cannot be written to.
        ModelError: if a reranker fails.
    """
    progress = progress or Silent()
    measures = plan.all_measures()
    remembered = [None if r is None else RememberedReranker(r, scores) for r in rerankers]
    groups = plan.groups(remembered)
    facts = Facts.of(engine, collection, plan, measures.names, environment or Environment.here())
    models = [(r.fingerprint, r.name, r.weight) if r else None for r in remembered]
    told = [facts.data, _digest(collection), models, measures.names, facts.environment.versions]
    with held(report):
        journal = Journal(report, plan.fingerprint(told))
        runner = Runner(
            engine, collection, measures, groups, drop_identical_ids=plan.drop_identical_ids
        )
        latencies = [
            measure_latency(engine, row, list(collection.queries.values()), plan, part)
            for part, row in enumerate(row for group in groups for row in group.rows)
        ]
        left = len(collection.queries) - journal.done
        progress.say(_estimate(groups, latencies, left, facts.data["documents"]))
        _answer(runner, journal, progress)
        found = build_report(report, facts, [r for g in groups for r in g.rows], latencies)
        found["losses"] = worst_losses(runner, report, found)
        with journal.file(QRELS) as file:
            write_qrels(file, collection.qrels)
        page = render(found, read_per_query(report))
        with journal.file("report.html") as file:
            file.write(page)
        journal.finish(found)
        return found


def _answer(runner: Runner, journal: Journal, progress: Progress) -> None:
    queries = runner.collection.queries
    progress.start(runner.collection.label, len(queries), journal.done)
    for batch in _batches(islice(queries, journal.done, None)):
        outcome = runner.run(batch, progress)
        journal.append(outcome.texts(queries), len(batch))
    progress.finish()


def _estimate(
    groups: Sequence[Group], latencies: Sequence[Latency], queries: int, documents: int
) -> str:
    """Return how long it may take, at most: remembered pairs cost nothing."""
    rows = zip((row for group in groups for row in group.rows), latencies, strict=True)
    deepest: dict[tuple[str, str], float] = {}
    for row, latency in rows:
        if row.reranker is not None and latency.pairs_per_second:
            key = (row.sources, row.reranker.fingerprint)
            seconds = queries * min(row.depth, documents) / latency.pairs_per_second
            deepest[key] = max(seconds, deepest.get(key, 0.0))
    seconds = sum(deepest.values()) + queries * sum(x.ms_first_stage for x in latencies) / 1000
    shown = f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
    asked = "1 query" if queries == 1 else f"{queries:,} queries"
    return f"{asked} to answer, at most {shown}" + (
        "; --queries takes a sample" if seconds > 600 else ""
    )


def _batches(queries: Iterator[str]) -> Iterator[list[str]]:
    while batch := list(islice(queries, _BATCH)):
        yield batch


def _digest(collection: Collection) -> str:
    """Return a digest of the queries and judgements: a sample of a file is not the file."""
    digest = hashlib.blake2b(digest_size=16)
    for query, text in collection.queries.items():
        judged = sorted(collection.qrels[query].items())
        digest.update(repr((query, text, judged)).encode("utf-8", "replace"))
    return digest.hexdigest()
