"""Requests that no server wants, made from a seed: what is sent, byte for byte.

Each kind is a function of a random generator. All are sent to a server that has `--writable` and
`--feedback`, so that every route can be reached.
"""

from __future__ import annotations

import gzip
import json
import random
from dataclasses import dataclass
from itertools import islice, repeat
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, quote_from_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

HOST: Final = b"Host: 127.0.0.1\r\n"
JSON: Final = b"Content-Type: application/json\r\n"
_POSTS: Final = (
    "/search", "/search/batch", "/rerank", "/v1/rerank", "/v2/rerank", "/v1/embeddings", "/embed",
    "/feedback",
)  # fmt: skip
_FIELDS: Final = (
    "query", "q", "queries", "k", "offset", "depth", "filter", "facets", "fields", "min_score",
    "budget_ms", "rerank_depth", "documents", "texts", "top_n", "top_k", "input", "inputs",
    "dimensions", "encoding_format", "search_id", "document", "passage", "kind", "grade",
)  # fmt: skip
_MEGABYTE: Final = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Attack:
    """What is sent over one connection.

    Attributes:
        kind: its name, of which there are several.
        parts: bytes, sent one after the other.
        pause: seconds between them.
        leaves: whether the client hangs up when all is sent, and reads nothing.
        unanswered: whether the server may close without an answer: there was no whole request.
    """

    kind: str
    parts: tuple[bytes, ...]
    pause: float = 0.0
    leaves: bool = False
    unanswered: bool = False


def attacks(count: int, seed: int) -> Iterator[Attack]:
    """Make so many requests, of all kinds in turn."""
    chance = random.Random(seed)  # noqa: S311 - repeatable, not secret
    for make in islice((make for turn in repeat(KINDS) for make in turn), count):
        yield make(chance)


def _request(
    target: str | bytes, method: bytes = b"GET", headers: bytes = b"", body: bytes = b""
) -> bytes:
    """Return a request with the length of its body."""
    path = target.encode("latin-1") if isinstance(target, str) else target
    length = b"Content-Length: %d\r\n" % len(body) if body or method in (b"POST", b"PUT") else b""
    return b"%b %b HTTP/1.1\r\n%b%b%b\r\n%b" % (method, path, HOST, headers, length, body)


def _post(chance: random.Random, body: bytes, headers: bytes = JSON) -> bytes:
    return _request(chance.choice(_POSTS), b"POST", headers, body)


def _one(kind: str, sent: bytes) -> Attack:
    return Attack(kind=kind, parts=(sent,))


# -- bodies ----------------------------------------------------------------------------------------


def _huge(chance: random.Random) -> Attack:
    size = chance.choice((1, 2, 5, 33)) * _MEGABYTE + 1
    body = b'{"query": "' + b"a" * size + b'"}'
    path = chance.choice((*_POSTS, "/documents/huge.txt"))
    method = b"PUT" if path.startswith("/documents") else b"POST"
    return _one("a huge body", _request(path, method, JSON, body))


def _announced(chance: random.Random) -> Attack:
    size = 10 ** chance.randrange(8, 30)
    path = chance.choice(_POSTS).encode()
    head = b"POST %b HTTP/1.1\r\n%b%bContent-Length: %d\r\n\r\n" % (path, HOST, JSON, size)
    return _one("a body announced as huge", head + b"a" * chance.randrange(100_000))


def _deep(chance: random.Random) -> Attack:
    beginning = chance.choice((b"[", b'{"query":', b'{"a":[', b'{"metadata":{"a":'))
    depth = chance.choice((100, 10_000, 100_000))
    inner = beginning * depth
    body = chance.choice((inner, b'{"query": "a", "filter": ' + inner, b'{"documents": ' + inner))
    return _one("deep JSON", _post(chance, body))


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
    return _one("bad Unicode", _post(chance, bad))


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
    return _one("wrong types", _post(chance, json.dumps(body).encode()))


def _numbers(chance: random.Random) -> Attack:
    bad = ("NaN", "Infinity", "-Infinity", "1e999", "9" * 5000, "-0", "1.0", "0x10", "1_000", "01")
    name = chance.choice(("k", "offset", "depth", "min_score", "budget_ms", "top_n", "dimensions"))
    body = f'{{"query": "a", "texts": ["b"], "input": "c", "{name}": {chance.choice(bad)}}}'
    return _one("numbers that are none", _post(chance, body.encode()))


def _not_json(chance: random.Random) -> Attack:
    body = chance.choice(
        (
            b"", b"{", b"null", b'{"query": "a"} {"query": "b"}', b"query=a&k=1", b"<a/>",
            b'{"query": "a", "query": ["b"]}', b"\x00" * 100, b'{"query": "a",}',
            b'{"k":1,' + b'"a":1,' * 50_000 + b'"query":"a"}', b"[" + b"0," * 100_000 + b"0]",
        )
    )  # fmt: skip
    return _one("what is not JSON", _post(chance, body))


def _media_type(chance: random.Random) -> Attack:
    headers = chance.choice(
        (
            b"Content-Type: text/plain\r\n", b"", b"Content-Type: application/json; charset=x\r\n",
            b"Content-Type: multipart/form-data; boundary=a\r\n", b"Content-Type: \xff\r\n",
            JSON + b"Content-Encoding: gzip\r\n", b"Content-Type: application/pdf\r\n",
        )
    )  # fmt: skip
    body = gzip.compress(b" " * 100_000) if b"gzip" in headers else b'{"query": "fish"}'
    return _one("a body of another kind", _post(chance, body, headers))


def _no_file(chance: random.Random) -> Attack:
    ending = chance.choice(("pdf", "docx", "xlsx", "epub", "html", "eml", "txt", "exe", "jsonl"))
    body = chance.choice((b"PK\x03\x04", b"%PDF-1.7\n", b"", b"\xd0\xcf\x11\xe0"))
    body += chance.randbytes(chance.randrange(2000))
    return _one("a file that is none", _request(f"/documents/a.{ending}", b"PUT", b"", body))


# -- URLs ------------------------------------------------------------------------------------------


def _path(chance: random.Random) -> Attack:
    base = chance.choice(("/", "/page/", "/documents/", "/search/", "/documents/a/"))
    step = chance.choice(
        ("../", "%2e%2e/", "..%2f", "%2e%2e%2f", "%252e%252e%252f", "..%5c", "..\\", "%c0%ae./")
    )
    end = chance.choice(
        ("etc/passwd", "%00", "index.html%00.js", "catalog.sqlite", "", "//", "%ff")
    )
    method = chance.choice((b"GET", b"GET", b"PUT", b"DELETE"))
    return _one(
        "a path that leads out", _request(base + step * chance.randrange(1, 9) + end, method)
    )


def _target(chance: random.Random) -> Attack:
    target = chance.choice(
        (
            b"*", b"http://evil.example/search?q=a", b"//evil.example/", b"search?q=a", b"/%",
            b"/%zz", b"/search?q=%ff%fe", b"/search?q=\xff", b"/\x00", b"/a b", b"/#a", b"",
            b"/" + b"a" * chance.choice((10_000, 1_000_000)), b"/" + b"a/" * 5000,
            b"/documents/" + b"%2F" * 3000, b"/documents/%00", b"/documents/%ed%a0%80",
        )
    )  # fmt: skip
    return _one("a strange target", _request(target))


def _query(chance: random.Random) -> Attack:
    words = (
        '"',
        "(",
        "+",
        "-",
        "title:",
        "path:",
        "*",
        "^",
        "~",
        "OR",
        "cat",
        "\\",
        "[a TO",
        "\x00",
    )
    text = " ".join(chance.choices(words, k=chance.choice((3, 30, 3000))))
    filters = (
        "type:",
        "date:2024..",
        "path:" + "*" * 500,
        'a:"',
        "date:9999999-1-1..x",
        "x" * 10_001,
    )
    more = chance.choice(
        ("", f"&filter={quote(chance.choice(filters))}", "&k=1&k=2", "&colour=red")
    )
    return _one("a hostile query", _request(f"/search?q={quote(text)}{more}"))


def _long_query(chance: random.Random) -> Attack:
    size = chance.choice((100_000, 100_001, 600_000, 2_100_000))
    text = quote_from_bytes(chance.choice((b"a", b"a ", b"\xe7\x8c\xab")) * size)[:size]
    return _one("a long URL", _request(f"/search?rerank=false&q={text}"))


# -- heads -----------------------------------------------------------------------------------------


def _host(chance: random.Random) -> Attack:
    hosts = chance.choice(
        (
            b"", HOST + HOST, HOST + b"Host: evil.example\r\n", b"Host: evil.example\r\n",
            b"Host: 127.0.0.1.evil.example\r\n", b"Host: \xff\r\n", b"Host: [::1\r\n",
            b"Host: a@127.0.0.1\r\n", b"Host: 127.0.0.1:99999999\r\n", b"Host:\r\n",
            b"Host: " + b"a" * 100_000 + b"\r\n",
        )
    )  # fmt: skip
    return _one("a bad Host", b"GET /search?q=a HTTP/1.1\r\n%b\r\n" % hosts)


def _origin(chance: random.Random) -> Attack:
    origin = chance.choice(
        (
            b"http://evil.example",
            b"null",
            b"",
            b"file://",
            b"http://127.0.0.1.evil.example",
            b"\xff",
        )
    )
    return _one("a bad Origin", _request("/search?q=a", headers=b"Origin: %b\r\n" % origin))


def _length(chance: random.Random) -> Attack:
    lengths = chance.choice(
        (
            b"Content-Length: -1\r\n", b"Content-Length: +5\r\n", b"Content-Length: 0x10\r\n",
            b"Content-Length: 5\r\nContent-Length: 6\r\n", b"Content-Length: a\r\n",
            b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", b"Content-Length: \r\n",
            b"Transfer-Encoding: gzip, chunked\r\n", b"Content-Length: " + b"9" * 5000 + b"\r\n",
            b"Transfer-Encoding: identity\r\n", b"Content-Length: 1_0\r\n",
        )
    )  # fmt: skip
    body = b'0\r\n\r\n{"query": "a"}GET /livez HTTP/1.1\r\n\r\n'
    return _one(
        "a bad Content-Length",
        b"POST /search HTTP/1.1\r\n%b%b%bConnection: close\r\n\r\n%b" % (HOST, JSON, lengths, body),
    )


def _headers(chance: random.Random) -> Attack:
    bad = chance.choice(
        (
            b"X: " + b"a" * chance.choice((10_000, 1_000_000, 3_000_000)) + b"\r\n",
            b"".join(b"X-%d: a\r\n" % number for number in range(5000)),
            b"X: a\x00b\r\n", b" X: a\r\n", b"X : a\r\n", b"X\r\n", b": a\r\n", b"X: a\rb\r\n",
            b"X: a\r\n b\r\n", b"\xff: a\r\n", b"Authorization: Bearer \xff\xfe\r\n",
            b"Cookie: " + b"a=b; " * 20_000 + b"\r\n", b"Range: bytes=0-0,1-1,-1\r\n",
            b"If-None-Match: " + b'"' * 1000 + b"\r\n", b"X-Forwarded-For: evil\r\n",
        )
    )  # fmt: skip
    return _one("strange headers", _request("/search?q=a", headers=bad))


def _method(chance: random.Random) -> Attack:
    method = chance.choice(
        (
            b"BREW",
            b"get",
            b"TRACE",
            b"CONNECT",
            b"PROPFIND",
            b"G" * 10_000,
            b"PURGE",
            b"\xff",
            b"",
            b"HEAD",
        )
    )
    return _one("an unknown method", _request(chance.choice((*_POSTS, "/", "/livez")), method))


def _protocol(chance: random.Random) -> Attack:
    sent = chance.choice(
        (
            b"GET /search?q=a HTTP/1.0\r\n\r\n", b"GET /livez HTTP/0.9\r\n\r\n", b"GET /\r\n\r\n",
            b"GET /livez HTTP/3.7\r\n%b\r\n" % HOST, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + chance.randbytes(200) + b"\r\n\r\n",
            chance.randbytes(200) + b"\r\n\r\n", b"\r\n" * 1000 + b"\r\nX\r\n\r\n",
            b"GET /search?q=a HTTP/1.0\r\n%bConnection: keep-alive\r\n\r\n" % HOST,
        )
    )  # fmt: skip
    return Attack(kind="another protocol", parts=(sent,), unanswered=True)


def _upgrade(chance: random.Random) -> Attack:
    headers = chance.choice(
        (
            b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n",
            b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAA\r\n",
            b"Expect: 200-maybe\r\n", b"TE: trailers\r\nTrailer: X\r\n", b"Connection: x\r\n",
        )
    )  # fmt: skip
    return _one("an upgrade", _request("/livez", headers=headers))


def _chunks(chance: random.Random) -> Attack:
    body = chance.choice(
        (
            b"zz\r\n", b"-1\r\n", b"ffffffffffffffffffff\r\na", b"5\r\nabcdefgh\r\n0\r\n\r\n",
            b"2;" + b"a" * 100_000 + b"\r\n{}\r\n0\r\n\r\n", b"2\r\n{}\r\n0\r\nX: a\r\n\r\n",
            b"1\r\n{" * 1000, b"2\n{}\n0\n\n", b"0\r\n\r\n", b"1\r\na\r\n" * 5000 + b"zz\r\n",
        )
    )  # fmt: skip
    head = _head_of_chunks(chance)
    return Attack(kind="broken chunks", parts=(head, body), pause=chance.choice((0, 0.05)))


def _head_of_chunks(chance: random.Random) -> bytes:
    path = chance.choice(_POSTS).encode()
    return b"POST %b HTTP/1.1\r\n%b%bTransfer-Encoding: chunked\r\n\r\n" % (path, HOST, JSON)


def _pipelined(chance: random.Random) -> Attack:
    some = (_request("/livez"), _request("/search?q=a"), _request("/nowhere"))
    end = chance.choice((b"", b"garbage\r\n\r\n", b"GET /"))
    return _one("many at once", b"".join(chance.choices(some, k=chance.randrange(2, 40))) + end)


# -- time ------------------------------------------------------------------------------------------


def _silent(chance: random.Random) -> Attack:
    whole = _request("/search?q=a")
    sent = whole[: chance.randrange(len(whole) - 1)]
    return Attack(kind="half a head, then nothing", parts=(sent,), unanswered=not sent)


def _dripping_head(chance: random.Random) -> Attack:
    target = b"GET %b HTTP/1.1\r\n" % chance.choice((b"/livez", b"/search?q=a"))
    drops = tuple(b"X-%d: a\r\n" % number for number in range(60))
    return Attack(kind="a head by drops", parts=(target, HOST, *drops), pause=0.25)


def _half_body(chance: random.Random) -> Attack:
    whole = _post(chance, b'{"query": "' + b"a" * 500 + b'"}')
    return Attack(kind="half a body, then nothing", parts=(whole[: -chance.randrange(1, 500)],))


def _dripping_body(chance: random.Random) -> Attack:
    head = _head_of_chunks(chance)
    return Attack(kind="a body by drops", parts=(head, *(b"1\r\n \r\n",) * 60), pause=0.25)


def _dripping_unwanted(chance: random.Random) -> Attack:
    path = chance.choice((b"/nowhere", b"/livez", b"/admin/no"))
    head = b"POST %b HTTP/1.1\r\n%bTransfer-Encoding: chunked\r\n\r\n" % (path, HOST)
    drops = (b"1\r\n \r\n",) * 60
    return Attack(kind="a body by drops that nobody wants", parts=(head, *drops), pause=0.25)


def _leaving(chance: random.Random) -> Attack:
    whole = chance.choice(
        (_post(chance, b'{"query": "' + b"fish " * 500 + b'"}'), _request("/search?q=fish"))
    )
    sent = whole[: chance.randrange(1, len(whole) + 1)]
    return Attack(kind="a client that leaves", parts=(sent,), leaves=True, unanswered=True)


KINDS: Final[tuple[Callable[[random.Random], Attack], ...]] = (
    _huge, _announced, _deep, _bad_text, _wrong_types, _numbers, _not_json, _media_type, _no_file,
    _path, _target, _query, _long_query, _host, _origin, _length, _headers, _method, _protocol,
    _upgrade, _chunks, _pipelined, _silent, _dripping_head, _half_body, _dripping_body,
    _dripping_unwanted, _leaving, _bad_text, _wrong_types, _wrong_types, _query, _path, _chunks,
    _headers, _target,
)  # fmt: skip
