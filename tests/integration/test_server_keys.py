"""Who may come in: keys, scopes, the rate limit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from engine.errors import UsageError
from server.app import create_app
from server.keys import read_keys
from server.settings import ServerSettings
from tests.client import DOCUMENTS, Serve, assert_problem, serving_many
from tests.fakes import make_engine

if TYPE_CHECKING:
    from collections.abc import Generator

    from fastapi import FastAPI

KEYS = read_keys(["laptop:open-sesame"], ["ci:shut-sesame"])


@pytest.fixture
def serving() -> Generator[Serve]:
    with serving_many() as serve:
        yield serve


def app(rate_limit: int = 0, *, keys: bool = True) -> FastAPI:
    settings = ServerSettings(
        keys=KEYS if keys else read_keys(), rate_limit=rate_limit, check_seconds=0
    )
    return create_app(lambda: make_engine(DOCUMENTS), settings=settings)


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer open-sesame"},
        {"Authorization": "bearer  open-sesame "},
        {"Authorization": "open-sesame"},
        {"X-API-Key": "open-sesame"},
        {"X-API-Key": "shut-sesame"},
        {"Authorization": "Basic YTpi", "X-API-Key": "open-sesame"},
    ],
)
def test_a_key_opens_in_every_way_in_which_clients_send_it(
    serving: Serve, headers: dict[str, str]
) -> None:
    client = serving(app())
    assert client.get("/search?q=cats", headers=headers).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer sesame"},
        {"Authorization": "Basic open-sesame"},
        {"Authorization": "Bearer laptop:open-sesame"},
        {"X-API-Key": ""},
        {"X-API-Key": "Bearer open-sesame"},
        {"X-API-Key": "\xff\xfe"},
    ],
)
@pytest.mark.parametrize("path", ["/search?q=cats", "/metrics", "/openapi.json", "/no-such-path"])
def test_without_a_key_nothing_is_told(serving: Serve, path: str, headers: dict[str, str]) -> None:
    client = serving(app())
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    response = client.get(path, headers=raw)
    problem = assert_problem(response, 401)
    assert response.headers["www-authenticate"] == "Bearer"
    assert "sesame" not in problem["detail"]


@pytest.mark.parametrize("path", ["/livez", "/healthz", "/readyz", "/health"])
def test_health_needs_no_key(serving: Serve, path: str) -> None:
    client = serving(app(rate_limit=1))
    for _ in range(3):
        assert client.get(path).status_code == 200
        assert client.head(path).status_code == 200


def test_foreign_clients_find_their_own_words_in_a_refusal(serving: Serve) -> None:
    client = serving(app())
    body = {"query": "cats", "texts": ["cats"]}
    problem = assert_problem(client.post("/rerank", json=body), 401)
    assert problem["error"] == problem["message"] == problem["detail"]


def test_only_a_key_that_may_write_reloads(serving: Serve) -> None:
    client = serving(app())
    refused = client.post("/admin/reload", headers={"X-API-Key": "open-sesame"})
    assert "may only read" in assert_problem(refused, 403)["detail"]
    done = client.post("/admin/reload", headers={"X-API-Key": "shut-sesame"})
    assert done.json() == {"status": "ready", "snapshot": 1}
    assert_problem(client.get("/admin/reload", headers={"X-API-Key": "shut-sesame"}), 405)


def test_without_keys_a_header_is_ignored_and_everything_is_open(serving: Serve) -> None:
    client = serving(app(keys=False))
    assert client.get("/search?q=cats", headers={"Authorization": "Bearer x"}).status_code == 200
    assert client.post("/admin/reload").status_code == 200


def test_pages_of_other_origins_are_refused_also_with_a_key(serving: Serve) -> None:
    client = serving(app())
    headers = {"X-API-Key": "open-sesame", "Origin": "https://evil.example"}
    response = client.get("/search?q=cats", headers=headers)
    assert_problem(response, 403)
    assert not [name for name in response.headers if name.startswith("access-control")]


def test_each_key_and_each_address_has_a_rate_of_its_own(serving: Serve) -> None:
    client = serving(app(rate_limit=2))
    for headers in ({"X-API-Key": "open-sesame"}, {"X-API-Key": "shut-sesame"}):
        for _ in range(2):
            assert client.get("/search?q=cats", headers=headers).status_code == 200
        response = client.get("/search?q=cats", headers=headers)
        assert_problem(response, 429)
        assert 1 <= int(response.headers["retry-after"]) <= 30
    # Guessing is slow: wrong keys count for the address.
    guesses = [client.get("/search", headers={"X-API-Key": str(n)}).status_code for n in range(4)]
    assert guesses == [401, 401, 429, 429]


def test_a_rate_limit_needs_no_keys(serving: Serve) -> None:
    client = serving(app(rate_limit=1, keys=False))
    assert client.get("/search?q=cats").status_code == 200
    assert_problem(client.get("/search?q=cats"), 429)


@pytest.mark.parametrize("path", ["/", "/page/nothing.js"])
def test_the_page_needs_no_key_it_asks_for_one(serving: Serve, path: str) -> None:
    client = serving(app(rate_limit=1))
    assert client.get(path).status_code in (200, 404)
    for other in ("/page", "/pages/x"):
        assert client.get(other).status_code in (401, 429)


def test_an_index_that_can_be_written_needs_somebody_who_may() -> None:
    with pytest.raises(UsageError, match="--write-key"):
        ServerSettings(writable=True, keys=read_keys(["k"]))
    assert ServerSettings(writable=True, keys=KEYS)
    assert ServerSettings(writable=True)
