"""Reading training examples: the format and the order of rows change nothing; groups stay whole."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Final

from hypothesis import given
from hypothesis import strategies as st

from engine.errors import CollectionError
from indexer.training.examples import Candidate, Example
from indexer.training.reading import examples_of, read_examples, split
from tests.pair_files import pairs_file

if TYPE_CHECKING:
    from random import Random

    from indexer.training.examples import TrainingSet

# What CSV, JSON and Parquet all keep: no lone surrogates, no NUL, and no bare carriage return.
TEXT: Final = st.text(
    st.characters(exclude_categories=["Cs", "Cc"]) | st.sampled_from('\n\t",;'), min_size=1
).filter(lambda text: bool(text.strip()))
SHORT: Final = st.sampled_from(["mill", "corn ", "a, b", '"quoted"', "was ißt man", "7"])
QUERY: Final = SHORT | TEXT
PAIR: Final = st.fixed_dictionaries({"answer": QUERY, "query": QUERY})
LABELLED: Final = st.fixed_dictionaries(
    {"label": st.floats(0, 1) | st.booleans(), "query": SHORT, "passage": TEXT}
)
TUPLE: Final = st.fixed_dictionaries(
    {"negative_1": TEXT, "anchor": SHORT, "negative_2": TEXT, "positive": TEXT}
)
ROWS: Final = st.one_of(
    *(st.lists(one, min_size=1, max_size=12) for one in (PAIR, LABELLED, TUPLE))
)
Rows = list[dict[str, object]]


def read(rows: Rows, *, lenient: bool = True) -> TrainingSet | None:
    try:
        return examples_of(enumerate(rows, 1), place="rows", name="a", lenient=lenient)
    except CollectionError:
        return None


def content(training: TrainingSet | None) -> object:
    """Return what a set says, whatever the order."""
    if training is None:
        return None
    judged = {example.query: set(example.candidates) for example in training.examples}
    assert len(judged) == len(training.examples)
    return training.kind, judged


@given(ROWS, st.randoms(), st.booleans())
def test_the_order_of_rows_changes_nothing_but_the_order_of_examples(
    rows: Rows, random: Random, lenient: bool
) -> None:
    shuffled = list(rows)
    random.shuffle(shuffled)
    read_once = read(rows, lenient=lenient)
    assert content(read(shuffled, lenient=lenient)) == content(read_once)
    assert content(read([*rows, *shuffled], lenient=lenient)) == content(read_once)


@given(ROWS)
def test_reading_is_what_a_slow_look_at_all_rows_finds(rows: Rows) -> None:
    """The exact slow twin: no gathering, every row held against every other."""
    judged: list[tuple[str, str, float]] = []
    for row in rows:
        query = str(row.get("query", row.get("anchor")))
        label = row.get("label", 1)
        assert isinstance(label, int | float)
        judged += [
            (query, str(row[name]), 0 if name.startswith("negative") else float(label))
            for name in ("answer", "passage", "positive", "negative_1", "negative_2")
            if name in row
        ]
    clear = {
        (query, text, label)
        for query, text, label in judged
        if all(label == other for q, t, other in judged if (q, t) == (query, text))
    }
    found = read(rows)
    assert clear == {
        (e.query, c.text, c.label) for e in (found.examples if found else ()) for c in e.candidates
    }
    assert (read(rows, lenient=False) is None) == (len({j[:2] for j in judged}) > len(clear))


@given(ROWS)
def test_every_format_gives_back_what_was_written(rows: Rows) -> None:
    expected = content(read(rows))
    names = ("a.csv", "a.jsonl", "a.parquet")
    with tempfile.TemporaryDirectory() as home:
        if "label" in rows[0]:  # a column of Parquet has one type
            rows = [{**row, "label": float(str(row["label"] + 0))} for row in rows]  # pyright: ignore
        for name in names:
            path = pairs_file(Path(home), rows, name)
            if expected is not None:
                assert content(read_examples(path, lenient=True)) == expected


@st.composite
def examples(draw: st.DrawFn) -> list[Example]:
    """Examples that often share their answers, by text or by document."""
    candidate = st.builds(
        Candidate,
        st.sampled_from(["one", "ONE ", "two", "three", "four", "five"]),
        st.sampled_from([0.0, 1.0, 0.5]),
        st.sampled_from(["", "", "a", "b", "c"]),
    )
    count = draw(st.integers(0, 20))
    lists = st.lists(candidate, min_size=1, max_size=2)
    return [
        Example(draw(st.sampled_from([f"q{n}", f"Q{n}", "same", "same "])), tuple(draw(lists)))
        for n in range(count)
    ]


@given(examples(), st.floats(0.01, 0.99), st.integers(0, 3), st.randoms())
def test_a_split_keeps_groups_whole_and_does_not_depend_on_the_order(
    every: list[Example], share: float, seed: int, random: Random
) -> None:
    train, dev = split(every, share, seed)
    places = {id(example): at for at, example in enumerate(every)}
    for side in (train, dev):
        assert [places[id(e)] for e in side] == sorted(places[id(e)] for e in side)
    assert len(train) + len(dev) == len(every)
    assert not ties(train) & ties(dev)
    shuffled = list(every)
    random.shuffle(shuffled)
    assert {id(e) for e in split(shuffled, share, seed)[1]} == {id(e) for e in dev}
    if several_groups(every):
        assert train
        assert dev


def ties(some: list[Example]) -> set[tuple[str, str]]:
    found = {("query", " ".join(example.query.split()).casefold()) for example in some}
    for candidate in (c for example in some for c in example.positives):
        found.add(("text", " ".join(candidate.text.split()).casefold()))
        found.add(("document", candidate.document))
    return found - {("document", "")}


def several_groups(every: list[Example]) -> bool:
    """The slow twin: grow the first example's group until nothing joins it."""
    group, rest = every[:1], every[1:]
    while joined := [example for example in rest if ties([example]) & ties(group)]:
        group += joined
        rest = [example for example in rest if example not in joined]
    return bool(rest)
