from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import ModelError, ShortlistError
from engine.evaluation.scored import RememberedReranker
from tests.fakes import OverlapReranker

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from engine.types import DoubleArray, FloatArray, Scores


@dataclass
class Asked:
    """See Reranker. Remembers what it was asked, and fails once it was asked for `most` pairs."""

    name: str = "asked"
    weight: float = 0.5
    parameters: int | None = 7
    fingerprint: str = "asked"
    most: int = 10**9
    pairs: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])

    def score(self, pairs: Sequence[tuple[str, str]]) -> Scores:
        if len(self.pairs) + len(pairs) > self.most:
            raise ModelError("the machine was switched off")
        self.pairs += pairs
        return OverlapReranker().score(pairs)

    def relevance(self, logits: FloatArray) -> DoubleArray | None:
        return None

    def relevance_among(self, logits: FloatArray) -> DoubleArray | None:
        return self.relevance(logits)

    def fluency(self, text: str) -> float:
        return 0.25


PAIRS = [("a b", "a b c"), ("a b", "c"), ("a", "a b c"), ("a b", "a b c")]


def test_scores_are_those_of_the_reranker(tmp_path: Path) -> None:
    mine = RememberedReranker(Asked(), tmp_path).score(PAIRS).logits
    assert mine.tolist() == OverlapReranker().score(PAIRS).logits.tolist()


def test_no_pair_is_scored_twice_in_one_run_or_the_next(tmp_path: Path) -> None:
    first = Asked()
    RememberedReranker(first, tmp_path).score(PAIRS)
    assert sorted(first.pairs) == sorted(set(PAIRS))
    second = Asked()
    RememberedReranker(second, tmp_path).score([*PAIRS, ("new", "a")])
    assert second.pairs == [("new", "a")]


def test_another_model_has_scores_of_its_own(tmp_path: Path) -> None:
    RememberedReranker(Asked(), tmp_path).score(PAIRS)
    other = Asked(fingerprint="other")
    RememberedReranker(other, tmp_path).score(PAIRS)
    assert other.pairs


def test_what_was_scored_before_a_failure_is_kept(tmp_path: Path) -> None:
    many = [("q", f"passage {n:04}") for n in range(1000)]
    failing = Asked(most=900)
    with pytest.raises(ModelError):
        RememberedReranker(failing, tmp_path).score(many)
    assert len(failing.pairs) >= 400
    again = Asked()
    RememberedReranker(again, tmp_path).score(many)
    assert 0 < len(again.pairs) == 1000 - len(failing.pairs)


def test_pairs_of_one_passage_are_asked_together(tmp_path: Path) -> None:
    asked = Asked()
    RememberedReranker(asked, tmp_path).score([("a", "x"), ("a", "y"), ("b", "x"), ("b", "y")])
    assert [passage for _, passage in asked.pairs] == ["x", "x", "y", "y"]


def test_a_letter_that_moves_from_query_to_passage_makes_another_pair(tmp_path: Path) -> None:
    asked = Asked()
    RememberedReranker(asked, tmp_path).score([("ab", "c"), ("a", "bc"), ("", "abc")])
    assert len(asked.pairs) == 3


def test_progress_counts_every_pair_once(tmp_path: Path) -> None:
    done: list[int] = []
    remembered = RememberedReranker(Asked(), tmp_path)
    remembered.score(PAIRS[:2])
    remembered.score(PAIRS, done.append)
    assert sum(done) == len(PAIRS)
    done.clear()
    remembered.score([("new", "pair")] * 3, done.append)
    assert sum(done) == 3


def test_everything_else_is_the_reranker_itself(tmp_path: Path) -> None:
    mine = RememberedReranker(Asked(), tmp_path)
    assert (mine.name, mine.weight, mine.parameters, mine.fluency("x")) == ("asked", 0.5, 7, 0.25)


def test_no_pairs_give_no_scores(tmp_path: Path) -> None:
    assert RememberedReranker(Asked(), tmp_path).score([]).logits.shape == (0,)


@pytest.mark.parametrize("kept", [0, 5000])
def test_a_damaged_file_is_named_and_may_be_deleted(tmp_path: Path, kept: int) -> None:
    many = [("q", f"passage {n:04}") for n in range(1000)]
    RememberedReranker(Asked(), tmp_path).score(many)
    [path] = tmp_path.glob("*.sqlite")
    path.write_bytes(path.read_bytes()[:kept] + b"no database" * 2000)
    with pytest.raises(ShortlistError, match=r"asked\.sqlite is damaged .* delete it"):
        RememberedReranker(Asked(), tmp_path).score(many)
    path.unlink()
    assert RememberedReranker(Asked(), tmp_path).score(many).logits.shape == (1000,)


def test_a_file_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    (tmp_path / "asked.sqlite").mkdir()
    with pytest.raises(ShortlistError, match=r"scores cannot be kept in .*asked\.sqlite"):
        RememberedReranker(Asked(), tmp_path)


@given(st.lists(st.tuples(st.text(max_size=5), st.text(max_size=5)), max_size=12))
def test_any_pairs_are_told_apart(
    tmp_path_factory: pytest.TempPathFactory, pairs: list[tuple[str, str]]
) -> None:
    mine = RememberedReranker(OverlapReranker(), tmp_path_factory.mktemp("scores"))
    for _ in range(2):
        assert mine.score(pairs).logits.tolist() == OverlapReranker().score(pairs).logits.tolist()
