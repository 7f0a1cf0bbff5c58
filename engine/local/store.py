"""An index folder as a Store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.config import IndexSettings
from engine.errors import NoIndex
from engine.local.catalog import Catalog
from engine.local.connection import FILE, connect
from engine.local.snapshot import LocalSnapshot, open_snapshot
from engine.local.writer import LocalWriter

if TYPE_CHECKING:
    from pathlib import Path


class LocalStore:
    """See Store. `settings` count only when the first write makes the index."""

    def __init__(self, folder: Path, settings: IndexSettings | None = None) -> None:
        self.folder = folder
        self._initial = settings or IndexSettings()

    def settings(self) -> IndexSettings | None:
        """Return the settings of the index, or None where nothing was committed yet."""
        try:
            connection = connect(self.folder, write=False)
        except NoIndex:
            return None
        try:
            catalog = Catalog(connection)
            return catalog.settings if catalog.check_format() and catalog.generation else None
        finally:
            connection.close()

    def version(self) -> tuple[int, int]:
        """Return what is another after every commit, and after the index was made anew here.

        That is the catalogue's inode and generation: a new index may count up to the same
        generation, but cannot have the inode of a file that an open snapshot still holds.

        Raises:
            NoIndex: if nothing was committed here.
        """
        connection = connect(self.folder, write=False)
        try:
            catalog = Catalog(connection)
            if not catalog.check_format() or not catalog.generation:
                raise NoIndex(f"no index at {self.folder}: its first build did not reach a commit")
            return (self.folder / FILE).stat().st_ino, catalog.generation
        finally:
            connection.close()

    def snapshot(self) -> LocalSnapshot:
        """See Store. Raises NoIndex where nothing was committed."""
        return open_snapshot(self.folder)

    def writer(self) -> LocalWriter:
        """See Store. Makes the folder and its catalogue where there is none."""
        return LocalWriter(self.folder, self._initial)
