from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Any

import openpyxl
import pytest

from engine.errors import ExtractionError
from indexer.extract.sheet import read
from tests.make_files import zipped

if TYPE_CHECKING:
    from pathlib import Path


def book(path: Path, rows: list[list[object]]) -> Path:
    workbook: Any = openpyxl.Workbook()
    for row in rows:
        workbook.active.append(row)
    workbook.save(path)
    return path


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (3.0, "3"),
        (0.1, "0.1"),
        (-2, "-2"),
        (True, "true"),
        (False, "false"),
        (datetime(2024, 1, 31, 12, 30), "2024-01-31 12:30:00"),  # noqa: DTZ001
        (time(8, 15), "08:15:00"),
        (timedelta(hours=30), "1 day, 6:00:00"),
        ("two\nlines", "two lines"),
        ("=1+1", ""),  # a formula whose value no program has stored
    ],
)
def test_values_read_as_a_person_writes_them(value: object, words: str, tmp_path: Path) -> None:
    text = read(book(tmp_path / "a.xlsx", [["x", value]])).text
    assert text.splitlines()[2:] == [f"x | {words}" if words else "x"]


def test_a_workbook_without_values_has_no_text(tmp_path: Path) -> None:
    with pytest.raises(ExtractionError, match="no text inside"):
        read(book(tmp_path / "a.xlsx", []))


def test_an_archive_that_is_no_workbook_is_damage(tmp_path: Path) -> None:
    zipped(tmp_path / "a.xlsx", {"hello.txt": "x"})
    with pytest.raises(ExtractionError, match="damaged"):
        read(tmp_path / "a.xlsx")


def test_an_old_workbook_that_is_none_is_damage(tmp_path: Path) -> None:
    (tmp_path / "a.xls").write_bytes(b"words" * 200)
    with pytest.raises(ExtractionError, match="damaged"):
        read(tmp_path / "a.xls")
