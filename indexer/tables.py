"""How a text file is encoded, and how a CSV or TSV file separates its cells."""

from __future__ import annotations

import codecs
import csv
import io
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, TextIO

from charset_normalizer import from_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator

FIELD_LIMIT = 1 << 26  # characters; Python's own limit of 131,072 is less than a long article
_ROWS = 50
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


@dataclass(frozen=True, slots=True)
class Dialect:
    """How cells are separated, and whether quotes around them mean anything."""

    delimiter: str
    quotes: bool = True


def encoding_of(sample: bytes) -> str:
    """Return the encoding of a text file from its first bytes: UTF-8 unless that is impossible.

    A little damage does not make a UTF-8 file anything else: the reader replaces what is broken.
    """
    for mark, name in _MARKS:
        if sample.startswith(mark):
            return name
    text = codecs.getincrementaldecoder("utf-8")("replace").decode(sample)
    if text.count("\ufffd") * 10 <= sum(not character.isascii() for character in text):
        return "utf-8"
    best = from_bytes(sample[: 1 << 16]).best()
    return "cp1252" if best is None else best.encoding


def dialect_of(sample: str, *, tabs: bool) -> Dialect:
    """Return the dialect in which the first rows come out most even, then widest, then most.

    `csv.Sniffer` is not asked: it takes letters for separators, and long fields make it slow.
    """
    separators = "\t,;|" if tabs else ",;\t|"
    candidates = [*map(Dialect, separators), Dialect("\t", quotes=False)]
    return max(candidates, key=lambda dialect: _evenness(sample, dialect))


def rows(file: TextIO, dialect: Dialect) -> Iterator[tuple[int, list[str] | str]]:
    """Yield each row that is not empty with the line it starts on; a str says what is wrong."""
    csv.field_size_limit(max(csv.field_size_limit(), FIELD_LIMIT))  # of the process: only grows
    quoting = csv.QUOTE_MINIMAL if dialect.quotes else csv.QUOTE_NONE
    reader = csv.reader(file, delimiter=dialect.delimiter, quoting=quoting)
    while True:
        line = reader.line_num + 1
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield line, str(error)
            continue
        if any(row):
            yield line, row


def _evenness(sample: str, dialect: Dialect) -> tuple[float, int, int]:
    """Return the share of rows as wide as the first, that width, and how many rows there are.

    One column is worth nothing. More rows of one width are better: an open quote swallows some.
    """
    found = islice(rows(io.StringIO(sample, newline=""), dialect), _ROWS)
    widths = [len(row) for _, row in found if isinstance(row, list)]
    if not widths or widths[0] == 1:
        return 0.0, 0, 0
    return widths.count(widths[0]) / len(widths), widths[0], len(widths)
