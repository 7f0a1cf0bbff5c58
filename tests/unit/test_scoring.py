from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from engine.errors import ModelError, RerankerBusy
from engine.types import DoubleArray, FloatArray, Scores
from server.scoring import PART, score_texts
from tests.fakes import OverlapReranker

if TYPE_CHECKING:
    from collections.abc import Sequence


class Reading(OverlapReranker):
    """Reads a text as its logit, and remembers how many pairs came at once."""

    asked: list[int]

    def __init__(self) -> None:
        super().__init__(calibrated=False)
        object.__setattr__(self, "asked", [])

    def score(self, pairs: Sequence[tuple[str, str]]) -> Scores:
        self.asked.append(len(pairs))
        return Scores(np.array([float(text) for _, text in pairs], np.float32))


class Calibrated(Reading):
    """Says that nothing above a logit of 1 can be better."""

    def relevance(self, logits: FloatArray) -> DoubleArray | None:
        return np.clip(logits.astype(np.float64), 0, 1)

    def relevance_among(self, logits: FloatArray) -> DoubleArray | None:
        return self.relevance(logits)


def test_relevance_is_the_score_where_the_model_is_calibrated() -> None:
    scored = score_texts(OverlapReranker(), "cats at night", ["dogs", "cats", "cats at night"])
    assert scored.order == [2, 1, 0]
    assert scored.scores.tolist() == pytest.approx([0, 1 - np.exp(-1), 1 - np.exp(-3)])
    assert scored.calibrated


def test_without_a_calibration_the_sigmoid_is_the_score() -> None:
    scored = score_texts(Reading(), "", ["0", "-2", "800", "-800"])
    assert scored.scores.tolist() == pytest.approx([0.5, 1 / (1 + np.exp(2)), 1, 0])
    assert scored.order == [2, 0, 1, 3]
    assert not scored.calibrated


def test_logits_are_given_as_they_are() -> None:
    assert score_texts(Reading(), "", ["0", "-2", "8"], raw=True).scores.tolist() == [0, -2, 8]


def test_near_logits_do_not_tie() -> None:
    near = [np.float32(17), np.nextafter(np.float32(17), np.float32(18), dtype=np.float32)]
    low, high = score_texts(Reading(), "", [repr(float(value)) for value in near]).scores
    assert low < high < 1


def test_equal_texts_are_read_once_and_stay_in_their_order() -> None:
    reranker = Reading()
    scored = score_texts(reranker, "", ["1", "2", "1", "2"])
    assert scored.order == [1, 3, 0, 2]
    assert reranker.asked == [2]


def test_where_the_scores_tie_the_logits_decide() -> None:
    assert score_texts(Calibrated(), "", ["1", "3", "2"]).order == [1, 2, 0]


class Busy(Reading):
    """Has no room at some of its calls, which are counted from 0."""

    busy: tuple[int, ...]

    def __init__(self, *busy: int) -> None:
        super().__init__()
        object.__setattr__(self, "busy", busy)

    def score(self, pairs: Sequence[tuple[str, str]]) -> Scores:
        scores = super().score(pairs)
        if len(self.asked) - 1 in self.busy:
            raise RerankerBusy("full")
        return scores


LONG = [str(number) for number in range(2 * PART + 1)]


def test_long_lists_are_read_in_parts() -> None:
    reranker = Reading()
    assert score_texts(reranker, "", LONG).order == list(range(2 * PART, -1, -1))
    assert reranker.asked == [PART, PART, 1]


def test_a_list_that_is_half_read_waits_for_room() -> None:
    reranker = Busy(1, 2, 4)
    scored = score_texts(reranker, "", LONG, again=lambda: True)
    assert scored.order == list(range(2 * PART, -1, -1))
    assert reranker.asked == [PART, PART, PART, PART, 1, 1]
    with pytest.raises(RerankerBusy):
        score_texts(Busy(1), "", LONG)
    with pytest.raises(RerankerBusy):
        score_texts(Busy(0), "", LONG, again=lambda: True)


def test_a_score_that_is_no_number_is_an_error() -> None:
    with pytest.raises(ModelError, match="no number"):
        score_texts(Reading(), "", ["1", "nan"])


def test_no_text_has_no_score() -> None:
    assert score_texts(Reading(), "", []).order == []
