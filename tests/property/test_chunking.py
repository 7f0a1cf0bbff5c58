from __future__ import annotations

import unicodedata
from itertools import pairwise, takewhile
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from indexer.chunking import cut
from indexer.types import Extracted, Section

if TYPE_CHECKING:
    from engine.types import Passage

PIECES = st.sampled_from(
    [
        *("a", "word", "Mr.", "e.g.", "x" * 15, "y" * 40, "End.", "Why?", "“Quoted.”", "1.5", "-"),
        *("中文句子。", "はい、", "ไทย" * 5, "é", "e\u0301\u0301", "\ud800", "👩\u200d👧", "\x00"),
        *(" ", " ", " ", "\n", "\r\n", "\n\n", "\n \n", "\t", "    ", " " * 40, "\f", "\u3000"),
    ]
)
KNOWN_TEXTS = st.lists(PIECES, max_size=120).map("".join)
TEXTS = KNOWN_TEXTS | st.text(max_size=200)
HEADINGS = st.lists(st.sampled_from("AB"), max_size=2).map(tuple)
SECTIONS = st.lists(
    st.builds(
        Section,
        start=st.integers(min_value=-1, max_value=300),
        heading=HEADINGS,
        page=st.none() | st.integers(min_value=1, max_value=9),
    ),
    max_size=8,
).map(lambda sections: tuple(sorted(sections, key=lambda section: section.start)))
DOCUMENTS = st.builds(Extracted, text=TEXTS, sections=SECTIONS)
KNOWN_DOCUMENTS = st.builds(Extracted, text=KNOWN_TEXTS, sections=SECTIONS)
SIZES = st.integers(min_value=1, max_value=30).flatmap(
    lambda words: st.tuples(st.just(words), st.integers(min_value=0, max_value=words // 2))
)


def pieces(document: Extracted, sizes: tuple[int, int]) -> list[Passage]:
    words, overlap = sizes
    return cut(document, words=words, overlap=overlap)


def kind(character: str) -> str:
    if character.isspace():
        return "space"
    name = unicodedata.name(character, "")
    if "\u0e00" <= character <= "\u0fff":
        return "unspaced"
    return "cjk" if name.startswith(("CJK", "HIRAGANA", "IDEOGRAPHIC")) else "other"


def count_words(text: str) -> int:
    """The slow twin of the pattern that counts."""
    longest = {"cjk": 2, "unspaced": 5, "other": 16, "space": 16}
    text, place, words = text.strip(), 0, 0
    while place < len(text):
        first = kind(text[place])
        place += run(text, place, first, longest[first])
        if first != "space":
            place += run(text, place, "space", 16)
        words += 1
    return words


def run(text: str, place: int, wanted: str, longest: int) -> int:
    ahead = takewhile(lambda character: kind(character) == wanted, text[place : place + longest])
    return sum(1 for _ in ahead)


@given(DOCUMENTS, SIZES)
def test_passages_cover_every_character_and_quote_exactly(
    document: Extracted, sizes: tuple[int, int]
) -> None:
    passages = pieces(document, sizes)
    assert passages[0].start == 0
    assert passages[-1].end == len(document.text)
    for passage in passages:
        assert passage.text == document.text[passage.start : passage.end]
    for before, after in pairwise(passages):
        assert before.start < after.start <= before.end < after.end
    assert [passage.number for passage in passages] == list(range(len(passages)))


@given(DOCUMENTS, SIZES)
def test_no_passage_is_white_space_unless_its_document_is(
    document: Extracted, sizes: tuple[int, int]
) -> None:
    passages = pieces(document, sizes)
    assert len(passages) == 1 or all(passage.text.strip() for passage in passages)


@given(DOCUMENTS, SIZES)
def test_a_passage_has_at_most_32_characters_a_word(
    document: Extracted, sizes: tuple[int, int]
) -> None:
    for passage in pieces(document, sizes):
        assert len(passage.text.strip()) <= 32 * sizes[0]


@given(KNOWN_DOCUMENTS, SIZES)
def test_no_passage_has_more_words_than_asked_nor_less_than_a_quarter(
    document: Extracted, sizes: tuple[int, int]
) -> None:
    counts = [count_words(passage.text) for passage in pieces(document, sizes)]
    assert max(counts) <= sizes[0]
    # One word less: a cut inside a run of letters may pair them differently.
    assert len(counts) == 1 or min(counts) >= sizes[0] // 4 - 1


@given(DOCUMENTS, SIZES)
def test_page_is_where_the_passage_starts_to_speak(
    document: Extracted, sizes: tuple[int, int]
) -> None:
    for passage in pieces(document, sizes):
        speaks = passage.end - len(passage.text.lstrip())
        above = [section.page for section in document.sections if 0 <= section.start <= speaks]
        if passage.text.strip():
            assert passage.page == (above[-1] if above else None)


@given(DOCUMENTS, SIZES)
def test_a_heading_is_the_beginning_of_one_that_the_passage_touches(
    document: Extracted, sizes: tuple[int, int]
) -> None:
    chains = {section.heading for section in document.sections} | {()}
    for passage in pieces(document, sizes):
        assert any(chain[: len(passage.heading)] == passage.heading for chain in chains)


@given(TEXTS, SIZES)
def test_without_headings_pages_do_not_move_a_cut(text: str, sizes: tuple[int, int]) -> None:
    paged = Extracted(text=text, sections=tuple(Section(start=n, page=n + 1) for n in range(9)))
    offsets = [(passage.start, passage.end) for passage in pieces(paged, sizes)]
    plain = pieces(Extracted(text=text), sizes)
    assert offsets == [(passage.start, passage.end) for passage in plain]
