from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from engine.errors import ExtractionError
from indexer.extract import extract, files

if TYPE_CHECKING:
    from pathlib import Path


def test_an_unknown_suffix_with_text_is_read(tmp_path: Path) -> None:
    (tmp_path / "notes.xyz").write_text("some words")
    assert extract(tmp_path / "notes.xyz").text == "some words"


@pytest.mark.parametrize("name", ["a.png", "a.xyz", "a.txt"])
def test_binary_data_is_refused_whatever_its_name(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR")
    with pytest.raises(ExtractionError, match="binary file"):
        extract(tmp_path / name)


@pytest.mark.parametrize("name", ["a.txt", "__init__.py", "a.md", "a.html", "a.rst"])
def test_an_empty_text_is_an_empty_document(name: str, tmp_path: Path) -> None:
    (tmp_path / name).touch()
    assert extract(tmp_path / name).text == ""


@pytest.mark.parametrize("name", ["a.pdf", "a.docx", "a.ipynb", "a.eml"])
def test_an_empty_file_of_a_structured_format_is_a_failure(name: str, tmp_path: Path) -> None:
    (tmp_path / name).touch()
    with pytest.raises(ExtractionError, match="empty"):
        extract(tmp_path / name)


def test_a_page_that_only_a_script_would_fill_says_so(tmp_path: Path) -> None:
    (tmp_path / "app.html").write_text("<title>App</title><body><script>draw()</script>")
    with pytest.raises(ExtractionError, match="no text inside"):
        extract(tmp_path / "app.html")


def test_a_mail_may_be_all_subject(tmp_path: Path) -> None:
    (tmp_path / "a.eml").write_text("Subject: call me\n\n")
    assert extract(tmp_path / "a.eml").title == "call me"


def test_a_mail_without_subject_and_text_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / "a.eml").write_text("From: a@example.org\n\n")
    with pytest.raises(ExtractionError, match="no text inside"):
        extract(tmp_path / "a.eml")


def test_a_missing_file_is_a_reason_without_its_path(tmp_path: Path) -> None:
    with pytest.raises(ExtractionError) as caught:
        extract(tmp_path / "gone.txt")
    assert str(caught.value) == "no such file or directory"


def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ExtractionError, match="not a regular file"):
        extract(tmp_path)


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.txt")
    with pytest.raises(ExtractionError, match="not a regular file"):
        extract(tmp_path / "pipe.txt")


def test_a_loop_of_links_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.txt").symlink_to(tmp_path / "a.txt")
    with pytest.raises(ExtractionError, match="symbolic links"):
        extract(tmp_path / "a.txt")


def test_an_old_office_file_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "letter.doc").write_bytes(bytes.fromhex("d0cf11e0a1b11ae1"))
    with pytest.raises(ExtractionError, match="save it as"):
        extract(tmp_path / "letter.doc")


def test_a_file_over_the_size_limit_is_not_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "MAX_BYTES", 1 << 20)
    with (tmp_path / "big.pdf").open("wb") as file:
        file.truncate((1 << 20) + 1)
    with pytest.raises(ExtractionError, match="larger than 1 MiB"):
        extract(tmp_path / "big.pdf")


class PanicException(BaseException):
    pass


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (PanicException("index out of bounds"), "the parser crashed"),
        (MemoryError(), "too large for the memory of this machine"),
        (RecursionError(), "nested too deeply"),
        (KeyError("Root"), "damaged, or not what its name says (KeyError)"),
        (PermissionError(13, "Permission denied", "/secret"), "permission denied"),
    ],
)
def test_foreign_errors_become_reasons(
    error: BaseException, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(path: Path) -> None:
        raise error

    (tmp_path / "a.pdf").write_bytes(b"x")
    monkeypatch.setattr("indexer.extract.pdf.read", fail)
    with pytest.raises(ExtractionError) as caught:
        extract(tmp_path / "a.pdf")
    assert str(caught.value) == reason


def test_an_interrupt_is_not_swallowed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(path: Path) -> None:
        raise KeyboardInterrupt

    (tmp_path / "a.pdf").write_bytes(b"x")
    monkeypatch.setattr("indexer.extract.pdf.read", interrupt)
    with pytest.raises(KeyboardInterrupt):
        extract(tmp_path / "a.pdf")
