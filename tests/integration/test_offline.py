"""From an empty machine to the first answer nobody is called: each attempt is refused and noted."""

from __future__ import annotations

import http.client
import json
import re
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any, cast

import pytest

from tests.commands import START, environment

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path
    from typing import IO

# Audit events see every socket of this process, whoever opens it. What is not this machine is
# written down and refused. Nothing tells a library that it is offline.
GUARD = """
import os, sys

def guard(event, args):
    if event in ("socket.connect", "socket.sendto"):
        host = args[1][0] if isinstance(args[1], tuple) else "localhost"
    elif event in ("socket.getaddrinfo", "socket.gethostbyname"):
        host = args[0]
    else:
        return
    if isinstance(host, bytes):
        host = host.decode()
    if host in (None, "localhost", "::1") or str(host).startswith("127."):
        return
    with open(os.environ["CALLS"], "a") as calls:
        calls.write(f"{event} {host}\\n")
    raise OSError(f"the test forbids {event} {host}")

sys.addaudithook(guard)
"""
OFFLINE_SWITCHES = ("HF_HUB_OFFLINE", "TRANSFORMERS_OFFLINE", "HF_DATASETS_OFFLINE")


class Machine:
    """A machine without a network and with an empty home, and what was tried on it."""

    def __init__(self, home: Path) -> None:
        self.calls = home / "calls"
        self.calls.touch()
        # Where this environment has a sitecustomize of its own, only the guard is run.
        (home / "sitecustomize.py").write_text(GUARD)
        self.env = environment({"CALLS": str(self.calls), "HOME": str(home / "home")})
        self.env["PYTHONPATH"] = f"{home}:{self.env['PYTHONPATH']}"
        for name in (*OFFLINE_SWITCHES, "HF_HOME", "XDG_CACHE_HOME"):
            self.env.pop(name, None)

    def start(self, *args: str | Path, code: str = START) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-c", code, *args],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self.env,
        )

    def run(self, *args: str | Path, code: str = START) -> tuple[int, str, str]:
        process = self.start(*args, code=code)
        out, err = process.communicate(timeout=100)
        return process.returncode, out, err


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    return Machine(tmp_path_factory.mktemp("machine"))


@pytest.fixture(scope="module")
def index(machine: Machine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("offline")
    docs = home / "docs"
    docs.mkdir()
    (docs / "a.md").write_text("# Passports\n\nA passport is renewed at the town hall.\n")
    (docs / "b.txt").write_text("The mill by the river grinds corn.\n")
    (docs / "c.html").write_text("<p>See <a href='http://example.org/'>there</a>.</p>")
    code, out, err = machine.run("index", docs, "-i", home / "index")
    assert code == 0, err
    assert out.startswith("documents: 3 added")
    return home / "index"


def reached(machine: Machine) -> list[str]:
    return machine.calls.read_text().splitlines()


def test_the_guard_sees_a_call(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    code, _, err = machine.run(code="import urllib.request as r; r.urlopen('http://example.org')")
    assert code == 1
    assert "the test forbids" in err
    assert reached(machine) == ["socket.getaddrinfo example.org"]


def test_indexing_calls_nobody(machine: Machine, index: Path) -> None:
    assert index.is_dir()
    assert reached(machine) == []


def test_a_search_with_the_default_reranker_calls_nobody(machine: Machine, index: Path) -> None:
    code, out, err = machine.run("search", "where to renew my passport", "-i", index, "--json")
    assert code == 0, err
    answer = json.loads(out)
    assert (answer["degraded"], answer["results"][0]["document"]) == (False, "a.md")
    assert answer["results"][0]["stage"] == "reranked"
    assert "Traceback" not in err
    assert reached(machine) == []


@pytest.fixture
def server(machine: Machine, index: Path) -> Generator[tuple[subprocess.Popen[str], int]]:
    process = machine.start("serve", "-i", index, "--port", "0")
    try:
        said = ""
        while "listening on" not in said:
            said = cast("IO[str]", process.stderr).readline()
            assert said, "the server ended"
        found = re.search(r":(\d+)$", said.strip())
        assert found is not None
        yield process, int(found[1])
    finally:
        process.kill()
        process.communicate()


def get(port: int, path: str) -> tuple[int, dict[str, Any]]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=100)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, json.loads(response.read())
    finally:
        connection.close()


def test_a_server_calls_nobody(server: tuple[subprocess.Popen[str], int], machine: Machine) -> None:
    process, port = server
    end = time.monotonic() + 100
    while get(port, "/readyz")[0] == 503:  # it loads its models
        assert time.monotonic() < end
        time.sleep(0.2)
    status, answer = get(port, "/search?q=passport")
    assert status == 200, answer
    assert answer["results"][0]["document"] == "a.md"
    assert answer["degraded"] is False
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0
    assert reached(machine) == []
