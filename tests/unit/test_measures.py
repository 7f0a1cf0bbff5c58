from __future__ import annotations

import pytest

from engine.errors import UsageError
from engine.evaluation.measures import Measures


@pytest.mark.parametrize("name", ["nDCG@0", "P@0", "R@0", "RR@0", "AP@0", "nDCG(cutoff=0)"])
def test_a_measure_of_no_result_is_refused_before_trec_eval_aborts(name: str) -> None:
    with pytest.raises(UsageError, match="looks at no result"):
        Measures([name])


@pytest.mark.parametrize(
    ("name", "reason"),
    [("nDGC@10", "knows no measure"), ("nDCG@", "knows no measure"), ("NumQ", "no mean"),
     ("alpha_nDCG@10", "cannot be computed here"), ("P(rel=0)@5", "cannot be computed here")],
)  # fmt: skip
def test_a_measure_that_gives_no_figure_is_refused(name: str, reason: str) -> None:
    with pytest.raises(UsageError, match=reason):
        Measures([name])


def test_measures_stand_once_under_the_names_that_ir_measures_gives_them() -> None:
    measures = Measures(["nDCG@5", "MRR@10", "RR@10", "MAP"])
    assert measures.names == ("nDCG@5", "RR@10", "AP")
    assert (measures.primary, measures.cutoff()) == ("nDCG@5", 5)
    assert Measures(["AP"]).cutoff() is None


def test_a_judged_query_that_found_nothing_counts_as_nothing_found() -> None:
    judge = Measures(["RR@10", "P@1"]).judge({"q": {"d": 1}, "none": {"d": 1}})
    assert judge.values({"q": ["x", "d"], "none": []}) == {
        "q": {"RR@10": 0.5, "P@1": 0.0},
        "none": {"RR@10": 0.0, "P@1": 0.0},
    }
    assert judge.primary({"q": ["x", "d"]}) == {"q": 0.5, "none": 0.0}
