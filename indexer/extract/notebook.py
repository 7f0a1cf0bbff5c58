"""Jupyter notebooks: Markdown cells with their headings, code cells, and what they printed."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, cast

from engine.errors import ExtractionError
from indexer.extract import markdown, text
from indexer.extract.draft import Draft

if TYPE_CHECKING:
    from indexer.types import Extracted

_OUTPUT_CHARACTERS = 2000
Json = dict[str, object]


def read(data: bytes) -> Extracted:
    """Return a notebook.

    Raises:
        ExtractionError: It is no JSON, or JSON of something else.
    """
    try:
        loaded: object = json.loads(text.decode(data))
    except ValueError as error:
        raise ExtractionError("damaged: it is no JSON") from error
    notebook = cast("Json", loaded) if isinstance(loaded, dict) else {}
    draft = Draft()
    for cell in _cells(notebook):
        source = _joined(cell.get("source", cell.get("input")))
        if cell.get("cell_type") == "markdown":
            draft.part()
            markdown.write(draft, source.strip("\n"))
        elif cell.get("cell_type") == "heading":  # format 3
            level = cell.get("level")
            draft.heading(level if isinstance(level, int) else 1, source)
        else:
            draft.block(source)
        for output in _objects(cell.get("outputs")):
            draft.block(_printed(output)[:_OUTPUT_CHARACTERS])
    return draft.finish(metadata={"language": _language(notebook)})


def _cells(notebook: Json) -> list[Json]:
    if isinstance(notebook.get("cells"), list):
        return _objects(notebook["cells"])
    sheets = _objects(notebook.get("worksheets"))
    if "nbformat" not in notebook:
        raise ExtractionError("damaged: it is JSON, but no notebook")
    return [cell for sheet in sheets for cell in _objects(sheet.get("cells"))]


def _printed(output: Json) -> str:
    """Return what a cell wrote as text; tracebacks and pictures are left out."""
    if output.get("output_type") == "stream":
        return _joined(output.get("text"))
    shown = output.get("data", output)
    return _joined(cast("Json", shown).get("text/plain")) if isinstance(shown, dict) else ""


def _language(notebook: Json) -> str:
    about = notebook.get("metadata")
    for name in ("language_info", "kernelspec"):
        info = cast("Json", about).get(name) if isinstance(about, dict) else None
        if isinstance(info, dict):
            found = cast("Json", info).get("name" if name == "language_info" else "language")
            if isinstance(found, str):
                return found
    return ""


def _objects(value: object) -> list[Json]:
    items = cast("list[object]", value) if isinstance(value, list) else []
    return [cast("Json", item) for item in items if isinstance(item, dict)]


def _joined(value: object) -> str:
    """Return text that the format keeps as a string or as a list of lines."""
    if isinstance(value, list):
        return "".join(str(line) for line in cast("list[object]", value))
    return value if isinstance(value, str) else ""
