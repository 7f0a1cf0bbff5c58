# pyright: basic
"""Every figure of a report is what ir-measures says of the exported files."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import ir_measures
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.evaluation.plan import Plan
from engine.evaluation.rows import RUNS
from tests.fakes import OverlapReranker
from tests.judged import evaluated, judged

if TYPE_CHECKING:
    from engine.evaluation.collection import Collection
    from engine.types import Sources

WORDS: tuple[str, ...] = ("mill", "corn", "flour", "wheel", "river", "miller", "bread", "oven")
texts = st.lists(st.sampled_from(WORDS), min_size=1, max_size=6).map(lambda words: " ".join(words))
documents = st.dictionaries(
    st.integers(0, 40).map(lambda n: f"d{n}.txt"),
    st.lists(texts, min_size=1, max_size=3).map("\n".join),
    min_size=1,
    max_size=25,
)


@st.composite
def collections(draw: st.DrawFn) -> tuple[dict[str, str], Collection]:
    """Documents, and queries judged about them: graded, with positives that share no word."""
    held = draw(documents)
    queries = draw(st.lists(texts, min_size=1, max_size=4))
    grades = st.dictionaries(st.sampled_from(sorted(held)), st.integers(0, 3), min_size=1)
    qrels = {f"q{n}": draw(grades) for n in range(len(queries))}
    return held, judged({f"q{n}": text for n, text in enumerate(queries)}, qrels)


@settings(max_examples=25)
@given(
    collections(),
    st.sampled_from([(1,), (2, 5), (10, 120)]),
    st.sampled_from([0.0, 0.3, 1.0]),
    st.sampled_from(["lexical", "dense", "hybrid"]),
)
def test_every_figure_is_that_of_ir_measures_on_the_exported_run(
    made: tuple[dict[str, str], Collection],
    depths: tuple[int, ...],
    weight: float,
    sources: Sources,
) -> None:
    held, collection = made
    plan = Plan(sources=(sources,), depths=depths, timed_queries=1, measures=("Success@1",))
    with tempfile.TemporaryDirectory() as home:
        report = evaluated(
            Path(home), held, collection, plan, rerankers=[OverlapReranker(weight=weight), None]
        )
        folder = Path(home) / "report"
        qrels = list(ir_measures.read_trec_qrels(str(folder / "qrels.trec")))
        measures = [ir_measures.parse_measure(name) for name in report["measures"]]
        evaluator = ir_measures.evaluator(measures, qrels)
        per_query = [json.loads(x) for x in (folder / "per_query.jsonl").read_text().splitlines()]
        assert [line["query"] for line in per_query] == list(collection.queries)
        for number, row in enumerate(report["rows"]):
            for column, place in RUNS.items():
                if row[column] is None:
                    assert not (folder / place.format(row["name"])).exists()
                    continue
                path = folder / place.format(row["name"])
                run = list(ir_measures.read_trec_run(str(path))) if path.exists() else []
                said = {str(m): value for m, value in evaluator.calc_aggregate(run).items()}
                assert row[column] == pytest.approx(said, abs=1e-6)
                for metric in evaluator.iter_calc(run):
                    line = next(x for x in per_query if x["query"] == metric.query_id)
                    mine = line["rows"][number][column][str(metric.measure)]
                    assert mine == pytest.approx(metric.value, abs=1e-6)


@settings(max_examples=25)
@given(collections(), st.sampled_from([1, 3, 10]))
def test_the_ceiling_is_never_below_realistic_nor_always_below_its_own_ceiling(
    made: tuple[dict[str, str], Collection], depth: int
) -> None:
    held, collection = made
    with tempfile.TemporaryDirectory() as home:
        report = evaluated(Path(home), held, collection, Plan(depths=(depth,), timed_queries=1))
    row = report["rows"][0]
    assert row["ceiling"]["nDCG@10"] >= row["realistic"]["nDCG@10"] - 1e-9
    assert row["ceiling"]["nDCG@10"] >= row["base"]["nDCG@10"] - 1e-9
    assert row["retrieval_loss"] >= -1e-9
    assert row["ranking_loss"] >= -1e-9
