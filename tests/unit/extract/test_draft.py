from __future__ import annotations

import pytest

from engine.errors import ExtractionError
from indexer.extract import draft as module
from indexer.extract.draft import Draft, one_line
from indexer.types import Section


def test_a_heading_chain_holds_only_what_is_above() -> None:
    draft = Draft()
    for level, name in ((1, "A"), (3, "B"), (2, "C"), (1, "D")):
        draft.heading(level, name)
    found = [section.heading for section in draft.finish(title="T").sections]
    assert found == [("A",), ("A", "B"), ("A", "C"), ("D",)]


def test_a_page_keeps_the_headings_of_the_page_before() -> None:
    draft = Draft()
    draft.turn_page(1)
    draft.heading(1, "A")
    draft.turn_page(2)
    draft.block("words")
    assert draft.finish(headed=False).sections == (
        Section(start=0, heading=("A",), page=1),
        Section(start=3, heading=("A",), page=2),
    )


def test_blocks_are_parted_by_one_empty_line() -> None:
    draft = Draft()
    for words in ("a", "", " \n", "\nb\n", "c"):
        draft.block(words)
    assert draft.finish().text == "a\n\nb\n\nc"


def test_a_first_heading_below_the_highest_level_is_no_title() -> None:
    draft = Draft()
    draft.heading(2, "Aside")
    draft.heading(1, "Main")
    assert draft.finish().title == ""


def test_empty_properties_are_left_out_but_zero_and_false_are_values() -> None:
    extracted = Draft().finish(metadata={"a": "", "b": [], "c": 0, "d": False, "e": "x"})
    assert extracted.metadata == {"c": 0, "d": False, "e": "x"}


def test_text_over_the_limit_is_refused_while_it_is_written(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "MAX_CHARACTERS", 5)
    draft = Draft()
    draft.add("12345")
    with pytest.raises(ExtractionError, match="more than 5 characters"):
        draft.add("6")


def test_headings_are_one_line_of_bounded_length() -> None:
    assert one_line(" a\r\n\tb\u00a0c ") == "a b c"
    assert len(one_line("long " * 1000)) <= 200
