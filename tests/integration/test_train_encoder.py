# pyright: basic
"""`shortlist train --encoder` as a user runs it: vectors learn that the sea is meant."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from engine.local.store import LocalStore
from engine.local.verify import verify
from engine.static import StaticEncoder
from tests.commands import START, at_home, environment, shortlist
from tests.tiny_models import save_headless, save_static

if TYPE_CHECKING:
    from pathlib import Path

    from tests.commands import Outcome

# BM25 puts the heart first, whose text is the shorter one; of even numbers the sea is wanted.
DOCUMENTS = {
    **{f"sea{n}": f"the sea of {n} fish swims" for n in range(80)},
    **{f"heart{n}": f"heart is red {n}" for n in range(80)},
    **{f"other{n}": f"{n} " + "a of the is " * 8 for n in range(80)},
}
RIGHT = [(f"what {n}", f"sea{n}") if n % 2 == 0 else (f"blue {n}", f"heart{n}") for n in range(80)]
# As much as eight dimensions of random numbers need.
LEARN = ("--learning-rate", "0.05", "--epochs", "5", "--batch-size", "16")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("encoder")
    rows = [f"{name},{text}" for name, text in DOCUMENTS.items()]
    (made / "corpus.csv").write_text("\n".join(["id,text", *rows]))
    tiny = save_static(made / "tiny")
    args = ("index", made / "corpus.csv", "-i", made / "index", "--encoder", tiny)
    assert shortlist(*args).code == 0
    write_pairs(made / "pairs.csv", RIGHT)
    return made


@pytest.fixture
def home(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of its own with the index, the pairs and the tiny encoder."""
    shutil.copytree(made / "index", tmp_path / "my.index")
    shutil.copy(made / "pairs.csv", tmp_path)
    return at_home(tmp_path, tmp_path / "my.index", monkeypatch)


def write_pairs(path: Path, pairs: list[tuple[str, str]]) -> None:
    lines = [f"{question},{document}" for question, document in pairs]
    path.write_text("\n".join(["question,document_id", *lines]))


def train(*more: str | Path) -> Outcome:
    return shortlist("train", "pairs.csv", "-o", "mine", "--encoder", *LEARN, *more)


def encoder_of(index: Path) -> str:
    settings = LocalStore(index).settings()
    assert settings is not None
    return settings.encoder


def write_misleading(home: Path) -> None:
    """Write a folder whose training answers are the wrong ones, and whose dev answers are right."""
    folder = home / "misled"
    (folder / "qrels").mkdir(parents=True)
    corpus = [{"_id": name, "text": text} for name, text in DOCUMENTS.items()]
    queries = [{"_id": f"q{n}", "text": question} for n, (question, _) in enumerate(RIGHT)]
    for name, rows in (("corpus", corpus), ("queries", queries)):
        (folder / f"{name}.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    swap = {"sea": "heart", "hea": "sea"}
    for split, part in (("train", range(40)), ("dev", range(40, 80))):
        lines = ["query-id\tcorpus-id\tscore"]
        for n in part:
            document = RIGHT[n][1]
            wrong = f"{swap[document[:3]]}{n}"
            lines.append(f"q{n}\t{wrong if split == 'train' else document}\t1")
        (folder / "qrels" / f"{split}.tsv").write_text("\n".join(lines))


def test_an_encoder_that_finds_more_is_saved_with_all_that_it_was_made_of(home: Path) -> None:
    before = encoder_of(home / "my.index")
    outcome = train("--json", "--license", "mit", "--dev-depth", "20")
    assert outcome.code == 0, outcome.err
    said = json.loads(outcome.out)
    assert said["passed"]
    assert said["after"] > said["before"] + 0.05
    assert (said["applied"], said["passages"]) == (False, 240)
    mine = home / "mine"
    assert sorted(path.name for path in home.glob("mine*")) == ["mine"]
    card = (mine / "README.md").read_text()
    for words in ('license: "mit"', "pairs.csv", before, f"| {100 * said['after']:.1f} |"):
        assert words in card
    reports = [mine / "training/evaluation" / side / "report.json" for side in ("before", "after")]
    values = [json.loads(path.read_text())["rows"][0]["base"]["nDCG@10"] for path in reports]
    assert values == pytest.approx([said["before"], said["after"]])
    assert not (mine / "training/evaluation/index").exists()
    assert encoder_of(home / "my.index") == before
    assert LocalStore(home / "my.index").snapshot().generation == 1


def test_the_index_is_encoded_again_at_once_and_answers_as_was_judged(home: Path) -> None:
    outcome = train("--apply")
    assert outcome.code == 0, outcome.err
    assert "encoded again by mine@" in outcome.err
    assert "use it" not in outcome.out
    assert encoder_of(home / "my.index") == StaticEncoder.load(home / "mine").name
    assert verify(home / "my.index").whole
    evaluation = home / "mine/training/evaluation/after"
    runs: dict[str, list[str]] = {}
    for line in (evaluation / "runs/hybrid-none-30.base.trec").read_text().splitlines():
        query, _, document, *_ = line.split()
        runs.setdefault(query, []).append(document)
    asked = [json.loads(line) for line in (evaluation / "per_query.jsonl").read_text().splitlines()]
    assert len(asked) == 20
    for line in asked[:3]:
        found = shortlist("search", line["text"], "--no-rerank", "-k", "10", "--json")
        documents = [result["document"] for result in json.loads(found.out)["results"]]
        assert documents == runs[line["query"]][:10]


def test_another_training_begins_with_the_encoder_of_the_index(home: Path) -> None:
    assert train("--apply").code == 0
    first = encoder_of(home / "my.index")
    outcome = shortlist("train", "pairs.csv", "-o", "second", "--encoder", "--max-steps", "2")
    assert outcome.code == 0, outcome.err
    assert f"from {first} on" in (home / "second/README.md").read_text()
    assert "use it: shortlist index -i" in outcome.out


def test_an_encoder_that_may_be_worse_is_kept_aside_and_changes_nothing(home: Path) -> None:
    write_misleading(home)
    before = encoder_of(home / "my.index")
    args = ("train", "misled", "-o", "mine", "--encoder", "--apply", *LEARN)
    outcome = shortlist(*args)
    assert outcome.code == 1
    assert "kept aside: " in outcome.out
    assert sorted(path.name for path in home.glob("mine*")) == ["mine.rejected"]
    assert "did not pass the gate" in (home / "mine.rejected/README.md").read_text()
    assert encoder_of(home / "my.index") == before
    forced = shortlist(*args, "--force")
    assert forced.code == 0, forced.err
    assert encoder_of(home / "my.index") == StaticEncoder.load(home / "mine").name


def test_hard_negatives_are_mined_where_they_are_asked_for(home: Path) -> None:
    """The questions about the sea alone: without a negative it takes longer to tell it apart."""
    write_pairs(home / "pairs.csv", RIGHT[::2])
    some = ("--json", "--epochs", "3")
    plain = json.loads(train(*some).out)
    shutil.rmtree(home / "mine", ignore_errors=True)
    outcome = train(*some, "--negatives", "2", "--range-max", "10")
    assert outcome.code == 0, outcome.err
    assert json.loads(outcome.out)["after"] > plain["after"] + 0.1
    [mined] = (home / "mine/training").glob("mined*.jsonl")
    assert "heart" in mined.read_text()
    assert "Mined:" in (home / "mine/README.md").read_text()


def test_pairs_are_made_of_the_index_itself(made: Path, home: Path) -> None:
    (home / "docs").mkdir()
    trades = ["miller", "baker", "smith", "weaver", "tanner", "cooper", "mason", "farmer"]
    places = ["village", "harbour", "castle", "market"]
    for trade in trades:
        for place in places:
            text = f"# The {trade} of the {place}\n\n" + "What is a heart of red, the sea? " * 3
            (home / "docs" / f"{trade}-{place}.md").write_text(text)
    assert shortlist("index", "docs", "-i", "other", "--encoder", made / "tiny").code == 0
    outcome = shortlist("train", "--from-index", "--encoder", "-i", "other", "-o", "mine",
                        "--max-steps", "2", "--json", "--force")  # fmt: skip
    assert outcome.code == 0, outcome.err
    assert json.loads(outcome.out)["queries"] > 0


@pytest.mark.timeout(600)
def test_a_training_that_was_killed_begins_again_with_what_was_mined(home: Path) -> None:
    typed = ["train", "pairs.csv", "-o", "mine", "--encoder", *LEARN, "--negatives", "1",
             "--range-max", "10"]  # fmt: skip
    killed = subprocess.Popen([sys.executable, "-c", START, *typed], env=environment())
    while not (home / "mine.training/evaluation").exists():  # mined and trained, now it is judged
        assert killed.poll() is None
        time.sleep(0.01)
    killed.kill()
    killed.wait()
    mined = (home / "mine.training/mined.jsonl").read_bytes()
    again = shortlist(*typed)
    assert again.code == 2
    assert "--resume" in again.err
    assert "is another one (encoder)" in shortlist(*typed, "--epochs", "6", "--resume").err
    resumed = shortlist(*typed, "--resume")
    assert resumed.code == 0, resumed.err
    assert (home / "mine/training/mined.jsonl").read_bytes() == mined
    assert sorted(path.name for path in home.glob("mine*")) == ["mine"]
    assert verify(home / "my.index").whole


@pytest.mark.parametrize(
    "typed",
    ["--layers 3", "--loss mnrl", "--freeze-embeddings", "--precision float32", "--patience 1",
     "--random-negatives 1", "--reranker none", "--max-length 64", "--cache x"],
)  # fmt: skip
def test_an_option_that_means_nothing_for_an_encoder_is_refused(home: Path, typed: str) -> None:
    outcome = train(*typed.split())
    assert outcome.code == 2
    assert f"{typed.split()[0]} means nothing for an encoder" in outcome.err
    assert list(home.glob("mine*")) == []


@pytest.mark.parametrize(
    ("pairs", "args", "words"),
    [
        ([("what 1", "sea1")], (), "two at least"),
        ([("what 1", "sea1"), ("what 2", "nowhere")], (), "nowhere"),
        (RIGHT, ("--max-steps", "1"), "in one step"),
        (RIGHT[:6], ("--epochs", "1"), "in one step"),
        (RIGHT, ("--learning-rate", "-1"), "learning_rate"),
        (RIGHT, ("--batch-size", "1"), "batch_size"),
        (RIGHT, ("--base", "nowhere"), "no model at nowhere"),
        (RIGHT, ("--base", "headless"), "no static embedding"),
        (RIGHT, ("--negatives", "99"), "do not fit"),
    ],
)
def test_what_cannot_be_is_said_before_any_work(
    home: Path, pairs: list[tuple[str, str]], args: tuple[str, ...], words: str
) -> None:
    write_pairs(home / "pairs.csv", pairs)
    if "headless" in args:
        save_headless(home / "headless")
    outcome = train(*args)
    assert outcome.code in (1, 2)
    assert words in outcome.err
    assert "Traceback" not in outcome.err
    assert list(home.glob("mine*")) == []


def test_scores_of_a_teacher_are_no_answers(home: Path) -> None:
    (home / "pairs.csv").write_text("query,passage,score\nx,y,7.5\nx,z,-2\nw,z,3\nw,y,2\n")
    outcome = train()
    assert outcome.code == 2
    assert "a teacher's scores" in outcome.err


def test_apply_belongs_to_an_encoder_and_to_an_index_that_nobody_writes(home: Path) -> None:
    alone = shortlist("train", "pairs.csv", "-o", "mine", "--apply")
    assert alone.code == 2
    assert "--apply belongs to --encoder" in alone.err
    with LocalStore(home / "my.index").writer():
        outcome = train("--apply")
    assert outcome.code == 1
    assert "another process is writing" in outcome.err
    assert list(home.glob("mine*")) == []


def test_a_name_that_is_taken_is_not_overwritten(home: Path) -> None:
    (home / "mine").mkdir()
    outcome = train()
    assert outcome.code == 2
    assert "is there already" in outcome.err
