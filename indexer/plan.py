"""What changed below a root since the index was made: the walk against the ledger."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from engine.errors import SourceError
from engine.types import FileState
from indexer.records import SUFFIXES
from indexer.report import Failure
from indexer.walk import FoundFile, SkippedFile, walk

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


@dataclass(slots=True)
class Plan:
    """Files by what is to be done. `stirred` have another size or time; their hash decides."""

    new: list[FoundFile] = field(default_factory=list[FoundFile])
    stirred: list[FoundFile] = field(default_factory=list[FoundFile])
    unchanged: list[str] = field(default_factory=list[str])
    vanished: list[str] = field(default_factory=list[str])
    skipped: list[Failure] = field(default_factory=list[Failure])

    @property
    def work(self) -> list[FoundFile]:
        """Files that must be read, in the order of the walk."""
        return sorted(self.new + self.stirred, key=lambda file: file.relative)


def make_plan(
    root: Path,
    known: Mapping[str, FileState],
    include: Sequence[str],
    exclude: Sequence[str],
    *,
    allow_empty: bool,
) -> Plan:
    """Walk a root and compare it with what is known of it.

    Raises:
        SourceError: if the root is missing, or is empty where it was not and that was not allowed.
    """
    if not root.exists():
        raise SourceError(f"{root} is not there (is a disk missing?); nothing was removed")
    plan = Plan()
    found: set[str] = set()
    for entry in walk(root, include, exclude):
        if isinstance(entry, SkippedFile):
            plan.skipped.append(Failure(entry.relative, entry.reason))
            continue
        found.add(entry.relative)
        state = known.get(entry.relative)
        if state is None:
            plan.new.append(entry)
        elif (state.size, state.mtime_ns) == (entry.size, entry.mtime_ns):
            plan.unchanged.append(entry.relative)
        else:
            plan.stirred.append(entry)
    # What could not be looked at has not vanished: its folder may be unreadable only now.
    blind = tuple(failure.path for failure in plan.skipped)
    plan.vanished = [path for path in known if path not in found and not _below(path, blind)]
    if known and not found and not allow_empty:
        raise SourceError(
            f"{root} has no file to index any more, the index knows {len(known)};"
            " nothing was removed (--allow-empty if that is meant)"
        )
    return plan


def _below(path: str, folders: tuple[str, ...]) -> bool:
    return any(path == folder or path.startswith(f"{folder.rstrip('/')}/") for folder in folders)


def is_record_file(path: Path) -> bool:
    """Whether a file holds records, each a document of its own."""
    return path.suffix.lower() in SUFFIXES


def content_hash(path: Path) -> bytes:
    """Return the 16-byte BLAKE2b digest of a file. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).digest()


def state_of(file: FoundFile, digest: bytes) -> FileState:
    """Return what the ledger keeps of a file: as it was when the walk met it, before reading."""
    return FileState(size=file.size, mtime_ns=file.mtime_ns, hash=digest)
