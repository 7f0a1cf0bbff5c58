"""Indexes of judged collections, built once by the product itself and kept in `.scratch`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from engine.assemble import load_encoder, open_store
from engine.config import IndexSettings
from indexer.build import build
from server.cli.progress import make_progress

if TYPE_CHECKING:
    from pathlib import Path


def index_of(corpus: Path, index: Path) -> Path:
    """Bring the index of a record file up to date and return it."""
    encoder = load_encoder()
    settings = IndexSettings(encoder=encoder.name, dim=encoder.dim)
    build(open_store(index, settings), encoder, [corpus], progress=make_progress())
    return index
