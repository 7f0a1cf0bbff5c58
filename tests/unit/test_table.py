from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st

from engine.evaluation.compare import compare
from engine.evaluation.layout import WIDE, bar, chance, cut, paragraph, plain, table, width
from engine.evaluation.reports import read_report
from engine.evaluation.table import render, render_comparison
from tests.reports import Row, make_report

if TYPE_CHECKING:
    from pathlib import Path

NONE = Row(reranker=None)
FEW = [0.25, 0.5, 0.5, 0.75]


def shown(folder: Path, *rows: Row, **changes: Any) -> str:  # noqa: ANN401
    return render(read_report(make_report(folder, *rows, **changes)))


def part(text: str, start: str) -> list[str]:
    """Return the lines of the part that starts so."""
    (found,) = (part for part in text.rstrip("\n").split("\n\n") if part.startswith(start))
    return found.split("\n")


# --- layout


@given(st.text(max_size=40), st.integers(1, 30))
def test_a_cut_text_fits_and_one_that_fits_is_not_cut(text: str, most: int) -> None:
    kept = cut(text, most)
    assert width(kept) <= most
    assert kept == text if width(text) <= most else kept.endswith("…")


CELLS = st.lists(
    st.tuples(st.text("ab 中\u0301\n", min_size=1), st.integers(), st.text()).filter(
        lambda row: plain(row[0]) != ""
    ),
    min_size=1,
    max_size=5,
)


@given(CELLS)
def test_the_cells_of_a_column_start_or_end_in_the_same_place(
    rows: list[tuple[str, int, str]],
) -> None:
    lines = list(table(("a", "b", "c"), rows, left={0, 2}, indent="   "))
    assert len(lines) == len(rows) + 1
    numbers = ["b", *(str(row[1]) for row in rows)]
    cells = ["a", *(plain(row[0]) for row in rows)]
    ends = 3 + max(map(width, cells)) + 2 + max(map(len, numbers))
    for line, number, cell in zip(lines, numbers, cells, strict=True):
        assert line.startswith(f"   {cell}")
        rest = line[3 + len(cell) :]
        assert rest.lstrip().startswith(number)
        assert 3 + width(cell) + rest.index(number) + len(number) == ends


def test_wide_and_combining_characters_are_counted_as_a_terminal_shows_them() -> None:
    assert [width(text) for text in ("abc", "中文", "e\u0301", "\uff37", "a\u200b")] == [
        3,
        4,
        1,
        2,
        1,
    ]


def test_a_column_without_a_cell_is_left_out() -> None:
    rows = [("x", "", 1, ""), ("y", "", 2, "")]
    assert list(table(("a", "none", "n", ""), rows, left={0, 1}, flexible=1)) == [
        *("a  n", "x  1", "y  2"),
    ]


def test_a_flexible_column_gives_what_the_others_need() -> None:
    lines = list(table(("n", "words", "m"), [(1, "x" * 200, 2)], flexible=1))
    assert [width(line) for line in lines] == [WIDE, WIDE]
    assert lines[1].endswith("…  2")


@given(st.text(max_size=60))
def test_nothing_that_is_shown_moves_the_cursor(text: str) -> None:
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e]", plain(f"\x1b]0;{text}\x07\r\n"))


@given(st.lists(st.floats(-0.1, 1), min_size=3, max_size=3), st.integers(1, 80))
def test_a_bar_is_as_long_as_asked_and_its_parts_as_their_shares(
    parts: list[float], length: int
) -> None:
    drawn = bar(parts, "#=.", length)
    sizes = [max(0.0, part) for part in parts]
    if sum(sizes) < 1e-9:
        return
    assert len(drawn) == length
    assert re.fullmatch(r"#*=*\.*", drawn)
    for size, mark in zip(sizes, "#=.", strict=True):
        assert abs(drawn.count(mark) - size / sum(sizes) * length) <= 1 + 1e-9


def test_figures_are_written_as_people_write_them() -> None:
    assert [chance(p) for p in (1, 0.0496, 0.001, 0.00099, 1e-4)] == [
        *("1.000", "0.050", "0.001", "<0.001", "<0.001"),
    ]
    assert list(paragraph("word " * 40))[1].startswith("  word")


# --- a report


def test_the_header_is_that_of_sentence_transformers(tmp_path: Path) -> None:
    lines = part(shown(tmp_path, queries=300, collection="scifact"), "scifact")
    assert lines[0] == "scifact/test: 300 of 1,109 queries, 5,183 documents"
    assert lines[1] == (
        "Queries: 300   Positives: Min 1.0, Mean 1.1, Max 5.0"
        "   Candidates: Min 50.0, Mean 50.0, Max 50.0"
    )


def test_a_row_shows_base_and_reranked_in_the_manner_of_sentence_transformers(
    tmp_path: Path,
) -> None:
    row = Row(base=[0.25] * 4, realistic=FEW)
    lines = part(shown(tmp_path, row, queries=4, measures=["nDCG@10", "P@1"]), "1  hybrid")
    assert lines == [
        "1  hybrid, all-MiniLM-L6-v2 (bi-encoder, zero-shot), depth 50",
        "               Base -> Reranked     always    ceiling",
        "   nDCG@10    25.00 -> 50.00         62.50      75.00",
        "   P@1         8.84 -> 32.19         45.23      61.00",
    ]


def test_familiar_measures_come_first_with_their_familiar_names(tmp_path: Path) -> None:
    lines = part(shown(tmp_path, NONE), "1  hybrid")
    assert lines[0] == "1  hybrid, depth 50"
    assert [line.split("   ")[1] for line in lines[2:]] == [
        *("AP (MAP)", "RR@10 (MRR@10)", "nDCG@10", "P@1", "R@100"),
    ]
    assert "->" not in "".join(lines)


def test_the_table_has_a_line_a_row_with_intervals_and_says_what_is_beyond_chance(
    tmp_path: Path,
) -> None:
    rows = [
        Row(base=FEW, realistic=[0.5, 0.75, 0.75, 1.0]),
        Row(sources="lexical", base=[0.5, 0.75, 0.75, 1.0], realistic=FEW),
        Row(sources="dense", base=FEW, realistic=[0.25, 0.5, 0.25, 1.0]),
        NONE,
    ]
    lines = part(shown(tmp_path, *rows, queries=4), "nDCG@10 in percent")
    assert lines[1].split() == [
        *("#", "sources", "depth", "reranker", "base", "realistic", "always", "ceiling"),
    ]
    assert [line.split()[:4] for line in lines[2:5]] == [
        ["1", "hybrid", "50", "all-MiniLM-L6-v2"],
        ["2", "lexical", "50", "all-MiniLM-L6-v2"],
        ["3", "dense", "50", "all-MiniLM-L6-v2"],
    ]
    assert re.search(r" 50\.00 ±20\.0  75\.00 ±20\.0  \+  ", lines[2])
    assert re.search(r" 75\.00 ±20\.0  50\.00 ±20\.0  -  ", lines[3])
    assert not re.search(r" [+-] ", lines[4])
    assert lines[5].split()[:4] == ["4", "hybrid", "50", "none"]
    assert lines[5].count("±") == 2
    assert lines[6].startswith("+ better, - worse than base, beyond chance")


def test_marks_are_not_explained_where_there_are_none(tmp_path: Path) -> None:
    assert "+ better" not in shown(tmp_path, NONE)


def test_costs_stand_in_a_table_of_their_own(tmp_path: Path) -> None:
    lines = part(shown(tmp_path, Row(), NONE), "#  model")
    assert lines[0].split()[-3:] == ["weight", "alone", "always"]
    assert lines[1].split()[:3] == ["1", "all-MiniLM-L6-v2", "22.7M"]
    assert lines[1].split()[4:8] == ["14.2", "3,400.0", "11.0", "0.50"]
    assert lines[2].split() == ["2", "none", "11.5", "11.0"]
    assert "10 queries, one at a time, on Intel(R) Xeon(R) CPU, 2" in lines[3]
    assert part(shown(tmp_path, NONE), "#  model")[0].split() == [
        *("#", "model", "ms/query", "stage", "one"),
    ]


def test_the_gap_adds_up_and_is_drawn(tmp_path: Path) -> None:
    rows = (Row(base=[0.1] * 4, realistic=[0.6] * 4), Row(reranker=None, base=[0.6] * 4))
    lines = part(shown(tmp_path, *rows, queries=4), "Where nDCG@10 is lost")
    assert lines[1] == (
        "1  of 100: retrieval loss 20.0 (not among the 50 candidates), ranking loss 20.0,"
        " reached 60.0"
    )
    assert lines[2] == "   " + "#" * 30 + "=" * 10 + "." * 10
    assert "left to a reranker 20.0, reached 60.0" in lines[3]
    assert lines[4] == lines[2]


def test_many_comparisons_are_those_with_the_best_row(tmp_path: Path) -> None:
    rows = [Row(depth=d, base=FEW, realistic=[d / 200] * 4) for d in (10, 20, 30, 100, 50, 60, 70)]
    few = part(shown(tmp_path, *rows[:5], queries=4), "Between rows")
    assert len(few) == 2 + 10
    many = part(shown(tmp_path, *rows, queries=4), "Between rows")
    assert [line.split("  ")[0] for line in many[2:-1]] == [
        *("1 -> 4", "2 -> 4", "3 -> 4", "4 -> 5", "4 -> 6", "4 -> 7"),
    ]
    assert many[-1] == "These are the ones with the best row, 4; report.json has all 21"


def test_one_row_has_nothing_to_be_compared_with(tmp_path: Path) -> None:
    assert "Between rows" not in shown(tmp_path)


def test_queries_that_nobody_asked_and_notes_are_said(tmp_path: Path) -> None:
    data = read_report(make_report(tmp_path))["data"]
    kinds = {"heading": 1200, "title": 80}
    data["synthetic"] = {"how": "known items", "shared_words": 0.834, "kinds": kinds}
    data["notes"] = ["3 queries\x1b[2J were left out"]
    text = shown(tmp_path, data=data)
    assert "SYNTHETIC: known items (1,200 heading, 80 title)" in text
    assert "83% of their words" in text
    assert text.endswith("\nnote: 3 queries [2J were left out\n")


MODELS = (
    "cross-encoder/ms-marco-MiniLM-L6-v2",
    "/home/someone/models/a reranker with a rather long name that goes on and on (cross-encoder)",
    "中文重排序模型大型版本一二三四五六七八九十一二三四五六七八九十",
)


def test_no_line_is_wider_than_a_terminal(tmp_path: Path) -> None:
    rows = [Row(reranker=model, depth=depth) for model in MODELS for depth in (50, 1000)]
    texts = {f"q{n}": f"a long question {'and so on ' * 20}" for n in range(20)}
    a = make_report(tmp_path / "a", *rows, queries=texts)
    b = make_report(tmp_path / "b", *rows, queries=texts, seed=1, commit="c" * 200)
    text = render(read_report(a) | {"queries": 10_000}) + render_comparison(compare(a, b))
    assert max(map(width, text.split("\n"))) <= WIDE


# --- two reports


def test_two_reports_are_shown_with_what_changed_and_which_queries(tmp_path: Path) -> None:
    base = [0.5] * 20
    a = make_report(tmp_path / "a", Row(base=base, realistic=base))
    after = [1.0] * 12 + [0.5] * 6 + [0.25] * 2
    b = make_report(tmp_path / "b", Row(base=base, realistic=after), commit="abc")
    text = render_comparison(compare(a, b))
    assert text.startswith(f"A  {a}\nB  {b}\n\nChanged\n   commit: 445ccdf -> abc\n\nhybrid-all")
    lines = part(text, "hybrid-all")
    assert lines[1].split() == [
        "nDCG@10",
        "A",
        "B",
        *("difference", "95", "%", "interval", "p", "corrected"),
    ]
    assert re.fullmatch(
        r"   realistic +50\.00 +77\.50 +\+27\.50 +\[\+1\d\.\d\d, \+\d\d\.\d\d\] +\S+ +\S+  \+",
        lines[3],
    )
    assert lines[6] == "   12 queries are better in B, 2 worse, 6 equal"
    assert lines[7].split() == ["better", "A", "B", "query"]
    assert lines[8].split() == ["q0", "50.00", "100.00", "question", "number", "0"]
    assert len(lines) == 7 + 11 + 3


def test_rows_without_a_counterpart_and_notes_are_shown(tmp_path: Path) -> None:
    a = make_report(tmp_path / "a", Row(), Row(depth=100))
    b = make_report(tmp_path / "b", Row(), Row(sources="dense"), queries=19)
    text = render_comparison(compare(a, b))
    assert "only in A: hybrid-all-MiniLM-L6-v2-100\nonly in B: dense-all-MiniLM-L6-v2-50" in text
    assert text.endswith(
        "note: means are over the 19 queries that both have, of 20 in A and 19 in B\n"
    )


def test_of_several_rows_only_the_first_queries_are_shown(tmp_path: Path) -> None:
    a = make_report(tmp_path / "a", Row(), NONE)
    b = make_report(tmp_path / "b", Row(), NONE, seed=1)
    assert len(part(render_comparison(compare(a, b)), "hybrid-all")) == 7 + 4 + 4


def test_reports_of_the_same_setting_say_so(tmp_path: Path) -> None:
    a, b = make_report(tmp_path / "a"), make_report(tmp_path / "b")
    assert "\n\nSame data, versions and settings\n\n" in render_comparison(compare(a, b))
