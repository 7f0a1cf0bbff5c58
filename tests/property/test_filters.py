"""SQL is the exact twin of Filter.keeps, and of a slower one that is written out here."""

from __future__ import annotations

import itertools
import sqlite3
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from functools import cache
from typing import TYPE_CHECKING

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from engine.analysis import clean
from engine.config import IndexSettings
from engine.errors import FilterError
from engine.filters import DateRange, Filter, parse_filter, path_matches
from engine.local.catalog import Catalog
from engine.types import Document

if TYPE_CHECKING:
    from engine.types import MetadataValue

LETTERS = st.sampled_from([*"aAbB/.-_ '\"[]^!*?\\%{}ä中", "\U0001f525", "ß", "İ", "\n"])
PATH = st.lists(LETTERS, max_size=8).map("".join)
PATTERN = st.lists(LETTERS | st.sampled_from(["*", "?", "**", "/*", "*/", "./"]), max_size=8).map(
    "".join
)
VALUE: st.SearchStrategy[MetadataValue] = (
    PATH
    | st.integers(-3, 3)
    | st.sampled_from([0.0, 1.0, -1.0, 1.5, 1e300, float("inf")])
    | st.booleans()
    | st.lists(PATH, max_size=3)
)
NAMES = st.sampled_from(["a", "A", "tags", "naïve", "x.y"])
DATES = st.none() | st.floats(-1e12, 1e12) | st.integers(0, 4).map(float)
DOCUMENT = st.builds(
    Document,
    id=st.just("id"),
    path=PATH,
    type=st.sampled_from(["", "md", "pdf", "tar.gz"]),
    date=DATES,
    metadata=st.dictionaries(NAMES, VALUE, max_size=3),
)
RANGE = st.builds(DateRange, start=DATES, end=DATES)
TEXTS = (PATH | st.sampled_from(["true", "false", "1", "0", "1.5", "-1", "inf", "1.0"])).map(
    str.casefold
)
FILTER = st.builds(
    Filter,
    paths=st.lists(st.lists(PATTERN, min_size=1, max_size=2).map(tuple), max_size=2).map(tuple),
    not_paths=st.lists(PATTERN, max_size=2).map(tuple),
    types=st.lists(st.sampled_from(["md", "pdf", ""]), max_size=2).map(tuple),
    dates=st.lists(RANGE, max_size=2).map(tuple),
    fields=st.lists(
        st.tuples(NAMES, st.lists(TEXTS, min_size=1, max_size=3).map(tuple)), max_size=2
    ).map(tuple),
)


@cache
def catalog() -> Catalog:
    made = Catalog(sqlite3.connect(":memory:", isolation_level=None))
    made.create(IndexSettings())
    return made


def sql_keeps(where: Filter, documents: list[Document]) -> list[bool]:
    """What the catalogue says, by the numbers and by the passages of the documents."""
    stored = catalog()
    stored.execute("BEGIN")
    try:
        numbers = [
            stored.add_document(
                Document(id=f"d{n}", path=d.path, type=d.type, date=d.date, metadata=d.metadata)
            )
            for n, d in enumerate(documents)
        ]
        kept = set(stored.kept(where))
        return [number in kept for number in numbers]
    finally:
        stored.execute("ROLLBACK")


@given(FILTER, st.lists(DOCUMENT, min_size=1, max_size=5))
def test_sql_keeps_exactly_what_the_filter_keeps(where: Filter, documents: list[Document]) -> None:
    assert sql_keeps(where, documents) == [where.keeps(document) for document in documents]


@given(st.lists(st.none() | st.integers(0, 3), min_size=2, max_size=2), st.integers(0, 3))
def test_sql_and_the_filter_agree_on_the_ends_of_a_range(ends: list[int | None], date: int) -> None:
    where = Filter(dates=(DateRange(*ends),))
    after = ends[0] is None or date >= ends[0]
    kept = after and (ends[1] is None or date < ends[1])
    document = Document(id="d", date=date)
    assert where.keeps(document) is kept
    assert sql_keeps(where, [document]) == [kept]


@given(PATTERN, PATH)
@example("a[b]c", "a[b]c")
@example("a[b]c", "abc")
@example("[!a]*", "b")
@example("*]", "a]")
@example("a\\*", "a\\b")
@example("", "")
@example("./a/", "a/b")
@example("a", "ab")
@example("a?c", "a\nc")
def test_sql_fnmatch_and_the_filter_agree_on_paths(pattern: str, path: str) -> None:
    plain = pattern.removeprefix("./").rstrip("/")
    wild = "*" in plain or "?" in plain
    twin = fnmatchcase(path, plain.replace("[", "[[]"))
    if not wild:
        twin = path == plain or path.startswith(f"{plain}/")
    elif "**/" in plain or "*/*" in plain:
        # `**/` also stands for no folder at all, which fnmatch does not know.
        twin = twin or path_matches(pattern, path)
    assert path_matches(pattern, path) is twin
    assert sql_keeps(Filter(paths=((pattern,),)), [Document(id="d", path=path)]) == [twin]
    assert sql_keeps(Filter(not_paths=(pattern,)), [Document(id="d", path=path)]) == [not twin]


@given(FILTER, FILTER, st.lists(DOCUMENT, min_size=1, max_size=3))
def test_more_parts_never_keep_more(a: Filter, b: Filter, documents: list[Document]) -> None:
    both = Filter(paths=a.paths + b.paths, not_paths=a.not_paths + b.not_paths)
    for document in documents:
        kept = [Filter(paths=f.paths, not_paths=f.not_paths).keeps(document) for f in (a, b)]
        assert both.keeps(document) is all(kept)
    assert bool(both) is bool(both.paths or both.not_paths)


@given(st.text() | st.lists(st.sampled_from([*'ab:" .-', "path:", "date:20"])).map("".join))
def test_a_filter_parses_or_says_why_not(text: str) -> None:
    try:
        where = parse_filter(text)
    except FilterError as error:
        assert str(error).startswith("filter: ")
    else:
        assert bool(where) is bool(clean(text).strip())
        sql_keeps(where, [Document(id="d")])


@given(st.lists(st.tuples(NAMES, PATH.filter(lambda p: '"' not in p)), max_size=5))
def test_what_is_quoted_is_taken_as_it_stands(parts: list[tuple[str, str]]) -> None:
    where = parse_filter(" ".join(f'{name}:"{value}"' for name, value in parts))
    groups = itertools.groupby(sorted(parts, key=lambda p: p[0]), key=lambda p: p[0])
    assert sorted(where.fields) == [
        (name, tuple(v.casefold() for _, v in values)) for name, values in groups
    ]
    document = Document(id="d", metadata=dict(parts))
    assert where.keeps(document)
    assert sql_keeps(where, [document]) == [True]


@given(st.datetimes(min_value=datetime(1, 1, 2), max_value=datetime(9998, 12, 31)))  # noqa: DTZ001
def test_a_day_a_month_and_a_year_hold_what_lies_in_them(moment: datetime) -> None:
    moment = moment.replace(tzinfo=UTC)
    day, seconds = f"{moment:%Y-%m-%d}".zfill(10), moment.timestamp()
    for text in (day, day[:7], day[:4], f"{day}..", f"..{day[:7]}", f"{day[:4]}..{day}"):
        [dates] = parse_filter(f"date:{text}").dates
        assert dates.holds(seconds), text
    other = "0500" if moment.year != 500 else "0501"
    [dates] = parse_filter(f"date:{other}").dates
    assert not dates.holds(seconds)
    assert not dates.holds(None)


@pytest.mark.parametrize("count", [1, 7])
def test_a_pattern_of_many_stars_is_quick_where_it_does_not_match(count: int) -> None:
    pattern = "*a" * 500 * count + "*b"
    assert not path_matches(pattern[:4096] + "b", "a" * 4000)
    assert not sql_keeps(Filter(paths=((pattern[:4000],),)), [Document(id="d", path="a" * 100)])[0]
