from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from itertools import pairwise
from typing import TYPE_CHECKING, Any, cast

import pytest

from engine.local.store import LocalStore
from tests.commands import START, environment, process, shortlist

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path
    from typing import IO

COMMANDS = [
    "index",
    "search",
    "evaluate",
    "compare",
    "label",
    "train",
    "serve",
    "info",
    "verify",
    "doctor",
]
DOCUMENTS = {
    "guide/install.md": "# Install\n\nUnpack the archive.\n\n## Linux\n\nRun the installer.\n",
    "guide/with space.txt": "The installer needs a key.",
    "notes.txt": "A mill by the river grinds corn.\n",
    "mail/old.txt": "The miller sells flour.\n",
}
RESULT = {
    *("rank", "document", "passage", "title", "path", "heading", "page", "start", "end", "text"),
    *("snippet", "highlights", "score", "relevance", "stage", "ranks", "scores", "stale"),
    "metadata",
}
ANSWER = {
    *("query", "results", "total_candidates", "degraded", "degraded_reason", "timings_ms"),
    *("snapshot", "models", "notes", "facets", "search_id"),
}
TIMINGS = set("parse lexical dense fuse fetch queue rerank highlight total".split())  # noqa: SIM905


@pytest.fixture(scope="module")
def docs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    docs = tmp_path_factory.mktemp("docs")
    for name, text in DOCUMENTS.items():
        (docs / name).parent.mkdir(exist_ok=True)
        (docs / name).write_text(text)
    return docs


@pytest.fixture(scope="module")
def index(docs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    index = tmp_path_factory.mktemp("index") / "my.index"
    assert shortlist("index", docs, "-i", index).code == 0
    return index


def ask(index: Path, query: str, *more: str | Path) -> dict[str, Any]:
    outcome = shortlist("search", query, "-i", index, "--no-rerank", "--json", *more)
    assert (outcome.code, outcome.err) == (0, "")
    return cast("dict[str, Any]", json.loads(outcome.out))


def found(answer: dict[str, Any]) -> list[str]:
    return [result["document"] for result in answer["results"]]


# -- help ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("flag", ["--help", "-h"])
@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(command: str, flag: str) -> None:
    outcome = shortlist(command, flag)
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.startswith(f"Usage: shortlist {command}") or "Usage:" in outcome.out
    assert len(max(outcome.out.splitlines(), key=len)) <= 100


def test_examples_stand_on_lines_of_their_own() -> None:
    for args in (["--help"], ["search", "--help"], ["serve", "--help"]):
        assert "\\b" not in shortlist(*args).out
    assert '\n  shortlist search "how to renew a passport" -i notes.index\n' in shortlist("-h").out
    assert "\n  +word -word          must, must not\n" in shortlist("search", "-h").out


def test_help_lists_the_commands_in_the_order_a_person_meets_them() -> None:
    out = shortlist("--help").out
    listed = re.findall(r"^  ([a-z]+) +[A-Z]", out[out.index("Commands:") :], re.MULTILINE)
    assert [name for name in listed if name in COMMANDS] == COMMANDS


# -- exit codes ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["nonsense"], "No such command"),
        (["search", "x"], "--index"),
        (["search", "-i", "INDEX"], "give a QUERY"),
        (["search", "x", "--queries", "DOCS/notes.txt", "-i", "INDEX"], "give a QUERY"),
        (["search", "--queries", "DOCS/notes.txt", "-i", "INDEX"], "notes.txt:1"),
        (["search", "--queries", "DOCS/missing", "-i", "INDEX"], "does not exist"),
        (["search", "x", "-i", "INDEX", "--filter", "nonsense"], "field:value"),
        (["search", "x", "-i", "INDEX", "--filter", "date:yesterday"], "no date"),
        (["search", "x", "-i", "INDEX", "--format", "trec"], "--queries"),
        (["search", "x", "-i", "INDEX", "--sources", "both"], "Invalid value"),
        (["search", "x", "-i", "INDEX", "-k", "0"], "k is"),
        (["search", "x", "-i", "INDEX", "-k", "-3"], "k is"),
        (["search", "x", "-i", "INDEX", "-k", "many"], "integer"),
        (["search", "x", "-i", "INDEX", "--depth", "0"], "depth is"),
        (["search", "x", "-i", "INDEX", "--offset", "-1"], "offset is"),
        (["index", "-i", "INDEX"], "PATHS"),
        (["index", "", "-i", "NEW"], "it is empty"),
        (["index", "DOCS", "-i", ""], "it is empty"),
        (["index", "DOCS", "-i", "INDEX", "--language", "de"], "was made with language 'en'"),
        (["index", "DOCS", "-i", "NEW", "--language", "xx"], "no stemmer"),
        (["index", "DOCS", "-i", "NEW", "--include", "!"], "not a glob"),
        (["index", "DOCS/notes.txt", "-i", "NEW", "--wrong"], "No such option"),
    ],
)
def test_wrong_use_ends_with_two_and_says_why(
    args: list[str], words: str, docs: Path, index: Path, tmp_path: Path
) -> None:
    places = {"INDEX": str(index), "DOCS": str(docs), "NEW": str(tmp_path / "new")}
    filled = [re.sub("INDEX|DOCS|NEW", lambda m: places[m.group()], arg) for arg in args]
    outcome = shortlist(*filled, *(["--no-rerank"] if args[0] == "search" else []))
    assert outcome.code == 2
    assert words in outcome.err
    assert outcome.out == ""


@pytest.mark.parametrize("command", ["search", "info", "verify", "serve"])
def test_where_there_is_no_index_it_says_so(command: str, docs: Path, tmp_path: Path) -> None:
    dead = tmp_path / "dead"
    assert shortlist("index", tmp_path / "missing", "-i", dead).code == 1
    for place in (tmp_path / "nowhere", docs, docs / "notes.txt", dead):
        query = ["x", "--no-rerank"] if command == "search" else []
        outcome = shortlist(command, *query, "-i", place)
        assert outcome.code == 1
        assert "no index" in outcome.err
        assert outcome.out == ""


def test_a_first_run_that_failed_leaves_the_choice_of_language(docs: Path, tmp_path: Path) -> None:
    index = tmp_path / "index"
    assert shortlist("index", tmp_path / "missing", "-i", index, "--language", "de").code == 1
    assert shortlist("index", docs, "-i", index, "--language", "fr").code == 0
    settings = LocalStore(index).settings()
    assert settings is not None
    assert settings.language == "fr"


def test_a_pipe_is_no_source(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    outcome = shortlist("index", tmp_path / "pipe", "-i", tmp_path / "i")
    assert outcome.code == 1
    assert "is a device, pipe or socket" in outcome.err


@pytest.mark.parametrize("place", ["notes.txt", "notes.txt/below", "guide"])
def test_an_index_that_cannot_be_there_is_one_line(place: str, docs: Path) -> None:
    outcome = shortlist("index", docs, "-i", docs / place)
    assert outcome.code == 1
    assert re.fullmatch(r"Error: .*\n", outcome.err)


def test_an_index_that_another_process_writes_is_refused(docs: Path, index: Path) -> None:
    with LocalStore(index).writer():
        outcome = shortlist("index", docs, "-i", index)
    assert outcome.code == 1
    assert f"(process {os.getpid()} on " in outcome.err


def test_an_index_made_with_an_encoder_of_this_folder_is_searched_from_another(
    docs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tests.tiny_models import save_static

    save_static(tmp_path / "tiny-static")
    monkeypatch.chdir(tmp_path)
    assert shortlist("index", docs, "-i", "new", "--encoder", "tiny-static").code == 0
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    outcome = shortlist("search", "what is the mill", "-i", "../new", "--no-rerank", "--json")
    assert outcome.code == 0, outcome.err
    assert json.loads(outcome.out)["models"]["encoder"].startswith("tiny-static@")
    again = shortlist("index", docs, "-i", "../new", "--encoder", "../tiny-static")
    assert again.code == 0, again.err


def test_an_encoder_that_is_nowhere_is_one_line(docs: Path, tmp_path: Path) -> None:
    args = ("index", docs, "-i", tmp_path / "new", "--encoder", "no/such-model")
    outcome = process(*args, env={"HF_HUB_OFFLINE": "1"})
    assert outcome.code == 1
    assert "no/such-model" in outcome.err
    assert "Traceback" not in outcome.err


# -- index -----------------------------------------------------------------------------------------


def test_index_speaks_json(docs: Path, tmp_path: Path) -> None:
    outcome = shortlist("index", docs, "-i", tmp_path / "new", "--json")
    assert outcome.out.count("\n") == 1
    report = json.loads(outcome.out)
    assert set(report) == {
        *("documents", "passages", "encoded", "seconds", "failures"),
        "skipped",
    }
    assert report["documents"] == {
        "added": 4, "changed": 0, "removed": 0, "unchanged": 0, "failed": 0
    }  # fmt: skip
    assert (report["passages"], report["encoded"]) == (4, 4)
    assert (report["failures"], report["skipped"]) == ([], [])


def test_index_tells_a_person_what_it_did(docs: Path, tmp_path: Path) -> None:
    index = tmp_path / "new"
    first = shortlist("index", docs, "-i", index)
    assert first.out.startswith("documents: 4 added\npassages: 4 in the index, 4 encoded, ")
    assert re.fullmatch(r"docs\d+: 4 files to read, 0.0 MB\n", first.err)
    second = shortlist("index", docs, "-i", index)
    assert second.out.startswith("documents: 4 unchanged\npassages: 4 in the index, 0 encoded, ")
    assert second.err == ""


def test_index_takes_globs_and_a_name(docs: Path, tmp_path: Path) -> None:
    index = tmp_path / "new"
    shortlist("index", docs, "-i", index, "--include", "*.txt", "--exclude", "mail", "--name", "my")
    assert sorted(found(ask(index, "a the"))) == ["my/guide/with space.txt", "my/notes.txt"]


def test_index_takes_columns(tmp_path: Path) -> None:
    table = tmp_path / "t.csv"
    table.write_text("id,code,body,caption\n1,x,first,One\n2,y,second,Two\n")
    columns = ("--id-column", "code", "--title-column", "caption", "--text-column", "body")
    shortlist("index", table, "-i", tmp_path / "i", *columns)
    answer = ask(tmp_path / "i", "second", "-k", "1")
    assert [(r["document"], r["title"], r["text"]) for r in answer["results"]] == [
        ("y", "Two", "second")
    ]


def test_the_environment_names_the_index(index: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHORTLIST_INDEX", str(index))
    assert shortlist("info").out.startswith("documents   4\n")
    assert "notes.txt" in shortlist("search", "mill", "--no-rerank").out


# -- search ----------------------------------------------------------------------------------------


def test_search_speaks_json(index: Path) -> None:
    answer = ask(index, "installer key", "--explain", "-k", "2")
    assert set(answer) == ANSWER
    assert set(answer["timings_ms"]) == TIMINGS
    assert set(answer["models"]) == {"encoder", "reranker"}
    assert [result["rank"] for result in answer["results"]] == [1, 2]
    for result in answer["results"]:
        assert set(result) == RESULT
        assert set(result["ranks"]) == {"lexical", "dense", "fused", "reranked"}
        assert set(result["scores"]) == {"lexical", "dense", "fused", "reranked"}
    best = answer["results"][0]
    assert (best["document"], best["stage"]) == ("guide/with space.txt", "fused")
    assert DOCUMENTS[best["path"]][best["start"] : best["end"]] == best["text"]
    shown = [best["snippet"][start:end] for start, end in best["highlights"]]
    assert shown == ["installer", "key"]
    assert (answer["degraded"], answer["degraded_reason"]) == (False, None)
    assert ask(index, "installer")["results"][0]["scores"] is None


def test_results_are_all_that_is_on_stdout(index: Path) -> None:
    outcome = shortlist("search", "mill", "-i", index, "--no-rerank", "-k", "1", "--explain")
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.startswith("  1  notes.txt\n     A mill by the river grinds corn.")
    assert "lexical 1." in outcome.out
    assert "\x1b" not in outcome.out  # colours are for terminals


def test_search_counts_facets_and_says_what_min_score_compares_with(index: Path) -> None:
    args = ("--facet", "folder", "--facet", "type", "--min-score", "0.5")
    outcome = shortlist("search", "mill installer", "-i", index, "--no-rerank", *args)
    assert "\nfolder: guide (" in outcome.out
    assert "\ntype: txt (" in outcome.out
    assert "min_score was left aside" in outcome.err
    assert set(ask(index, "mill", "--facet", "folder")["facets"]) == {"folder"}
    assert shortlist("search", "mill", "-i", index, "--min-score", "2").code == 2


def test_search_keeps_a_budget(index: Path) -> None:
    args = ("search", "mill installer", "-i", index, "--budget-ms")
    none = shortlist(*args, "0")
    assert (none.code, none.err.splitlines()[-1]) == (0, "degraded: budget")
    assert "reranked 0 of " in none.err
    assert " fused\n" in none.out
    enough = shortlist(*args, "600000")
    assert (enough.code, enough.err) == (0, "")
    assert " reranked" in enough.out
    assert shortlist(*args, "-1").code == 2


def test_a_heading_is_shown_with_its_place(tmp_path: Path) -> None:
    text = "# Top\n\n" + "Word after word. " * 60 + "\n\n## Below\n\n" + "The key is here. " * 60
    (tmp_path / "a.md").write_text(text)
    shortlist("index", tmp_path / "a.md", "-i", tmp_path / "i")
    out = shortlist("search", "key", "-i", tmp_path / "i", "--no-rerank", "-k", "1").out
    assert "a.md > Below" in out or "a.md > Top > Below" in out


def test_nothing_found_is_said_and_no_failure(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    shortlist("index", tmp_path / "docs", "-i", tmp_path / "i")
    outcome = shortlist("search", "x", "-i", tmp_path / "i", "--no-rerank")
    assert outcome == (0, "nothing found\n", "")


def test_a_changed_file_is_marked(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("alpha")
    shortlist("index", tmp_path / "a.txt", "-i", tmp_path / "i")
    (tmp_path / "a.txt").write_text("alpha and more")
    out = shortlist("search", "alpha", "-i", tmp_path / "i", "--no-rerank").out
    assert "a.txt  (changed since it was indexed)" in out


def test_filters_and_the_query_language_reach_the_index(index: Path) -> None:
    assert found(ask(index, "installer", "--filter", "path:guide type:txt")) == [
        "guide/with space.txt"
    ]
    assert found(ask(index, '"grinds corn"')) == ["notes.txt"]
    assert "guide/install.md" not in found(ask(index, "installer -archive"))
    assert found(ask(index, "path:mail flour")) == ["mail/old.txt"]


def test_pages_do_not_overlap(index: Path) -> None:
    whole = found(ask(index, "the installer mill"))
    paged = [found(ask(index, "the installer mill", "-k", "1", "--offset", str(n)))
             for n in range(len(whole))]  # fmt: skip
    assert [document for page in paged for document in page] == whole


def test_the_query_may_come_from_stdin(index: Path) -> None:
    args = ("search", "-", "-i", index, "--no-rerank", "--json", "-k", "1")
    outcome = process(*args, given=b"\xef\xbb\xbfgrinds corn\n")
    assert (outcome.code, outcome.err) == (0, "")
    answer = json.loads(outcome.out)
    assert (answer["query"], found(answer)) == ("grinds corn", ["notes.txt"])


def test_bytes_that_are_no_text_are_a_query_too(index: Path) -> None:
    strict = {"PYTHONIOENCODING": "utf-8:strict"}
    args = ("search", "-i", index, "--no-rerank", "--json")
    for outcome in (
        process(*args, b"mill \xff\xfe caf\xe9", env=strict),
        process(*args, "-", given=b"mill \xff\xfe\0 caf\xe9", env=strict),
    ):
        assert (outcome.code, outcome.err) == (0, "")
        assert found(json.loads(outcome.out))[0] == "notes.txt"


@pytest.mark.parametrize(
    "query",
    [
        "", " ", "x" * 100_000, "word " * 20_000, "(" * 50_000, '"' * 9_999, "?!.,;:", '"open',
        '+"', "--", "+-", "+", "title:", "path:", 'title:"', "path:*", "*", "a*", "-mill", "🦊",
        "\u202eabc", "水車小屋", "мельница", "مطحنة", "โรงสี", "चक्की", "a\0b", "\ud800", "\x1b[31m",
        "AND OR NOT", "a:b^2~3", "[1 TO 2]", "../../etc/passwd", "'; DROP TABLE document; --",
    ],
    ids=lambda query: ascii(query[:12]),
)  # fmt: skip
def test_no_query_is_too_odd(query: str, index: Path) -> None:
    for more in ([], ["--json"]):
        outcome = shortlist("search", "-i", index, "--no-rerank", *more, "--", query)
        assert outcome.code == 0
        assert all(line.startswith("note: ") for line in outcome.err.splitlines())
        outcome.out.encode()


def test_a_query_that_is_too_long_is_wrong_use(index: Path) -> None:
    outcome = shortlist("search", "x" * 100_001, "-i", index, "--no-rerank")
    assert outcome.code == 2
    assert "100,001 characters" in outcome.err


def test_a_reader_that_leaves_early_gets_no_traceback(index: Path, tmp_path: Path) -> None:
    queries = tmp_path / "q.tsv"
    queries.write_text("".join(f"q{n}\tmill {n}\n" for n in range(3000)))
    with subprocess.Popen(
        [
            sys.executable,
            "-c",
            START,
            *("search", "--queries", queries, "-i", index),
            "--no-rerank",
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
    ) as command:
        out, err = (cast("IO[bytes]", stream) for stream in (command.stdout, command.stderr))
        assert out.readline().startswith(b"q0 Q0 ")
        out.close()
        assert err.read() == b""


# -- a file of queries ------------------------------------------------------------------------


def as_jsonl(queries: dict[str, str]) -> str:
    return "".join(json.dumps({"_id": i, "text": t}) + "\n" for i, t in queries.items())


def as_lines(queries: dict[str, str]) -> str:
    return "".join(f"{i}\t{t}\n" for i, t in queries.items())


QUERIES = {"1": "the installer", "q two": "mill flour -river", "3": "水"}


@pytest.mark.parametrize("write", [as_jsonl, as_lines])
def test_a_file_of_queries_gives_a_run(
    write: Callable[[dict[str, str]], str], index: Path, tmp_path: Path
) -> None:
    file = tmp_path / "queries"
    file.write_text(write(QUERIES))
    outcome = shortlist("search", "--queries", file, "--format", "trec", "-i", index, "--no-rerank")
    assert (outcome.code, outcome.err) == (0, "")
    rows = [line.split() for line in outcome.out.splitlines()]
    assert all(len(row) == 6 and row[1] == "Q0" for row in rows)
    assert {row[0] for row in rows} >= {"1", "q%20two"}
    assert "guide/with%20space.txt" in {row[2] for row in rows}
    for query in {row[0] for row in rows}:
        ranked = [row for row in rows if row[0] == query]
        assert [int(row[3]) for row in ranked] == list(range(1, len(ranked) + 1))
        scores = [float(row[4]) for row in ranked]
        assert all(one > other for one, other in pairwise(scores))
        documents = [row[2] for row in ranked]
        assert len(set(documents)) == len(documents)
    # Operators are words here: the mill by the river is found.
    assert "notes.txt" in {row[2] for row in rows if row[0] == "q%20two"}


def test_a_file_of_queries_gives_an_object_a_line(index: Path, tmp_path: Path) -> None:
    file = tmp_path / "queries"
    file.write_text(as_lines(QUERIES))
    args = ("search", "--queries", file, "--format", "json", "-i", index, "--no-rerank", "-k", "2")
    lines = [json.loads(line) for line in shortlist(*args).out.splitlines()]
    assert [line["id"] for line in lines] == list(QUERIES)
    assert all(set(line) == ANSWER | {"id"} and len(line["results"]) <= 2 for line in lines)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "no query"),
        ("\n\n", "no query"),
        ("one\n", ":1:"),
        ("1\tgood\n2 bad\n", ":2:"),
        ("1\ta\n1\tb\n", "twice"),
        ('{"_id": "1"}\n', ":1:"),
        ('{"_id": "", "text": "x"}\n', ":1:"),
        ('{"_id": [1], "text": "x"}\n', ":1:"),
        ('{"a":' + "[" * 100_000 + "\n", ":1:"),
    ],
    ids=lambda text: text[:12],
)
def test_a_query_file_that_is_none_is_wrong_use(
    content: str, words: str, index: Path, tmp_path: Path
) -> None:
    file = tmp_path / "queries"
    file.write_text(content)
    outcome = shortlist("search", "--queries", file, "-i", index, "--no-rerank")
    assert outcome.code == 2
    assert words in outcome.err
    assert outcome.out == ""


def test_half_characters_in_a_query_file_are_no_end(index: Path, tmp_path: Path) -> None:
    file = tmp_path / "queries"
    file.write_bytes(b'{"_id": "\\ud800a", "text": "mill \\udfff"}\nb\tmill \xff\n')
    for form in ("trec", "json"):
        args = ("search", "--queries", file, "--format", form, "-i", index, "--no-rerank")
        outcome = process(*args, env={"PYTHONIOENCODING": "utf-8:strict"})
        assert (outcome.code, outcome.err) == (0, "")


# -- info, verify, doctor --------------------------------------------------------------------------


def test_info_speaks_json(index: Path, docs: Path) -> None:
    facts = json.loads(shortlist("info", "-i", index, "--json").out)
    assert set(facts) == {
        *("documents", "passages", "generation", "size_bytes", "models", "format", "settings"),
        *("dense", "roots"),
    }
    assert (facts["documents"], facts["passages"], facts["generation"]) == (4, 4, 1)
    assert facts["settings"]["language"] == "en"
    assert facts["models"]["encoder"] == facts["settings"]["encoder"]
    assert facts["roots"] == [{"path": str(docs), "name": ""}]
    assert facts["size_bytes"] > 0


def test_verify_finds_damage_and_repair_cures_it(docs: Path, tmp_path: Path) -> None:
    index = tmp_path / "i"
    shortlist("index", docs, "-i", index)
    before = found(ask(index, "installer"))
    whole = shortlist("verify", "-i", index)
    assert (whole.code, whole.err) == (0, "")
    assert whole.out.startswith("whole: generation 1, 4 documents, 4 passages, 4 vectors")
    part = next((index / "text").rglob("*.term"))
    data = bytearray(part.read_bytes())
    data[len(data) // 2] ^= 0xFF
    # Another file in its place: to shorten one that a thread of tantivy has mapped is a bus error.
    other = tmp_path / "other"
    other.write_bytes(data)
    other.replace(part)
    damaged = shortlist("verify", "-i", index)
    assert damaged.code == 1
    assert f"damaged: {part.relative_to(index)}: not what was written" in damaged.out
    assert shortlist("verify", "-i", index, "--repair").code == 0
    assert shortlist("verify", "-i", index).code == 0
    assert found(ask(index, "installer")) == before


@pytest.mark.parametrize("part", ["text", "dense"])
def test_a_part_that_is_gone_is_made_anew(part: str, tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text(
        "id,text\n" + "".join(f"{n},word{n} mill\n" for n in range(300))
    )
    index = tmp_path / "i"
    shortlist("index", tmp_path / "t.csv", "-i", index)
    for path in sorted((index / part).rglob("*"), reverse=True):
        path.unlink() if path.is_file() else path.rmdir()
    outcome = shortlist("search", "mill", "-i", index, "--no-rerank")
    assert outcome.code == 1
    assert "verify --repair" in outcome.err or "cannot be opened" in outcome.err
    assert shortlist("verify", "-i", index).code == 1
    assert shortlist("verify", "-i", index, "--repair").code == 0
    assert found(ask(index, "word7", "-k", "1")) == ["7"]


def test_leftovers_of_a_kill_are_no_damage(docs: Path, tmp_path: Path) -> None:
    index = tmp_path / "i"
    shortlist("index", docs, "-i", index)
    (index / "text" / "9-dead").mkdir()
    outcome = shortlist("verify", "-i", index)
    assert outcome.code == 0
    assert "an interrupted write left 1 parts" in outcome.out


def test_a_damaged_catalogue_is_beyond_repair_and_says_what_to_do(
    docs: Path, tmp_path: Path
) -> None:
    index = tmp_path / "i"
    shortlist("index", docs, "-i", index)
    (index / "catalog.sqlite").write_bytes(b"no database" * 1000)
    for more in ([], ["--repair"]):
        outcome = shortlist("verify", "-i", index, *more)
        assert outcome.code == 1
        assert "index the folders again" in " ".join(outcome.err.split())
    for command in (["search", "x", "--no-rerank"], ["info"], ["index", docs]):
        outcome = shortlist(*command, "-i", index)
        assert outcome.code == 1
        assert outcome.err.startswith("Error: ")


def test_doctor_names_versions_and_models() -> None:
    outcome = shortlist("doctor", "--quick")
    assert re.search(r"^python +3\.", outcome.out, re.MULTILINE)
    assert re.search(r"^tantivy +\d", outcome.out, re.MULTILINE)
    assert re.search(r"^encoder +shortlist-static@", outcome.out, re.MULTILINE)
    problems = [
        line for line in outcome.err.splitlines() if "shortlist is not installed" not in line
    ]
    assert not problems
