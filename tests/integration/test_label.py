"""`shortlist label`: judging what is found, and what evaluate and train then read."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import time
from typing import TYPE_CHECKING, NamedTuple

import pytest
from click.testing import CliRunner

from engine.answer import SearchRequest
from engine.assemble import open_store
from engine.errors import UsageError
from engine.evaluation.beir import read_beir
from indexer.judged.labelled import Labelled
from indexer.judged.pool import pool
from indexer.training.reading import read_examples
from server.cli import cli
from tests.commands import environment, shortlist
from tests.fakes import make_engine

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from engine.types import Sources

DOCUMENTS = {
    "mill.md": "# Mills\n\nA mill by the river grinds corn into flour.\n",
    "baker.txt": "The baker buys flour from the miller and bakes bread.\n",
    "river.txt": "A river drives the wheel of the mill in spring.\n",
    "oven.txt": "An oven of stone keeps its heat over night.\n",
    "sea.txt": "Ships carry grain over the sea to other towns.\n",
}
RUN = "import sys; from server.cli import main; main(['label', *sys.argv[1:]])"


class Session(NamedTuple):
    """What a session of judging did."""

    code: int
    out: str
    err: str
    error: BaseException | None

    @property
    def shown(self) -> list[str]:
        """The documents that were shown, in order; a document each time that it was."""
        return [
            name
            for line in self.out.splitlines()
            for name in DOCUMENTS
            if line.strip().startswith(name)
        ]


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("label")
    (home / "docs").mkdir()
    for name, text in DOCUMENTS.items():
        (home / "docs" / name).write_text(text)
    assert shortlist("index", home / "docs", "-i", home / "my.index").code == 0
    return home / "my.index"


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SHORTLIST_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("SHORTLIST_INDEX", raising=False)
    return tmp_path


def label(index: Path, *args: str | Path, keys: Sequence[str]) -> Session:
    """Judge with keys, each on a line of its own."""
    given = "".join(f"{key}\n" for key in keys)
    result = CliRunner().invoke(cli, ["label", "-i", str(index), *map(str, args)], input=given)
    return Session(result.exit_code, result.stdout, result.stderr, result.exception)


def judged(folder: Path, split: str = "test") -> dict[str, dict[str, int]]:
    """Return the grades by the text of the query."""
    found = read_beir(folder, split)
    return {found.queries[id]: dict(grades) for id, grades in found.qrels.items()}


def test_every_candidate_is_asked_once_and_written_down(index: Path, here: Path) -> None:
    session = label(index, "who grinds corn", "-o", "mine", keys="yn0123"[:5])
    assert session.code == 0, session.err
    assert len(set(session.shown)) == len(session.shown) >= 2
    grades = judged(here / "mine")["who grinds corn"]
    assert list(grades) == session.shown
    assert list(grades.values()) == [1, 0, 0, 1, 2][: len(grades)]
    assert f"{len(grades)} judgements" in session.out


def test_evaluate_reads_the_folder_as_the_end_says(index: Path, here: Path) -> None:
    session = label(index, "who grinds corn", "heat of stone", "-o", "mine", keys="y" * 20)
    [line] = [line for line in session.out.splitlines() if line.startswith("next: shortlist eval")]
    words = line.removeprefix("next: shortlist ").split()
    outcome = shortlist(*words, "--reranker", "none", "-o", "report")
    assert outcome.code == 0, outcome.err
    report = json.loads((here / "report/report.json").read_text())
    assert report["queries"] == 2
    assert report["rows"][0]["base"]["nDCG@10"] == pytest.approx(1)


def test_train_reads_the_folder_and_finds_the_passages_that_were_shown(
    index: Path, here: Path
) -> None:
    session = label(index, "mill", "-o", "mine", "--split", "train", keys="y" + "n" * 20)
    assert "next: shortlist train mine -i " in session.out
    [example] = read_examples(here / "mine").examples
    assert (example.query, len(example.positives)) == ("mill", 1)
    texts = {candidate.document: candidate.text for candidate in example.candidates}
    snapshot = open_store(index).snapshot()
    for document, text in texts.items():
        assert text in [stored.context for stored, _ in snapshot.document_passages(document)]
    snapshot.close()


def test_an_interrupted_session_goes_on_where_it_stopped(index: Path, here: Path) -> None:
    whole = label(index, "mill", "bread", "-o", "whole", keys="n" * 20).shown
    first = label(index, "mill", "bread", "-o", "mine", keys="nnq")
    assert first.code == 0
    assert sum(map(len, judged(here / "mine").values())) == 2
    second = label(index, "mill", "bread", "-o", "mine", keys="n")  # the input ends
    third = label(index, "-o", "mine", keys="n" * 20)
    assert first.shown[:2] + second.shown[:1] + third.shown == whole
    assert judged(here / "mine") == judged(here / "whole")
    again = label(index, "mill", "-o", "mine", keys="")
    assert again.shown == []
    assert "everything found is judged already" in again.err


def test_what_was_skipped_is_asked_again(index: Path, here: Path) -> None:
    first = label(index, "mill", "-o", "mine", keys="s" + "n" * 20)
    again = label(index, "mill", "-o", "mine", keys="y")
    assert again.shown == first.shown[:1]
    assert judged(here / "mine")["mill"][first.shown[0]] == 1


def test_back_takes_the_last_judgement_back_also_that_of_another_query(
    index: Path, here: Path
) -> None:
    count = len(label(index, "mill", "-o", "other", keys="n" * 20).shown)
    session = label(index, "mill", "bread", "-o", "mine", keys="n" * count + "bq")
    last = session.shown[count - 1]
    assert session.shown[-1] == last
    assert last not in judged(here / "mine")["mill"]
    assert len(judged(here / "mine")["mill"]) == count - 1
    skipped = label(index, "mill", "-o", "fourth", keys="sbq")
    assert skipped.shown[0] == skipped.shown[2]
    assert not (here / "fourth").exists()
    first = label(index, "mill", "-o", "third", keys="byb2q")
    assert "this is the first one" in first.out
    assert judged(here / "third")["mill"] == {first.shown[0]: 2}


def test_the_only_judgement_can_be_taken_back(index: Path, here: Path) -> None:
    session = label(index, "mill", "-o", "mine", keys="ybq")
    assert "nothing is judged for test yet" in session.out
    assert not (here / "mine/qrels/test.tsv").exists()
    assert label(index, "mill", "-o", "mine", keys="yq").code == 0
    assert len(judged(here / "mine")["mill"]) == 1


def test_a_wrong_key_decides_nothing_and_more_shows_the_passage(index: Path, here: Path) -> None:
    session = label(index, "mill", "-o", "mine", keys=["x", "", "\x1b[31m", "m", "Y", "q"])
    assert session.out.count("that is none of the keys") == 3
    assert "\x1b" not in session.out
    text = DOCUMENTS[session.shown[0]].splitlines()[-1]
    assert session.out.count(text) == 2
    assert list(judged(here / "mine")["mill"].values()) == [1]


def test_a_file_of_queries_keeps_its_ids(index: Path, here: Path) -> None:
    (here / "q.tsv").write_text("a7\tmill\nb\tbread\n")
    label(index, "--queries", "q.tsv", "-o", "mine", keys="n" * 20)
    assert set(read_beir(here / "mine", "test").qrels) == {"a7", "b"}


def test_a_query_is_judged_for_one_split_only(index: Path, here: Path) -> None:
    label(index, "mill", "-o", "mine", keys="n" * 20)
    session = label(index, "Mill ", "bread", "-o", "mine", "--split", "train", keys="n" * 20)
    assert "'mill' is judged for test already" in session.err
    assert set(judged(here / "mine", "train")) == {"bread"}
    assert set(judged(here / "mine")) == {"mill"}


def test_a_query_that_finds_nothing_is_said(here: Path) -> None:
    (here / "docs").mkdir()
    assert shortlist("index", "docs", "-i", "empty.index", "--allow-empty").code == 0
    session = label(here / "empty.index", "mill", "bread", keys="y")
    assert (session.code, session.shown) == (0, [])
    assert session.err.splitlines() == [
        "note: 'mill': nothing found", "note: 'bread': nothing found"
    ]  # fmt: skip
    assert "nothing is judged for test yet" in session.out


def test_what_has_nothing_relevant_is_counted(index: Path, here: Path) -> None:
    session = label(index, "mill", "-o", "mine", keys="n" * 20)
    assert "1 queries have nothing relevant" in session.out


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ([], "give a QUERY or --queries FILE"),
        ([" "], "a QUERY is empty"),
        (["x" * 100_001], "100,001 characters"),
        (["mill", "-o", "docs"], "docs holds something else"),
        (["mill", "-o", "newer"], "has format 2, this version reads up to 1"),
        (["--queries", "blank.tsv"], "the query a has no text"),
    ],
)
def test_wrong_use_is_an_error_before_anything_is_asked(
    index: Path, here: Path, args: list[str], said: str
) -> None:
    (here / "docs").mkdir()
    (here / "docs/corpus.jsonl").write_text('{"_id": "a", "text": "of someone else"}\n')
    (here / "newer").mkdir()
    (here / "newer/labels.json").write_text('{"format": 2}')
    (here / "blank.tsv").write_text("a\t \n")
    session = label(index, *args, keys="y")
    assert isinstance(session.error, UsageError)
    assert said in str(session.error)
    assert session.out == ""
    assert (here / "docs/corpus.jsonl").read_text() == '{"_id": "a", "text": "of someone else"}\n'


def test_the_folder_has_the_name_of_the_index_unless_another_is_given(
    index: Path, here: Path
) -> None:
    label(index, "mill", keys="y")
    assert (here / "my.labels/qrels/test.tsv").is_file()


def test_keys_of_a_terminal_need_no_return(index: Path, here: Path) -> None:
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-c", RUN, "mill", "-i", index, "-o", "mine"],
        stdin=theirs, stdout=subprocess.PIPE, env=environment(), cwd=here,
    ) as session:  # fmt: skip
        assert session.stdout
        said = b""
        for key in (b"y", b"2", b"\x03"):  # ^C leaves, and keeps what was said
            while not said.endswith(b"q quit: "):
                more = os.read(session.stdout.fileno(), 10_000)
                assert more, said
                said += more
            time.sleep(0.2)  # entering raw mode drops what was typed before
            os.write(ours, key)
            said += b"|"
        said += session.stdout.read()
    os.close(theirs)
    os.close(ours)
    assert session.returncode == 0
    assert b"2 judgements" in said
    assert sorted(judged(here / "mine")["mill"].values()) == [1, 2]


# -- the pool and the folder ---------------------------------------------------------------------


def test_every_source_gives_its_first_documents_and_none_more() -> None:
    documents = {f"{n}.txt": f"mill {'river ' * n}\n" for n in range(30)}
    engine = make_engine(documents)
    found = pool(engine, "mill river", 5).documents
    first: set[str] = set()
    sources: list[Sources] = ["lexical", "dense", "hybrid"]
    for source in sources:
        for rerank in (False, source == "hybrid"):
            request = SearchRequest(
                query="mill river", k=5, sources=source, rerank=rerank, group_by="document",
                plain=True,
            )  # fmt: skip
            first |= {result.document for result in engine.search(request).results}
    assert set(found) == first


def test_the_order_of_the_pool_is_the_same_each_time_and_no_sources() -> None:
    documents = {f"{n:02}.txt": f"mill {'river ' * n}\n" for n in range(20)}
    engine = make_engine(documents, rerank=False)
    orders = [list(pool(engine, query, 20).documents) for query in ("mill", "mill river", "mill")]
    assert orders[0] == orders[2]
    assert sorted(orders[0]) == sorted(orders[1])
    assert orders[0] != orders[1]
    assert orders[0] not in (sorted(orders[0]), sorted(orders[0], reverse=True))


def test_ids_that_no_line_of_judgements_can_hold_are_refused(tmp_path: Path) -> None:
    labels = Labelled(tmp_path / "mine", "test")
    for id in ("a\tb", " a", "a\n"):
        with pytest.raises(UsageError, match="white space"):
            labels.add_query("q", id)
    assert labels.add_query("q", "a b") == "a b"
    with pytest.raises(UsageError, match="another query's"):
        labels.add_query("other", "a b")


def test_two_passages_of_a_document_stand_in_the_corpus_once_each(tmp_path: Path) -> None:
    labels = Labelled(tmp_path / "mine", "test")
    query = labels.add_query("q")
    for text in ("one", "two", "one"):
        labels.judge(query, {"_id": "d", "title": "T", "text": text}, 1)
    [row] = (tmp_path / "mine/corpus.jsonl").read_text().splitlines()
    assert json.loads(row) == {"_id": "d", "title": "T", "text": "one\n\ntwo"}
