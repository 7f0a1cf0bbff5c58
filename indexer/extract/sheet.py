# pyright: basic
"""Spreadsheets (LEAF python-calamine): a section a sheet, a line a row, values as stored."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import TYPE_CHECKING

from python_calamine import CalamineError, CalamineWorkbook, PasswordError

from engine.errors import ExtractionError
from indexer.extract.archive import Archive
from indexer.extract.draft import Draft, plain
from indexer.extract.office import properties

if TYPE_CHECKING:
    from pathlib import Path

    from indexer.types import Extracted


def read(path: Path) -> Extracted:
    """Return a workbook: xlsx, xlsb, xls or ods."""
    title, metadata, written = "", {}, None
    if path.suffix.lower() not in (".xls",):
        with Archive(path) as archive:  # the limits of archives, before calamine unpacks one
            about = properties(archive)
            title, metadata, written = about.title, about.metadata, about.date
    draft = Draft()
    try:
        workbook = CalamineWorkbook.from_path(path)
        rows = sum(_sheet(draft, workbook, name) for name in workbook.sheet_names)
    except PasswordError as error:
        raise ExtractionError("encrypted: it needs a password") from error
    except CalamineError as error:
        raise ExtractionError("damaged: no spreadsheet parser can open it") from error
    if not rows:
        raise ExtractionError("no text inside")
    return draft.finish(title=title, metadata=metadata, date=written, headed=False)


def _sheet(draft: Draft, workbook: CalamineWorkbook, name: str) -> int:
    """Write one sheet and return how many of its rows hold anything."""
    draft.heading(1, name)
    draft.part()
    rows = 0
    for row in workbook.get_sheet_by_name(name).iter_rows():
        line = " | ".join(plain(_value(cell)).replace("\n", " ") for cell in row).rstrip(" |")
        if line:
            draft.add(line + "\n")
            rows += 1
    return rows


def _value(cell: object) -> str:
    """Return a cell as a person would write it: no `.0`, no midnight behind a date."""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
    if isinstance(cell, datetime) and cell.time() == time():
        return cell.date().isoformat()
    if isinstance(cell, datetime):
        return cell.isoformat(sep=" ", timespec="seconds")
    if isinstance(cell, date):
        return cell.isoformat()
    return str(cell)
