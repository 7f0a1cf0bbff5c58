# pyright: basic
"""LEAF (pyarrow): rows of Parquet and Arrow files, batch by batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa
from pyarrow import ipc, parquet

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_BATCH = 1024  # rows
Damaged: type[Exception] = pa.ArrowException


def arrow_rows(path: Path) -> Iterator[dict[str, object]]:
    """Yield the rows of a file. Raises OSError or `Damaged` for what is no such file."""
    batches = _parquet(path) if path.suffix.lower() == ".parquet" else _arrow(path)
    for batch in batches:
        yield from batch.to_pylist()


def _parquet(path: Path) -> Iterator[pa.RecordBatch]:
    with parquet.ParquetFile(path) as file:
        yield from file.iter_batches(_BATCH)


def _arrow(path: Path) -> Iterator[pa.RecordBatch]:
    """Yield batches of either form: Feather has an index at its end, `datasets` writes streams."""
    with pa.memory_map(str(path)) as source:
        try:
            reader = ipc.open_file(source)
        except pa.ArrowInvalid:
            source.seek(0)
            yield from (part for batch in ipc.open_stream(source) for part in _parts(batch))
            return
        for number in range(reader.num_record_batches):
            yield from _parts(reader.get_batch(number))


def _parts(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    yield from (batch.slice(start, _BATCH) for start in range(0, batch.num_rows, _BATCH))
