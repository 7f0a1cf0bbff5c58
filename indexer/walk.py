"""Find the files below a folder: sorted, without what ignore files and common sense leave out.

What is left out on purpose (ignored, hidden, junk, another index) is not mentioned. What a person
could miss without knowing why (a broken link, an unreadable folder) is reported with its reason.
Links are followed last, and only to what the walk did not reach by its own name: so a document has
one id, and a loop ends.
"""

from __future__ import annotations

import errno
import os
import stat
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from pathspec import GitIgnoreSpec

from engine.errors import SourceError, UsageError
from indexer.ignore import NO_RULES, Rules, parse_rules, read_rules

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

JUNK = frozenset(
    {"node_modules", "__pycache__", "__MACOSX", "$RECYCLE.BIN", "System Volume Information"}
)
IGNORE_FILES = (".gitignore", ".shortlistignore")  # the later one has the last word
INDEX_FILES = frozenset({"catalog.sqlite", "writer.lock"})


@dataclass(frozen=True, slots=True)
class FoundFile:
    """A regular file: absolute path, path relative to the root (posix), bytes, time in ns."""

    path: Path
    relative: str
    size: int
    mtime_ns: int


@dataclass(frozen=True, slots=True)
class SkippedFile:
    """What a person may expect in the index, and why it is not there."""

    relative: str
    reason: str


@dataclass(frozen=True, slots=True)
class _Folder:
    """A folder to enter: `relative` is empty or ends with a slash, `real` is free of links."""

    path: str
    relative: str
    real: str
    rules: Rules


@dataclass(slots=True)
class _Walk:
    """One walk: what is wanted, where it has been, and what is still to come."""

    root: str  # free of links
    include: GitIgnoreSpec | None
    exclude: Rules
    folders: list[_Folder]  # a stack
    links: list[_Folder] = field(default_factory=list[_Folder])
    file_links: list[tuple[FoundFile, str]] = field(default_factory=list[tuple[FoundFile, str]])
    reached: set[str] = field(default_factory=set[str])


def walk(
    root: Path, include: Sequence[str] = (), exclude: Sequence[str] = ()
) -> Iterator[FoundFile | SkippedFile]:
    """Yield every file below a folder, or the one file that `root` is; the same order each time.

    The files of a folder come before its subfolders, each sorted by name; links come last. Globs
    are read as the lines of an ignore file (`*.md`, `docs/**`), on paths relative to the root.

    Raises:
        SourceError: If the root is missing, unreadable, or an index.
        UsageError: If a glob means nothing.
    """
    try:
        wanted = GitIgnoreSpec.from_lines(include) if include else None
        unwanted = Rules(0, parse_rules(exclude))
    except ValueError as error:
        raise UsageError(f"not a glob: {error}") from error
    path = Path(os.path.abspath(root))  # noqa: PTH100 - keeps links, unlike Path.resolve
    try:
        info = path.stat()
        if stat.S_ISREG(info.st_mode):
            return iter((FoundFile(path, path.name, info.st_size, info.st_mtime_ns),))
        if not stat.S_ISDIR(info.st_mode):
            raise SourceError(f"{root} is a device, pipe or socket")
        if INDEX_FILES.issubset(entry.name for entry in path.iterdir()):
            raise SourceError(f"{root} is an index; name the folder that holds the documents")
    except OSError as error:
        raise SourceError(f"{root} {_reason(error)}") from error
    real = str(path.resolve())
    return _walk(_Walk(real, wanted, unwanted, [_Folder(str(path), "", real, NO_RULES)]))


def _walk(state: _Walk) -> Iterator[FoundFile | SkippedFile]:
    """Yield files and failures: first what has a name of its own, then what only links reach."""
    while state.folders or state.links:
        folder = state.folders.pop() if state.folders else state.links.pop(0)
        if folder.real not in state.reached:
            state.reached.add(folder.real)
            yield from _enter(state, folder)
    for file, real in state.file_links:
        if state.reached.isdisjoint((real, str(Path(real).parent))):
            state.reached.add(real)
            yield file


def _enter(state: _Walk, folder: _Folder) -> Iterator[FoundFile | SkippedFile]:
    """Yield the files of one folder; remember its subfolders and links."""
    try:
        with os.scandir(folder.path) as scan:
            entries = sorted(scan, key=lambda entry: entry.name)
    except OSError as error:
        yield SkippedFile(folder.relative or ".", _reason(error))
        return
    names = {entry.name for entry in entries}
    if folder.relative and (names >= INDEX_FILES or "pyvenv.cfg" in names):
        return
    for name in filter(names.__contains__, IGNORE_FILES):
        try:
            rules = read_rules(Path(folder.path, name), len(folder.relative), folder.rules)
            folder = replace(folder, rules=rules)
        except OSError as error:
            yield SkippedFile(folder.relative + name, _reason(error))
    first = len(state.folders)
    for entry in entries:
        if not entry.name.startswith(".") and entry.name not in JUNK:
            outcome = _look(state, folder, entry)
            if outcome is not None:
                yield outcome
    state.folders[first:] = reversed(state.folders[first:])  # the first name on top


def _look(state: _Walk, folder: _Folder, entry: os.DirEntry[str]) -> FoundFile | SkippedFile | None:
    """Return what an entry is; a folder or a link is remembered for later instead."""
    relative = folder.relative + entry.name
    try:
        if _unwanted(state, folder, relative, entry.is_dir()):
            return None
        if not entry.name.isascii() and _shown(entry.name) != entry.name:
            return SkippedFile(_shown(relative), "its name is not valid Unicode")
        if entry.is_symlink():
            return _remember_link(state, folder, entry, relative)
        if entry.is_dir():
            real = folder.real + os.sep + entry.name
            state.folders.append(_Folder(entry.path, relative + "/", real, folder.rules))
            return None
        return _regular(entry, relative)
    except OSError as error:
        return SkippedFile(_shown(relative), _reason(error))


def _remember_link(
    state: _Walk, folder: _Folder, entry: os.DirEntry[str], relative: str
) -> SkippedFile | None:
    """Keep a link for the end of the walk, or say why it is not followed."""
    target = Path(entry.path).resolve(strict=True)
    if not target.is_relative_to(state.root):
        return SkippedFile(relative, "link leads out of the folder")
    if entry.is_dir():
        state.links.append(_Folder(entry.path, relative + "/", str(target), folder.rules))
        return None
    file = _regular(entry, relative)
    if isinstance(file, SkippedFile):
        return file
    state.file_links.append((file, str(target)))
    return None


def _regular(entry: os.DirEntry[str], relative: str) -> FoundFile | SkippedFile:
    info = entry.stat()
    if not stat.S_ISREG(info.st_mode):
        return SkippedFile(relative, "is a device, pipe or socket")
    return FoundFile(Path(entry.path), relative, info.st_size, info.st_mtime_ns)


def _unwanted(state: _Walk, folder: _Folder, relative: str, is_folder: bool) -> bool:
    """Tell whether an ignore file or a glob leaves an entry out."""
    if folder.rules.ignore(relative, folder=is_folder):
        return True
    if state.exclude.ignore(relative, folder=is_folder):
        return True
    return not is_folder and state.include is not None and not state.include.match_file(relative)


def _shown(name: str) -> str:
    """Return a name that can be printed: bytes that are no UTF-8 are escaped."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def _reason(error: OSError) -> str:
    """Say why the system refused."""
    if error.errno == errno.ENOENT:
        return "is not there: a broken link, or just removed"
    return f"cannot be read: {(error.strerror or str(error)).lower()}"
