"""Servers for the clients, which run in an environment without Shortlist (see Makefile)."""

from __future__ import annotations

import json
import os
import re
import subprocess
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from tests.clients.asking import HOME, KEY, QUERY, TEXTS, post

if TYPE_CHECKING:
    from collections.abc import Generator


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark everything here."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.clients)


@contextmanager
def serving(script: str, *args: str, **environment: str) -> Generator[str]:
    """Run a script of this folder in Shortlist's environment, and return its server's URL."""
    python = os.environ.get("SHORTLIST_PYTHON") or str(HOME / ".venv" / "bin" / "python")
    with tempfile.NamedTemporaryFile("w+") as said:
        process = subprocess.Popen(
            [python, str(Path(__file__).with_name(script)), *args],
            cwd=HOME,
            env={**os.environ, "PYTHONPATH": str(HOME), **environment},
            stdout=subprocess.DEVNULL,
            stderr=said,
        )
        try:
            url = url_of(process, Path(said.name))
            wait_until_ready(url)
            yield url
        finally:
            process.terminate()
            process.wait()


def url_of(process: subprocess.Popen[bytes], said: Path) -> str:
    """Return the URL that a server says it listens on."""
    for _ in range(3000):
        match = re.search(r"^listening on (\S+)$", said.read_text(), re.MULTILINE)
        if match:
            return match[1]
        assert process.poll() is None, said.read_text()
        time.sleep(0.1)
    raise AssertionError(f"no server: {said.read_text()}")


def wait_until_ready(url: str) -> None:
    for _ in range(1000):
        try:
            with urlopen(f"{url}/readyz") as response:
                assert response.status == 200
                return
        except HTTPError as error:
            body = json.load(error)
            assert body.get("stage") == "loading", body
            time.sleep(0.1)
    raise AssertionError(f"{url} was never ready")


@pytest.fixture(scope="session")
def url(tmp_path_factory: pytest.TempPathFactory) -> Generator[str]:
    """`shortlist serve`, with a real model."""
    home = str(tmp_path_factory.mktemp("tiny"))
    # On a machine that is busy, threads of a tiny model wait for each other for seconds.
    with serving("serve_tiny.py", home, SHORTLIST_API_KEY=KEY, OMP_NUM_THREADS="1") as url:
        yield url


@pytest.fixture(scope="session")
def failing(url: str) -> Generator[str]:
    """A server that fails as its query says; see serve_failing."""
    del url  # one after the other
    with serving("serve_failing.py") as failing:
        yield failing


@pytest.fixture(scope="session")
def scores(url: str) -> dict[int, float]:
    """What the server itself says of TEXTS, best first."""
    answer: list[dict[str, Any]] = post(f"{url}/rerank", {"query": QUERY, "texts": TEXTS})
    found = {item["index"]: item["score"] for item in answer}
    assert sorted(found) == [0, 1, 2, 3]
    assert len(set(found.values())) == 4
    assert all(0 < score < 1 for score in found.values())
    assert list(found.values()) == sorted(found.values(), reverse=True)
    return found
