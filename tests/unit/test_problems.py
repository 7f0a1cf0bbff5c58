from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import ValidationError

from engine import errors
from engine.errors import (
    DocumentTaken,
    ExtractionError,
    FilterError,
    NoIndex,
    RerankerBusy,
    ShortlistError,
    UsageError,
)
from server.problems import MOST_ERRORS, TABLE, invalid, pointer, problem_of, without_paths
from server.schemas import SearchBody
from server.settings import ServerSettings, host_name, is_loopback


def body_of(error: Exception) -> dict[str, Any]:
    scope = {"type": "http", "path": "/search", "state": {"request_id": "5"}}
    return json.loads(bytes(problem_of(error).response(scope).body))


# Their own words are for the client.
ABOUT_THE_INPUT: dict[type[ShortlistError], int] = {
    UsageError: 422, FilterError: 422, ExtractionError: 422, DocumentTaken: 409
}  # fmt: skip


def own_errors() -> list[type[ShortlistError]]:
    found = [e for e in vars(errors).values() if isinstance(e, type)]
    return [e for e in found if issubclass(e, ShortlistError)]


@pytest.mark.parametrize("kind", own_errors())
def test_every_error_of_ours_has_a_row(kind: type[ShortlistError]) -> None:
    problem = problem_of(kind("about /home/ann/secret"))
    busy = "Index" in mro(kind) or issubclass(kind, RerankerBusy)
    expected = ABOUT_THE_INPUT.get(kind) or (503 if busy else 500)
    assert problem.status == expected
    assert ("/home/ann" in problem.detail) == (kind in ABOUT_THE_INPUT)


def mro(kind: type[ShortlistError]) -> str:
    return " ".join(c.__name__ for c in kind.__mro__)


def test_a_row_is_never_hidden_by_one_of_a_parent_class() -> None:
    kinds = list(TABLE)
    for index, kind in enumerate(kinds):
        assert not any(issubclass(kind, before) for before in kinds[:index])


def test_every_503_says_when_to_come_back() -> None:
    for row in TABLE.values():
        assert (row.retry_after is not None) == (row.status == 503)
    assert problem_of(NoIndex("x")).headers == {"Retry-After": "10"}


def test_an_error_that_is_not_ours_says_nothing_of_itself() -> None:
    body = body_of(ValueError("/etc/passwd"))
    assert body["status"] == 500
    assert "passwd" not in json.dumps(body)


def test_a_problem_has_the_members_of_the_rfc() -> None:
    assert body_of(FilterError("no such date")) == {
        "type": "about:blank",
        "title": "Unprocessable Entity",
        "status": 422,
        "detail": "no such date",
        "instance": "urn:uuid:5",
        "errors": [{"detail": "no such date", "pointer": "#/filter"}],
    }


def test_a_problem_can_be_sent_whatever_characters_are_in_it() -> None:
    assert body_of(UsageError("\ud800 \x00"))["detail"] == "\ud800 \x00"


def refused(body: str) -> ValidationError:
    with pytest.raises(ValidationError) as caught:
        SearchBody.model_validate_json(body, strict=True)
    return caught.value


def test_what_is_no_json_is_400_and_what_has_a_wrong_field_is_422() -> None:
    assert invalid(refused("{")).status == 400
    problem = invalid(refused('{"query": "a", "k": 0, "colour": "red"}'))
    assert problem.status == 422
    assert problem.detail.startswith("k: input should be greater")
    assert problem.extensions["errors"] == [
        {"detail": "input should be greater than or equal to 1", "pointer": "#/k"},
        {
            "detail": "there is no such field, or it is given twice under two names",
            "pointer": "#/colour",
        },
    ]


def test_a_body_that_is_no_object_is_a_problem_of_the_whole() -> None:
    problem = invalid(refused("[]"))
    assert problem.extensions["errors"] == [{"detail": "input should be an object", "pointer": "#"}]
    assert problem.detail == "body: input should be an object"


def test_a_problem_stays_small_however_many_fields_are_wrong() -> None:
    fields = ", ".join(f'"{"x" * 1000}{n}": 0' for n in range(1000))
    problem = invalid(refused(f'{{"query": "", {fields}}}'))
    listed = json.dumps(problem.extensions["errors"])
    assert listed.count("pointer") == MOST_ERRORS
    assert len(listed) < 10_000
    assert problem.detail.endswith("(and 999 more)")


def test_pointers_are_escaped_as_the_rfc_says() -> None:
    assert pointer(("a/b", "m~n", 0, "é %\ud800")) == "#/a~1b/m~0n/0/%C3%A9%20%25%3F"


@pytest.mark.parametrize(
    ("note", "shown"),
    [
        ("3 long passages were read in windows", None),
        ("dense weight lowered to 0.08: wordllama/l2 hardly knows this language", None),
        ("not reranked: no model at owner/model: and/or", None),
        ("x: /home/my models/a is gone", "x: (the server's log says why)"),
        ("failed: '/srv/i' [Errno 2]", "failed: '(the server's log says why)"),
        ("failed: C:\\i\\x", "failed: (the server's log says why)"),
        ("failed: ~/i", "failed: (the server's log says why)"),
    ],
)
def test_notes_are_cut_before_a_path_of_this_machine(note: str, shown: str | None) -> None:
    assert without_paths([note]) == [shown or note]


@pytest.mark.parametrize(
    ("authority", "name"),
    [
        ("localhost", "localhost"),
        ("LocalHost.:8000", "localhost"),
        ("127.0.0.1:80", "127.0.0.1"),
        ("[::1]:80", "::1"),
        ("[0:0:0:0:0:0:0:1]", "::1"),
        ("::1", "::1"),
        ("box:", "box"),
        ("", ""),
        ("*", ""),
        ("a b", ""),
        ("user@localhost", ""),
        ("localhost:80:80", ""),
        ("localhost:port", ""),
        ("[box]", ""),
        ("localhost/", ""),
        ("127.0.0.1.evil.com", "127.0.0.1.evil.com"),
    ],
)
def test_an_authority_has_one_name_or_none(authority: str, name: str) -> None:
    assert host_name(authority) == name


def test_only_addresses_of_this_machine_are_loopback() -> None:
    assert is_loopback("127.0.0.1")
    assert is_loopback("127.8.8.8")
    assert is_loopback("::1")
    assert not is_loopback("0.0.0.0")
    assert not is_loopback("192.168.0.1")
    assert not is_loopback("localhost")  # a name means what a file says


@pytest.mark.parametrize(
    "settings",
    [
        {"host": ""},
        {"port": -1},
        {"port": 70_000},
        {"threads": 0},
        {"allowed_hosts": ("*",)},
        {"allowed_hosts": ("https://box",)},
    ],
)
def test_settings_that_cannot_be_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        ServerSettings(**settings)


def test_a_server_goes_by_its_host_and_the_allowed_names() -> None:
    settings = ServerSettings(host="192.168.0.7", allowed_hosts=("Box.local:443",))
    assert settings.names == {"localhost", "192.168.0.7", "box.local"}
