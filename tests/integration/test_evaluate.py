"""`shortlist evaluate` and `compare`, as a user runs them."""

from __future__ import annotations

import json
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from typing import TYPE_CHECKING, Any

import pytest

from tests.commands import START, environment, shortlist

if TYPE_CHECKING:
    from pathlib import Path


def report_of(folder: Path) -> dict[str, Any]:
    return json.loads((folder / "report.json").read_text())


def test_a_folder_gives_a_report_with_every_file(home: Path) -> None:
    outcome = shortlist("evaluate", "small", "--reranker", "none", "-o", "out",
                        "--sources", "lexical,dense,hybrid", "--depth", "2,120")  # fmt: skip
    assert outcome.code == 0, outcome.err
    assert "nDCG@10" in outcome.out
    assert "report: out/report.html" in outcome.err
    assert {path.name for path in (home / "out").iterdir()} == {
        *("report.json", "report.html", "per_query.jsonl", "qrels.trec", "runs"),
    }
    report = report_of(home / "out")
    assert (report["collection"], report["split"], report["queries"]) == ("small", "test", 3)
    named = [(row["sources"], row["reranker"], row["depth"]) for row in report["rows"]]
    assert named == [(s, None, d) for s in ("lexical", "dense", "hybrid") for d in (2, 120)]
    assert {path.name for path in (home / "out/runs").glob("*.trec")} == {
        f"{s}-none-{d}.base.trec" for s in ("lexical", "dense", "hybrid") for d in (2, 120)
    }
    for row in report["rows"]:
        assert row["realistic"] is None
        assert row["always_rerank_positives"] is None
        assert 0 <= row["base"]["nDCG@10"] <= row["ceiling"]["nDCG@10"] <= 1


def test_json_is_the_report(home: Path) -> None:
    outcome = shortlist("evaluate", "small", "--reranker", "none", "--json")
    assert json.loads(outcome.out) == report_of(home / "small-test.report")


def test_the_index_of_a_collection_is_made_once(home: Path) -> None:
    first = shortlist("evaluate", "small", "--reranker", "none")
    [index] = (home / "cache/indexes").iterdir()
    before = {path: path.stat().st_mtime_ns for path in index.rglob("*")}
    (home / "moved").mkdir()
    (home / "small").rename(home / "moved/small")
    second = shortlist("evaluate", "moved/small", "--reranker", "none", "-o", "again")
    assert (first.code, second.code) == (0, 0)
    assert second.out == first.out or "ms/query" in second.out
    after = {path: path.stat().st_mtime_ns for path in index.rglob("*")}
    assert {p: t for p, t in after.items() if p.suffix == ".faiss" or "text" in p.parts} == {
        p: t for p, t in before.items() if p.suffix == ".faiss" or "text" in p.parts
    }


def test_a_changed_corpus_gets_another_index(home: Path) -> None:
    shortlist("evaluate", "small", "--reranker", "none")
    with (home / "small/corpus.jsonl").open("a") as file:
        file.write('{"_id": "new", "title": "", "text": "a new document"}\n')
    shortlist("evaluate", "small", "--reranker", "none")
    assert len(list((home / "cache/indexes").iterdir())) == 2
    assert report_of(home / "small-test.report")["data"]["documents"] == 6


def test_an_index_that_was_made_before_can_be_given(home: Path) -> None:
    assert shortlist("index", "small/corpus.jsonl", "-i", "my.index").code == 0
    outcome = shortlist("evaluate", "small", "-i", "my.index", "--reranker", "none", "-o", "out")
    assert outcome.code == 0, outcome.err
    assert not (home / "cache/indexes").exists()


@pytest.mark.parametrize("lost", ["catalog.sqlite", "text"])
def test_a_damaged_index_of_the_cache_says_which_folder_to_delete(home: Path, lost: str) -> None:
    shortlist("evaluate", "small", "--reranker", "none")
    [index] = (home / "cache/indexes").iterdir()
    for path in index.glob(f"{lost}*"):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    outcome = shortlist("evaluate", "small", "--reranker", "none")
    assert outcome.code == 1
    assert "the index of small in " in outcome.err
    assert "delete its folder there and run the same command again" in outcome.err
    shutil.rmtree(index)
    assert shortlist("evaluate", "small", "--reranker", "none").code == 0


def test_wrong_numbers_are_wrong_use(home: Path) -> None:
    for option, value in (("--depth", "9" * 5000), ("--seed", "-1"), ("-m", "P@0")):
        outcome = shortlist("evaluate", "small", "--reranker", "none", option, value)
        assert outcome.code == 2, option
    assert not (home / "small-test.report").exists()


def test_an_index_of_other_documents_is_refused(home: Path) -> None:
    (home / "notes").mkdir()
    (home / "notes/a.txt").write_text("nothing of it")
    shortlist("index", "notes", "-i", "my.index")
    outcome = shortlist("evaluate", "small", "-i", "my.index", "--reranker", "none")
    assert outcome.code == 1
    assert "holds none of the 4 relevant documents" in outcome.err


def test_the_index_of_the_environment_is_not_taken_for_a_collection(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHORTLIST_INDEX", str(home / "my.index"))
    assert shortlist("evaluate", "small", "--reranker", "none").code == 0


def test_a_sample_takes_so_many_queries_and_the_same_ones_again(home: Path) -> None:
    for out in ("a", "b"):
        shortlist("evaluate", "small", "--reranker", "none", "--queries", "2", "-o", out)
    lines = [(home / out / "per_query.jsonl").read_text() for out in ("a", "b")]
    assert lines[0] == lines[1]
    assert len(lines[0].splitlines()) == 2


def test_identical_ids_are_dropped_where_that_is_asked(home: Path) -> None:
    text = (home / "small/queries.jsonl").read_text().replace('"q2"', '"river"')
    (home / "small/queries.jsonl").write_text(text)
    qrels = (home / "small/qrels/test.tsv").read_text().replace("q2\t", "river\t")
    (home / "small/qrels/test.tsv").write_text(qrels)
    options = ("--reranker", "none", "--sources", "lexical")
    shortlist("evaluate", "small", *options, "-o", "with")
    shortlist("evaluate", "small", *options, "-o", "without", "--drop-identical-ids")
    runs = [(home / out / "runs/lexical-none-50.base.trec").read_text() for out in
            ("with", "without")]  # fmt: skip
    assert ["river Q0 river" in run for run in runs] == [True, False]


def test_trec_files_are_judged_over_an_index(home: Path) -> None:
    shortlist("index", "small/corpus.jsonl", "-i", "my.index")
    (home / "topics.tsv").write_text("q1\twho grinds corn\nq2\twhat drives the wheel\n")
    (home / "qrels.txt").write_text("q1 0 mill 2\nq1 0 baker 1\nq2 0 river 1\n")
    outcome = shortlist("evaluate", "topics.tsv", "--qrels", "qrels.txt", "-i", "my.index",
                        "--reranker", "none", "-o", "out")  # fmt: skip
    assert outcome.code == 0, outcome.err
    assert report_of(home / "out")["queries"] == 2


def test_questions_and_answers_are_a_collection(home: Path) -> None:
    rows = ["question,answer,source", "who grinds corn?,the mill grinds corn,a",
            "what is bread?,bread is baked of flour,b"]  # fmt: skip
    (home / "faq.csv").write_text("\n".join(rows))
    outcome = shortlist("evaluate", "faq.csv", "--reranker", "none", "-o", "out")
    assert outcome.code == 0, outcome.err
    report = report_of(home / "out")
    assert (report["queries"], report["data"]["documents"]) == (2, 2)
    assert report["rows"][0]["base"]["nDCG@10"] == 1.0


def test_an_index_without_judgements_is_asked_for_what_its_documents_are_called(
    home: Path,
) -> None:
    (home / "notes").mkdir()
    for number, name in enumerate(
        ["mill", "oven", "river", "grain", "baker", "miller", "wheel", "stone", "bread", "sea"]
    ):
        text = f"# Caring for the {name} in winter\n\nWhat number {number} needs when it freezes."
        (home / f"notes/{name}.md").write_text(text)
    shortlist("index", "notes", "-i", "my.index")
    outcome = shortlist("evaluate", "--from-index", "-i", "my.index", "--reranker", "none",
                        "-o", "out")  # fmt: skip
    assert outcome.code == 0, outcome.err
    report = report_of(home / "out")
    assert report["queries"] == 10
    assert sum(report["data"]["synthetic"]["kinds"].values()) == 10
    assert "made from the index" in outcome.out
    assert "made from the index" in (home / "out/report.html").read_text()


def test_an_index_that_names_nothing_says_what_it_lacks(home: Path) -> None:
    shortlist("index", "small/queries.jsonl", "-i", "my.index")
    outcome = shortlist("evaluate", "--from-index", "-i", "my.index", "--reranker", "none")
    assert outcome.code == 1
    assert "judge some queries by hand" in outcome.err


def test_two_reports_are_compared(home: Path) -> None:
    shortlist("evaluate", "small", "--reranker", "none", "--sources", "lexical", "-o", "a")
    shortlist("evaluate", "small", "--reranker", "none", "--sources", "dense", "-o", "b")
    outcome = shortlist("compare", "a", "b")
    assert (outcome.code, outcome.err) == (0, "")
    assert "nDCG@10" in outcome.out
    said = json.loads(shortlist("compare", "a", "b", "--json").out)
    assert said["pairs"]


def speak_as_the_tiny_model(folder: Path) -> None:
    """Rewrite a collection in the dozen words that tests.tiny_models knows, or nothing is read."""
    known = ("the red fish", "blue sea fish", "heart of the sea", "red heart swims", "a blue fish")
    ids = ("mill", "baker", "river", "oven", "sea")
    corpus = [{"_id": i, "title": "", "text": t} for i, t in zip(ids, known, strict=True)]
    asked = {"q1": "what is the red fish", "q2": "the blue sea", "q3": "what swims the sea"}
    queries = [{"_id": i, "text": t} for i, t in asked.items()]
    for name, rows in (("corpus", corpus), ("queries", queries)):
        (folder / f"{name}.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def test_realistic_is_what_a_search_serves_and_base_what_it_serves_without_a_reranker(
    home: Path,
) -> None:
    from tests.tiny_models import save_cross_encoder

    speak_as_the_tiny_model(home / "small")
    model = str(save_cross_encoder(home / "tiny"))
    outcome = shortlist("evaluate", "small", "--reranker", model, "--reranker", "none", "-o", "out",
                        "--depth", "2")  # fmt: skip
    assert outcome.code == 0, outcome.err
    assert {path.name for path in (home / "out/runs").glob("*.trec")} == {
        *(f"hybrid-tiny-2.{column}.trec" for column in ("base", "realistic", "always")),
        "hybrid-none-2.base.trec",
    }
    [index] = (home / "cache/indexes").iterdir()
    for options, run in (
        (("--reranker", model, "--rerank-depth", "2"), "hybrid-tiny-2.realistic.trec"),
        (("--no-rerank",), "hybrid-tiny-2.base.trec"),
        (("--no-rerank",), "hybrid-none-2.base.trec"),
    ):
        served = shortlist("search", "--queries", "small/queries.jsonl", "-i", index, *options)
        judged = [line for line in served.out.splitlines() if not line.startswith("other ")]
        assert (home / "out/runs" / run).read_text().splitlines() == judged
    runs = [home / f"out/runs/hybrid-tiny-2.{column}.trec" for column in ("base", "realistic")]
    assert runs[0].read_text() != runs[1].read_text(), "nothing was reranked"
    row = report_of(home / "out")["rows"][0]
    assert row["reranker"] == "tiny (cross-encoder)"
    assert row["parameters"] > 1000
    assert set(row["significance"]) == {"difference", "interval", "p", "p_corrected"}


def test_scores_of_pairs_are_remembered_between_evaluations(home: Path) -> None:
    from tests.tiny_models import save_cross_encoder

    speak_as_the_tiny_model(home / "small")
    model = str(save_cross_encoder(home / "tiny"))
    for out in ("a", "b"):
        assert shortlist("evaluate", "small", "--reranker", model, "-o", out).code == 0
    [scores] = (home / "cache/scores").glob("*.sqlite")
    with closing(sqlite3.connect(scores)) as connection:
        assert connection.execute("SELECT count(*) FROM score").fetchone() == (15,)
    before = scores.read_bytes()
    shortlist("evaluate", "small", "--reranker", model, "--depth", "3", "-o", "c")
    assert scores.read_bytes() == before
    runs = [home / out / "runs/hybrid-tiny-50.realistic.trec" for out in ("a", "b")]
    assert runs[0].read_text() == runs[1].read_text()


def many(folder: Path, queries: int) -> Path:
    """Write a collection of so many queries about twenty documents."""
    (folder / "qrels").mkdir(parents=True)
    words = [f"word{n}" for n in range(20)]
    corpus = [{"_id": w, "title": "", "text": f"{w} {words[n - 1]}"} for n, w in enumerate(words)]
    (folder / "corpus.jsonl").write_text("".join(json.dumps(row) + "\n" for row in corpus))
    asked = [{"_id": f"q{n}", "text": f"{words[n % 20]} {n}"} for n in range(queries)]
    (folder / "queries.jsonl").write_text("".join(json.dumps(row) + "\n" for row in asked))
    lines = "".join(f"q{n}\t{words[n % 20]}\t1\n" for n in range(queries))
    (folder / "qrels/test.tsv").write_text(f"query-id\tcorpus-id\tscore\n{lines}")
    return folder


def test_a_killed_run_goes_on_and_ends_as_if_it_had_never_stopped(home: Path) -> None:
    many(home / "many", 1500)
    command = [sys.executable, "-c", START, "evaluate", "many", "--reranker", "none", "-o"]
    given = environment({"SHORTLIST_CACHE": str(home / "cache")})
    subprocess.run([*command, "whole"], env=given, check=True, capture_output=True, timeout=100)
    running = subprocess.Popen([*command, "killed"], env=given, stderr=subprocess.PIPE)
    note = home / "killed/unfinished.json"
    while running.poll() is None and not (note.exists() and json.loads(note.read_text())["done"]):
        time.sleep(0.01)
    running.send_signal(signal.SIGKILL)
    running.communicate()
    assert note.exists(), "it was done before it could be killed"
    done = json.loads(note.read_text())["done"]
    assert 0 < done < 1500
    again = subprocess.run([*command, "killed"], env=given, check=True, capture_output=True,
                           text=True, timeout=100)  # fmt: skip
    assert f"going on after {done:,} of 1,500" in again.stderr
    for path in [*sorted((home / "whole").rglob("*.trec")), home / "whole/per_query.jsonl"]:
        other = home / "killed" / path.relative_to(home / "whole")
        assert other.read_text() == path.read_text(), path.name
    rows = [report_of(home / out)["rows"][0] for out in ("whole", "killed")]
    timed = {"ms_per_query", "ms_first_stage", "timed_queries"}
    assert [{k: v for k, v in row.items() if k not in timed} for row in rows] == [
        {k: v for k, v in rows[0].items() if k not in timed}
    ] * 2
