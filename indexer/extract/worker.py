"""A process that extracts one file after the other: the parent's handle, and what runs inside.

It is `python -c` with pipes, not multiprocessing: a spawned child would import the caller's
`__main__` again (which may load torch), and would send pickles back from a process that has just
read a hostile file. Here one line of JSON goes in and one comes out.
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO, TYPE_CHECKING, cast

from engine.errors import ExtractionError
from indexer.extract.files import extract
from indexer.extract.wire import encoded

if TYPE_CHECKING:
    import queue

MAX_MEMORY = 4 << 30
_BOOT = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from indexer.extract.worker import main; main()"
)


class Worker:
    """One process. `ask` gives it a file; its answers arrive in the inbox as (worker, line).

    Its first line says that it is ready, a line of None that it has died.
    """

    def __init__(self, inbox: queue.SimpleQueue[tuple[Worker, bytes | None]]) -> None:
        """Start the process; it is ready 0.1 s later."""
        self._inbox = inbox
        self._process = subprocess.Popen(  # noqa: S603  (our own interpreter, our own code)
            [sys.executable, "-c", _BOOT, json.dumps(sys.path)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        self._questions = cast("IO[bytes]", self._process.stdin)
        self._answers = cast("IO[bytes]", self._process.stdout)
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()

    def ask(self, path: Path) -> None:
        """Send a path; a dead process is reported by the inbox, not here."""
        with contextlib.suppress(OSError):
            self._questions.write(json.dumps(str(path.absolute())).encode("ascii") + b"\n")
            self._questions.flush()

    def stop(self) -> None:
        """End the process, whatever it is doing."""
        self._process.kill()
        self._process.wait()
        self._listener.join()
        with contextlib.suppress(OSError):
            self._questions.close()

    def _listen(self) -> None:
        with self._answers as lines:
            for line in lines:
                self._inbox.put((self, line if line.endswith(b"\n") else None))
        self._inbox.put((self, None))


def main() -> None:
    """Answer each path on standard input with one line, until the input ends.

    What a native library prints must not end up among the answers, so they get a descriptor of
    their own and standard output goes nowhere.
    """
    with os.fdopen(os.dup(1), "wb") as answers:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1)
        os.close(null)
        _limit_memory()
        answers.write(b"null\n")
        answers.flush()
        for line in sys.stdin.buffer:
            answers.write(_answer(Path(json.loads(line))))
            answers.flush()


def _answer(path: Path) -> bytes:
    try:
        return encoded(extract(path))
    except ExtractionError as error:
        return encoded(error)


def _limit_memory() -> None:
    """Let a hostile file end this process before it fills the machine's memory."""
    try:
        import resource
    except ImportError:  # Windows
        return
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY, MAX_MEMORY))
