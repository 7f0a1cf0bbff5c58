from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from engine.errors import UsageError
from server.app import create_app
from server.process import url_of
from server.serving import bound
from server.settings import ServerSettings
from tests.client import DOCUMENTS, Serve, assert_problem, client_of, serving_many
from tests.fakes import make_engine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.testclient import TestClient


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    with client_of(create_app(lambda: make_engine(DOCUMENTS))) as client:
        yield client


@pytest.fixture
def serving() -> Iterator[Serve]:
    with serving_many() as serve:
        yield serve


PATHS = ["/healthz", "/livez", "/readyz", "/search?q=a", "/openapi.json", "/nothing"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "host", ["evil.com", "127.0.0.1.evil.com", "localhost@evil.com", "", "8.8.8.8"]
)
def test_a_request_under_a_foreign_name_is_refused(
    client: TestClient, path: str, host: str
) -> None:
    assert_problem(client.get(path, headers={"Host": host}), 421)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "origin", ["http://evil.com", "null", "file://", "chrome-extension://a", ""]
)
def test_a_page_from_elsewhere_is_refused(client: TestClient, path: str, origin: str) -> None:
    assert_problem(client.get(path, headers={"Origin": origin}), 403)


@pytest.mark.parametrize(
    "host", ["localhost:9", "LOCALHOST", "127.0.0.1:8000", "[::1]:8000", "box.local"]
)
def test_names_of_this_server_are_answered(serving: Serve, host: str) -> None:
    names = ServerSettings(allowed_hosts=("box.local",))
    client = serving(create_app(lambda: make_engine(DOCUMENTS), settings=names))
    headers = {"Host": host, "Origin": f"http://{host}"}
    assert client.get("/healthz", headers=headers).status_code == 200


def test_no_answer_may_be_read_by_another_page_or_kept(client: TestClient) -> None:
    for path in PATHS:
        headers = client.get(path, headers={"Origin": "http://localhost:3000"}).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"
        assert not [name for name in headers if name.startswith("access-control")]


def test_an_authorization_header_is_ignored(client: TestClient) -> None:
    response = client.get("/search?q=a", headers={"Authorization": "Bearer key"})
    assert response.status_code == 200


def test_an_address_that_cannot_be_bound_is_a_wrong_use() -> None:
    with bound(ServerSettings(port=0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(UsageError, match=f"port {port}"), bound(ServerSettings(port=port)):
            pass
    with (
        pytest.raises(UsageError, match="no address"),
        bound(ServerSettings(host="nowhere.invalid")),
    ):
        pass


def test_an_address_with_colons_stands_in_brackets_in_a_url() -> None:
    try:
        with bound(ServerSettings(host="::1", port=0)) as listener:
            assert url_of(listener) == f"http://[::1]:{listener.getsockname()[1]}"
    except UsageError:
        pytest.skip("this machine has no IPv6")
