from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from engine.analysis import Analyzer, clean
from engine.query import MOST_CONSTRAINTS, MOST_TERMS, Constraint, parse, plain

ANALYZER = Analyzer()
PIECES = st.sampled_from(
    [
        *(
            "alpha",
            "the",
            "Beta-Gamma",
            "GitHub",
            "中文",
            "ไทย",
            "é",
            "🔥",
            "\ud800",
            "\0",
            "x" * 99,
        ),
        *('"', '"', "+", "-", "*", " ", " ", "\n", "title:", "path:", "a/b", "(", ")", ":", "AND"),
    ]
)
TEXTS = st.lists(PIECES, max_size=30).map("".join) | st.text(max_size=80)
# A word without a sign of the query language in it.
WORD = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=8).filter(
    lambda word: len(ANALYZER.phrase_terms(word)) > 0
)


@given(TEXTS)
@example("\ud800")
@example('+"')
@example('title:"')
@example("path:")
@example("--" * 50_000)
@example('"' * 100_000)
@example('-"a' * 30_000)
@example("title:" * 15_000)
@example("(" * 100_000)
def test_every_text_is_a_query(text: str) -> None:
    for query in (parse(text, ANALYZER), plain(text, ANALYZER)):
        query.text.encode()
        assert "\0" not in query.text
        assert "*" not in query.text
        assert all(term and not term.isspace() for term in (*query.terms, *query.prefixes))
        assert len(set(query.terms)) == len(query.terms) <= MOST_TERMS
        assert len(query.constraints) <= MOST_CONSTRAINTS
        assert all(c.terms for c in query.constraints)
        assert query.empty is not bool(
            query.text or query.constraints or query.paths or query.not_paths
        )
        if query.terms or query.prefixes:
            assert query.text


@given(st.lists(WORD, min_size=1, max_size=6))
def test_words_without_operators_mean_the_same_in_both_languages(words: list[str]) -> None:
    text = " ".join(words)
    assert parse(text, ANALYZER) == plain(text, ANALYZER)
    assert parse(text, ANALYZER).text == text


@given(TEXTS)
def test_plain_reading_has_no_operators(text: str) -> None:
    query = plain(text, ANALYZER)
    assert (query.constraints, query.prefixes, query.paths, query.not_paths) == ((), (), (), ())


@given(WORD, WORD, st.sampled_from(["", "title:"]))
def test_signs_and_fields_make_constraints(wanted: str, unwanted: str, field: str) -> None:
    query = parse(f"+{field}{wanted} -{field}{unwanted}", ANALYZER)
    where = "title" if field else "body"
    must = Constraint(tuple(ANALYZER.phrase_terms(wanted)), where)
    must_not = Constraint(tuple(ANALYZER.phrase_terms(unwanted)), where, negative=True)
    assert query.constraints == (must, must_not)
    assert query.text == wanted
    assert set(query.terms) == set(must.terms)


@given(st.lists(WORD, min_size=1, max_size=5), st.sampled_from(["", "+", "-"]))
def test_quoted_words_make_one_constraint(words: list[str], sign: str) -> None:
    phrase = " ".join(words)
    for closing in ('"', ""):
        query = parse(f'{sign}"{phrase}{closing}', ANALYZER)
        [constraint] = query.constraints
        assert constraint.terms == tuple(ANALYZER.phrase_terms(phrase))[:MOST_CONSTRAINTS]
        assert constraint.negative is (sign == "-")
        assert query.text == ("" if sign == "-" else phrase)


@given(TEXTS)
def test_what_must_not_be_there_is_not_looked_for(text: str) -> None:
    words = clean(text).replace('"', "").split()
    query = parse(" ".join(f"-{word}" for word in words), ANALYZER)
    assert all(c.negative for c in query.constraints)


@given(st.lists(WORD | st.sampled_from(["the", "of", "is"]), min_size=1, max_size=6))
def test_stop_words_count_only_where_there_is_nothing_else(words: list[str]) -> None:
    terms = parse(" ".join(words), ANALYZER).terms
    content = [t for w in words if not ANALYZER.is_stop_word(w) for t in ANALYZER.query_terms(w)]
    every = [t for w in words for t in ANALYZER.query_terms(w)]
    assert terms == tuple(dict.fromkeys(content or every))
