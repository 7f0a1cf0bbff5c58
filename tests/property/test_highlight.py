from __future__ import annotations

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from engine.analysis import Analyzer
from engine.highlight import SNIPPET, find_matches, snippet
from engine.query import parse

ANALYZER = Analyzer()
PIECES = st.sampled_from(
    [
        *(
            "alpha",
            "alphas",
            "beta",
            "GitHub",
            "café",
            "the",
            "x" * 30,
            "中文",
            "東京都",
            "ไทย",
            "ｶﾅ",
        ),
        *(" ", " ", " ", "\n", "\r\n", "\t", "\u3000", "…", "🔥", "\ud800", "\0", "e\u0301", "."),
    ]
)
TEXTS = st.lists(PIECES, max_size=200).map("".join) | st.text(max_size=400)
QUERIES = st.lists(
    st.sampled_from(["alpha", "beta", "git", "caf*", "中文", "京", "東", "ไทย", "-beta", '"a b"']),
    max_size=4,
).map(" ".join)


@given(TEXTS, QUERIES)
def test_a_snippet_is_from_the_text_and_on_one_line(text: str, words: str) -> None:
    shown, _ = snippet(text, parse(words, ANALYZER), ANALYZER)
    inner = shown.removeprefix("… ") if not text.startswith("… ") else shown
    if not text.endswith(" …"):
        inner = inner.removesuffix(" …")
    line = "".join(" " if c.isspace() else c for c in text)
    assert inner in line
    assert len(inner) <= SNIPPET
    assert len(shown.splitlines()) <= 1
    if len(text) <= SNIPPET:
        assert shown == line.strip()


@given(TEXTS, QUERIES)
def test_highlights_lie_inside_the_snippet_and_quote_matching_words(text: str, words: str) -> None:
    query = parse(words, ANALYZER)
    shown, highlights = snippet(text, query, ANALYZER)
    assert all(0 <= start < end <= len(shown) for start, end in highlights)
    assert all(a[1] < b[0] for a, b in pairwise(highlights))
    whole = {text[a:b] for a, b in find_matches(text, query, ANALYZER)}
    for start, end in highlights:
        quoted = shown[start:end]
        assert any(quoted in part for part in whole)  # cut where the snippet ends, never moved


@given(TEXTS, QUERIES)
def test_matches_are_apart_ascending_and_hold_a_term_of_the_query(text: str, words: str) -> None:
    query = parse(words, ANALYZER)
    matches = find_matches(text, query, ANALYZER)
    assert all(a[1] < b[0] for a, b in pairwise(matches))
    for start, end in matches:
        terms = {term for *_, term in ANALYZER.spans(text[start:end])}
        begun = any(t.startswith(p) for t in terms for p in query.prefixes)
        assert begun or terms & set(query.terms)


@given(TEXTS, QUERIES)
def test_a_text_with_a_match_is_shown_with_one(text: str, words: str) -> None:
    query = parse(words, ANALYZER)
    _, highlights = snippet(text, query, ANALYZER)
    assert bool(highlights) is bool(find_matches(text, query, ANALYZER))
