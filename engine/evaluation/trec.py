"""Read and write TREC's files: topics, judgements (qrels) and runs."""

from __future__ import annotations

import hashlib
import html
import math
import re
from typing import TYPE_CHECKING, Final, TextIO

from engine.analysis import clean
from engine.errors import CollectionError, UsageError
from engine.evaluation.collection import Collection, Qrels
from engine.evaluation.judgements import SHOWN, Faults, Judgements, lines, new_digest
from engine.runs import column, id_of_column, numbered_queries

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

_TOPIC: Final = re.compile(
    r"<(?P<tag>top|topic)\b(?P<attributes>[^>]*)>(?P<body>.*?)(?=</(?P=tag)\s*>|<(?P=tag)\b|\Z)",
    re.IGNORECASE | re.DOTALL,
)
_FIELD: Final = re.compile(r"<(?P<tag>[A-Za-z][\w.-]*)[^>]*>(?P<text>[^<]*)")
_NUMBER: Final = re.compile(r"\b(?:number|num|id|qid)\s*=\s*[\"']([^\"']*)[\"']", re.IGNORECASE)
_LITERAL: Final = re.compile(r"<!\[CDATA\[(.*?)\]\]>", re.DOTALL)
# TREC's old topics repeat the tag: `<num> Number: 301`, `<title> Topic: Airbus Subsidies`.
_NUMBER_LABEL: Final = re.compile(r"^(?:number|topic)\s*:\s*", re.IGNORECASE)
_TITLE_LABEL: Final = re.compile(r"^topic\s*:\s*", re.IGNORECASE)
_NUMBER_TAGS: Final = ("num", "number", "id", "qid")
_TEXT_TAGS: Final = ("query", "title", "text")


def read_trec(
    topics: Path,
    qrels: Path,
    known: Callable[[Sequence[str]], set[str]],
    *,
    lenient: bool = False,
) -> Collection:
    """Return the topics that qrels judge, as a collection about an index that exists.

    Args:
        topics: see `read_topics`.
        qrels: see `read_qrels`.
        known: tells which of some document ids the index holds.
        lenient: as `engine.evaluation.beir.read_beir` has it.

    Raises:
        CollectionError: naming file and line of the first thing that is wrong.
    """
    faults = Faults(lenient=lenient)
    judgements = Judgements(qrels, faults)
    queries: dict[str, str] = {}
    for number, topic, text in _topics(topics):
        query = _as_judged(topic, judgements.qrels)
        if query in queries:
            raise CollectionError(_twice(topics, number, "query id", query))
        if query in judgements.qrels and not text.strip():
            problem = f"{topics}:{number}: the query {query[:SHOWN]!r} has no text"
            faults.found(problem, "queries without text, left out")
            judgements.drop({query})
        queries[query] = text
    judgements.check_queries(queries.__contains__, str(topics))
    documents = judgements.documents
    judgements.check_documents(documents - known(sorted(documents)), "the index")
    judgements.note_hopeless()
    kept = {query: text for query, text in queries.items() if query in judgements.qrels}
    return Collection(
        name=topics.stem,
        split="",
        queries=kept,
        qrels={query: judgements.qrels[query] for query in kept},
        checksums={
            f"{part}/{path.name}": _checksum(path)
            for part, path in (("topics", topics), ("qrels", qrels))
        },
        notes=faults.notes,
    )


def read_topics(path: Path) -> dict[str, str]:
    """Return the queries of a topic file by id, as they are named there.

    It holds lines `id<TAB>text`, BEIR's `queries.jsonl`, or topics in TREC's SGML (`<top> <num>
    Number: 301 <title> ...`) or XML (`<topic number="1"> <query>...`), of which a query is the
    `query` or else the `title`.

    Raises:
        CollectionError: naming the line that is none of it, or an id that comes twice.
    """
    queries: dict[str, str] = {}
    for number, query, text in _topics(path):
        if query in queries:
            raise CollectionError(_twice(path, number, "query id", query))
        queries[query] = text
    return queries


def read_qrels(path: Path, *, lenient: bool = False) -> Qrels:
    """Return the judgements of a file: `query iteration document grade`, or BEIR's three columns.

    Raises:
        CollectionError: naming the line that is no judgement; a negative grade too, unless lenient.
    """
    return Judgements(path, Faults(lenient=lenient)).qrels


def write_qrels(file: TextIO, qrels: Mapping[str, Mapping[str, int]]) -> None:
    """Write judgements as TREC's four columns; `read_qrels` gets them back."""
    for query, grades in qrels.items():
        file.writelines(
            f"{column(query)} 0 {column(document)} {grade}\n" for document, grade in grades.items()
        )


def read_run(path: Path) -> dict[str, dict[str, float]]:
    """Return a run's scores by query and document, in the order of the file.

    Raises:
        CollectionError: naming the line that is not `query Q0 document rank score name`, or that
            ranks a document again.
    """
    run: dict[str, dict[str, float]] = {}
    for number, line in lines(path):
        cells = line.split()
        if len(cells) != 6:
            raise CollectionError(f"{path}:{number}: has {len(cells)} columns; a run has six")
        query, document = id_of_column(cells[0]), id_of_column(cells[2])
        try:
            score = float(cells[4])
        except ValueError:
            score = math.nan
        if not math.isfinite(score):
            raise CollectionError(
                f"{path}:{number}: the score {cells[4][:SHOWN]!r} is not a number"
            )
        scores = run.setdefault(query, {})
        if document in scores:
            raise CollectionError(_twice(path, number, "document id", document))
        scores[document] = score
    return run


def _topics(path: Path) -> Iterator[tuple[int, str, str]]:
    """Yield line, id and text of each topic."""
    first = next(lines(path), None)
    if first is None:
        raise CollectionError(f"{path} holds no query")
    if first[1].lstrip().startswith("<"):
        yield from _marked_topics(path)
        return
    try:
        yield from numbered_queries(path)
    except UsageError as error:
        raise CollectionError(str(error)) from error


def _marked_topics(path: Path) -> Iterator[tuple[int, str, str]]:
    """Yield topics of SGML or XML; a parser of XML would not read the unclosed tags of SGML."""
    content = path.read_bytes().decode("utf-8-sig", "replace")
    content = _LITERAL.sub(lambda found: html.escape(found[1]), content)
    line, before = 1, 0
    for topic in _TOPIC.finditer(content):
        line += content.count("\n", before, topic.start())
        before = topic.start()
        body = topic["body"]
        fields: dict[str, str] = {}
        for field in _FIELD.finditer(body):
            fields.setdefault(field["tag"].lower(), field["text"])
        named = _NUMBER.search(topic["attributes"])
        id = _words(named[1] if named else _first(fields, _NUMBER_TAGS), _NUMBER_LABEL)
        if not id:
            raise CollectionError(f"{path}:{line}: the topic has no number")
        if not fields.keys() & set(_TEXT_TAGS) and "<" in body:
            raise CollectionError(
                f"{path}:{line}: topic {id[:SHOWN]!r} has neither title nor query"
            )
        text = _first(fields, _TEXT_TAGS) if "<" in body else body
        yield line, id, _words(text, _TITLE_LABEL)
    if not before and not _TOPIC.search(content):
        raise CollectionError(f"{path} holds no topic: no <top> and no <topic> in it")


def _first(fields: Mapping[str, str], tags: Sequence[str]) -> str:
    return next((fields[tag] for tag in tags if tag in fields), "")


def _words(text: str, label: re.Pattern[str]) -> str:
    """Return marked text as one line, without a label in front."""
    return label.sub("", clean(" ".join(html.unescape(text).split())), count=1)


def _as_judged(topic: str, qrels: Mapping[str, object]) -> str:
    """Return a topic's id as the judgements have it: TREC's topic 051 is judged as 51."""
    return topic if topic in qrels or not topic.isdigit() else topic.lstrip("0") or "0"


def _twice(path: Path, number: int, what: str, id: str) -> str:
    return f"{path}:{number}: the {what} {id[:SHOWN]!r} comes twice"


def _checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, new_digest).hexdigest()
