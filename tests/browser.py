"""Chromium, driven by playwright, over applications that are really served."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
import uvicorn

from tests.listening import listening

if TYPE_CHECKING:
    from collections.abc import Generator

    from fastapi import FastAPI
    from playwright.sync_api import Browser, ConsoleMessage, Page

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
PATIENCE = 60_000  # milliseconds; a busy machine is no failure


@contextmanager
def chromium() -> Generator[Browser]:
    """Run the system's Chromium; the tests are skipped where it or playwright is missing."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    program = next(filter(None, map(shutil.which, _NAMES)), None)
    if program is None:
        pytest.skip("there is no Chromium on this machine")
    playwright.expect.set_options(timeout=PATIENCE)
    # Chromium's sandbox does not start for root, as in most containers.
    args = ["--no-sandbox"] if os.geteuid() == 0 else []
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=args, timeout=2 * PATIENCE)
        try:
            yield browser
        finally:
            browser.close()


@contextmanager
def served(app: FastAPI) -> Generator[str]:
    """Serve an application on a free port; the value is its URL."""
    config = uvicorn.Config(
        app, loop="asyncio", http="h11", ws="none", log_config=None, timeout_graceful_shutdown=1
    )
    with listening(config) as port:
        yield f"http://127.0.0.1:{port}/"


@contextmanager
def visited(
    browser: Browser,
    url: str,
    path: str = "",
    **context: Any,  # noqa: ANN401
) -> Generator[Page]:
    """Open a path by itself; no script of it may fail, and nothing break its policy."""
    faults: list[str] = []

    def said(message: ConsoleMessage) -> None:
        # That a request failed is what some tests are about, and the browser says so by itself.
        if message.type in ("error", "warning") and "Failed to load resource" not in message.text:
            faults.append(message.text)

    with browser.new_context(base_url=url, **context) as opened:
        opened.set_default_timeout(PATIENCE)
        page = opened.new_page()
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", said)
        page.goto(path)
        yield page
        assert faults == []


def serious(page: Page) -> list[tuple[str, list[str]]]:
    """Return what axe finds serious or critical: a rule, and where it is broken."""
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="there is no axe")
    found = axe.Axe().run(page).response["violations"]
    return [
        (each["id"], [str(node["html"])[:200] for node in each["nodes"]])
        for each in found
        if each["impact"] in ("serious", "critical")
    ]
