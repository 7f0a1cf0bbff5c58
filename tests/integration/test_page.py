from __future__ import annotations

import re
import subprocess
import sys
import zipfile
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from server.app import create_app
from server.keys import read_keys
from server.settings import ServerSettings
from tests.client import DOCUMENTS, assert_problem, client_of
from tests.fakes import make_engine

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.testclient import TestClient

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "server" / "page"
FILES = sorted(path.name for path in FOLDER.iterdir())
SCRIPTS = [name for name in FILES if name.endswith(".js")]


@pytest.fixture(scope="module")
def client() -> Iterator[TestClient]:
    with client_of(create_app(lambda: make_engine(DOCUMENTS))) as client:
        yield client


class Elements(HTMLParser):
    """All elements of a page, with their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def test_the_page_is_html_under_a_strict_policy(client: TestClient) -> None:
    response = client.get("/")
    assert response.status_code == 200
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    policy = response.headers["content-security-policy"].split("; ")
    wanted = {"default-src 'none'", "script-src 'self'", "style-src 'self'", "connect-src 'self'"}
    assert wanted | {"frame-ancestors 'none'", "base-uri 'none'"} <= set(policy)
    assert "unsafe" not in response.headers["content-security-policy"]
    assert response.headers["x-content-type-options"] == "nosniff"
    assert response.headers["x-request-id"]


@pytest.mark.parametrize("name", FILES)
def test_every_file_has_its_type_and_the_policy(client: TestClient, name: str) -> None:
    response = client.get(f"/page/{name}")
    kinds = {"html": "text/html", "css": "text/css", "js": "text/javascript"}
    kind = kinds.get(name.rpartition(".")[2], "image/svg+xml")
    assert response.headers["content-type"].partition(";")[0] == kind
    assert response.content == (FOLDER / name).read_bytes()
    assert "script-src 'self'" in response.headers["content-security-policy"]
    assert client.head(f"/page/{name}").headers["content-length"] == str(len(response.content))


def test_other_answers_keep_the_policy_that_loads_nothing(client: TestClient) -> None:
    policy = client.get("/search?q=cats").headers["content-security-policy"]
    assert policy == "default-src 'none'; frame-ancestors 'none'"


def test_a_file_that_the_browser_has_is_not_sent_again(client: TestClient) -> None:
    first = client.get("/page/page.js")
    assert first.headers["cache-control"] == "no-cache"
    again = client.get("/page/page.js", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["content-security-policy"] == first.headers["content-security-policy"]
    assert client.get("/page/page.js", headers={"If-None-Match": '"x"'}).content == first.content


@pytest.mark.parametrize(
    "path", ["/page/", "/page/x.js", "/page/..%2fapp.py", "/page/%2e%2e/app.py"]
)
def test_nothing_else_is_given_out(client: TestClient, path: str) -> None:
    assert_problem(client.get(path), 404)


def test_the_page_needs_no_key_and_no_engine() -> None:
    def fails() -> None:
        raise OSError

    settings = ServerSettings(keys=read_keys(read=["secret"]))
    with client_of(create_app(fails, settings=settings)) as client:  # type: ignore[arg-type]
        assert client.get("/").status_code == 200
        assert client.get("/page/page.css").status_code == 200
        assert_problem(client.get("/search?q=cats"), 401)
        assert_problem(client.get("/pages"), 401)


def test_nothing_is_inline_and_nothing_comes_from_elsewhere() -> None:
    text = (FOLDER / "index.html").read_text("utf-8")
    elements = Elements(text).found
    for tag, attributes in elements:
        assert tag != "style"
        assert not any(name == "style" or name.startswith("on") for name in attributes)
        assert tag != "script" or attributes.get("src"), "a script stands in the page itself"
        for name in ("src", "href"):
            value = attributes.get(name)
            assert value is None or value == "./" or (FOLDER.parent / value).is_file()
    ids = [attributes["id"] for _, attributes in elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    for name in FILES:
        found = re.findall(r"https?://[^\s\"')]+", (FOLDER / name).read_text("utf-8"))
        assert set(found) <= {"http://www.w3.org/2000/svg"}, name


@pytest.mark.parametrize("name", SCRIPTS)
def test_scripts_never_read_text_as_markup_or_code(name: str) -> None:
    text = (FOLDER / name).read_text("utf-8")
    assert not re.search(r"HTML\b|document\.write|\beval\b|new Function|setAttribute\(\"on", text)
    for module in re.findall(r'from "\./([^"]+)"', text):
        assert module in FILES


def test_every_element_that_a_script_looks_for_is_there() -> None:
    ids = {
        attributes.get("id")
        for _, attributes in Elements((FOLDER / "index.html").read_text()).found
    }
    for name in SCRIPTS:
        assert set(re.findall(r'find\("([^"]+)"\)', (FOLDER / name).read_text())) <= ids, name


def test_the_wheel_has_every_file_of_the_page(tmp_path: Path) -> None:
    pytest.importorskip("hatchling.build", reason="hatchling is not installed")
    code = "import sys; from hatchling.build import build_wheel; print(build_wheel(sys.argv[1]))"
    command = [sys.executable, "-c", code, str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    with zipfile.ZipFile(tmp_path / done.stdout.split()[-1]) as wheel:
        names = set(wheel.namelist())
    assert {f"server/page/{name}" for name in FILES} <= names
