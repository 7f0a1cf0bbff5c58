"""Open one file, hand it to the reader of its kind, and translate everything that goes wrong."""

from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path

from engine.errors import ExtractionError
from indexer.extract.draft import MAX_CHARACTERS
from indexer.extract.kinds import Kind, file_type, kind
from indexer.types import Extracted

MAX_BYTES = 512 << 20
# A character of UTF-8 has up to four bytes, so a larger text file is over the limit unread.
MAX_TEXT_BYTES = 4 * MAX_CHARACTERS
Reader = Callable[[Path], Extracted]


def extract(path: Path) -> Extracted:
    """Return the text, title, sections and properties of one file.

    An empty text file is an empty document; a PDF or Office file without any text is an error,
    because its reader would wonder where the text went.

    Raises:
        ExtractionError: The file gives no text; the message is a short reason without the path.
    """
    try:
        of_kind = kind(path)
        if _size(path, of_kind) == 0:
            return _empty(of_kind)
        return _read(path, of_kind)
    except ExtractionError:
        raise
    except BaseException as error:
        reason = _reason(error)
        if reason is None:
            raise
        raise ExtractionError(reason) from error


def _size(path: Path, of_kind: Kind) -> int:
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise ExtractionError("not a regular file")
    limit = MAX_TEXT_BYTES if of_kind in ("text", "code", "markdown", "markup") else MAX_BYTES
    if status.st_size > limit:
        msg = f"larger than {limit >> 20} MiB"
        raise ExtractionError(msg)
    return status.st_size


def _empty(of_kind: Kind) -> Extracted:
    if of_kind in ("text", "code", "markdown", "markup", "html"):
        return Extracted(text="")
    raise ExtractionError("the file is empty")


def _read(path: Path, of_kind: Kind) -> Extracted:
    extracted = _reader(of_kind)(path)
    if extracted.text.strip() or of_kind in ("text", "code", "markdown", "markup", "notebook"):
        return extracted
    if of_kind == "mail" and extracted.title:  # many a mail is all subject
        return extracted
    raise ExtractionError("no text inside")


def _reader(of_kind: Kind) -> Reader:
    """Return the reader of a kind; its parser is imported here and not before."""
    match of_kind:
        case "pdf" | "html" | "sheet" | "rtf":
            return _library_reader(of_kind)
        case "docx" | "pptx" | "odf" | "epub":
            return _archive_reader(of_kind)
        case "mail" | "notebook" | "markdown" | "markup" | "code" | "text":
            return _text_reader(of_kind)
        case "legacy":
            raise ExtractionError("an old Office format: save it as .docx, .pptx or .pdf")
        case "binary":
            raise ExtractionError("binary file")


def _library_reader(of_kind: Kind) -> Reader:
    if of_kind == "pdf":
        from indexer.extract import pdf

        return pdf.read
    if of_kind == "sheet":
        from indexer.extract import sheet

        return sheet.read
    if of_kind == "rtf":
        from indexer.extract import rtf

        return rtf.read
    from indexer.extract import html

    return lambda path: html.read(path.read_bytes())


def _archive_reader(of_kind: Kind) -> Reader:
    if of_kind == "docx":
        from indexer.extract import docx

        return docx.read
    if of_kind == "pptx":
        from indexer.extract import pptx

        return pptx.read
    if of_kind == "odf":
        from indexer.extract import odf

        return odf.read
    from indexer.extract import epub

    return epub.read


def _text_reader(of_kind: Kind) -> Reader:
    from indexer.extract import code, mail, markdown, markup, notebook, text

    if of_kind == "mail":
        return mail.read
    if of_kind == "code":
        return lambda path: code.read(path.read_bytes(), file_type(path))
    if of_kind == "markup":
        return lambda path: markup.read(path.read_bytes(), file_type(path))
    readers = {"notebook": notebook.read, "markdown": markdown.read}
    read = readers.get(of_kind, text.read)
    return lambda path: read(path.read_bytes())


def _reason(error: BaseException) -> str | None:
    """Return what went wrong in a short sentence, or None for what is no failure of a file.

    An OSError carries the path in its own text, so only the system's words are taken of it.
    """
    match error:
        case OSError():
            return (error.strerror or "cannot be read").lower()
        case MemoryError():
            return "too large for the memory of this machine"
        case RecursionError():
            return "nested too deeply"
        case Exception():
            return f"damaged, or not what its name says ({type(error).__name__})"
        case _:
            # pyo3 raises PanicException, which is no Exception, where Rust code panics.
            return "the parser crashed" if type(error).__name__ == "PanicException" else None
