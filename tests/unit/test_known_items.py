from __future__ import annotations

from typing import TYPE_CHECKING, Final

import pytest

from engine.analysis import Analyzer
from engine.config import IndexSettings
from engine.errors import CollectionError, UsageError
from engine.evaluation.comments import first_sentences
from engine.evaluation.known_items import make_queries
from engine.evaluation.known_names import Kind, Name, is_query, names
from engine.local.store import LocalStore
from engine.memory import MemoryStore
from engine.types import Document, Passage

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from engine.evaluation.collection import Collection
    from engine.protocols import Store

ANALYZER: Final = Analyzer()
Content = tuple[Document, list[Passage]]
NUMBERS: Final = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"),
    *("eleven", "twelve"),
)


def passage(text: str, *heading: str, number: int = 0) -> Passage:
    return Passage(number=number, start=0, end=len(text), text=text, heading=heading)


def document(path: str, text: str = "text", *heading: str, title: str = "") -> Content:
    """A document of one passage, called by its path; without a title it has its file's name."""
    file = path.rpartition("/")[2]
    about = Document(id=path, path=path, type=file.rpartition(".")[2], title=title or file)
    return about, [passage(text, *heading)]


def put(store: Store, documents: Iterable[Content]) -> Store:
    with store.writer() as writer:
        for about, passages in documents:
            writer.add(about, passages, None)
        writer.commit()
    return store


def made(
    documents: Iterable[Content], *, most: int = 200, seed: int = 0, store: Store | None = None
) -> Collection:
    filled = put(store or MemoryStore(), documents)
    return make_queries(filled.snapshot(), ANALYZER, most=most, seed=seed)


def pages(count: int, word: str = "mill") -> list[Content]:
    """Documents that differ by a heading in words, since numbers alone make a series."""
    return [
        document(f"{n}.md", "grinding", f"The {word} of {NUMBERS[n // 10]} and {NUMBERS[n % 10]}")
        for n in range(count)
    ]


def asked(collection: Collection) -> dict[str, str]:
    """Return the document of each query text."""
    return {text: next(iter(collection.qrels[q])) for q, text in collection.queries.items()}


def found(kind: Kind, content: Content) -> list[str]:
    """Return what could be asked of one kind."""
    every = names(*content).values()
    return [name.text for name in every if name.kind == kind and is_query(name, ANALYZER)]


class TestNames:
    @pytest.mark.parametrize(
        ("heading", "text"),
        [
            (("Grinding corn",), "Grinding corn"),
            (("The mill", "Grinding corn"), "Grinding corn"),
            (("The mill", "Prices"), "The mill Prices"),
            (("Prices",), "Handbook of mills Prices"),
            (("1.2 Grinding `corn`:",), "Grinding corn"),
            (("Step 3. Grind the *corn*",), "Grind the corn"),
            (("fs.readFile(path[, options], callback)",), "fs.readFile"),
            (("製粉機の使い方",), "製粉機の使い方"),
            (("Мельница и зерно",), "Мельница и зерно"),
            (("การบดข้าวโพด",), "การบดข้าวโพด"),
        ],
    )
    def test_the_innermost_heading_is_a_query(self, heading: tuple[str, ...], text: str) -> None:
        content = document("a.md", "text", *heading, title="Handbook of mills")
        assert found("heading", content) == [text]

    @pytest.mark.parametrize(
        "heading",
        [
            ("Introduction",),
            ("The mill", "Introduction"),
            ("Mills", "mill"),
            ("See also",),
            ("Table of Contents",),
            ("1.2.3 (2024-05-01)",),
            ("Version 1.2.3",),
            ("Page 3",),
            ("The and",),
            ("2 + 2 = 4 (x)",),
            ("Copyright the miller",),
            (" ".join(["mill"] * 9 + ["corn"] * 7),),
            ("目录",),
            ("",),
        ],
    )
    def test_a_heading_that_names_nothing_is_no_query(self, heading: tuple[str, ...]) -> None:
        assert found("heading", document("a.md", "text", *heading)) == []

    def test_a_definition_is_known_by_its_name(self) -> None:
        for name in ("grind_corn", "GrindCorn", "Mill::grindCorn", "HTTPMill"):
            assert found("heading", document("mill.py", "def", name)) == [name]
        for name in ("grind", "_grind_corn", "test_grind_corn", "TestGrindCorn", "__init__"):
            assert found("heading", document("mill.py", "def", name)) == []

    @pytest.mark.parametrize(
        ("title", "text"),
        [
            ("Handbook of mills", "Handbook of mills"),
            ("Handbook of mills | The Mill", "Handbook of mills"),
            ("Handbook of mills \u2014 Mill 3.1 documentation", "Handbook of mills"),
            ("Handbook of mills - Mill Documentation", "Handbook of mills"),
            ("War - and peace", "War - and peace"),
            ("Re: AW: [2] Price of the corn", "[2] Price of the corn"),
            ("RE[2]: Price of the corn", "Price of the corn"),
        ],
    )
    def test_a_title_is_a_query_without_what_is_not_its_own(self, title: str, text: str) -> None:
        assert found("title", document("a.html", title=title)) == [text]

    @pytest.mark.parametrize(
        ("path", "title"),
        [
            ("old_mills.html", "old_mills.html"),
            ("old_mills.html", "Old mills"),
            ("OldMills.html", "old-mills"),
            ("a.html", "index.html"),
            ("a.html", "Mills | The Mill"),
            ("a.py", "Grind corn between stones"),
        ],
    )
    def test_a_title_that_is_none_is_no_query(self, path: str, title: str) -> None:
        assert found("title", document(path, title=title)) == []

    @pytest.mark.parametrize(
        ("path", "text"),
        [
            ("docs/old_mills.md", "old mills"),
            ("Old-Mills.2024.pdf", "old mills 2024"),
            ("src/cornMill.js", "corn mill"),
            ("HTTPMill.java", "http mill"),
            ("Über-Mühlen.txt", "über mühlen"),
        ],
    )
    def test_a_file_name_of_words_is_a_query(self, path: str, text: str) -> None:
        assert found("file name", document(path)) == [text]

    @pytest.mark.parametrize(
        "path",
        ["mill.md", "IMG_20240102_1.md", "3f2a-99c1-0b.txt", "__init__.py", "new document.docx"],
    )
    def test_a_file_name_that_says_little_is_no_query(self, path: str) -> None:
        assert found("file name", document(path)) == []

    def test_what_tests_code_is_no_item(self) -> None:
        for path in (
            "tests/old_mill.py",
            "test_old_mill.py",
            "old_mill.spec.ts",
            "a/test/x_y.json",
        ):
            assert names(*document(path, '"""Grind corn between stones."""')) == {}
        for path in ("tests/old_mill.docx", "contests/old_mill.py", "latest/old_mill.md"):
            assert found("file name", document(path)) == ["old mill"]

    @pytest.mark.parametrize("kind", ["md", "txt", "html", "docx"])
    def test_a_line_that_asks_and_is_answered_is_a_query(self, kind: str) -> None:
        text = "Help\n\n**Q: How fine is the flour?**\n\nAs fine as you like it, or coarser.\n"
        assert found("question", document(f"a.{kind}", text)) == ["How fine is the flour?"]

    @pytest.mark.parametrize(
        ("text", "asks"),
        [
            ("¿Cómo se muele el maíz?\nEntre dos piedras.", "¿Cómo se muele el maíz?"),
            (
                "小麦粉はどうやって挽きますか\uff1f\n\n二つの石の間で挽きます。",
                "小麦粉はどうやって挽きますか\uff1f",
            ),
            ("## 3. Who owns the mill?\nThe miller and his wife.", "Who owns the mill?"),
        ],
    )
    def test_questions_are_known_in_other_writing(self, text: str, asks: str) -> None:
        assert found("question", document("a.md", text)) == [asks]

    @pytest.mark.parametrize(
        "text",
        [
            "He went to the mill because\nwho would grind the corn?\nThe miller of course did.",
            "The corn is here. Who would grind the corn?\n\nThe miller of course did.",
            "and who would grind the corn?\n\nThe miller of course did.",
            "Who would grind the corn?\n\nWho would bake the bread of it?\n\nNo!",
            "Who would grind the corn?",
            "Who would grind the corn?\n\nMe.",
            "Really? \n\nYes, of course it is so.",
            "Price   Weight   Who would grind the corn?\n1  2  The miller of course did",
        ],
    )
    def test_prose_that_asks_is_no_query(self, text: str) -> None:
        assert found("question", document("a.md", text)) == []

    @pytest.mark.parametrize("kind", ["eml", "mbox", "py", "c"])
    def test_mail_and_code_ask_nothing(self, kind: str) -> None:
        text = "Who would grind the corn?\n\nThe miller of course did."
        assert found("question", document(f"a.{kind}", text)) == []
        assert found("question", document("a.types", f"# {text}")) == []


class TestDocstrings:
    SAYS: Final = "Grind corn between two stones."

    @pytest.mark.parametrize(
        ("kind", "text"),
        [
            ("py", f'"""{SAYS}"""\nimport mill\n'),
            ("py", f'#!/usr/bin/env python\n# coding: utf-8\n\nr"""{SAYS}\n\nMore.\n"""\n'),
            ("py", f"'''\n{SAYS} It takes\na while.'''"),
            ("py", f'class Mill:\n    """{SAYS}"""\n'),
            ("py", f'async def grind(\n    corn: str,\n) -> Flour:\n    """{SAYS}\n\n    More.'),
            ("py", f"# Copyright 2024 A Miller\n#\n# {SAYS}\n\nimport mill"),
            ("java", f"/**\n * {SAYS}\n *\n * @param corn what to grind\n */\nclass Mill {{"),
            ("java", "/** Grind {@code corn} between <b>two</b> stones. */"),
            ("js", f"/* mill.js - {SAYS} */\nlet a"),
            ("c", f"/* Copyright (C) 2024 A Miller. All rights reserved. */\n/** @brief {SAYS} */"),
            ("rs", f"use mill;\n\n/// {SAYS}\n///\n/// # Examples\nfn grind() {{"),
            ("cs", f"    /// <summary>\n    /// {SAYS}\n    /// </summary>\n    void Grind()"),
            ("go", f"package mill\n\n// {SAYS}\n// It takes a while.\nfunc Grind() {{"),
            ("ts", f"// {SAYS}\nimport mill"),
            ("sh", f"#!/bin/sh\n#\n# {SAYS}\nset -e"),
            ("sql", f"-- {SAYS}\nCREATE TABLE mill"),
            ("yaml", f"# {SAYS}\nmill:"),
            ("clj", f";;; {SAYS}\n(ns mill)"),
        ],
    )
    def test_a_first_sentence_is_a_query(self, kind: str, text: str) -> None:
        assert found("docstring", document(f"mill.{kind}", text)) == [self.SAYS[:-1]]

    @pytest.mark.parametrize(
        ("kind", "text"),
        [
            ("py", '    the corn.\n    """\n    stones = 2\n    turn the stones again\n    """'),
            ("py", 'x = """Grind corn between two stones."""'),
            ("py", 'def grind():\n    """Grind corn between two'),
            ("py", "#!/usr/bin/env python\n# -*- coding: utf-8 -*-\nimport mill"),
            ("py", '"""mill.grinding.corn"""'),
            ("py", '"""Generated by grinding the corn."""'),
            ("py", "def grind():\n    '''Return the corn'''"),
            ("py", "# corn = grind(two, stones)\nimport mill"),
            ("c", "/* Licensed under the Mill License, version 2. */\nint main"),
            ("c", "/* Permission is hereby granted to grind the corn */"),
            ("c", "int a; // grind corn between two stones"),
            ("java", "/** @param corn what to grind */"),
            ("md", '"""Grind corn between two stones."""'),
            ("txt", "# Grind corn between two stones."),
        ],
    )
    def test_what_documents_nothing_is_no_query(self, kind: str, text: str) -> None:
        assert found("docstring", document(f"mill.{kind}", text)) == []

    def test_only_the_first_passage_has_a_comment_for_the_whole(self) -> None:
        text = "# Grind corn between two stones.\nimport mill"
        assert list(first_sentences(text, "py", top=True)) == ["Grind corn between two stones."]
        assert list(first_sentences(text, "py", top=False)) == []
        assert list(first_sentences(f'"""{text}"""', "py", top=False)) == []

    def test_each_docstring_of_a_passage_is_found(self) -> None:
        text = (
            'class A:\n    """Grind the corn."""\n\n    def b(self):\n        """Sell it all."""\n'
        )
        assert list(first_sentences(text, "py", top=True)) == ["Grind the corn.", "Sell it all."]


class TestQueries:
    def test_each_query_has_the_one_document_that_it_was_made_from(self) -> None:
        collection = made(pages(12))
        assert len(collection.queries) == 12
        assert asked(collection)["The mill of one and one"] == "11.md"
        assert all(list(grades.values()) == [1] for grades in collection.qrels.values())
        assert list(collection.qrels) == list(collection.queries)
        assert {q.rpartition("-")[0] for q in collection.queries} == {"heading"}
        assert collection.split == ""
        assert collection.corpus is None

    def test_a_text_that_names_two_documents_is_not_asked(self) -> None:
        again = [
            document("x.md", "text", "THE MILL OF   ZERO AND ONE"),
            document("y.md", title="The mill of zero and two!"),
            document("the_mill_of_zero_and_three.md"),
            document("z.md", "Help\n\nThe mill of zero and four?\n\nThat it is, and it is old."),
            document("mill.py", '"""The mill of zero and five."""'),
        ]
        texts = set(asked(made(pages(30) + again)))
        assert len(texts) == 25
        assert not {f"The mill of zero and {NUMBERS[n]}" for n in range(1, 6)} & texts

    def test_a_text_that_stands_twice_in_one_document_is_asked(self) -> None:
        about, [first] = document("x.md", "text", "The old mill")
        twice = (about, [first, passage("more", "The old mill", number=1)])
        assert asked(made([*pages(10), twice]))["The old mill"] == "x.md"

    def test_where_one_text_is_ambiguous_another_of_the_document_is_asked(self) -> None:
        shared = passage("text", "The old mill")
        some = [
            (Document(id=n, path=n, type="md"), [shared, passage("x", f"Own {n} here", number=1)])
            for n in NUMBERS
        ]
        assert set(asked(made(some))) == {f"Own {n} here" for n in NUMBERS}

    def test_a_document_is_asked_for_once_and_kinds_take_turns(self) -> None:
        documents = [
            document(
                f"{one}-{two}-stone.md",
                f"Why is stone {one} {two} round?\n\nBecause it turns and turns.",
                f"Corn of {one} {two} bags",
                title=f"Mill of {one} {two} wheels",
            )
            for one in NUMBERS
            for two in NUMBERS
        ]
        collection = made(documents, most=50)
        assert collection.synthetic is not None
        assert sorted(collection.synthetic.kinds.values()) == [12, 12, 13, 13]
        assert len({next(iter(grades)) for grades in collection.qrels.values()}) == 50

    def test_a_rare_kind_is_not_lost_among_others(self) -> None:
        faq = document("faq.md", "Who owns the mill?\n\nThe miller and his wife.")
        assert "Who owns the mill?" in asked(made([*pages(100), faq], most=10))

    def test_of_names_that_differ_by_a_number_one_is_asked(self) -> None:
        series = [document(f"log/{n}.md", "text", f"Mill 3.{n} changes") for n in range(50)]
        texts = asked(made(pages(20) + series))
        assert len(texts) == 21
        assert sum(text.endswith("changes") for text in texts) == 1

    def test_documents_come_from_the_whole_index(self) -> None:
        some = [int(id_[:-3]) for id_ in asked(made(pages(120), most=40)).values()]
        assert len(some) == 40
        assert all(5 <= sum(low <= n < low + 30 for n in some) <= 15 for low in (0, 30, 60, 90))

    def test_equal_content_gives_equal_queries_in_any_order_and_store(self, tmp_path: Path) -> None:
        documents = pages(60)
        first = made(documents, most=20)
        assert made(documents[::-1], most=20) == first
        local = LocalStore(tmp_path / "index", IndexSettings(dim=4))
        put(local, [(about, [passage("other")]) for about, _ in documents[:30]])
        assert made(documents, most=20, store=local) == first

    def test_another_seed_draws_others(self) -> None:
        first, second = (set(asked(made(pages(120), most=20, seed=seed))) for seed in (0, 1))
        assert len(first & second) < 15

    def test_the_checksum_is_that_of_the_content(self) -> None:
        documents = pages(20)
        about, [only] = documents[3]
        sums = [
            made(some).checksums["index"]
            for some in (
                documents,
                documents[::-1],
                [*documents[:3], (about, [passage("grinding!", *only.heading)]), *documents[4:]],
                documents[1:],
            )
        ]
        assert sums[0] == sums[1]
        assert len(set(sums)) == 3

    def test_what_cannot_be_found_is_not_asked(self) -> None:
        nothing: Sequence[Passage] = []
        empty = Document(id="x", title="The empty mill", path="an_empty_mill.md", type="md")
        assert "x" not in asked(made([*pages(12), (empty, list(nothing))])).values()

    def test_an_index_without_names_is_an_error_that_says_so(self) -> None:
        with pytest.raises(CollectionError, match=r"only 9 queries .* judge some queries by hand"):
            made([*pages(9), document("mill.md"), document("corn.txt", "a\n\nb")])
        assert len(made(pages(10)).queries) == 10
        assert len(made(pages(10), most=3).queries) == 3
        with pytest.raises(CollectionError, match="only 0"):
            made([])
        with pytest.raises(UsageError, match="one or more"):
            made(pages(10), most=0)

    def test_fewer_than_wanted_are_noted(self) -> None:
        assert "the index gives 12 queries, not 200" in made(pages(12)).notes
        assert not any("not" in note for note in made(pages(20), most=12).notes)


class TestSharedWords:
    def test_the_share_is_that_of_the_passage_below_its_headings(self) -> None:
        def page(n: int) -> Content:
            text = "A mill has wheels." if n < 5 else "It has none."
            about, [first] = document(f"{n}.md", text, f"Mills of the {NUMBERS[n]}")
            return about, [first, passage("The mill of all of them", number=1)]

        synthetic = made(map(page, range(10))).synthetic
        assert synthetic is not None
        assert synthetic.shared_words == 0.25  # half of two words in half of the passages
        assert synthetic.kinds == {"heading": 10}

    def test_a_title_counts_where_most_of_it_stands(self) -> None:
        def page(n: int) -> Content:
            about, [first] = document(f"{n}.md", "Corn.", title=f"Mill of {NUMBERS[n]} corn")
            return about, [first, passage(f"One of {NUMBERS[n]} has corn.", number=1)]

        collection = made(map(page, range(2, 12)))
        assert collection.synthetic is not None
        assert collection.synthetic.shared_words == pytest.approx(2 / 3, abs=1e-4)
        assert collection.notes[0].startswith("100% of the words")

    def test_file_names_may_share_nothing(self) -> None:
        collection = made([document(f"old_{word}.md", "text") for word in NUMBERS])
        assert collection.synthetic is not None
        assert collection.synthetic.shared_words == 0


def test_names_are_the_same_for_people_in_any_case_and_camel() -> None:
    texts = [
        "grind_corn",
        "grindCorn",
        "Grind corn",
        "GRIND-CORN.",
        "\uff47\uff52\uff49\uff4e\uff44 corn",
    ]
    assert {Name("title", text, text).key for text in texts} == {"grind corn"}
