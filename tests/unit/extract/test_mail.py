from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from engine.errors import ExtractionError
from indexer.extract.mail import read

if TYPE_CHECKING:
    from pathlib import Path

    from indexer.types import Extracted


def mail(tmp_path: Path, data: bytes, name: str = "a.eml") -> Extracted:
    (tmp_path / name).write_bytes(data)
    return read(tmp_path / name)


def test_a_mail_in_html_alone_is_read_as_html(tmp_path: Path) -> None:
    data = b"Subject: s\r\nContent-Type: text/html\r\n\r\n<p>a &amp; b<script>no</script>"
    assert mail(tmp_path, data).text == "a & b"


def test_a_charset_that_lies_is_replaced_by_a_guess(tmp_path: Path) -> None:
    head = b"Subject: s\nContent-Type: text/plain; charset=%s\n\n"
    for charset in (b"utf-8", b"ascii", b"nonsense"):
        assert mail(tmp_path, head % charset + b"caf\xe9").text == "café"


def test_encoded_subjects_and_names_are_decoded(tmp_path: Path) -> None:
    data = b"Subject: =?utf-8?q?M=C3=BChle?=\nFrom: =?utf-8?q?Zo=C3=AB?= <z@example.org>\n\nx"
    extracted = mail(tmp_path, data)
    assert extracted.title == "Mühle"
    assert extracted.metadata["author"] == "Zoë <z@example.org>"


def test_a_mail_without_a_body_has_its_title(tmp_path: Path) -> None:
    extracted = mail(tmp_path, b"Subject: only this\n\n")
    assert (extracted.title, extracted.text) == ("only this", "")


def test_a_saved_web_page_is_read_by_its_first_text_part(tmp_path: Path) -> None:
    data = (
        b'Subject: Page\nContent-Type: multipart/related; boundary="b"; type="text/html"\n\n--b\n'
        b"Content-Type: text/html\n\n<h1>Page</h1>words\n--b\nContent-Type: image/png\n\n\n--b--\n"
    )
    assert mail(tmp_path, data, "a.mht").text == "Page\n\nwords"


def test_a_message_in_a_box_without_subject_is_named(tmp_path: Path) -> None:
    box = b"From a Mon\nFrom: a@example.org\n\n>From here\n\nFrom b Tue\nSubject: two\n\nlast\n"
    extracted = mail(tmp_path, box, "a.mbox")
    assert [section.heading for section in extracted.sections] == [("(no subject)",), ("two",)]
    assert ">From here" in extracted.text


@pytest.mark.parametrize("name", ["a.eml", "a.mbox"])
def test_what_is_no_mail_is_damage(name: str, tmp_path: Path) -> None:
    with pytest.raises(ExtractionError, match="damaged"):
        mail(tmp_path, b"just some words\n", name)
