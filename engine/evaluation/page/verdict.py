"""What the numbers say, in sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from engine.evaluation.page.figures import chance, percent, plural, signed, signed_span
from engine.evaluation.page.view import BASE, CEILING, REALISTIC

if TYPE_CHECKING:
    from engine.evaluation.page.view import Difference, Row, View

_SHOWN: Final = 0.0005  # half of the last digit
_FEW: Final = 30  # queries; below, an interval says little


def verdict(view: View) -> list[str]:
    """Return the sentences for the first row: what was won, where the loss is, what to do."""
    row = view.headline
    sentences = [_won(row, view.primary), *_lost(row, view.primary), *_caution(view)]
    return [sentence for sentence in sentences if sentence]


def _won(row: Row, primary: str) -> str:
    if row.last is not REALISTIC:
        return "No reranker was measured: these are the figures of stage one alone."
    test = row.significance
    base, reached = row.value(BASE.key, primary), row.value(REALISTIC.key, primary)
    if test is None:
        if base is None or reached is None:
            return ""
        return (
            f"The reranker moves {primary} by {signed(reached - base)} points; whether that is "
            "more than chance was not tested."
        )
    amount, proof = f"{signed(abs(test.mean))} points".lstrip("+"), _proof(test)
    if test.mean == 0:
        return f"On average the reranker changes nothing of {primary}{proof}."
    if not test.is_real:
        return (
            f"It is not shown that the reranker changes anything: {signed(test.mean)} points of "
            f"{primary}{proof} can be chance."
        )
    if test.mean > 0:
        return f"The reranker helps: {amount} of {primary} more than stage one alone{proof}."
    return f"The reranker harms: {amount} of {primary} less than stage one alone{proof}."


def _proof(test: Difference) -> str:
    interval = signed_span(test.interval)
    parts = [f"95 % interval {interval}"] if interval else []
    if test.chance is not None:
        parts.append(chance(test.chance))
    return f" ({', '.join(parts)})" if parts else ""


def _lost(row: Row, primary: str) -> list[str]:
    retrieval, ranking = row.retrieval_loss, ranking_loss(row, primary)
    if retrieval is None or ranking is None:
        return []
    retrieval, ranking = max(retrieval, 0.0), max(ranking, 0.0)
    if retrieval < _SHOWN and ranking < _SHOWN:
        return ["Nothing is left to win on these queries."]
    if row.last is not REALISTIC:
        return _lost_without(row, retrieval, ranking)
    if abs(retrieval - ranking) < _SHOWN:
        return [
            f"Both stages lose as much, {percent(ranking)} points each: improve stage one, and "
            "train the reranker on labels of your own."
        ]
    if retrieval > ranking:
        return [
            f"The larger loss is in retrieval: {percent(retrieval)} points are out of reach of any "
            f"reranker, because the {row.depth} candidates lack what was asked for "
            f"({percent(ranking)} are lost in ranking).",
            f"So improve stage one: more candidates, a better encoder, both sources.{deeper(row)}",
        ]
    return [
        f"The larger loss is in ranking: {percent(ranking)} points were among the {row.depth} "
        f"candidates and did not come first ({percent(retrieval)} were not among them).",
        "So train the reranker on labels of your own, or try a stronger one.",
    ]


def _lost_without(row: Row, retrieval: float, ranking: float) -> list[str]:
    said = (
        f"A perfect reranker could add {percent(ranking)} points on the same {row.depth} "
        f"candidates; {percent(retrieval)} are out of its reach."
    )
    if retrieval > ranking:
        return [
            said,
            "So improve stage one first: more candidates, a better encoder, both sources."
            f"{deeper(row)}",
        ]
    return [said, "So try a reranker: the larger part of what is missing is within its reach."]


def ranking_loss(row: Row, primary: str) -> float | None:
    """Return what the ranking that is served lacks to the ceiling."""
    reached, ceiling = row.value(row.last.key, primary), row.value(CEILING.key, primary)
    if row.ranking_loss is not None or reached is None or ceiling is None:
        return row.ranking_loss
    return ceiling - reached


def deeper(row: Row) -> str:
    """Return what reading more candidates would do for the ceiling, where that is known."""
    ceilings = {p["depth"]: p[CEILING.key] for p in row.curve if CEILING.key in p}
    last = max(ceilings, default=0.0)
    if last <= row.depth or row.depth not in ceilings:
        return ""
    now, then = ceilings[row.depth], ceilings[last]
    if then - now < _SHOWN:
        return f" Depth alone will not do it: with {last:g} candidates the ceiling is the same."
    return f" With {last:g} candidates the ceiling rises from {percent(now)} to {percent(then)}."


def _caution(view: View) -> list[str]:
    if view.queries >= _FEW:
        return []
    return [
        f"{plural(view.queries, 'query is', 'queries are')} few: another sample may say otherwise."
    ]
