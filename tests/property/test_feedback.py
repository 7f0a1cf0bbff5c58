"""Laws of feedback: estimates of relevance and position bias, and what a log gives back."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from random import Random  # noqa: TC003 - hypothesis reads it
from tempfile import TemporaryDirectory

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.answer import SearchRequest
from engine.feedback import digest_of
from engine.feedback.log import FeedbackLog
from engine.feedback.propensity import Seen, estimate_eta, relevance
from tests.fakes import make_engine

Row = tuple[int, int, int, int]
ETAS = st.floats(0, 3)


@st.composite
def rows(draw: st.DrawFn) -> Row:
    impressions = draw(st.integers(1, 30))
    pair, rank = draw(st.integers(0, 5)), draw(st.integers(1, 20))
    return pair, rank, impressions, draw(st.integers(0, impressions))


LOGS = st.lists(rows(), min_size=1, max_size=15)


def log_posterior(log: list[Row], eta: float) -> float:
    """The exact slow twin's sum: each click falls where its pair's impressions make it likely."""
    total = -((eta - 1) ** 2) / (2 * 0.5**2)
    for pair, rank, _, clicks in log:
        mass = sum(n * r**-eta for p, r, n, _ in log if p == pair)
        total += clicks * (-eta * np.log(rank) - np.log(mass))
    return total


@given(LOGS)
def test_eta_is_what_makes_the_clicks_most_likely(log: list[Row]) -> None:
    found = estimate_eta(Seen.of(log))
    grid = np.linspace(0, 3, 121).tolist()
    best = max(log_posterior(log, eta) for eta in grid)
    assert log_posterior(log, found.eta) >= best - 1e-5 * max(1, abs(best))
    assert 0 <= found.eta <= 3
    assert 0 < found.error <= 0.5


@given(LOGS, ETAS)
def test_relevance_is_a_probability_and_as_slow_loops_have_it(log: list[Row], eta: float) -> None:
    found = relevance(Seen.of(log), eta)
    looked: defaultdict[int, float] = defaultdict(float)
    clicked: defaultdict[int, int] = defaultdict(int)
    for pair, rank, impressions, clicks in log:
        for _ in range(impressions):
            looked[pair] += max(0.05, rank**-eta)
        clicked[pair] += clicks
    mean = sum(clicked.values()) / sum(looked.values())
    for pair, value in enumerate(found.values.tolist()):
        assert 0 <= value <= 1
        assert abs(value - min(1.0, (clicked[pair] + 2 * mean) / (looked[pair] + 2))) < 1e-9


@given(LOGS, ETAS, st.randoms(use_true_random=False))
def test_neither_order_nor_summing_up_matters(log: list[Row], eta: float, random: Random) -> None:
    shuffled = [
        (p, r, 1, int(n < clicks)) for p, r, impressions, clicks in log for n in range(impressions)
    ]
    random.shuffle(shuffled)
    whole, single = Seen.of(log), Seen.of(shuffled)
    np.testing.assert_allclose(relevance(whole, eta)[0], relevance(single, eta)[0], atol=1e-9)
    assert abs(estimate_eta(whole).eta - estimate_eta(single).eta) < 1e-3


@given(LOGS, ETAS, st.integers(0, 14))
def test_a_click_more_never_makes_a_passage_worse(log: list[Row], eta: float, which: int) -> None:
    at = which % len(log)
    pair, rank, impressions, clicks = log[at]
    more = [*log[:at], (pair, rank, impressions + 1, clicks + 1), *log[at + 1 :]]
    same = [*log[:at], (pair, rank, impressions + 1, clicks), *log[at + 1 :]]
    with_click = relevance(Seen.of(more), eta).values[pair]
    without = relevance(Seen.of(same), eta).values[pair]
    assert with_click >= without


@given(st.integers(1, 20), st.integers(1, 20), ETAS)
def test_a_click_further_down_counts_as_much_or_more(high: int, low: int, eta: float) -> None:
    above, below = sorted((high, low))
    rows = [(0, above, 10, 3), (1, below, 10, 3)]
    first, second = relevance(Seen.of(rows), eta).values
    assert second >= first - 1e-12


ENGINE = make_engine({"a.txt": "mill\nriver mill\n", "b.txt": "mill\n"}, rerank=False)
TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=20)


@settings(max_examples=30)
@given(st.lists(st.tuples(TEXTS, st.sets(st.integers(0, 2)), st.floats(0, 1e6)), max_size=6))
def test_a_log_gives_back_what_it_was_told(told: list[tuple[str, set[int], float]]) -> None:
    with TemporaryDirectory() as folder, FeedbackLog(Path(folder) / "f.sqlite") as log:
        answers = [ENGINE.search(SearchRequest(query=f"mill {query}")) for query, _, _ in told]
        for (query, clicks, dwell), answer in zip(told, answers, strict=True):
            id = log.search(SearchRequest(query=f"mill {query}"), answer)
            for n in sorted(clicks & set(range(len(answer.results)))):
                log.click(id, answer.results[n].document, answer.results[n].passage, dwell)
        for (query, clicks, dwell), answer, back in zip(told, answers, log.searches(), strict=True):
            assert back.query == f"mill {query}"
            assert [(s.rank, s.document, s.passage, s.digest, s.stage) for s in back.shown] == [
                (r.rank, r.document, r.passage, digest_of(r.text), r.stage) for r in answer.results
            ]
            assert [s.dwell for s in back.shown] == [
                dwell if n in clicks else None for n in range(len(answer.results))
            ]
