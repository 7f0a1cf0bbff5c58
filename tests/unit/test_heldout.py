"""Held-out queries, the weight and calibration fitted on them, and the gate."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pytest

from engine.errors import CollectionError
from engine.evaluation.evaluate import evaluate
from engine.evaluation.plan import Plan
from engine.rerankers.settings import ModelSettings
from engine.types import Scores
from indexer.training.examples import Candidate, Example
from indexer.training.fitting import USUAL, WEIGHTS, fit
from indexer.training.gate import judge
from indexer.training.heldout import HeldOut, held_out
from tests.fakes import OverlapReranker, make_engine, words

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from engine.search import SearchEngine
    from engine.types import FloatArray

# Document n holds its own word once, and the words of others more often.
DOCUMENTS = {
    f"d{n}.txt": f"word{n} topic{n} " + " ".join(f"word{(n + k) % 40} " * 2 for k in range(1, 6))
    for n in range(40)
}
EXAMPLES = [
    Example(f"word{n}", (Candidate(DOCUMENTS[f"d{n}.txt"], 1.0, f"d{n}.txt"),)) for n in range(40)
]


@dataclass(frozen=True)
class Knowing(OverlapReranker):
    """See Reranker: knows that `wordN` wants the document of `topicN`; sign -1 errs always."""

    name: str = "knowing"
    fingerprint: str = "knowing"
    sign: float = 1.0

    def score(self, pairs: Sequence[tuple[str, str]]) -> Scores:
        knows = [q.replace("word", "topic") in words(text) for q, text in pairs]
        return Scores(np.array(knows, np.float32) * np.float32(self.sign))


@pytest.fixture(scope="module")
def engine() -> SearchEngine:
    return make_engine(DOCUMENTS, rerank=False)


def logits_of(model: OverlapReranker, held: HeldOut) -> FloatArray:
    return model.score(held.pairs).logits


def test_what_is_measured_is_what_an_evaluation_says(engine: SearchEngine, tmp_path: Path) -> None:
    collection = held_out("x", EXAMPLES)
    held = HeldOut(engine, collection, 3)
    model = Knowing(weight=0.4)
    plan = Plan(depths=(3,), timed_queries=1)
    report = evaluate(engine, collection, [model], plan, tmp_path / "r", tmp_path / "s")
    for column in ("realistic", "always_rerank_positives"):
        mine = held.measure(logits_of(model, held), 0.4, column)
        assert np.mean(list(mine.values())) == pytest.approx(report["rows"][0][column]["nDCG@10"])


def test_questions_whose_answers_are_not_in_the_index_are_left_out_and_counted() -> None:
    collection = held_out("x", [*EXAMPLES[:2], Example("q", (Candidate("elsewhere", 1.0),))])
    assert list(collection.queries.values()) == ["word0", "word1"]
    assert collection.notes == ("1 questions left out: their answers are not in the index",)


def test_held_out_questions_without_any_answer_in_the_index_are_an_error() -> None:
    with pytest.raises(CollectionError, match="is in the index"):
        held_out("x", [Example("q", (Candidate("elsewhere", 1.0),))])


def test_a_model_that_knows_gets_weight_and_one_that_errs_gets_little(engine: SearchEngine) -> None:
    held = HeldOut(engine, held_out("x", EXAMPLES), 20)
    knows, curve = fit((held, logits_of(Knowing(), held)))
    errs, _ = fit((held, logits_of(Knowing(sign=-1.0), held)))
    assert set(curve) == set(WEIGHTS)
    assert knows.weight is not None
    assert errs.weight is not None
    assert knows.weight > errs.weight
    assert curve[knows.weight] >= max(curve.values()) - 0.005


def test_few_queries_choose_no_weight(engine: SearchEngine) -> None:
    few = HeldOut(engine, held_out("x", EXAMPLES[:29]), 20)
    settings, curve = fit((few, logits_of(Knowing(), few)))
    assert settings.weight == USUAL
    assert curve == {}


def test_calibration_turns_logits_into_the_share_that_is_relevant(engine: SearchEngine) -> None:
    held = HeldOut(engine, held_out("x", EXAMPLES), 20)
    logits = logits_of(Knowing(), held)
    settings, _ = fit((held, logits))
    assert settings.calibration is not None
    assert settings.list_calibration is not None
    served = held.served(logits)
    share = np.concatenate([relevant for _, relevant in served]).mean()
    for calibration in (settings.calibration, settings.list_calibration):
        chances = np.concatenate([calibration.relevance(some) for some, _ in served])
        assert chances.mean() == pytest.approx(share, abs=0.02)


def test_what_stands_out_is_relevant_however_high_the_rest_is(engine: SearchEngine) -> None:
    held = HeldOut(engine, held_out("x", EXAMPLES), 20)
    rng = np.random.default_rng(0)
    height = {query: rng.normal(scale=5) for query, _ in held.pairs}
    heights = np.array([height[query] for query, _ in held.pairs], np.float32)
    logits = logits_of(Knowing(), held) + heights
    settings, _ = fit((held, logits))
    assert settings.list_calibration is not None
    for some, relevant in held.served(logits):
        assert ((settings.list_calibration.relevance(some) > 0.5) == relevant).all()


def test_settings_are_read_as_they_were_written(engine: SearchEngine, tmp_path: Path) -> None:
    held = HeldOut(engine, held_out("x", EXAMPLES), 20)
    settings, _ = fit((held, logits_of(Knowing(), held)))
    (tmp_path / "shortlist.json").write_text(json.dumps(settings.to_json()))
    assert ModelSettings.read(tmp_path) == settings
    assert ModelSettings(weight=0.5).to_json() == {"weight": 0.5}


def test_an_order_that_is_upside_down_is_not_calibrated(engine: SearchEngine) -> None:
    held = HeldOut(engine, held_out("x", EXAMPLES), 20)
    assert fit((held, logits_of(Knowing(sign=-1.0), held)))[0].calibration is None


def gate(engine: SearchEngine, home: Path, model: OverlapReranker, in_use: OverlapReranker | None):  # noqa: ANN201
    return judge(
        engine, held_out("x", EXAMPLES), in_use, model,
        depth=20, folder=home / "report", scores=home / "scores",
    )  # fmt: skip


def test_a_better_model_passes_the_gate(engine: SearchEngine, tmp_path: Path) -> None:
    verdict = gate(engine, tmp_path, Knowing(weight=0.9), None)
    assert verdict.passed
    assert verdict.after > verdict.before
    assert verdict.against == "stage one"
    assert verdict.p < 0.01
    assert (tmp_path / "report/report.html").exists()


def test_a_worse_model_does_not_pass(engine: SearchEngine, tmp_path: Path) -> None:
    verdict = gate(engine, tmp_path, Knowing(weight=0.9, sign=-1.0), None)
    assert not verdict.passed
    assert verdict.interval[0] < -0.005


def test_a_model_is_compared_with_the_better_of_stage_one_and_the_reranker_in_use(
    engine: SearchEngine, tmp_path: Path
) -> None:
    good = Knowing(weight=0.9, name="good", fingerprint="good")
    bad = Knowing(weight=0.9, sign=-1.0, name="bad", fingerprint="bad")
    assert gate(engine, tmp_path / "a", Knowing(weight=0.5), good).against == "good"
    assert gate(engine, tmp_path / "b", Knowing(weight=0.5), bad).against == "stage one"


def test_a_model_that_changes_nothing_passes(engine: SearchEngine, tmp_path: Path) -> None:
    good = Knowing(weight=0.9, name="good", fingerprint="good")
    verdict = gate(engine, tmp_path, Knowing(weight=0.9), good)
    assert verdict.passed
    assert verdict.interval == (0.0, 0.0)


def test_few_queries_are_said_to_prove_nothing(engine: SearchEngine, tmp_path: Path) -> None:
    assert gate(engine, tmp_path, Knowing(), None).few
