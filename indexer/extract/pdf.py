# pyright: basic
"""PDF (LEAF pypdfium2): one section a page, under the bookmarks that lead to it.

pdfium is the parser of Chrome. It is C++ and reads hostile files, so `extract_many` runs it in a
worker process.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from pypdfium2 import PdfDocument, PdfiumError

from engine.errors import ExtractionError
from indexer.extract.dates import seconds
from indexer.extract.draft import Draft, one_line, plain

if TYPE_CHECKING:
    from pathlib import Path

    from engine.types import MetadataValue
    from indexer.types import Extracted

_PASSWORD = 4  # FPDF_ERR_PASSWORD
_TAIL_BYTES = 1 << 16
_MAX_BOOKMARKS = 10_000
# pdfium writes U+0002 (older: U+FFFE) for a hyphen that only a line break made.
_BROKEN_WORD = re.compile("[\x02\ufffe]\n?")
_CONTROL = re.compile(r"[\x00-\x08\x0c\x0e-\x1f]")
_FILE_NAME = re.compile(
    r"\S+\.(?:docx?|pdf|tex|dvi|indd|qxd|pptx?|xlsx?|odt|html?|rtf|pages)", re.I
)
_NO_TITLE = re.compile(r"(?:untitled|document|microsoft (?:word|powerpoint) -|slide 1$|\W*$)", re.I)


def read(path: Path) -> Extracted:
    """Return a PDF with its text in reading order as far as the file has one."""
    _check_end(path)
    document = _open(path)
    try:
        draft = Draft()
        bookmarks = _bookmarks(document)
        for number in range(1, len(document) + 1):
            draft.turn_page(number)
            _page(draft, _text(document, number - 1), bookmarks.get(number, []))
        if not draft.parts or not "".join(draft.parts).strip():
            raise ExtractionError("no text (scanned images?)")
        about = document.get_metadata_dict()
    finally:
        document.close()
    title = about.get("Title", "").strip("\0 ")
    metadata: dict[str, MetadataValue] = {
        "author": plain(about.get("Author", "")).strip(),
        "subject": plain(about.get("Subject", "")).strip(),
        "keywords": [word.strip() for word in about.get("Keywords", "").split(",") if word.strip()],
    }
    return _finish(draft, title, metadata, about)


def _finish(
    draft: Draft, title: str, metadata: dict[str, MetadataValue], about: dict[str, str]
) -> Extracted:
    sane = not _NO_TITLE.match(title) and not _FILE_NAME.fullmatch(title)
    date = seconds(about.get("ModDate")) or seconds(about.get("CreationDate"))
    # The first bookmark of a PDF is its first chapter, seldom what the whole is about.
    return draft.finish(title=title if sane else "", metadata=metadata, date=date, headed=False)


def _check_end(path: Path) -> None:
    """Refuse a file without an end: pdfium would rebuild what is left and look whole."""
    with path.open("rb") as file:
        head = file.read(1024)
        file.seek(max(0, path.stat().st_size - _TAIL_BYTES))
        tail = file.read()
    if b"%PDF" not in head:
        raise ExtractionError("damaged: it does not start like a PDF")
    if b"%%EOF" not in tail:
        raise ExtractionError("damaged, or cut off while it was copied")


def _open(path: Path) -> PdfDocument:
    try:
        return PdfDocument(path)
    except PdfiumError as error:
        if getattr(error, "err_code", None) == _PASSWORD:
            raise ExtractionError("encrypted: it needs a password") from error
        raise ExtractionError("damaged: no PDF parser can open it") from error


def _text(document: PdfDocument, index: int) -> str:
    """Return the text of one page.

    Raises:
        ExtractionError: The page is damaged.
    """
    try:
        page = document[index]
        words = page.get_textpage()
    except PdfiumError as error:
        msg = f"damaged: page {index + 1} cannot be read"
        raise ExtractionError(msg) from error
    text = words.get_text_bounded() if words.count_chars() else ""
    words.close()
    page.close()
    return _CONTROL.sub("", _BROKEN_WORD.sub("", plain(text)))


def _page(draft: Draft, text: str, bookmarks: list[tuple[int, str]]) -> None:
    """Write one page; a bookmark starts its section where its words stand, else at the top."""
    text = text.strip("\n ")
    cut = 0
    for level, heading in bookmarks:
        words = r"\s+".join(map(re.escape, heading.split()))
        match = re.compile(words, re.IGNORECASE).search(text, cut)
        start = match.start() if match is not None else cut
        draft.add(text[cut:start])
        draft.mark(level, heading)
        cut = start
    draft.add(text[cut:])


def _bookmarks(document: PdfDocument) -> dict[int, list[tuple[int, str]]]:
    """Return page number -> (level, heading) of the bookmarks that lead there, in order."""
    found: dict[int, list[tuple[int, str]]] = {}
    for count, bookmark in enumerate(document.get_toc(max_depth=6)):
        if count == _MAX_BOOKMARKS:
            break
        target = bookmark.get_dest()
        index = target.get_index() if target is not None else None
        heading = one_line(bookmark.get_title() or "")
        if index is not None and heading:
            found.setdefault(index + 1, []).append((bookmark.level + 1, heading))
    return found
