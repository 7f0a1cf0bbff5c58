# pyright: basic
"""The measures, by ir-measures with the full judgements (LEAF)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ir_measures

if TYPE_CHECKING:
    from collections.abc import Mapping

_MEASURES = (ir_measures.nDCG @ 10, ir_measures.Recall(rel=1) @ 100)


def percentages(
    qrels: Mapping[str, Mapping[str, int]], run: Mapping[str, Mapping[str, float]]
) -> tuple[float, float]:
    """Return (nDCG@10, recall@100) in percent; a judged query missing from the run scores 0."""
    found = ir_measures.calc_aggregate(_MEASURES, qrels, run)
    ndcg, recall = (round(100 * found[measure], 2) for measure in _MEASURES)
    return ndcg, recall
