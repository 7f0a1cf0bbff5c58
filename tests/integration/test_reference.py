# pyright: basic
"""sentence-transformers' CrossEncoderRerankingEvaluator, where it is right and where it is not."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pytest
from sentence_transformers.cross_encoder.evaluation import CrossEncoderRerankingEvaluator

from engine.evaluation.plan import Plan
from engine.types import DoubleArray, FloatArray, Scores
from tests.fakes import HashEncoder, make_engine
from tests.judged import evaluated, judged

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

NAMES = {"nDCG@10": "ndcg@10", "RR@10": "mrr@10", "AP": "map"}


class _Card:
    def set_evaluation_metrics(self, *args: object, **more: object) -> None:
        """The evaluator notes its figures in the model's card."""


@dataclass
class Drawn:
    """See Reranker; to the reference evaluator a CrossEncoder. Any pair has a score of its own."""

    name: str = "drawn"
    weight: float = 1.0
    parameters: int | None = None
    fingerprint: str = "drawn"
    model_card_data: _Card = field(default_factory=_Card)

    def score(self, pairs: Sequence[tuple[str, str]]) -> Scores:
        return Scores(self.predict(pairs))

    def predict(self, pairs: Sequence[Sequence[str]], **_: object) -> FloatArray:
        # Distinct in float32, so that nothing is tied.
        return np.array([random.Random(repr(tuple(p))).random() for p in pairs], np.float32)

    def relevance(self, logits: FloatArray) -> DoubleArray | None:
        return None

    def relevance_among(self, logits: FloatArray) -> DoubleArray | None:
        return self.relevance(logits)

    def fluency(self, text: str) -> float:
        return 1.0


def documents_and_queries(
    seed: int, positives: int, *, found: bool
) -> tuple[dict[str, str], dict[str, str], dict[str, dict[str, int]]]:
    """Return 30 documents and 12 queries of one word; a positive without it is not found."""
    chance = random.Random(seed)
    words = [f"word{n}" for n in range(12)]
    held = {
        f"d{n:02}": " ".join([f"filler{n}", *chance.sample(words, chance.randint(1, 6))])
        for n in range(30)
    }
    queries = {f"q{n}": word for n, word in enumerate(words)}
    qrels: dict[str, dict[str, int]] = {}
    for query, word in queries.items():
        able = [d for d, text in held.items() if not found or word in text.split()]
        qrels[query] = dict.fromkeys(chance.sample(able, min(positives, len(able))), 1)
    qrels = {query: grades for query, grades in qrels.items() if grades}
    return held, {q: queries[q] for q in qrels}, qrels


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(("positives", "found"), [(1, False), (1, True), (3, True)])
def test_both_agree_where_one_positive_is_judged_or_all_were_found(
    tmp_path: Path, seed: int, positives: int, found: bool
) -> None:
    held, queries, qrels = documents_and_queries(seed, positives, found=found)
    plan = Plan(sources=("lexical",), depths=(50,), timed_queries=1)
    model = Drawn()
    row = evaluated(tmp_path, held, judged(queries, qrels), plan, rerankers=[model])["rows"][0]
    for always, column in ((False, "realistic"), (True, "always_rerank_positives")):
        said = _reference(model, held, queries, qrels, always=always)
        for ours, theirs in NAMES.items():
            assert row[f"{column}_alone"][ours] == pytest.approx(said[theirs], abs=1e-6)
            assert row["base"][ours] == pytest.approx(said[f"base_{theirs}"], abs=1e-6)


def test_a_positive_that_was_missed_is_not_forgotten(tmp_path: Path) -> None:
    # Positives A and B, only A is found, at rank 8 of 30: a perfect reranker cannot reach 1.
    held = {f"d{n:02}": "mill " + "grain " * n + f"filler{n}" for n in range(30)}
    held |= {"b": "something else"}
    qrels = {"q": {"d07": 1, "b": 1}}
    model = Drawn()
    model.predict = lambda pairs, **_: np.array(  # type: ignore[method-assign]
        [float("filler7" in passage.split()) + len(passage) / 1e6 for _, passage in pairs],
        np.float32,
    )
    plan = Plan(sources=("lexical",), depths=(50,), timed_queries=1)
    row = evaluated(tmp_path, held, judged({"q": "mill"}, qrels), plan, rerankers=[model])
    ours = row["rows"][0]["realistic"]
    theirs = _reference(model, held, {"q": "mill"}, qrels, always=False)
    assert (theirs["ndcg@10"], theirs["map"]) == pytest.approx((1.0, 1.0))
    assert (ours["nDCG@10"], ours["AP"]) == pytest.approx((0.613, 0.5), abs=5e-4)


def _reference(
    model: Drawn,
    held: dict[str, str],
    queries: dict[str, str],
    qrels: dict[str, dict[str, int]],
    *,
    always: bool,
) -> dict[str, float]:
    """Return what sentence-transformers says of the same candidates."""
    from engine.evaluation.candidates import find

    engine = make_engine(held, encoder=HashEncoder(), rerank=False)
    read = {p.document.id: p.context for p in engine.snapshot.passages(range(1, 100))}
    samples = []
    for query, text in queries.items():
        fused = find(engine, "lexical", 50, text).fused
        samples.append({
            "query": text,
            "positive": [read[document] for document in qrels[query]],
            "documents": [read[hit.document] for hit in fused] or ["nothing was found"],
        })  # fmt: skip
    evaluator = CrossEncoderRerankingEvaluator(
        samples, at_k=10, always_rerank_positives=always, write_csv=False
    )
    return evaluator(model)  # type: ignore[arg-type]
