from __future__ import annotations

import pytest

from engine.errors import ExtractionError
from indexer.extract.text import decode


@pytest.mark.parametrize(
    ("encoding", "text"),
    [
        ("utf-8", "Wörter, 言葉, слова"),
        ("utf-8-sig", "Wörter"),
        ("utf-16", "Wörter, 言葉"),
        ("utf-16-le", "plain words without a mark"),
        ("utf-16-be", "plain words without a mark"),
        ("utf-32", "Wörter"),
        ("cp1252", "l'élève a reçu"),
        ("cp1252", "Größe der Straße in München"),
        ("cp1252", "Señor Muñoz: piñata, 5 €"),
        ("cp1252", "Ole Ærø Ångström"),
        ("cp1250", "Příliš žluťoučký kůň úpěl ďábelské ódy. " * 3),
        ("cp1251", "Привет, мир! Это проверка кодировки текста."),
        ("koi8-r", "Привет, мир! Это проверка кодировки текста."),
        ("shift_jis", "日本語のテキストです。検索エンジン"),
        ("euc_jp", "日本語のテキストです。検索エンジン"),
        ("iso2022_jp", "日本語のテキストです。検索エンジン"),
        ("iso2022_kr", "한국어 문서 검색 시험입니다"),
        ("gb18030", "中文文本检索系统测试"),
        ("big5", "繁體中文檔案搜尋測試"),
        ("euc_kr", "한국어 문서 검색 시험입니다"),
        ("cp1253", "Καλημέρα κόσμε, δοκιμή"),
        ("cp1256", "مرحبا بالعالم هذا اختبار"),
    ],
)
def test_text_is_read_in_the_encoding_it_was_written_in(encoding: str, text: str) -> None:
    assert decode(text.encode(encoding)) == text


def test_a_text_cut_within_a_character_is_still_utf8() -> None:
    assert (
        decode("größer und weiter, Zürich, Köln, Würzburg, Mörfelden, äöüÄÖÜ".encode()[:-1])[:10]
        == "größer und"
    )


def test_a_japanese_text_cut_within_a_character_is_still_japanese() -> None:
    data = "日本語のテキストです。\n検索エンジン\n終わりです".encode("shift_jis")[:-1]
    assert decode(data).startswith("日本語のテキストです。")


def test_one_foreign_byte_in_plain_text_is_western() -> None:
    assert decode(b"caf\xe9") == "café"


def test_line_ends_become_line_feeds() -> None:
    assert decode(b"a\r\nb\rc\n") == "a\nb\nc\n"


def test_a_zero_far_behind_the_start_is_dropped() -> None:
    assert decode(b"log line\n" * 2000 + b"\0") == "log line\n" * 2000


@pytest.mark.parametrize(
    "data", [b"\x7fELF\0\0\0\1", bytes(range(256)) * 40, b"\x01\x02\x03\x04\x05words"]
)
def test_binary_data_is_refused(data: bytes) -> None:
    with pytest.raises(ExtractionError, match="binary file"):
        decode(data)


def test_more_characters_than_the_limit_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("indexer.extract.text.MAX_CHARACTERS", 10)
    assert decode(b"0123456789") == "0123456789"
    with pytest.raises(ExtractionError, match="more than 10 characters"):
        decode(b"0123456789a")
