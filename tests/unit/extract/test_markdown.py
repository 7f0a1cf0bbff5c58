from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from indexer.extract.markdown import read

if TYPE_CHECKING:
    from indexer.types import Extracted


def markdown(text: str) -> Extracted:
    return read(text.encode())


def headings(text: str) -> list[tuple[str, ...]]:
    return [section.heading for section in markdown(text).sections]


def test_headings_nest_and_the_title_is_not_repeated() -> None:
    text = "# Guide\n\n## Linux\n\n### apt\n\n## Windows\n"
    assert markdown(text).title == "Guide"
    assert headings(text) == [(), ("Linux",), ("Linux", "apt"), ("Windows",)]


def test_a_section_starts_at_its_heading() -> None:
    extracted = markdown("intro\n\n## Linux\n\nwords\n")
    assert extracted.text[extracted.sections[0].start :].startswith("## Linux")


def test_underlined_headings_start_at_their_words() -> None:
    extracted = markdown("intro\n\nGuide\n=====\n\nLinux\n---\nwords\n")
    assert [section.heading for section in extracted.sections] == [(), ("Linux",)]
    assert [extracted.text[section.start :][:5] for section in extracted.sections] == [
        "Guide",
        "Linux",
    ]


def test_a_rule_under_a_list_or_an_empty_line_is_no_heading() -> None:
    assert headings("- item\n---\n\n---\n\n| a |\n---\n") == []


def test_hashes_in_code_are_no_headings() -> None:
    assert headings("```sh\n# comment\n```\n\n~~~\n# more\n```\n# still\n~~~\n\n# Real\n") == [()]


def test_an_open_fence_ends_with_the_document() -> None:
    assert headings("# Real\n\n```\n# comment\n") == [()]


def test_marks_and_attributes_are_not_part_of_a_heading() -> None:
    assert headings("# A\n\n## The `run` **command** {#run}\n") == [(), ("The run command",)]
    assert headings("# A\n\n## snake_case names ##\n") == [(), ("snake_case names",)]


def test_links_and_pictures_become_their_words() -> None:
    text = "[![Build](https://ci/b.svg)](https://ci) see [the (old) map](a_(b).md 'x') ![plan](p)"
    assert markdown(text).text == "Build see the (old) map plan"


def test_links_in_code_stay_as_they_are() -> None:
    assert "[a](b)" in markdown("```\n[a](b)\n```\n").text


def test_comments_are_dropped() -> None:
    assert "secret" not in markdown("a <!-- secret\n# not a heading --> b").text


def test_front_matter_in_toml_gives_title_date_and_properties() -> None:
    extracted = markdown('+++\ntitle = "Mill"\ndate = 2024-01-31\ndraft = true\n+++\nwords\n')
    assert (extracted.title, extracted.date) == ("Mill", 1706659200.0)
    assert extracted.metadata == {"draft": True}
    assert extracted.text == "words\n"


def test_a_rule_on_top_is_not_front_matter() -> None:
    assert markdown("---\nJust: a: line\n---\nwords\n").text.startswith("---\n")
    assert markdown("---\n\nwords without an end\n").text.startswith("---\n")


def test_nested_front_matter_is_left_out_of_the_properties() -> None:
    text = "---\ntitle: 7\nauthor: {name: Ada}\ntags: [a, 1]\n---\nwords\n"
    assert markdown(text).title == "7"
    assert markdown(text).metadata == {"tags": ["a", "1"]}


@pytest.mark.parametrize(
    "text",
    [
        "<!--" * 200_000,
        "[a](" + "x" * 1_000_000,
        "[" * 300_000,
        "[a[a](" * 100_000,
        "# a" + " " * 1_000_000 + "b",
        "=" * 1_000_000 + "x",
        "![](data:image/png;base64," + "A" * 1_000_000 + " ",
        "`" * 1_000_000,
    ],
)
def test_hostile_text_is_read_in_time(text: str) -> None:
    # A pattern that backtracks would need hours; the time limit of the tests notices.
    assert markdown(text).sections == ()


@given(st.text(alphabet=st.sampled_from("#=-`~ \n[]()!<>ab*_{}|"), max_size=200))
def test_any_text_is_read_and_its_sections_ascend(text: str) -> None:
    extracted = markdown(text)
    starts = [section.start for section in extracted.sections]
    assert starts == sorted(set(starts))
    assert all(0 <= start <= len(extracted.text) for start in starts)


@given(st.text(alphabet=st.sampled_from("#=- \nab*_|"), max_size=200))
def test_text_without_links_and_comments_is_unchanged(text: str) -> None:
    if not text.startswith("---"):
        assert markdown(text).text.rstrip("\n") == text.rstrip("\n")
