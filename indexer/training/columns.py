"""Which column of a file of training examples plays which part: by name, never by order."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from engine.errors import CollectionError
from indexer.judged.pairs import ANSWER, QUESTION
from indexer.judged.rows import find_column

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

# The first name that is there wins.
_TEXT: Final = (*ANSWER, "documents", "passages", "answers", "positives")
_DOCUMENT: Final = ("document_id", "doc_id", "answer_id", "passage_id")
_LABEL: Final = ("label", "labels", "score", "scores", "relevance")
_SCORE: Final = frozenset({"score", "scores"})  # may be a teacher's, of any size
_NEGATIVE: Final = re.compile(r"negatives?(?:[_ -]?([0-9]{1,9}))?", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """The columns that play a part; None where no column does. There is a text or a document.

    Attributes:
        query: what was asked.
        text: what answers, or what was judged: a text or a list of them.
        document: the id of an indexed document, or a list of ids.
        label: a number for each text.
        negatives: texts that do not answer, in the order of their numbers.
    """

    query: str
    text: str | None
    document: str | None
    label: str | None
    negatives: tuple[str, ...]

    @property
    def answer(self) -> str:
        """The columns of what was judged, as a message names them."""
        return " or ".join(repr(name) for name in (self.text, self.document) if name is not None)

    @property
    def scores(self) -> bool:
        """Whether labels may be of any size."""
        return self.label is not None and _key(self.label) in _SCORE

    def others(self, names: Sequence[str]) -> list[str]:
        """Return the columns that play no part."""
        parts = {self.query, self.text, self.document, self.label, *self.negatives}
        return [name for name in names if name not in parts]


def choose(row: Mapping[str, object], place: str) -> Columns:
    """Return the columns of the first row of a file.

    One number beside several texts (a margin, as some triples have) is no label of theirs: such a
    column plays no part.

    Raises:
        CollectionError: If a query or an answer has no column; it names the columns that are there.
    """
    names = list(row)
    query = find_column(names, QUESTION, f"query in {place}")
    text, document = _found(names, _TEXT), _found(names, _DOCUMENT)
    if text is None and document is None:
        wanted = f"answer in {place} (a --teacher needs none)"
        find_column(names, (*_TEXT, *_DOCUMENT), wanted)
    label, negatives = _found(names, _LABEL), negative_columns(names)
    if label is not None and negatives and not isinstance(row[label], list):
        label = None
    return Columns(query=query, text=text, document=document, label=label, negatives=negatives)


def answered(names: Sequence[str]) -> bool:
    """Whether columns say what answers a query, or what does not."""
    return _found(names, (*_TEXT, *_DOCUMENT)) is not None or bool(negative_columns(names))


def negative_columns(names: Sequence[str]) -> tuple[str, ...]:
    """Return the columns of negatives: `negative`, `negative_1`, `negative_2`, ..."""
    found = [(match, name) for name in names if (match := _NEGATIVE.fullmatch(name.strip()))]
    return tuple(name for _, name in sorted((int(m[1] or -1), name) for m, name in found))


def refuse_others(columns: Columns, names: Sequence[str], place: str) -> None:
    """Refuse a row whose own columns would be chosen otherwise than those of the first row.

    Raises:
        CollectionError: naming the column that means something here and not there.
    """
    for chosen, known in (
        (columns.query, QUESTION),
        (columns.text, _TEXT),
        (columns.document, _DOCUMENT),
        (columns.label, () if columns.negatives else _LABEL),
    ):
        found = _found(names, known)
        if found not in (None, chosen):
            instead = f"reads {chosen!r} instead" if chosen else "has none of the kind"
            raise CollectionError(
                f"{place}: has a column {found!r}, where the first row {instead}; give every row"
                " the same columns, with null where there is nothing"
            )


def _found(names: Sequence[str], known: Sequence[str]) -> str | None:
    by_name = {_key(name): name for name in reversed(names)}
    return next((by_name[name] for name in known if name in by_name), None)


def _key(name: str) -> str:
    return name.strip().lower()
