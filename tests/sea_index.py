"""An index about the sea and the heart, pairs that mean the sea, and a tiny base to train."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from tests.commands import shortlist
from tests.tiny_models import save_cross_encoder

if TYPE_CHECKING:
    from pathlib import Path

# Stage one puts the heart first, whose text names the number twice; the sea is what is wanted.
DOCUMENTS: Final = {
    **{f"sea{n}": f"the sea is {n} fish swims" for n in range(60)},
    **{f"heart{n}": f"what is {n} the heart {n} is red" for n in range(60)},
}
PAIRS: Final = [{"question": f"what is {n}", "document_id": f"sea{n}"} for n in range(60)]
# The sea and the heart, about a number of which nothing was learned.
UNSEEN: Final = [("what is 70", DOCUMENTS[name].replace("5", "70")) for name in ("sea5", "heart5")]


def write_sea(folder: Path) -> None:
    """Write `my.index`, `pairs.jsonl` and the base `tiny` into a folder."""
    rows = [f"{name},{text}" for name, text in DOCUMENTS.items()]
    (folder / "corpus.csv").write_text("\n".join(["id,text", *rows]))
    assert shortlist("index", folder / "corpus.csv", "-i", folder / "my.index").code == 0
    write_pairs(folder / "pairs.jsonl")
    save_cross_encoder(folder / "tiny")


def write_pairs(path: Path, most: int = len(PAIRS)) -> None:
    """Write so many pairs."""
    path.write_text("".join(json.dumps(row) + "\n" for row in PAIRS[:most]))
