"""The query language: lenient, flat, and unable to fail.

    plain words          any of them (one absent word never empties the answer), best match first
    "a phrase"           must stand there, in this order
    +word  -word         must, must not (also +"a phrase", -"a phrase")
    title:word           must stand in the title (also title:"a phrase", -title:word)
    path:GLOB            only documents of this path (as in a filter)
    wor*                 any word that begins so (as one types)

Whatever does not fit is read as plain words, `--option` too. There is no nesting, so no input can
be deep: text never reaches tantivy's own parser, which nested brackets end (SIGSEGV, measured).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Literal

from engine.analysis import clean

if TYPE_CHECKING:
    from engine.analysis import Analyzer

MOST_TERMS: Final = 1024  # distinct terms of one query; 1,000 cost 30 ms at 100,000 passages
MOST_CONSTRAINTS: Final = 64
LONGEST_PATTERN: Final = 4096  # characters of a path; SQLite refuses patterns above 50,000 bytes

Field = Literal["body", "title"]
_PART: Final = re.compile(
    r"""(?P<sign>[+-](?![+-]))?
        (?:(?P<field>title|path):)?
        (?:"(?P<phrase>[^"]*)(?:"|$)|(?P<word>[^\s"]+))""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Constraint:
    """Terms that must stand next to each other in a field, or must not."""

    terms: tuple[str, ...]
    field: Field = "body"
    negative: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """A query, understood.

    `text` is what encoder, reranker and highlighter read: the words without operators and without
    what must not be there. `terms` are scored, any of them; `prefixes` match the beginning of a
    term; `constraints` all hold for every answer, whichever source it comes from.
    """

    text: str
    terms: tuple[str, ...] = ()
    prefixes: tuple[str, ...] = ()
    constraints: tuple[Constraint, ...] = ()
    paths: tuple[str, ...] = ()
    not_paths: tuple[str, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether there is nothing to look for."""
        return not (self.text or self.constraints or self.paths or self.not_paths)

    @property
    def wordless(self) -> bool:
        """Whether it asks for something that has no terms, like an emoji: text finds nothing."""
        return bool(self.text) and not (self.terms or self.prefixes)


class _Builder:
    """Collects the parts of one query."""

    def __init__(self, analyzer: Analyzer) -> None:
        self.analyzer = analyzer
        self.words: list[str] = []
        self.weak: list[str] = []
        self.terms: list[str] = []
        self.prefixes: list[str] = []
        self.constraints: list[Constraint] = []
        self.paths: list[str] = []
        self.not_paths: list[str] = []

    def add(self, part: re.Match[str]) -> None:
        """Take a part of the query language."""
        text = part["phrase"] if part["phrase"] is not None else part["word"]
        negative = part["sign"] == "-"
        if part["field"] == "path":
            (self.not_paths if negative else self.paths).append(text[:LONGEST_PATTERN])
        elif part["sign"] or part["field"] or part["phrase"] is not None:
            self._constrain(text, "title" if part["field"] else "body", negative=negative)
        else:
            self.add_word(text)

    def _constrain(self, text: str, field: Field, *, negative: bool) -> None:
        terms = tuple(self.analyzer.phrase_terms(text))
        if not terms:  # `- `, `+!`, `""`: nothing that could be there or not
            return
        self.constraints.append(Constraint(terms[:MOST_CONSTRAINTS], field, negative))
        if not negative:
            self.words.append(text)
            self.terms.extend(terms)

    def add_word(self, text: str) -> None:
        """Take a plain word."""
        self.words.append(text)
        terms = self.analyzer.query_terms(text)
        if self.analyzer.is_stop_word(text):
            self.weak.extend(terms)
        else:
            self.terms.extend(terms)
        if text.endswith("*"):
            # The stem is searched too, but what is being typed is no whole word yet.
            prefix = self.analyzer.prefix(text.rstrip("*"))
            if prefix:
                self.prefixes.append(prefix)

    def build(self) -> Query:
        return Query(
            text=" ".join(self.words).replace("*", " ").strip(),
            # Stop words cost most of the time and add nothing beside other words.
            terms=tuple(dict.fromkeys(self.terms or self.weak))[:MOST_TERMS],
            prefixes=tuple(dict.fromkeys(self.prefixes))[:MOST_CONSTRAINTS],
            constraints=tuple(dict.fromkeys(self.constraints))[:MOST_CONSTRAINTS],
            paths=tuple(dict.fromkeys(self.paths))[:MOST_CONSTRAINTS],
            not_paths=tuple(dict.fromkeys(self.not_paths))[:MOST_CONSTRAINTS],
        )


def parse(text: str, analyzer: Analyzer) -> Query:
    """Return the query that a text means; never raises, whatever the text."""
    builder = _Builder(analyzer)
    for part in _PART.finditer(clean(text)):
        builder.add(part)
    return builder.build()


def plain(text: str, analyzer: Analyzer) -> Query:
    """Return the query of a text without any operator, as judged collections mean theirs."""
    builder = _Builder(analyzer)
    for word in clean(text).split():
        builder.add_word(word.replace("*", " "))
    return builder.build()
