from __future__ import annotations

import unicodedata

from hypothesis import assume, given
from hypothesis import strategies as st

from engine.analysis import LANGUAGES, Analyzer, clean

ANALYZERS = {language: Analyzer(language) for language in LANGUAGES}
ENGLISH = ANALYZERS["en"]
PIECES = st.sampled_from(
    [
        *("the", "Running", "parseHTTPQuery", "GitHub", "x86", "C++", "don't", "naïve", "Straße"),
        *("東京", "カタカナ", "ｶﾅ", "한국어", "ภาษาไทย", "ລາວ", "ខ្មែរ", "မြန်မာ", "हिन्दी", "Привет"),
        *(
            "Αθήνα",
            "العربية",
            "tiếng Việt",
            "İstanbul",
            "ﷺ",
            "①",
            "½",
            "e\u0301",
            "\u0301",
            "\u064b",
        ),
        *("🔥", "\ud800", "\0", " ", " ", "\n", "-", "_", ".", "1.5", "\u200d", "\uff21", "x" * 81),
    ]
)
TEXTS = st.lists(PIECES, max_size=20).map("".join) | st.text(max_size=60)
CJK = st.text("東京都中文字漢かがカガー々한하국글", min_size=1, max_size=12)
THAI = st.text("กขคน้นาษไทย", min_size=1, max_size=12)
WORDS = st.sampled_from(
    ["alpha", "GitHub", "iPhone", "the", "naïve", "Привет", "东京", "parseHTTPQuery", "x86", "ไทย"]
)


def stands_in(phrase: list[str], terms: list[str]) -> bool:
    """What a phrase query asks, written out."""
    n = len(phrase)
    return any(terms[at : at + n] == phrase for at in range(len(terms) - n + 1))


@given(TEXTS, st.sampled_from(LANGUAGES))
def test_terms_are_words_without_white_space(text: str, language: str) -> None:
    analyzer = ANALYZERS[language]
    for terms in (analyzer.terms(text), analyzer.query_terms(text), analyzer.phrase_terms(text)):
        for term in terms:
            assert term.split() == [term]
            assert term == term.lower()
            term.encode()


@given(TEXTS)
def test_a_query_finds_the_text_that_it_is(text: str) -> None:
    terms = ENGLISH.terms(text)
    assert set(ENGLISH.query_terms(text)) <= set(terms)
    phrase = ENGLISH.phrase_terms(text)
    assert stands_in(phrase, terms)
    if "\ud800" not in text:
        assert ENGLISH.terms(clean(text)) == terms


@given(st.lists(WORDS, max_size=5), st.lists(WORDS, min_size=1, max_size=4), st.lists(WORDS))
def test_a_phrase_of_whole_words_stands_wherever_the_words_do(
    before: list[str], phrase: list[str], after: list[str]
) -> None:
    terms = ENGLISH.terms(" ".join(before + phrase + after))
    assert stands_in(ENGLISH.phrase_terms(" ".join(phrase)), terms)


@given(CJK, CJK, CJK)
def test_every_part_of_chinese_japanese_and_korean_is_a_phrase(
    before: str, part: str, after: str
) -> None:
    phrase = ENGLISH.phrase_terms(part)
    assert stands_in(phrase, ENGLISH.terms(before + part + after))
    assert stands_in(phrase, ENGLISH.terms(f"x {part} y"))


@given(CJK, CJK)
def test_what_is_no_part_is_no_phrase(text: str, other: str) -> None:
    assume(unicodedata.normalize("NFKC", other) not in unicodedata.normalize("NFKC", text))
    assert not stands_in(ENGLISH.phrase_terms(other), ENGLISH.terms(text))


@given(THAI, THAI.filter(lambda part: len(part) > 2), THAI)
def test_every_part_of_thai_of_three_letters_is_a_phrase(
    before: str, part: str, after: str
) -> None:
    part, text = unicodedata.normalize("NFKC", part), before + part + after
    assume(part in unicodedata.normalize("NFKC", text))
    assert stands_in(ENGLISH.phrase_terms(part), ENGLISH.terms(text))


@given(st.text(st.characters(max_codepoint=127), max_size=60))
def test_the_fast_way_for_ascii_gives_what_the_slow_one_does(text: str) -> None:
    assert ENGLISH.query_terms(text) == ENGLISH.query_terms(f"{text} 🔥")


@given(st.lists(PIECES, max_size=10), st.lists(PIECES, max_size=10))
def test_a_text_has_the_terms_of_its_parts(a: list[str], b: list[str]) -> None:
    one, two = "".join(a), "".join(b)
    assert sorted(ENGLISH.terms(f"{one} {two}")) == sorted(ENGLISH.terms(one) + ENGLISH.terms(two))


@given(TEXTS)
def test_spans_quote_the_text_that_their_terms_come_from(text: str) -> None:
    spans = ENGLISH.spans(text)
    assert spans == sorted(spans)
    for start, end, term in spans:
        assert 0 <= start < end <= len(text)
        quoted = text[start:end]
        assert not any(c.isspace() for c in quoted)
        assert term == quoted or term in ENGLISH.terms(quoted)


@given(TEXTS)
def test_clean_text_has_the_same_length_and_can_be_encoded(text: str) -> None:
    out = clean(text)
    out.encode()
    assert len(out) == len(text)
    assert "\0" not in out
    assert clean(out) == out
    assert all(a == b or b == " " for a, b in zip(text, out, strict=True))


@given(TEXTS)
def test_a_word_begins_as_its_prefixes_do(text: str) -> None:
    none = ANALYZERS["none"]
    for word in text.split():
        [first, *more] = none.query_terms(word) or [""]
        prefix = none.prefix(word)
        if prefix and not more and word.isascii():
            for end in range(1, len(word) + 1):
                assert first.startswith(none.prefix(word[:end]))


@given(TEXTS)
def test_composed_and_decomposed_text_have_the_same_terms(text: str) -> None:
    composed, decomposed = (unicodedata.normalize(form, text) for form in ("NFC", "NFD"))
    assert ENGLISH.terms(composed) == ENGLISH.terms(decomposed) == ENGLISH.terms(text)
