"""GET /openapi.json, held against the rules of OpenAPI and the options of a server."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import pytest

from server.app import create_app
from server.gate import HEALTH
from server.keys import read_keys
from server.settings import ServerSettings
from tests.client import client_of
from tests.fakes import make_engine

if TYPE_CHECKING:
    from collections.abc import Iterator

METHODS = ("get", "post", "put", "delete")


def described(*keys: str) -> dict[str, Any]:
    settings = ServerSettings(keys=read_keys(keys))
    with client_of(create_app(lambda: make_engine({"a.md": "cats"}), settings=settings)) as client:
        return client.get("/openapi.json", headers={"X-API-Key": "sesame"}).json()


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return described()


def operations(document: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            assert method in METHODS
            yield path, operation


def test_each_part_of_a_path_is_described_as_a_parameter(document: dict[str, Any]) -> None:
    found = 0
    for path, operation in operations(document):
        names = [p["name"] for p in operation.get("parameters", []) if p["in"] == "path"]
        assert names == re.findall(r"{(\w+)}", path), (path, operation["operationId"])
        found += len(names)
    assert found >= 3


def test_nothing_in_a_url_is_null(document: dict[str, Any]) -> None:
    names: set[str] = set()
    for path, operation in operations(document):
        for parameter in operation.get("parameters", []):
            schema = parameter["schema"]
            assert "null" not in str(schema), (path, parameter["name"])
            assert "type" in schema or "enum" in schema, (path, parameter["name"])
            assert None not in schema.values()
            names.add(parameter["name"])
    assert {"budget_ms", "fields", "min_score", "start"} <= names


def test_a_key_is_wanted_where_there_are_keys_but_not_to_ask_for_health(
    document: dict[str, Any],
) -> None:
    wanted: list[dict[str, list[str]]] = [{"bearer": []}, {"header": []}]
    assert document["security"] == [*wanted, {}]
    assert described("sesame")["security"] == wanted
    for path, operation in operations(document):
        assert ("security" in operation) == (path in HEALTH)
        assert operation.get("security", []) == []
