from __future__ import annotations

import json
from statistics import fmean
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import UsageError
from engine.evaluation.compare import MOST, Comparison, Pair, compare
from engine.evaluation.reports import read_judgements, read_per_query, read_report
from engine.evaluation.sides import match
from engine.evaluation.significance import intervals, randomisation
from server.cli import cli
from tests.reports import COLUMNS, MEASURES, Row, make_report

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from click.testing import Result

NONE = Row(reranker=None)


def only_pair(comparison: Comparison) -> Pair:
    (pair,) = comparison.pairs
    return pair


def values(folder: Path, row: int, column: str, measure: str) -> list[float]:
    return [line["rows"][row][column][measure] for line in read_per_query(folder)]


# --- reading


def test_a_report_and_its_queries_are_read_as_they_were_written(tmp_path: Path) -> None:
    folder = make_report(tmp_path, queries={"1": "één\u2028 query", "2": "two"})
    assert read_report(folder)["rows"][0]["base"].keys() == set(MEASURES)
    assert [(q["query"], q["text"]) for q in read_per_query(folder)] == [
        ("1", "één\u2028 query"),
        ("2", "two"),
    ]
    assert read_judgements(folder) == {"1": {"d1": "1"}, "2": {"d2": "1"}}


def _no_report(folder: Path) -> None:
    (folder / "report.json").unlink()


def _no_queries(folder: Path) -> None:
    (folder / "per_query.jsonl").unlink()


def _unfinished(folder: Path) -> None:
    (folder / "report.json").rename(folder / "unfinished.json")


def _written(name: str, content: str) -> Callable[[Path], None]:
    def write(folder: Path) -> None:
        (folder / name).write_text(content)

    return write


def _changed(**keys: object) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        path = folder / "report.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | keys))

    return change


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (_no_report, "holds no report.json; name a folder"),
        (_unfinished, "not finished; run the same command again to finish it"),
        (_written("report.json", "{"), r"report\.json is damaged"),
        (_written("report.json", "[1]"), r"report\.json is damaged"),
        (_written("report.json", "[" * 100_000), r"report\.json is damaged"),
        (_written("report.json", "{}"), "is no report of Shortlist"),
        (_changed(format=2), "has format 2 and this Shortlist reads 1; update"),
        (_changed(format="1"), "is no report of Shortlist"),
        (_changed(rows=[]), "is no report of Shortlist"),
        (_changed(queries=19), "not of one run"),
        (_written("per_query.jsonl", '{"query"'), r"per_query\.jsonl:1 is damaged"),
        (_written("per_query.jsonl", '{"query": "1"}'), "not of one run"),
        (_written("per_query.jsonl", '{"query": "1", "text": "", "rows": []}'), "not of one run"),
        (_written("per_query.jsonl", ""), "not of one run"),
        (_no_queries, r"holds no per_query\.jsonl"),
    ],
)
def test_what_is_no_whole_report_is_refused_with_what_to_do(
    harm: Callable[[Path], None], message: str, tmp_path: Path
) -> None:
    a, b = make_report(tmp_path / "a"), make_report(tmp_path / "b")
    harm(b)
    for pair in ((a, b), (b, a)):
        with pytest.raises(UsageError, match=message):
            compare(*pair)


def test_a_finished_report_may_have_an_old_journal_beside_it(tmp_path: Path) -> None:
    folder = make_report(tmp_path)
    (folder / "unfinished.json").write_text("{}")
    assert read_report(folder)["format"] == 1


# --- figures


def test_the_figures_are_those_of_the_values_of_both_reports(tmp_path: Path) -> None:
    a, b = make_report(tmp_path / "a", queries=30), make_report(tmp_path / "b", queries=30, seed=1)
    pair = only_pair(compare(a, b, measure="AP"))
    assert [found.column for found in pair.differences] == list(COLUMNS)
    for found in pair.differences:
        first, second = values(a, 0, found.column, "AP"), values(b, 0, found.column, "AP")
        assert found.a == pytest.approx(fmean(first))
        assert found.b == pytest.approx(fmean(second))
        assert found.difference == pytest.approx(found.b - found.a)
        column = np.array(second)[:, None] - np.array(first)[:, None]
        assert found.interval == pytest.approx(tuple(intervals(column)[0]), abs=1e-8)
        assert found.p == pytest.approx(randomisation(column)[0], abs=1e-12)


def test_the_other_way_round_everything_has_the_other_sign(tmp_path: Path) -> None:
    a, b = make_report(tmp_path / "a"), make_report(tmp_path / "b", seed=1)
    there, back = only_pair(compare(a, b)), only_pair(compare(b, a))
    for one, other in zip(there.differences, back.differences, strict=True):
        assert (one.a, one.b, one.p, one.p_corrected) == (
            *(other.b, other.a, other.p, other.p_corrected),
        )
        assert one.difference == pytest.approx(-other.difference)
        assert one.interval[0] == pytest.approx(-other.interval[1], abs=1e-3)
    assert (there.queries.won, there.queries.lost) == (back.queries.lost, back.queries.won)
    assert [(q.query, q.a, q.b) for q in there.queries.most_won] == [
        (q.query, q.b, q.a) for q in back.queries.most_lost
    ]


def test_a_report_and_itself_do_not_differ(tmp_path: Path) -> None:
    folder = make_report(tmp_path, Row(), NONE)
    found = compare(folder, folder)
    assert found.changes == () == found.notes == found.unmatched_a == found.unmatched_b
    for pair in found.pairs:
        assert (pair.queries.won, pair.queries.lost, pair.queries.equal) == (0, 0, 20)
        assert pair.queries.most_won == () == pair.queries.most_lost
        assert {(d.difference, d.interval, d.p, d.p_corrected) for d in pair.differences} == {
            (0.0, (0.0, 0.0), 1.0, 1.0)
        }


def test_columns_that_did_not_change_or_say_the_same_are_not_corrected_for(tmp_path: Path) -> None:
    base = [0.5] * 20
    # Another reranker on the same candidates: base is untouched, in all three rows.
    rows = [[Row(base=base, realistic=base, depth=depth) for depth in (30, 50, 100)]]
    rows += [[Row(base=base, realistic=[0.4] * 2 + [0.6] * 18, depth=d) for d in (30, 50, 100)]]
    a, b = (make_report(tmp_path / str(n), *some) for n, some in enumerate(rows))
    pairs = compare(a, b).pairs
    by_column = {d.column: (d.p, d.p_corrected) for pair in pairs for d in pair.differences}
    assert by_column["base"] == (1.0, 1.0)
    p, corrected = by_column["always_rerank_positives"]
    # Realistic, always and ceiling differ, each the same in all rows: three comparisons, not 12.
    assert corrected == pytest.approx(3 * p)


def test_queries_are_won_lost_and_equal_and_the_most_changed_come_first(tmp_path: Path) -> None:
    before = [0.5] * 40
    after = (
        [0.5] * 3 + [0.5 + n / 100 for n in range(1, 26)] + [0.5 - n / 100 for n in range(1, 13)]
    )
    a = make_report(tmp_path / "a", Row(base=before, realistic=before), queries=40)
    b = make_report(tmp_path / "b", Row(base=before, realistic=after), queries=40)
    found = only_pair(compare(a, b)).queries
    assert (found.won, found.lost, found.equal) == (25, 12, 3)
    assert [q.query for q in found.most_won] == [f"q{n}" for n in range(27, 27 - MOST, -1)]
    assert [q.query for q in found.most_lost] == [f"q{n}" for n in range(39, 39 - MOST, -1)]
    first = found.most_won[0]
    assert (first.text, first.a, first.b) == ("question number 27", 0.5, 0.75)


def test_a_row_without_a_reranker_is_held_against_what_the_other_reaches(tmp_path: Path) -> None:
    base, better = [0.4, 0.5] * 10, [0.6, 0.5] * 10
    a = make_report(tmp_path / "a", Row(reranker=None, base=base))
    b = make_report(tmp_path / "b", Row(base=base, realistic=better))
    pair = only_pair(compare(a, b))
    assert [d.column for d in pair.differences] == ["base", "ceiling", "reached"]
    reached = pair.differences[-1]
    assert (reached.a, reached.b) == pytest.approx((0.45, 0.55))
    assert (pair.queries.won, pair.queries.lost, pair.queries.equal) == (10, 0, 10)
    assert [change.what for change in pair.changes] == ["reranker", "parameters", "weight"]


# --- which rows


def names(comparison: Comparison) -> list[tuple[str, str]]:
    return [(pair.a, pair.b) for pair in comparison.pairs]


def test_rows_of_one_system_are_matched_and_the_rest_is_listed(tmp_path: Path) -> None:
    a = make_report(tmp_path / "a", Row(sources="lexical"), Row(), Row(depth=100), NONE)
    b = make_report(tmp_path / "b", NONE, Row(sources="dense"), Row(reranker="mine"), Row())
    found = compare(a, b)
    assert names(found) == [
        ("hybrid-all-MiniLM-L6-v2-50", "hybrid-all-MiniLM-L6-v2-50"),
        ("hybrid-none-50", "hybrid-none-50"),
    ]
    assert found.unmatched_a == ("lexical-all-MiniLM-L6-v2-50", "hybrid-all-MiniLM-L6-v2-100")
    assert found.unmatched_b == ("dense-all-MiniLM-L6-v2-50", "hybrid-mine-50")


def test_the_only_other_reranker_of_the_same_candidates_is_the_counterpart(tmp_path: Path) -> None:
    a = make_report(tmp_path / "a", Row(reranker="before"), Row(reranker="before", depth=100), NONE)
    b = make_report(tmp_path / "b", NONE, Row(reranker="after", depth=100), Row(reranker="after"))
    assert names(compare(a, b)) == [
        ("hybrid-before-50", "hybrid-after-50"),
        ("hybrid-before-100", "hybrid-after-100"),
        ("hybrid-none-50", "hybrid-none-50"),
    ]


def test_single_rows_are_compared_whatever_they_are(tmp_path: Path) -> None:
    a = make_report(tmp_path / "a", Row(sources="lexical", reranker=None, depth=30))
    b = make_report(tmp_path / "b", Row(sources="hybrid", reranker="mine", depth=100))
    pair = only_pair(compare(a, b))
    assert {change.what for change in pair.changes} >= {"sources", "reranker", "depth"}


def test_reports_without_a_like_row_are_still_described(tmp_path: Path) -> None:
    a = make_report(tmp_path / "a", Row(depth=10), Row(depth=20))
    b = make_report(tmp_path / "b", Row(depth=30), Row(depth=40), commit="other")
    found = compare(a, b)
    assert found.pairs == ()
    assert [change.what for change in found.changes] == ["commit"]
    assert len(found.unmatched_a) == len(found.unmatched_b) == 2


SYSTEMS = st.lists(
    st.fixed_dictionaries(
        {
            "sources": st.sampled_from(("lexical", "hybrid")),
            "reranker": st.sampled_from((None, "one", "two")),
            "depth": st.sampled_from((30, 100)),
        }
    ),
    min_size=1,
    max_size=6,
    unique_by=lambda row: (row["sources"], row["reranker"], row["depth"]),
)


@given(SYSTEMS, SYSTEMS)
def test_no_row_is_matched_twice_and_none_that_has_its_equal_goes_without(
    a: list[dict[str, Any]], b: list[dict[str, Any]]
) -> None:
    pairs = match(a, b)
    assert len({left for left, _ in pairs}) == len({right for _, right in pairs}) == len(pairs)
    assert sorted((right, left) for left, right in pairs) == match(b, a)
    for n, row in enumerate(a):
        if row in b:
            assert (n, b.index(row)) in pairs


# --- what changed, which queries


def test_what_changed_between_the_reports_is_named(tmp_path: Path) -> None:
    a = make_report(tmp_path / "a")
    data = read_report(a)["data"]
    data["checksums"] = {"corpus.jsonl": "ffff", "queries.jsonl": "77aa"}
    data["index"] = {"settings": {"encoder": "other", "language": "en", "words": 100}}
    versions = {"shortlist": "0.2.0", "python": "3.11.9", "faiss": "1.12"}
    b = make_report(
        tmp_path / "b", data=data, versions=versions, commit=None, date="2027-01-01", split="dev"
    )
    assert {(c.what, c.a, c.b) for c in compare(a, b).changes} == {
        ("split", "test", "dev"),
        ("commit", "445ccdf", None),
        ("version of shortlist", "0.1.0", "0.2.0"),
        ("version of tantivy", "0.26.0", None),
        ("version of faiss", None, "1.12"),
        ("checksum of corpus.jsonl", "6f0c", "ffff"),
        ("checksum of qrels/test.tsv", "1a2b", None),
        ("index settings encoder", "wordllama-256", "other"),
        ("index settings words", 200, 100),
    }


def test_only_common_queries_count_and_that_is_said(tmp_path: Path) -> None:
    some = {f"q{n}": f"text {n}" for n in range(6)}
    more = {f"q{n}": f"text {n}" for n in (9, 5, 4, 3, 2)}
    a = make_report(tmp_path / "a", Row(base=[0] * 6, realistic=[0.1] * 6), queries=some)
    b = make_report(
        tmp_path / "b", Row(base=[0] * 5, realistic=[1, 0.2, 0.2, 0.2, 0.2]), queries=more
    )
    found = compare(a, b)
    assert found.queries == 4
    assert found.notes == ("means are over the 4 queries that both have, of 6 in A and 5 in B",)
    realistic = only_pair(found).differences[1]
    assert (realistic.a, realistic.b) == pytest.approx((0.1, 0.2))
    assert realistic.p == pytest.approx(2 / 16)


def test_queries_that_were_rewritten_are_left_out(tmp_path: Path) -> None:
    a = make_report(tmp_path / "a", queries={"1": "one", "2": "two", "3": "three"})
    b = make_report(tmp_path / "b", queries={"1": "one", "2": "TWO", "3": "three"})
    found = compare(a, b)
    assert found.queries == 2
    assert found.notes == ("1 queries have the same id but another text; they are left out",)


def test_queries_that_are_judged_differently_are_said(tmp_path: Path) -> None:
    a, b = make_report(tmp_path / "a"), make_report(tmp_path / "b")
    with (b / "qrels.trec").open("a") as file:
        file.write("q3 0 another 1\nq4 0 dq4 2\n")
    (note,) = compare(a, b).notes
    assert note.startswith("2 queries are judged differently")
    (b / "qrels.trec").unlink()
    assert compare(a, b).notes == ()


@pytest.mark.parametrize(
    ("queries", "name", "message"),
    [
        ({"3": "three"}, "toy", "no query is in both"),
        ({"1": "another"}, "toy", "their ids mean other queries"),
        ({"1": "one", "2": "another"}, "other", "their ids mean other queries"),
    ],
)
def test_reports_of_other_queries_cannot_be_compared(
    queries: dict[str, str], name: str, message: str, tmp_path: Path
) -> None:
    a = make_report(tmp_path / "a", queries={"1": "one", "2": "two"})
    b = make_report(tmp_path / "b", queries=queries, collection=name)
    with pytest.raises(UsageError, match=message):
        compare(a, b)


def test_collections_of_another_name_with_the_same_queries_can(tmp_path: Path) -> None:
    a, b = make_report(tmp_path / "a"), make_report(tmp_path / "b", collection="a copy")
    assert compare(a, b).queries == 20


def test_the_measure_is_the_first_of_a_that_b_has(tmp_path: Path) -> None:
    a, b = (
        make_report(tmp_path / "a"),
        make_report(tmp_path / "b", measures=["AP", "RR@10"], primary="AP"),
    )
    assert compare(a, b).measure == "RR@10"
    assert compare(b, a).measure == "AP"
    with pytest.raises(UsageError, match=r"^P@1 is not in both reports; both have RR@10, AP$"):
        compare(a, b, measure="P@1")
    c = make_report(tmp_path / "c", measures=["Success@5"], primary="Success@5")
    with pytest.raises(UsageError, match="no measure in common; evaluate again with --measure"):
        compare(a, c)


# --- the command


def run(*args: str | Path) -> Result:
    return CliRunner().invoke(cli, ["compare", *map(str, args)])


def test_the_command_prints_text_or_json(tmp_path: Path) -> None:
    a, b = make_report(tmp_path / "a"), make_report(tmp_path / "b", seed=1)
    text = run(a, b)
    assert text.exit_code == 0
    assert "realistic" in text.stdout
    found = json.loads(run(a, b, "--json", "--measure", "AP").stdout)
    assert found == json.loads(json.dumps(compare(a, b, measure="AP").to_dict()))
    assert found["measure"] == "AP"


def test_the_command_needs_two_folders_and_refuses_what_is_none(tmp_path: Path) -> None:
    a = make_report(tmp_path / "a")
    assert run(a).exit_code == 2
    assert run(a, "").exit_code == 2
    assert isinstance(run(a, tmp_path / "nowhere").exception, UsageError)
    assert isinstance(run(a, a / "report.json").exception, UsageError)
