from __future__ import annotations

import threading

import pytest

from engine.analysis import LANGUAGES, LONGEST_TERM, STOP_WORDS, Analyzer
from engine.errors import UsageError

ENGLISH = Analyzer()


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("Running runs", ["run", "run"]),
        ("GitHub Actions", ["github", "action", "git", "hub"]),
        ("parseHTTPQuery", ["parsehttpqueri", "pars", "http", "queri"]),
        ("HTTP Http http x86", ["http", "http", "http", "x86"]),
        ("don't_stop-now 1.5", ["don", "t", "stop", "now", "1", "5"]),
        ("café cafe\u0301 cafés", ["cafe", "cafe", "cafe"]),
        ("東京都", ["東", "東京", "京", "京都", "都"]),
        ("한국 서울", ["한", "한국", "국", "서", "서울", "울"]),
        ("ภาษา", ["ภาษ", "าษา", "ษา"]),
        ("ก", ["ก"]),
        ("が か ぱ", ["が", "か", "ぱ"]),
        ("ค้น คน", ["ค้น", "้น", "คน"]),
        ("ｶﾀｶﾅ \uff21\uff22\uff23", ["カ", "カタ", "タ", "タカ", "カ", "カナ", "ナ", "abc"]),
        ("東京Tower", ["東", "東京", "京", "tower"]),
        ("", []),
        ("🔥 !!! \0\ud800", []),
        ("\u0301 \u064b", []),
    ],
)
def test_terms_of(text: str, terms: list[str]) -> None:
    assert ENGLISH.terms(text) == terms


def test_parts_of_a_name_are_searched_in_the_index_alone() -> None:
    assert ENGLISH.query_terms("GitHub parseHTTPQuery") == ["github", "parsehttpqueri"]


def test_runs_that_nobody_types_are_no_terms() -> None:
    assert ENGLISH.terms("a" * LONGEST_TERM) == ["a" * LONGEST_TERM]
    assert ENGLISH.terms("x " + "a" * (LONGEST_TERM + 1) + " y") == ["x", "y"]


@pytest.mark.parametrize(
    ("language", "inflected", "base"),
    [
        ("en", "installations", "installation"),
        ("de", "Häuser", "Hauses"),
        ("es", "niños", "niño"),
        ("fr", "continuellement", "continuelle"),
        ("en", "книгами", "книги"),
        ("de", "книгами", "книги"),
        ("none", "книгами", "книги"),
        ("en", "किताबें", "किताब"),
    ],
)
def test_a_word_is_found_in_another_form(language: str, inflected: str, base: str) -> None:
    analyzer = Analyzer(language)
    assert analyzer.terms(inflected) == analyzer.terms(base)


def test_without_a_language_latin_words_stay_as_they_are() -> None:
    assert Analyzer("none").terms("Running Häuser") == ["running", "hauser"]


def test_vietnamese_keeps_the_marks_that_tell_its_words_apart() -> None:
    assert ENGLISH.terms("tiếng phở") != ENGLISH.terms("tieng pho")
    assert ENGLISH.terms("phở") == ["phở"]


def test_every_language_that_is_offered_works_and_no_other() -> None:
    for language in LANGUAGES:
        assert Analyzer(language).terms("Wort")
    for language in ("", "english", "xx", "EN"):
        with pytest.raises(UsageError, match="no stemmer"):
            Analyzer(language)


def test_only_languages_with_a_list_have_stop_words() -> None:
    assert ENGLISH.is_stop_word("The")
    assert not ENGLISH.is_stop_word("them")
    assert not Analyzer("de").is_stop_word("the")
    assert all(word == word.lower() for words in STOP_WORDS.values() for word in words)


@pytest.mark.parametrize(
    ("word", "prefix"),
    [
        ("Instal", "instal"), ("München", "munchen"), ("phở", "phở"), ("книг", "книг"),
        ("中", "中"), ("中文", "中文"), ("中文字", ""), ("ภาษ", "ภาษ"), ("ภาษา", ""),
        ("", ""), ("a b", ""), ("a-b", ""), ("🔥", ""), ("x" * 81, ""),
    ],
)  # fmt: skip
def test_the_prefix_of(word: str, prefix: str) -> None:
    assert ENGLISH.prefix(word) == prefix


def test_spans_name_every_term_that_a_query_can_have() -> None:
    spans = ENGLISH.spans("My GitHub, 東京!")
    assert [(("My GitHub, 東京!")[a:b], t) for a, b, t in spans] == [
        ("My", "my"), ("GitHub", "git"), ("GitHub", "github"), ("GitHub", "hub"),
        ("東", "東"), ("東京", "東京"), ("京", "京"),
    ]  # fmt: skip


def test_threads_that_share_an_analyzer_get_the_same_terms() -> None:
    text = " ".join(f"stemming{n}s relations running книгами café{n}" for n in range(300))
    expected = ENGLISH.terms(text)
    shared, wrong = Analyzer(), [0]

    def work() -> None:
        wrong[0] += shared.terms(text) != expected

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == [0]


@pytest.mark.parametrize("around", ["", "é "])
@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("C++ and C#", ["c++", "and", "c#"]),
        ("C++17", ["c++", "17"]),
        ("(F#)", ["f#"]),
        ("abc++ a#1 i+1", ["abc", "a", "1", "i", "1"]),
    ],
)
def test_a_language_named_by_signs_keeps_them(around: str, text: str, terms: list[str]) -> None:
    assert [t for t in Analyzer().terms(around + text) if t != "e"] == terms


def test_a_query_for_cplusplus_does_not_mean_c() -> None:
    assert Analyzer().query_terms("C++") == ["c++"]
    assert Analyzer().spans("use C++ here")[1][:2] == (4, 7)
