from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

import pytest

from engine.evaluation.page import render
from engine.evaluation.page.changes import KEPT, gather
from engine.evaluation.page.view import read
from tests.pages import Page, mapped, marked, page, parts
from tests.reports import COLUMNS, DEPTHS, MINILM, Row, make_report

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NONE = Row(reranker=None)
SECTIONS = ("answer", "rows", "depth", "latency", "queries", "losses", "method")
DASH, MINUS = "\u2013", "\u2212"


def shown(value: float) -> str:
    return f"{100 * value:.1f}"


def test_a_full_report_has_every_section_in_the_order_of_questions(tmp_path: Path) -> None:
    found = page(tmp_path, NONE, Row(), Row(depth=100), queries=40)
    assert tuple(found.sections) == SECTIONS
    links = [attrs["href"] for attrs in found.all("a")]
    assert links == [f"#{name}" for name in SECTIONS]


def test_what_was_not_measured_has_no_section(tmp_path: Path) -> None:
    report, lines = parts(make_report(tmp_path))
    row = report["rows"][0] | {"curve": [], "ms_per_query": None, "ms_first_stage": None}
    bare = report | {"rows": [row], "losses": [], "comparisons": []}
    assert Page(render(bare, [])).sections == ["answer", "rows", "method"]
    assert Page(render(report | {"rows": []}, lines)).sections == ["method"]
    assert Page(render({}, [])).sections == ["method"]


@pytest.mark.parametrize("rows", [(), (NONE,), (NONE, Row())])
def test_a_report_of_nothing_but_nulls_is_a_page(tmp_path: Path, rows: tuple[Row, ...]) -> None:
    report, lines = parts(make_report(tmp_path, *rows))
    Page(render(mapped(report, lambda _: None), mapped(lines, lambda _: None)))


def test_every_figure_of_every_row_stands_on_the_page(tmp_path: Path) -> None:
    folder = make_report(tmp_path, NONE, Row(), Row(sources="lexical"), queries=30)
    report, lines = parts(folder)
    text = Page(render(report, lines)).texts["rows"]
    for row in report["rows"]:
        for column in COLUMNS:
            values: dict[str, float] = row[column] or {}
            for measure, value in values.items():
                low, high = row["intervals"][column][measure]
                assert shown(value) in text
                assert f"{shown(low)}{DASH}{shown(high)}".replace("-", MINUS) in text
        assert shown(row["retrieval_loss"]) in text


def test_the_answer_is_the_first_row_with_a_reranker(tmp_path: Path) -> None:
    report, lines = parts(make_report(tmp_path, NONE, Row(sources="dense"), Row(), queries=30))
    text = Page(render(report, lines)).texts["answer"]
    assert "dense, reranked by all-MiniLM-L6-v2, 50 candidates, by nDCG@10 (row 2 of 3)" in text
    chosen = report["rows"][1]
    values = [chosen[column]["nDCG@10"] for column in COLUMNS]
    values += [chosen["retrieval_loss"], chosen["ranking_loss"]]
    assert all(shown(value) in text for value in values)


def verdict(folder: Path, **changes: object) -> str:
    report, lines = parts(make_report(folder, queries=40))
    report["rows"][0] |= changes
    return Page(render(report, lines)).texts["answer"]


def a_test(difference: float, p: float) -> dict[str, Any]:
    interval = [difference - 0.01, difference + 0.01]
    return {"difference": difference, "interval": interval, "p": p / 2, "p_corrected": p}


def test_the_verdict_says_what_the_test_says(tmp_path: Path) -> None:
    helps = verdict(tmp_path, significance=a_test(0.024, 0.002))
    assert "The reranker helps: 2.4 points of nDCG@10 more than stage one alone" in helps
    assert "(95 % interval +1.4 to +3.4, p = 0.002)" in helps
    assert "The reranker harms: 2.4" in verdict(tmp_path, significance=a_test(-0.024, 0.0))
    chance = verdict(tmp_path, significance=a_test(0.024, 0.06))
    assert "It is not shown that the reranker changes anything: +2.4" in chance
    assert "changes nothing" in verdict(tmp_path, significance=a_test(0.0, 1.0))
    assert "not tested" in verdict(tmp_path, significance=None)


def test_the_verdict_names_the_larger_loss_and_its_cure(tmp_path: Path) -> None:
    retrieval = verdict(tmp_path, retrieval_loss=0.2, ranking_loss=0.1)
    assert "larger loss is in retrieval: 20.0" in retrieval
    assert "improve stage one" in retrieval
    ranking = verdict(tmp_path, retrieval_loss=0.1, ranking_loss=0.2)
    assert "larger loss is in ranking: 20.0" in ranking
    assert "train the reranker" in ranking
    assert "Nothing is left to win" in verdict(tmp_path, retrieval_loss=0.0, ranking_loss=0.0)
    assert "Both stages lose" in verdict(tmp_path, retrieval_loss=0.1, ranking_loss=0.1)


def test_more_depth_is_advised_by_what_it_would_bring(tmp_path: Path) -> None:
    curve = [{"depth": d, "base": 0.5, "ceiling": 0.6 + d / 1000} for d in DEPTHS]
    losses = {"retrieval_loss": 0.35, "ranking_loss": 0.1}
    assert "from 65.0 to 80.0" in verdict(tmp_path, curve=curve, **losses)
    flat = [point | {"ceiling": 0.65} for point in curve]
    assert "Depth alone will not do it" in verdict(tmp_path, curve=flat, **losses)


def test_without_a_reranker_nothing_is_said_of_one(tmp_path: Path) -> None:
    found = page(tmp_path, NONE)
    assert "No reranker was measured" in found.texts["answer"]
    assert "Realistic" not in found.texts["answer"] + found.texts["rows"]
    assert "better for" not in found.texts["queries"]


def test_queries_that_were_made_have_a_banner(tmp_path: Path) -> None:
    made = {"how": "from headings", "shared_words": 0.83, "kinds": {"heading": 120}}
    report, lines = parts(make_report(tmp_path))
    assert "Nobody asked" not in Page(render(report, lines)).texts["body"]
    report["data"] |= {"synthetic": made, "notes": ["one query was empty"]}
    text = Page(render(report, lines)).texts["header"]
    assert "made from the index itself. 83 % of their words stand in the passage" in text
    assert "smoke test" in text
    assert "120 \u00d7 heading" in text
    assert "one query was empty" in text


def test_each_pair_of_sources_and_reranker_has_one_picture_of_depth(tmp_path: Path) -> None:
    rows = (NONE, Row(depth=30), Row(depth=100), Row(sources="lexical"))
    found = page(tmp_path, *rows)
    pictures = {
        (attrs.get("aria-labelledby") or "").split("-title")[0]
        for attrs in found.all("svg")
        if (attrs.get("aria-labelledby") or "").startswith("depth")
    }
    assert len(pictures) == 3


def test_wins_and_losses_add_up_and_open_to_their_queries(tmp_path: Path) -> None:
    base = [0.5] * 10
    realistic = [1.0, 0.75, 0.51, *[0.5] * 5, 0.2, 0.0]
    found = page(tmp_path, Row(base=base, realistic=realistic), queries=10)
    text = found.texts["queries"]
    assert f"better for 3 (by +25.3 on average), worse for 2 (by {MINUS}40.0 on average)" in text
    assert "unchanged for 5" in text
    assert "+50.050.0 → 100.0question number 0 q0" in text
    assert text.index("question number 0") < text.index("question number 9")
    assert len(found.all("ol")) == 1 + 6  # the cards, and a list for each bin that holds queries


def test_a_bin_shows_a_hundred_and_says_how_many_more(tmp_path: Path) -> None:
    count = 250
    rows = Row(base=[0.5] * count, realistic=[0.5 + n / 2500 for n in range(count)])
    report, lines = parts(make_report(tmp_path, rows, queries=count))
    (changes,) = gather(read(report), iter(lines))
    assert sum(bin_.count for bin_ in changes.bins.values()) == count
    assert changes.bins[1].count == 250 - 1  # one of them did not change
    assert [item.query for item in changes.bins[1].largest] == [
        f"q{n}" for n in range(249, 249 - KEPT, -1)
    ]
    assert "and 149 more (per_query.jsonl)" in Page(render(report, lines)).texts["queries"]


def many(count: int, rows: int) -> Iterator[dict[str, Any]]:
    for n in range(count):
        values = {"base": {"nDCG@10": (n % 97) / 96}, "realistic": {"nDCG@10": (n % 89) / 88}}
        yield {"query": f"q{n}", "text": "<&\"'" * 500, "rows": [values] * rows}


def test_a_page_of_ten_thousand_long_queries_and_many_rows_stays_small(tmp_path: Path) -> None:
    rows = [Row(sources=s, depth=d) for s in ("lexical", "dense", "hybrid") for d in (10, 50, 100)]
    report, _ = parts(make_report(tmp_path, *rows))
    losses = [marked(loss, "<&\"'" * 1000) for loss in report["losses"]]
    markup = render(report | {"losses": losses, "queries": 10_000}, many(10_000, len(rows)))
    assert len(markup.encode()) < 3_000_000
    assert "see per_query.jsonl" in markup


def test_a_loss_says_at_which_stage_it_was_lost(tmp_path: Path) -> None:
    report, lines = parts(make_report(tmp_path, Row(base=[0.0] * 20, realistic=[0.0] * 20)))
    missed, seen = report["losses"][:2]
    missed["expected"][0]["ranks"] = dict.fromkeys(("lexical", "dense", "fused", "final"))
    far = json.loads(json.dumps(missed))
    far["expected"][0]["ranks"]["fused"] = 140
    seen["expected"][0]["ranks"] = {"lexical": 9, "dense": None, "fused": 12, "final": 31}
    text = Page(render(report | {"losses": [missed, far, seen]}, lines)).texts["losses"]
    assert "Not among the 50 candidates: no source found it." in text
    assert "Not among the 50 candidates: stage one has it at rank 140." in text
    assert "Candidate 12, ranked 31 by the reranker." in text
    assert f"BM25 9dense {DASH}fused 12final 31" in text
    assert "What was expected for question" in text
    assert "What came back." in text


def test_how_it_was_made_stands_at_the_end(tmp_path: Path) -> None:
    text = page(tmp_path, command="shortlist evaluate toy -o out").texts["method"]
    for fact in ("shortlist evaluate toy", "445ccdf", "tantivy", "0.26.0", "6f0c", "Intel(R)"):
        assert fact in text
    assert "ir-measures" in text
    assert "wordllama-256" in text


def test_a_single_query_and_equal_values_are_no_trouble(tmp_path: Path) -> None:
    one = page(tmp_path, Row(base=[1.0], realistic=[1.0]), queries=1)
    assert "1 query is few" in one.texts["answer"]
    assert tuple(one.sections) == tuple(s for s in SECTIONS if s != "losses")


def test_rows_are_known_by_their_number_where_names_do_not_fit(tmp_path: Path) -> None:
    rows = [Row(reranker=f"{MINILM[:6]}-{n}-{'x' * 60}", depth=50) for n in range(12)]
    report, lines = parts(make_report(tmp_path, *rows))
    for n, row in enumerate(report["rows"]):
        row["ms_per_query"] = 1000.0 + n
    assert re.search(r"#\d+", Page(render(report, lines)).texts["latency"])
