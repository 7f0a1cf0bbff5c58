"""One good file of every format, each with a sentence of its own, and a damaged twin of each.

Office files are written by libraries that Shortlist does not read with, so that the readers are not
tested against their own idea of the format. Formats without a small writer are written by hand.
"""

from __future__ import annotations

import json
import zipfile
from datetime import UTC, date, datetime
from email.message import EmailMessage
from typing import TYPE_CHECKING, Any

from tests.make_pdf import pdf

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_SUBJECTS = {
    "adoc": "quokkas", "cp1252": "déjà-vu owls", "docx": "pangolins", "eml": "walruses",
    "epub": "narwhals", "html": "axolotls", "ini": "okapis", "ipynb": "meerkats", "js": "geckos",
    "json": "ibexes", "mbox": "puffins", "md": "capybaras", "odp": "tapirs", "odt": "wombats",
    "ods": "kiwis", "org": "bonobos", "pdf": "ocelots", "pptx": "lemurs", "py": "pythons",
    "rst": "marmots", "rtf": "badgers", "sjis": "梟", "tex": "dugongs", "toml": "vicunas",
    "txt": "platypuses", "utf16": "salamanders", "xlsx": "flamingos", "xml": "jackals",
    "yaml": "gnus",
}  # fmt: skip
SENTENCES = {name: f"The {subject} wait behind the mill." for name, subject in _SUBJECTS.items()}
# Damaged, these are still read: a text with a few bad bytes is a text.
TEXTS = frozenset(
    "adoc cp1252 html ini js json md org py rst sjis tex toml txt utf16 xml yaml".split()  # noqa: SIM905
)
_CUT = frozenset(
    (".docx", ".epub", ".ipynb", ".odp", ".ods", ".odt", ".pdf", ".pptx", ".rtf", ".xlsx")
)
_NAMES = {"cp1252": "latin.txt", "sjis": "japanese.txt", "utf16": "wide.txt"}
_NOON = datetime(2024, 1, 31, 12, tzinfo=UTC)
_PACKAGE = "urn:oasis:names:tc:opendocument:xmlns"


def make_all(folder: Path) -> dict[str, Path]:
    """Write one good file of every format into a folder; return format name -> file."""
    folder.mkdir(parents=True, exist_ok=True)
    made: dict[str, Path] = {}
    for name, sentence in SENTENCES.items():
        made[name] = folder / _NAMES.get(name, f"sample.{name}")
        _WRITERS[name](made[name], sentence)
    return made


def make_damaged(folder: Path) -> dict[str, Path]:
    """Write one damaged file of every format into a folder; return format name -> file."""
    made = make_all(folder)
    for path in made.values():
        damage(path)
    return made


def damage(path: Path) -> None:
    """Damage a file as its format suffers most: cut it in half, or put garbage into it."""
    data = path.read_bytes()
    if path.suffix in _CUT:
        path.write_bytes(data[: len(data) // 2])
    elif path.suffix in (".eml", ".mbox"):
        path.write_bytes(bytes(range(0x80, 0x100)) * 4)
    else:
        path.write_bytes(data + b"\n \xfe\xff\xc0 ")


def zipped(path: Path, parts: dict[str, str | bytes]) -> None:
    """Write a ZIP archive of these parts."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)


def _pdf(path: Path, sentence: str) -> None:
    pages = [["Field report", "We saw nothing."], ["Second visit", sentence]]
    path.write_bytes(pdf(pages, title="Report on the mill", marks=True))


def _docx(path: Path, sentence: str) -> None:
    import docx

    document = docx.Document()
    document.core_properties.title = "Handbook of the mill"
    document.core_properties.author = "Ada Lovelace"
    document.core_properties.modified = _NOON
    document.add_heading("Animals", level=1)
    document.add_heading("Shy ones", level=2)
    document.add_paragraph(sentence)
    table = document.add_table(rows=1, cols=2)
    table.rows[0].cells[0].text = "height"
    table.rows[0].cells[1].text = "12 cm"
    document.save(str(path))


def _pptx(path: Path, sentence: str) -> None:
    import pptx

    show: Any = pptx.Presentation()
    for title, body in (("The mill", "It is old."), ("Behind it", sentence)):
        slide = show.slides.add_slide(show.slide_layouts[1])
        slide.shapes.title.text = title
        slide.placeholders[1].text = body
    show.slides[1].notes_slide.notes_text_frame.text = "Pause here."
    show.core_properties.title = "Talk about the mill"
    show.save(str(path))


def _xlsx(path: Path, sentence: str) -> None:
    import openpyxl

    book: Any = openpyxl.Workbook()
    book.properties.title = "Counts"
    book.active.title = "Birds"
    book.active.append(["seen", "number", "share", "note"])
    book.active.append([date(2024, 1, 31), 7, 0.5, sentence])
    book.create_sheet("Fish").append(["none", True])
    book.save(path)


def _odf(kind: str, body: str) -> dict[str, str | bytes]:
    spaces = " ".join(f'xmlns:{name}="{_PACKAGE}:{name}:1.0"' for name in _ODF_SPACES)
    return {
        "mimetype": f"application/vnd.oasis.opendocument.{kind}",
        "content.xml": f"<office:document-content {spaces}><office:body><office:{kind}>{body}"
        f"</office:{kind}></office:body></office:document-content>",
        "meta.xml": f'<office:document-meta {spaces} xmlns:dc="http://purl.org/dc/elements/1.1/">'
        "<office:meta><dc:title>Guide to the mill</dc:title><dc:creator>Ada Lovelace</dc:creator>"
        "<dc:date>2024-01-31T12:00:00</dc:date></office:meta></office:document-meta>",
        "META-INF/manifest.xml": '<manifest xmlns="urn:oasis:names:tc:opendocument:xmlns:'
        'manifest:1.0"><file-entry full-path="/"/></manifest>',
    }


def _odt(path: Path, sentence: str) -> None:
    body = (
        '<text:h text:outline-level="1">Animals</text:h><text:h text:outline-level="2">Shy ones'
        f"</text:h><text:p>{sentence}</text:p><table:table><table:table-row><table:table-cell>"
        "<text:p>height</text:p></table:table-cell><table:table-cell><text:p>12<text:s/>cm"
        "</text:p></table:table-cell></table:table-row></table:table>"
    )
    zipped(path, _odf("text", body))


def _odp(path: Path, sentence: str) -> None:
    slides = "".join(
        f'<draw:page><draw:frame presentation:class="title"><draw:text-box><text:p>{title}'
        f"</text:p></draw:text-box></draw:frame><draw:frame><draw:text-box><text:p>{text}</text:p>"
        "</draw:text-box></draw:frame></draw:page>"
        for title, text in (("The mill", "It is old."), ("Behind it", sentence))
    )
    zipped(path, _odf("presentation", slides))


def _ods(path: Path, sentence: str) -> None:
    body = (
        '<table:table table:name="Birds"><table:table-row><table:table-cell '
        f'office:value-type="string"><text:p>{sentence}</text:p></table:table-cell>'
        "</table:table-row></table:table>"
    )
    zipped(path, _odf("spreadsheet", body))


def _epub(path: Path, sentence: str) -> None:
    chapters = {"one": ("Arrival", "It rained."), "two": ("Departure", sentence)}
    items = "".join(
        f'<item id="{name}" href="text/{name}.xhtml" media-type="application/xhtml+xml"/>'
        for name in reversed(chapters)
    )
    spine = "".join(f'<itemref idref="{name}"/>' for name in chapters)
    parts: dict[str, str | bytes] = {
        "mimetype": "application/epub+zip",
        "META-INF/container.xml": '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:'
        'container"><rootfiles><rootfile full-path="OEBPS/book.opf"/></rootfiles></container>',
        "OEBPS/book.opf": '<package xmlns="http://www.idpf.org/2007/opf"><metadata xmlns:dc='
        '"http://purl.org/dc/elements/1.1/"><dc:title>The mill, a novel</dc:title><dc:creator>'
        "Ada Lovelace</dc:creator><dc:date>2024-01-31</dc:date></metadata>"
        f"<manifest>{items}</manifest><spine>{spine}</spine></package>",
    }
    for name, (title, text) in chapters.items():
        parts[f"OEBPS/text/{name}.xhtml"] = (
            f"<html><head><title>x</title></head><body><h1>{title}</h1><p>{text}</p></body></html>"
        )
    zipped(path, parts)


def _message(sentence: str) -> EmailMessage:
    message = EmailMessage()
    message["Subject"] = "Über die Mühle"
    message["From"] = "Ada Lovelace <ada@example.org>"
    message["To"] = "Charles <charles@example.org>"
    message["Date"] = "Wed, 31 Jan 2024 12:00:00 +0000"
    message.set_content(f"Dear Charles,\n\n{sentence}\n")
    message.add_alternative(f"<p>HTML: {sentence}</p>", subtype="html")
    return message


def _eml(path: Path, sentence: str) -> None:
    message = _message(sentence)
    message.add_attachment(b"%PDF", maintype="application", subtype="pdf", filename="plan.pdf")
    path.write_bytes(message.as_bytes())


def _mbox(path: Path, sentence: str) -> None:
    first = b"From ada Wed Jan 31 12:00:00 2024\n" + _message("Nothing yet.").as_bytes()
    second = b"\nFrom ada Wed Jan 31 13:00:00 2024\n" + _message(sentence).as_bytes()
    path.write_bytes(first + second)


def _ipynb(path: Path, sentence: str) -> None:
    printed = {"output_type": "stream", "name": "stdout", "text": ["forty-two\n"]}
    cells: list[dict[str, object]] = [
        {"cell_type": "markdown", "source": ["# Counting\n", "\n", "## Method\n", "\n", sentence]},
        {"cell_type": "code", "source": "# not a heading\nprint(42)", "outputs": [printed]},
    ]
    about = {"language_info": {"name": "python"}}
    path.write_text(json.dumps({"cells": cells, "metadata": about, "nbformat": 4}))


def _rtf(path: Path, sentence: str) -> None:
    path.write_text(r"{\rtf1\ansi{\fonttbl{\f0 Arial;}}\f0\fs24 " + sentence + r"\par Caf\'e9.}")


def _encoded(template: str, encoding: str = "utf-8") -> Callable[[Path, str], None]:
    def write(path: Path, sentence: str) -> None:
        path.write_bytes(template.replace("SENTENCE", sentence).encode(encoding))

    return write


_ODF_SPACES = ("office", "text", "table", "draw", "presentation", "meta")
_HTML = """<!doctype html><html><head><title>The mill</title><meta name="author" content="Ada">
<meta property="article:published_time" content="2024-01-31T12:00:00Z">
<style>p { color: red }</style></head><body><nav><a href="/">Home</a></nav><main><h1>The mill</h1>
<h2>Animals &amp; plants</h2><p>SENTENCE</p><script>alert(1)</script>
<table><tr><th>height<td>12 cm</table></main><footer>Imprint</footer></body></html>"""
_MD = """---
title: Notes on the mill
date: 2024-01-31
tags: [water, stone]
---
# Animals

## Shy ones

SENTENCE See [the map](https://example.org/map).

```sh
# not a heading
```
"""
_RST = "The mill\n========\n\nAnimals\n-------\n\nSENTENCE\n"
_TEX = "\\title{The mill}\n\\section{Animals}\nSENTENCE\n"
_PY = '"""Count animals.\n\nSENTENCE\n"""\n\n\nclass Mill:\n    pass\n\n\ndef count():\n    pass\n'
_JS = "// SENTENCE\nexport function grind(corn) {\n  return corn\n}\n"
_JAPANESE = "これは水車小屋についての短い文書です。SENTENCE\nいつも静かに待っている。\n"
_WRITERS: dict[str, Callable[[Path, str], None]] = {
    "adoc": _encoded("= The mill\n\n== Animals\n\nSENTENCE\n"),
    "cp1252": _encoded("Le café est fermé.\nSENTENCE\nÀ bientôt, Zoë.\n", "cp1252"),
    "docx": _docx,
    "eml": _eml,
    "epub": _epub,
    "html": _encoded(_HTML),
    "ini": _encoded("[mill]\nnote = SENTENCE\n"),
    "ipynb": _ipynb,
    "js": _encoded(_JS),
    "json": _encoded('{"note": "SENTENCE"}\n'),
    "mbox": _mbox,
    "md": _encoded(_MD),
    "odp": _odp,
    "ods": _ods,
    "odt": _odt,
    "org": _encoded("#+TITLE: The mill\n* Animals\nSENTENCE\n"),
    "pdf": _pdf,
    "pptx": _pptx,
    "py": _encoded(_PY),
    "rst": _encoded(_RST),
    "rtf": _rtf,
    "sjis": _encoded(_JAPANESE, "shift_jis"),
    "tex": _encoded(_TEX),
    "toml": _encoded('note = "SENTENCE"\n'),
    "txt": _encoded("Once upon a time.\r\nSENTENCE\r\n"),
    "utf16": _encoded("Once upon a time.\nSENTENCE\n", "utf-16"),
    "xlsx": _xlsx,
    "xml": _encoded("<note>SENTENCE</note>\n"),
    "yaml": _encoded("note: SENTENCE\n"),
}
