"""How a root is to be read, and what the index remembers of that from one run to the next."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from engine.errors import SourceError
from engine.types import FileState, Root
from indexer.columns import Columns
from indexer.plan import is_record_file

if TYPE_CHECKING:
    from collections.abc import Mapping

    from engine.local.ledger import Ledger

COMMIT_SECONDS: Final = 5.0
# The state of a file that must be read whatever it looks like: no file on disk has this size.
UNREAD: Final = FileState(size=-1, mtime_ns=0, hash=b"")


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildOptions:
    """How to look for documents. `include` and `exclude` None: as the root was indexed before."""

    include: tuple[str, ...] | None = None
    exclude: tuple[str, ...] | None = None
    columns: Columns = field(default_factory=Columns)
    name: str = ""
    allow_empty: bool = False
    workers: int = 2
    timeout: float = 60.0  # seconds for one file
    commit_seconds: float = COMMIT_SECONDS


@dataclass(frozen=True, slots=True)
class Source:
    """A root, how it is read this time, and the files that are known of it."""

    root: Root
    path: Path
    include: tuple[str, ...]
    exclude: tuple[str, ...]
    columns: Columns
    known: Mapping[str, FileState]


def remember(ledger: Ledger, path: Path, options: BuildOptions) -> Source:
    """Return a root with the options of this run, or else those that it had before.

    Raises:
        SourceError: if it is missing, its path cannot be kept, or it has another name already.
    """
    path = Path(os.path.abspath(path))  # noqa: PTH100 - `a/../b` is b; links stay as they are
    before = _before(ledger, path)
    kept: dict[str, Any] = dict(before.options) if before else {}
    columns = Columns(**cast("dict[str, str | None]", kept.get("columns", {})))
    wanted = columns if options.columns == Columns() else options.columns
    include, exclude = (
        kept.get(what, ()) if asked is None else asked
        for what, asked in (("include", options.include), ("exclude", options.exclude))
    )
    name = options.name or (before.name if before else "")
    if before and before.name != name:
        raise SourceError(f"{path} is indexed under the name {before.name!r}, not {name!r}")
    if not path.exists():
        raise SourceError(f"{path} is not there (is a disk missing?); nothing was removed")
    remembered: dict[str, object] = {
        "include": list(include),
        "exclude": list(exclude),
        "single": path.is_file(),
        "columns": asdict(wanted),
    }
    root = ledger.put_root(str(path), name, remembered)
    known = ledger.files(root)
    if wanted != columns:  # the same records mean something else now
        known = {p: UNREAD if is_record_file(Path(p)) else s for p, s in known.items()}
    return Source(root, path, tuple(include), tuple(exclude), wanted, known)


def _before(ledger: Ledger, path: Path) -> Root | None:
    try:
        str(path).encode()
    except UnicodeEncodeError as error:
        shown = os.fsencode(path).decode("utf-8", "backslashreplace")
        raise SourceError(f"{shown}: its name is not valid Unicode; rename it") from error
    return next((root for root in ledger.roots() if root.path == str(path)), None)
