"""Questions and their answers as a judged collection: each answer is relevant to its question."""

from __future__ import annotations

import json
from dataclasses import replace
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Final

from engine.analysis import clean
from engine.errors import CollectionError
from engine.evaluation.collection import Collection, Qrels
from engine.evaluation.judgements import Faults
from indexer.judged.rows import Row, find_column, rows_of
from indexer.judged.written import checksum, written

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from indexer.judged.written import Written

# The first name that is there wins; what else is there plays no part.
QUESTION: Final = ("query", "question", "anchor", "sentence1")
ANSWER: Final = (
    *("document", "passage", "answer", "positive", "text", "sentence2", "response", "context"),
)
_CORPUS: Final = "corpus.jsonl"


def read_pairs(path: Path, into: Path, *, name: str = "", lenient: bool = False) -> Collection:
    """Return a file of questions and answers as a collection, whose corpus is its answers.

    Equal answers are one document and equal questions one query, with several positives where
    their answers differ. Ids come from the texts, so they outlive a new order of the rows.

    Args:
        path: CSV, TSV, JSON lines, a JSON array, Parquet or Arrow.
        into: the folder that gets `corpus.jsonl`.
        name: of the collection; the file's without an ending if empty.
        lenient: Leave out rows without a question or an answer; otherwise they are an error.

    Raises:
        CollectionError: naming file and line, or the columns of a file without the needed ones.
    """
    name = name or Path(path.name.removesuffix(".gz")).stem
    collection = collect(rows_of(path), into, place=str(path), name=name, lenient=lenient)
    return replace(collection, checksums={**collection.checksums, path.name: checksum(path)})


def collect(
    rows: Iterable[Row],
    into: Path,
    *,
    place: str,
    name: str,
    split: str = "",
    lenient: bool = False,
) -> Collection:
    """Return the rows of any source as a collection; `place` stands in messages for the source.

    Raises:
        CollectionError: as `read_pairs`.
    """
    faults = Faults(lenient=lenient)
    queries: dict[str, str] = {}
    qrels: Qrels = {}
    with written(into / _CORPUS) as corpus:
        texts, documents = _Texts("q"), _Corpus(corpus)
        for question, answer in _pairs(rows, place, faults):
            query, _ = texts.id(question)
            queries[query] = question
            qrels.setdefault(query, {})[documents.id(answer)] = 1
        if not queries:
            raise CollectionError(f"{place} holds no pair of question and answer")
    return Collection(
        name=name,
        split=split,
        queries=queries,
        qrels=qrels,
        corpus=into / _CORPUS,
        checksums={_CORPUS: corpus.checksum},
        notes=faults.notes,
    )


def _pairs(rows: Iterable[Row], place: str, faults: Faults) -> Iterator[tuple[str, str]]:
    columns: dict[str, str] = {}
    for number, row in rows:
        if not columns:
            columns = _columns(list(row), place, faults)
        found = {
            what: _text(row.get(column), f"{place}:{number}: the {what}")
            for what, column in columns.items()
        }
        empty = next((what for what, text in found.items() if not text.strip()), None)
        if empty is None:
            yield found["question"], found["answer"]
        else:
            faults.found(
                f"{place}:{number}: has no {empty} in the column {columns[empty]!r}",
                f"rows without {empty}, left out",
            )


def _columns(names: Sequence[str], place: str, faults: Faults) -> dict[str, str]:
    """Return the columns of questions and answers; notes the others, which may say otherwise."""
    columns = {
        "question": find_column(names, QUESTION, f"question in {place}"),
        "answer": find_column(names, ANSWER, f"answer in {place}"),
    }
    others = [name for name in names if name not in columns.values()]
    if others:
        listed = ", ".join(others)
        faults.note(f"columns ignored ({listed}), so every row counts as relevant", len(others))
    return columns


def _text(value: object, place: str) -> str:
    if value is None:
        return ""
    if isinstance(value, str | int | float) and not isinstance(value, bool):
        return clean(str(value))
    raise CollectionError(f"{place} is no text but a {type(value).__name__}")


class _Texts:
    """Gives equal texts the same id, and different ones different ids."""

    def __init__(self, letter: str) -> None:
        self._letter = letter
        self._digests: dict[str, bytes] = {}

    def id(self, text: str) -> tuple[str, bool]:
        """Return a text's id, and whether it is new; two digests that start alike go on longer."""
        digest = blake2b(text.encode(), digest_size=16)
        for length in (12, 32):
            id = self._letter + digest.hexdigest()[:length]
            known = self._digests.get(id)
            if known is None or known == digest.digest():
                self._digests[id] = digest.digest()
                return id, known is None
        raise AssertionError("two texts with one digest")


class _Corpus:
    """Writes each distinct answer as a document."""

    def __init__(self, file: Written) -> None:
        self._file = file
        self._texts = _Texts("d")

    def id(self, text: str) -> str:
        """Return the id of an answer's document, and write it unless it is there."""
        id, new = self._texts.id(text)
        if new:
            line = json.dumps({"_id": id, "title": "", "text": text}, ensure_ascii=False)
            self._file.write(line + "\n")
        return id
