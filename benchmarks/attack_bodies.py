"""Bodies that no server wants: too long, too deep, or not what they are said to be."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any, Final

from benchmarks.raw_requests import HOST, JSON, POSTS, Attack, at_once, post, request

if TYPE_CHECKING:
    import random

    from benchmarks.raw_requests import Make

_FIELDS: Final = (
    "query", "q", "queries", "k", "offset", "depth", "filter", "facets", "fields", "min_score",
    "budget_ms", "rerank_depth", "documents", "texts", "top_n", "top_k", "input", "inputs",
    "dimensions", "encoding_format", "search_id", "document", "passage", "kind", "grade",
)  # fmt: skip
_MEGABYTE: Final = 1_000_000


def _huge(chance: random.Random) -> Attack:
    size = chance.choice((1, 2, 5, 33)) * _MEGABYTE + 1
    body = b'{"query": "' + b"a" * size + b'"}'
    path = chance.choice((*POSTS, "/documents/huge.txt"))
    method = b"PUT" if path.startswith("/documents") else b"POST"
    return at_once("a huge body", request(path, method, JSON, body))


def _announced(chance: random.Random) -> Attack:
    size = 10 ** chance.randrange(8, 30)
    path = chance.choice(POSTS).encode()
    head = b"POST %b HTTP/1.1\r\n%b%bContent-Length: %d\r\n\r\n" % (path, HOST, JSON, size)
    return at_once("a body announced as huge", head + b"a" * chance.randrange(100_000))


def _deep(chance: random.Random) -> Attack:
    beginning = chance.choice((b"[", b'{"query":', b'{"a":[', b'{"metadata":{"a":'))
    depth = chance.choice((100, 10_000, 100_000))
    inner = beginning * depth
    body = chance.choice((inner, b'{"query": "a", "filter": ' + inner, b'{"documents": ' + inner))
    return at_once("deep JSON", post(chance, body))


def _bad_text(chance: random.Random) -> Attack:
    bad = chance.choice(
        (
            chance.randbytes(chance.randrange(1, 400)),
            b'{"query": "\xff\xfe"}',
            b'{"query": "\xed\xa0\x80", "texts": ["\xed\xbf\xbf"]}',
            b'{"query": "\\ud800", "documents": ["\\udfff"], "input": "\\ud83d"}',
            b'{"query": "a\\u0000b", "texts": ["\\u0000"], "input": "\\u0000"}',
            '{"query": "a"}'.encode("utf-16"),
            b'\xef\xbb\xbf{"query": "a"}',
            '{"query": "a\u202e\u0301\U000e0041"}'.encode(),
        )
    )
    return at_once("bad Unicode", post(chance, bad))


def _value(chance: random.Random, depth: int = 2) -> Any:  # noqa: ANN401 - any JSON
    plain: tuple[Any, ...] = (
        None, True, False, 0, -1, 10**30, -0.5, 1e308, "", "a", "\u0000", "9" * 400, "\ud800",
        [], {}, "../../etc/passwd", "' OR 1=1 --", "${jndi:ldap://a}", "<script>",
    )  # fmt: skip
    if depth and chance.random() < 0.3:
        return [_value(chance, depth - 1) for _ in range(chance.randrange(4))]
    if depth and chance.random() < 0.2:
        return {chance.choice(_FIELDS): _value(chance, depth - 1)}
    return chance.choice(plain)


def _wrong_types(chance: random.Random) -> Attack:
    names = chance.sample(_FIELDS, chance.randrange(1, 6))
    body = {name: _value(chance) for name in names}
    if chance.random() < 0.5:
        body |= {"query": "fish", "texts": ["a"], "input": "b"}
    return at_once("wrong types", post(chance, json.dumps(body).encode()))


def _numbers(chance: random.Random) -> Attack:
    bad = ("NaN", "Infinity", "-Infinity", "1e999", "9" * 5000, "-0", "1.0", "0x10", "1_000", "01")
    name = chance.choice(("k", "offset", "depth", "min_score", "budget_ms", "top_n", "dimensions"))
    body = f'{{"query": "a", "texts": ["b"], "input": "c", "{name}": {chance.choice(bad)}}}'
    return at_once("numbers that are none", post(chance, body.encode()))


def _not_json(chance: random.Random) -> Attack:
    body = chance.choice(
        (
            b"", b"{", b"null", b'{"query": "a"} {"query": "b"}', b"query=a&k=1", b"<a/>",
            b'{"query": "a", "query": ["b"]}', b"\x00" * 100, b'{"query": "a",}',
            b'{"k":1,' + b'"a":1,' * 50_000 + b'"query":"a"}', b"[" + b"0," * 100_000 + b"0]",
        )
    )  # fmt: skip
    return at_once("what is not JSON", post(chance, body))


def _media_type(chance: random.Random) -> Attack:
    headers = chance.choice(
        (
            b"Content-Type: text/plain\r\n", b"", b"Content-Type: application/json; charset=x\r\n",
            b"Content-Type: multipart/form-data; boundary=a\r\n", b"Content-Type: \xff\r\n",
            JSON + b"Content-Encoding: gzip\r\n", b"Content-Type: application/pdf\r\n",
        )
    )  # fmt: skip
    body = gzip.compress(b" " * 100_000) if b"gzip" in headers else b'{"query": "fish"}'
    return at_once("a body of another kind", post(chance, body, headers))


def _no_file(chance: random.Random) -> Attack:
    ending = chance.choice(("pdf", "docx", "xlsx", "epub", "html", "eml", "txt", "exe", "jsonl"))
    body = chance.choice((b"PK\x03\x04", b"%PDF-1.7\n", b"", b"\xd0\xcf\x11\xe0"))
    body += chance.randbytes(chance.randrange(2000))
    return at_once("a file that is none", request(f"/documents/a.{ending}", b"PUT", b"", body))


KINDS: Final[tuple[Make, ...]] = (
    _huge, _announced, _deep, _bad_text, _wrong_types, _numbers, _not_json, _media_type, _no_file,
)  # fmt: skip
OFTEN: Final[tuple[Make, ...]] = (_bad_text, _wrong_types, _wrong_types)
