from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from engine.errors import ExtractionError
from indexer.extract.pdf import read
from tests.make_pdf import pdf

if TYPE_CHECKING:
    from pathlib import Path


def write(tmp_path: Path, data: bytes) -> Path:
    (tmp_path / "a.pdf").write_bytes(data)
    return tmp_path / "a.pdf"


def test_every_page_is_a_section(tmp_path: Path) -> None:
    extracted = read(write(tmp_path, pdf([["one"], [], ["three"]])))
    assert [section.page for section in extracted.sections][-1] == 3
    last = extracted.sections[-1]
    assert extracted.text[last.start :] == "three"
    assert extracted.title == ""


def test_a_bookmark_starts_its_section_where_its_words_stand(tmp_path: Path) -> None:
    data = pdf([["Mill", "words"], ["Wheel", "more"]], marks=True)
    moved = data.replace(b"(Mill) Tj T* (words)", b"(words) Tj T* (Mill)")
    extracted = read(write(tmp_path, moved))
    first = next(section for section in extracted.sections if section.heading == ("Mill",))
    assert extracted.text[first.start :].startswith("Mill")
    assert extracted.text.startswith("words")
    assert extracted.sections[-1].heading == ("Wheel",)


def test_lines_of_a_page_are_lines(tmp_path: Path) -> None:
    assert read(write(tmp_path, pdf([["The first line.", "The second."]]))).text == (
        "The first line.\nThe second."
    )


def test_a_file_cut_after_its_pages_is_damage(tmp_path: Path) -> None:
    data = pdf([["words"]])
    with pytest.raises(ExtractionError, match="cut off"):
        read(write(tmp_path, data[: data.index(b"xref")]))


@pytest.mark.parametrize(
    "data", [b"words", b"%PDF-1.4\n%%EOF", b"%PDF-1.4\n" + b"\xff" * 999 + b"\n%%EOF"]
)
def test_what_no_parser_opens_is_damage(data: bytes, tmp_path: Path) -> None:
    with pytest.raises(ExtractionError, match="damaged"):
        read(write(tmp_path, data))


def test_a_page_that_is_no_page_is_damage(tmp_path: Path) -> None:
    data = pdf([["one"], ["two"]]).replace(b"7 0 R] /Count", b"3 0 R] /Count")
    with pytest.raises(ExtractionError, match="page 2 cannot be read"):
        read(write(tmp_path, data))
