"""Bringing an index up to date with its roots; an update costs what changed.

A file with the same size and time is not read, one with the same content is not extracted, a
passage with the same text is not encoded. Every few seconds there is a commit, so that a run that
was killed goes on where it stopped.
"""

from __future__ import annotations

import hashlib
import json
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from engine.assemble import check_encoder
from engine.errors import ExtractionError, SourceError, UsageError
from engine.types import Document
from indexer.batch import Batch, Draft
from indexer.chunking import cut
from indexer.extract import extract_many, file_type, known
from indexer.plan import Plan, content_hash, is_record_file, make_plan, state_of
from indexer.records import BadRecord, Record, read_records
from indexer.report import BuildReport, Failure, Progress, Silent
from indexer.roots import UNREAD, BuildOptions, remember
from indexer.types import Extracted

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from engine.local.store import LocalStore
    from engine.local.writer import LocalWriter
    from engine.protocols import Encoder
    from engine.types import Root
    from indexer.walk import FoundFile


def build(
    store: LocalStore,
    encoder: Encoder,
    roots: Sequence[Path],
    options: BuildOptions | None = None,
    progress: Progress | None = None,
) -> BuildReport:
    """Index folders and files; only documents of these roots can vanish.

    Raises:
        SourceError: if a root is missing, suddenly empty, or has an id that another root has.
        EncoderMismatch: if the index was made with another encoder.
        IndexLocked: if another process is writing.
    """
    start = time.monotonic()
    progress = progress or Silent()
    options = options or BuildOptions()
    with store.writer() as writer:
        check_encoder(writer.settings, encoder)
        report = BuildReport()
        for path in roots:
            _Run(writer, encoder, options, report, progress).run(path)
        writer.commit()
        report.passages = writer.count()[1]
    progress.finish()
    report.seconds = round(time.monotonic() - start, 3)
    return report


class _Run:
    """One root of one run."""

    def __init__(
        self,
        writer: LocalWriter,
        encoder: Encoder,
        options: BuildOptions,
        report: BuildReport,
        progress: Progress,
    ) -> None:
        self.writer = writer
        self.ledger = writer.ledger
        self.options = options
        self.report = report
        self.progress = progress
        self.batch = Batch(writer, encoder)
        self.committed = time.monotonic()

    def run(self, path: Path) -> None:
        source = remember(self.ledger, path, self.options)
        self.root, self.known, self.columns = source.root, source.known, source.columns
        self.counts = self.ledger.document_counts(self.root)
        plan = make_plan(
            source.path,
            source.known,
            source.include,
            source.exclude,
            allow_empty=self.options.allow_empty,
        )
        self._refuse_taken_ids(plan)
        self.report.skipped += plan.skipped
        self.report.documents.unchanged += sum(self.counts.get(p, 0) for p in plan.unchanged)
        self.progress.start(source.path.name, len(plan.work), sum(f.size for f in plan.work))
        self.moved = {self.known[p].hash: p for p in plan.vanished}
        self._files(plan)
        self._record_files(plan)
        self.batch.flush()
        for gone in plan.vanished:
            self._remove(gone)
        self.report.encoded += self.batch.encoded

    def _refuse_taken_ids(self, plan: Plan) -> None:
        for file in plan.new:
            if not is_record_file(file.path):
                self._check_free(file.relative, _id(self.root, file.relative))

    def _check_free(self, relative: str, document: str) -> None:
        owner = self.ledger.owner(document)
        if owner not in {None, (self.root.id, relative)}:
            raise SourceError(
                f"{document!r} of {self.root.path} has the id of a document that is already indexed"
                " from elsewhere, or was put over HTTP; give this root a name (--name), which goes"
                " before its ids"
            )

    # -- one file, one document ------------------------------------------------------------------

    def _files(self, plan: Plan) -> None:
        wanted = {f.path: f for f in plan.work if not is_record_file(f.path)}
        hashes: dict[Path, bytes] = {}
        paths = self._really_changed(wanted.values(), hashes)
        options = self.options
        for path, outcome in extract_many(paths, workers=options.workers, timeout=options.timeout):
            file = wanted[path]
            if not isinstance(outcome, ExtractionError):
                self._file(file, hashes.pop(path), outcome)
            elif known(path) or self.counts.get(file.relative):
                self.report.fail(file.relative, str(outcome))
            else:
                self._skip(file, hashes.pop(path), str(outcome))
            self.progress.advance(file.relative, file.size)
            self._commit_sometimes()

    def _really_changed(
        self, files: Iterable[FoundFile], hashes: dict[Path, bytes]
    ) -> Iterator[Path]:
        """Yield the files whose content is new; of the others only the time is remembered."""
        for file in files:
            try:
                digest = content_hash(file.path)
            except OSError as error:
                self.report.fail(file.relative, error.strerror or str(error))
                continue
            if file.relative in self.known and digest == self.known[file.relative].hash:
                self.ledger.put_file(self.root, file.relative, state_of(file, digest), {})
                self.report.documents.unchanged += self.counts.get(file.relative, 0)
                self.progress.advance(file.relative, file.size)
                continue
            hashes[file.path] = digest
            yield file.path

    def _skip(self, file: FoundFile, digest: bytes, reason: str) -> None:
        """Leave out what is no document (an image, a library), and do not read it again."""
        self.report.skipped.append(Failure(file.relative, reason))
        self.ledger.put_file(self.root, file.relative, state_of(file, digest), {})

    def _file(self, file: FoundFile, digest: bytes, extracted: Extracted) -> None:
        document = Document(
            id=_id(self.root, file.relative),
            title=extracted.title or file.path.name,
            path=file.relative,
            type=file_type(file.path),
            date=extracted.date if extracted.date is not None else file.mtime_ns / 1e9,
            metadata=extracted.metadata,
        )
        draft = Draft(
            document=document,
            hash=digest,
            root=self.root,
            file=file.relative,
            state=state_of(file, digest),
        )
        self._put(draft, extracted, _id(self.root, self.moved.get(digest, file.relative)))
        if file.relative in self.known:
            self.report.documents.changed += 1
        else:
            self.report.documents.added += 1

    def _put(self, draft: Draft, extracted: Extracted, before: str) -> None:
        """Cut a document and put it, with the vectors that document `before` has already."""
        settings = self.writer.settings
        passages = cut(extracted, words=settings.passage_words, overlap=settings.overlap_words)
        self.batch.add(replace(draft, passages=passages), self.writer.document_passages(before))

    # -- one file, many documents ----------------------------------------------------------------

    def _record_files(self, plan: Plan) -> None:
        files = [file for file in plan.work if is_record_file(file.path)]
        hashes: dict[Path, bytes] = {}
        by_path = {file.path: file for file in files}
        for path in self._really_changed(files, hashes):
            file = by_path[path]
            try:
                self._records(file, hashes[path])
            except ExtractionError as error:
                self.report.fail(file.relative, str(error))
            except UsageError as error:  # a column that other files of the folder may have
                if self.root.options["single"]:
                    raise
                self.report.fail(file.relative, str(error))

    def _records(self, file: FoundFile, digest: bytes) -> None:
        before = self.ledger.documents(self.root, file.relative)
        seen: set[str] = set()
        read = 0
        for record in read_records(file.path, self.columns):
            if isinstance(record, BadRecord):
                self.report.fail(f"{file.relative}:{record.line}", record.reason)
                continue
            seen.add(self._record(file, record, before))
            self.progress.advance(file.relative, len(record.text))
            read += len(record.text)
            self._commit_sometimes()
        self.batch.flush()
        for gone in before.keys() - seen:
            self.writer.delete_document(gone)
            self.report.documents.removed += 1
        self.ledger.put_file(self.root, file.relative, state_of(file, digest), {})
        self.progress.advance(file.relative, max(0, file.size - read))

    def _record(self, file: FoundFile, record: Record, before: dict[str, bytes]) -> str:
        """Put a record unless it is as before; return its document id."""
        document = _record_document(self.root, file, record)
        content = json.dumps([record.title, record.text, record.date, dict(record.metadata)])
        digest = hashlib.blake2b(content.encode(), digest_size=16).digest()
        if before.get(document.id) == digest:
            self.report.documents.unchanged += 1
            return document.id
        if document.id in before:
            self.report.documents.changed += 1
        else:
            self._check_free(file.relative, document.id)
            self.report.documents.added += 1
        draft = Draft(
            document=document, hash=digest, root=self.root, file=file.relative, state=UNREAD
        )
        self._put(draft, Extracted(text=record.text), document.id)
        return document.id

    # -- keeping and forgetting ------------------------------------------------------------------

    def _remove(self, path: str) -> None:
        for document in self.ledger.documents(self.root, path):
            self.writer.delete_document(document)
            self.report.documents.removed += 1
        self.ledger.remove_file(self.root, path)

    def _commit_sometimes(self) -> None:
        if time.monotonic() - self.committed > self.options.commit_seconds:
            self.batch.flush()
            self.writer.commit()
            self.committed = time.monotonic()


def _id(root: Root, relative: str) -> str:
    return f"{root.name}/{relative}" if root.name else relative


def _record_document(root: Root, file: FoundFile, record: Record) -> Document:
    """A record file that is itself the root keeps its records' own ids."""
    single = bool(root.options["single"])
    own = record.id if single else f"{file.relative}#{record.id}"
    return Document(
        id=_id(root, own),
        title=record.title,
        path=file.relative,
        type=file_type(file.path),
        date=record.date,
        metadata=record.metadata,
    )
