"""What one connection may do: limits of time, and HTTP that is none."""

from __future__ import annotations

import http.client
import json
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat
from typing import TYPE_CHECKING

import pytest
import uvicorn

from benchmarks.attacks import KINDS, attacks
from benchmarks.hostile import send
from benchmarks.raw_requests import Attack
from server.app import create_app
from server.connection import Connection
from server.settings import ServerSettings
from tests.fakes import make_engine
from tests.listening import listening

if TYPE_CHECKING:
    from collections.abc import Generator

HOST = b"Host: 127.0.0.1\r\n"
TEXT = {"a.md": "cats purr " * 100_000}


class Hasty(Connection):
    head_seconds = 0.5
    stuck_seconds = 1.5


@pytest.fixture(scope="module")
def port() -> Generator[int]:
    """A server whose patience ends soon."""
    app = create_app(lambda: make_engine(TEXT), settings=ServerSettings(timeout=1, threads=4))
    config = uvicorn.Config(app, loop="asyncio", http=Hasty, ws="none", log_config=None)
    with listening(config) as port:
        ready(port)
        yield port


def ready(port: int) -> None:
    """Wait until the index is loaded: a server answers 503 before."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with connect(port) as connection:
            connection.sendall(b"GET /readyz HTTP/1.1\r\n%bConnection: close\r\n\r\n" % HOST)
            if until_end(connection).startswith(b"HTTP/1.1 200 "):
                return
        time.sleep(0.02)
    raise TimeoutError("the server is not ready")


def connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=30)


def until_end(connection: socket.socket) -> bytes:
    got = b""
    while part := connection.recv(65536):
        got += part
    return got


def problem(got: bytes, status: int) -> str:
    """Check that an answer is a problem of that status and the last one; return why."""
    head, _, body = got.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 %d %b" % (status, http.client.responses[status].encode()))
    assert b"content-type: application/problem+json" in head.lower()
    assert b"connection: close" in head.lower()
    found = json.loads(body)
    assert found["status"] == status
    assert found["instance"].removeprefix("urn:uuid:").encode() in head
    return found["detail"]


def test_a_connection_that_says_nothing_is_closed(port: int) -> None:
    with connect(port) as connection:
        assert until_end(connection) == b""


def test_half_a_head_is_refused_in_time(port: int) -> None:
    with connect(port) as connection:
        connection.sendall(b"GET /livez HTTP/1.1\r\n")
        assert "did not arrive within 0.5 seconds" in problem(until_end(connection), 408)


def test_a_head_that_comes_by_drops_is_refused_in_time(port: int) -> None:
    start = time.monotonic()
    drops = Attack(kind="", parts=(b"GET /livez HTTP/1.1\r\n", *(b"X: a\r\n",) * 300), pause=0.05)
    assert send(port, drops).statuses == (408,)
    assert time.monotonic() - start < 15  # all drops would have taken as long, and then no end


def test_the_second_head_of_a_connection_has_its_time_too(port: int) -> None:
    with connect(port) as connection:
        connection.sendall(b"GET /livez HTTP/1.1\r\n%b\r\nGET /livez" % HOST)
        first, _, rest = until_end(connection).partition(b'{"status":"alive"}')
    assert first.startswith(b"HTTP/1.1 200 ")
    problem(rest, 408)


def test_a_body_that_nobody_wants_does_not_keep_a_connection(port: int) -> None:
    with connect(port) as connection:
        connection.sendall(b"POST /nowhere HTTP/1.1\r\n%bContent-Length: 100000\r\n\r\n" % HOST)
        start = time.monotonic()
        closed = False
        while not closed and time.monotonic() - start < 20:
            try:
                connection.sendall(b"a")
            except ConnectionError:
                closed = True
            time.sleep(0.05)
    assert closed


def test_a_request_that_is_worked_for_may_take_longer_than_a_head(port: int) -> None:
    body = b'{"query": "cats"}'
    head = b"POST /search HTTP/1.1\r\n%bContent-Type: application/json\r\n" % HOST
    with connect(port) as connection:
        connection.sendall(head + b"Content-Length: %d\r\nConnection: close\r\n\r\n" % len(body))
        time.sleep(0.8)
        connection.sendall(body)
        assert until_end(connection).startswith(b"HTTP/1.1 200 ")


def test_a_client_that_takes_no_answer_is_cut_off(port: int) -> None:
    ask = b"GET /documents/a.md?text=true HTTP/1.1\r\n%b\r\n" % HOST  # a megabyte
    with connect(port) as connection:
        connection.sendall(ask * 30)
        time.sleep(4)
        # What lies in the buffers of the kernel still comes, but nothing of the rest does.
        got = 0
        with pytest.raises(ConnectionError):
            while part := connection.recv(1_000_000):
                got += len(part)
            raise ConnectionError("closed")
    assert got < 20_000_000


def test_a_client_that_takes_its_answers_slowly_gets_all_of_them(port: int) -> None:
    ask = b"GET /documents/a.md?text=true HTTP/1.1\r\n%b\r\n" % HOST
    with connect(port) as connection:
        connection.sendall(ask * 40)
        got = 0
        while part := connection.recv(200_000):
            got += len(part)
            time.sleep(0.02)
    assert got > 40_000_000


@pytest.mark.parametrize(
    ("sent", "status", "why"),
    [
        (b"garbage\r\n\r\n", 400, "illegal request line"),
        (b"GET /livez HTTP/1.1\r\n\r\n", 400, "Host"),
        (b"GET /livez HTTP/1.1\r\n%b%b\r\n" % (HOST, HOST), 400, "Host"),
        (b"GET /livez HTTP/1.1\r\n%bContent-Length: -1\r\n\r\n" % HOST, 400, "Content-Length"),
        (b"GET /livez HTTP/1.1\r\n%bTransfer-Encoding: gzip\r\n\r\n" % HOST, 400, "chunked"),
        (b"GET / HTTP/1.1\r\n%bX: " % HOST + b"a" * 2_100_000, 431, "too long"),
    ],
    ids=["garbage", "no host", "two hosts", "length", "encoding", "long"],
)
def test_what_is_no_http_is_refused_with_the_reason(
    port: int, sent: bytes, status: int, why: str
) -> None:
    with connect(port) as connection:
        connection.sendall(sent)
        assert why in problem(until_end(connection), status)


def test_broken_chunks_end_the_request_that_they_belong_to(port: int) -> None:
    head = b"POST /search HTTP/1.1\r\n%bContent-Type: application/json\r\n" % HOST
    with connect(port) as connection:
        connection.sendall(head + b"Transfer-Encoding: chunked\r\n\r\n")
        time.sleep(0.2)  # it is being worked for
        connection.sendall(b"zz\r\n")
        problem(until_end(connection), 400)


def test_hostile_requests_of_every_kind_do_no_harm(port: int) -> None:
    # One of each kind, but for those that are long because they are slow.
    wanted = [a for a in attacks(len(KINDS) * 3, seed=3) if a.pause * len(a.parts) < 1]
    assert len(wanted) > 80
    with ThreadPoolExecutor(16) as pool:
        found = list(pool.map(send, repeat(port), wanted))
    assert [outcome for outcome in found if outcome.fault] == []
