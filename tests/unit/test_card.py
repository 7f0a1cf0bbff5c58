from __future__ import annotations

import re

import pytest
import yaml

from indexer.training.card import Card, measures_section
from indexer.training.gate import Verdict


def score(value: float) -> dict[str, float]:
    return {"nDCG@10": value}


def row(reranker: str, realistic: float) -> dict[str, object]:
    return {
        "reranker": reranker,
        "base": score(0.5),
        "realistic": score(realistic),
        "always_rerank_positives": score(0.8),
        "ceiling": score(0.9),
    }


def card(*, passed: bool = True, queries: int = 200) -> str:
    verdict = Verdict(
        passed=passed, queries=queries, against="stage one", before=0.5, after=0.6123,
        interval=(0.08, 0.14), p=0.0001, rows=[row("old", 0.5), row("new", 0.6123)],
    )  # fmt: skip
    data = {
        "name": "pairs.csv",
        "kind": "pairs",
        "learned": 1080,
        "held_out": 120,
        "checksums": {"pairs.csv": "abc123"},
        "notes": ["3 rows left out"],
    }
    return Card(
        name="mine", base="all-MiniLM-L6-v2", verdict=verdict, license="mit", language="no",
        data=[data], hyperparameters={"epochs": 1.0, "seed": 0}, mining="hard 5", seconds=1234.5,
        curve=[(10, 0.7, None), (20, None, 0.55)], weights={0.5: 0.55, 1.0: 0.6}, weight=1.0,
        command="shortlist train pairs.csv", versions={"torch": "2.13.0"},
    ).text()  # fmt: skip


def test_the_head_is_what_hubs_read() -> None:
    head = yaml.safe_load(card().split("---")[1])
    assert head == {
        "library_name": "sentence-transformers",
        "pipeline_tag": "text-ranking",
        "language": "no",  # not the truth value that YAML makes of a bare no
        "license": "mit",
        "tags": ["cross-encoder", "reranker", "shortlist"],
    }


@pytest.mark.parametrize(
    "told",
    ["61.2", "+11.2 points against stage one", "95 % interval +8.0 to +14.0", "BLAKE2b abc123",
     "1,080 questions learned, 120 held out, rows of pairs", "3 rows left out",
     "shortlist train pairs.csv", "| epochs | 1.0 |", "| 10 | 0.7000 |  |", "| 20 |  | 55.0 |",
     "torch 2.13.0", "hard 5"],
)  # fmt: skip
def test_the_card_tells(told: str) -> None:
    assert told in card()


def test_a_model_that_was_refused_says_so() -> None:
    assert "did not pass the gate" in card(passed=False)
    assert "did not pass the gate" not in card()


def test_few_queries_are_said_to_prove_nothing() -> None:
    assert "(8) prove little" in card(queries=8)
    assert "prove little" not in card()


def test_every_table_has_as_many_cells_in_each_line() -> None:
    for table in re.findall(r"(?:^\|.*\|\n)+", card(), re.MULTILINE):
        assert len({line.count("|") for line in table.splitlines()}) == 1


def test_what_the_library_says_of_held_out_rows_stands_in_it() -> None:
    told = measures_section({"faq_f1": (None, 0.5), "faq_f1_threshold": (0.1, 0.2)}, "old")
    assert "| measure | before (old) | after |\n|---|---|---|\n| faq_f1 |  | 0.500 |" in told
    assert "threshold" not in told
    assert "no reranker in use" in measures_section({"faq_f1": (None, 0.5)}, None)
    assert measures_section({}, "old") == ""


def test_a_gate_that_had_nothing_to_decide_says_so() -> None:
    text = Card(
        name="mine", base="tiny", verdict=None, looked="mean of all", curve=[(1, 0.5, 0.25)]
    )
    assert "nothing to decide. **Nobody knows" in text.text()
    assert "| step | loss | mean of all on held-out queries |" in text.text()
    assert "| 1 | 0.5000 | 25.0 |" in text.text()


def test_a_curve_of_weights_is_shown_only_where_one_was_chosen() -> None:
    chosen = "on held-out queries that the gate did not see"
    assert chosen in card()
    few = Card(name="mine", base="tiny", verdict=None, weight=0.7).text()
    assert chosen not in few
    assert "is 0.7, the usual one: there were too few held-out queries" in few


def test_a_published_model_is_loaded_by_its_place() -> None:
    text = Card(name="mine", repository="ann/mine", base="tiny", verdict=None).text()
    assert "--reranker ann/mine" in text
    assert 'CrossEncoder("ann/mine")' in text
    assert "# mine" in text


def test_a_plain_model_is_loaded_by_the_library_alone() -> None:
    text = Card(name="mine", base="tiny", verdict=None).text()
    assert "known_to_transformers" not in text
    assert (
        "```python\nfrom sentence_transformers import CrossEncoder\n\n"
        'scores = CrossEncoder("mine").predict([("a question", "a passage")])\n```'
    ) in text
