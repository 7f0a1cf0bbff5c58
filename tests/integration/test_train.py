# pyright: basic
"""`shortlist train` as a user runs it: a tiny model learns that the sea is meant."""

from __future__ import annotations

import json
import math
import re
from typing import TYPE_CHECKING

import pytest
import torch
from transformers import TrainerCallback

from engine.assemble import NO_RERANKER, open_engine
from engine.rerankers import load
from indexer.training import from_index
from indexer.training.card import VERBATIM
from indexer.training.joining import write_joined
from indexer.training.options import FinetuneOptions
from indexer.training.train import train as train_here
from indexer.training.train_options import TrainOptions
from tests.commands import at_home, process, shortlist
from tests.hub import hub_here
from tests.sea_index import DOCUMENTS, UNSEEN, write_sea
from tests.tiny_models import WINDOW, library_cross_encoder, save_headless

if TYPE_CHECKING:
    from pathlib import Path

    from tests.commands import Outcome

# As much as a tiny model of random numbers needs; a real one needs other things.
LEARN = ("--learning-rate", "0.002", "--epochs", "12", "--batch-size", "32", "--negatives", "2",
         "--random-negatives", "1", "--range-max", "10", "--dev-depth", "10")  # fmt: skip


# What could be learned, if the options were right.
GOOD = "\n".join(["query,document_id", *(f"what is {n},sea{n}" for n in range(20))])


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an index, pairs about it and a tiny base."""
    place = tmp_path_factory.mktemp("train")
    write_sea(place)
    return place


@pytest.fixture
def home(place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return at_home(tmp_path, place / "my.index", monkeypatch)


def train(place: Path, *more: str | Path, pairs: str = "pairs.jsonl") -> Outcome:
    return shortlist("train", place / pairs, "-o", "mine", "--base", place / "tiny", *more)


def test_a_model_that_learned_is_saved_with_all_that_it_was_made_of(
    place: Path, home: Path
) -> None:
    outcome = train(place, *LEARN, "--reranker", "none", "--json", "--license", "mit")
    assert outcome.code == 0, outcome.err
    said = json.loads(outcome.out)
    assert said["passed"]
    assert said["after"] > said["before"] + 0.1
    assert 0 < said["weight"] <= 1
    mine = home / "mine"
    assert not (home / "mine.training").exists()
    assert not (mine / "checkpoints").exists()
    card = (mine / "README.md").read_text()
    assert 'license: "mit"' in card
    assert "**pairs**: 45 questions learned, 15 held out" in card
    assert (mine / "training/mined.jsonl").exists()
    report = json.loads((mine / "training/evaluation/report.json").read_text())
    assert report["rows"][-1]["realistic"]["nDCG@10"] == pytest.approx(said["after"])
    sea, heart = library_cross_encoder(mine).predict(UNSEEN)
    assert sea > heart
    assert load(str(mine)).weight == said["weight"]
    found = shortlist("search", "what is 7", "--reranker", mine, "--json")
    assert json.loads(found.out)["models"]["reranker"] == "mine (cross-encoder)"


def test_a_model_that_may_be_worse_is_kept_aside(place: Path, home: Path) -> None:
    good = train(place, *LEARN, "--reranker", "none")
    assert good.code == 0, good.err
    untrained = ("--learning-rate", "1e-9", "--max-steps", "1", "--dev-depth", "10")
    outcome = shortlist("train", place / "pairs.jsonl", "-o", "worse", "--base", place / "tiny",
                        "--reranker", "mine", *untrained)  # fmt: skip
    assert outcome.code == 1
    assert (home / "worse.rejected/model.safetensors").exists()
    assert not (home / "worse").exists()
    assert "did not pass the gate" in (home / "worse.rejected/README.md").read_text()
    forced = shortlist("train", place / "pairs.jsonl", "-o", "forced", "--base", place / "tiny",
                       "--reranker", "mine", "--force", *untrained)  # fmt: skip
    assert forced.code == 0
    assert (home / "forced/model.safetensors").exists()


def test_a_model_that_passed_is_published(
    place: Path, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with hub_here(monkeypatch) as hub:
        outcome = train(place, *LEARN, "--reranker", "none", "--push-to-hub", "ann/sea")
        assert outcome.code == 0, outcome.err
        assert f"published: {hub.address}/ann/sea" in outcome.out
    assert {"model.safetensors", "tokenizer.json", "README.md", "shortlist.json"} <= set(hub.files)
    assert not any(name.startswith("training") for name in hub.files)
    assert 'CrossEncoder("ann/sea")' in hub.files["README.md"].decode()
    assert hub.files["model.safetensors"] == (home / "mine/model.safetensors").read_bytes()


def test_what_cannot_be_published_is_said_before_any_work(place: Path, home: Path) -> None:
    for args, words in [
        (("--push-to-hub", "ann/sea"), "needs a network"),
        (("--push-to-hub", "sea"), "give its owner too"),
        (("--private",), "--private belongs to --push-to-hub"),
    ]:
        outcome = train(place, *args)
        assert outcome.code == 2
        assert words in outcome.err
    assert list(home.glob("mine*")) == []


def test_eight_labelled_pairs_train_and_are_said_to_prove_little(place: Path, home: Path) -> None:
    rows = [f"what is {n},{DOCUMENTS[f'sea{n}']},1" for n in range(4)]
    rows += [f"what is {n},{DOCUMENTS[f'heart{n}']},0" for n in range(4)]
    (home / "eight.csv").write_text("\n".join(["query,passage,label", *rows]))
    outcome = shortlist("train", "eight.csv", "-o", "mine", "--base", place / "tiny", "--force",
                        "--reranker", "none")  # fmt: skip
    assert outcome.code == 0, outcome.err
    assert "1 question proves little" in outcome.out


def test_labelled_texts_from_elsewhere_are_judged_by_the_library_and_kept_aside(
    place: Path, home: Path
) -> None:
    rows = [f"what is {n},the sea near {n},1\nwhat is {n},the heart near {n},0" for n in range(50)]
    (home / "elsewhere.csv").write_text("\n".join(["query,passage,label", *rows]))
    outcome = shortlist("train", "elsewhere.csv", "-o", "mine", "--base", place / "tiny",
                        "--max-steps", "30", "--learning-rate", "0.002", "--batch-size", "8",
                        "--reranker", place / "tiny", "--json")  # fmt: skip
    assert outcome.code == 1, outcome.err
    assert "the gate has nothing to decide" in outcome.err
    said = json.loads(outcome.out)
    assert (said["passed"], said["queries"], said["before"]) == (False, 0, None)
    before, after = said["measures"]["elsewhere_average_precision"]
    assert before < after == 1  # the sea, and not the heart
    folder = home / "mine.rejected"
    assert load(str(folder)).weight == 0.7
    card = (folder / "README.md").read_text()
    assert "Nobody knows" in card
    assert f"| elsewhere_average_precision | {before:.3f} | 1.000 |" in card


@pytest.mark.parametrize("joined", [False, True])
def test_what_the_card_says_about_its_use_runs(*, joined: bool, place: Path, home: Path) -> None:
    base = place / "tiny"
    if joined:
        base = home / "joined"
        plain = save_headless(home / "plain")
        write_joined(plain, base, start=1, layers=1, window=WINDOW)
    outcome = shortlist("train", place / "pairs.jsonl", "-o", "mine", "--base", base, "--max-steps",
                        "1", "--dev-depth", "5", "--force", "--reranker", "none")  # fmt: skip
    assert outcome.code == 0, outcome.err
    [snippet] = re.findall(r"```python\n(.*?)```", (home / "mine/README.md").read_text(), re.DOTALL)
    ran = process(code=f"{snippet}\nprint(scores)")
    assert ran.code == 0, ran.err
    [scored] = load(str(home / "mine")).score([("a question", "a passage")]).logits
    assert float(ran.out.strip("[]\n")) == pytest.approx(1 / (1 + math.exp(-scored)), abs=1e-3)


class Counting(TrainerCallback):
    """Counts steps."""

    steps = 0

    def on_step_end(self, *_: object, **__: object) -> None:
        self.steps += 1


def test_questions_made_from_the_index_are_said_to_stand_in_it(place: Path, home: Path) -> None:
    names = [
        f"{one} {two}" for one in ("red", "old", "wet", "new") for two in ("sea", "mill", "owl")
    ]
    rows = [f"{name},The {name},It is what it is and grinds corn into flour." for name in names]
    (home / "titles.csv").write_text("\n".join(["id,title,text", *rows]))
    assert shortlist("index", "titles.csv", "-i", "titles.index").code == 0
    engine = open_engine(home / "titles.index", NO_RERANKER)
    made = from_index.examples(engine.snapshot, engine.analyzer, most=12)
    options = TrainOptions(
        base=str(place / "tiny"), finetune=FinetuneOptions(max_steps=3), dev_queries=4
    )
    counting = Counting()
    outcome = train_here(
        engine, [from_index.split_documents(made, most=4)], None, options, home / "mine",
        home / "scores", callbacks=[counting],
    )  # fmt: skip
    engine.close()
    assert counting.steps == outcome.finetuned.steps == 3
    assert outcome.verdict is not None
    assert outcome.verdict.verbatim
    assert VERBATIM in (outcome.folder / "README.md").read_text()


@pytest.mark.parametrize(
    ("text", "args", "words"),
    [
        ("q,a\nx,y\n", (), "q, a"),
        ("", (), "empty.csv"),
        ("query,passage,label\nx,y,7\n", (), "bad.csv:2"),
        ("query,document_id\nx,nowhere\n", (), "nowhere"),
        ("query,passage,label\nx,y,1\nx,z,0\n", ("--loss", "mnrl"), "bce, lambda, listnet"),
        ("query,passage,label\nx,y,1\nx,z,0\n", ("--loss", "distill"), "what fits"),
        ("query,passage\nx,y\n", ("--learning-rate", "-1"), "learning_rate"),
        ("query,passage\nx,y\n", ("--negatives", "99"), "do not fit"),
        ("query,passage\nx,not in the index\nz,neither\n", (), "is in the index"),
        (GOOD, ("--base", "nowhere"), "nowhere"),
        (GOOD, ("--layers", "9"), "has 2 layers"),
        (GOOD, ("--report-to", "nobody"), "reported to 'nobody'"),
        pytest.param(
            GOOD,
            ("--precision", "float16"),
            "needs a GPU",
            marks=pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU"),
        ),
    ],
)
def test_what_cannot_be_is_said_before_any_work(
    place: Path, home: Path, text: str, args: tuple[str, ...], words: str
) -> None:
    name = "bad.csv" if text else "empty.csv"
    (home / name).write_text(text)
    outcome = shortlist("train", name, "-o", "mine", "--base", place / "tiny", *args,
                        "--reranker", "none")  # fmt: skip
    assert outcome.code in (1, 2)
    assert words in outcome.err
    assert "Traceback" not in outcome.err
    assert list(home.glob("mine*")) == []


def test_options_of_mining_beside_what_was_mined_are_refused(place: Path, home: Path) -> None:
    (home / "mined.jsonl").write_text("")
    outcome = train(place, "--mined", "mined.jsonl", "--negatives", "7", "--max-score", "0.5")
    assert outcome.code == 2
    assert "so that --negatives, --max-score would do nothing" in outcome.err


def test_a_dataset_that_cannot_be_reached_is_said_before_any_work(home: Path) -> None:
    outcome = shortlist("train", "owner/name", "--subset", "pair", "-o", "mine")
    assert outcome.code == 1
    assert "the hub cannot be reached; download it elsewhere" in outcome.err
    assert list(home.glob("mine*")) == []


def test_a_name_that_is_taken_is_not_overwritten(place: Path, home: Path) -> None:
    (home / "mine").mkdir()
    outcome = train(place, "--reranker", "none")
    assert outcome.code == 2
    assert "is there already" in outcome.err


def test_a_training_that_was_stopped_is_not_begun_again_unasked(place: Path, home: Path) -> None:
    (home / "mine.training").mkdir()
    (home / "mine.training/plan.json").write_text("{}")
    outcome = train(place, "--reranker", "none")
    assert outcome.code == 2
    assert "--resume" in outcome.err
    another = train(place, "--reranker", "none", "--resume")
    assert another.code == 2
    assert "is another one" in another.err
