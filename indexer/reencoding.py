"""An index whose passages are encoded again by another encoder; its documents are not read."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from engine.local.store import LocalStore
    from engine.protocols import Encoder


class Progress(Protocol):
    """Told while passages are encoded."""

    def start(self, what: str, total: int, done: int, /) -> None:
        """So many passages are to be encoded."""
        ...

    def advance(self, passages: float, /) -> None:
        """So many more are done."""
        ...

    def finish(self) -> None:
        """All are done."""
        ...


@dataclass(frozen=True, slots=True)
class Reencoded:
    """How many passages were encoded again, in how many seconds, commit included."""

    passages: int
    seconds: float


def reencode(
    store: LocalStore, encoder: Encoder, source: str = "", progress: Progress | None = None
) -> Reencoded:
    """Give an index another encoder, in one commit; who reads the one before goes on with it.

    Args:
        store: where the index is.
        encoder: the new one.
        source: what it is loaded from when the index is opened; see IndexWriter.reencode.
        progress: told after each batch.

    Raises:
        IndexLocked: if another process is writing.
        ModelError: if the encoder fails; the index stays as it was.
    """
    start = time.monotonic()
    with store.writer() as writer:
        passages = writer.count()[1]
        if progress is not None:
            progress.start("encoding", passages, 0)
        try:
            writer.reencode(encoder, source, None if progress is None else progress.advance)
            writer.commit()
        finally:
            if progress is not None:
                progress.finish()
    return Reencoded(passages, round(time.monotonic() - start, 3))
