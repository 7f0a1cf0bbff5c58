"""Before and after on held-out queries: a model passes only if it is not worse than what is there.

It is compared with the better of stage one and the reranker in use, on the realistic nDCG@10: the
lower end of the 95 % interval of the difference must lie above -0.5 points.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

import numpy as np

from engine.evaluation.evaluate import evaluate
from engine.evaluation.plan import Plan
from engine.evaluation.reports import read_per_query
from engine.evaluation.significance import intervals, randomisation

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from engine.evaluation.collection import Collection
    from engine.evaluation.environment import Environment
    from engine.evaluation.plan import Progress
    from engine.protocols import Reranker
    from engine.search import SearchEngine

    Numbers = NDArray[np.float64]

TOLERATED: Final = -0.005  # nDCG@10
FEW: Final = 50  # queries below which an interval proves little; the verdict says so
MEASURE: Final = "nDCG@10"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What the gate says; all figures are nDCG@10 in [0, 1].

    Attributes:
        passed: whether the model may be saved under its name.
        queries: held-out queries that were asked.
        against: what it was compared with, `stage one` or the name of the reranker in use.
        before: realistic of that.
        after: realistic of the new model.
        interval: 95 % of after - before.
        p: two-sided, paired randomisation test.
        rows: the rows of the report: in use (if there is one), then the new model.
        verbatim: whether the questions stand word for word in the index, being made from it.
    """

    passed: bool
    queries: int
    against: str
    before: float
    after: float
    interval: tuple[float, float]
    p: float
    rows: list[dict[str, Any]]
    verbatim: bool = False

    @classmethod
    def of(
        cls, before: Numbers, after: Numbers, *, against: str, rows: list[dict[str, Any]], seed: int
    ) -> Self:
        """Compare the values of the same queries, (n,) each.

        Args:
            before: of what is in use.
            after: of the new model.
            against: what is in use.
            rows: of the report.
            seed: of interval and test.
        """
        difference = (after - before)[:, None]
        low, high = intervals(difference, seed=seed)[0].tolist()
        return cls(
            passed=low > TOLERATED,
            queries=len(after),
            against=against,
            before=float(before.mean()),
            after=float(after.mean()),
            interval=(low, high),
            p=float(randomisation(difference, seed=seed)[0]),
            rows=rows,
        )

    @property
    def few(self) -> bool:
        """Whether so few queries prove little."""
        return self.queries < FEW


def judge(  # noqa: PLR0913 - two models, what they are asked, and where it is written
    engine: SearchEngine,
    collection: Collection,
    in_use: Reranker | None,
    model: Reranker,
    *,
    depth: int,
    folder: Path,
    scores: Path,
    seed: int = 0,
    environment: Environment | None = None,
    progress: Progress | None = None,
) -> Verdict:
    """Evaluate a model beside the one in use; the report lies in the folder.

    Args:
        engine: over the index.
        collection: held-out queries.
        in_use: None where stage one alone is served.
        model: the new one.
        depth: fused documents that are reranked.
        folder: of the report.
        scores: where scores of pairs are remembered.
        seed: of interval and test.
        environment: for the report.
        progress: told while it goes on.
    """
    plan = Plan(depths=(depth,), seed=seed, timed_queries=10)
    models = [model] if in_use is None else [in_use, model]
    report = evaluate(
        engine, collection, models, plan, folder, scores,
        environment=environment, progress=progress,
    )  # fmt: skip
    values = [_values(line["rows"]) for line in read_per_query(folder)]
    columns = {name: np.array([line[name] for line in values]) for name in values[0]}
    after = columns.pop("after")
    better = max(columns, key=lambda name: columns[name].mean())
    against = "stage one" if better == "base" or in_use is None else in_use.name
    return Verdict.of(columns[better], after, against=against, rows=report["rows"], seed=seed)


def _values(rows: list[Mapping[str, Any]]) -> dict[str, float]:
    """Return a query's values: stage one, the reranker in use where there is one, the new model."""
    found = {"base": rows[0]["base"][MEASURE], "after": rows[-1]["realistic"][MEASURE]}
    if len(rows) > 1:
        found["in use"] = rows[0]["realistic"][MEASURE]
    return found
