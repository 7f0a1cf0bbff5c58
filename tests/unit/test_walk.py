from __future__ import annotations

import os
import random
import shutil
import socket
import subprocess
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from engine.errors import SourceError, UsageError
from indexer.walk import FoundFile, SkippedFile, walk

if TYPE_CHECKING:
    from collections.abc import Generator


def make(root: Path, *names: str, **contents: str) -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(contents.get(name, "text"))


def found(root: Path, *, include: tuple[str, ...] = (), exclude: tuple[str, ...] = ()) -> list[str]:
    return [file.relative for file in walk(root, include, exclude) if isinstance(file, FoundFile)]


def skipped(root: Path) -> dict[str, str]:
    return {file.relative: file.reason for file in walk(root) if isinstance(file, SkippedFile)}


@contextmanager
def nested(root: Path, name: str, depth: int) -> Generator[None]:
    """Make a file so deep that pytest could not remove it, and remove it afterwards."""
    before = Path.cwd()
    os.chdir(root)
    for _ in range(depth):
        Path(name).mkdir()
        os.chdir(name)
    Path("deep.md").touch()
    os.chdir(before)
    try:
        yield
    finally:
        os.chdir(root)
        for _ in range(depth):
            os.chdir(name)
        Path("deep.md").unlink()
        for _ in range(depth):
            os.chdir("..")
            Path(name).rmdir()
        os.chdir(before)


def test_files_come_sorted_before_the_files_of_subfolders(tmp_path: Path) -> None:
    make(tmp_path, "b/c.md", "b/a/x.md", "a/z.md", "z.md", "a.md")
    assert found(tmp_path) == ["a.md", "z.md", "a/z.md", "b/c.md", "b/a/x.md"]


def test_a_found_file_carries_what_stat_says(tmp_path: Path) -> None:
    make(tmp_path, "a.md")
    info = (tmp_path / "a.md").stat()
    assert list(walk(tmp_path)) == [
        FoundFile(tmp_path / "a.md", "a.md", info.st_size, info.st_mtime_ns)
    ]


def test_a_relative_root_gives_absolute_paths(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make(tmp_path, "docs/a.md")
    monkeypatch.chdir(tmp_path)
    assert [file.path for file in walk(Path("docs")) if isinstance(file, FoundFile)] == [
        tmp_path / "docs/a.md"
    ]


def test_a_root_that_is_a_file_is_found_under_its_name(tmp_path: Path) -> None:
    make(tmp_path, "corpus.jsonl")
    assert found(tmp_path / "corpus.jsonl") == ["corpus.jsonl"]


def test_a_missing_root_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="nowhere is not there"):
        walk(tmp_path / "nowhere")


def test_an_index_as_root_is_refused(tmp_path: Path) -> None:
    make(tmp_path, "catalog.sqlite", "writer.lock")
    with pytest.raises(SourceError, match="is an index"):
        walk(tmp_path)


def test_hidden_junk_and_environments_and_indexes_are_not_entered(tmp_path: Path) -> None:
    make(tmp_path, "a.md", ".hidden.md", ".git/x.md", "__pycache__/x.md", "node_modules/y.md")
    make(tmp_path, "venv/pyvenv.cfg", "venv/lib/x.md", "idx/catalog.sqlite", "idx/writer.lock")
    assert [file.relative for file in walk(tmp_path)] == ["a.md"]


def test_one_of_an_indexs_files_alone_does_not_make_a_folder_an_index(tmp_path: Path) -> None:
    make(tmp_path, "notes/catalog.sqlite", "notes/a.md")
    assert found(tmp_path) == ["notes/a.md", "notes/catalog.sqlite"]


def test_an_inner_ignore_file_overrules_an_outer_one(tmp_path: Path) -> None:
    make(tmp_path, "a.log", "keep/a.log", "keep/deep/a.log")
    (tmp_path / ".gitignore").write_text("*.log\n")
    (tmp_path / "keep/.gitignore").write_text("!a.log\n/deep/\n")
    assert found(tmp_path) == ["keep/a.log"]


def test_shortlistignore_has_the_last_word_over_gitignore(tmp_path: Path) -> None:
    make(tmp_path, "data/a.md", "draft.md", "b.md")
    (tmp_path / ".gitignore").write_text("data/\n")
    (tmp_path / ".shortlistignore").write_text("!data/\ndraft.*\n")
    assert found(tmp_path) == ["b.md", "data/a.md"]


def test_a_whitelist_keeps_what_it_names_at_every_depth(tmp_path: Path) -> None:
    make(tmp_path, "a.md", "a.txt", "b/c/d.md", "b/c/d.txt")
    (tmp_path / ".gitignore").write_text("*\n!*/\n!*.md\n")
    assert found(tmp_path) == ["a.md", "b/c/d.md"]


def test_a_file_below_an_ignored_folder_cannot_be_brought_back(tmp_path: Path) -> None:
    make(tmp_path, "out/a.md", "b.md")
    (tmp_path / ".gitignore").write_text("out/\n!out/a.md\n")
    assert found(tmp_path) == ["b.md"]


def test_everything_below_a_folder_stays_ignored_inside_what_is_brought_back(
    tmp_path: Path,
) -> None:
    make(tmp_path, "a/b.md", "a/c/d.md", "a/c/e.md")
    (tmp_path / ".gitignore").write_text("a/**\n!a/c/\n!a/c/e.md\n")
    assert found(tmp_path) == ["a/c/e.md"]


def test_lines_that_mean_nothing_leave_the_other_lines_in_force(tmp_path: Path) -> None:
    make(tmp_path, "a.md", "b.md", "c .md")
    (tmp_path / ".gitignore").write_bytes(b"\xef\xbb\xbfb.md\r\n!\n# a.md\n[z\n\xff\nc\\ .md\n")
    assert found(tmp_path) == ["a.md"]


def test_an_unreadable_ignore_file_is_reported(tmp_path: Path) -> None:
    make(tmp_path, "a.md")
    (tmp_path / ".gitignore").mkdir()
    assert "cannot be read" in skipped(tmp_path)[".gitignore"]
    assert found(tmp_path) == ["a.md"]


def test_globs_choose_files_by_their_relative_path(tmp_path: Path) -> None:
    make(tmp_path, "a.md", "a.py", "docs/b.md", "docs/deep/c.txt", "src/docs/d.md")
    assert found(tmp_path, include=("*.md",)) == ["a.md", "docs/b.md", "src/docs/d.md"]
    assert found(tmp_path, include=("docs/**",)) == ["docs/b.md", "docs/deep/c.txt"]
    assert found(tmp_path, exclude=("docs/**", "*.py")) == ["a.md", "src/docs/d.md"]
    assert found(tmp_path, include=("*.md",), exclude=("docs",)) == ["a.md"]
    assert found(tmp_path, exclude=("*.md", "!a.md")) == ["a.md", "a.py", "docs/deep/c.txt"]


@pytest.mark.parametrize("globs", [{"include": ("!",)}, {"exclude": ("!",)}])
def test_a_glob_that_means_nothing_is_a_usage_error(
    tmp_path: Path, globs: dict[str, tuple[str, ...]]
) -> None:
    with pytest.raises(UsageError, match="glob"):
        found(tmp_path, **globs)


def test_a_link_that_leads_out_is_skipped_and_says_so(tmp_path: Path) -> None:
    make(tmp_path, "root/a.md", "outside/secret.md", "root-2/b.md")
    (tmp_path / "root/folder").symlink_to(tmp_path / "outside")
    (tmp_path / "root/file.md").symlink_to(tmp_path / "outside/secret.md")
    (tmp_path / "root/sibling").symlink_to(tmp_path / "root-2")
    assert found(tmp_path / "root") == ["a.md"]
    assert skipped(tmp_path / "root") == dict.fromkeys(
        ("file.md", "folder", "sibling"), "link leads out of the folder"
    )


def test_loops_end_and_a_file_is_found_once_by_its_own_name(tmp_path: Path) -> None:
    make(tmp_path, "z/a.md")
    (tmp_path / "a-link").symlink_to(tmp_path / "z")
    (tmp_path / "z/up").symlink_to(tmp_path)
    (tmp_path / "z/b.md").symlink_to(tmp_path / "z/a.md")
    assert [file.relative for file in walk(tmp_path)] == ["z/a.md"]


def test_a_link_adds_what_only_it_reaches(tmp_path: Path) -> None:
    make(tmp_path, ".releases/5/a.md", ".releases/5/b/c.md", ".store/d.md", "e.md")
    (tmp_path / "current").symlink_to(tmp_path / ".releases/5")
    (tmp_path / "again").symlink_to(tmp_path / ".releases/5")
    (tmp_path / "d.md").symlink_to(tmp_path / ".store/d.md")
    (tmp_path / "f.md").symlink_to(tmp_path / ".store/d.md")
    assert found(tmp_path) == ["e.md", "again/a.md", "again/b/c.md", "d.md"]


def test_a_root_may_itself_be_a_link(tmp_path: Path) -> None:
    make(tmp_path, "real/a.md")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert [file.path for file in walk(tmp_path / "link") if isinstance(file, FoundFile)] == [
        tmp_path / "link/a.md"
    ]


def test_broken_and_self_referring_links_are_reported(tmp_path: Path) -> None:
    (tmp_path / "broken").symlink_to(tmp_path / "nowhere")
    (tmp_path / "self").symlink_to(tmp_path / "self")
    reasons = skipped(tmp_path)
    assert "broken link" in reasons["broken"]
    assert "symbolic links" in reasons["self"]


def test_pipes_and_sockets_are_skipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to(tmp_path / "pipe")
    monkeypatch.chdir(tmp_path)  # the path of a socket may have 108 bytes at most
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket")
        assert skipped(tmp_path) == dict.fromkeys(
            ("link", "pipe", "socket"), "is a device, pipe or socket"
        )


def test_a_folder_that_cannot_be_listed_is_reported(tmp_path: Path) -> None:
    make(tmp_path, "a.md")
    with nested(tmp_path, "d" * 200, 30):  # longer than a path may be: unreadable even for root
        assert found(tmp_path) == ["a.md"]
        assert "file name too long" in next(iter(skipped(tmp_path).values()))


def test_a_name_that_is_not_unicode_is_reported_escaped(tmp_path: Path) -> None:
    Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.md")).write_text("x")
    make(tmp_path, "café.md")
    assert found(tmp_path) == ["café.md"]
    assert skipped(tmp_path) == {"caf\\xe9.md": "its name is not valid Unicode"}


def test_a_thousand_nested_folders_do_not_exhaust_the_stack(tmp_path: Path) -> None:
    with nested(tmp_path, "d", 1200):
        assert found(tmp_path) == ["d/" * 1200 + "deep.md"]


PATTERNS = (
    *("*", "**", "/*", "/**", "*/", "**/", "!*/", "/", "#c", "[z", "\\#a", "*.t?t", "[ab]"),
    *("*.md", "!*.md", "a/", "b", "/a", "a/b", "a/*", "a/**", "a/**/", "!a", "!a/b", "!/a/", "!b/"),
    *("**/c", "**/c/", "c/**", "a/**/x.md", "build/", "!keep", "!*/keep"),
)


def grow(folder: Path, chance: random.Random, depth: int = 0) -> None:
    for name in ("a", "b", "c", "build", "keep", "x.md", "y.md", "z.txt"):
        if chance.random() < 0.6:
            if depth < 3 and "." not in name and chance.random() < 0.5:
                (folder / name).mkdir()
                grow(folder / name, chance, depth + 1)
            else:
                (folder / name).touch()
    if depth == 0 or chance.random() < 0.2:
        lines = chance.choices(PATTERNS, k=chance.randint(1, 4))
        (folder / ".gitignore").write_text("\n".join(lines) + "\n")


@pytest.mark.skipif(shutil.which("git") is None, reason="git is the oracle")
@pytest.mark.parametrize("seed", range(20))
def test_the_walk_finds_exactly_what_git_would_add(tmp_path: Path, seed: int) -> None:
    grow(tmp_path, random.Random(seed))
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    listed = subprocess.run(
        ["git", "-C", tmp_path, "ls-files", "--others", "--exclude-per-directory=.gitignore"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.splitlines()
    assert sorted(found(tmp_path)) == sorted(
        name for name in listed if not name.endswith(".gitignore")
    )
