# pyright: basic
"""all-MiniLM-L6-v2 gives the scores of the published model, and is what our own are made of."""

from __future__ import annotations

import numpy as np
from safetensors.numpy import load_file

from engine import bundled, compact
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


def test_the_layers_of_the_reranker_that_ships_are_the_published_ones_but_for_rounding() -> None:
    ours = compact.unpack(bundled.models()[bundled.RERANKER] / compact.FILE)
    published = load_file(bundled.minilm_folder() / "model.safetensors")
    names = [name.removeprefix("bert.") for name in ours if name.startswith("bert.")]
    assert {name for name in published if name.startswith("encoder.layer.")} <= set(names)
    for name in names:
        own, whole = ours["bert." + name], published[name]
        coarse = name == "embeddings.word_embeddings.weight"
        far = np.linalg.norm(own - whole) / np.linalg.norm(whole)
        assert far < (0.12 if coarse else 0.04), name
