"""Real networks behind the queue, small ones: batches of other requests change no score."""

from __future__ import annotations

import math
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import numpy as np
import pytest

from engine.rerankers import load
from server.queue import SharedReranker
from tests.tiny_models import save_bi_encoder, save_cross_encoder

if TYPE_CHECKING:
    from pathlib import Path

    from engine.protocols import Reranker

WORDS = ["the", "red", "blue", "sea", "fish", "heart", "what", "is", "a", "of", "swims"]


@pytest.fixture(scope="module", params=["cross-encoder", "bi-encoder"])
def reranker(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Reranker:
    folder: Path = tmp_path_factory.mktemp("model")
    save = save_bi_encoder if request.param == "bi-encoder" else save_cross_encoder
    return load(str(save(folder / "model")))


def pairs_of(number: int) -> list[tuple[str, str]]:
    """Return pairs of all lengths, from one word to several windows."""
    random = np.random.default_rng(number)
    lengths = random.integers(1, [12, 40, 150][number % 3], size=1 + number % 20)
    query = " ".join(random.choice(WORDS, 1 + number % 6))
    return [(query, " ".join(random.choice(WORDS, length))) for length in lengths]


def test_scores_through_the_queue_are_those_without(reranker: Reranker) -> None:
    asked = [pairs_of(number) for number in range(48)]
    alone = [reranker.score(pairs) for pairs in asked]
    shared = SharedReranker(reranker)

    def score(number: int) -> None:
        until = time.perf_counter() + 60 if number % 2 else math.inf
        scores = shared.score_until(asked[number], until)
        np.testing.assert_allclose(scores.logits, alone[number].logits, atol=1e-5)
        windows = alone[number].in_windows
        assert scores.in_windows is not None
        assert windows is not None
        assert scores.in_windows.tolist() == windows.tolist()

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(score, range(48)))
    shared.close()
