"""LEAF (fcntl): a report's folder that one process writes to at a time."""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from engine.errors import ShortlistError, UsageError

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path


@contextmanager
def held(folder: Path) -> Generator[None]:
    """Make a folder and hold it for a while; a kill frees it.

    Raises:
        UsageError: if another evaluation writes to it, or it is a file.
        ShortlistError: if it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder, os.O_RDONLY)
    except FileExistsError as error:
        raise UsageError(f"{folder} is a file; a report is a folder") from error
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise ShortlistError(
            f"no report can be written to {folder}: {reason}; name another folder"
        ) from error
    try:
        _lock(descriptor, folder)
        yield
    finally:
        os.close(descriptor)


def _lock(descriptor: int, folder: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise UsageError(
            f"another evaluation is writing to {folder}; wait for it, or name another folder"
        ) from error
    except OSError:  # a file system without locks: the folder is used as it is
        return
