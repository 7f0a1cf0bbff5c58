# pyright: basic
"""What the local store asks of a file system: lock, checksum, link, sync (LEAF: fcntl, xxhash)."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import socket
import stat
from contextlib import suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Self

import xxhash

from engine.errors import IndexLocked

if TYPE_CHECKING:
    from pathlib import Path


class WriterLock:
    """An OS lock on a file; `kill -9` frees it. The file names the holder for the message."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fd = -1

    def __enter__(self) -> Self:
        self._fd = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(self._fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.pread(self._fd, 1000, 0).decode(errors="replace")
            os.close(self._fd)
            raise IndexLocked(f"another process is writing to this index{_said(holder)}") from error
        now = datetime.now(UTC).isoformat(timespec="seconds")
        holder = {"pid": os.getpid(), "host": socket.gethostname(), "since": now}
        os.ftruncate(self._fd, 0)
        os.pwrite(self._fd, json.dumps(holder).encode(), 0)
        return self

    def __exit__(self, *_: object) -> None:
        os.close(self._fd)


def _said(holder: str) -> str:
    try:
        return " (process {pid} on {host}, since {since})".format(**json.loads(holder))
    except (
        ValueError,
        KeyError,
        TypeError,
    ):  # it holds the lock, but has not yet written who it is
        return ""


def checksum(path: Path) -> str:
    """Return the file's xxh3-128 digest in hex: against damage, not against malice."""
    digest = xxhash.xxh3_128()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()


def sync(path: Path) -> None:
    """Make a file's content, or a folder's entries, survive a power cut."""
    fd = os.open(path, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def link_or_copy(source: Path, target: Path) -> None:
    """Hard-link a file that never changes again; copy where links are not possible."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def size_of(folder: Path) -> int:
    """Return the bytes of all files below a folder; those linked several times count once."""
    sizes: dict[int, int] = {}
    for path in folder.rglob("*"):
        with suppress(FileNotFoundError):  # a writer may remove it at this moment
            state = path.lstat()
            if stat.S_ISREG(state.st_mode):
                sizes[state.st_ino] = state.st_size
    return sum(sizes.values())


def remove(path: Path) -> None:
    """Remove a file or folder that nothing names any more; failing is not an error."""
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)
