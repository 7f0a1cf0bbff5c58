# pyright: basic
"""LEAF (ir_measures): the truth about a ranking, query by query."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import ir_measures
from ir_measures.measures.base import MeanAgg

from engine.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

DEFAULT: Final = ("nDCG@10", "RR@10", "AP", "P@1", "R@100")
_KNOWN: Final = "for example nDCG@10, RR@10, AP, P@1, R@100, Success@5"


class Measures:
    """Measures by the names of ir-measures; the first is the one that a report turns on."""

    def __init__(self, names: Iterable[str]) -> None:
        """Parse names, each once.

        Raises:
            UsageError: naming one that ir-measures does not know, or that is no mean over queries.
        """
        self._measures = list(dict.fromkeys(_parsed(name) for name in names))
        self.names = tuple(str(measure) for measure in self._measures)

    @property
    def primary(self) -> str:
        """The measure that intervals, losses and plots are about first."""
        return self.names[0]

    def judge(self, qrels: Mapping[str, Mapping[str, int]]) -> Judge:
        """Return what evaluates rankings of these queries."""
        return Judge(self._measures, qrels)

    def cutoff(self) -> int | None:
        """Return how many results the primary measure looks at, None for all."""
        return self._measures[0].params.get("cutoff")


class Judge:
    """Evaluates rankings of some judged queries."""

    def __init__(self, measures: Sequence[Any], qrels: Mapping[str, Mapping[str, int]]) -> None:
        self._measures = list(measures)
        self._queries = list(qrels)
        plain = {query: dict(grades) for query, grades in qrels.items()}
        self._all = ir_measures.evaluator(self._measures, plain)
        self._first = ir_measures.evaluator(self._measures[:1], plain)

    def values(self, run: Mapping[str, Sequence[str]]) -> dict[str, dict[str, float]]:
        """Return query -> measure -> value of a run (query -> document ids, best first).

        A judged query without results has each measure's value for nothing found.
        """
        zero = {str(measure): float(measure.DEFAULT) for measure in self._measures}
        found = {query: dict(zero) for query in self._queries}
        for metric in self._all.iter_calc(_scored(run)):
            found[metric.query_id][str(metric.measure)] = float(metric.value)
        return found

    def primary(self, run: Mapping[str, Sequence[str]]) -> dict[str, float]:
        """Return query -> value of the first measure alone."""
        found = dict.fromkeys(self._queries, float(self._measures[0].DEFAULT))
        for metric in self._first.iter_calc(_scored(run)):
            found[metric.query_id] = float(metric.value)
        return found


def _parsed(name: str) -> Any:  # noqa: ANN401
    try:
        measure = ir_measures.parse_measure(name)
    except (NameError, ValueError, SyntaxError, TypeError, KeyError) as error:
        raise UsageError(f"ir-measures knows no measure {name!r}; {_KNOWN}") from error
    if measure.params.get("cutoff", 1) < 1:  # trec_eval aborts, and Python with it
        raise UsageError(f"{name} looks at no result; {_KNOWN}")
    if not isinstance(measure.aggregator(), MeanAgg):
        raise UsageError(f"{name} is no mean over queries, so it has no interval; {_KNOWN}")
    try:
        list(ir_measures.iter_calc([measure], {"q": {"d": 1}}, {"q": {"d": 1.0}}))
    except Exception as error:  # each provider fails in its own way, some by a missing program
        raise UsageError(f"{name} cannot be computed here: {error}; {_KNOWN}") from error
    return measure


def _scored(run: Mapping[str, Sequence[str]]) -> dict[str, dict[str, float]]:
    """Return strictly decreasing scores: trec_eval orders ties anew, by document id."""
    return {
        query: {document: float(-rank) for rank, document in enumerate(ranking)}
        for query, ranking in run.items()
        if ranking
    }
