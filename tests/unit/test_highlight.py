from __future__ import annotations

import pytest

from engine.analysis import Analyzer
from engine.highlight import SNIPPET, find_matches, snippet
from engine.query import parse

ENGLISH = Analyzer()


def marked(text: str, query: str) -> str:
    """The snippet with its highlights in brackets."""
    shown, highlights = snippet(text, parse(query, ENGLISH), ENGLISH)
    for start, end in reversed(highlights):
        shown = f"{shown[:start]}[{shown[start:end]}]{shown[end:]}"
    return shown


@pytest.mark.parametrize(
    ("text", "query", "shown"),
    [
        ("He runs and is running.", "run", "He [runs] and is [running]."),
        ("the cat", "the cat", "the [cat]"),
        ("Cafés and cafe\u0301!", "cafe", "[Cafés] and [cafe\u0301]!"),
        ("installing installed in", "insta*", "[installing] [installed] in"),
        ("on GitHub", "hub", "on [GitHub]"),
        ("我住在東京都。京", "東京", "我住在[東京]都。京"),
        ("東京都", "東京都", "[東京都]"),
        ("京 and 都", "京", "[京] and 都"),
        ("ภาษาไทย", "ไทย", "ภาษา[ไทย]"),
        ("ระบบค้นหา", "ค้นหา", "ระบบ[ค้นหา]"),
        ("한국어 서울", "한국", "[한국]어 서울"),
        ("バスに乗る", "バス", "[バス]に乗る"),
        ("a\n\tb\r\nc", "b", "a  [b]  c"),
        ("  padded  ", "x", "padded"),
        ("", "x", ""),
        (" \n ", "x", ""),
        ("this -not that", "this -that", "[this] -not that"),
    ],
)
def test_a_short_text_is_shown_whole_with_its_matches(text: str, query: str, shown: str) -> None:
    assert marked(text, query) == shown


def test_a_long_text_is_cut_where_most_matches_stand() -> None:
    text = "alpha " + "filler words here " * 60 + "alpha beta alpha " + "more filler " * 60
    shown = marked(text, "alpha beta")
    assert "[alpha] [beta] [alpha]" in shown
    assert shown.startswith("… ")
    assert shown.endswith(" …")
    assert len(shown) <= SNIPPET + 4 + 6


def test_a_long_text_without_a_match_is_shown_from_its_beginning() -> None:
    text = "word " * 200
    assert marked(text, "zzz") == ("word " * 60).strip() + " …"


def test_a_match_longer_than_the_snippet_is_shown_as_far_as_it_goes() -> None:
    quotation = "東京都は日本の首都である" * 40
    shown, highlights = snippet(
        "前書き。" * 5 + " " + quotation, parse(quotation[:400], ENGLISH), ENGLISH
    )
    assert highlights
    assert sum(end - start for start, end in highlights) > SNIPPET / 2
    assert len(shown) <= SNIPPET + 4


def test_words_are_not_cut_at_the_ends() -> None:
    text = " ".join(f"w{n:04}word" for n in range(400))
    shown, _ = snippet(text, parse("w0200word", ENGLISH), ENGLISH)
    assert set(shown.strip("… ").split()) <= set(text.split())


def test_only_the_first_part_of_a_huge_text_is_searched() -> None:
    text = "x " * 15_000 + "alpha"
    assert find_matches(text, parse("alpha", ENGLISH), ENGLISH) == []
