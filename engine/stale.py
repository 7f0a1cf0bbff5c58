"""Whether the file of a result changed since it was indexed: one stat call, no reading."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.types import Origin


def is_stale(origin: Origin | None) -> bool:
    """Whether a file is gone or has another size or time; what came from no file never is."""
    if origin is None:
        return False
    try:
        state = Path(origin.path).stat()
    except OSError:
        return True
    return (state.st_size, state.st_mtime_ns) != (origin.size, origin.mtime_ns)
