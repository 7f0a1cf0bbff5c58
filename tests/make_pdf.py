"""PDF files written by hand: real text, bookmarks, and one that asks for a password."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


def make_locked_pdf(path: Path) -> None:
    """Write a PDF that asks for a password (its keys are noise, so no password opens it)."""
    key = "<" + "5a" * 32 + ">"
    lock = f"<< /Filter /Standard /V 1 /R 2 /O {key} /U {key} /P -4 >>"
    ident = "/ID [<00112233445566778899aabbccddeeff> <00112233445566778899aabbccddeeff>]"
    path.write_bytes(pdf([["Nobody can read this."]], trailer=f"/Encrypt {lock} {ident}"))


def pdf(
    pages: list[list[str]], *, title: str = "", trailer: str = "", marks: bool = False
) -> bytes:
    """Return a PDF with lines of text on its pages; `marks` adds a bookmark to each first line."""
    count = len(pages)
    first_page, first_mark = 5, 5 + 2 * count
    kids = " ".join(f"{first_page + 2 * page} 0 R" for page in range(count))
    outline = f"/Outlines {first_mark} 0 R" if marks else ""
    objects = [
        f"<< /Type /Catalog /Pages 2 0 R {outline} >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {count} >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
        f"<< /Title ({title}) /Author (Ada Lovelace) /CreationDate (D:20240131120000Z) >>",
    ]
    for number, lines in enumerate(pages):
        drawn = " T* ".join(f"({line}) Tj" for line in lines)
        stream = f"BT /F1 12 Tf 14 TL 72 720 Td {drawn} ET"
        objects.append(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Resources << /Font << /F1 3 0 R"
            f" >> >> /Contents {first_page + 2 * number + 1} 0 R >>"
        )
        objects.append(f"<< /Length {len(stream)} >>\nstream\n{stream}\nendstream")
    if marks:
        objects += _bookmarks(pages, first_page, first_mark)
    return _assembled(objects, trailer)


def _bookmarks(pages: list[list[str]], first_page: int, first_mark: int) -> list[str]:
    count = len(pages)
    objects = [
        f"<< /Type /Outlines /First {first_mark + 1} 0 R /Last {first_mark + count} 0 R"
        f" /Count {count} >>"
    ]
    for number, lines in enumerate(pages):
        own = first_mark + 1 + number
        after = f"/Next {own + 1} 0 R" if number + 1 < count else ""
        target = f"/Dest [{first_page + 2 * number} 0 R /Fit]"
        objects.append(f"<< /Title ({lines[0]}) /Parent {first_mark} 0 R {after} {target} >>")
    return objects


def _assembled(objects: list[str], trailer: str) -> bytes:
    data = b"%PDF-1.4\n"
    offsets: list[int] = []
    for number, body in enumerate(objects, start=1):
        offsets.append(len(data))
        data += f"{number} 0 obj\n{body}\nendobj\n".encode("latin-1")
    table = "".join(f"{offset:010} 00000 n \n" for offset in offsets)
    size = len(objects) + 1
    data += (
        f"xref\n0 {size}\n0000000000 65535 f \n{table}trailer\n"
        f"<< /Size {size} /Root 1 0 R /Info 4 0 R {trailer} >>\nstartxref\n{len(data)}\n%%EOF\n"
    ).encode()
    return data
