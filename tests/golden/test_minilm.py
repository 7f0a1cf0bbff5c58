"""all-MiniLM-L6-v2 gives the scores of the published model."""

from __future__ import annotations

import numpy as np

from engine import bundled
from engine.rerankers import load

# `SentenceTransformer.encode` of sentence-transformers 6.2 in float32, 2026-11-21.
GOLDEN = [
    ("What causes a heart attack?", "A heart attack happens when an artery is blocked.", 0.746060),
    ("What causes a heart attack?", "Sourdough bread needs a day to rise.", -0.007758),
    ("capital of France", "Paris is the capital and largest city of France.", 0.810142),
]


def test_scores_are_those_of_the_published_model() -> None:
    logits = load(bundled.MINILM).score([(query, passage) for query, passage, _ in GOLDEN]).logits
    np.testing.assert_allclose(logits, [score for *_, score in GOLDEN], atol=1e-4)
