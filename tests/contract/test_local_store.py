from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from engine.config import IndexSettings
from engine.local.store import LocalStore
from engine.local.writer import LocalWriter
from tests.contract.store import DIM, StoreContract

if TYPE_CHECKING:
    from pathlib import Path


class FoldingWriter(LocalWriter):
    """Folds every vector and every removed row into a new dense file as soon as it may."""

    smallest_fold = 0


class FoldingStore(LocalStore):
    def writer(self) -> FoldingWriter:
        return FoldingWriter(self.folder, IndexSettings(dim=DIM))


class TestLocalStore(StoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> LocalStore:
        return LocalStore(tmp_path / "index", IndexSettings(dim=DIM))


class TestLocalStoreThatFoldsAtOnce(StoreContract):
    @pytest.fixture
    def store(self, tmp_path: Path) -> LocalStore:
        return FoldingStore(tmp_path / "index")
