"""What a run of the indexer did, and how it tells while it runs."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any, Protocol


@dataclass(slots=True)
class DocumentCounts:
    """Documents by what happened to them; a renamed file is one removed and one added."""

    added: int = 0
    changed: int = 0
    removed: int = 0
    unchanged: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True)
class Failure:
    """A file, or a line of a record file, that could not be indexed, and why."""

    path: str
    reason: str


@dataclass(slots=True)
class BuildReport:
    """The outcome of a run. `passages` counts the whole index, `encoded` what was encoded now."""

    documents: DocumentCounts = field(default_factory=DocumentCounts)
    passages: int = 0
    encoded: int = 0
    seconds: float = 0.0
    failures: list[Failure] = field(default_factory=list[Failure])
    skipped: list[Failure] = field(default_factory=list[Failure])

    def fail(self, path: str, reason: str) -> None:
        """Count a document that could not be indexed."""
        self.documents.failed += 1
        self.failures.append(Failure(path, reason))

    def to_dict(self) -> dict[str, Any]:
        """Return the report as `--json` prints it."""
        return asdict(self)


class Progress(Protocol):
    """Told while a run goes on; work is counted in bytes, since files differ so much."""

    def start(self, root: str, files: int, total_bytes: int) -> None:
        """A root was walked: so much is new or changed."""
        ...

    def advance(self, path: str, done_bytes: int) -> None:
        """A file is done."""
        ...

    def finish(self) -> None:
        """The run is over."""
        ...


class Silent:
    """See Progress; says nothing."""

    def start(self, root: str, files: int, total_bytes: int) -> None:
        """See Progress."""

    def advance(self, path: str, done_bytes: int) -> None:
        """See Progress."""

    def finish(self) -> None:
        """See Progress."""
