"""Running the command line: in this process, or as a user does in one of its own."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from server.cli import main

if TYPE_CHECKING:
    from collections.abc import Mapping

    import pytest

HOME = Path(__file__).parents[1]
START = "from server.cli import main; main()"


class Outcome(NamedTuple):
    """What a command did: its exit code and what it wrote."""

    code: int
    out: str
    err: str


def shortlist(*args: str | Path) -> Outcome:
    """Run a command in this process."""
    out, err = io.StringIO(), io.StringIO()
    code = 0
    with redirect_stdout(out), redirect_stderr(err):
        try:
            main([str(arg) for arg in args])
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 1
    return Outcome(code, out.getvalue(), err.getvalue())


def at_home(folder: Path, index: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let commands run in a folder, with the cache in it, over an index; return the folder."""
    monkeypatch.setenv("SHORTLIST_CACHE", str(folder / "cache"))
    monkeypatch.setenv("SHORTLIST_INDEX", str(index))
    monkeypatch.chdir(folder)
    return folder


def environment(changes: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the environment of a process that can import this checkout."""
    return {**os.environ, "PYTHONPATH": str(HOME), **(changes or {})}


def process(
    *args: str | Path | bytes,
    given: bytes = b"",
    env: Mapping[str, str] | None = None,
    code: str = START,
) -> Outcome:
    """Run a command, or Python code with arguments, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-W", "error::ResourceWarning", "-c", code, *args],
        input=given,
        capture_output=True,
        env=environment(env),
        timeout=100,
        check=False,
    )
    return Outcome(done.returncode, done.stdout.decode(), done.stderr.decode())
