"""Files of a run that grow query by query, and a note of how far they are whole.

After each batch the files are synced, then `unfinished.json` names their sizes: what a kill leaves
beyond them is cut off by the next run of the same evaluation, which goes on from there.
"""

from __future__ import annotations

import json
import os
import shutil
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, TextIO

from engine.errors import ShortlistError, UsageError
from engine.evaluation.reports import PER_QUERY, QRELS, REPORT, UNFINISHED

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping
    from pathlib import Path

_OURS: Final = (REPORT, "report.html", PER_QUERY, QRELS, UNFINISHED)


class Journal:
    """The growing files of one evaluation."""

    def __init__(self, folder: Path, fingerprint: str) -> None:
        """Go on with the files of the same evaluation, or begin anew.

        Raises:
            UsageError: if the folder holds something that is no report.
            ShortlistError: if it cannot be written to, now or later.
        """
        self.folder = folder
        self._fingerprint = fingerprint
        self.done, self._sizes = _whole(folder, fingerprint)
        with self._writing():
            if self.done:
                self._cut_off()
                return
            _clear(folder)
            folder.mkdir(parents=True, exist_ok=True)
            self._note()

    @contextmanager
    def _writing(self) -> Generator[None]:
        """Say in words what is wrong with the place, and that nothing is lost."""
        try:
            yield
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            again = "; the same command then goes on from there" if self.done else ""
            raise ShortlistError(
                f"the report cannot be written to {self.folder}: {reason};"
                f" make it possible, or give another folder{again}"
            ) from error

    def _cut_off(self) -> None:
        """Remove what was written after the last note."""
        written = [path.relative_to(self.folder) for path in self.folder.glob("runs/**/*.trec")]
        for name in (*(path.as_posix() for path in written), *_OURS):
            if name != UNFINISHED and name not in self._sizes:
                (self.folder / name).unlink(missing_ok=True)
        for name, size in self._sizes.items():
            os.truncate(self.folder / name, size)

    def append(self, texts: Mapping[str, str], queries: int) -> None:
        """Add text to files (relative name -> text), all of them or, after a kill, none."""
        with self._writing():
            for name, text in texts.items():
                path = self.folder / name
                path.parent.mkdir(parents=True, exist_ok=True)
                with path.open("a", encoding="utf-8", newline="\n") as file:
                    file.write(text)
                    file.flush()
                    os.fsync(file.fileno())
                    self._sizes[name] = file.tell()
            self.done += queries
            self._note()

    @contextmanager
    def file(self, name: str) -> Generator[TextIO]:
        """Open a file of the report that is written in one go."""
        path = self.folder / name
        with self._writing(), path.open("w", encoding="utf-8", newline="\n") as file:
            yield file

    def finish(self, report: Mapping[str, Any]) -> None:
        """Write report.json; from then on the run is whole."""
        with self._writing():
            _replace(self.folder / REPORT, json.dumps(report, indent=1, ensure_ascii=False) + "\n")
            (self.folder / UNFINISHED).unlink()

    def _note(self) -> None:
        state = {"fingerprint": self._fingerprint, "done": self.done, "sizes": self._sizes}
        _replace(self.folder / UNFINISHED, json.dumps(state))


def _whole(folder: Path, fingerprint: str) -> tuple[int, dict[str, int]]:
    """Return how many queries of this evaluation are done, and the sizes of its files."""
    try:
        state = json.loads((folder / UNFINISHED).read_text("utf-8"))
        if state["fingerprint"] != fingerprint:
            return 0, {}
        done, sizes = int(state["done"]), dict(state["sizes"])
        lacking = any((folder / name).stat().st_size < size for name, size in sizes.items())
    except (OSError, ValueError, KeyError, TypeError):  # no note, or one that is damaged
        return 0, {}
    return (0, {}) if lacking else (done, sizes)


def require_usable(folder: Path) -> None:
    """Raise UsageError if a folder holds something that is no report, or is a file."""
    if not folder.exists():
        return
    if not folder.is_dir():
        raise UsageError(f"{folder} is a file; a report is a folder")
    names = {path.name for path in folder.iterdir()}
    if names and not names & {REPORT, UNFINISHED}:
        raise UsageError(f"{folder} holds other things; give a new folder, or that of a report")


def _clear(folder: Path) -> None:
    """Remove an older report; what else lies in the folder is not ours to remove."""
    require_usable(folder)
    for name in _OURS:
        (folder / name).unlink(missing_ok=True)
    shutil.rmtree(folder / "runs", ignore_errors=True)


def _replace(path: Path, text: str) -> None:
    new = path.with_name(path.name + ".tmp")
    with new.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
