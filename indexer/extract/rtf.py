# pyright: basic
"""Rich Text (LEAF striprtf): the words alone; the format has no headings to speak of."""

from __future__ import annotations

from typing import TYPE_CHECKING

from striprtf.striprtf import rtf_to_text

from engine.errors import ExtractionError
from indexer.extract.draft import Draft

if TYPE_CHECKING:
    from pathlib import Path

    from indexer.types import Extracted


def read(path: Path) -> Extracted:
    """Return a Rich Text file."""
    data = path.read_bytes()
    if not data.lstrip().startswith(b"{\\rtf"):
        raise ExtractionError("damaged: it does not start like Rich Text")
    if not data.rstrip(b"\0\r\n ").endswith(b"}"):
        raise ExtractionError("damaged, or cut off while it was copied")
    draft = Draft()
    draft.block(rtf_to_text(data.decode("latin-1"), errors="replace"))
    return draft.finish()
