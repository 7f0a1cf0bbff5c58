"""Read record files, one record = one document: JSON lines (`.jsonl`, `.ndjson`), CSV and TSV.

A BEIR `corpus.jsonl` works as it is. What cannot be read is reported by its line, and the rest goes
on: a file is streamed, and never held in memory.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import chain, islice
from typing import TYPE_CHECKING, TextIO, cast

from engine.errors import ExtractionError
from engine.types import MetadataValue
from indexer.columns import (
    Columns,
    Roles,
    as_text,
    assign,
    check_columns,
    encodable,
    joined,
    plain,
    typed,
)
from indexer.tables import dialect_of, encoding_of, rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

SUFFIXES = frozenset({".jsonl", ".ndjson", ".csv", ".tsv"})
LINE_LIMIT = 1 << 26  # characters
_SAMPLE_BYTES = 1 << 20
_FIRST = 100  # records that show which columns there are


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One document of a record file; `line` counts from 1, `date` is seconds since the epoch."""

    id: str
    title: str
    text: str
    line: int
    metadata: Mapping[str, MetadataValue] = field(default_factory=dict[str, MetadataValue])
    date: float | None = None


@dataclass(frozen=True, slots=True)
class BadRecord:
    """A record that was left out: the line it starts on, and why."""

    line: int
    reason: str


@dataclass(frozen=True, slots=True)
class _Row:
    line: int
    values: Mapping[str, object]


def read_records(path: Path, columns: Columns | None = None) -> Iterator[Record | BadRecord]:
    """Yield the records of a file, and what is wrong with the others.

    A record without an id gets its number in the file, counted from 1. Where no column is known to
    hold the text, the text is every other column as a line `name: value`. Columns that play no part
    become metadata.

    Raises:
        UsageError: If a column was asked for that the first records do not have.
        ExtractionError: If no record at all can be read.
    """
    columns = columns or Columns()
    reader = _Reader(columns, typed if _is_table(path) else plain)
    readable, first_bad = False, BadRecord(1, "holds no record")
    try:
        found = _rows(path)
        first = list(islice(found, _FIRST))
        names = [name for row in first if isinstance(row, _Row) for name in row.values]
        if names:
            check_columns(names, columns)
        for number, row in enumerate(chain(first, found), 1):
            outcome = row if isinstance(row, BadRecord) else reader.record(row, number)
            if isinstance(outcome, Record):
                readable = True
            elif number == 1:
                first_bad = outcome
            yield outcome
    except OSError as error:
        raise ExtractionError(
            f"cannot be read: {(error.strerror or str(error)).lower()}"
        ) from error
    if not readable:
        raise ExtractionError(f"no readable record: line {first_bad.line} {first_bad.reason}")


class _Reader:
    """Makes records of rows; remembers the ids that are taken."""

    def __init__(self, columns: Columns, convert: Callable[[object], MetadataValue | None]) -> None:
        self._columns = columns
        self._convert = convert
        self._roles: dict[tuple[str, ...], Roles] = {}
        self._taken: set[str] = set()

    def record(self, row: _Row, number: int) -> Record | BadRecord:
        """Return a row as a record, or why it is none."""
        names = tuple(row.values)
        roles = self._roles.get(names)
        if roles is None:
            roles = self._roles[names] = assign(names, self._columns)
        title, text = (_read(row, name) for name in (roles.title, roles.text))
        date = _date(row.values.get(roles.date)) if roles.date else None
        parts = {roles.id, roles.title, roles.text, None if date is None else roles.date}
        metadata = self._metadata(row, parts)
        if roles.text is None and self._columns.text is None:
            text = joined(metadata)
        if not text.strip() and not title.strip():
            return BadRecord(row.line, "has neither text nor title")
        id = _read(row, roles.id).strip() or str(number)
        if id in self._taken:
            return BadRecord(row.line, f"repeats the id {id[:100]!r}")
        self._taken.add(id)
        return Record(id=id, title=title, text=text, line=row.line, metadata=metadata, date=date)

    def _metadata(self, row: _Row, parts: set[str | None]) -> dict[str, MetadataValue]:
        """Return every other column; what BEIR nests under `metadata` counts as columns too."""
        others = {name: value for name, value in row.values.items() if name not in parts}
        nested = others.get("metadata")
        if isinstance(nested, dict):
            del others["metadata"]
            others = cast("dict[str, object]", nested) | others
        converted = {encodable(name): self._convert(value) for name, value in others.items()}
        return {name: value for name, value in converted.items() if value is not None}


def _read(row: _Row, name: str | None) -> str:
    return "" if name is None else as_text(plain(row.values.get(name)))


def _date(value: object) -> float | None:
    """Return an ISO date as seconds since the epoch (UTC unless it says otherwise)."""
    try:
        moment = datetime.fromisoformat(value.strip()) if isinstance(value, str) else None
        if moment is not None and moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return None if moment is None else moment.astimezone(UTC).timestamp()
    except (ValueError, OverflowError):
        return None


def _is_table(path: Path) -> bool:
    return path.suffix.lower() in (".csv", ".tsv")


def _rows(path: Path) -> Iterator[_Row | BadRecord]:
    """Yield a file's rows; what its encoding cannot say is replaced."""
    with path.open("rb") as raw:
        sample = raw.read(_SAMPLE_BYTES)
    encoding = encoding_of(sample)
    newline = "" if _is_table(path) else "\n"
    with path.open(encoding=encoding, errors="replace", newline=newline) as file:
        if not _is_table(path):
            yield from _json_rows(file)
            return
        start = sample.decode(encoding, "replace")
        dialect = dialect_of(start, tabs=path.suffix.lower() == ".tsv")
        yield from _table_rows(rows(file, dialect))


def _table_rows(found: Iterator[tuple[int, list[str] | str]]) -> Iterator[_Row | BadRecord]:
    """Yield the rows below the header, each as wide as it."""
    names: list[str] = []
    for line, row in found:
        if isinstance(row, str):
            yield BadRecord(line, row)
        elif not names:
            names = _names(row)
        elif len(row) < len(names) or any(row[len(names) :]):  # empty cells at the end are harmless
            yield BadRecord(line, f"has {len(row)} columns, not {len(names)}")
        else:
            yield _Row(line, dict(zip(names, row, strict=False)))


def _names(header: list[str]) -> list[str]:
    """Return column names, each once; a column without one is named by its place."""
    names: list[str] = []
    for place, cell in enumerate(header, 1):
        name = cell.strip() or f"column {place}"
        names.append(name if name not in names else f"{name} ({place})")
    return names


def _json_rows(file: TextIO) -> Iterator[_Row | BadRecord]:
    line = 0
    while text := file.readline(LINE_LIMIT):
        line += 1
        if len(text) == LINE_LIMIT:
            while len(text) == LINE_LIMIT and not text.endswith("\n"):
                text = file.readline(LINE_LIMIT)
            yield BadRecord(line, f"is longer than {LINE_LIMIT:,} characters")
        elif text.strip():
            yield _json_row(text, line)


def _json_row(text: str, line: int) -> _Row | BadRecord:
    try:
        value: object = json.loads(text)
    except (ValueError, RecursionError) as error:
        return BadRecord(line, f"is not JSON: {error}")
    if not isinstance(value, dict):
        return BadRecord(line, "is not a JSON object")
    return _Row(line, cast("dict[str, object]", value))
