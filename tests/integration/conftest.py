"""Where commands about judged collections run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.judged import write_collection

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a collection `small`, where commands run; the cache lies in it."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SHORTLIST_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("SHORTLIST_INDEX", raising=False)
    write_collection(tmp_path / "small")
    return tmp_path
