"""Heads that no server wants: URLs, headers, and how a body is framed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final
from urllib.parse import quote, quote_from_bytes

from benchmarks.raw_requests import HOST, JSON, POSTS, Attack, at_once, chunked_head, request

if TYPE_CHECKING:
    import random

    from benchmarks.raw_requests import Make

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
    return at_once(
        "a path that leads out", request(base + step * chance.randrange(1, 9) + end, method)
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
    return at_once("a strange target", request(target))


def _query(chance: random.Random) -> Attack:
    words = (
        '"', "(", "+", "-", "title:", "path:", "*", "^", "~", "OR", "cat", "\\", "[a TO", "\x00",
    )  # fmt: skip
    text = " ".join(chance.choices(words, k=chance.choice((3, 30, 3000))))
    filters = (
        "type:", "date:2024..", "path:" + "*" * 500, 'a:"', "date:9999999-1-1..x", "x" * 10_001,
    )  # fmt: skip
    more = chance.choice(
        ("", f"&filter={quote(chance.choice(filters))}", "&k=1&k=2", "&colour=red")
    )
    return at_once("a hostile query", request(f"/search?q={quote(text)}{more}"))


def _long_query(chance: random.Random) -> Attack:
    size = chance.choice((100_000, 100_001, 600_000, 2_100_000))
    text = quote_from_bytes(chance.choice((b"a", b"a ", b"\xe7\x8c\xab")) * size)[:size]
    return at_once("a long URL", request(f"/search?rerank=false&q={text}"))


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
    return at_once("a bad Host", b"GET /search?q=a HTTP/1.1\r\n%b\r\n" % hosts)


def _origin(chance: random.Random) -> Attack:
    origin = chance.choice(
        (
            b"http://evil.example", b"null", b"", b"file://", b"http://127.0.0.1.evil.example",
            b"\xff",
        )
    )  # fmt: skip
    return at_once("a bad Origin", request("/search?q=a", headers=b"Origin: %b\r\n" % origin))


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
    return at_once(
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
    return at_once("strange headers", request("/search?q=a", headers=bad))


def _method(chance: random.Random) -> Attack:
    method = chance.choice(
        (
            b"BREW", b"get", b"TRACE", b"CONNECT", b"PROPFIND", b"G" * 10_000, b"PURGE", b"\xff",
            b"", b"HEAD",
        )
    )  # fmt: skip
    return at_once("an unknown method", request(chance.choice((*POSTS, "/", "/livez")), method))


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
    return at_once("an upgrade", request("/livez", headers=headers))


def _chunks(chance: random.Random) -> Attack:
    body = chance.choice(
        (
            b"zz\r\n", b"-1\r\n", b"ffffffffffffffffffff\r\na", b"5\r\nabcdefgh\r\n0\r\n\r\n",
            b"2;" + b"a" * 100_000 + b"\r\n{}\r\n0\r\n\r\n", b"2\r\n{}\r\n0\r\nX: a\r\n\r\n",
            b"1\r\n{" * 1000, b"2\n{}\n0\n\n", b"0\r\n\r\n", b"1\r\na\r\n" * 5000 + b"zz\r\n",
        )
    )  # fmt: skip
    head = chunked_head(chance)
    return Attack(kind="broken chunks", parts=(head, body), pause=chance.choice((0, 0.05)))


def _pipelined(chance: random.Random) -> Attack:
    some = (request("/livez"), request("/search?q=a"), request("/nowhere"))
    end = chance.choice((b"", b"garbage\r\n\r\n", b"GET /"))
    return at_once("many at once", b"".join(chance.choices(some, k=chance.randrange(2, 40))) + end)


KINDS: Final[tuple[Make, ...]] = (
    _path, _target, _query, _long_query, _host, _origin, _length, _headers, _method, _protocol,
    _upgrade, _chunks, _pipelined,
)  # fmt: skip
OFTEN: Final[tuple[Make, ...]] = (_query, _path, _chunks, _headers, _target)
