"""`shortlist mcp` as an assistant starts it: in a process of its own, over pipes."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import anyio
import pytest

from tests.assistant import Assistant, over_stdio, started
from tests.commands import START, environment, process, shortlist
from tests.tiny_models import save_cross_encoder

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Generator, Mapping
    from pathlib import Path

    from mcp import StdioServerParameters

# A server over pipes whose models, and everything else, print.
NOISY = """
import os, sys, warnings
from server.mcp.stdio import serve_stdio
from tests.fakes import make_engine
class Noisy(type(make_engine({}))):
    def search(self, request):
        print("searching")
        os.write(1, b"native code prints\\n")
        os.system("echo so does a child")
        sys.stdout.flush()
        return super().search(request)
def load():
    print("Loading weights: 100%", flush=True)
    engine = make_engine({"cats.md": "cats purr"})
    return Noisy(engine.snapshot, engine.encoder, engine.reranker)
serve_stdio(load, lambda _: None, lambda: None)
"""
STUCK = """
import time
from server.mcp.stdio import serve_stdio
serve_stdio(lambda: time.sleep(60), lambda _: None, lambda: None)
"""
HELLO = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "test", "version": "1"},
    },
}
READY = {"jsonrpc": "2.0", "method": "notifications/initialized"}


def made(home: Path, files: Mapping[str, str]) -> Path:
    """Return an index of files (name -> text) below `docs`."""
    docs = home / "docs"
    docs.mkdir()
    for name, text in files.items():
        (docs / name).write_text(text)
    assert shortlist("index", docs, "-i", home / "index").code == 0
    return home / "index"


@pytest.fixture
def index(tmp_path: Path) -> Path:
    return made(tmp_path, {"cats.md": "Cats purr at night.\n", "fish.md": "Fish swim.\n"})


def with_assistant(
    parameters: StdioServerParameters, work: Callable[[Assistant], Awaitable[None]]
) -> None:
    async def run() -> None:
        async with over_stdio(parameters) as assistant:
            await work(assistant)

    anyio.run(run)


def test_an_assistant_uses_a_real_index_while_another_process_writes_it(
    index: Path, tmp_path: Path
) -> None:
    docs = tmp_path / "docs"

    async def work(assistant: Assistant) -> None:
        assert "search" in await assistant.tools()
        answer = await assistant.call("search", query="what purrs at night?", k=1)
        assert answer["results"][0]["document"] == "cats.md"
        assert answer["results"][0]["stage"] == "fused"

        (docs / "birds.md").write_text("# Birds\n\nBirds sing in the morning.\n")
        wrote = await anyio.to_thread.run_sync(process, "index", docs, "-i", index)
        assert wrote.code == 0, wrote.err
        await anyio.sleep(1.1)  # it looks once a second
        answer = await assistant.call("search", query="what sings in the morning?", k=1)
        assert answer["results"][0]["document"] == "birds.md"
        status = await assistant.call("status")
        assert (status["documents"], status["commit"]) == (3, 2)
        assert "reranker" not in status
        read = await assistant.call("get_document", document="birds.md", start=2, end=7)
        assert read["text"] == "Birds"

    with_assistant(started("mcp", "-i", index, "--no-rerank"), work)


def test_a_real_reranker_ranks_and_stdout_holds_messages_alone(tmp_path: Path) -> None:
    # Words that it knows: it has no say about others.
    index = made(tmp_path, {"fish": "blue fish swims", "heart": "red heart swims"})
    model = save_cross_encoder(tmp_path / "model")
    call = {"name": "search", "arguments": {"query": "what fish swims"}}
    with speaking("mcp", "-i", index, "--reranker", model) as server:
        result = server.ask("tools/call", call)
        assert {r["stage"] for r in result["structuredContent"]["results"]} == {"reranked"}
        assert json.loads(result["content"][0]["text"]) == result["structuredContent"]
        code, rest, said = server.stop()
    assert (code, rest, said) == (0, "", "")


def test_what_is_printed_goes_to_stderr() -> None:
    with speaking(code=NOISY) as server:
        result = server.ask("tools/call", {"name": "search", "arguments": {"query": "cats"}})
        assert not result["isError"]
        code, rest, said = server.stop()
    assert (code, rest) == (0, "")
    for line in ("Loading weights", "searching", "native code prints", "so does a child"):
        assert line in said


def test_a_line_that_is_no_message_stops_nothing() -> None:
    with speaking(code=NOISY) as server:
        server.write("this is no JSON\n[]\n{}\n\n")
        assert server.ask("tools/list", {})["tools"]


def test_it_ends_at_once_when_its_input_does_whatever_still_loads() -> None:
    with speaking(code=STUCK) as server:
        start = time.monotonic()
        code, _, _ = server.stop()
    assert code == 0
    assert time.monotonic() - start < 5


@pytest.mark.parametrize("sig", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_at_once(sig: signal.Signals) -> None:
    with speaking(code=STUCK) as server:
        server.process.send_signal(sig)
        assert server.process.wait(5) == -sig


def test_a_missing_index_is_said_on_stderr(tmp_path: Path) -> None:
    outcome = process("mcp", "-i", tmp_path / "index")
    assert (outcome.code, outcome.out) == (1, "")
    assert "no index" in outcome.err


def test_a_missing_sdk_is_said_with_the_command_that_installs_it(index: Path) -> None:
    without = f"import sys; sys.modules['mcp'] = None; {START}"
    outcome = process("mcp", "-i", index, code=without)
    assert (outcome.code, outcome.out) == (2, "")
    assert "pip install 'mcp>=2.3,<3'" in outcome.err


class Speaking:
    """A server to which the protocol is spoken by hand; every line that it says must be of it."""

    def __init__(self, *args: str | Path, code: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-W", "error", "-c", code, *map(str, args)],
            env=environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._last = 1
        self.send(HELLO)
        assert self._answer(1)["serverInfo"]["name"] == "shortlist"
        self.send(READY)

    def write(self, text: str) -> None:
        assert self.process.stdin
        self.process.stdin.write(text)
        self.process.stdin.flush()

    def send(self, message: dict[str, Any]) -> None:
        self.write(json.dumps(message) + "\n")

    def ask(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        self._last += 1
        self.send({"jsonrpc": "2.0", "id": self._last, "method": method, "params": params})
        return self._answer(self._last)

    def _answer(self, number: int) -> dict[str, Any]:
        assert self.process.stdout
        while True:
            message = json.loads(self.process.stdout.readline())
            assert message["jsonrpc"] == "2.0"
            if message.get("id") == number:
                return message["result"]

    def stop(self) -> tuple[int, str, str]:
        """End its input; return (exit status, the rest of stdout, stderr)."""
        rest, said = self.process.communicate(timeout=20)
        return self.process.returncode, rest, said


@contextmanager
def speaking(*args: str | Path, code: str = START) -> Generator[Speaking]:
    server = Speaking(*args, code=code)
    try:
        yield server
    finally:
        server.process.kill()
        server.process.communicate()
