"""Which reader a body belongs to, by its media type."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from indexer.documents import type_of
from indexer.extract import supported
from indexer.plan import is_record_file
from server.problems import HttpError

_OFFICE: Final = "application/vnd.openxmlformats-officedocument."
_OPEN: Final = "application/vnd.oasis.opendocument."
BINARY: Final = "application/octet-stream"
TYPES: Final = {
    "application/epub+zip": "epub",
    "application/pdf": "pdf",
    "application/rtf": "rtf",
    "application/vnd.ms-excel": "xls",
    "application/x-ipynb+json": "ipynb",
    "application/xhtml+xml": "html",
    "message/rfc822": "eml",
    "text/html": "html",
    "text/markdown": "md",
    "text/plain": "txt",
    "text/rtf": "rtf",
    f"{_OFFICE}presentationml.presentation": "pptx",
    f"{_OFFICE}spreadsheetml.sheet": "xlsx",
    f"{_OFFICE}wordprocessingml.document": "docx",
    f"{_OPEN}presentation": "odp",
    f"{_OPEN}spreadsheet": "ods",
    f"{_OPEN}text": "odt",
}


def type_of_body(media_type: str, document: str) -> str:
    """Return the type of a document that comes as the bytes of a file.

    Args:
        media_type: without parameters, lower case; without one the id tells, as a file's name does.
        document: its id.

    Raises:
        HttpError: 415 if nothing reads it.
    """
    if media_type in TYPES:
        return TYPES[media_type]
    if media_type not in ("", BINARY):
        raise HttpError(
            415,
            f"nothing here reads that Content-Type: send application/json, {BINARY} with an id that"
            f" ends as the file's name does, or one of {', '.join(TYPES)}",
        )
    name = Path(document)
    if is_record_file(name):
        raise HttpError(415, "a file of records holds many documents: put each by itself, as JSON")
    if not supported(name):
        raise HttpError(415, f"nothing here reads a file of type {type_of(document)}")
    return type_of(document)
