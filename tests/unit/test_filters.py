from __future__ import annotations

from datetime import UTC, datetime

import pytest

from engine.errors import FilterError
from engine.filters import LONGEST_VALUE, MOST_VALUES, Filter, metadata_texts, parse_filter
from engine.query import Query
from engine.types import Document, MetadataValue


def day(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def test_an_expression_has_paths_types_dates_and_fields() -> None:
    where = parse_filter('path:guide/* type:.PDF date:2024 author:"Ada Lovelace" path:b x:http://y')
    assert where.paths == (("guide/*", "b"),)
    assert where.types == ("pdf",)
    [dates] = where.dates
    assert (dates.start, dates.end) == (day("2024-01-01"), day("2025-01-01"))
    assert where.fields == (("author", ("ada lovelace",)), ("x", ("http://y",)))


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("2024", "2024-01-01", "2025-01-01"),
        ("2024-02", "2024-02-01", "2024-03-01"),
        ("2023-02-28", "2023-02-28", "2023-03-01"),
        ("2024-2-9", "2024-02-09", "2024-02-10"),
        ("2024..2024-06", "2024-01-01", "2024-07-01"),
        ("2024-12-31..2024-12-31", "2024-12-31", "2025-01-01"),
        ("2024..", "2024-01-01", None),
        ("..2024-06-30", None, "2024-07-01"),
    ],
)
def test_a_date_means(text: str, start: str | None, end: str | None) -> None:
    [dates] = parse_filter(f"date:{text}").dates
    assert dates.start == (None if start is None else day(start))
    assert dates.end == (None if end is None else day(end))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("word", "expected field:value at 'word'"),
        ("type:pdf and more", "expected field:value at 'and more'"),
        ("a:", "expected field:value"),
        (":b", "expected field:value"),
        ('a:"b', "expected field:value"),
        ('a:"b"c', "expected field:value"),
        ('"a":b', "expected field:value"),
        ("date:yesterday", "'yesterday' is no date (2024, 2024-06 or 2024-06-30)"),
        ("date:2024-13", "'2024-13' is no date"),
        ("date:2023-02-29", "'2023-02-29' is no date"),
        ("date:2024-00", "is no date"),
        ("date:0000", "is no date"),
        ("date:..", "neither a beginning nor an end"),
        ("date:2024..2025..2026", "is no date"),
        ("path:\ud800", "expected field:value"),
        ("a:" + "x" * (LONGEST_VALUE + 1), "at most 4,096 characters"),
        (" ".join(["a:b"] * (MOST_VALUES + 1)), "at most 256 parts"),
    ],
)
def test_what_does_not_parse_says_why(text: str, said: str) -> None:
    with pytest.raises(FilterError, match=r"^filter: ") as caught:
        parse_filter(text)
    assert said in str(caught.value)


def test_nothing_keeps_everything() -> None:
    for text in ("", "   ", "\n"):
        assert not parse_filter(text)
    assert Filter().keeps(Document(id="x"))
    assert parse_filter("a:b")


@pytest.mark.parametrize(
    ("pattern", "kept", "left"),
    [
        ("guide", ["guide", "guide/a", "guide/b/c.md"], ["guides", "a/guide", ""]),
        ("guide/", ["guide", "guide/a"], ["guides/a"]),
        ("./guide", ["guide/a"], ["a"]),
        ("*.md", ["a.md", "b/c.md"], ["a.md5", "A.MD"]),
        ("guide/*.md", ["guide/a.md", "guide/b/c.md"], ["a.md"]),
        ("**/*.md", ["a.md", "b/c.md"], ["a.txt"]),
        ("guide/**/x.md", ["guide/a/x.md", "guide/a/b/x.md"], ["x.md"]),
        ("a?c", ["abc", "a/c", "a?c"], ["ac", "abbc"]),
        ("a[b]c*", ["a[b]c", "a[b]cd"], ["abc"]),
        ("Straße/*", ["Straße/x"], ["strasse/x"]),
    ],
)
def test_a_path_pattern_matches(pattern: str, kept: list[str], left: list[str]) -> None:
    where = Filter(paths=((pattern,),))
    assert [p for p in kept + left if where.keeps(Document(id="d", path=p))] == kept


@pytest.mark.parametrize(
    ("value", "texts"),
    [
        ("Straße", ("strasse",)), (1, ("1",)), (1.0, ("1",)), (1.5, ("1.5",)), (True, ("true",)),
        (False, ("false",)), (["A", "b"], ("a", "b")), ([], ()), ("", ("",)),
    ],
)  # fmt: skip
def test_metadata_equals_texts(value: MetadataValue, texts: tuple[str, ...]) -> None:
    assert metadata_texts(value) == texts


def test_a_field_named_twice_means_or_two_fields_mean_and() -> None:
    document = Document(id="d", type="pdf", metadata={"tags": ["a", "b"], "year": 2024})
    for text, kept in (
        ("tags:a tags:z", True), ("tags:y tags:z", False), ("tags:A year:2024", True),
        ("tags:a year:2023", False), ("missing:a", False), ("type:md type:pdf", True),
    ):  # fmt: skip
        assert parse_filter(text).keeps(document) is kept


def test_the_paths_of_a_query_narrow_a_filter() -> None:
    where = parse_filter("path:a").narrowed(Query(text="", paths=("*.md",), not_paths=("a/x",)))
    kept = [p for p in ("a/1.md", "a/1.txt", "b/1.md", "a/x/1.md") if where.keeps(
        Document(id="d", path=p)
    )]  # fmt: skip
    assert kept == ["a/1.md"]
