"""An index folder as a Store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.config import IndexSettings
from engine.errors import NoIndex
from engine.local.catalog import Catalog, connect
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
        """Return the settings of the index, or None where there is none yet."""
        try:
            connection = connect(self.folder, write=False)
        except NoIndex:
            return None
        try:
            catalog = Catalog(connection)
            return catalog.settings if catalog.check_format() else None
        finally:
            connection.close()

    def snapshot(self) -> LocalSnapshot:
        """See Store. Raises NoIndex where nothing was committed."""
        return open_snapshot(self.folder)

    def writer(self) -> LocalWriter:
        """See Store. Makes the folder and its catalogue where there is none."""
        return LocalWriter(self.folder, self._initial)
