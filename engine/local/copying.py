"""A second index with the same documents: the newest commit of one, in a folder of its own.

Files that never change again are linked; the catalogue is copied as one commit has it, whatever a
writer does meanwhile.
"""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import TYPE_CHECKING

from engine.errors import DamagedIndex, NoIndex
from engine.local.catalog import Catalog
from engine.local.connection import FILE, connect, translated
from engine.local.files import link_or_copy
from engine.local.parts import Parts
from engine.local.text import copy_generation

if TYPE_CHECKING:
    from pathlib import Path


def copy_index(folder: Path, target: Path) -> None:
    """Copy an index; what is written to one of the two is not seen in the other.

    Args:
        folder: of the index.
        target: a folder that is not there.

    Raises:
        NoIndex: if nothing was committed in the folder.
        DamagedIndex: if a part of it is missing.
    """
    with closing(connect(folder, write=False)) as connection:
        catalog = Catalog(connection)
        if not catalog.check_format() or not catalog.generation:
            raise NoIndex(f"no index at {folder}: its first build did not reach a commit")
        catalog.execute("BEGIN")
        parts = Parts.read(catalog)
        (target / parts.text).mkdir(parents=True)
        copy_generation(folder / parts.text, target / parts.text)
        if parts.dense:
            _link(folder / parts.dense, target / parts.dense)
        with translated(), closing(sqlite3.connect(target / FILE)) as copy:
            connection.backup(copy)


def _link(source: Path, target: Path) -> None:
    if not source.is_file():
        raise DamagedIndex(f"{source.name} is missing (shortlist verify --repair)")
    target.parent.mkdir()
    link_or_copy(source, target)
