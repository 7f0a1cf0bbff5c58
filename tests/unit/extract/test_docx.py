from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from engine.errors import ExtractionError
from indexer.extract.docx import read
from tests.make_files import zipped

if TYPE_CHECKING:
    from pathlib import Path

    from indexer.types import Extracted

W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
RELATIONS = (
    "<Relationships>"
    '<Relationship Id="r1" Type="x/styles" Target="styles.xml"/>'
    '<Relationship Id="r2" Type="x/footnotes" Target="footnotes.xml"/>'
    "</Relationships>"
)
STYLES = f"""<w:styles {W}>
<w:style w:styleId="Titel"><w:name w:val="Title"/></w:style>
<w:style w:styleId="berschrift1"><w:name w:val="heading 1"/></w:style>
<w:style w:styleId="Mine"><w:name w:val="My heading"/><w:basedOn w:val="berschrift1"/></w:style>
<w:style w:styleId="Loop"><w:name w:val="a"/><w:basedOn w:val="Loop"/></w:style>
<w:style w:styleId="Deep"><w:name w:val="b"/><w:pPr><w:outlineLvl w:val="2"/></w:pPr></w:style>
<w:style w:styleId="V1"><w:name w:val="toc 1"/></w:style></w:styles>"""


def paragraph(text: str, style: str = "") -> str:
    about = f'<w:pPr><w:pStyle w:val="{style}"/></w:pPr>' if style else ""
    return f"<w:p>{about}<w:r><w:t>{text}</w:t></w:r></w:p>"


def word(tmp_path: Path, body: str, footnotes: str = "") -> Extracted:
    parts: dict[str, str | bytes] = {
        "word/document.xml": f"<w:document {W}><w:body>{body}</w:body></w:document>",
        "word/_rels/document.xml.rels": RELATIONS,
        "word/styles.xml": STYLES,
    }
    if footnotes:
        parts["word/footnotes.xml"] = f"<w:footnotes {W}>{footnotes}</w:footnotes>"
    zipped(tmp_path / "a.docx", parts)
    return read(tmp_path / "a.docx")


@pytest.mark.parametrize(
    ("style", "heading"),
    [("berschrift1", ("A",)), ("Mine", ("A",)), ("Deep", ("A",)), ("Loop", None), ("No", None)],
)
def test_headings_are_known_by_style_in_any_language(
    style: str, heading: tuple[str, ...] | None, tmp_path: Path
) -> None:
    body = paragraph("T", "Titel") + paragraph("A", style)
    found = [section.heading for section in word(tmp_path, body).sections]
    assert found == ([heading] if heading else [])


def test_the_first_paragraph_in_the_title_style_is_the_title(tmp_path: Path) -> None:
    body = paragraph("My book", "Titel") + paragraph("Intro", "berschrift1")
    assert word(tmp_path, body).title == "My book"


def test_a_paragraph_may_set_or_unset_its_outline_level_itself(tmp_path: Path) -> None:
    def leveled(text: str, level: int) -> str:
        style = '<w:pStyle w:val="berschrift1"/>'
        about = f'<w:pPr>{style}<w:outlineLvl w:val="{level}"/></w:pPr>'
        return f"<w:p>{about}<w:r><w:t>{text}</w:t></w:r></w:p>"

    body = paragraph("T", "Titel") + leveled("A", 0) + leveled("B", 9) + leveled("C", 1)
    found = [section.heading for section in word(tmp_path, body).sections]
    assert found == [("A",), ("A", "C")]


def test_the_table_of_contents_is_no_text(tmp_path: Path) -> None:
    assert word(tmp_path, paragraph("A ... 3", "V1") + paragraph("words")).text == "words"


def test_content_controls_are_looked_into(tmp_path: Path) -> None:
    body = f"<w:sdt><w:sdtContent>{paragraph('inside')}</w:sdtContent></w:sdt>"
    assert word(tmp_path, body).text == "inside"


def test_deleted_and_repeated_text_is_left_out(tmp_path: Path) -> None:
    box = f"<w:txbxContent>{paragraph('box')}</w:txbxContent>"
    body = (
        "<w:p><w:del><w:r><w:delText>gone</w:delText></w:r></w:del>"
        "<w:ins><w:r><w:t>new</w:t></w:r></w:ins><w:r><w:instrText>PAGE</w:instrText></w:r>"
        f"<w:r><AlternateContent><Choice>{box}</Choice><Fallback>{box}</Fallback>"
        "</AlternateContent></w:r></w:p>"
    )
    assert word(tmp_path, body).text == "new\n\nbox"


def test_tabs_and_breaks_part_words(tmp_path: Path) -> None:
    body = "<w:p><w:r><w:t>a</w:t><w:tab/><w:t>b</w:t><w:br/><w:t>c</w:t></w:r></w:p>"
    assert word(tmp_path, body).text == "a\tb\nc"


def test_footnotes_follow_without_their_separator(tmp_path: Path) -> None:
    notes = f'<w:footnote w:type="separator">{paragraph("---")}</w:footnote>'
    notes += f"<w:footnote>{paragraph('note')}</w:footnote>"
    assert word(tmp_path, paragraph("words"), notes).text == "words\n\nnote"


def test_an_archive_without_a_document_is_damage(tmp_path: Path) -> None:
    zipped(tmp_path / "a.docx", {"hello.txt": "x"})
    with pytest.raises(ExtractionError, match=r"its part document\.xml is missing"):
        read(tmp_path / "a.docx")
