"""The one writer, and the order of a commit.

1. Take the lock, remove what a kill left behind.
2. Link the text part of the generation before into a new folder and change it there.
3. Commit tantivy, sync the folder. Fold new vectors into a new dense file when they are many.
4. COMMIT the catalogue: documents, passages, vectors, generation, names and checksums of the parts.
   **This is the commit**; until then the new folder is a stranger that the next writer removes.
5. Remove the parts of generations older than the last three.

Another encoder (`reencode`) is a commit of this kind: settings and vectors are replaced in the
transaction, the dense file is a new one, the text part of the generation before is named again.
"""

from __future__ import annotations

import secrets
import time
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Final, Self

from engine.analysis import Analyzer
from engine.errors import ForeignIndex, IndexFault, UsageError
from engine.local import dense, files
from engine.local.catalog import Catalog
from engine.local.connection import FILE, connect
from engine.local.ledger import Ledger
from engine.local.parts import Parts
from engine.local.reencoding import encode_again
from engine.local.text import TextWriter, deleted_share
from engine.storable import storable
from engine.types import context_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path
    from types import TracebackType

    from engine.config import IndexSettings
    from engine.protocols import Encoder
    from engine.types import Document, FloatArray, Passage, StoredPassage

# Deleted entries count in BM25's statistics until they are merged away: half deleted moved a score
# by 0.3 %, a third of 2,000 by 1.2 %. A rebuild costs 3-5 s per 100,000 passages.
REBUILD_SHARE: Final = 0.2
SMALLEST_FOLD: Final = 256
FOLD_SHARE: Final = 1 / 8
LOCK: Final = "writer.lock"


class LocalWriter:
    """See IndexWriter. Also keeps the ledger of files."""

    smallest_fold = SMALLEST_FOLD  # tests fold sooner

    def __init__(self, folder: Path, settings: IndexSettings) -> None:
        """Take the lock of an index folder, making the index if there is none.

        Raises:
            IndexLocked: if another process is writing.
            ForeignIndex: if the folder holds something else.
        """
        self.folder = folder
        _refuse_foreign(folder)
        self._lock = files.WriterLock(folder / LOCK)
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._lock.__enter__()
        except OSError as error:
            raise IndexFault(f"{folder} cannot be written: {error.strerror or error}") from error
        try:
            self._catalog = Catalog(connect(folder, write=True))
            self._catalog.execute("PRAGMA synchronous = FULL")
            if not self._catalog.check_format():
                self._catalog.create(settings)
            elif not self._catalog.generation:  # a first build died: this one is the first
                self._catalog.put("settings", settings.to_json())
            self.settings = self._catalog.settings
        except BaseException:
            self._lock.__exit__()
            raise
        self._analyzer = Analyzer(self.settings.language)
        self._parts = Parts.read(self._catalog)
        self._text: TextWriter | None = None
        self._reencoded = False
        self.ledger = Ledger(self._catalog, self._begin)
        self._remove_strangers()

    # -- changes ---------------------------------------------------------------------------------

    def _begin(self) -> None:
        if not self._catalog.connection.in_transaction:
            self._catalog.execute("BEGIN IMMEDIATE")

    def _begin_text(self) -> TextWriter:
        self._begin()
        if self._text is None:
            previous = self.folder / self._parts.text if self._parts.text else None
            self._text = TextWriter(self._new_text_folder(), previous)
        return self._text

    def _new_text_folder(self) -> Path:
        return self.folder / "text" / f"{self._catalog.generation + 1}-{secrets.token_hex(4)}"

    def add(
        self, document: Document, passages: Sequence[Passage], vectors: FloatArray | None
    ) -> None:
        """See IndexWriter."""
        if vectors is not None and vectors.shape != (len(passages), self.settings.dim):
            raise UsageError(
                f"vectors are {vectors.shape}, not ({len(passages)}, {self.settings.dim})"
            )
        document, passages = storable(document, passages, vectors)
        self.delete_document(document.id)
        text = self._begin_text()
        number = self._catalog.add_document(document)
        title = self._analyzer.terms(document.title)
        for row, passage in enumerate(passages):
            passage_id = self._catalog.add_passage(number, passage)
            body = context_text(document.title, passage.heading, passage.text)
            text.add(passage_id, number, self._analyzer.terms(body), title)
            if vectors is not None and vectors[row].any():
                self._catalog.add_vector(passage_id, vectors[row])

    def delete_document(self, document: str) -> bool:
        """See IndexWriter."""
        number = self._catalog.document_number(document)
        if number is None:
            return False
        self._begin_text().delete(number)
        self._catalog.delete_document(number, self._parts.dense_through)
        return True

    def reencode(
        self, encoder: Encoder, source: str = "", tell: Callable[[int], None] | None = None
    ) -> None:
        """See IndexWriter."""
        self._begin()
        encode_again(self._catalog, encoder, tell)
        self.settings = replace(
            self.settings, encoder=encoder.name, encoder_source=source, dim=encoder.dim
        )
        self._catalog.put("settings", self.settings.to_json())
        self._parts = replace(self._parts, dense="", dense_through=0, dense_rows=0, measured={})
        self._reencoded = True

    def document_passages(self, document: str) -> list[tuple[StoredPassage, FloatArray | None]]:
        """Return a document's passages with their vectors, uncommitted changes included."""
        return self._catalog.document_passages(document)

    def count(self) -> tuple[int, int]:
        """Return (documents, passages), uncommitted changes included."""
        return self._catalog.count()

    # -- commit ----------------------------------------------------------------------------------

    def commit(self) -> int:
        """See IndexWriter. Without a change there is no new generation."""
        if self._text is None and not self._reencoded:
            if self._catalog.connection.in_transaction:
                self._catalog.execute("COMMIT")
            if self._catalog.generation:
                return self._catalog.generation
        if not self._parts.text:
            self._begin_text()  # the first commit of an empty folder is an index too
        self._publish()
        self._remove_strangers()
        return self._catalog.generation

    def rebuild(self) -> int:
        """Make all derived parts anew from the catalogue; return the new generation."""
        self._begin()
        self._text = self._rebuilt_text()
        self._parts = replace(self._parts, dense="", dense_through=0, dense_rows=0)
        self._fold_vectors()
        return self.commit()

    def _publish(self) -> None:
        before = Parts.read(self._catalog)
        if self._text is not None:
            self._parts = replace(self._parts, text=self._finished_text(self._text))
        if self._fold_is_due():
            self._fold_vectors()
        self._catalog.put_parts(self._checksums())
        self._parts.write(self._catalog, before)
        self._catalog.put("generation", str(self._catalog.generation + 1))
        self._catalog.put("committed", f"{time.time():.3f}")
        self._catalog.execute("COMMIT")
        self._parts = Parts.read(self._catalog)
        self._text, self._reencoded = None, False

    def _finished_text(self, text: TextWriter) -> str:
        """Write the text part; return its name."""
        text.commit()
        if deleted_share(text.folder) > REBUILD_SHARE:
            text = self._rebuilt_text()
            text.commit()
        return f"text/{text.folder.name}"

    def _rebuilt_text(self) -> TextWriter:
        text = TextWriter(self._new_text_folder(), None)
        for number, stored in self._catalog.all_passages():
            title, passage = stored.document.title, stored.passage
            body = context_text(title, passage.heading, passage.text)
            terms = self._analyzer.terms
            text.add(stored.id, number, terms(body), terms(title))
        return text

    def _fold_is_due(self) -> bool:
        newer = "SELECT count(*) FROM vector WHERE passage > ?"
        tail = self._catalog.execute(newer, (self._parts.dense_through,)).fetchone()[0]
        gone = self._catalog.execute("SELECT count(*) FROM gone").fetchone()[0]
        return max(tail, gone) > max(self.smallest_fold, self._parts.dense_rows * FOLD_SHARE)

    def _fold_vectors(self) -> None:
        """Write all vectors into a new dense file; the tail and the gone rows are empty then."""
        ids, vectors = self._catalog.vectors(0, self.settings.dim)
        self._catalog.execute("DELETE FROM gone")
        if not len(ids):
            self._parts = replace(self._parts, dense="", dense_through=0, dense_rows=0, measured={})
            return
        name = f"dense/{self._catalog.generation + 1}-{secrets.token_hex(4)}.faiss"
        (self.folder / "dense").mkdir(exist_ok=True)
        measured = dense.write(self.folder / name, ids, vectors, self.settings.approximate_from)
        self._parts = replace(
            self._parts,
            dense=name,
            dense_through=int(ids[-1]),
            dense_rows=len(ids),
            measured=measured,
        )

    def _checksums(self) -> dict[str, tuple[int, str]]:
        """Return (size, checksum) of all files of the parts; linked ones are not read again."""
        before = {name.rpartition("/")[2]: entry for name, entry in self._catalog.parts().items()}
        out: dict[str, tuple[int, str]] = {}
        paths = list((self.folder / self._parts.text).iterdir())
        if self._parts.dense:
            paths.append(self.folder / self._parts.dense)
        for path in paths:
            if path.name.endswith(".lock"):
                continue
            known = None if path.name.endswith(".json") else before.get(path.name)
            size = path.stat().st_size
            if known is None or known[0] != size:
                known = (size, files.checksum(path))
            out[path.relative_to(self.folder).as_posix()] = known
        return out

    def _remove_strangers(self) -> None:
        """Remove what no kept generation names: leftovers of a kill, and old generations."""
        named = Parts.read(self._catalog).named
        for part in ("text", "dense"):
            folder = self.folder / part
            for path in folder.iterdir() if folder.is_dir() else ():
                if f"{part}/{path.name}" not in named:
                    files.remove(path)

    # -- life ------------------------------------------------------------------------------------

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._catalog.connection.in_transaction:
            self._catalog.execute("ROLLBACK")
        self._text = None
        self._remove_strangers()
        # Closed cleanly the index can be read from a read-only folder. An open snapshot prevents
        # it, and is not waited for: it may stay open for days.
        with suppress(IndexFault):  # a full disk
            self._catalog.execute("PRAGMA busy_timeout = 0")
            self._catalog.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        self._catalog.connection.close()
        self._lock.__exit__()


def _refuse_foreign(folder: Path) -> None:
    if not folder.exists() or (folder / FILE).exists():
        return
    if not folder.is_dir():
        raise ForeignIndex(f"{folder} is a file; an index is a folder")
    strangers = [p.name for p in folder.iterdir() if p.name not in {LOCK, "text", "dense"}]
    if strangers:
        raise ForeignIndex(
            f"{folder} holds something else ({strangers[0]}); give an empty or a new folder"
        )
