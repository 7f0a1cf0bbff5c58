"""The texts by which a person may know a document: what known-item queries are made from.

Nothing here knows more than an index does: passages with their headings, a title, a path. So a
docstring that the end of its passage cuts is none, and a heading is one that holds most of a
passage.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal, get_args

import regex

from engine.evaluation.comments import CODE, HTML_TAG, first_sentences, words

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from engine.analysis import Analyzer
    from engine.types import Document, Passage

Kind = Literal["question", "docstring", "title", "heading", "file name", "sentence"]
# A text of two kinds is of the first of them. A sentence names nothing, and `names` finds none: it
# is what training makes of documents that have no name (indexer.training.from_index).
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)

_MOST_WORDS: Final = 15
_LEAST: Final[dict[Kind, tuple[int, int]]] = {
    "question": (3, 2), "docstring": (3, 3), "sentence": (4, 3),
}  # fmt: skip
_LETTERS: Final = 0.6  # share of the characters; with less it is a number, a formula or a path

_MAIL: Final = words("eml mbox mhtml")
_PAPERS: Final = _MAIL | words("docx epub odp ods odt pdf pptx rtf xls xlsx")
_MARKDOWN: Final = words("ipynb md mdx qmd rmd txt")

_WORD: Final = regex.compile(
    r"[\p{Han}\p{Hiragana}\p{Katakana}ー々]{1,2}|[\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}]{1,5}"
    r"|[\p{L}\p{M}\p{N}]+(?:['\u2019]\p{L}+)*"
)
_LETTER: Final = regex.compile(r"[\p{L}\p{M}]")
_ASCII_WORD: Final = re.compile(r"[A-Za-z0-9]+(?:'[A-Za-z]+)*")  # the same, a third of the time
_CAMEL: Final = regex.compile(r"(?<=\p{Ll})(?=\p{Lu})|(?<=\p{Lu})(?=\p{Lu}\p{Ll})|_+")
_FILE: Final = re.compile(r"[\w-]+\.\w{1,4}")
_CALL: Final = re.compile(r"(?<=\w)\(.*")  # `fs.readFile(path, callback)` is known as fs.readFile
# ` | Handbook`, ` — Project`, ` - Project documentation`: what a site adds to all its titles.
_SITE: Final = re.compile(
    r"\s+(?:[|\u2013\u2014·»«]|::)\s.*|\s-\s.*(?:documentation|docs|manual|wiki\w*)$", re.IGNORECASE
)
_REPLY: Final = re.compile(r"(?:(?:re|fwd?|aw|wg|sv|antw|tr)\s?(?:\[\d+\])?:\s*)+", re.IGNORECASE)

_MARKS: Final = re.compile(rf":\w+:(?=`)|`+|\*\*|__|(?<!\w)[*_](?=\w)|(?<=\w)[*_](?!\w)|{HTML_TAG}")
_NUMBER: Final = re.compile(
    r"(?:[\s>#*•+=-]|\(?\d{1,3}(?:(?:\.\d{1,3})+[.):]?|[.):])\s|[IVXLivx]{1,5}[.)]\s"
    r"|(?:Q|Question|Frage|Step|Chapter|Section|Part|Schritt|Kapitel)\s?\d{0,3}[.:]\s)+"
)
_AROUND: Final = " .:;,#-=*|¶\u2013\u2014"
_QUOTES: Final = "\"'“”„«»"

_ASKS: Final = ("?", "\uff1f", "؟")
_COLUMNS: Final = re.compile(r"\S(?:\t| {2,})\S")
_INSIDE: Final = re.compile(r"[.!?\uff1f\u3002]\s")

# What stands in texts of all kinds and names none of them.
_ANYWHERE: Final = re.compile(
    r"copyright|©|licen[sc]ed? (?:under|to)|all rights reserved|spdx|permission is hereby"
    r"|warrant(?:y|ies)\b|redistribut|auto.?generated|\bgenerated (?:by|from|automat)|do not edit"
    r"|dummy file|this (?:file|script) (?:is|was)\b|https?:|www\.|\w@\w|\bcoding[:=]"
    r"|\b(?:todo|fixme|xxx|noqa|pylint|eslint|lorem ipsum)\b",
    re.IGNORECASE,
)
_NO_NAMES: Final = frozenset(
    (
        "about us", "action items", "additional information", "additional resources",
        "advanced topics", "advanced usage", "background and aims", "basic usage",
        "breaking changes", "bug fixes", "case report", "change log", "code of conduct",
        "contact us", "current limitations", "example usage", "executive summary", "external links",
        "further information", "further reading", "future work", "general information",
        "get started", "getting started", "home page", "how it works", "how to use", "known issues",
        "known limitations", "learn more", "list of figures", "list of tables", "main function",
        "main page", "materials and methods", "methods and materials", "methods and results",
        "more information", "new document", "new features", "next steps", "open questions",
        "privacy policy", "quick start", "read me", "related links", "related topics",
        "related work", "release notes", "results and discussion", "return value", "return values",
        "see also", "system requirements", "table of contents", "terms of service", "terms of use",
        "untitled document", "usage examples", "useful links", "what s new", "works cited",
    )
)  # fmt: skip
# Headings of one word that say nothing of the one above them.
_GENERIC: Final = words(
    """abstract acknowledgements acknowledgments appendix author authors background bibliography
    changelog conclusion conclusions content contents copyright description discussion example
    examples foreword index introduction licence license links methods miscellaneous name note notes
    other overview preface reference references remarks resources result results sources summary
    synopsis einleitung inhalt inhaltsverzeichnis literatur zusammenfassung sommaire résumé índice
    introducción resumen введение содержание 目录 简介 参考文献 目次"""
)
_NO_CONTENT: Final = words("get gets return returns set sets")
_TEST_FOLDER: Final = re.compile(r"(?:^|[._-])(?:tests?|testing|specs?|fixtures)_*$|testdata", re.I)
_TEST_NAME: Final = re.compile(
    r"^tests?[._-]|[._-](?:tests?|spec)$|^conftest$|^Test[A-Z]|Tests?$|^(?:given|when|then)_"
)


@dataclass(frozen=True, slots=True)
class Name:
    """A text that a document may be known by.

    Attributes:
        kind: what it is in the document.
        text: the query.
        words: the text, identifiers taken apart.
        passage: number of the first passage where it stands; None if it stands above all of them.
    """

    kind: Kind
    text: str
    words: str
    passage: int | None = None

    @property
    def key(self) -> str:
        """See key_of."""
        return key_of(self.words)

    @property
    def series(self) -> str:
        """What is equal for names that differ by a number: of ten such queries nine say nothing."""
        return re.sub(r"\d+", "0", self.key)


def names(document: Document, passages: Sequence[Passage]) -> dict[str, Name]:
    """Return what a document may be known by, by key; not yet whether it is any good.

    What tests code is known by what it tests, so it has none, and neither has its data.
    """
    if document.type not in _PAPERS and _is_test(document.path):
        return {}
    title = _title(document)
    found = [*_questions(document, passages), *_docstrings(document, passages)]
    if document.type not in CODE:  # its title is the first line of a docstring
        found.append(Name("title", title, title))
    found += [*_headings(document.type, title, passages), _file_name(document)]
    first: dict[str, Name] = {}
    for name in found:
        first.setdefault(name.key, name)
    return first


def is_query(name: Name, analyzer: Analyzer) -> bool:
    """Whether somebody may type it: a few words, most of it letters, and no boilerplate."""
    every = split_words(name.words)
    least, least_content = _LEAST.get(name.kind, (2, 2))
    if not least <= len(every) <= _MOST_WORDS:
        return False
    content = {w.casefold() for w in every if _says_something(w) and not analyzer.is_stop_word(w)}
    return (
        len(content - _NO_CONTENT) >= least_content
        and _letters(name.text) >= _LETTERS * len("".join(name.text.split()))
        and name.key not in _NO_NAMES
        and not _ANYWHERE.search(name.text)
    )


def key_of(text: str) -> str:
    """Return what is equal for texts that people would not tell apart."""
    text = _CAMEL.sub(" ", text)
    return " ".join(split_words(unicodedata.normalize("NFKC", text))).casefold()


def split_words(text: str) -> list[str]:
    """Return the words of a text of any script."""
    return _ASCII_WORD.findall(text) if text.isascii() else _WORD.findall(text)


def _letters(text: str) -> int:
    return sum(map(str.isalpha, text)) if text.isascii() else len(_LETTER.findall(text))


def _says_something(word: str) -> bool:
    return _letters(word) >= (1 if ord(word[0]) >= 0x0E00 else 2)  # Thai and what comes after it


def _is_test(path: str) -> bool:
    *folders, file = path.split("/")
    return any(map(_TEST_FOLDER.search, folders)) or bool(_TEST_NAME.search(_stem(file)))


def _stem(file: str) -> str:
    return file.rpartition(".")[0] or file


def plain_line(text: str) -> str:
    """Return a line without numbering, markup and the marks around it."""
    text = " ".join(_MARKS.sub("", text).split())
    number = _NUMBER.match(text)
    text = (text[number.end() :] if number else text).strip(_AROUND)
    return text[1:-1] if text[:1] in _QUOTES and text[-1:] in _QUOTES else text


# -- one kind each -------------------------------------------------------------------------------


def _questions(document: Document, passages: Sequence[Passage]) -> Iterator[Name]:
    """Lines that ask, as pages of frequent questions have them: a text follows that answers."""
    if document.type in CODE or document.type in _MAIL:
        return
    for passage in passages:
        if not any(mark in passage.text for mark in _ASKS):
            continue
        lines = [line.strip() for line in passage.text.split("\n")]
        for at, line in enumerate(lines):
            comment = line.startswith("#") and document.type not in _MARKDOWN
            text = "" if comment or (at and lines[at - 1]) else _question(line)
            answer = next(filter(None, lines[at + 1 : at + 9]), "") if text else ""
            if len(answer) > len(text) // 2 and not answer.endswith(_ASKS):
                yield Name("question", text, text, passage.number)


def _question(line: str) -> str:
    """Return the question that a line is, whole and alone; else nothing."""
    text = plain_line(line)
    if not text.endswith(_ASKS) or _COLUMNS.search(line) or _INSIDE.search(text):
        return ""
    return text if text[0] == "¿" or (text[0].isalpha() and not text[0].islower()) else ""


def _docstrings(document: Document, passages: Sequence[Passage]) -> Iterator[Name]:
    for passage in passages:
        for sentence in first_sentences(passage.text, document.type, top=not passage.number):
            text = plain_line(sentence)
            yield Name("docstring", text, text, passage.number)


def _title(document: Document) -> str:
    """Return the title without what a site adds; a document without one has its file's name."""
    title, file = document.title, document.path.rpartition("/")[2]
    if key_of(title) in (key_of(file), key_of(_stem(file))):
        return ""
    text = plain_line(_SITE.sub("", _REPLY.sub("", title)))
    return "" if _FILE.fullmatch(text) else text


def _headings(type_: str, title: str, passages: Sequence[Passage]) -> Iterator[Name]:
    """The innermost heading of each passage; in code that is the name of a definition."""
    for passage in passages:
        if not passage.heading:
            continue
        text = " ".join(_CALL.sub("", passage.heading[-1]).split())
        if type_ not in CODE:
            text = _heading(text, (title, *passage.heading)[-2])
            yield Name("heading", text, text, passage.number)
        elif not text.startswith("_") and not _TEST_NAME.search(text):
            yield Name("heading", text, _CAMEL.sub(" ", text).strip(), passage.number)


def _heading(text: str, above: str) -> str:
    """Return a heading, with the one above it when it is a single word that needs it."""
    text = plain_line(_REPLY.sub("", text))
    if len(_WORD.findall(text)) != 1:
        return text
    above = plain_line(above)
    said = text.casefold() in _GENERIC or text.casefold() in above.casefold()
    return "" if said else f"{above} {text}"


def _file_name(document: Document) -> Name:
    file = document.path.rpartition("/")[2]
    parts = regex.split(r"[\W_]+", _CAMEL.sub(" ", _stem(file)))
    text = " ".join(filter(None, parts)).lower()
    return Name("file name", text, text)
