"""Another encoder for an index that is there: every vector is made anew in one transaction."""

from __future__ import annotations

from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING, Final

from engine.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Iterable, Iterator

    from engine.local.catalog import Catalog
    from engine.protocols import Encoder
    from engine.types import StoredPassage

BATCH: Final = 512  # passages; as many as the indexer encodes at once


def encode_again(
    catalog: Catalog, encoder: Encoder, tell: Callable[[int], None] | None = None
) -> None:
    """Replace the vectors of all passages, inside the caller's transaction.

    The catalogue's vectors are as they were if the encoder fails.

    Raises:
        ModelError: if the encoder does not give a row of its length for each passage.
    """
    with _all_or_nothing(catalog):
        catalog.remove_vectors()
        for passages in _batches(stored for _, stored in catalog.all_passages()):
            vectors = encoder.encode_passages([stored.context for stored in passages])
            if vectors.shape != (len(passages), encoder.dim):
                raise ModelError(
                    f"{encoder.name} gave vectors of {vectors.shape} for {len(passages)} passages,"
                    f" not {(len(passages), encoder.dim)}"
                )
            for stored, vector in zip(passages, vectors, strict=True):
                if vector.any():
                    catalog.add_vector(stored.id, vector)
            if tell is not None:
                tell(len(passages))


def _batches(passages: Iterable[StoredPassage]) -> Iterator[list[StoredPassage]]:
    left = iter(passages)
    while batch := list(islice(left, BATCH)):
        yield batch


@contextmanager
def _all_or_nothing(catalog: Catalog) -> Generator[None]:
    """Undo what a block did to the catalogue if it fails; what was done before it stays."""
    catalog.execute("SAVEPOINT reencode")
    try:
        yield
    except BaseException:
        if catalog.connection.in_transaction:  # a full disk has ended the whole transaction
            catalog.execute("ROLLBACK TO reencode")
            catalog.execute("RELEASE reencode")
        raise
    catalog.execute("RELEASE reencode")
