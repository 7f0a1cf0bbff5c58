from __future__ import annotations

import pytest

from engine.analysis import Analyzer
from engine.query import LONGEST_PATTERN, MOST_CONSTRAINTS, MOST_TERMS, Constraint, parse, plain

ENGLISH = Analyzer()


def test_plain_words_are_terms_without_repeats_and_stop_words() -> None:
    query = parse("How to use the uses", ENGLISH)
    assert query.terms == ("how", "use")
    assert query.text == "How to use the uses"
    assert (query.constraints, query.prefixes) == ((), ())


def test_stop_words_alone_are_searched() -> None:
    assert parse("To be, or not to be?", ENGLISH).terms == ("to", "be", "or", "not")
    assert parse("what is it?", ENGLISH).terms == ("what",)


@pytest.mark.parametrize(
    ("text", "constraint", "words"),
    [
        ('"exact phrase"', Constraint(("exact", "phrase")), "exact phrase"),
        ('"unclosed phrase', Constraint(("unclos", "phrase")), "unclosed phrase"),
        ("+must", Constraint(("must",)), "must"),
        ("-never", Constraint(("never",), negative=True), ""),
        ('-"not this"', Constraint(("not", "this"), negative=True), ""),
        ("title:guide", Constraint(("guid",), "title"), "guide"),
        ('+title:"user guide"', Constraint(("user", "guid"), "title"), "user guide"),
        ("-title:draft", Constraint(("draft",), "title", negative=True), ""),
        ("+state-of-the-art", Constraint(("state", "of", "the", "art")), "state-of-the-art"),
        ("+東京都", Constraint(("東", "東京", "京", "京都", "都")), "東京都"),
    ],
)
def test_operators_make_constraints(text: str, constraint: Constraint, words: str) -> None:
    query = parse(text, ENGLISH)
    assert query.constraints == (constraint,)
    assert query.text == words
    assert query.terms == (() if constraint.negative else tuple(dict.fromkeys(constraint.terms)))


def test_paths_belong_to_the_filter() -> None:
    query = parse('install path:guide/* -path:old path:"my docs"', ENGLISH)
    assert (query.paths, query.not_paths) == (("guide/*", "my docs"), ("old",))
    assert query.text == "install"


@pytest.mark.parametrize(
    ("text", "terms"),
    [
        ("git commit --amend", ("git", "commit", "amend")),
        ("++i", ("i",)),
        ("a - b + c", ("b", "c")),
        ("e-mail", ("e", "mail")),
        ("C++ AND OR NOT", ("c++",)),
        ("subtitle:x zzz:y", ("subtitl", "x", "zzz", "y")),
        ("((nested)) [brackets]", ("nest", "bracket")),
        ("title: path:", ("titl", "path")),
    ],
)
def test_what_does_not_fit_is_plain_words(text: str, terms: tuple[str, ...]) -> None:
    query = parse(text, ENGLISH)
    assert query.terms == terms
    assert query.constraints == ()


@pytest.mark.parametrize(
    ("text", "prefixes", "terms"),
    [
        ("insta*", ("insta",), ("insta",)),
        ("Münch*", ("munch",), ("munch",)),
        ("inst** x", ("inst",), ("inst", "x")),
        ("a-b*", (), ("a", "b")),
        ("*", (), ()),
        ("*abc", (), ("abc",)),
        ("中文*", ("中文",), ("中", "中文", "文")),
    ],
)
def test_a_star_at_the_end_makes_a_prefix(
    text: str, prefixes: tuple[str, ...], terms: tuple[str, ...]
) -> None:
    query = parse(text, ENGLISH)
    assert (query.prefixes, query.terms) == (prefixes, terms)
    assert "*" not in query.text


def test_a_plain_query_keeps_every_sign_as_text() -> None:
    query = plain('-a +b "c d" title:e path:f g*', ENGLISH)
    assert query.terms == ("b", "c", "d", "titl", "e", "path", "f", "g")
    assert (query.constraints, query.prefixes, query.paths) == ((), (), ())


@pytest.mark.parametrize(
    ("text", "empty", "wordless"),
    [
        ("", True, False), ("  \n", True, False), ("*", True, False), ('""', True, False),
        ("-x", False, False), ("path:a", False, False), ("🔥", False, True), ("!!!", False, True),
        ("🔥 -x", False, True), ("word", False, False), ("-- ", False, True),
    ],
)  # fmt: skip
def test_emptiness_of(text: str, empty: bool, wordless: bool) -> None:
    query = parse(text, ENGLISH)
    assert (query.empty, query.wordless) == (empty, wordless)


def test_a_huge_query_is_cut_to_what_can_be_searched() -> None:
    assert len(parse(" ".join(f"w{n}" for n in range(5000)), ENGLISH).terms) == MOST_TERMS
    many = parse(" ".join(f"+w{n} -x{n} path:{n}" for n in range(500)), ENGLISH)
    assert len(many.constraints) == len(many.paths) == MOST_CONSTRAINTS
    long = parse('"' + "word " * 5000 + '"', ENGLISH)
    assert len(long.constraints[0].terms) == MOST_CONSTRAINTS
    assert parse("path:" + "a" * 99_000, ENGLISH).paths == ("a" * LONGEST_PATTERN,)
