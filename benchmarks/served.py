"""`shortlist serve` in a process of its own, for those that ask it from outside."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.error import HTTPError
from urllib.request import urlopen

from engine.errors import ShortlistError

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence

HOME: Final = Path(__file__).parents[1]
SHORTLIST: Final = (sys.executable, "-c", "from server.cli import main; main()")
_URL: Final = re.compile(r"(http://[^\s\"]+)")
_PATIENCE: Final = 300.0  # seconds that a server may load
_END: Final = 20.0  # seconds that it may take to end
_POLL: Final = 0.1  # seconds


@dataclass(frozen=True, slots=True)
class Served:
    """A server that runs.

    Attributes:
        url: where it listens, without a slash at its end.
        log: what it writes on stderr, a JSON object a line.
        before: lines that it wrote until it was ready.
    """

    url: str
    process: subprocess.Popen[bytes]
    log: Path
    before: int

    @property
    def port(self) -> int:
        """Where it listens on loopback."""
        return int(self.url.rpartition(":")[2])

    def resident_mb(self) -> float:
        """Return the memory that it holds."""
        return memory_mb(self.process.pid, "VmRSS")

    def peak_mb(self) -> float:
        """Return the most memory that it ever held."""
        return memory_mb(self.process.pid, "VmHWM")

    def cpu_seconds(self) -> float:
        """Return the time that it kept processors busy."""
        fields = (
            Path(f"/proc/{self.process.pid}/stat").read_text("utf-8").rpartition(")")[2].split()
        )
        return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")  # user, system

    def events(self) -> list[dict[str, Any]]:
        """Return what it logged since it is ready."""
        lines = self._lines()[self.before :]
        return [json.loads(line) for line in lines if line.startswith("{")]

    def _lines(self) -> list[str]:
        return self.log.read_text("utf-8").splitlines()

    def faults(self) -> list[str]:
        """Return what it logged that no server should: errors, and what is no event at all."""
        wrong = [line for line in self._lines() if not line.startswith("{")]
        return wrong + [e["event"] for e in self.events() if e["level"] == "error" or "trace" in e]

    def answered(self) -> dict[str, Counter[int]]:
        """Return how often each method and route was answered, by status."""
        found: dict[str, Counter[int]] = {}
        for event in self.events():
            if event["event"] == "request":
                name = f"{event.get('method', '-')} {event['route']}"
                found.setdefault(name, Counter())[event["status"]] += 1
        return found


def memory_mb(pid: int, kind: str) -> float:
    """Return what Linux says of a process' memory: VmRSS now, VmHWM at most."""
    status = Path(f"/proc/{pid}/status").read_text("utf-8")
    match = re.search(rf"^{kind}:\s+(\d+) kB$", status, re.MULTILINE)
    if match is None:
        raise ShortlistError(f"process {pid} has no {kind}: it has ended")
    return round(int(match[1]) / 1024, 1)


@contextmanager
def serving(
    index: Path, options: Sequence[str] = (), env: Mapping[str, str] | None = None
) -> Generator[Served]:
    """Serve an index on a free port until the end, ready when this begins.

    Args:
        index: its folder.
        options: of `shortlist serve`, beyond the index, the port and how it logs.
        env: variables besides those that this process has.

    Raises:
        ShortlistError: if it does not start.
    """
    command = [*SHORTLIST, "serve", "-i", str(index), "--port", "0", "--log-format", "json"]
    with running([*command, *options], env) as server:
        yield server


@contextmanager
def running(command: Sequence[str], env: Mapping[str, str] | None = None) -> Generator[Served]:
    """Run a command that serves and logs as JSON, as `serving` does."""
    with tempfile.TemporaryDirectory() as scratch:
        log = Path(scratch) / "log"
        with log.open("wb") as said:
            process = subprocess.Popen(
                command,
                cwd=HOME,
                env={**os.environ, "PYTHONPATH": str(HOME), **(env or {})},
                stdout=subprocess.DEVNULL,
                stderr=said,
            )
        try:
            url = _url(process, log)
            _wait(url, log)
            time.sleep(_POLL)  # the log is written aside
            yield Served(url, process, log, len(log.read_text("utf-8").splitlines()))
        finally:
            end(process)


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process as a user does, or in the end as nobody can prevent."""
    process.terminate()
    try:
        process.wait(_END)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _url(process: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline and process.poll() is None:
        for line in log.read_text("utf-8").splitlines():
            if '"listening"' in line and (match := _URL.search(line)):
                return match[1]
        time.sleep(_POLL)
    raise ShortlistError(f"shortlist serve does not listen: {log.read_text('utf-8')}")


def _wait(url: str, log: Path) -> None:
    deadline = time.monotonic() + _PATIENCE
    while time.monotonic() < deadline:
        try:
            with urlopen(f"{url}/readyz", timeout=_PATIENCE):  # noqa: S310 - our own http URL
                return
        except HTTPError as error:
            if json.load(error).get("stage") != "loading":
                break
        time.sleep(_POLL)
    raise ShortlistError(f"shortlist serve never was ready: {log.read_text('utf-8')}")


def make_index(documents: Path, index: Path) -> None:
    """Index a folder or a file of records, as a user does."""
    subprocess.run(
        [*SHORTLIST, "index", str(documents), "-i", str(index), "--json"],
        check=True,
        cwd=HOME,
        env={**os.environ, "PYTHONPATH": str(HOME)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
