"""A teacher's scores become what a student learns: even, corrected, and never computed twice."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import pytest

from engine.errors import ModelError, UsageError
from engine.evaluation.plan import Silent
from engine.types import Scores
from indexer.training.examples import Candidate, Example
from indexer.training.teaching import SPREAD, RerankerTeacher, load_teachers, taught
from tests.tiny_models import save_bi_encoder, save_cross_encoder, save_headless

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from engine.types import DoubleArray, FloatArray
    from indexer.training.options import Teaching
    from indexer.training.teaching import Teacher


@dataclass
class Numbers:
    """See Reranker. The logit of a passage is the number that it ends with, scaled and shifted."""

    name: str = "numbers"
    fingerprint: str = "numbers"
    scale: float = 1.0
    shift: float = 0.0
    calibrated: bool = True
    most: int = 10**9
    weight: float = 1.0
    parameters: int | None = None
    asked: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])

    def score(self, pairs: Sequence[tuple[str, str]]) -> Scores:
        if len(self.asked) + len(pairs) > self.most:
            raise ModelError("the machine was switched off")
        self.asked += pairs
        numbers = [float(text.rpartition(" ")[2]) for _, text in pairs]
        return Scores(np.array(numbers, np.float32) * self.scale + self.shift)

    def relevance(self, logits: FloatArray) -> DoubleArray | None:
        return 1 / (1 + np.exp(-logits.astype(np.float64))) if self.calibrated else None

    def relevance_among(self, logits: FloatArray) -> DoubleArray | None:
        return self.relevance(logits)

    def fluency(self, text: str) -> float:
        return 1.0


class Heard:
    """See Progress. Remembers what was said."""

    def __init__(self) -> None:
        self.started: list[tuple[str, int, int]] = []
        self.done = 0.0

    def start(self, what: str, queries: int, done: int) -> None:
        self.started.append((what, queries, done))

    def advance(self, queries: float) -> None:
        self.done += queries

    def say(self, text: str) -> None:
        raise AssertionError(text)

    def finish(self) -> None:
        pass


def example(query: str, *numbers: float, positives: int = 1) -> Example:
    """Return candidates of a query that end with numbers, the first of them labelled relevant."""
    found = enumerate(numbers)
    return Example(query, tuple(Candidate(f"text {n}", float(at < positives)) for at, n in found))


EXAMPLES = [example("a", 5, 1, 2), example("b", 9, 8), example("c", 4, -4, 0, 3)]


def lesson(
    examples: Sequence[Example],
    home: Path,
    *rerankers: Numbers,
    teaching: Teaching = "margin",
) -> list[list[float]]:
    """Return the labels that some teachers give."""
    teachers = [RerankerTeacher(one, home) for one in rerankers or [Numbers()]]
    found = taught({"set": examples}, teachers, teaching, Silent()).sets["set"]
    assert [e.query for e in found] == [e.query for e in examples]
    assert [[c.text for c in e.candidates] for e in found] == [
        [c.text for c in e.candidates] for e in examples
    ]
    return [[candidate.label for candidate in one.candidates] for one in found]


def test_margins_are_the_teachers_at_the_spread_of_logits(tmp_path: Path) -> None:
    learned = lesson(EXAMPLES, tmp_path)
    within = np.concatenate([np.array(part) - np.mean(part) for part in learned])
    assert np.sqrt(np.mean(within**2)) == pytest.approx(SPREAD, abs=1e-3)
    a, b, c = learned
    unit = b[0] - b[1]
    assert [a[0] - a[1], a[0] - a[2], c[0] - c[1]] == pytest.approx(
        [4 * unit, 3 * unit, 8 * unit], abs=1e-3
    )


def test_the_scales_of_teachers_do_not_matter(tmp_path: Path) -> None:
    alone = lesson(EXAMPLES, tmp_path)
    cosines = Numbers("cosines", "cosines", scale=0.01, shift=0.5)
    assert lesson(EXAMPLES, tmp_path, cosines) == alone
    assert lesson(EXAMPLES, tmp_path, cosines, Numbers()) == alone


def test_teachers_who_disagree_make_margins_smaller(tmp_path: Path) -> None:
    [alone] = lesson([example("a", 2, 1)], tmp_path)
    other = Numbers("other", "other", scale=-1)
    [both] = lesson([example("a", 2, 1)], tmp_path, Numbers(), other)
    assert alone[0] > alone[1]
    assert both[0] == pytest.approx(both[1])


def test_probabilities_are_the_mean_of_the_teachers(tmp_path: Path) -> None:
    sure = Numbers("sure", "sure", scale=100)
    [labels] = lesson([example("a", 1, -1)], tmp_path, Numbers(), sure, teaching="soft")
    chance = 1 / (1 + np.exp(-1))
    assert labels == pytest.approx([(chance + 1) / 2, (1 - chance) / 2], abs=1e-4)


@pytest.mark.parametrize("teaching", ["margin", "soft"])
def test_a_known_answer_is_never_below_what_is_none(teaching: Teaching, tmp_path: Path) -> None:
    examples = [example("a", -1, 3, 1), example("b", 2, 1), example("c", 0, 2, 1, positives=2)]
    teachers = [RerankerTeacher(Numbers(), tmp_path)]
    outcome = taught({"set": examples}, teachers, teaching, Silent())
    a, b, c = ([x.label for x in e.candidates] for e in outcome.sets["set"])
    assert a[0] == a[1] > a[2]
    assert b[0] > b[1]
    assert c[1] > c[0] == c[2]
    assert "For 2 of them" in outcome.told


def test_questions_without_answers_keep_the_teachers_word(tmp_path: Path) -> None:
    [labels] = lesson([example("a", 1, 3, 2, positives=0)], tmp_path)
    assert np.argsort(labels).tolist() == [0, 2, 1]


def test_several_sets_are_on_one_scale(tmp_path: Path) -> None:
    teachers = [RerankerTeacher(Numbers(), tmp_path)]
    apart = taught({"x": EXAMPLES[:1], "y": EXAMPLES[1:]}, teachers, "margin", Silent()).sets
    together = taught({"z": EXAMPLES}, teachers, "margin", Silent()).sets["z"]
    assert [*apart["x"], *apart["y"]] == together


def test_a_teacher_who_cannot_tell_is_refused(tmp_path: Path) -> None:
    for examples in ([example("a", 1, 1), example("b", 2, 2)], [example("a", 1)]):
        with pytest.raises(UsageError, match="alike"):
            lesson(examples, tmp_path)


def test_a_run_that_was_stopped_does_not_score_again(tmp_path: Path) -> None:
    examples = [example(f"q{n}", n, n + 1, n + 2, n + 3) for n in range(300)]
    with pytest.raises(ModelError):
        lesson(examples, tmp_path, Numbers(most=900))
    second = Numbers()
    heard = Heard()
    teachers: list[Teacher] = [RerankerTeacher(second, tmp_path)]
    taught({"set": examples}, teachers, "margin", heard)
    assert 300 <= len(second.asked) < 900
    [(what, queries, done)] = heard.started
    assert "numbers" in what
    assert queries == 300
    assert done == pytest.approx(300 - len(second.asked) / 4, abs=1)
    assert heard.done + done == pytest.approx(queries, abs=1)


def test_teachers_are_loaded_by_name(tmp_path: Path) -> None:
    cross, bi = str(save_cross_encoder(tmp_path / "cross")), str(save_bi_encoder(tmp_path))
    found = load_teachers([cross, bi], "margin", tmp_path)
    assert [teacher.name for teacher in found] == [
        "cross (cross-encoder)", "bi (bi-encoder, zero-shot)",
    ]  # fmt: skip
    assert len({teacher.fingerprint for teacher in found}) == 2
    learned = taught({"set": EXAMPLES}, found, "margin", Silent()).sets["set"]
    assert len({c.label for e in learned for c in e.candidates}) > 2


def test_what_cannot_teach_is_refused(tmp_path: Path) -> None:
    cross, bi = str(save_cross_encoder(tmp_path / "cross")), str(save_bi_encoder(tmp_path))
    with pytest.raises(UsageError, match="named twice"):
        load_teachers([cross, cross], "margin", tmp_path)
    with pytest.raises(UsageError, match=r"no probabilities.*--teaching margin"):
        load_teachers([cross, bi], "soft", tmp_path)
    with pytest.raises(ModelError, match="no trained ranking head"):
        load_teachers([str(save_headless(tmp_path / "plain"))], "margin", tmp_path)
