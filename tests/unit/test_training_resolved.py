from __future__ import annotations

import json
import os
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from engine.config import IndexSettings
from engine.errors import CollectionError
from engine.local.store import LocalStore
from engine.memory import MemoryStore
from engine.types import Document, Passage
from indexer.build import build
from indexer.training.examples import Candidate, Example, TrainingSet
from indexer.training.located import Place, locate, whole
from indexer.training.reading import read_examples
from indexer.training.resolved import resolve
from tests.fakes import HashEncoder
from tests.indexing import Shelf

if TYPE_CHECKING:
    from engine.protocols import Snapshot

DATA = os.environ.get("SHORTLIST_DATA", "")
ENCODER = HashEncoder()
MILL = ("The mill stands by the river.", "It grinds corn\ninto flour.", "The miller sells flour.")


@pytest.fixture(scope="module")
def snapshot() -> Snapshot:
    """A long document with title and headings, short ones, and one without text."""
    store = MemoryStore()
    with store.writer() as writer:
        documents = {
            "mill.md": ("The mill", MILL),
            "bread.md": ("", ("The baker bakes bread.",)),
            "same.md": ("", ("It grinds corn into flour.",)),
            "void.md": ("Nothing", ()),
            "two.md": ("", ("Corn and corn again.", "Corn, and oats.")),
        }
        for id_, (title, texts) in documents.items():
            passages: list[Passage] = []
            start = 0
            for number, text in enumerate(texts):
                heading = ("Work",) if number == 2 else ()
                end = start + len(text)
                passages.append(
                    Passage(number=number, start=start, end=end, text=text, heading=heading)
                )
                start = end + 1
            vectors = ENCODER.encode_passages(texts)
            writer.add(Document(id=id_, title=title, path=id_), passages, vectors)
        writer.commit()
    return store.snapshot()


def training(*candidates: Candidate, query: str = "who sells flour") -> TrainingSet:
    return TrainingSet(name="set", kind="labelled", examples=[Example(query, candidates)])


def resolved(snapshot: Snapshot, *candidates: Candidate, query: str = "q") -> list[Candidate]:
    found = resolve(snapshot, ENCODER, training(*candidates, query=query)).examples
    return [candidate for example in found for candidate in example.candidates]


def notes(snapshot: Snapshot, *candidates: Candidate) -> tuple[str, ...]:
    return resolve(snapshot, ENCODER, training(*candidates)).notes


def test_a_document_becomes_its_best_passage_for_the_query(snapshot: Snapshot) -> None:
    mill = Candidate("", 1, "mill.md")
    for query, text in {
        "who sells flour to whom": "The mill > Work\nThe miller sells flour.",
        "by the river": "The mill\nThe mill stands by the river.",
    }.items():
        assert resolved(snapshot, mill, query=query) == [Candidate(text, 1, "mill.md")]


def test_a_label_stays_with_its_document(snapshot: Snapshot) -> None:
    found = resolved(snapshot, Candidate("", 0.25, "bread.md"), Candidate("", -3, "same.md"))
    assert [(c.document, c.label) for c in found] == [("bread.md", 0.25), ("same.md", -3)]


def test_the_whole_text_of_a_long_document_becomes_its_best_passage(snapshot: Snapshot) -> None:
    for text in ("\n".join(MILL), "The mill\n" + "  ".join(MILL)):
        for document in ("", "mill.md"):
            [one] = resolved(snapshot, Candidate(text, 1, document), query="corn into flour")
            assert one == Candidate("The mill\nIt grinds corn\ninto flour.", 1, "mill.md")


def test_a_text_that_is_a_passage_stays_that_passage_whatever_the_query(
    snapshot: Snapshot,
) -> None:
    expected = Candidate("The mill > Work\nThe miller sells flour.", 1, "mill.md")
    for text in ("The miller  sells flour. ", "The mill > Work The miller sells flour."):
        assert resolved(snapshot, Candidate(text, 1), query="by the river") == [expected]


def test_a_whole_document_is_found_before_a_passage_of_another(snapshot: Snapshot) -> None:
    [one] = resolved(snapshot, Candidate("It grinds corn into flour.", 1))
    assert one.document == "same.md"


def test_a_part_of_a_named_document_becomes_the_passage_that_holds_it(snapshot: Snapshot) -> None:
    [one] = resolved(snapshot, Candidate("corn into", 1, "mill.md"), query="by the river")
    assert one.text == "The mill\nIt grinds corn\ninto flour."
    [one] = resolved(snapshot, Candidate("orn", 1, "two.md"), query="oats")
    assert one.text == "Corn, and oats."


def test_texts_from_elsewhere_stay_as_they_are_with_a_note(snapshot: Snapshot) -> None:
    short, long = Candidate("Oats are oats.", 1), Candidate("word " * 1000, 0)
    assert resolved(snapshot, short, long) == [short, long]
    assert notes(snapshot, short, long) == (
        "answers that are not in the index: 1",
        "answers that are not in the index, and far longer than a passage: only their beginning"
        " is read: 1",
    )


def test_a_document_that_is_not_there_is_named_with_how_many(snapshot: Snapshot) -> None:
    gone = [Candidate("any text", 1, name) for name in ("gone", "bread.md", "lost", "missing")]
    with pytest.raises(CollectionError) as caught:
        resolve(snapshot, ENCODER, training(*gone))
    assert str(caught.value).startswith(
        "set: 'gone' and 2 other documents of 4 judged are not in the index; index what"
    )
    with pytest.raises(CollectionError, match=r"^set: 'lost' of 1 judged"):
        dev = training(gone[2]).examples
        resolve(snapshot, ENCODER, replace(training(Candidate("a", 1)), dev=dev))


def test_answers_that_are_ids_are_read_as_ids(snapshot: Snapshot) -> None:
    ids = [Candidate(" bread.md", 1), Candidate("same.md", 0)]
    assert [c.document for c in resolved(snapshot, *ids)] == ["bread.md", "same.md"]
    assert notes(snapshot, *ids) == ("answers read as the ids of documents: 2",)
    with pytest.raises(CollectionError, match=r"'lost\.md' of 3 judged are not in the index"):
        resolved(snapshot, *ids, Candidate("lost.md", 1))


def test_a_text_that_happens_to_be_an_id_stays_a_text(snapshot: Snapshot) -> None:
    texts = [Candidate("bread.md", 1), Candidate("Some text.", 1)]
    assert resolved(snapshot, *texts) == texts


def test_a_document_without_text_is_left_out_unless_its_text_was_given(
    snapshot: Snapshot,
) -> None:
    void, bread = Candidate("", 1, "void.md"), Candidate("", 1, "bread.md")
    assert [c.document for c in resolved(snapshot, void, bread)] == ["bread.md"]
    given = Candidate("a text", 1, "void.md")
    assert resolved(snapshot, given) == [given]
    held = replace(training(bread), dev=[Example("q", (void,))])
    found = resolve(snapshot, ENCODER, held)
    assert found.dev == []
    assert found.notes == ("answers whose documents have no text, left out: 1",)


def test_two_answers_that_become_one_passage_are_one_with_the_better_label(
    snapshot: Snapshot,
) -> None:
    twins = [Candidate("", 0, "bread.md"), Candidate("The baker bakes bread.", 1)]
    assert resolved(snapshot, *twins) == [Candidate("The baker bakes bread.", 1, "bread.md")]
    assert notes(snapshot, *twins) == (
        "answers that became a passage which their query has already: 1",
    )


def test_notes_and_dev_stay_with_their_set(snapshot: Snapshot) -> None:
    bread = Candidate("", 1, "bread.md")
    held = replace(training(bread), dev=[Example("q", (bread,))], notes=("read so",))
    found = resolve(snapshot, ENCODER, held)
    assert found.dev == [Example("q", (Candidate("The baker bakes bread.", 1, "bread.md"),))]
    assert (found.notes, found.name, found.kind) == (("read so",), "set", "labelled")


def test_overlapping_passages_are_put_together_to_the_document_that_they_are_of(
    tmp_path: Path,
) -> None:
    """The oracle: the file, which the reader of documents cut into passages that overlap."""
    text = "".join(f"Sentence {n} says how much corn mill {n} grinds.\n\n" for n in range(60))
    shelf = Shelf(tmp_path)
    shelf.write({"long.txt": text, "short.txt": "One line."})
    settings = IndexSettings(encoder="hash", dim=64, passage_words=40, overlap_words=15)
    store = LocalStore(tmp_path / "overlapping", settings)
    build(store, shelf.encoder, (shelf.docs,))
    view = store.snapshot()
    try:
        passages = [stored for stored, _ in view.document_passages("long.txt")]
        spans = [(stored.passage.start, stored.passage.end) for stored in passages]
        assert any(start < end for (_, end), (start, _) in pairwise(spans))
        assert whole(passages).split() == text.split()
        assert locate(view, [text, "One  line.", passages[3].passage.text, "no"]) == {
            text: Place("long.txt", None),
            "One  line.": Place("short.txt", None),
            passages[3].passage.text: Place("long.txt", 3),
        }
    finally:
        view.close()


@pytest.mark.skipif(not DATA, reason="SHORTLIST_DATA names no folder with judged collections")
@pytest.mark.parametrize("name", ["medquad", "squad"])
def test_the_texts_of_real_documents_lead_to_the_same_passages_as_their_ids(
    name: str, tmp_path: Path
) -> None:
    whole_set = read_examples(Path(DATA, name))
    by_id = replace(whole_set, examples=whole_set.examples[:500], dev=whole_set.dev[:50])
    wanted = {c.document for e in (*by_id.examples, *by_id.dev) for c in e.candidates}
    with Path(DATA, name, "corpus.jsonl").open() as corpus:
        lines = [line for line in corpus if json.loads(line)["_id"] in wanted]
    shelf = Shelf(tmp_path)
    (tmp_path / "corpus.jsonl").write_text("".join(lines))
    shelf.index(tmp_path / "corpus.jsonl")
    view = shelf.store.snapshot()
    try:
        found = resolve(view, ENCODER, by_id)
        by_text = replace(by_id, examples=[_without_ids(e) for e in by_id.examples], dev=())
        assert (len(found.examples), len(found.dev)) == (500, 50)
        texts = [[c.text for c in e.candidates] for e in found.examples]
        again = resolve(view, ENCODER, by_text).examples
        assert [[c.text for c in e.candidates] for e in again] == texts
        longest = max(len(text.split()) for some in texts for text in some)
        assert (
            longest < 100 < max(len(c.text.split()) for e in by_id.examples for c in e.candidates)
        )
        read = {p.context for i in wanted for p, _ in view.document_passages(i)}
        assert {text for some in texts for text in some} <= read
    finally:
        view.close()


def _without_ids(example: Example) -> Example:
    return Example(example.query, tuple(replace(c, document="") for c in example.candidates))
