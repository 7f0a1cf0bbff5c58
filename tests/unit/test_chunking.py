from __future__ import annotations

import pytest

from engine.errors import UsageError
from engine.types import Passage
from indexer.chunking import cut
from indexer.types import Extracted, Section


def texts(text: str, *sections: Section, words: int = 10, overlap: int = 0) -> list[str]:
    document = Extracted(text=text, sections=sections)
    return [passage.text for passage in cut(document, words=words, overlap=overlap)]


def numbered(first: int, last: int) -> str:
    return " ".join(f"w{number}" for number in range(first, last + 1))


@pytest.mark.parametrize("text", ["", " ", "\n \n", "\u3000"])
def test_a_text_of_white_space_is_one_passage(text: str) -> None:
    section = Section(start=0, heading=("A",), page=3)
    assert cut(Extracted(text=text, sections=(section,)), words=10, overlap=2) == [
        Passage(number=0, start=0, end=len(text), text=text, page=3, heading=("A",))
    ]


def test_a_text_that_fits_is_one_passage() -> None:
    assert texts(f"  {numbered(1, 10)}\n") == [f"  {numbered(1, 10)}\n"]


@pytest.mark.parametrize(
    ("stronger", "weaker"),
    [
        ("\n\n", ";\n"),
        ("\n \t\n", ";\n"),
        ("\f", ";\n"),
        (",\n", ". "),
        (". ", " "),
        ("? ", " "),
        ('!" ', " "),
        ("。", " "),
        (" ", "-"),
    ],
)
def test_a_stronger_pause_wins_over_a_later_weaker_one(stronger: str, weaker: str) -> None:
    text = f"Aa Bb Cc Dd Ee Ff{stronger}Gg{weaker}{'Hh-' * 40}"
    assert texts(text)[0] == f"Aa Bb Cc Dd Ee Ff{stronger}"


def test_among_equal_pauses_the_last_one_wins() -> None:
    text = "One two three four five. Six seven. Eight nine ten eleven twelve thirteen."
    assert texts(text)[0] == "One two three four five. Six seven. "


def test_a_pause_in_the_first_half_is_too_early() -> None:
    text = "One two.\n\nThree four five six. Seven eight nine ten eleven twelve thirteen."
    assert texts(text)[0] == "One two.\n\nThree four five six. "


@pytest.mark.parametrize("abbreviation", ["J.", "e.g.", "Dr.", "U.S.", "Fig.", "approx. x"])
def test_a_dot_that_shortens_a_word_ends_no_sentence(abbreviation: str) -> None:
    text = f"One two three four five. Six {abbreviation} Seven eight nine ten eleven twelve."
    assert texts(text)[0] == "One two three four five. "


def test_a_line_break_that_wraps_prose_is_no_pause() -> None:
    line = "wrapped prose fills its lines up to the margin"  # 9 words, 46 characters
    text = f"{line}\n{line}. But {line}\n{line}"
    assert texts(text, words=30)[0] == f"{line}\n{line}. "
    assert texts(text.replace("\n", ";\n"), words=30)[0] == f"{line};\n{line}. But {line};\n"


def test_code_is_cut_between_its_lines_with_the_indent_on_the_new_one() -> None:
    code = "def f():\n" + "".join(f"    x{n} = g(x, {n})\n" for n in range(8))
    for passage in texts(code, words=12):
        assert passage.endswith("\n")
        assert passage.startswith(("def", "    x"))


def test_the_last_two_share_rather_than_leave_a_tiny_rest() -> None:
    parts = texts(numbered(1, 103), words=100)
    assert [len(part.split()) for part in parts] == [75, 28]


def test_white_space_behind_a_passage_belongs_to_it_however_long() -> None:
    space = " " * 5000
    assert texts(f"{numbered(1, 12)}{space}{numbered(13, 24)}", words=12) == [
        numbered(1, 12) + space,
        numbered(13, 24),
    ]


def test_a_heading_starts_a_passage() -> None:
    text = f"{numbered(1, 5)} {numbered(6, 9)}"
    sections = (
        Section(start=0, heading=("A",)),
        Section(start=len("w1 w2 w3 w4 w5 "), heading=("B",)),
    )
    passages = cut(Extracted(text=text, sections=sections), words=10, overlap=3)
    assert [(passage.text, passage.heading) for passage in passages] == [
        ("w1 w2 w3 w4 w5 ", ("A",)),
        ("w6 w7 w8 w9", ("B",)),
    ]


def sections_of(*parts: tuple[str, tuple[str, ...]]) -> Extracted:
    sections: list[Section] = []
    text = ""
    for words, heading in parts:
        sections.append(Section(start=len(text), heading=heading))
        text += words + "\n"
    return Extracted(text=text, sections=tuple(sections))


def cut_parts(*parts: tuple[str, tuple[str, ...]]) -> list[tuple[str, tuple[str, ...]]]:
    passages = cut(sections_of(*parts), words=20, overlap=0)
    return [(" ".join(passage.text.split()), passage.heading) for passage in passages]


def test_a_heading_alone_joins_what_stands_below_it() -> None:
    assert cut_parts(("A", ("A",)), (numbered(1, 9), ("A", "B"))) == [
        (f"A {numbered(1, 9)}", ("A", "B"))
    ]


def test_tiny_sections_join_and_keep_the_heading_they_share() -> None:
    assert cut_parts(("x y", ("A", "B")), ("z u", ("A", "C")), ("v w", ("A", "D"))) == [
        ("x y z u v w", ("A",))
    ]


def test_a_tiny_section_joins_the_one_before_where_that_is_closer() -> None:
    parts = (numbered(1, 9), ("A", "B")), ("see also", ("A", "C")), (numbered(10, 19), ("D",))
    assert cut_parts(*parts) == [
        (f"{numbered(1, 9)} see also", ("A", "B")),
        (numbered(10, 19), ("D",)),
    ]


def test_a_tiny_last_section_joins_the_one_before() -> None:
    assert cut_parts((numbered(1, 9), ("A",)), ("the end", ("B",))) == [
        (f"{numbered(1, 9)} the end", ("A",))
    ]


JOINED = (  # the first three make one stretch: the small ones are closer to what is before them
    (f"{numbered(1, 11)}\n\n{numbered(12, 14)}", ("A", "B", "C")),
    (numbered(15, 18), ("A", "B", "D")),
    (numbered(19, 22), ("A", "E")),
    (numbered(23, 30), ("F",)),
)


def test_a_heading_inside_joined_sections_is_the_strongest_pause() -> None:
    assert cut_parts(*JOINED) == [
        (numbered(1, 14), ("A", "B", "C")),
        (numbered(15, 22), ("A",)),
        (numbered(23, 30), ("F",)),
    ]


def test_no_overlap_reaches_across_a_heading() -> None:
    passages = cut(sections_of(*JOINED), words=20, overlap=8)
    assert [passage.text.split()[0] for passage in passages] == ["w1", "w15", "w23"]


def test_sections_that_are_no_order_and_out_of_range_do_no_harm() -> None:
    sections = tuple(
        Section(start=start, heading=(str(start),)) for start in (-3, 0, 0, 25, 12, 25, 9999)
    )
    document = Extracted(text=numbered(1, 30), sections=sections)
    assert "".join(p.text for p in cut(document, words=5, overlap=0)) == document.text


def test_a_page_does_not_start_a_passage_but_names_it() -> None:
    text = f"{numbered(1, 8)} {numbered(9, 30)}"
    sections = Section(start=0, page=1), Section(start=text.index("w9"), page=2)
    passages = cut(Extracted(text=text, sections=sections), words=10, overlap=0)
    assert [(passage.text.split()[0], passage.page) for passage in passages] == [
        ("w1", 1),
        ("w11", 2),
        ("w21", 2),
    ]


def test_an_overlap_begins_at_the_sentence_nearest_to_its_size() -> None:
    text = "One two three four. Five six. Seven eight nine. Ten eleven twelve thirteen fourteen."
    first, second = texts(text, overlap=3)
    assert first == "One two three four. Five six. Seven eight nine. "
    assert second == "Seven eight nine. Ten eleven twelve thirteen fourteen."


def test_an_overlap_without_a_sentence_begins_at_a_word() -> None:
    assert texts(numbered(10, 40), overlap=3)[1].startswith("w17 w18 w19 w20")


def test_an_overlap_is_left_out_where_it_would_fill_half_of_the_next_passage() -> None:
    parts = texts("a " * 20 + "x" * 200 + " " + "b " * 20, overlap=5)
    assert all(len(part.split()) > 0 for part in parts)
    starts = [part[:1] for part in parts]
    assert starts[0] == "a"
    assert starts[-1] == "b"


@pytest.mark.parametrize(
    ("character", "per_word"),
    [("中", 2), ("あ", 2), ("𠀀", 2), ("ก", 5), ("က", 5), ("x", 16), ("й", 16)],
)
def test_words_are_counted_by_script(character: str, per_word: int) -> None:
    parts = texts(character * per_word * 25, words=10)
    assert len(parts[0]) == per_word * 10


def test_long_white_space_inside_counts_as_words() -> None:
    text = f"a{' ' * 64}b"  # a word takes up to 16 spaces with it, and 48 more are three words
    assert texts(text, words=5) == [text]
    assert texts(text, words=4) == [f"a{' ' * 64}", "b"]


def test_a_letter_keeps_its_marks() -> None:
    text = "x" + "e\u0301" * 300
    assert not [part for part in texts(text) if part.startswith("\u0301")]


@pytest.mark.parametrize(
    "text", ["\ud800 \udfff" * 50, "\x00 " * 50, "\u202e" * 500, "👩\u200d👧" * 99]
)
def test_no_character_is_too_strange(text: str) -> None:
    assert "".join(texts(text)) == text


@pytest.mark.parametrize(
    "text",
    [
        "a" * 10**6,
        " " * 10**6 + "x",
        "." * 10**6,
        '."' * 500_000,
        "\n " * 500_000 + "x",
        ". " * 500_000,
    ],
    ids=["letters", "spaces", "dots", "quotes", "blank lines", "sentences"],
)
@pytest.mark.timeout(30)  # half a second; minutes if it were quadratic
def test_a_million_equal_characters_are_cut_in_linear_time(text: str) -> None:
    assert "".join(texts(text, words=100)) == text


@pytest.mark.parametrize(("words", "overlap"), [(0, 0), (10, -1), (10, 6), (-5, 0)])
def test_sizes_that_cannot_be_are_refused(words: int, overlap: int) -> None:
    with pytest.raises(UsageError, match="cannot overlap by"):
        texts("a", words=words, overlap=overlap)
