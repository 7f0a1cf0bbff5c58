from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

import pytest

from engine.errors import ExtractionError
from indexer.extract import archive
from indexer.extract.archive import Archive, parse, resolve
from tests.make_files import zipped

if TYPE_CHECKING:
    from pathlib import Path

BOMB = """<!DOCTYPE a [<!ENTITY b "words"><!ENTITY c "&b;&b;&b;&b;">]><a>&c;</a>"""
OUTSIDE = """<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><a>&b;</a>"""


@pytest.mark.parametrize("markup", [BOMB, OUTSIDE])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-be"])
def test_xml_with_entities_is_refused(markup: str, encoding: str) -> None:
    with pytest.raises(ExtractionError, match="entities"):
        parse(markup.encode(encoding), "a.xml")


def test_broken_xml_is_damage() -> None:
    with pytest.raises(ExtractionError, match=r"damaged: its part document\.xml is no XML"):
        parse(b"<a><b></a>", "word/document.xml")


def test_an_archive_that_unfolds_a_thousandfold_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "MAX_PART", 1 << 20)
    zipped(tmp_path / "bomb.docx", {"word/document.xml": b"\0" * (2 << 20)})
    with pytest.raises(ExtractionError, match="unpacks to more than the limit"):
        Archive(tmp_path / "bomb.docx")


def test_an_archive_over_the_size_limit_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(archive, "MAX_UNPACKED", 100)
    zipped(tmp_path / "big.docx", {"word/document.xml": "words " * 100})
    with pytest.raises(ExtractionError, match="unpacks to more than the limit"):
        Archive(tmp_path / "big.docx")


def test_a_part_over_its_limit_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    zipped(tmp_path / "a.docx", {"a.xml": "words " * 100})
    monkeypatch.setattr(archive, "MAX_PART", 100)
    with Archive(tmp_path / "a.docx") as opened, pytest.raises(ExtractionError, match="limit"):
        opened.bytes("a.xml")


def test_a_part_with_a_wrong_checksum_is_damage(tmp_path: Path) -> None:
    path = tmp_path / "a.docx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as file:
        file.writestr("a.xml", "<a>words</a>")
    path.write_bytes(path.read_bytes().replace(b"words", b"wards", 1))
    with Archive(path) as opened, pytest.raises(ExtractionError, match="cannot be unpacked"):
        opened.xml("a.xml")


def test_a_missing_part_is_damage(tmp_path: Path) -> None:
    zipped(tmp_path / "a.docx", {"a.xml": "<a/>"})
    with Archive(tmp_path / "a.docx") as opened:
        assert opened.optional_xml("b.xml") is None
        with pytest.raises(ExtractionError, match=r"its part b\.xml is missing"):
            opened.xml("b.xml")


def test_an_encrypted_archive_says_so(tmp_path: Path) -> None:
    path = tmp_path / "a.docx"
    zipped(path, {"a.xml": "<a/>"})
    data = bytearray(path.read_bytes())
    data[data.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)
    with pytest.raises(ExtractionError, match="encrypted"):
        Archive(path)


def test_an_office_file_in_an_ole_wrapper_is_encrypted_or_old(tmp_path: Path) -> None:
    (tmp_path / "a.docx").write_bytes(bytes.fromhex("d0cf11e0a1b11ae1") + bytes(600))
    with pytest.raises(ExtractionError, match="encrypted, or an old Office file"):
        Archive(tmp_path / "a.docx")


@pytest.mark.parametrize(
    ("folder", "target", "part"),
    [
        ("word", "styles.xml", "word/styles.xml"),
        ("ppt/slides", "../notes/n1.xml", "ppt/notes/n1.xml"),
        ("word", "/docProps/core.xml", "docProps/core.xml"),
        ("OEBPS", "text/a%20b.xhtml#top", "OEBPS/text/a b.xhtml"),
        ("", "../../etc/passwd", "etc/passwd"),
    ],
)
def test_references_stay_inside_the_archive(folder: str, target: str, part: str) -> None:
    assert resolve(folder, target) == part
