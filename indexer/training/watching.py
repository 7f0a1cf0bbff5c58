# pyright: basic
"""LEAF (sentence-transformers): what a model that learns is asked, again and again."""

from __future__ import annotations

from statistics import fmean
from typing import TYPE_CHECKING, Final

from engine.rerankers.batches import Network, Windows
from engine.rerankers.cross_encoder import read_pairs
from indexer.training.heldout import MEASURE
from indexer.training.trainer import DevEvaluator

if TYPE_CHECKING:
    from sentence_transformers import CrossEncoder

    from indexer.training.heldout import HeldOut

# Share of the reranker in the order that is measured; its own is chosen when it has learned.
_WEIGHT: Final = 0.7


def watching(held_out: HeldOut) -> DevEvaluator:
    """Return an evaluator: the realistic nDCG@10 of held-out questions, as they are served."""

    def score(model: CrossEncoder) -> dict[str, float]:
        network = Network(model, "scores")
        windows = Windows(model.tokenizer, network.window())
        logits, _ = read_pairs(network, windows, held_out.pairs)
        return {
            MEASURE: fmean(held_out.measure(logits, _WEIGHT).values()),
            f"{MEASURE} alone": fmean(held_out.measure(logits, 1.0).values()),
        }

    return DevEvaluator(score, MEASURE)
