"""Three tables, of any source, as a folder in BEIR's layout: what reads that then checks them."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, cast

from engine.analysis import clean
from engine.errors import CollectionError
from engine.evaluation.beir import CORPUS, QUERIES, read_beir
from indexer.judged.rows import find_column
from indexer.judged.written import written

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    from engine.evaluation.collection import Collection

    Rows = Iterable[Mapping[str, object]]

_ID: Final = ("_id", "id", "doc_id", "docid", "query-id", "query_id", "corpus-id", "corpus_id")
_TEXT: Final = ("text", "query", "question", "document", "passage", "content")
_QUERY: Final = ("query-id", "query_id", "qid", "query")
_DOCUMENT: Final = ("corpus-id", "corpus_id", "corpus-ids", "document-id", "doc_id", "docid", "pid")
_GRADE: Final = ("score", "grade", "relevance", "label")
_TWINS: Final = {"dev": "validation", "validation": "dev"}


@dataclass(frozen=True, slots=True)
class Tables:
    """The rows of corpus, queries and judgements; without a grade a judgement is worth 1."""

    corpus: Rows
    queries: Rows
    qrels: Rows


def as_collection(
    tables: Tables, into: Path, *, name: str, split: str, lenient: bool = False
) -> Collection:
    """Write tables to a folder in BEIR's layout, and return what it holds, checked.

    Raises:
        CollectionError: naming the written file and its line, or a column that is missing.
    """
    _write(into / CORPUS, tables.corpus, lambda names: _texts(names, f"document of {name}"))
    _write(into / QUERIES, tables.queries, lambda names: _texts(names, f"query of {name}"))
    judged = into / "qrels" / f"{split}.tsv"
    _write(
        judged,
        tables.qrels,
        lambda names: _judgements(names, name),
        "query-id\tcorpus-id\tscore\n",
    )
    return replace(read_beir(into, split, lenient=lenient), name=name)


def choose_split(splits: Sequence[str], asked: str | None, what: str) -> str:
    """Return the split that was asked for; else `test`, or the only one there is.

    Raises:
        CollectionError: If there is no such split, or a choice; it names them.
    """
    if asked is not None:
        wanted = asked.partition("[")[0]  # `train[:1000]` is a part of `train`
        for name in (wanted, _TWINS.get(wanted, wanted)):
            if name in splits:
                return name + asked[len(wanted) :]
    elif "test" in splits or len(splits) == 1:
        return "test" if "test" in splits else splits[0]
    problem = "several splits" if asked is None and splits else f"no split {asked or 'test'!r}"
    there = ", ".join(splits) or "none"
    raise CollectionError(f"{what} has {problem}; the splits there are: {there}")


def _write(
    path: Path,
    rows: Rows,
    lines_for: Callable[[Sequence[str]], Callable[[Mapping[str, object]], Iterator[str]]],
    header: str = "",
) -> None:
    lines: Callable[[Mapping[str, object]], Iterator[str]] | None = None
    with written(path) as file:
        file.write(header)
        for row in rows:
            if lines is None:
                lines = lines_for(list(row))
            for line in lines(row):
                file.write(line + "\n")


def _texts(names: Sequence[str], what: str) -> Callable[[Mapping[str, object]], Iterator[str]]:
    """Return what makes BEIR's line of a row: the id, the title if there is one, the text."""
    id = find_column(names, _ID, f"id of a {what}")
    text = find_column(names, _TEXT, f"text of a {what}")

    def lines(row: Mapping[str, object]) -> Iterator[str]:
        values = {"_id": row[id], "title": row.get("title") or "", "text": row[text] or ""}
        yield clean(json.dumps(values, ensure_ascii=False, default=str))

    return lines


def _judgements(names: Sequence[str], what: str) -> Callable[[Mapping[str, object]], Iterator[str]]:
    """Return what makes BEIR's lines of a row, which may judge a list of documents alike."""
    query = find_column(names, _QUERY, f"query of a judgement of {what}")
    document = find_column(names, _DOCUMENT, f"document of a judgement of {what}")
    grade = next((name for name in names if name.lower() in _GRADE), None)

    def lines(row: Mapping[str, object]) -> Iterator[str]:
        value = row[document]
        judged = cast("list[object]", value) if isinstance(value, list) else [value]
        for one in judged:
            yield clean(f"{row[query]}\t{one}\t{1 if grade is None else row[grade]}")

    return lines
