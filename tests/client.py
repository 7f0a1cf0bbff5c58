"""A client of the application over a small engine, and what every problem must look like."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, Final, Protocol

from starlette.testclient import TestClient

if TYPE_CHECKING:
    from collections.abc import Generator

    import httpx2
    from fastapi import FastAPI

DOCUMENTS: Final = {
    "zoo/cats.md": "cats purr at night\ncats sleep by day\n",
    "zoo/dogs.txt": "dogs bark at night\n",
    "kitchen.md": "bread needs flour and salt\n",
}
HERE: Final = "http://127.0.0.1:8000"
JSON: Final = {"Content-Type": "application/json"}


@contextmanager
def client_of(app: FastAPI, *, wait: bool = True) -> Generator[TestClient]:
    """Run an application, and wait until it does not load any more."""
    with TestClient(app, base_url=HERE, raise_server_exceptions=False) as client:
        while wait and client.get("/readyz").json().get("stage") == "loading":
            pass
        yield client


class Serve(Protocol):
    """Runs an application until the test ends."""

    def __call__(self, app: FastAPI, *, wait: bool = True) -> TestClient: ...


@contextmanager
def serving_many() -> Generator[Serve]:
    """Run any number of applications, as `client_of` does."""
    with ExitStack() as stack:

        def serve(app: FastAPI, *, wait: bool = True) -> TestClient:
            return stack.enter_context(client_of(app, wait=wait))

        yield serve


def assert_problem(response: httpx2.Response, status: int) -> dict[str, Any]:
    """Check that a response is a problem, and return it."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body = response.json()
    assert body["status"] == status
    assert isinstance(body["detail"], str)
    assert body["detail"]
    assert body["title"]
    assert body["instance"] == f"urn:uuid:{response.headers['x-request-id']}"
    assert ("errors" in body) == (status == 422)
    for error in body.get("errors", []):
        assert isinstance(error["detail"], str)
        assert error["pointer"].startswith("#")
    if status == 503:
        assert int(response.headers["retry-after"]) > 0
    return body
