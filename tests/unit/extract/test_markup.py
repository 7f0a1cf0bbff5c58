from __future__ import annotations

import pytest

from indexer.extract.markup import read


def headings(text: str, type_: str) -> list[tuple[str, ...]]:
    return [section.heading for section in read(text.encode(), type_).sections]


def test_levels_of_restructured_text_are_its_styles_in_order_of_use() -> None:
    text = "====\nBook\n====\n\nPart\n====\n\nUnit\n----\n\nPart two\n========\n"
    assert headings(text, "rst") == [(), ("Part",), ("Part", "Unit"), ("Part two",)]
    assert read(text.encode(), "rst").title == "Book"


def test_a_section_of_restructured_text_starts_at_its_overline() -> None:
    text = "words\n\n====\nBook\n====\n"
    assert text[read(text.encode(), "rst").sections[0].start :].startswith("====\nBook")


@pytest.mark.parametrize(
    "text",
    [
        "a longer line\n===\n",  # the underline is too short
        "==== ====\na    b\n==== ====\n",  # a table
        "words\n\n----\n\nwords\n",  # a transition
        ".. note::\n==========\n",
        "  indented\n----------\n",
        "two lines of\na paragraph\n-----------\n",
    ],
)
def test_what_only_looks_like_a_heading_is_none(text: str) -> None:
    assert headings(text, "rst") == []


def test_a_field_list_on_top_gives_author_and_date() -> None:
    text = ":Author: Ada Lovelace\n:Date: 2024-01-31\n\nwords\n"
    extracted = read(text.encode(), "rst")
    assert extracted.metadata == {"author": "Ada Lovelace"}
    assert extracted.date == 1706659200.0


def test_latex_sections_nest() -> None:
    text = "\\title{On mills}\n\\section{Water}\n\\subsection*{Wheel}\n\\section[short]{Wind}\n"
    assert headings(text, "tex") == [("Water",), ("Water", "Wheel"), ("Wind",)]
    assert read(text.encode(), "tex").title == "On mills"


def test_stars_and_equal_signs_head_org_and_asciidoc() -> None:
    assert headings("* A\n** B\n* C\n", "org") == [(), ("B",), ("C",)]
    assert headings("= A\n\n== B\n\n==bold\n", "adoc") == [(), ("B",)]


def test_the_text_is_unchanged() -> None:
    text = "Book\n====\n\n.. image:: a.png\n"
    assert read(text.encode(), "rst").text == text
