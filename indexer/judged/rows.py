"""Rows of question and answer files, whatever their format: the columns by name."""

from __future__ import annotations

import gzip
import io
import json
import re
import zlib
from typing import IO, TYPE_CHECKING, Final, TextIO, cast

from engine.errors import CollectionError
from indexer.tables import dialect_of, encoding_of, rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

Row = tuple[int, dict[str, object]]
_TABLES: Final = (".csv", ".tsv")
_LINES: Final = (".jsonl", ".ndjson")
_ARROW: Final = (".parquet", ".arrow", ".feather")
SUFFIXES: Final = (*_TABLES, *_LINES, ".json", *_ARROW)  # all but Arrow's also with .gz behind
_SAMPLE_BYTES: Final = 1 << 20
_GAP: Final = re.compile(r"[ \t\r\n]*")
_SHOWN: Final = 50  # columns, and characters of each


def rows_of(path: Path) -> Iterator[Row]:
    """Yield each row of a file with the line that it starts on; in Parquet and Arrow, its number.

    The values are text in CSV and TSV, else what the file says they are.

    Raises:
        CollectionError: naming the line that is no row, or the file that has none of the formats.
    """
    form = _form(path)
    if not path.is_file():
        raise CollectionError(f"there is no file {path}")
    if form in _ARROW:
        yield from _arrow_rows(path)
        return
    try:
        with _opened(path) as file:
            yield from _text_rows(file, form, str(path))
    except (OSError, EOFError, zlib.error) as error:
        raise _unreadable(path, error) from error


def find_column(names: Sequence[str], wanted: Sequence[str], what: str) -> str:
    """Return the column that has the first of the wanted names, in any case.

    Raises:
        CollectionError: If there is none; it says what is missing, and which columns there are.
    """
    by_name = {name.strip().lower(): name for name in reversed(names)}
    for name in wanted:
        if name in by_name:
            return by_name[name]
    found = ", ".join(name[:_SHOWN] for name in names[:_SHOWN]) or "none"
    raise CollectionError(
        f"no column for the {what}: it may be called {', '.join(wanted)}; the columns are: {found}"
    )


def _form(path: Path) -> str:
    suffixes = [suffix.lower() for suffix in path.suffixes]
    packed = suffixes[-1:] == [".gz"]
    form = (suffixes[-2:-1] if packed else suffixes[-1:]) or [""]
    if form[0] not in SUFFIXES or (packed and form[0] in _ARROW):
        raise CollectionError(
            f"{path} is no file of questions and answers: its name ends in none of"
            f" {', '.join(SUFFIXES)}"
        )
    return form[0]


def _opened(path: Path) -> IO[bytes]:
    if path.suffix.lower() == ".gz":
        return cast("IO[bytes]", gzip.open(path))  # closed by the caller
    return path.open("rb")


def _arrow_rows(path: Path) -> Iterator[Row]:
    from indexer.judged.arrow import Damaged, arrow_rows

    try:
        yield from enumerate(arrow_rows(path), 1)
    except (OSError, Damaged) as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> CollectionError:
    reason = error.strerror if isinstance(error, OSError) else None
    return CollectionError(f"{path} cannot be read: {(reason or str(error)).splitlines()[0]}")


def _text_rows(file: IO[bytes], form: str, place: str) -> Iterator[Row]:
    sample = file.read(_SAMPLE_BYTES)
    file.seek(0)
    encoding = encoding_of(sample)
    newline = "" if form in _TABLES else "\n"
    with io.TextIOWrapper(file, encoding, "replace", newline) as text:
        if form in _TABLES:
            start = sample.decode(encoding, "replace")
            dialect = dialect_of(start, tabs=form == ".tsv")
            yield from _table_rows(rows(text, dialect), place)
        elif form == ".json" and sample.decode(encoding, "replace").lstrip().startswith("["):
            yield from _array_rows(text.read(), place)
        else:
            yield from _line_rows(text, place)


def _table_rows(found: Iterator[tuple[int, list[str] | str]], place: str) -> Iterator[Row]:
    names: list[str] = []
    for line, row in found:
        if isinstance(row, str):
            raise CollectionError(f"{place}:{line}: {row}")
        if not names:
            names = [cell.strip() for cell in row]
        elif len(row) < len(names) or any(row[len(names) :]):
            raise CollectionError(f"{place}:{line}: has {len(row)} columns, not {len(names)}")
        else:
            yield line, dict(zip(names, row, strict=False))


def _line_rows(file: TextIO, place: str) -> Iterator[Row]:
    for line, text in enumerate(file, 1):
        if not text.isspace():
            try:
                value: object = json.loads(text)
            except (ValueError, RecursionError) as error:
                raise CollectionError(f"{place}:{line}: is not JSON: {error}") from error
            yield line, _object(value, f"{place}:{line}")


def _array_rows(text: str, place: str) -> Iterator[Row]:
    """Yield the objects of a JSON array one by one, each with the line that it starts on."""
    decoder = json.JSONDecoder()
    at, line, counted = _skip(text, text.index("[") + 1), 1, 0
    more = text[at : at + 1] != "]"
    while more:
        line, counted = line + text.count("\n", counted, at), at
        try:
            value, at = cast("tuple[object, int]", decoder.raw_decode(text, at))
        except (ValueError, RecursionError) as error:
            raise CollectionError(f"{place}:{line}: is not JSON: {error}") from error
        yield line, _object(value, f"{place}:{line}")
        at = _skip(text, at)
        more = text[at : at + 1] == ","
        if not more and text[at : at + 1] != "]":
            raise CollectionError(f"{place}:{line}: neither a comma nor ] comes after this record")
        at = _skip(text, at + 1)


def _object(value: object, place: str) -> dict[str, object]:
    if not isinstance(value, dict):
        raise CollectionError(f"{place}: is not a JSON object")
    return cast("dict[str, object]", value)


def _skip(text: str, at: int) -> int:
    found = _GAP.match(text, at)
    return at if found is None else found.end()
