"""The passage of a document that says most about a query, where no source named one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.types import FloatArray, StoredPassage


def best_passage(
    passages: Sequence[tuple[StoredPassage, FloatArray | None]], query: FloatArray
) -> StoredPassage | None:
    """Return the passage with the best cosine to a query's vector, the first among equals.

    Args:
        passages: of one document, as `Snapshot.document_passages` returns them.
        query: (dim,) unit vector; a zero one finds every passage equal.
    """
    if not passages:
        return None
    cosines = [-1.0 if vector is None else float(vector @ query) for _, vector in passages]
    return passages[int(np.argmax(cosines))][0]
