"""`shortlist serve` with a tiny CrossEncoder over a tiny index, made in the folder that is named.

Runs in Shortlist's own environment: the clients' has no torch.
"""

from __future__ import annotations

import sys
from pathlib import Path

from server.cli import main
from tests.tiny_models import save_cross_encoder


def serve(home: Path) -> None:
    """Make the index and the model, and serve them on a free port until a signal."""
    docs = home / "docs"
    docs.mkdir()
    (docs / "fish.md").write_text("The red fish swims in the blue sea.")
    index = str(home / "index")
    model = str(save_cross_encoder(home / "model"))
    try:
        main(["index", str(docs), "-i", index])
    except SystemExit as end:
        if end.code:
            raise
    main(["serve", "-i", index, "--reranker", model, "--port", "0"])


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
