from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from benchmarks.readme import render, replaced, update
from benchmarks.results import compact, measured_here, merged, read, write
from engine.errors import ShortlistError
from tests.judged import evaluated, judged

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.results import Row

DOCUMENTS = {"a.txt": "the mill grinds corn", "b.txt": "the ship sails", "c.txt": "corn is yellow"}
COLLECTION = judged({"q": "corn mill", "r": "sails"}, {"q": {"a.txt": 1}, "r": {"b.txt": 1}})


def row(collection: str, hybrid: float, realistic: float | None = None, **other: object) -> Row:
    """Return a committed row as far as the README needs it."""
    value = {"nDCG@10": realistic}
    second = None if realistic is None else value
    return {
        "collection": collection, "split": "test", "queries": 300, "sources": "hybrid",
        "reranker": None if realistic is None else "overlap", "depth": 50, "date": "2026-01-02",
        "base": {"nDCG@10": hybrid}, "realistic": second, "always_rerank_positives": second,
        "ceiling": {"nDCG@10": 0.9}, "retrieval_loss": 0.1, "ranking_loss": 0.15, **other,
    }  # fmt: skip


def figures(table: str, name: str) -> list[str]:
    """Return the cells of a table's first line that begins with a name."""
    line = next(line for line in table.splitlines() if line.startswith(f"| {name}"))
    return [cell.strip() for cell in line.strip("|").split("|")][1:]


def test_a_committed_row_says_what_the_report_says(tmp_path: Path) -> None:
    report = evaluated(tmp_path, DOCUMENTS, COLLECTION)
    (found,) = compact(report)
    whole = report["rows"][0]
    assert found["collection"] == "small"
    assert found["documents"] == 3
    for column in ("base", "realistic", "always_rerank_positives", "ceiling", "realistic_alone"):
        assert found[column] == pytest.approx(whole[column], abs=1e-5)
    assert found["intervals"]["base"] == pytest.approx(whole["intervals"]["base"]["nDCG@10"])
    assert found["p"] == pytest.approx(whole["significance"]["p"], abs=1e-5)


def test_a_row_without_a_reranker_has_no_figure_of_one(tmp_path: Path) -> None:
    (found,) = compact(evaluated(tmp_path, DOCUMENTS, COLLECTION, rerankers=[None]))
    for key in ("realistic", "always_rerank_positives", "ranking_loss", "difference", "p"):
        assert found[key] is None
    assert found["retrieval_loss"] == pytest.approx(0)


def test_new_rows_take_the_place_of_old_ones_and_drop_no_others() -> None:
    old = [{"name": "a", "value": 1}, {"name": "b", "value": 1}]
    new = [{"name": "c", "value": 2}, {"name": "a", "value": 2}]
    assert merged(old, new, ["name"]) == [
        {"name": "a", "value": 2}, {"name": "b", "value": 1}, {"name": "c", "value": 2}
    ]  # fmt: skip


def test_a_file_of_results_has_a_line_for_each_row_and_is_read_as_it_was_written(
    tmp_path: Path,
) -> None:
    path = tmp_path / "new" / "found.json"
    assert read(path) == {}
    found = {**measured_here("python -m benchmarks"), "rows": [{"a": 1}, {"a": [2, None]}], "x": []}
    write(path, found)
    assert read(path) == found == json.loads(path.read_text())
    assert '  {"a": 1},' in path.read_text().splitlines()


def test_the_readme_shows_stage_one_on_the_left_and_the_sample_on_the_right() -> None:
    stage_one = [row("scifact", value, sources=s) for s, value in
                 (("lexical", 0.5), ("dense", 0.4), ("hybrid", 0.55))]  # fmt: skip
    rows = [*stage_one, row("scifact", 0.56, 0.61, queries=120)]
    peers = [{"name": "bm25s", "collection": "scifact", "split": "test", "nDCG@10": 0.512}]
    table = render({"rows": rows, "peers": peers})
    assert figures(table, "SciFact") == [
        "51.2", "50.0", "40.0", "55.0",
        "120", "56.0", "**61.0**", "61.0", "90.0", "10.0", "15.0",
    ]  # fmt: skip
    assert "50 documents reranked by overlap" in " ".join(table.split())


def test_what_was_not_measured_is_left_empty() -> None:
    table = render({"rows": [row("cranfield", 0.5)], "peers": []})
    assert figures(table, "Cranfield") == ["", "", "", "50.0"]
    assert "ealistic" not in table
    table = render({"rows": [row("cranfield", 0.5), row("squad", 0.5, 0.6)], "peers": []})
    assert figures(table, "Cranfield") == ["", "", "", "50.0", *[""] * 7]


def test_a_mean_of_languages_has_no_figure_where_one_of_them_lacks_it() -> None:
    rows = [row("xquad-multi", value, split=s) for s, value in (("de", 0.8), ("en", 0.9))]
    peers = [{"name": "bm25s", "collection": "xquad-multi", "split": "en", "nDCG@10": 0.9}]
    table = render({"rows": rows, "peers": peers})
    assert figures(table, "XQuAD, mean of 2 languages")[:4] == ["", "", "", "85.0"]


def test_of_sources_kept_apart_the_mean_of_both_stages_is_shown_if_each_was_measured() -> None:
    both = [("train-mix", 0.5, 0.6, "guides"), ("train-mix", 0.7, 0.9, "claims")]
    rows = [row(name, hybrid, found, split=split) for name, hybrid, found, split in both]
    table = render({"rows": rows, "peers": []})
    assert figures(table, "Sources kept apart, mean of 2")[4:7] == ["600", "60.0", "**75.0**"]
    lacking = row("train-mix", 0.5, split="recipes")
    table = render({"rows": [*rows, lacking], "peers": []})
    assert figures(table, "Sources kept apart, mean of 3")[4:] == [""] * 7


def test_a_second_reranker_gets_a_line_that_names_it() -> None:
    rows = [row("squad", 0.5, 0.6), row("squad", 0.5, 0.4, reranker="other")]
    table = render({"rows": rows, "peers": []})
    assert figures(table, "SQuAD")[5:7] == ["50.0", "**60.0**"]
    assert figures(table, "SQuAD, other")[5:7] == ["**50.0**", "40.0"]


def test_a_stale_table_fails_the_check_until_it_is_written_anew(tmp_path: Path) -> None:
    readme, quality, models = tmp_path / "README.md", tmp_path / "quality.json", tmp_path / "models"
    card = models / "mine" / "README.md"
    card.parent.mkdir(parents=True)
    for page in (readme, card):
        page.write_text("# Top\n<!-- quality -->\nold\n<!-- /quality -->\nend\n")
    rows = [row("squad", 0.5, 0.6, reranker=name) for name in ("mine (cross-encoder)", "other")]
    write(quality, {"rows": rows, "peers": []})
    with pytest.raises(ShortlistError, match=r"is not that of quality\.json; run python"):
        update(readme, quality, models, check=True)
    assert "old" in readme.read_text()
    update(readme, quality, models)
    update(readme, quality, models, check=True)
    for page in (readme, card):
        text = page.read_text()
        assert "old" not in text
        assert text.startswith("# Top\n<!-- quality -->\n")
        assert text.endswith("\n<!-- /quality -->\nend\n")
    assert "SQuAD, other" in readme.read_text()
    assert "other" not in card.read_text()


@pytest.mark.parametrize("text", ["", "<!-- quality -->", "<!-- /quality -->\n<!-- quality -->"])
def test_a_readme_without_a_place_for_the_table_is_refused(text: str) -> None:
    with pytest.raises(ShortlistError, match="has no <!-- quality -->"):
        replaced(text, "table")


def test_without_results_there_is_nothing_to_show(tmp_path: Path) -> None:
    with pytest.raises(ShortlistError, match="run python -m benchmarks quality"):
        update(tmp_path / "README.md", tmp_path / "none.json")
