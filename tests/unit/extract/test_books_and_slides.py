from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from engine.errors import ExtractionError
from indexer.extract import epub, odf, pptx
from tests.make_files import zipped

if TYPE_CHECKING:
    from pathlib import Path

RELATION = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
ODF = "urn:oasis:names:tc:opendocument:xmlns"


def slides(path: Path, order: list[str]) -> Path:
    """Write a show of slides `one` and `two` in this order of relations."""
    entries = "".join(f'<sldId id="25{n}" r:id="{name}"/>' for n, name in enumerate(order))
    parts: dict[str, str | bytes] = {
        "ppt/presentation.xml": f'<p xmlns:r="{RELATION}"><sldIdLst>{entries}</sldIdLst></p>',
        "ppt/_rels/presentation.xml.rels": "<Relationships>"
        '<Relationship Id="one" Type="x/slide" Target="slides/slide1.xml"/>'
        '<Relationship Id="two" Type="x/slide" Target="slides/slide2.xml"/></Relationships>',
    }
    for number, word in enumerate(("first", "second"), start=1):
        parts[f"ppt/slides/slide{number}.xml"] = (
            f"<sld><spTree><grpSp><sp><txBody><p><r><t>{word}</t></r></p></txBody></sp></grpSp>"
            '<sp><nvPr><ph type="sldNum"/></nvPr><txBody><p><t>99</t></p></txBody></sp>'
            "<graphicFrame><tbl><tr><tc><p><t>a</t></p></tc><tc><p><t>b</t></p></tc></tr></tbl>"
            "</graphicFrame></spTree></sld>"
        )
    zipped(path, parts)
    return path


def test_slides_are_numbered_in_the_order_of_the_show(tmp_path: Path) -> None:
    extracted = pptx.read(slides(tmp_path / "a.pptx", ["two", "one"]))
    assert extracted.text == "second\n\na | b\n\nfirst\n\na | b"
    assert [section.page for section in extracted.sections] == [1, 2]


def test_a_slide_that_is_missing_is_damage(tmp_path: Path) -> None:
    with pytest.raises(ExtractionError, match="a slide is missing"):
        pptx.read(slides(tmp_path / "a.pptx", ["one", "three"]))


def book(path: Path, more: dict[str, str | bytes]) -> Path:
    """Write a book whose spine is its navigation and one chapter."""
    parts: dict[str, str | bytes] = {
        "META-INF/container.xml": '<container><rootfile full-path="book.opf"/></container>',
        "book.opf": '<package><manifest><item id="n" href="nav.xhtml" properties="nav" '
        'media-type="application/xhtml+xml"/><item id="c" href="c%201.xhtml" '
        'media-type="application/xhtml+xml"/></manifest>'
        '<spine><itemref idref="n"/><itemref idref="c"/><itemref idref="lost"/></spine></package>',
        "nav.xhtml": "<p>Contents",
        "c 1.xhtml": "<h1>One</h1><p>words",
    }
    zipped(path, parts | more)
    return path


def test_the_contents_of_a_book_are_no_chapter(tmp_path: Path) -> None:
    assert epub.read(book(tmp_path / "a.epub", {})).text == "One\n\nwords"


def test_a_locked_chapter_is_encrypted_and_locked_fonts_are_not(tmp_path: Path) -> None:
    lock = '<encryption><CipherReference URI="{}"/></encryption>'
    where = "META-INF/encryption.xml"
    assert epub.read(book(tmp_path / "font.epub", {where: lock.format("a.otf")})).text
    with pytest.raises(ExtractionError, match="copy protection"):
        epub.read(book(tmp_path / "a.epub", {where: lock.format("c%201.xhtml")}))


def test_a_book_that_names_no_package_is_damage(tmp_path: Path) -> None:
    zipped(tmp_path / "a.epub", {"META-INF/container.xml": "<container/>"})
    with pytest.raises(ExtractionError, match="names no package"):
        epub.read(tmp_path / "a.epub")


def odt(path: Path, body: str, manifest: str = "<manifest/>") -> Path:
    spaces = f'xmlns:text="{ODF}:text:1.0" xmlns:office="{ODF}:office:1.0"'
    content = f"<office:x {spaces}><office:body><office:text>{body}</office:text></office:body>"
    zipped(path, {"content.xml": content + "</office:x>", "META-INF/manifest.xml": manifest})
    return path


def test_open_document_spaces_tabs_and_spans_are_text(tmp_path: Path) -> None:
    body = '<text:p>a<text:s text:c="3"/>b<text:tab/><text:span>c</text:span>d</text:p>'
    assert odf.read(odt(tmp_path / "a.odt", body)).text == "a   b\tcd"


def test_open_document_notes_follow_their_paragraph(tmp_path: Path) -> None:
    note = (
        "<text:note><text:note-citation>1</text:note-citation><text:note-body><text:p>note"
        "</text:p></text:note-body></text:note>"
    )
    text = odf.read(odt(tmp_path / "a.odt", f"<text:p>words{note} go on</text:p>")).text
    assert text == "words go on\n\nnote"


def test_open_document_comments_and_contents_are_left_out(tmp_path: Path) -> None:
    body = (
        "<text:table-of-content><text:p>A 3</text:p></text:table-of-content><text:p>words</text:p>"
    )
    assert odf.read(odt(tmp_path / "a.odt", body)).text == "words"


def test_an_encrypted_open_document_says_so(tmp_path: Path) -> None:
    path = odt(tmp_path / "a.odt", "", "<manifest><encryption-data/></manifest>")
    with pytest.raises(ExtractionError, match="encrypted"):
        odf.read(path)


def test_an_open_document_without_body_is_damage(tmp_path: Path) -> None:
    zipped(tmp_path / "a.odt", {"content.xml": "<x/>"})
    with pytest.raises(ExtractionError, match="no body"):
        odf.read(tmp_path / "a.odt")
