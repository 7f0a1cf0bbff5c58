"""Judgements that a person makes one by one, as a folder in BEIR's layout that grows with them.

Every judgement is on disk before the next question. The corpus holds what was shown: of a document
whose passages were judged only those, so the folder tells what people saw, also when the document
has changed since. Documents have the ids of the index, which is what the folder is about.
"""

from __future__ import annotations

import json
import re
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final

from engine.errors import UsageError
from engine.evaluation.beir import CORPUS, QUERIES, splits
from engine.evaluation.trec import read_qrels
from indexer.judged.written import written

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from engine.evaluation.collection import Qrels

SPLITS: Final = ("test", "dev", "train")
_NOTE: Final = "labels.json"
_FORMAT: Final = 1
_HEADER: Final = "query-id\tcorpus-id\tscore"
# BEIR's judgements are cells between tabs, without white space at their ends.
_UNFIT: Final = re.compile(r"^\s|[\t\r\n]|\s$")


def can_name(document: str) -> bool:
    """Whether a document's id can stand in a line of judgements."""
    return not _UNFIT.search(document)


class Labelled:
    """A folder of judgements; see the module. One process at a time writes to it."""

    def __init__(self, folder: Path, split: str) -> None:
        """Open a folder, or plan a new one; nothing is written before the first judgement.

        Raises:
            UsageError: if the folder holds something else, or is of a newer format.
            CollectionError: if what it holds cannot be read.
        """
        self.folder = folder
        self.split = split
        self.queries: dict[str, str] = {}
        self._documents: dict[str, dict[str, str]] = {}
        self._qrels: dict[str, Qrels] = {split: {}}
        if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
            return
        _require_ours(folder)
        self.queries = {row["_id"]: row["text"] for row in _rows(folder / QUERIES)}
        self._documents = {row["_id"]: row for row in _rows(folder / CORPUS)}
        for name in splits(folder):
            self._qrels[name] = read_qrels(folder / "qrels" / f"{name}.tsv")

    @property
    def grades(self) -> Qrels:
        """The judgements of this split: query -> document -> grade."""
        return self._qrels[self.split]

    def elsewhere(self, query: str) -> str:
        """Return the other split that judges a query already; empty if none does."""
        return next((s for s, q in self._qrels.items() if s != self.split and query in q), "")

    def add_query(self, text: str, id: str = "") -> str:
        """Return the id of a query, the one it has here already, or a new one made of its text.

        Raises:
            UsageError: if the id means another query here, or cannot stand in a judgement.
        """
        same = _plain(text)
        known = next((i for i, other in self.queries.items() if _plain(other) == same), None)
        if known is not None:
            return known
        id = id or f"q{blake2b(same.encode(), digest_size=6).hexdigest()}"
        if id in self.queries or not can_name(id):
            raise UsageError(
                f"the query id {id!r} is another query's in {self.folder}; give it another id"
                if id in self.queries
                else f"the query id {id!r} has white space at its ends or a tab in it"
            )
        self.queries[id] = text
        return id

    def judge(self, query: str, document: Mapping[str, str], grade: int) -> None:
        """Write a judgement of a document (`_id`, `title`, `text`) down.

        Raises:
            CollectionError: if it cannot be written.
        """
        id = document["_id"]
        known = self._documents.get(id)
        if known is None or document["text"] not in known["text"]:
            more = f"{known['text']}\n\n{document['text']}" if known else document["text"]
            self._documents[id] = {**document, "text": more}
        self.grades.setdefault(query, {})[id] = grade
        self._write()

    def take_back(self, query: str, document: str) -> None:
        """Remove a judgement."""
        self.grades.get(query, {}).pop(document, None)
        if not self.grades.get(query):
            self.grades.pop(query, None)
        self._write()

    def _write(self) -> None:
        """Write the judgements last: whoever reads them finds what they are about."""
        note = {"format": _FORMAT, "made by": "shortlist label"}
        _write(self.folder / _NOTE, [json.dumps(note)])
        _write(self.folder / CORPUS, map(_line, self._documents.values()))
        _write(
            self.folder / QUERIES, (_line({"_id": i, "text": t}) for i, t in self.queries.items())
        )
        path = self.folder / "qrels" / f"{self.split}.tsv"
        lines = [f"{q}\t{d}\t{g}" for q, grades in self.grades.items() for d, g in grades.items()]
        if lines:
            _write(path, [_HEADER, *lines])
        else:
            path.unlink(missing_ok=True)


def _require_ours(folder: Path) -> None:
    """Raise UsageError unless a folder was made here: what others judged is not written over."""
    try:
        note = json.loads((folder / _NOTE).read_text("utf-8"))
        version = int(note["format"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(
            f"{folder} holds something else; give a new folder, or one that shortlist label made"
        ) from error
    if version > _FORMAT:
        raise UsageError(
            f"{folder} has format {version}, this version reads up to {_FORMAT}:"
            " use a newer Shortlist"
        )


def _rows(path: Path) -> list[dict[str, Any]]:
    if not path.is_file():
        return []
    rows: list[dict[str, Any]] = []
    for number, line in enumerate(path.read_text("utf-8").split("\n"), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            rows.append({"_id": str(row["_id"]), "text": str(row["text"]),
                         **({"title": str(row["title"])} if "title" in row else {})})  # fmt: skip
        except (ValueError, KeyError, TypeError) as error:
            raise UsageError(f'{path}:{number}: is no line with "_id" and "text"') from error
    return rows


def _write(path: Path, lines: Iterable[str]) -> None:
    with written(path) as file:
        for line in lines:
            file.write(f"{line}\n")


def _line(row: Mapping[str, str]) -> str:
    return json.dumps(row, ensure_ascii=False)


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()
