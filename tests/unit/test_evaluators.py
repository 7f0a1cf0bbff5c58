# pyright: basic
"""The evaluators of sentence-transformers on held-out rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from datasets import config
from sentence_transformers.cross_encoder.evaluation import (
    CrossEncoderClassificationEvaluator,
    CrossEncoderCorrelationEvaluator,
    CrossEncoderRerankingEvaluator,
)

from engine.errors import CollectionError
from engine.rerankers import load
from engine.types import Scores
from indexer.training.asking import asked_of
from indexer.training.evaluators import MEAN, Rows
from indexer.training.examples import Candidate, Example, Kind, TrainingSet
from indexer.training.train_options import TrainOptions
from tests.fakes import OverlapReranker, make_engine
from tests.repositories import repository
from tests.tiny_models import library_cross_encoder, save_cross_encoder

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from indexer.training.apart import Part

WORDS = ("the sea", "the heart is red", "fish swims", "a b c", "what is blue")


def rows(*labels: float, count: int = 6) -> list[Example]:
    """Return queries with a text for each label."""
    return [
        Example(
            f"what is {n}",
            tuple(
                Candidate(f"{WORDS[(n + at) % 5]} {n}", label) for at, label in enumerate(labels)
            ),
        )
        for n in range(count)
    ]


def part(kind: Kind, examples: Sequence[Example], name: str = "mine") -> Part:
    return TrainingSet(name=name, kind=kind, examples=examples), examples


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_cross_encoder(tmp_path_factory.mktemp("tiny"))


def flat(examples: Sequence[Example]) -> tuple[list[list[str]], list[float]]:
    pairs = [[e.query, c.text] for e in examples for c in e.candidates]
    return pairs, [c.label for e in examples for c in e.candidates]


def test_what_is_said_is_what_the_library_says_of_the_same_model(tiny: Path) -> None:
    model, reranker = library_cross_encoder(tiny), load(str(tiny))
    labelled, graded, tuples = rows(1, 0), rows(0.2, 0.9, 0.5), rows(1, 0, 0, 1)
    pairs, labels = flat(labelled)
    library = [
        CrossEncoderClassificationEvaluator(pairs, [int(n) for n in labels], name="labels"),
        CrossEncoderCorrelationEvaluator(*flat(graded), name="grades"),
        CrossEncoderRerankingEvaluator(
            [
                {
                    "query": e.query,
                    "positive": [c.text for c in e.positives],
                    "negative": [c.text for c in e.negatives],
                }
                for e in tuples
            ],
            name="tuples",
        ),
    ]
    expected = {name: value for one in library for name, value in one(model).items()}
    found = Rows(
        [
            part("labelled", labelled, "labels"),
            part("scored", graded, "grades"),
            part("tuples", tuples, "tuples"),
        ]
    ).ask(reranker)
    assert set(found) == set(expected)
    for name in found:
        if "threshold" not in name:  # those are of probabilities there
            assert found[name] == pytest.approx(expected[name], abs=1e-5), name


def test_rows_that_tell_nothing_apart_are_not_asked() -> None:
    nothing = Rows([part("pairs", rows(1)), part("labelled", rows(1, 1)), part("tuples", rows(1))])
    assert nothing.pairs == []
    assert nothing.ask(OverlapReranker()) == {}


class Equal(OverlapReranker):
    def score(self, pairs: Sequence[tuple[str, str]]) -> Scores:
        return Scores(np.zeros(len(pairs), np.float32))


def test_what_is_no_number_is_said_to_be_none(tiny: Path) -> None:
    grades = Rows([part("labelled", rows(0.2, 0.9))])
    assert grades.ask(Equal()) == {"mine_pearson": None, "mine_spearman": None}
    assert len(grades.pairs) == 12


def test_a_model_that_learns_is_asked_the_mean_of_what_each_says_first(tiny: Path) -> None:
    both = Rows([part("labelled", rows(1, 0), "a"), part("tuples", rows(1, 0, 0), "b")])
    said = both.ask(load(str(tiny)))
    watching = both.watching()
    assert watching.primary_metric == MEAN
    mean = ((said["a_average_precision"] or 0) + (said["b_ndcg@10"] or 0)) / 2
    assert watching(library_cross_encoder(tiny)) == {MEAN: pytest.approx(mean, abs=1e-5)}


def test_what_nothing_can_be_said_about_is_refused() -> None:
    engine = make_engine({"mill": "the mill grinds"}, rerank=False)
    with pytest.raises(CollectionError, match="no row has a negative or a label"):
        asked_of(engine, [part("pairs", rows(1))], TrainOptions())
    asked = asked_of(engine, [part("labelled", rows(1, 0))], TrainOptions())
    assert asked.in_index is None
    assert asked.measure == MEAN
    assert asked.measures(None, OverlapReranker())["mine_accuracy"][0] is None
    before, after = asked.measures(Equal(), OverlapReranker())["mine_average_precision"]
    assert before is not None
    assert after is not None


def test_nano_beir_is_asked_where_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(config, "HF_DATASETS_CACHE", tmp_path / "cache")
    with pytest.raises(CollectionError, match="not on this machine"):
        Rows([], nano_beir=True)
    names = ("ClimateFEVER", "DBPedia", "FEVER", "FiQA2018", "HotpotQA", "MSMARCO", "NFCorpus",
             "NQ", "QuoraRetrieval", "SCIDOCS", "SciFact")  # fmt: skip
    files: dict[str, Any] = {
        "corpus.parquet": {"_id": ["d1", "d2"], "text": ["the mill grinds", "the sea"]},
        "queries.parquet": {"_id": ["q1"], "text": ["what grinds"]},
        "qrels.parquet": {"query-id": ["q1"], "corpus-id": ["d1"]},
        "bm25.parquet": {"query-id": ["q1"], "corpus-ids": [["d2", "d1"]]},
    }
    cards = {
        f"{table}/Nano{name}": f"{table}.parquet"
        for table in ("corpus", "queries", "qrels", "bm25")
        for name in names
    }
    repository("sentence-transformers/NanoBEIR-en", files, cards)
    found = Rows([], nano_beir=True).ask(OverlapReranker())
    assert found["NanoMSMARCO_R100_ndcg@10"] == 1
    assert found["NanoSciFact_R100_base_ndcg@10"] == pytest.approx(0.63, abs=0.01)
