"""Queries made from any index, against a slow look at all of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from hypothesis import given
from hypothesis import strategies as st

from engine.analysis import Analyzer
from engine.errors import CollectionError
from engine.evaluation.comments import CODE, first_sentences
from engine.evaluation.known_items import make_queries
from engine.evaluation.known_names import is_query, names, split_words
from engine.memory import MemoryStore
from engine.types import Document, Passage

if TYPE_CHECKING:
    from random import Random

    from engine.evaluation.collection import Collection

ANALYZER: Final = Analyzer()
WORD = st.sampled_from(
    ["old", "mill", "corn", "flour", "the", "stone", "wheel", "Mühle", "See", "also"]
)
LINE = st.lists(WORD, min_size=1, max_size=5).map(" ".join)
TEXT = st.sampled_from(['"""%s."""\nx = 1\n', "%s", "# %s\n", "Is %s?\n\nIt is, and it is so.\n"])
PIECE = st.sampled_from(
    [
        *('"""', "'''", "/**", "*/", "///", "//", "#", "#!", "--", ";", "\n", "\n\n", " ", "\t"),
        *(
            "def f():\n",
            "class A:\n",
            "?",
            "\uff1f",
            ".",
            ":",
            "(",
            ")",
            "<b>",
            "_",
            "`",
            "*",
            "1. ",
        ),
        *(
            "@param ",
            "Re: ",
            " | ",
            "Q: ",
            "Grind",
            "corn",
            "中文",
            "ไทย",
            "é",
            "\u0301",
            "🔥",
            "\0",
        ),
    ]
)
MESS = st.lists(PIECE, max_size=30).map("".join) | st.text(max_size=40)


@st.composite
def contents(draw: st.DrawFn) -> list[tuple[Document, list[Passage]]]:
    """Documents that often say the same."""
    found: list[tuple[Document, list[Passage]]] = []
    for number in range(draw(st.integers(0, 30))):
        file = draw(st.sampled_from(["a", "old_mill", "cornMill", "stone-wheel", "test_mill"]))
        kind = draw(st.sampled_from(["md", "py", "html", "docx"]))
        path = f"{draw(st.sampled_from(['', 'docs/', 'tests/']))}{file}.{kind}"
        title = draw(st.sampled_from(["", path]) | LINE)
        passages = [
            Passage(
                number=at,
                start=0,
                end=len(text),
                text=text,
                heading=tuple(draw(st.lists(LINE, max_size=2))),
            )
            for at in range(draw(st.integers(0, 3)))
            for text in [draw(TEXT).replace("%s", draw(LINE))]
        ]
        found.append((Document(id=f"d{number}", path=path, type=kind, title=title), passages))
    return found


def made(documents: list[tuple[Document, list[Passage]]], most: int) -> Collection | None:
    store = MemoryStore()
    with store.writer() as writer:
        for document, passages in documents:
            writer.add(document, passages, None)
        writer.commit()
    try:
        return make_queries(store.snapshot(), ANALYZER, most=most)
    except CollectionError:
        return None


@given(contents(), st.integers(1, 12))
def test_a_query_is_a_name_of_its_document_and_of_no_other(
    documents: list[tuple[Document, list[Passage]]], most: int
) -> None:
    collection = made(documents, most)
    every = {d.id: names(d, p) for d, p in documents if p}
    unmistakable = {
        id_
        for id_, found in every.items()
        if any(
            is_query(name, ANALYZER) and sum(key in other for other in every.values()) == 1
            for key, name in found.items()
        )
    }
    if collection is None:
        assert len(unmistakable) < min(10, most)
        return
    owners = {q: next(iter(grades)) for q, grades in collection.qrels.items()}
    assert set(owners.values()) <= unmistakable
    assert len(set(owners.values())) == len(owners) == min(most, len(unmistakable))
    for query, text in collection.queries.items():
        [name] = [name for name in every[owners[query]].values() if name.text == text]
        assert sum(name.key in found for found in every.values()) == 1
        assert is_query(name, ANALYZER)
    assert collection.synthetic is not None
    assert 0 <= collection.synthetic.shared_words <= 1
    assert sum(collection.synthetic.kinds.values()) == len(owners)


@given(contents(), st.integers(1, 12), st.randoms())
def test_the_order_of_indexing_changes_nothing(
    documents: list[tuple[Document, list[Passage]]], most: int, random: Random
) -> None:
    shuffled = list(documents)
    random.shuffle(shuffled)
    assert made(shuffled, most) == made(documents, most)


@given(MESS, st.sampled_from([*sorted(CODE), "md", "eml", "pdf", ""]), MESS, MESS)
def test_any_text_may_stand_in_an_index(text: str, kind: str, above: str, path: str) -> None:
    document = Document(id="a", title=above, path=path, type=kind)
    passage = Passage(number=0, start=0, end=len(text), text=text, heading=(above, path))
    for key, name in names(document, [passage]).items():
        assert key == name.key
        if is_query(name, ANALYZER):
            assert "\n" not in name.text
            assert len(name.key.split()) >= 2
    for sentence in first_sentences(text, kind, top=False):
        assert sentence == " ".join(sentence.split())


@given(MESS, st.text("aZ09'_ -.é\u2019", max_size=30))
def test_words_of_ascii_are_those_of_any_text(mess: str, text: str) -> None:
    for some in (mess, text):
        # A character that is no ASCII, and no word, sends it the slow way.
        assert split_words(some) == split_words(f"{some} \u2014")
