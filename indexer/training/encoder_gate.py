"""Before and after for an encoder: stage one asked over an index, and over its copy encoded again.

The rule is the reranker's (see gate): the lower end of the 95 % interval of the difference in
nDCG@10 must lie above -0.5 points.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.assemble import load_encoder, open_store, renew_engine
from engine.evaluation.evaluate import evaluate
from engine.evaluation.plan import Plan
from engine.evaluation.reports import read_per_query
from engine.local.copying import copy_index
from indexer.reencoding import reencode
from indexer.training.gate import MEASURE, Verdict

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from engine.evaluation.collection import Collection
    from engine.evaluation.environment import Environment
    from engine.evaluation.plan import Progress
    from engine.search import SearchEngine
    from indexer.reencoding import Progress as EncodingProgress
    from indexer.reencoding import Reencoded

    Numbers = NDArray[np.float64]

AS_IT_IS = "the index as it is"


def judge_encoder(  # noqa: PLR0913 - what is asked of what, and where it is written
    engine: SearchEngine,
    index: Path,
    collection: Collection,
    model: Path,
    *,
    depth: int,
    folder: Path,
    seed: int = 0,
    environment: Environment,
    progress: Progress,
    encoding: EncodingProgress | None = None,
) -> tuple[Verdict, Reencoded]:
    """Ask stage one before and after; the reports lie in the folder as `before` and `after`.

    A copy of the index is encoded again there, asked, and removed; the index stays as it is.

    Args:
        engine: over the index.
        index: its folder.
        collection: held-out queries.
        model: folder of the encoder.
        depth: fused documents of which the ceiling is made.
        folder: of the reports.
        seed: of interval and test.
        environment: for the reports.
        progress: told while they are made.
        encoding: told while the copy is encoded.
    """
    copy = folder / "index"
    copy_index(index, copy)
    before = renew_engine(copy, engine)
    try:
        encoder = load_encoder(str(model))
        encoded = reencode(open_store(copy), encoder, str(model), encoding)
        after = renew_engine(copy, before)
        try:
            plan = Plan(depths=(depth,), seed=seed, timed_queries=10)
            anew = {**environment.index, "encoded_again_by": encoder.name}
            sides = [
                _asked(before, collection, plan, folder / "before", environment, progress),
                _asked(after, collection, plan, folder / "after",
                       replace(environment, index=anew), progress),
            ]  # fmt: skip
        finally:
            after.close()
    finally:
        before.close()
        shutil.rmtree(copy, ignore_errors=True)
    (row, values), (new_row, new_values) = sides
    verdict = Verdict.of(values, new_values, against=AS_IT_IS, rows=[row, new_row], seed=seed)
    return verdict, encoded


def _asked(
    engine: SearchEngine,
    collection: Collection,
    plan: Plan,
    folder: Path,
    environment: Environment,
    progress: Progress,
) -> tuple[dict[str, Any], Numbers]:
    """Return the row of a report on stage one, and its values query by query."""
    report = evaluate(
        engine, collection, [None], plan, folder, folder, environment=environment, progress=progress
    )
    values = [line["rows"][0]["base"][MEASURE] for line in read_per_query(folder)]
    return report["rows"][0], np.array(values)
