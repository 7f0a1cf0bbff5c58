from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from engine.answer import Answer, Result
from server.cli.show import place, show_answer

if TYPE_CHECKING:
    import pytest

RESULT = Result(
    rank=1, document="guide/a.md", passage=0, title="Guide", path="guide/a.md", heading="",
    page=None, start=0, end=14, text="The mill turns", snippet="The mill turns",
    highlights=[[4, 8]], score=0.75, relevance=None, stage="fused",
    ranks={"lexical": 2, "dense": None, "fused": 1, "reranked": None}, scores=None, stale=False,
    metadata={},
)  # fmt: skip
ANSWER = Answer(
    query="mill", results=[RESULT], total_candidates=3, degraded=False, degraded_reason=None,
    timings_ms={"parse": 0.1, "lexical": 2.0, "dense": 0.0, "total": 2.1}, snapshot=7,
    models={"encoder": "static", "reranker": None},
)  # fmt: skip


def shown(
    capsys: pytest.CaptureFixture[str], answer: Answer, *, explain: bool = False
) -> tuple[str, str]:
    show_answer(answer, explain=explain)
    captured = capsys.readouterr()
    return captured.out, captured.err


def test_a_place_is_document_page_and_heading() -> None:
    assert place(RESULT) == "guide/a.md"
    assert place(replace(RESULT, page=12)) == "guide/a.md, page 12"
    assert place(replace(RESULT, heading="Linux > apt")) == "guide/a.md > Linux > apt"


def test_a_result_is_three_lines(capsys: pytest.CaptureFixture[str]) -> None:
    out, err = shown(capsys, ANSWER)
    assert out == "  1  guide/a.md  Guide\n     The mill turns\n     0.750 fused\n\n"
    assert err == ""


def test_a_title_that_is_the_name_is_not_said_twice(capsys: pytest.CaptureFixture[str]) -> None:
    for title in ("a.md", ""):
        answer = replace(ANSWER, results=[replace(RESULT, title=title)])
        assert shown(capsys, answer)[0].startswith("  1  guide/a.md\n")


def test_runs_of_white_space_are_one_space(capsys: pytest.CaptureFixture[str]) -> None:
    result = replace(RESULT, snippet="The \n\n   mill    turns", highlights=[[9, 13]])
    assert "     The mill turns\n" in shown(capsys, replace(ANSWER, results=[result]))[0]


def test_relevance_is_a_percentage(capsys: pytest.CaptureFixture[str]) -> None:
    result = replace(RESULT, relevance=0.876, stage="reranked")
    assert "0.750 reranked · relevance 88%" in shown(capsys, replace(ANSWER, results=[result]))[0]


def test_a_stale_result_is_marked(capsys: pytest.CaptureFixture[str]) -> None:
    answer = replace(ANSWER, results=[replace(RESULT, stale=True)])
    assert "(changed since it was indexed)" in shown(capsys, answer)[0]


def test_notes_and_degradation_go_to_stderr(capsys: pytest.CaptureFixture[str]) -> None:
    answer = replace(
        ANSWER, notes=["read in windows"], degraded=True, degraded_reason="reranker_unavailable"
    )
    out, err = shown(capsys, answer)
    assert err == "note: read in windows\ndegraded: reranker_unavailable\n"
    assert "windows" not in out


def test_nothing_found_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    assert shown(capsys, replace(ANSWER, results=[])) == ("nothing found\n", "")


def test_an_explanation_names_stages_models_and_milliseconds(
    capsys: pytest.CaptureFixture[str],
) -> None:
    scores = {"lexical": 3.25, "dense": None, "fused": 0.75, "reranked": None}
    answer = replace(ANSWER, results=[replace(RESULT, scores=scores)])
    out, _ = shown(capsys, answer, explain=True)
    assert "lexical 2. (3.25) · fused 1. (0.75)" in out
    assert "3 candidates from generation 7\n" in out
    assert "milliseconds: parse 0.1, lexical 2.0; total 2.1\n" in out
    assert out.endswith("encoder: static\nreranker: none\n")


def test_a_document_cannot_write_to_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    evil = replace(
        RESULT,
        document="a\x1b]0;owned\x07.md",
        title="\x1b[2J",
        snippet="The \x1b[31mmill\x9b turns\r",
        highlights=[[9, 13]],
        heading="\x1b[1m",
    )
    out, _ = shown(capsys, replace(ANSWER, results=[evil]))
    assert not any(c in out for c in "\x1b\x07\x9b\r")
