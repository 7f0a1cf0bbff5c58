"""Whatever the scores are, each answer names the right text with the right score."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from engine.types import Scores
from server.scoring import score_texts
from server.wire.rerank import answer_json, answer_of, call_of, dialect_of
from tests.fakes import OverlapReranker

if TYPE_CHECKING:
    from collections.abc import Sequence


class Told(OverlapReranker):
    """Gives each text the logit that it was told, without a calibration."""

    logits: dict[str, float]

    def __init__(self, logits: dict[str, float]) -> None:
        super().__init__(calibrated=False)
        object.__setattr__(self, "logits", logits)

    def score(self, pairs: Sequence[tuple[str, str]]) -> Scores:
        return Scores(np.array([self.logits[text] for _, text in pairs], np.float32))


Logits = st.dictionaries(st.text(max_size=5), st.floats(-50, 50, width=32), min_size=1, max_size=20)
SHAPES: dict[str, tuple[str, str, str, dict[str, Any]]] = {
    "cohere": ("documents", "results", "relevance_score", {"return_documents": True}),
    "voyage": ("documents", "data", "relevance_score", {"truncation": True, "top_n": 1}),
    "tei": ("texts", "", "score", {"return_text": True}),
}


@given(st.data(), Logits, st.sampled_from(sorted(SHAPES)), st.integers(0, 50), st.booleans())
def test_each_result_has_its_own_score(
    data: st.DataObject, logits: dict[str, float], dialect: str, top: int, raw: bool
) -> None:
    texts = data.draw(st.lists(st.sampled_from(sorted(logits)), min_size=1, max_size=30))
    given_as, results_in, score_in, extra = SHAPES[dialect]
    body: dict[str, Any] = {"query": "q", given_as: texts, "raw_scores": raw, **extra}
    body |= {"cohere": {"top_n": top}, "voyage": {"top_k": top}, "tei": {}}[dialect]
    assert dialect_of(body) == dialect
    call = call_of(body, dialect_of(body))
    scored = score_texts(Told(logits), call.query, call.texts, raw=call.raw_scores)
    answer = json.loads(answer_json(answer_of(call, scored, "id", "2")))
    results = answer[results_in] if results_in else answer

    wanted = sorted(range(len(texts)), key=lambda n: (-logits[texts[n]], n))
    if top and dialect != "tei":
        wanted = wanted[:top]
    assert [result["index"] for result in results] == wanted
    scores = [result[score_in] for result in results]
    assert scores == sorted(scores, reverse=True)
    for number, result in zip(wanted, results, strict=True):
        text = texts[number]
        logit = float(np.float32(logits[text]))
        expected = logit if raw else 1 / (1 + np.exp(-logit))
        np.testing.assert_allclose(result[score_in], expected, rtol=1e-9)
        if dialect == "cohere":
            assert result["document"] == {"text": text}
        if dialect == "tei":
            assert result["text"] == text
