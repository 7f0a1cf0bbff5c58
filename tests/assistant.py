"""An assistant: the SDK's own client, and what it is told."""

from __future__ import annotations

import json
import sys
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import anyio
from mcp import Client, StdioServerParameters
from mcp_types import CallToolResult, TextContent

from engine.errors import NoIndex
from server.live import LiveEngine
from server.mcp.stdio import create_server
from tests.commands import START, environment

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
    from pathlib import Path

    from mcp_types import Tool

    from engine.protocols import Snapshot
    from engine.search import SearchEngine


@dataclass(frozen=True)
class Assistant:
    """A client of the tools; fails where an answer is not what the protocol wants."""

    client: Client

    async def tools(self) -> dict[str, Tool]:
        return {tool.name: tool for tool in (await self.client.list_tools()).tools}

    async def call(self, tool: str, **arguments: object) -> dict[str, Any]:
        """Return the answer of a call that must succeed."""
        result = await self._call(tool, arguments)
        assert not result.is_error, result.content
        assert json.loads(said(result)) == result.structured_content
        return cast("dict[str, Any]", result.structured_content)

    async def refused(self, tool: str, **arguments: object) -> str:
        """Return what a call is told that must fail."""
        result = await self._call(tool, arguments)
        assert result.is_error, result.content
        return said(result)

    async def _call(self, tool: str, arguments: dict[str, object]) -> CallToolResult:
        result = await self.client.call_tool(tool, arguments)
        assert isinstance(result, CallToolResult)
        return result


def said(result: CallToolResult) -> str:
    """Return the text of a result."""
    [content] = result.content
    assert isinstance(content, TextContent)
    return content.text


@contextmanager
def living(
    load: Callable[[], SearchEngine],
    renew: Callable[[SearchEngine], SearchEngine | None] = lambda _: None,
) -> Generator[LiveEngine]:
    """Run an engine that asks for a newer commit before every search."""
    live = LiveEngine(load, renew, 0.0)
    live.start()
    try:
        yield live
    finally:
        live.close()


def nothing() -> Snapshot:
    """Open an index that is not there."""
    raise NoIndex("no index at /home/ada")


def in_memory(
    live: LiveEngine,
    work: Callable[[Assistant], Awaitable[None]],
    patience: float = 30.0,
    look: Callable[[], Snapshot] | None = None,
) -> None:
    """Let an assistant work with the tools over an engine, without a process or a pipe.

    It begins when the engine is loaded, unless it is said how the index is opened until then.
    """

    async def run() -> None:
        while look is None and live.progress == "loading":
            await anyio.sleep(0.001)
        async with Client(create_server(live, look or nothing, "1", patience)) as client:
            await work(Assistant(client))

    anyio.run(run)


def started(*args: str | Path, code: str = START) -> StdioServerParameters:
    """Return how an assistant starts `shortlist mcp`, or Python code with arguments."""
    words = ["-W", "error", "-c", code, *map(str, args)]
    return StdioServerParameters(command=sys.executable, args=words, env=environment())


@asynccontextmanager
async def over_stdio(parameters: StdioServerParameters) -> AsyncGenerator[Assistant]:
    """Run a server in a process of its own."""
    async with Client(parameters, read_timeout_seconds=100) as client:
        yield Assistant(client)
