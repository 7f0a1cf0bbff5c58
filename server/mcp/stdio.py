# pyright: basic
"""LEAF (mcp): the tools behind the protocol, on standard input and output.

The SDK's decorated functions ignore arguments that they do not know, so that a misspelled filter
would search everything. Here arguments are checked by our own models, as bodies are in HTTP.
"""

from __future__ import annotations

import json
import logging
import os
import signal
from contextlib import closing, suppress
from typing import TYPE_CHECKING, Final

import anyio
from anyio import CapacityLimiter, to_thread
from mcp.server import Server
from mcp.server.stdio import stdio_server
from mcp_types import CallToolResult, ListToolsResult, TextContent, ToolAnnotations
from mcp_types import Tool as ListedTool
from pydantic import ValidationError
from pydantic.json_schema import GenerateJsonSchema

from server.live import LiveEngine, NotReadyError, keep_up
from server.mcp.tools import INSTRUCTIONS, TOOLS
from server.problems import invalid, problem_of, safe_detail
from server.settings import IDLE_CHECK, SEARCH_THREADS

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from mcp.server import ServerRequestContext
    from mcp_types import CallToolRequestParams, PaginatedRequestParams

    from engine.protocols import Snapshot
    from engine.search import SearchEngine
    from server.mcp.tools import Tool
    from server.mcp.words import Arguments, Reply

_LOADING_POLL: Final = 0.05  # seconds
_PATIENCE: Final = 40.0  # seconds that a call waits for models; clients give up after 60
_LOG: Final = logging.getLogger(__name__)


class ToolError(Exception):
    """Raised where a call fails; the message is for the assistant, and says what to do."""


def create_server(
    live: LiveEngine,
    look: Callable[[], Snapshot],
    version: str = "",
    patience: float = _PATIENCE,
) -> Server[dict[str, Any]]:
    """Return a server of the tools over an engine that was started, or will be.

    Args:
        live: searches wait while it loads; the other tools do not.
        look: opens the newest commit, for those that need no models, while there are none.
        version: what clients are told.
        patience: seconds that a search waits for the models.
    """
    limiter = CapacityLimiter(SEARCH_THREADS)

    async def call(tool: Tool, asked: Arguments) -> Reply:
        with anyio.move_on_after(patience):
            while live.progress == "loading" and tool.needs == "models":
                await anyio.sleep(_LOADING_POLL)
        # A call that is given up is not waited for: native code cannot be interrupted.
        return await to_thread.run_sync(
            _answer, (live, look), tool, asked, limiter=limiter, abandon_on_cancel=True
        )

    async def on_call_tool(
        context: ServerRequestContext, params: CallToolRequestParams
    ) -> CallToolResult:
        del context
        try:
            tool, asked = _checked(params.name, params.arguments or {})
            reply = (await call(tool, asked)).concise()
        except ToolError as error:
            return CallToolResult(content=[_text(str(error))], is_error=True)
        return CallToolResult(
            content=[_text(json.dumps(reply, ensure_ascii=False))], structured_content=reply
        )

    async def on_list_tools(
        context: ServerRequestContext, params: PaginatedRequestParams | None
    ) -> ListToolsResult:
        del context, params
        return ListToolsResult(tools=[_listed(tool) for tool in TOOLS])

    return Server(
        "shortlist",
        version=version,
        title="Shortlist",
        instructions=INSTRUCTIONS,
        on_list_tools=on_list_tools,
        on_call_tool=on_call_tool,
    )


class _Untitled(GenerateJsonSchema):
    """Schemas without a title for every field: assistants read them in each conversation."""

    def field_title_should_be_set(self, schema: object) -> bool:  # noqa: ARG002 - as it is called
        return False


def _listed(tool: Tool) -> ListedTool:
    return ListedTool(
        name=tool.name,
        title=tool.title,
        description=tool.description,
        input_schema=tool.takes.model_json_schema(schema_generator=_Untitled),
        output_schema=tool.answers.model_json_schema(schema_generator=_Untitled),
        annotations=ToolAnnotations(
            read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False
        ),
    )


def _text(text: str) -> TextContent:
    return TextContent(type="text", text=text)


def _checked(name: str, arguments: dict[str, Any]) -> tuple[Tool, Arguments]:
    tool = next((tool for tool in TOOLS if tool.name == name), None)
    if tool is None:
        names = ", ".join(tool.name for tool in TOOLS)
        raise ToolError(f"there is no tool {name[:100]!r}; there are {names}")
    # Some assistants send null for what they leave out.
    known = tool.takes.model_fields
    given = {k: v for k, v in arguments.items() if v is not None or k not in known}
    try:
        return tool, tool.takes.model_validate(given)
    except ValidationError as error:
        takes = ", ".join(known) or "no arguments"
        raise ToolError(f"{invalid(error).detail} ({name} takes {takes})") from error


def _answer(
    sources: tuple[LiveEngine, Callable[[], Snapshot]], tool: Tool, asked: Arguments
) -> Reply:
    """Answer a call. Raises ToolError for whatever goes wrong."""
    live, look = sources
    try:
        if tool.needs == "nothing":
            return tool.run(live, asked)
        if tool.needs == "index" and live.progress != "ready":
            with closing(look()) as snapshot:
                return tool.run(snapshot, asked)
        with live.use() as engine:
            return tool.run(engine if tool.needs == "models" else engine.snapshot, asked)
    except NotReadyError as error:
        raise ToolError(_not_ready(live)) from error
    except Exception as error:
        problem = problem_of(error)
        if problem.status >= 500:
            _LOG.exception("%s failed", tool.name)
        raise ToolError(problem.detail) from error


def _not_ready(live: LiveEngine) -> str:
    if live.progress == "loading":
        return "the models are still being loaded: call again in half a minute"
    reason = safe_detail(live.fault) if live.fault else "the server has stopped"
    return f"{reason}; the user can run `shortlist doctor` to see what is missing"


def serve_stdio(
    load: Callable[[], SearchEngine],
    renew: Callable[[SearchEngine], SearchEngine | None],
    look: Callable[[], Snapshot],
    version: str = "",
) -> None:
    """Answer on standard input and output until the input ends; then end the process.

    Args:
        load: makes the engine, in the background.
        renew: returns an engine over a newer commit, or None.
        look: see create_server.
        version: what clients are told.
    """
    # A thread waits for the next line, and Python would wait for that thread.
    with suppress(ValueError):  # not in the main thread
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    live = LiveEngine(load, renew, check_seconds=1.0)
    anyio.run(_serve, live, create_server(live, look, version))
    # Nobody is there to hear the end of what still loads or searches, and there is nothing to save.
    os._exit(0)


async def _serve(live: LiveEngine, server: Server[dict[str, Any]]) -> None:
    # While this lasts, whatever else is printed goes to stderr: it moves file descriptor 1.
    async with stdio_server() as (read, write), anyio.create_task_group() as tasks:
        live.start()
        tasks.start_soon(keep_up, live, IDLE_CHECK)
        await server.run(read, write, server.create_initialization_options())
        tasks.cancel_scope.cancel()
