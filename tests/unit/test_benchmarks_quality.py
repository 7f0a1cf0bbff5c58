from __future__ import annotations

import gzip
import json
import re
from typing import TYPE_CHECKING

import pytest

from benchmarks import choices, evaluated, recipe
from benchmarks.__main__ import RUN, main
from benchmarks.collections import DEV, LANGUAGES, TEST, chosen, load
from benchmarks.evaluated import Places, engine_over
from benchmarks.material import WATCHED
from benchmarks.options import parser
from benchmarks.quality import Wanted, matrix
from benchmarks.variants import RankFusion, Weighted, has_titles, retitled
from engine.answer import SearchRequest
from engine.errors import CollectionError
from engine.evaluation.reports import read_report
from engine.fusion import rrf
from tests.fakes import OverlapReranker, make_engine

if TYPE_CHECKING:
    from pathlib import Path

TEXTS = {
    "d1": ("Mill", "The miller grinds corn between two stones."),
    "d2": ("Ship", "A ship sails with the wind to the harbour."),
    "d3": ("Baker", "Bread is baked from flour and water."),
    "d4": ("Farmer", "Wheat and corn grow in the field."),
}
QUERIES = {
    "q1": ("who grinds corn", "d1"),
    "q2": ("how does a ship sail", "d2"),
    "q3": ("what is bread made of", "d3"),
    "q4": ("what grows in the field", "d4"),
}


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder of judged collections, to which SHORTLIST_DATA leads."""
    data = tmp_path / "data"
    for name, splits in (("scifact", ("train", "test")), ("squad", ("test",))):
        (data / name / "qrels").mkdir(parents=True)
        write_lines(data / name / "corpus.jsonl", [
            {"_id": id, "title": title, "text": text} for id, (title, text) in TEXTS.items()
        ])  # fmt: skip
        write_lines(
            data / name / "queries.jsonl", [{"_id": q, "text": t} for q, (t, _) in QUERIES.items()]
        )
        lines = [f"{query}\t{document}\t1\n" for query, (_, document) in QUERIES.items()]
        for split in splits:
            (data / name / "qrels" / f"{split}.tsv").write_text("".join(lines))
    monkeypatch.setenv("SHORTLIST_DATA", str(data))
    return data


@pytest.fixture
def places(tmp_path: Path) -> Places:
    return Places(tmp_path / "cache", tmp_path / "reports")


def write_lines(path: Path, records: list[dict[str, str]]) -> None:
    path.write_text("".join(json.dumps(record) + "\n" for record in records))


def failure(*arguments: str) -> str:
    """Return the message of a command that must fail with exit code 1."""
    with pytest.raises(SystemExit) as end:
        main(arguments)
    assert isinstance(end.value.code, str)  # Python prints it and exits 1
    return end.value.code


def test_the_matrix_has_each_source_on_all_queries_and_each_reranker_on_the_sample(
    data: Path, places: Places, capsys: pytest.CaptureFixture[str]
) -> None:
    wanted = Wanted(splits=[("scifact", "test")], depth=3, queries=2)
    rows, peers = matrix(wanted, [OverlapReranker()], places)
    told = [(row["sources"], row["reranker"], row["queries"], row["depth"]) for row in rows]
    assert told == [
        ("lexical", None, 4, 3), ("dense", None, 4, 3), ("hybrid", None, 4, 3),
        ("hybrid", "overlap", 2, 3),
    ]  # fmt: skip
    assert rows[0]["base"]["nDCG@10"] == pytest.approx(1)
    assert rows[0]["realistic"] is None
    assert rows[3]["realistic"]["nDCG@10"] <= rows[3]["ceiling"]["nDCG@10"]
    assert [(peer["name"], peer["queries"], peer["nDCG@10"]) for peer in peers] == [("bm25s", 4, 1)]
    assert "BM25 100.0, the catalogue's (bm25s) 100.0: +0.0\n" in capsys.readouterr().out


def test_a_report_is_made_again_only_when_something_that_it_depends_on_changed(
    data: Path, places: Places
) -> None:
    wanted = Wanted(splits=[("scifact", "test")], sources=("lexical",))
    first, _ = matrix(wanted, [], places)
    report = places.reports / "scifact-test-stage-one" / "report.json"
    report.write_text(report.read_text().replace('"RR@10"', '"RR@11"'))
    again, _ = matrix(wanted, [], places)
    assert "RR@11" in again[0]["base"]
    (data / "scifact/qrels/test.tsv").write_text("q1\td1\t1\n")
    changed, _ = matrix(wanted, [], places)
    assert changed[0]["queries"] == 1
    assert changed[0]["base"].keys() == first[0]["base"].keys()


def test_an_unfinished_report_of_other_code_is_not_continued(data: Path, places: Places) -> None:
    wanted = Wanted(splits=[("scifact", "test")], sources=("lexical",))
    matrix(wanted, [], places)
    folder = places.reports / "scifact-test-stage-one"
    (folder / "left-behind").touch()
    (places.reports / "scifact-test-stage-one.key").write_text("of other code")
    matrix(wanted, [], places)
    assert not (folder / "left-behind").exists()
    assert read_report(folder)["queries"] == 4


def test_of_the_languages_only_stage_one_is_measured() -> None:
    assert chosen(TEST, ["xquad-multi"]) == [("xquad-multi", language) for language in LANGUAGES]
    assert chosen(TEST, ["xquad-multi/de"]) == [("xquad-multi", "de")]
    assert chosen(DEV, []) == list(DEV)


def test_a_source_that_no_model_learned_from_is_a_collection_once_it_is_there(
    data: Path, tmp_path: Path
) -> None:
    source = WATCHED[0]
    with pytest.raises(CollectionError, match=f"there is no {source}.jsonl.gz in "):
        load("train-mix", source, tmp_path)
    (data / "train-mix").mkdir()
    rows = [{"query": f"question {n // 2}", "positive": f"answer {n}"} for n in range(1000)]
    with gzip.open(data / "train-mix" / f"{source}.jsonl.gz", "wt") as file:
        file.writelines(json.dumps(row) + "\n" for row in rows)
    found = load("train-mix", source, tmp_path)
    assert found.label == f"train-mix/{source}"
    assert len(found.queries) == 300
    assert {len(row) for row in found.qrels.values()} == {2}


def test_choices_are_made_on_no_split_that_is_reported() -> None:
    assert set(DEV) & set(TEST) == set()


def test_a_collection_that_is_not_there_is_named_with_those_that_are() -> None:
    with pytest.raises(CollectionError, match="there is no nfcorpus; there are: medquad, "):
        chosen(DEV, ["nfcorpus"])


def test_without_data_a_measuring_command_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHORTLIST_DATA", "/nowhere")
    for command in (["quality"], ["choices"], ["recipe", "squad"], ["speed"]):
        assert "SHORTLIST_DATA does not name a folder" in failure(*command)


def test_only_replaces_the_rows_that_it_measured(
    data: Path, places: Places, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SHORTLIST_CACHE", str(places.cache))
    output = tmp_path / "found.json"
    kept = {"collection": "squad", "split": "test1k", "sources": "lexical", "queries": 7}
    output.write_text(json.dumps({"rows": [kept], "peers": []}))
    quality = ["quality", "--reranker", "none", "--sources", "lexical", "--output", str(output)]
    for _ in range(2):
        main([*quality, "--only", "scifact"])
        rows = json.loads(output.read_text())["rows"]
        assert [row["collection"] for row in rows] == ["squad", "scifact"]
        assert rows[0] == kept


def test_rank_fusion_ranks_by_the_sum_of_reciprocal_ranks() -> None:
    documents = {f"{n}.txt": text for n, (_, text) in TEXTS.items()}
    engine = make_engine(documents, rerank=False)
    request = SearchRequest(query="corn in the field", group_by="document", rerank=False)
    usual = engine.shortlist(request)
    runs = list(usual.sources.values())
    found = RankFusion.like(engine).shortlist(request)
    assert [(h.document, h.score) for h in found.fused] == [
        (h.document, h.score) for h in rrf(runs)
    ]
    assert {hit.document for hit in found.fused} == {hit.document for hit in usual.fused}


def test_titles_are_left_out_or_doubled_in_a_corpus_of_its_own(data: Path, tmp_path: Path) -> None:
    collection = load("scifact", "test", tmp_path)
    assert retitled(collection, "as is", tmp_path) is collection
    assert has_titles(collection)
    none = retitled(collection, "none", tmp_path / "none")
    assert not has_titles(none)
    assert none.checksums != collection.checksums
    twice = retitled(collection, "twice", tmp_path / "twice")
    assert twice.corpus is not None
    assert json.loads(twice.corpus.read_text().splitlines()[0])["title"] == "Mill Mill"
    assert load("scifact", "test", tmp_path).checksums == collection.checksums


def test_another_weight_asks_for_no_other_scores() -> None:
    reranker = OverlapReranker()
    weighted = Weighted(reranker, 0.3)
    assert (weighted.weight, weighted.fingerprint) == (0.3, reranker.fingerprint)
    assert weighted.name == "0.3 of overlap"
    pairs = [("corn mill", "a mill"), ("corn mill", "corn in a mill")]
    assert weighted.score(pairs).logits.tolist() == [1, 2]


def test_a_choice_compares_every_value_with_what_is_done_now(data: Path, places: Places) -> None:
    cells = choices.measure("titles", ("scifact", "train"), places)
    assert [cell["value"] for cell in cells] == ["as is", "none", "twice"]
    assert [cell["is_default"] for cell in cells] == [True, False, False]
    assert cells[0]["difference"] == cells[0]["error"] == 0
    for cell in cells:
        assert cell["difference"] == pytest.approx(cell["nDCG@10"] - cells[0]["nDCG@10"], abs=2e-5)


def test_the_fusion_that_is_built_in_is_among_those_compared(data: Path, places: Places) -> None:
    cells = choices.measure("fusion", ("scifact", "train"), places)
    assert [cell["value"] for cell in cells if cell["is_default"]] == ["0.25"]
    assert cells[-1]["value"] == "RRF"


def test_a_table_of_choices_has_a_mean_where_every_collection_was_measured() -> None:
    def cell(value: str, collection: str, ndcg: float, *, is_default: bool = False) -> choices.Row:
        return {
            "choice": "titles", "value": value, "collection": collection,
            "split": dict(DEV)[collection],
            "nDCG@10": ndcg, "R@100": 0.9, "difference": ndcg - 0.5, "error": 0.01,
            "is_default": is_default,
        }  # fmt: skip

    table = choices.table("titles", [
        cell("as is", "squad", 0.5, is_default=True), cell("none", "squad", 0.52),
        cell("as is", "scifact", 0.5, is_default=True), cell("none", "scifact", 0.54),
        cell("twice", "squad", 0.4),
    ])  # fmt: skip
    assert table.splitlines()[2:] == [
        "| **as is** | 50.0 / 90.0 | 50.0 / 90.0 | 50.0 / 90.0 | |",
        "| none | 54.0 / 90.0 | 52.0 / 90.0 | 53.0 / 90.0 | +3.00 ± 1.39 |",
        "| twice | | 40.0 / 90.0 | | |",
    ]


def test_the_recipe_asks_held_out_questions_of_the_answers_of_all_pairs(tmp_path: Path) -> None:
    pairs = [("who grinds", "the miller"), ("who bakes", "the baker"), ("who sails", "a sailor")]
    held_out = recipe.Recipe(lambda: (pairs, {"who bakes"}))
    found = recipe.gathered("tiny", held_out, tmp_path)
    assert list(found.queries.values()) == ["who bakes"]
    assert found.name == "tiny"
    assert found.corpus is not None
    assert len(found.corpus.read_text().splitlines()) == 3
    everything = recipe.gathered("tiny", recipe.Recipe(lambda: (pairs, None)), tmp_path)
    assert len(everything.queries) == 3


def test_the_recipe_runs_on_judged_pairs_by_dense_search_alone(data: Path, places: Places) -> None:
    squad = recipe.RECIPES["squad"]
    collection = recipe.gathered("squad", squad, places.cache)
    report = recipe.cook(squad, collection, [OverlapReranker()], places)
    (row,) = report["rows"]
    assert (report["queries"], row["sources"], row["depth"]) == (4, "dense", 30)
    assert row["ceiling"]["nDCG@10"] == pytest.approx(1)
    lines = "\n".join(recipe.beside(squad, report))
    assert f"{100 * row['realistic_alone']['nDCG@10']:.2f}" in lines
    assert "published" not in lines
    assert "59.12" in "\n".join(recipe.beside(recipe.RECIPES["gooaq"], report))


def test_without_the_hub_the_published_recipe_says_so_in_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_DATASETS_CACHE", str(tmp_path))
    message = failure("recipe", "gooaq")
    assert "needs sentence-transformers/gooaq from the hub" in message
    assert "\n" not in message


def test_an_engine_over_the_same_collection_finds_its_index_again(
    data: Path, places: Places
) -> None:
    collection = load("scifact", "test", places.cache)
    first = engine_over(collection, places)
    again = engine_over(collection, places)
    try:
        assert len(list((places.cache / "indexes").iterdir())) == 1
        assert first.snapshot.count() == again.snapshot.count() == (4, 4)
    finally:
        first.close()
        again.close()


def test_places_are_those_that_the_environment_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHORTLIST_CACHE", str(tmp_path))
    assert Places.here().cache == tmp_path
    monkeypatch.delenv("SHORTLIST_CACHE")
    assert evaluated.Places.here().cache.as_posix() == ".scratch/cache"


def test_every_command_that_help_names_has_options_and_something_that_runs_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    listed = re.search(r"{([a-z,]+)}", parser().format_help())
    assert listed is not None
    assert listed[1].split(",") == list(RUN)
    for name in RUN:
        with pytest.raises(SystemExit, match="0"):
            main([name, "--help"])
        assert f"benchmarks {name}" in capsys.readouterr().out
