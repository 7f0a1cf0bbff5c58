# pyright: basic
"""The text part: BM25 in tantivy over terms that engine.analysis made (LEAF: tantivy).

* Terms are joined by spaces and split by tantivy's whitespace tokenizer: all stores analyse alike.
* Queries are built by hand; user text never reaches tantivy's parser (it can end the process).
* Rust panics arrive as PanicException, which is no Exception: caught here by name.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from contextlib import contextmanager
from typing import TYPE_CHECKING, cast

import numpy as np
import tantivy
from tantivy import Occur
from tantivy import Query as TantivyQuery

from engine.errors import DamagedIndex, IndexFault
from engine.local.files import link_or_copy, sync

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from pathlib import Path

    from engine.query import Constraint, Query

HEAP_BYTES = 128_000_000
# A score's last bits depend on the order of addition; rounded, equal passages tie in every commit.
DECIMALS = 5
_COPIED = ("meta.json", ".managed.json")
_CURE = ": shortlist verify --repair"


def schema() -> tantivy.Schema:
    """Return the fields: passage id, document number, the body with its headings, the title."""
    builder = tantivy.SchemaBuilder()
    builder.add_integer_field("passage", fast=True, indexed=True)
    builder.add_integer_field("document", indexed=True)
    builder.add_text_field("body", tokenizer_name="whitespace")
    builder.add_text_field("title", tokenizer_name="whitespace")
    return builder.build()


SCHEMA = schema()


class TextWriter:
    """Writes one generation's folder; the folder before it stays as it is."""

    def __init__(self, folder: Path, previous: Path | None) -> None:
        folder.mkdir(parents=True)
        self.folder = folder
        if previous is not None:
            copy_generation(previous, folder)
        try:
            self._index = tantivy.Index(SCHEMA, str(folder), reuse=previous is not None)
            self._writer = self._index.writer(HEAP_BYTES, num_threads=1)
        except ValueError as error:
            raise DamagedIndex(f"the text part cannot be opened ({error}){_CURE}") from error
        except BaseException as error:
            raise _translated(error) from error
        # A killed commit leaves files whose names the same batch would make again, and then every
        # retry fails for ever: collect them before the first change.
        self._writer.garbage_collect_files()

    def add(self, passage: int, document: int, body: Sequence[str], title: Sequence[str]) -> None:
        """Add one passage's terms."""
        fields = {
            "passage": passage,
            "document": document,
            "body": " ".join(body),
            "title": " ".join(title),
        }
        with _writing():
            self._writer.add_document(tantivy.Document.from_dict(fields, SCHEMA))

    def delete(self, document: int) -> None:
        """Remove all passages of a document number."""
        with _writing():
            self._writer.delete_documents_by_term("document", document)

    def commit(self) -> None:
        """Write everything, merges included, and make it survive a power cut."""
        with _writing():
            self._writer.commit()
            self._writer.wait_merging_threads()
        sync(self.folder)
        sync(self.folder.parent)


@contextmanager
def _writing() -> Generator[None]:
    """Say what tantivy cannot do, which is to write: its values were made here."""
    try:
        yield
    except (ValueError, OSError) as error:
        raise IndexFault(f"the text part cannot be written: {error}") from error
    except BaseException as error:
        raise _translated(error) from error


@contextmanager
def _reading() -> Generator[None]:
    try:
        yield
    except (ValueError, OSError) as error:
        raise DamagedIndex(f"the text part cannot be searched: {error}") from error
    except BaseException as error:
        raise _translated(error) from error


def copy_generation(previous: Path, folder: Path) -> None:
    """Fill a folder with a generation's files: those that never change again are linked.

    Raises:
        DamagedIndex: if the generation is missing.
    """
    if not (previous / "meta.json").is_file():  # without it tantivy would begin an empty index
        raise DamagedIndex(f"the text part {previous.name} is missing{_CURE}")
    for file in previous.iterdir():
        if file.name in _COPIED:
            shutil.copy2(file, folder / file.name)
        elif not file.name.endswith(".lock"):
            link_or_copy(file, folder / file.name)


def deleted_share(folder: Path) -> float:
    """Return which share of the entries is deleted but still counts in BM25's statistics."""
    segments = json.loads((folder / "meta.json").read_text())["segments"]
    total = sum(s["max_doc"] for s in segments)
    deleted = sum((s.get("deletes") or {}).get("num_deleted_docs", 0) for s in segments)
    return deleted / total if total else 0.0


class TextPart:
    """Reads one generation's folder."""

    def __init__(self, folder: Path) -> None:
        """Raises DamagedIndex if tantivy cannot open the folder."""
        self._borrowed: tempfile.TemporaryDirectory[str] | None = None
        try:
            index = tantivy.Index.open(str(self._openable(folder)))
            index.config_reader("manual")
            index.reload()
        except (ValueError, OSError) as error:
            self.close()
            raise DamagedIndex(f"the text part cannot be opened: {error}") from error
        except BaseException as error:
            self.close()
            raise _translated(error) from error
        self._searcher = index.searcher()

    def _openable(self, folder: Path) -> Path:
        """Return the folder, or for a read-only one a stand-in: tantivy wants to write a lock."""
        if os.access(folder, os.W_OK):
            return folder
        self._borrowed = tempfile.TemporaryDirectory(prefix="shortlist-")
        stand_in = folder.__class__(self._borrowed.name)
        for file in folder.iterdir():
            if file.name in _COPIED:
                shutil.copy(file, stand_in / file.name)
            elif not file.name.endswith(".lock"):
                (stand_in / file.name).symlink_to(file.resolve())
        return stand_in

    def close(self) -> None:
        """Remove the stand-in of a read-only folder."""
        if self._borrowed is not None:
            self._borrowed.cleanup()

    @property
    def count(self) -> int:
        """Number of passages."""
        return self._searcher.num_docs

    def search(
        self, query: Query, depth: int, documents: Sequence[int] | None
    ) -> list[tuple[int, float]]:
        """Return (passage, score) of the best `depth` and of all that tie with the last of them.

        `documents` are the numbers of those that may answer; None means all.
        """
        if depth < 1 or query.wordless or not self.count or documents == []:
            return []
        scored = [(Occur.Should, _term("body", term)) for term in query.terms]
        scored += [(Occur.Should, self._prefix(prefix)) for prefix in query.prefixes]
        must = _requirements(query.constraints)
        if documents is not None:
            allowed = TantivyQuery.term_set_query(SCHEMA, "document", documents)
            must.append((Occur.Must, TantivyQuery.const_score_query(allowed, 0.0)))
        if scored:
            # Wrapped, since beside a Must a Should part would become optional.
            must.append((Occur.Must, TantivyQuery.boolean_query(scored)))
            return self._best(TantivyQuery.boolean_query(must), depth)
        return self._everything(must)

    def matching(self, constraints: Sequence[Constraint]) -> np.ndarray:
        """Return the ids of all passages that hold the constraints, ascending, (n,) int64."""
        found = self._everything(_requirements(constraints))
        return np.array(sorted(passage for passage, _ in found), np.int64)

    def ids(self) -> np.ndarray:
        """Return the ids of all passages, ascending, (n,) int64."""
        return self.matching(())

    def _everything(self, must: list[tuple[Occur, TantivyQuery]]) -> list[tuple[int, float]]:
        must = [(Occur.Must, TantivyQuery.const_score_query(TantivyQuery.all_query(), 0.0)), *must]
        return self._hits(TantivyQuery.boolean_query(must), max(1, self.count))

    def _best(self, query: TantivyQuery, depth: int) -> list[tuple[int, float]]:
        limit = depth + 16
        while True:
            hits = self._hits(query, min(limit, self.count))
            whole = len(hits) < limit or limit >= self.count
            if whole or hits[-1][1] < hits[depth - 1][1]:
                last = hits[min(depth, len(hits)) - 1][1] if hits else 0.0
                return [hit for hit in hits if hit[1] >= last]
            limit *= 8  # the cut falls among equal scores: all of them are needed to order them

    def _hits(self, query: TantivyQuery, limit: int) -> list[tuple[int, float]]:
        with _reading():
            found = self._searcher.search(query, limit, count=False).hits
            passages = self._searcher.fast_field_values("passage", [at for _, at in found])
        if None in passages:
            raise DamagedIndex("the text part is damaged: entries without a passage id")
        ids = cast("list[int]", passages)
        return [(p, round(s, DECIMALS)) for p, (s, _) in zip(ids, found, strict=True)]

    def _prefix(self, prefix: str) -> TantivyQuery:
        """Match terms that begin so; where none does, the longest term that the prefix begins with.

        Terms are stems: while `installati` is typed there is only `instal` to be found.
        """
        with _reading():
            if not self._searcher.terms_with_prefix("body", prefix, limit=1):
                for end in range(len(prefix) - 1, 2, -1):
                    if self._searcher.doc_freq("body", prefix[:end]):
                        return TantivyQuery.const_score_query(_term("body", prefix[:end]), 1.0)
        return TantivyQuery.fuzzy_term_query(SCHEMA, "body", prefix, distance=0, prefix=True)


def _term(field: str, term: str) -> TantivyQuery:
    return TantivyQuery.term_query(SCHEMA, field, term)


def _requirements(constraints: Sequence[Constraint]) -> list[tuple[Occur, TantivyQuery]]:
    out: list[tuple[Occur, TantivyQuery]] = []
    for constraint in constraints:
        if len(constraint.terms) == 1:  # a phrase of one word panics
            query = _term(constraint.field, constraint.terms[0])
        else:
            query = TantivyQuery.phrase_query(SCHEMA, constraint.field, list(constraint.terms))
        occur = Occur.MustNot if constraint.negative else Occur.Must
        out.append((occur, TantivyQuery.const_score_query(query, 0.0)))
    return out


def _translated(error: BaseException) -> BaseException:
    if type(error).__name__ == "PanicException":
        return DamagedIndex(f"the text part is damaged: {error}")
    return error
