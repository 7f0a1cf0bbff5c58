"""What a server writes on stderr: a line for each request, and what goes wrong; as text or JSON.

Lines about requests name the route, not the path, and no query: both may be private.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import threading
import time
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from queue import Full, Queue
from typing import TYPE_CHECKING, Any, BinaryIO, Final, Literal

if TYPE_CHECKING:
    from collections.abc import Generator

LogFormat = Literal["text", "json", "none"]

_LOG: Final = logging.getLogger(__name__)
REQUESTS: Final = logging.getLogger("shortlist.requests")
SERVER: Final = logging.getLogger("shortlist.server")
_FIELDS: Final = "fields"
_MOST_WAITING: Final = 10_000  # lines
_PATIENCE: Final = 1.0  # seconds that an end waits for what is not written yet


def log_event(logger: logging.Logger, event: str, **fields: object) -> None:
    """Log something that happened, with what is known of it; what is None is left out."""
    known = {name: value for name, value in fields.items() if value is not None}
    logger.info(event, extra={_FIELDS: known})


@contextmanager
def logging_to(form: LogFormat, file: BinaryIO | None = None) -> Generator[None]:
    """Let all loggers of this process write in a form, on stderr or to another unbuffered file.

    `none` leaves them as they are.
    """
    if form == "none":
        yield
        return
    # A file of its own: Python could not end while a thread holds that of stderr.
    file = file or os.fdopen(os.dup(sys.stderr.fileno()), "wb", buffering=0, closefd=False)
    handler = _Aside(file)
    handler.setFormatter(_Json() if form == "json" else _Text())
    root, ours = logging.getLogger(), logging.getLogger("shortlist")
    before = ours.level
    root.addHandler(handler)
    ours.setLevel(logging.INFO)
    try:
        yield
    finally:
        ours.setLevel(before)
        root.removeHandler(handler)
        handler.close()


class _Aside(logging.Handler):
    """Writes in a thread of its own: whoever reads stderr too slowly must not stop answers."""

    def __init__(self, file: BinaryIO) -> None:
        super().__init__()
        self._file = file
        self._lines: Queue[str | None] = Queue(_MOST_WAITING)
        self._left_out = 0
        self._thread = threading.Thread(target=self._write, name="shortlist-log", daemon=True)
        self._thread.start()

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._lines.put_nowait(self.format(record))
        except Full:
            self._left_out += 1

    def _write(self) -> None:
        for line in iter(self._lines.get, None):
            with suppress(OSError, ValueError):  # nobody reads any more
                self._file.write(f"{line}\n".encode(errors="backslashreplace"))
            if self._left_out and self._lines.empty():
                number, self._left_out = self._left_out, 0
                _LOG.warning("%d lines of the log were left out: nobody read them", number)
            self._lines.task_done()

    def flush(self) -> None:
        """Wait until all is written, but not for ever."""
        end = time.monotonic() + _PATIENCE
        while self._lines.unfinished_tasks and self._thread.is_alive() and time.monotonic() < end:
            time.sleep(0.001)

    def close(self) -> None:
        self.flush()
        with suppress(Full):
            self._lines.put_nowait(None)
        super().close()


class _Text(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        words = [_time(record), record.levelname, record.getMessage()]
        words += [f"{name}={_word(value)}" for name, value in _fields(record).items()]
        return "\n".join([" ".join(words), *_trace(self, record)])


class _Json(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        event: dict[str, Any] = {
            "time": _time(record),
            "level": record.levelname.lower(),
            "event": record.getMessage(),
            "logger": record.name,
            **_fields(record),
        }
        trace = _trace(self, record)
        if trace:
            event["trace"] = trace[0]
        return json.dumps(event)


def _time(record: logging.LogRecord) -> str:
    moment = datetime.fromtimestamp(record.created, UTC)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _fields(record: logging.LogRecord) -> dict[str, object]:
    return getattr(record, _FIELDS, {})


def _word(value: object) -> str:
    """Return a value as one word, whatever characters a client put into it."""
    text = str(value)
    plain = text.isascii() and text.isprintable() and not set(text) & set(" \"'")
    return text if text and plain else json.dumps(text)


def _trace(formatter: logging.Formatter, record: logging.LogRecord) -> list[str]:
    return [formatter.formatException(record.exc_info)] if record.exc_info else []
