"""Bytes to text: UTF-8 first, then what the bytes themselves say, then a guess kept honest.

A guess is only made where UTF-8 fails. charset-normalizer is given the encodings that people's
files really have, and its habit of calling short Western text Central European is corrected: text
whose accents all fit the alphabet of one Western language is Windows-1252.
"""

from __future__ import annotations

import codecs
import re

from engine.errors import ExtractionError
from indexer.extract.draft import MAX_CHARACTERS
from indexer.types import Extracted

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_ENCODINGS = [
    "cp1252", "cp1250", "cp1251", "koi8_r", "shift_jis", "euc_jp", "gb18030", "big5", "euc_kr",
    "cp1253", "cp1254", "cp1255", "cp1256", "cp874", "iso8859_2", "iso8859_15",
]  # fmt: skip
_WESTERN = tuple(
    frozenset(alphabet + alphabet.upper())
    for alphabet in (
        "àâæçéèêëîïôùûüÿœ", "äöüßé", "áéíóúüñç", "áâãàçéêíóôõúü", "àèéìíîòóùú", "åäöæøé",
        "ëïéèöüáó", "áéíóúýþðæö", "äöåšž",
    )
)  # fmt: skip
_LATIN = ["cp1250", "cp1252", "cp1254", "iso8859_2", "iso8859_15"]
_LONE_LETTER = re.compile(rb"(?<![\x80-\xff])[\xb9-\xff](?![\x80-\xff])")
_HIGH = re.compile(rb"[\x80-\xff]")
_SAMPLE_BYTES = 32_768
_HEAD_BYTES = 8192
_GLUED_SYMBOL = re.compile(
    r"[^\W\d_][\u0080-\u00a6\u00a8-\u00ac\u00ae-\u00b6\u00b8-\u00ba\u00bc-\u00bf\u00d7\u00f7][^\W\d_]"
)
_CONTROL = re.compile(r"[\x01-\x08\x0e-\x1a\x1c-\x1f\x7f]")


def decode(data: bytes) -> str:
    """Return the text of bytes in whatever encoding, with line feeds as its only line ends.

    Raises:
        ExtractionError: The bytes are no text.
    """
    text = _decode(data)
    if len(_CONTROL.findall(text[:_HEAD_BYTES])) > len(text[:_HEAD_BYTES]) // 50:
        raise ExtractionError("binary file")
    if len(text) > MAX_CHARACTERS:
        msg = f"more than {MAX_CHARACTERS:,} characters of text"
        raise ExtractionError(msg)
    return text.replace("\r\n", "\n").replace("\r", "\n").replace("\0", "").removeprefix("\ufeff")


def read(data: bytes) -> Extracted:
    """Return plain text: no title, no sections."""
    return Extracted(text=decode(data))


def _decode(data: bytes) -> str:
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return data.decode(encoding, errors="replace")
    if b"\x1b$" in data[:_HEAD_BYTES] and (escaped := _escaped(data)) is not None:
        return escaped
    if b"\0" in data[:_HEAD_BYTES] or data.count(b"\0") > len(data) // 1000:
        return data.decode(_wide_encoding(data), errors="replace")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        text = data.decode("utf-8", errors="replace")
    if _mostly_utf8(text):
        return text
    return data.decode(_guess(_sample(data)), errors="replace")


def _escaped(data: bytes) -> str | None:
    """Return Japanese or Korean mail text: seven bits with escapes, so it is ASCII to UTF-8."""
    try:
        return data.decode("iso2022_kr" if b"\x1b$)C" in data else "iso2022_jp_2")
    except UnicodeDecodeError:
        return None


def _wide_encoding(data: bytes) -> str:
    """Return the UTF-16 that has its zero bytes where these are; it often comes without a BOM."""
    head = data[: _HEAD_BYTES // 2 * 2]
    even, odd = head[0::2].count(0), head[1::2].count(0)
    for encoding, many, few in (("utf-16-le", odd, even), ("utf-16-be", even, odd)):
        if many > len(head) // 8 and few <= many // 20:
            return encoding
    raise ExtractionError("binary file")


def _mostly_utf8(text: str) -> bool:
    """Return whether broken UTF-8 is still UTF-8: ten good characters for one bad."""
    bad = text.count("\ufffd")
    good = sum(1 for character in text[: 1 << 20] if character > "\x7f") - bad
    return good >= 10 * bad


def _sample(data: bytes) -> bytes:
    """Return the lines that hold a byte beyond ASCII: only they tell encodings apart.

    A file that was cut off may end within a character, which no encoding could explain, so the last
    line is left out where there are others.
    """
    lines: list[bytes] = []
    size = 0
    every = data[: 1 << 22].splitlines(keepends=True)
    for line in every[:-1] or every:
        if not line.isascii():
            lines.append(line[:_SAMPLE_BYTES])
            size += len(lines[-1])
        if size >= _SAMPLE_BYTES:
            break
    return b"".join(lines) or data[:_SAMPLE_BYTES]


def _guess(sample: bytes) -> str:
    from charset_normalizer import from_bytes  # 30 ms to import, and few files need it

    latin = _sparse_accents(sample)
    if latin and _western(sample):
        return "cp1252"
    best = from_bytes(sample, cp_isolation=_LATIN if latin else _ENCODINGS).best()
    if best is not None and best.encoding == "shift_jis" and _half_width(str(best)):
        rest = [name for name in _ENCODINGS if name != "shift_jis"]
        best = from_bytes(sample, cp_isolation=rest).best()
    if best is None or best.encoding in _LATIN:
        return "cp1252" if _western(sample) else best.encoding if best else "cp1250"
    return best.encoding


def _sparse_accents(sample: bytes) -> bool:
    """Return whether most bytes beyond ASCII stand alone and are accented letters in Latin.

    Other scripts write in runs of such bytes. Without this test a French word was read as Chinese.
    """
    return 10 * len(_LONE_LETTER.findall(sample)) >= 6 * len(_HIGH.findall(sample))


def _half_width(text: str) -> bool:
    """Return whether text is half-width katakana: Cyrillic or Thai read as Shift-JIS."""
    high = [character for character in text if character > "\x7f"]
    return sum("\uff61" <= character <= "\uff9f" for character in high) > len(high) // 3


def _western(sample: bytes) -> bool:
    """Return whether the sample reads as one Western language in Windows-1252."""
    text = sample.decode("cp1252", errors="replace")
    if "\ufffd" in text or _GLUED_SYMBOL.search(text):
        return False
    letters = [letter for letter in text if letter > "\x7f" and letter.isalpha()]
    best = max(sum(letter in alphabet for letter in letters) for alphabet in _WESTERN)
    return best >= 0.95 * len(letters)
