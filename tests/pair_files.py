# pyright: basic
"""Files of questions and answers in every format that is read."""

from __future__ import annotations

import csv
import gzip
import json
from typing import TYPE_CHECKING

import pyarrow as pa
from pyarrow import feather, ipc, parquet

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    Row = Mapping[str, object]

ROWS = (
    {"answer": "A mill.\nA second line.", "question": 'what grinds, "corn"'},
    {"answer": "Flour, of course", "question": "what does a miller sell"},
    {"answer": "Bread", "question": "what does a miller sell"},
    {"answer": "Bread", "question": "was ißt man täglich"},
)


def as_csv(path: Path, rows: Sequence[Row]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        delimiter = "\t" if path.suffix == ".tsv" else ","
        writer = csv.DictWriter(file, list(rows[0]), delimiter=delimiter)
        writer.writeheader()
        writer.writerows(rows)


def as_json_lines(path: Path, rows: Sequence[Row]) -> None:
    path.write_text("".join(json.dumps(row) + "\n\n" for row in rows))


def as_packed_json_lines(path: Path, rows: Sequence[Row]) -> None:
    path.write_bytes(gzip.compress("\n".join(map(json.dumps, rows)).encode()))


def as_array(path: Path, rows: Sequence[Row]) -> None:
    path.write_text(json.dumps(list(rows), indent=2, ensure_ascii=False))


def as_parquet(path: Path, rows: Sequence[Row]) -> None:
    parquet.write_table(pa.Table.from_pylist(list(rows)), path, row_group_size=2)


def as_feather(path: Path, rows: Sequence[Row]) -> None:
    feather.write_feather(pa.Table.from_pylist(list(rows)), path, chunksize=3)


def as_stream(path: Path, rows: Sequence[Row]) -> None:
    """Write what `datasets` keeps in its cache."""
    table = pa.Table.from_pylist(list(rows))
    with ipc.new_stream(path, table.schema) as file:
        file.write_table(table, max_chunksize=3)


FORMATS: dict[str, Callable[[Path, Sequence[Row]], None]] = {
    "a.csv": as_csv,
    "a.tsv": as_csv,
    "a.jsonl": as_json_lines,
    "a.ndjson": as_json_lines,
    "a.jsonl.gz": as_packed_json_lines,
    "a.json": as_array,
    "lines.json": as_json_lines,
    "a.parquet": as_parquet,
    "a.feather": as_feather,
    "a.arrow": as_stream,
}


def pairs_file(home: Path, rows: Sequence[Row], name: str = "a.jsonl") -> Path:
    """Write rows in the format that a name of `FORMATS` has."""
    path = home / name
    FORMATS[name](path, rows)
    return path
