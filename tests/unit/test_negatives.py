"""The sets of one training, each with its negatives."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from engine.errors import UsageError
from engine.evaluation.plan import Silent
from indexer.training.examples import Candidate, Example, Kind, TrainingSet
from indexer.training.guards import MiningOptions
from indexer.training.mined import read
from indexer.training.negatives import require_one_mined, with_negatives
from indexer.training.options import FinetuneOptions
from indexer.training.train_options import TrainOptions
from indexer.training.work import Work
from tests.fakes import make_engine

if TYPE_CHECKING:
    from pathlib import Path

    from indexer.training.mined import Format

LIBRARY = {f"d{n}": f"flour number {n} of the mill" for n in range(30)}
TWO = MiningOptions(num_negatives=2, random_negatives=0)


def set_of(
    count: int, name: str = "faq", first: int = 0, negatives: int = 0, kind: Kind = "pairs"
) -> TrainingSet:
    """Return questions whose answers are documents of the library."""
    given = tuple(Candidate(f"no answer {n}", 0.0) for n in range(negatives))
    examples = [
        Example(f"flour {n}", (Candidate(f"d{n}\n{LIBRARY[f'd{n}']}", 1.0, f"d{n}"), *given))
        for n in range(first, first + count)
    ]
    return TrainingSet(name=name, kind=kind, examples=examples)


class Told(Silent):
    """Remembers what it is told."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def say(self, text: str) -> None:
        self.lines.append(text)


def learned(
    place: Path,
    *sets: TrainingSet,
    mined: Path | None = None,
    output: Format | None = None,
    progress: Silent | None = None,
    **how: Any,  # noqa: ANN401
) -> dict[str, list[Example]]:
    options = TrainOptions(
        finetune=FinetuneOptions(**how), mining=TWO, mined=mined, output_format=output
    )
    work = Work(place / "mine", {}, resume=True, force=False)
    work.begin()
    engine = make_engine(LIBRARY, rerank=False)
    require_one_mined(engine, sets, options)
    found, _ = with_negatives(engine, sets, options, work, progress or Silent())
    return {name: list(examples) for name, examples in found.items()}


def counts(found: dict[str, list[Example]]) -> dict[str, int]:
    return {name: len(examples) for name, examples in found.items()}


@pytest.mark.parametrize(
    ("how", "counted"),
    [
        ({}, {"faq": 20, "own": 10}),
        # 60 rows of faq, and 10 queries of own: of 70 rows 35 are used.
        ({"max_steps": 5, "batch_size": 7, "losses": {"own": "lambda"}}, {"faq": 10, "own": 5}),
        # 18 rows of each.
        (
            {"max_steps": 12, "batch_size": 3, "losses": {"own": "mnrl"}, "mixing": "round-robin"},
            {"faq": 6, "own": 10},
        ),
        ({"max_steps": 4, "batch_size": 3, "loss": "mnrl"}, {"faq": 8, "own": 4}),
        ({"max_steps": 9999}, {"faq": 20, "own": 10}),
    ],
)
def test_so_many_questions_are_mined_as_the_steps_will_use(
    how: dict[str, Any], counted: dict[str, int], tmp_path: Path
) -> None:
    found = learned(tmp_path, set_of(20), set_of(10, "own", 20), **how)
    assert counts(found) == counted
    assert all(len(example.negatives) == 2 for some in found.values() for example in some)


def test_rows_that_bring_their_negatives_stay_as_they_are(tmp_path: Path) -> None:
    elsewhere = set_of(3, "general", 10, negatives=4, kind="tuples")
    found = learned(tmp_path, set_of(3), elsewhere)
    assert found["general"] == elsewhere.examples


def test_no_set_teaches_as_wrong_what_another_names_as_the_answer(tmp_path: Path) -> None:
    first = learned(tmp_path / "one", set_of(1))["faq"][0]
    wrong = first.negatives[0]
    other = Example(first.query, (replace(wrong, label=1.0),))
    both = learned(
        tmp_path / "both", set_of(1), TrainingSet(name="more", kind="pairs", examples=[other])
    )
    for example in (both["faq"][0], both["more"][0]):
        texts = {negative.text for negative in example.negatives}
        assert len(texts) == 2
        assert texts.isdisjoint({wrong.text, first.positives[0].text})


def test_what_was_mined_before_is_used_but_for_what_is_held_out_now(tmp_path: Path) -> None:
    before = learned(tmp_path / "one", set_of(6))
    file = tmp_path / "one/mine.training/mined.jsonl"
    assert learned(tmp_path / "two", set_of(4), mined=file)["faq"] == before["faq"][:4]
    with pytest.raises(UsageError, match=r"mined\.jsonl has no question of other"):
        learned(tmp_path / "three", set_of(4, "other", 10), mined=file)
    with pytest.raises(UsageError, match="give such files among PAIRS"):
        learned(tmp_path / "four", set_of(4), set_of(4, "other", 10), mined=file)
    lines = file.read_text().splitlines()
    header = json.loads(lines[0])
    header["index"]["generation"] = 99
    file.write_text("\n".join([json.dumps(header), *lines[1:]]))
    with pytest.raises(UsageError, match="another index"):
        learned(tmp_path / "five", set_of(4), mined=file)


def test_what_was_mined_before_lies_beside_the_model_as_far_as_it_was_used(tmp_path: Path) -> None:
    used = learned(tmp_path / "one", set_of(6))["faq"][:4]
    file = tmp_path / "one/mine.training/mined.jsonl"
    learned(tmp_path / "two", set_of(4), mined=file)
    assert list(read(tmp_path / "two/mine.training/mined.jsonl").examples) == used


def test_questions_that_were_not_mined_are_counted(tmp_path: Path) -> None:
    learned(tmp_path / "one", set_of(4))
    told = Told()
    learned(tmp_path / "two", set_of(6), mined=tmp_path / "one/mine.training/mined.jsonl",
            progress=told)  # fmt: skip
    assert told.lines[0].startswith("4 of 6 questions are in ")
    learned(tmp_path / "three", set_of(3), mined=tmp_path / "one/mine.training/mined.jsonl",
            progress=told)  # fmt: skip
    assert not any(line.startswith("3 of") for line in told.lines)


def test_a_file_is_no_place_for_a_model_even_by_force(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("")
    with pytest.raises(UsageError, match="mine is a file"):
        Work(tmp_path / "mine", {}, resume=False, force=True)


def test_what_was_mined_of_an_older_file_is_refused(tmp_path: Path) -> None:
    old, new, other = (
        replace(set_of(4), checksums=checksums)
        for checksums in ({"faq.csv": "one"}, {"faq.csv": "two"}, {"copy.csv": "two"})
    )
    learned(tmp_path / "one", old)
    file = tmp_path / "one/mine.training/mined.jsonl"
    with pytest.raises(UsageError, match=r"faq\.csv is not what it was .* leave --mined out"):
        learned(tmp_path / "two", new, mined=file)
    for number, same in enumerate((old, other)):
        assert len(learned(tmp_path / f"right{number}", same, mined=file)["faq"]) == 4


@pytest.mark.parametrize(
    ("output", "columns"),
    [
        ("triplet", ["query", "positive", "negative"]),
        ("n-tuple", ["query", "positive", "negative_1", "negative_2"]),
        ("labeled-pair", ["query", "passage", "label"]),
        ("labeled-list", ["query", "passages", "labels"]),
    ],
)
def test_the_mined_sets_are_also_written_as_other_tools_read_them(
    output: Format, columns: list[str], tmp_path: Path
) -> None:
    learned(tmp_path, set_of(3), set_of(3, "own", 10), output=output)
    for name in ("mined", "mined-1"):
        [first, *_] = (tmp_path / f"mine.training/{name}.{output}.jsonl").read_text().splitlines()
        assert list(json.loads(first)) == columns
