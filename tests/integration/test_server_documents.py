from __future__ import annotations

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from engine.search import SearchEngine
from server import document_schemas, writing
from server.app import create_app
from server.keys import read_keys
from server.settings import DOCUMENT_BODY, ServerSettings
from server.writing import Writes
from tests.client import DOCUMENTS, JSON, Serve, assert_problem, client_of, serving_many
from tests.fakes import OverlapReranker, make_engine
from tests.indexing import Shelf

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from fastapi import FastAPI
    from starlette.testclient import TestClient

    from server.live import LiveEngine


@pytest.fixture
def serving() -> Iterator[Serve]:
    with serving_many() as serve:
        yield serve


def made(home: Path) -> Shelf:
    shelf = Shelf(home)
    shelf.write({"a.md": "# Cats\n\ncats sleep all day", "guide/b.txt": "dogs bark"})
    shelf.index()
    return shelf


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return made(tmp_path)


@pytest.fixture(scope="module")
def unchanged(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """A client for what is refused or only read; its index has the commit 1 for ever."""
    with client_of(application(made(tmp_path_factory.mktemp("unchanged")))) as client:
        yield client


def application(shelf: Shelf, **settings: Any) -> FastAPI:  # noqa: ANN401
    store = shelf.store

    def load() -> SearchEngine:
        return SearchEngine(store.snapshot(), shelf.encoder, OverlapReranker())

    def renew(engine: SearchEngine) -> SearchEngine | None:
        return load() if store.version()[1] != engine.snapshot.generation else None

    # So rarely that only a write itself can be the reason why it is found.
    told = ServerSettings(check_seconds=3600, **settings)
    return create_app(load, renew, told, Writes(store))


@pytest.fixture
def client(shelf: Shelf, serving: Serve) -> TestClient:
    return serving(application(shelf))


def found(client: TestClient, query: str, where: str = "") -> list[str]:
    asked = {"q": query, "sources": "lexical", "filter": where}
    return [r["document"] for r in client.get("/search", params=asked).json()["results"]]


# -- writing ---------------------------------------------------------------------------------------


def test_what_was_put_is_found_by_the_next_search(client: TestClient) -> None:
    body = {
        "text": "birds fly south",
        "title": "Migration",
        "date": "2024-05-01",
        "metadata": {
            "author": "Ada L.",
            "tags": ["Red", "blue"],
            "n": 3,
            "no": None,
            "o": {"a": 1},
        },
    }
    response = client.put("/documents/notes/one.md", json=body)
    assert response.status_code == 201
    assert response.json() == {
        "document": "notes/one.md", "created": True, "passages": 1, "snapshot": 2,
    }  # fmt: skip
    assert found(client, "birds") == ["notes/one.md"]
    assert found(client, "birds", 'author:"ada l." tags:red date:2024-05 path:notes type:md n:3')
    answer = client.get("/search?q=birds").json()
    assert answer["snapshot"] == 2
    assert answer["results"][0]["metadata"] == {
        "author": "Ada L.", "tags": ["Red", "blue"], "n": 3, "o": '{"a": 1}',
    }  # fmt: skip
    replaced = client.put("/documents/notes/one.md", json={"text": "fish swim"})
    assert replaced.status_code == 200
    assert replaced.json()["created"] is False
    assert found(client, "birds") == []
    assert found(client, "fish") == ["notes/one.md"]
    removed = client.delete("/documents/notes/one.md")
    assert removed.json() == {"document": "notes/one.md", "snapshot": 4}
    assert found(client, "fish") == []
    assert_problem(client.delete("/documents/notes/one.md"), 404)


@pytest.mark.parametrize(
    ("path", "id_"),
    [
        ("notes/a/b.md", "notes/a/b.md"),
        ("notes%2Fa%2fb.md", "notes/a/b.md"),
        ("a%20b%3F%23c", "a b?#c"),
        ("%E4%B8%AD%E6%96%87", "中文"),
        ("corpus.jsonl%2312", "corpus.jsonl#12"),
        ("%2e%2e/%2e%2e/etc/passwd", "../../etc/passwd"),
        ("/etc/passwd", "/etc/passwd"),
        ("100%25", "100%"),
        ("x/documents/y", "x/documents/y"),
    ],
)
def test_an_id_may_be_anything_that_a_path_can_hold(
    client: TestClient, path: str, id_: str
) -> None:
    response = client.put(f"/documents/{path}", json={"text": "birds fly"})
    assert response.status_code == 201, response.text
    assert response.json()["document"] == id_
    assert found(client, "birds") == [id_]
    assert client.get(f"/documents/{path}").json()["document"] == id_
    assert client.delete(f"/documents/{path}").status_code == 200


@pytest.mark.parametrize("path", ["", "%ff", "a%00b", "%ed%a0%80", "a" * 4097])
def test_an_id_that_cannot_be_is_refused(unchanged: TestClient, path: str) -> None:
    for response in (
        unchanged.put(f"/documents/{path}", json={"text": "a"}),
        unchanged.get(f"/documents/{path}"),
        unchanged.delete(f"/documents/{path}"),
    ):
        assert [e["pointer"] for e in assert_problem(response, 422)["errors"]] == ["#/id"]


@pytest.mark.parametrize(
    ("content", "kind", "id_", "title", "type_"),
    [
        (b"<title>Birds</title><p>birds fly", "text/html; charset=utf-8", "x", "Birds", "html"),
        (b"# Birds\n\nbirds fly", "text/markdown", "x", "Birds", "md"),
        (b"birds fly", "text/plain", "notes/x.md", "x.md", "txt"),
        (b"birds fly", "application/octet-stream", "x.rst", "x.rst", "rst"),
        (b"# Birds\n\nbirds fly", "", "x.md", "Birds", "md"),
        ("birds fly é".encode("latin-1"), "text/plain", "x", "x", "txt"),
    ],
)
def test_the_bytes_of_a_file_are_read_by_their_type(
    client: TestClient, content: bytes, kind: str, id_: str, title: str, type_: str
) -> None:
    headers = {"Content-Type": kind}
    response = client.put(f"/documents/{id_}", content=content, headers=headers)
    assert response.status_code == 201, response.text
    result = client.get("/search?q=birds").json()["results"][0]
    assert (result["document"], result["title"]) == (id_, title)
    assert client.get(f"/documents/{id_}").json()["type"] == type_


@pytest.mark.parametrize(
    ("content", "kind", "id_", "status", "reason"),
    [
        (b"no pdf", "application/pdf", "x", 422, "damaged"),
        (b"PK\x03\x04", "application/epub+zip", "x", 422, "damaged"),
        (b"\x00\x01\x02" * 100, "text/plain", "x", 422, "binary"),
        (b"x", "application/x-www-form-urlencoded", "x", 415, "Content-Type"),
        (b"x", "multipart/form-data", "x", 415, "Content-Type"),
        (b"x", "image/png", "x.png", 415, "Content-Type"),
        (b"x", "", "x.png", 415, "png"),
        (b"x", "", "x.jsonl", 415, "records"),
        (b"{", "application/json", "x", 400, "JSON"),
        (b"[" * 100_000, "application/json", "x", 400, "JSON"),
    ],
)
def test_what_gives_no_document_is_refused(
    unchanged: TestClient, content: bytes, kind: str, id_: str, status: int, reason: str
) -> None:
    headers = {"Content-Type": kind}
    response = unchanged.put(f"/documents/{id_}", content=content, headers=headers)
    assert reason in assert_problem(response, status)["detail"]
    assert unchanged.get("/documents").json()["snapshot"] == 1


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "#/text"),
        ({"text": 5}, "#/text"),
        ({"text": "a", "title": "a" * 1001}, "#/title"),
        ({"text": "a", "id": "x"}, "#/id"),
        ({"text": "a", "metadata": []}, "#/metadata"),
        ({"text": "a", "metadata": {"a": "x" * 100_000}}, "#/metadata"),
        ({"text": "a", "date": "soon"}, "#/date"),
        ({"text": "a", "date": 5}, "#/date"),
    ],
)
def test_a_field_that_cannot_be_is_named(unchanged: TestClient, body: object, pointer: str) -> None:
    response = unchanged.put("/documents/x", content=json.dumps(body), headers=JSON)
    pointers = [error["pointer"] for error in assert_problem(response, 422)["errors"]]
    assert any(p.startswith(pointer) for p in pointers)


def test_a_document_has_at_most_32_megabytes(unchanged: TestClient) -> None:
    headers = {**JSON, "Content-Length": str(DOCUMENT_BODY + 1)}
    assert_problem(unchanged.put("/documents/x", content=b"", headers=headers), 413)

    def endless() -> Iterator[bytes]:
        for _ in range(33):
            yield b" " * 1_000_000

    assert_problem(unchanged.put("/documents/x", content=endless(), headers=JSON), 413)


def test_files_and_what_was_put_leave_each_other_alone(client: TestClient, shelf: Shelf) -> None:
    for response in (
        client.put("/documents/a.md", json={"text": "mine"}),
        client.delete("/documents/guide/b.txt"),
    ):
        assert "a file has this id" in assert_problem(response, 409)["detail"]
    client.put("/documents/put", json={"text": "birds fly"})
    (shelf.docs / "a.md").unlink()
    shelf.index()
    assert shelf.ids() == ["guide/b.txt", "put"]


def test_a_writer_waits_for_no_other_process(client: TestClient, shelf: Shelf) -> None:
    with shelf.store.writer():
        response = client.put("/documents/x", json={"text": "birds"})
        problem = assert_problem(response, 503)
        assert problem["detail"] == "another process is writing to the index"
        assert response.headers["retry-after"] == "5"
        assert_problem(client.delete("/documents/x"), 503)
        assert found(client, "cats") == ["a.md"]
    assert client.put("/documents/x", json={"text": "birds"}).status_code == 201


def test_writers_wait_for_each_other_and_each_finds_its_own(client: TestClient) -> None:
    def put(number: int) -> list[str]:
        body = {"text": f"birds word{number}"}
        assert client.put(f"/documents/n/{number}", json=body).status_code == 201
        return found(client, f"word{number}")

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(put, range(16))) == [[f"n/{n}"] for n in range(16)]
    assert client.get("/documents?prefix=n/").json()["snapshot"] == 17


def test_the_line_of_writers_is_not_endless(
    shelf: Shelf, serving: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    go, entered = threading.Event(), threading.Event()

    class Slow(Writes):
        def remove(self, live: LiveEngine, document: str) -> int | None:
            entered.set()
            go.wait()
            return super().remove(live, document)

    monkeypatch.setattr(writing, "MOST_WAITING", 1)
    engine = SearchEngine(shelf.store.snapshot(), shelf.encoder, None)
    client = serving(create_app(lambda: engine, writes=Slow(shelf.store)))
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(client.delete, "/documents/x")
        entered.wait()
        response = client.put("/documents/y", json={"text": "a"})
        assert_problem(response, 503)
        go.set()
        assert first.result().status_code == 404


def test_a_server_does_not_write_unless_it_was_told_to(serving: Serve) -> None:
    client = serving(create_app(lambda: make_engine(DOCUMENTS)))
    for response in (client.put("/documents/x", json={"text": "a"}), client.delete("/documents/x")):
        assert "--writable" in assert_problem(response, 403)["detail"]


def test_a_key_that_may_only_read_does_not_write(shelf: Shelf, serving: Serve) -> None:
    client = serving(application(shelf, keys=read_keys(["reader"], ["writer"])))
    reader, writer = ({"X-API-Key": name} for name in ("reader", "writer"))
    body = {"text": "birds"}
    assert_problem(client.put("/documents/x", json=body, headers=reader), 403)
    assert client.put("/documents/x", json=body, headers=writer).status_code == 201
    assert_problem(client.delete("/documents/x", headers=reader), 403)
    assert client.get("/documents/x", headers=reader).status_code == 200


# -- reading ---------------------------------------------------------------------------------------


def test_documents_are_listed_in_pages(client: TestClient) -> None:
    client.put("/documents/guide/c", json={"text": "birds"})
    every = client.get("/documents").json()
    assert [d["document"] for d in every["documents"]] == ["a.md", "guide/b.txt", "guide/c"]
    assert [d["from_file"] for d in every["documents"]] == [True, True, False]
    assert every["next_after"] is None
    first = client.get("/documents?prefix=guide/&limit=1").json()
    assert first["next_after"] == "guide/b.txt"
    asked = {"prefix": "guide/", "limit": 1, "after": first["next_after"]}
    second = client.get("/documents", params=asked).json()
    assert [d["document"] for d in second["documents"]] == ["guide/c"]
    assert second["next_after"] is None
    assert client.get("/documents?prefix=nowhere").json()["documents"] == []


def test_a_document_says_where_its_passages_stand(client: TestClient, shelf: Shelf) -> None:
    text = "".join(f"Sentence number {n} stands here. " for n in range(60))
    client.put("/documents/long", json={"text": text, "title": "Long", "date": "2024-05-01"})
    document = client.get("/documents/long").json()
    assert document["date"] == "2024-05-01T00:00:00Z"
    assert (document["title"], document["length"], document["stale"]) == ("Long", len(text), False)
    assert (document["text"], document["start"], document["end"]) == (None, None, None)
    places = document["passages"]
    assert [p["passage"] for p in places] == list(range(len(places)))
    assert (places[0]["start"], places[-1]["end"]) == (0, len(text))
    result = client.get("/search?q=number 40").json()["results"][0]
    opened = client.get("/documents/long", params={k: result[k] for k in ("start", "end")}).json()
    assert opened["text"] == result["text"]
    assert client.get("/documents/long?text=true").json()["text"] == text
    assert client.get("/documents/long?start=10&end=20").json()["text"] == text[10:20]
    beyond = client.get(f"/documents/long?start={len(text) + 5}").json()
    assert (beyond["text"], beyond["start"], beyond["end"]) == ("", len(text), len(text))
    (shelf.docs / "a.md").write_text("changed")
    changed = client.get("/documents/a.md").json()
    assert (changed["stale"], changed["from_file"]) == (True, True)


def test_a_very_long_text_comes_in_parts(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(document_schemas, "LONGEST_TEXT", 100)
    text = "word " * 30
    client.put("/documents/long", json={"text": text})
    first = client.get("/documents/long?text=true").json()
    assert (first["start"], first["end"], first["length"]) == (0, 100, 150)
    rest = client.get(f"/documents/long?start={first['end']}").json()
    assert first["text"] + rest["text"] == text


@pytest.mark.parametrize(
    ("url", "pointer"),
    [
        ("/documents?limit=0", "#/limit"),
        ("/documents?limit=1001", "#/limit"),
        ("/documents?colour=red", "#/colour"),
        ("/documents?prefix=a&prefix=b", "#/prefix"),
        ("/documents/a.md?start=-1", "#/start"),
        ("/documents/a.md?start=5&end=4", "#"),
        ("/documents/a.md?text=maybe", "#/text"),
    ],
)
def test_a_parameter_that_cannot_be_is_named(unchanged: TestClient, url: str, pointer: str) -> None:
    problem = assert_problem(unchanged.get(url), 422)
    assert pointer in [error["pointer"] for error in problem["errors"]]


def test_a_document_that_is_not_there_is_not_found(unchanged: TestClient) -> None:
    for path in ("nowhere", "a", "a.md/", "A.MD", "guide"):
        assert_problem(unchanged.get(f"/documents/{path}"), 404)
