from __future__ import annotations

from pathlib import Path

import pytest

from indexer.extract.kinds import file_type, kind, supported


@pytest.mark.parametrize(
    ("name", "type_"),
    [
        ("a/Guide.HTM", "html"),
        ("README.markdown", "md"),
        ("ci.yml", "yaml"),
        ("notes", "txt"),
        (".bashrc", "txt"),
        ("Makefile", "makefile"),
        ("Dockerfile.test", "dockerfile"),
        ("archive.tar.gz", "gz"),
        ("CMakeLists.txt", "cmake"),
        ("strange.xyz", "xyz"),
        ("report.PDF", "pdf"),
    ],
)
def test_the_type_is_the_canonical_extension(name: str, type_: str) -> None:
    assert file_type(Path(name)) == type_


@pytest.mark.parametrize("name", ["a.pdf", "a.md", "notes", "a.unknown", "a.xls", "script.py"])
def test_what_may_hold_text_is_supported(name: str) -> None:
    assert supported(Path(name))


@pytest.mark.parametrize("name", ["a.png", "a.zip", "a.doc", "a.safetensors", "A.EXE"])
def test_what_holds_no_text_is_not_supported(name: str) -> None:
    assert not supported(Path(name))


def test_an_unknown_suffix_is_read_as_text() -> None:
    assert kind(Path("a.unknown")) == "text"
