from __future__ import annotations

import random
from typing import TYPE_CHECKING, Final

import pytest

from engine.analysis import Analyzer
from engine.config import IndexSettings
from engine.errors import CollectionError, UsageError
from engine.evaluation.known_names import key_of, names
from engine.local.store import LocalStore
from engine.memory import MemoryStore
from engine.types import Document, Passage, StoredPassage
from indexer.training.examples import Candidate, Example, TrainingSet
from indexer.training.from_index import MOST_SHARED, examples, split_documents
from indexer.training.masking import sentences, without

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from engine.evaluation.known_names import Kind
    from engine.protocols import Store

ANALYZER: Final = Analyzer()
Content = tuple[Document, list[Passage]]
BODY: Final = "It stands beside the river and turns its wheel all day long."
WORDS: Final = ("corn", "flour", "stone", "wheel", "river", "sack", "bread", "oven", "salt", "oat")


def passage(text: str, *heading: str, number: int = 0) -> Passage:
    return Passage(number=number, start=0, end=len(text), text=text, heading=heading)


def document(path: str, text: str = BODY, *heading: str, title: str = "") -> Content:
    """A document of one passage; without a title it has its file's name."""
    file = path.rpartition("/")[2]
    about = Document(id=path, path=path, type=file.rpartition(".")[2], title=title or file)
    return about, [passage(text, *heading)]


def pages(count: int) -> list[Content]:
    """Documents that differ by a heading in words, since numbers alone make a series."""
    return [
        document(
            f"{n}.md", BODY, f"The {WORDS[n // 10 % 10]} and the {WORDS[n % 10]} {'x' * (n // 100)}"
        )
        for n in range(count)
        if n // 10 % 10 != n % 10
    ]


def made(
    documents: Iterable[Content], *, most: int = 1000, seed: int = 0, store: Store | None = None
) -> TrainingSet:
    store = store or MemoryStore()
    with store.writer() as writer:
        for about, passages in documents:
            writer.add(about, passages, None)
        writer.commit()
    return examples(store.snapshot(), ANALYZER, most=most, seed=seed)


def asked(training: TrainingSet) -> dict[str, list[str]]:
    """Return the documents that answer each question."""
    return {e.query: [c.document for c in e.candidates] for e in training.examples}


def masked(kind: Kind, content: Content) -> tuple[str, str]:
    """Return (question, answer) of the one name of a kind that a document has."""
    about, passages = content
    found = [name for name in names(about, passages).values() if name.kind == kind]
    if kind == "sentence":
        found = list(sentences(about, passages))
    [name] = found
    stored = StoredPassage(id=1, document=about, passage=passages[name.passage or 0])
    return name.words, without(stored, name)[0]


class TestMasking:
    def test_a_heading_is_taken_from_above_its_section_and_the_title_stays(self) -> None:
        content = document("a.md", BODY, "Mills", "Grinding corn", title="Handbook")
        assert masked("heading", content) == ("Grinding corn", f"Handbook > Mills\n{BODY}")

    def test_the_line_of_the_heading_is_taken_from_the_text(self) -> None:
        content = document("a.md", f"## 1.2 Grinding *corn*\n\n{BODY}", "Grinding corn")
        assert masked("heading", content)[1] == f"a.md\n{BODY}"

    def test_a_sentence_that_begins_with_the_heading_stays(self) -> None:
        content = document("a.md", "Grinding corn takes a while.", "Grinding corn")
        assert masked("heading", content)[1] == "a.md\nGrinding corn takes a while."

    def test_both_headings_of_which_a_name_is_put_together_are_taken(self) -> None:
        content = document("a.md", f"Prices\n\n{BODY}", "Old mills", "Prices", title="Handbook")
        assert masked("heading", content) == ("Old mills Prices", f"Handbook\n{BODY}")

    def test_a_title_is_taken_with_what_a_site_adds_to_it(self) -> None:
        content = document("a.html", f"Old mills\n{BODY}", "More", title="Old mills | Handbook")
        assert masked("title", content) == ("Old mills", f"More\n{BODY}")

    def test_a_question_is_taken_and_its_answer_stays(self) -> None:
        content = document("faq.md", f"Q: Who owns the mill?\n\n{BODY}", "Mill", title="FAQ")
        assert masked("question", content) == ("Who owns the mill?", f"FAQ > Mill\n{BODY}")

    def test_a_docstring_is_taken_out_of_its_code(self) -> None:
        text = 'def f():\n    """Grind the :func:`corn`\n    of it. All day.\n    """\n    return 1'
        question, answer = masked(
            "docstring", document("mill.py", text, title="Grind the corn of it")
        )
        assert question == "Grind the corn of it"
        assert answer == 'def f():\n    """All day.\n    """\n    return 1'

    def test_comments_are_taken_out_across_their_marks(self) -> None:
        text = "/// Grind the corn\n/// between stones. All day.\npub fn grind() {}\n"
        assert masked("docstring", document("mill.rs", text))[1] == (
            "mill.rs\n/// All day.\npub fn grind() {}\n"
        )

    def test_a_definition_is_asked_for_in_words_and_its_name_taken_from_above(self) -> None:
        content = document("mill.py", "def grind_corn(x): ...", "Mill", "grind_corn(x)")
        assert masked("heading", content) == (
            "grind corn",
            "mill.py > Mill\ndef grind_corn(x): ...",
        )

    def test_a_sentence_is_taken_out_of_its_passage(self) -> None:
        content = document("a.txt", f"Old mills grind the corn. {BODY.rstrip('.')}")
        assert masked("sentence", content) == ("Old mills grind the corn", f"a.txt\n{BODY[:-1]}")

    def test_what_is_taken_is_the_whole_sentence_wherever_it_stands_again(self) -> None:
        text = "It grinds. Old mills grind the corn. Old mills grind. Old mills grind the corn."
        about, passages = document("a.txt", text)
        [name] = [n for n in sentences(about, passages) if n.text == "Old mills grind the corn"][:1]
        stored = StoredPassage(id=1, document=about, passage=passages[0])
        assert without(stored, name)[1] == "It grinds. Old mills grind. "


class TestSentences:
    def found(self, path: str, *texts: str) -> list[str]:
        about, _ = document(path)
        passages = [passage(text, number=n) for n, text in enumerate(texts)]
        return [name.text for name in sentences(about, passages)]

    def test_whole_sentences_and_tasks_before_a_colon_are_taken(self) -> None:
        text = (
            "Old mills grind. Sell the flour: sell --all Buy corn again: buy\n\n- Mills, e.g. old."
        )
        assert self.found("a.txt", text) == ["Old mills grind", "Sell the flour", "Mills, e.g. old"]

    def test_what_begins_or_ends_in_another_passage_is_not(self) -> None:
        assert self.found("a.txt", "One two three. Four five", "Six. Seven eight. Nine") == [
            "One two three",
            "Seven eight",
        ]

    def test_code_and_long_texts_have_none(self) -> None:
        assert self.found("a.py", "One two three.") == []
        assert self.found("a.txt", f"One {'two ' * 60}three. x = {{1}}. Run -x now.") == []

    def test_sentences_of_chinese_need_no_space(self) -> None:
        assert self.found("a.txt", "水车磨玉米。它很老。") == ["水车磨玉米", "它很老"]


class TestExamples:
    def test_each_question_has_the_document_that_it_was_made_from(self) -> None:
        training = made(pages(50))
        assert training.kind == "pairs"
        assert asked(training)["The stone and the wheel "[:-1]] == ["23.md"]
        assert len(training.examples) == 45
        assert not training.dev

    def test_most_answers_lack_the_words_of_the_question_and_some_have_them(self) -> None:
        documents = [
            document(f"{n}-{m}.md", BODY, f"The {word} of {' '.join(WORDS[: m + 1])}")
            for n, word in enumerate(WORDS)
            for m in range(1, 10)
        ]
        answers = [(e.query, c.text) for e in made(documents).examples for c in e.candidates]
        shown = sum(query in text for query, text in answers)
        assert len(answers) == 90
        assert 2 <= shown <= 20
        assert all(text.endswith(BODY) for _, text in answers)

    def test_a_name_of_several_documents_has_them_all(self) -> None:
        again = [
            document("x.md", BODY, "THE CORN   and the flour"),
            document("y.md", title="The corn and the flour!"),
            document("the_corn_and_the_flour.md"),
        ]
        training = made(pages(20) + again)
        [found] = [
            docs for q, docs in asked(training).items() if key_of(q).endswith("and the flour")
        ]
        assert found == ["1.md", "the_corn_and_the_flour.md", "x.md", "y.md"]

    def test_a_name_of_too_many_documents_is_not_asked_and_that_is_noted(self) -> None:
        again = [document(f"x{n}.md", BODY, "The old mill") for n in range(MOST_SHARED + 1)]
        training = made(pages(30) + again)  # the one sentence of all their texts is left out too
        assert "The old mill" not in asked(training)
        assert any(note.startswith("2 left out") for note in training.notes)
        assert "The old mill" in asked(made(pages(30) + again[1:]))

    def test_a_file_name_alone_is_no_question(self) -> None:
        assert "grinding corn" not in asked(made([*pages(30), document("grinding_corn.md")]))

    def test_a_document_gives_several_questions(self) -> None:
        about, _ = document("long.md")
        some = [passage(BODY, f"All about {word}s", number=n) for n, word in enumerate(WORDS)]
        training = made([(about, some)])
        assert len(training.examples) == 10
        assert {c.document for e in training.examples for c in e.candidates} == {"long.md"}

    def test_few_are_drawn_from_many_documents(self) -> None:
        twice = [
            (about, [*passages, passage(BODY, f"More on {passages[0].heading[0]}", number=1)])
            for about, passages in pages(60)
        ]
        training = made(twice, most=40)
        assert len({c.document for e in training.examples for c in e.candidates}) == 40

    def test_sentences_are_asked_only_of_documents_without_a_name(self) -> None:
        text = "Old mills grind the golden corn. {} is sold by the miller for money. " + BODY
        named = [document(f"{n}.md", text.format(w), f"The {w} mill") for n, w in enumerate(WORDS)]
        nameless = [document(f"x{n}.txt", text.format(w.title())) for n, w in enumerate(WORDS)]
        training = made(named + nameless)
        assert {d for q, ds in asked(training).items() if "sold" in q for d in ds} == {
            about.id for about, _ in nameless
        }
        assert any("10 of kind heading" in note for note in training.notes)

    def test_what_has_no_text_of_its_own_answers_nothing(self) -> None:
        assert "The old mill" not in asked(
            made([*pages(30), document("x.md", "Old.", "The old mill")])
        )

    def test_a_title_is_answered_by_the_first_passage_with_a_text(self) -> None:
        about = Document(id="x", path="x.md", type="md", title="The old mill")
        content = (about, [passage("The old mill\n\n"), passage(BODY, "Wheel", number=1)])
        [example] = [e for e in made([*pages(30), content]).examples if e.query == "The old mill"]
        assert example.candidates[0].text in (f"Wheel\n{BODY}", f"The old mill > Wheel\n{BODY}")

    def test_equal_content_gives_equal_examples_in_any_order_and_store(
        self, tmp_path: Path
    ) -> None:
        documents = pages(60)
        first = made(documents, most=20)
        assert made(documents[::-1], most=20) == first
        local = LocalStore(tmp_path / "index", IndexSettings(dim=4))
        assert made(documents, most=20, store=local) == first
        assert set(asked(made(documents, most=20, seed=1))) != set(asked(first))

    def test_every_example_agrees_with_a_look_at_the_whole_index(self) -> None:
        rng = random.Random(3)
        documents = [
            document(
                f"{n}.{rng.choice(['md', 'py', 'txt'])}",
                f"{rng.choice(['Is ', '# '])}{' '.join(rng.sample(WORDS, 3))}?\n\n{BODY * 2}",
                " ".join(rng.choices(WORDS[:4], k=2)),
                title=" ".join(rng.choices(WORDS[:4], k=3)),
            )
            for n in range(200)
        ]
        known = {about.id: set(names(about, passages)) for about, passages in documents}
        training = made(documents)
        assert len(training.examples) > 50
        for example in training.examples:
            key = key_of(example.query)
            owners = sorted(id_ for id_, keys in known.items() if key in keys)
            if owners:  # not a sentence
                assert [c.document for c in example.candidates] == owners
            assert 1 <= len(example.candidates) <= MOST_SHARED

    def test_an_index_without_anything_to_ask_is_an_error_that_says_so(self) -> None:
        with pytest.raises(CollectionError, match=r"only 9 questions .* write some questions"):
            made(pages(10))
        with pytest.raises(UsageError, match="one or more"):
            made(pages(10), most=0)


def example(query: str, *documents: str) -> Example:
    return Example(query, tuple(Candidate(BODY, 1.0, document) for document in documents))


class TestSplit:
    def split(self, some: list[Example], **options: int) -> TrainingSet:
        return split_documents(TrainingSet(name="x", kind="pairs", examples=some), **options)

    def test_no_document_is_in_both_parts(self) -> None:
        rng = random.Random(1)
        some = [
            example(str(n), *{f"d{rng.randrange(80)}" for _ in range(rng.choice([1, 1, 2]))})
            for n in range(300)
        ]
        found = self.split(some)
        kept, held = (
            {c.document for e in part for c in e.candidates} for part in (found.examples, found.dev)
        )
        assert not kept & held
        assert 30 <= len(found.dev) <= 40
        assert len(found.examples) + len(found.dev) > 250

    def test_no_more_are_held_out_than_asked_for(self) -> None:
        some = [example(str(n), f"d{n}") for n in range(500)]
        assert len(self.split(some, most=20).dev) == 20
        assert len(self.split(some).dev) == 50
        assert len(self.split(some, most=20).examples) == 480

    @pytest.mark.parametrize("seed", range(4))
    def test_a_document_that_most_questions_are_about_is_learned_from(self, seed: int) -> None:
        some = [example(str(n), "handbook" if n < 900 else f"d{n}") for n in range(1000)]
        found = self.split(some, seed=seed)
        assert len(found.examples) >= 900
        assert len(found.dev) == 100

    def test_where_all_documents_are_alike_a_large_one_is_held_out(self) -> None:
        some = [example(str(n), f"d{n // 10}") for n in range(40)]
        found = self.split(some)
        assert (len(found.examples), len(found.dev)) == (30, 10)

    def test_a_seed_decides_which(self) -> None:
        some = [example(str(n), f"d{n}") for n in range(500)]
        assert self.split(some, seed=1) == self.split(some, seed=1)
        assert self.split(some, seed=1) != self.split(some, seed=2)
