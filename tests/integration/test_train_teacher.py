# pyright: basic
"""`shortlist train --teacher` as a user runs it: one layer learns what two layers know."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from engine.assemble import open_engine
from engine.evaluation.plan import Silent
from engine.rerankers import load
from indexer.training.base import layers_of, load_base
from indexer.training.options import FinetuneOptions
from indexer.training.prepared import prepare
from indexer.training.reading import read_examples
from indexer.training.resolved import resolve
from indexer.training.train import train
from indexer.training.train_options import TrainOptions
from tests.commands import at_home, shortlist
from tests.sea_index import UNSEEN, write_pairs, write_sea
from tests.tiny_models import save_bi_encoder

if TYPE_CHECKING:
    from pathlib import Path

    from indexer.training.finetuned import Status
    from tests.commands import Outcome

MINE = ("--negatives", "2", "--random-negatives", "1", "--range-max", "10", "--dev-depth", "10",
        "--reranker", "none")  # fmt: skip
LEARN = ("--learning-rate", "0.002", "--epochs", "12")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an index, pairs about it, questions alone, and a teacher that knows the sea."""
    place = tmp_path_factory.mktemp("taught")
    write_sea(place)
    write_pairs(place / "few.jsonl", 20)
    (place / "log.txt").write_text("".join(f"what is {n}\n" for n in range(20, 60)))
    outcome = shortlist("train", place / "pairs.jsonl", "-i", place / "my.index", "-o",
                        place / "teacher", "--base", place / "tiny", *MINE, *LEARN,
                        "--batch-size", "32", "--cache", place / "cache")  # fmt: skip
    assert outcome.code == 0, outcome.err
    return place


@pytest.fixture
def home(place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return at_home(tmp_path, place / "my.index", monkeypatch)


def student(place: Path, *more: str | Path, pairs: str = "pairs.jsonl") -> Outcome:
    """Train one layer of the teacher to score as both do."""
    return shortlist("train", place / pairs, "-o", "mine", "--base", place / "teacher",
                     "--layers", "1", "--teacher", place / "teacher", *MINE, *LEARN,
                     "--batch-size", "8", *more)  # fmt: skip


def sea_before_heart(model: Path) -> bool:
    sea, heart = load(str(model)).score(UNSEEN).logits
    return bool(sea > heart)


def test_one_layer_learns_from_two(place: Path, home: Path) -> None:
    outcome = student(place, "--json")
    assert outcome.code == 0, outcome.err
    said = json.loads(outcome.out)
    assert said["after"] > said["before"] + 0.1
    assert [name for name, _ in said["pairs_per_second"]] == [
        "mine (cross-encoder)", "teacher (cross-encoder)",
    ]  # fmt: skip
    assert len(layers_of(load_base(str(home / "mine")))) == 1
    assert sea_before_heart(home / "mine")
    card = (home / "mine/README.md").read_text()
    fingerprint = load(str(place / "teacher")).fingerprint
    assert f"Taught by **teacher (cross-encoder)**, fingerprint `{fingerprint}`." in card
    assert "times as fast" in card
    assert "scored 180 candidates of 45 questions" in card
    assert "| loss | distill |" in card
    assert "steps, about" in outcome.err
    assert (home / f"cache/scores/{fingerprint}.sqlite").exists()


@pytest.mark.parametrize("more", [("--teaching", "soft"), ("--loss", "listnet")])
def test_other_losses_learn_a_teachers_scores(
    more: tuple[str, str], place: Path, home: Path
) -> None:
    outcome = student(place, *more)
    assert outcome.code == 0, outcome.err
    assert "times as fast" in outcome.out
    assert sea_before_heart(home / "mine")


def test_questions_alone_are_learned_from(place: Path, home: Path) -> None:
    outcome = student(place, place / "log.txt", "--force", pairs="few.jsonl")
    assert outcome.code == 0, outcome.err
    assert "note: log: questions without answers, of which none is held out: 40" in outcome.err
    assert "55 questions to learn from, 5 held out for the gate" in outcome.err
    assert sea_before_heart(home / "mine")
    lines = (home / "mine/training/mined-1.jsonl").read_text().splitlines()
    mined = [json.loads(line) for line in lines[1:]]
    assert len(mined) == 40
    assert all(len(row["candidate_documents"]) == 3 for row in mined)
    assert "rows of questions" in (home / "mine/README.md").read_text()


def test_a_dry_run_leaves_what_it_mined_to_the_training(place: Path, home: Path) -> None:
    outcome = student(place, "--dry-run", "--json")
    assert outcome.code == 0, outcome.err
    estimate = json.loads(outcome.out)
    assert (estimate["steps"], estimate["done"]) == (72, 0)
    assert estimate["training"] > 0
    assert estimate["judging"] > 0
    assert [path.name for path in home.iterdir() if path.name != "cache"] == ["mine.training"]
    mined = home / "mine.training/mined.jsonl"
    before = mined.stat()
    again = student(place, "--dry-run", "--resume")
    assert again.code == 0, again.err
    assert "with --resume in place of --dry-run" in again.out
    assert mined.stat().st_mtime_ns == before.st_mtime_ns
    trained = student(place, "--resume")
    assert trained.code == 0, trained.err
    assert sea_before_heart(home / "mine")


class Stopping:
    """See TrainingProgress. Stops the training as Ctrl-C does."""

    def __init__(self, step: int) -> None:
        self._step = step

    def update(self, status: Status) -> None:
        if status.step == self._step:
            raise KeyboardInterrupt


def test_what_was_stopped_is_told_what_is_left(place: Path, home: Path) -> None:
    engine = open_engine(place / "my.index", "none")
    read = read_examples(place / "pairs.jsonl")
    sets = [resolve(engine.snapshot, engine.encoder, read)]
    options = TrainOptions(
        base=str(place / "tiny"), finetune=FinetuneOptions(max_steps=10), dev_depth=10
    )
    try:
        with pytest.raises(KeyboardInterrupt):
            train(engine, sets, None, options, home / "mine", home / "scores", learning=Stopping(5))
        again = replace(options, resume=True)
        prepared = prepare(engine, sets, None, again, home / "mine", home / "scores", Silent())
    finally:
        engine.close()
    assert prepared.estimate.done == 4
    assert prepared.estimate.text().startswith("6 of 10 steps, about ")


@pytest.mark.parametrize(
    ("pairs", "more", "words"),
    [
        ("pairs.jsonl", ("--loss", "bce"), "what fits: distill, listnet"),
        ("pairs.jsonl", ("--teacher", "nowhere"), "no model at nowhere"),
        ("pairs.jsonl", ("--teacher", "bi", "--teaching", "soft"), "gives no probabilities"),
        ("pairs.jsonl", ("--teacher", "bi", "--teacher", "bi"), "named twice"),
        ("log.txt", (), "could compare nothing"),
        ("log.txt", ("--miner", "dense"), "--miner dense"),
    ],
)
def test_what_does_not_fit_is_refused_before_any_work(
    pairs: str, more: tuple[str, ...], words: str, place: Path, home: Path
) -> None:
    save_bi_encoder(home)
    before = {path.name for path in home.iterdir()}
    outcome = student(place, *more, pairs=pairs)
    assert outcome.code in (1, 2)
    assert words in outcome.err
    assert "Traceback" not in outcome.err
    assert {path.name for path in home.iterdir()} == before


@pytest.mark.parametrize(
    ("pairs", "more", "words"),
    [
        ("log.txt", (), "--teacher"),
        ("pairs.jsonl", ("--teaching", "soft"), "teaching belongs to the loss distill alone"),
    ],
)
def test_what_needs_a_teacher_says_so(
    pairs: str, more: tuple[str, ...], words: str, place: Path, home: Path
) -> None:
    outcome = shortlist("train", place / pairs, "-o", "mine", *more, *MINE)
    assert outcome.code in (1, 2)
    assert words in outcome.err
