"""Files that are there whole or not at all, and keep their age where nothing changed."""

from __future__ import annotations

import hashlib
import os
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Self

from engine.errors import CollectionError
from engine.evaluation.judgements import new_digest

if TYPE_CHECKING:
    from collections.abc import Generator


class Written:
    """Takes the text of a file, and knows its checksum."""

    def __init__(self, file: int, path: Path) -> None:
        self._file = os.fdopen(file, "wb")
        self._path = path
        self._digest = new_digest()

    def write(self, text: str) -> None:
        """Add text in UTF-8. Raises CollectionError if there is no room for it."""
        encoded = text.encode()
        self._digest.update(encoded)
        try:
            self._file.write(encoded)
        except OSError as error:
            raise _unwritable(self._path, error) from error

    @property
    def checksum(self) -> str:
        """The digest of what was written so far."""
        return self._digest.hexdigest()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self._file.close()
        except OSError as error:
            raise _unwritable(self._path, error) from error


@contextmanager
def written(path: Path) -> Generator[Written]:
    """Write a file beside its place and move it there at the end; after an error nothing changed.

    A file that already says the same stays as it is, so that an index of it need not look again.

    Raises:
        CollectionError: If the folder cannot be written to.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(".tmp", f"{path.name}.", path.parent)
    except OSError as error:
        raise _unwritable(path, error) from error
    temporary = Path(name)
    try:
        with Written(handle, path) as file:
            yield file
        if not path.is_file() or checksum(path) != file.checksum:
            temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def checksum(path: Path) -> str:
    """Return the checksum of a file, as a collection's `checksums` have it."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, new_digest).hexdigest()


def _unwritable(path: Path, error: OSError) -> CollectionError:
    return CollectionError(f"{path} cannot be written: {(error.strerror or str(error)).lower()}")
