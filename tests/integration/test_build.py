from __future__ import annotations

import ctypes
import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from engine.config import IndexSettings
from engine.errors import EncoderMismatch, IndexLocked, SourceError
from engine.local.store import LocalStore
from engine.types import Document, Passage
from indexer.build import BuildOptions, build
from tests.fakes import HashEncoder
from tests.indexing import Shelf, later

if TYPE_CHECKING:
    from collections.abc import Generator

LONG = "\n\n".join(f"Section {n} is about {word}. " * 6 for n, word in enumerate("abcdefghij"))
PICTURE = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path)


@contextmanager
def bound_by_permissions() -> Generator[None]:
    """Take from this thread, if it is root's, the right to read what nobody may read."""
    if os.geteuid() != 0:
        yield
        return
    libc = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)  # version 3, this thread
    before = (ctypes.c_uint32 * 6)()
    assert libc.capget(header, before) == 0
    bound = type(before)(*before)
    bound[0] &= ~0b110  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
    assert libc.capset(header, bound) == 0
    try:
        yield
    finally:
        assert libc.capset(header, before) == 0


def files(count: int) -> dict[str, str]:
    return {
        f"part{n % 5}/note{n}.txt": f"Note number{n} tells of subject{n}." for n in range(count)
    }


# -- what an update costs ----------------------------------------------------------------------


def test_a_second_run_encodes_nothing_and_makes_no_generation(shelf: Shelf) -> None:
    shelf.write(files(20))
    assert shelf.index().documents.added == 20
    generation = shelf.store.version()
    again = shelf.index()
    assert (again.documents.unchanged, again.encoded) == (20, 0)
    assert shelf.encoder.read == []
    assert shelf.store.version() == generation


def test_a_second_run_reads_no_file(shelf: Shelf) -> None:
    shelf.write(files(5))
    shelf.index()
    for path in shelf.docs.rglob("*.txt"):
        path.chmod(0)
    with bound_by_permissions():
        again = shelf.index()
    assert (again.documents.unchanged, again.documents.failed) == (5, 0)


def test_touch_alone_encodes_nothing_and_is_not_stale(shelf: Shelf) -> None:
    shelf.write(files(3))
    shelf.index()
    for path in shelf.docs.rglob("*.txt"):
        later(path)
    assert all(result.stale for result in shelf.search("note"))
    again = shelf.index()
    assert (again.documents.unchanged, again.documents.changed) == (3, 0)
    assert shelf.encoder.read == []
    assert not any(result.stale for result in shelf.search("note"))


def test_ten_changed_files_of_two_hundred_cost_ten(shelf: Shelf) -> None:
    every = files(200)
    shelf.write(every)
    shelf.index()
    changed = dict(list(every.items())[::20])
    shelf.write({name: text.replace("tells", "sings") for name, text in changed.items()})
    again = shelf.index()
    assert (again.documents.changed, again.documents.unchanged) == (10, 190)
    assert len(shelf.encoder.read) == again.encoded == 10
    assert all("sings" in text for text in shelf.encoder.read)
    assert shelf.found("sings") == sorted(changed)
    assert shelf.found("tells") == sorted(every.keys() - changed.keys())


def test_of_a_changed_long_file_only_the_changed_passages_are_encoded(shelf: Shelf) -> None:
    shelf.write({"long.txt": LONG})
    first = shelf.index()
    assert first.passages >= 10
    shelf.write({"long.txt": LONG.replace("about e", "beside e")})
    again = shelf.index()
    assert 1 <= again.encoded <= 2
    assert all("beside e" in text for text in shelf.encoder.read)
    assert again.passages == first.passages


def test_equal_passages_are_encoded_once(shelf: Shelf) -> None:
    text = "# The same\n\nEvery word of it.\n"
    shelf.write({"a.md": text, "b.md": text, "c/d.md": text})
    report = shelf.index()
    assert (report.documents.added, report.encoded) == (3, 1)


def test_new_and_deleted_files_come_and_go(shelf: Shelf) -> None:
    shelf.write({"stays.txt": "alpha", "goes.txt": "beta"})
    shelf.index()
    (shelf.docs / "goes.txt").unlink()
    shelf.write({"comes.txt": "gamma"})
    counts = shelf.index().documents
    assert (counts.added, counts.removed, counts.unchanged) == (1, 1, 1)
    assert shelf.ids() == ["comes.txt", "stays.txt"]
    assert shelf.found("beta") == []


def test_a_renamed_file_with_a_title_of_its_own_is_not_encoded_again(shelf: Shelf) -> None:
    shelf.write({"old.md": "# Mills\n\nThey grind.\n", "other.md": "# Else\n\nNothing.\n"})
    shelf.index()
    (shelf.docs / "old.md").rename(shelf.docs / "new.md")
    report = shelf.index()
    assert (report.documents.added, report.documents.removed) == (1, 1)
    assert shelf.encoder.read == []
    assert shelf.found("grind") == ["new.md"]


def test_a_file_that_becomes_a_folder_is_replaced(shelf: Shelf) -> None:
    shelf.write({"topic": "alpha", "z.txt": "omega"})
    shelf.index()
    (shelf.docs / "topic").unlink()
    shelf.write({"topic/inner.txt": "beta"})
    shelf.index()
    assert shelf.ids() == ["topic/inner.txt", "z.txt"]


# -- what must not be lost -----------------------------------------------------------------------


def test_a_folder_that_vanished_is_an_error_and_removes_nothing(shelf: Shelf) -> None:
    shelf.write(files(3))
    shelf.index()
    shelf.docs.rename(shelf.home / "away")
    with pytest.raises(SourceError, match=r"not there.*nothing was removed"):
        shelf.index()
    with pytest.raises(SourceError, match="not there"):
        shelf.index(options=BuildOptions(allow_empty=True))
    assert len(shelf.ids()) == 3


def test_a_folder_that_went_empty_is_an_error_until_that_is_allowed(shelf: Shelf) -> None:
    shelf.write({"a.txt": "alpha", "b.txt": "beta"})
    shelf.index()
    for path in shelf.docs.iterdir():
        path.unlink()
    with pytest.raises(SourceError, match="--allow-empty"):
        shelf.index()
    assert shelf.ids() == ["a.txt", "b.txt"]
    assert shelf.index(options=BuildOptions(allow_empty=True)).documents.removed == 2
    assert shelf.ids() == []


def test_an_empty_folder_makes_an_empty_index(shelf: Shelf) -> None:
    report = shelf.index()
    assert (report.documents.added, report.passages) == (0, 0)
    assert shelf.ids() == []
    assert shelf.found("anything") == []
    shelf.write({"first.txt": "anything"})
    shelf.index()
    assert shelf.found("anything") == ["first.txt"]


def test_an_unreadable_subfolder_keeps_its_documents(shelf: Shelf) -> None:
    shelf.write({"open/a.txt": "alpha", "closed/b.txt": "beta", "closed/in/c.txt": "gamma"})
    shelf.index()
    closed = shelf.docs / "closed"
    closed.chmod(0)
    try:
        with bound_by_permissions():
            report = shelf.index()
    finally:
        closed.chmod(0o755)
    assert report.documents.removed == 0
    assert [(s.path, "cannot be read" in s.reason) for s in report.skipped] == [("closed/", True)]
    assert shelf.ids() == ["closed/b.txt", "closed/in/c.txt", "open/a.txt"]


def test_an_unreadable_file_is_reported_and_keeps_its_old_version(shelf: Shelf) -> None:
    shelf.write({"a.txt": "alpha", "b.txt": "beta"})
    shelf.index()
    shelf.write({"a.txt": "alpha changed"})
    (shelf.docs / "a.txt").chmod(0)
    with bound_by_permissions():
        report = shelf.index()
    assert [(f.path, f.reason) for f in report.failures] == [("a.txt", "Permission denied")]
    assert shelf.found("alpha") == ["a.txt"]
    assert shelf.found("changed") == []


def test_a_file_that_becomes_damaged_keeps_its_old_version_and_is_reported(shelf: Shelf) -> None:
    shelf.write({"a.ipynb": '{"cells": [{"cell_type": "markdown", "source": "mill wheel"}]}'})
    assert shelf.index().documents.added == 1
    shelf.write({"a.ipynb": '{"cells": [{"cell_type": '})
    for _ in range(2):  # again, until it is whole
        report = shelf.index()
        assert (report.documents.failed, report.documents.removed) == (1, 0)
        assert report.failures[0].path == "a.ipynb"
    assert shelf.found("wheel") == ["a.ipynb"]
    assert shelf.search("wheel")[0].stale
    shelf.write({"a.ipynb": '{"cells": [{"cell_type": "markdown", "source": "mill stone"}]}'})
    assert shelf.index().documents.changed == 1
    assert shelf.found("wheel") == []


def test_documents_from_no_file_are_never_removed(shelf: Shelf) -> None:
    shelf.write({"a.txt": "alpha", "b.txt": "beta"})
    shelf.index()
    with shelf.store.writer() as writer:
        passage = Passage(number=0, start=0, end=6, text="posted")
        writer.add(Document(id="by/http"), [passage], np.full((1, 64), 0.125, np.float32))
        writer.commit()
    (shelf.docs / "a.txt").unlink()
    shelf.index()
    assert shelf.ids() == ["b.txt", "by/http"]
    (shelf.docs / "b.txt").unlink()
    shelf.index(options=BuildOptions(allow_empty=True))
    assert shelf.ids() == ["by/http"]
    assert not shelf.search("posted")[0].stale


def test_only_documents_of_the_roots_of_a_run_can_vanish(shelf: Shelf) -> None:
    other = shelf.home / "other"
    other.mkdir()
    (other / "o.txt").write_text("omega")
    shelf.write({"a.txt": "alpha"})
    shelf.index(shelf.docs, other)
    (other / "o.txt").unlink()
    shelf.index(shelf.docs)
    assert shelf.ids() == ["a.txt", "o.txt"]


def test_nothing_of_a_refused_run_is_kept(shelf: Shelf) -> None:
    shelf.write({"a.txt": "alpha"})
    shelf.index()
    shelf.write({"b.txt": "beta"})
    with pytest.raises(SourceError):
        shelf.index(shelf.docs, shelf.home / "missing")
    assert shelf.ids() == ["a.txt"]


# -- what is left out ------------------------------------------------------------------------------


def test_a_binary_file_is_skipped_once_and_not_read_again(shelf: Shelf) -> None:
    shelf.write({"a.txt": "alpha"})
    picture = shelf.docs / "p.png"
    picture.write_bytes(PICTURE)
    report = shelf.index()
    assert [(s.path, s.reason) for s in report.skipped] == [("p.png", "binary file")]
    assert report.failures == []
    picture.chmod(0)
    with bound_by_permissions():
        again = shelf.index()
    assert (again.skipped, again.failures) == ([], [])


def test_a_picture_that_changed_is_no_failure(shelf: Shelf) -> None:
    shelf.write({"a.txt": "alpha"})
    picture = shelf.docs / "p.png"
    picture.write_bytes(PICTURE)
    shelf.index()
    picture.write_bytes(PICTURE + b"more")
    report = shelf.index()
    assert report.failures == []
    assert [s.path for s in report.skipped] == ["p.png"]


def test_the_index_inside_the_folder_is_not_indexed(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("alpha")
    store = LocalStore(tmp_path / "my.index", IndexSettings(encoder="hash", dim=64))
    encoder = HashEncoder()
    for _ in range(2):
        report = build(store, encoder, [tmp_path])
        assert report.documents.added + report.documents.unchanged == 1
        assert (report.skipped, report.failures) == ([], [])


def test_a_name_that_is_no_unicode_is_reported_and_the_rest_indexed(shelf: Shelf) -> None:
    shelf.write({"a.txt": "alpha"})
    Path(os.fsdecode(os.fsencode(shelf.docs) + b"/caf\xe9.txt")).write_text("beta")
    report = shelf.index()
    assert [s.path for s in report.skipped] == ["caf\\xe9.txt"]
    assert shelf.ids() == ["a.txt"]


def test_a_root_that_is_no_unicode_is_an_error_with_the_cure(shelf: Shelf) -> None:
    root = Path(os.fsdecode(os.fsencode(shelf.home) + b"/caf\xe9"))
    root.mkdir()
    with pytest.raises(SourceError, match=r"caf\\xe9: .*rename"):
        shelf.index(root)


# -- options that a root remembers ------------------------------------------------------------


def test_include_and_exclude_are_remembered_for_their_root_and_can_be_changed(shelf: Shelf) -> None:
    other = shelf.home / "other"
    other.mkdir()
    (other / "o.md").write_text("omega")
    shelf.write({"a.txt": "alpha", "b.md": "beta", "drafts/c.txt": "gamma"})
    shelf.index(options=BuildOptions(include=("*.txt",), exclude=("drafts",)))
    assert shelf.ids() == ["a.txt"]
    shelf.index(shelf.docs, other)
    assert shelf.ids() == ["a.txt", "o.md"]
    shelf.index(options=BuildOptions(exclude=()))
    assert shelf.ids() == ["a.txt", "drafts/c.txt", "o.md"]
    shelf.index(options=BuildOptions(include=()))
    assert shelf.ids() == ["a.txt", "b.md", "drafts/c.txt", "o.md"]


def test_what_is_newly_excluded_is_removed(shelf: Shelf) -> None:
    shelf.write({"a.txt": "alpha", "b.md": "beta"})
    shelf.index()
    assert shelf.index(options=BuildOptions(exclude=("*.md",))).documents.removed == 1
    assert shelf.ids() == ["a.txt"]


def test_two_roots_with_the_same_id_are_an_error_and_a_name_cures_it(shelf: Shelf) -> None:
    other = shelf.home / "other"
    other.mkdir()
    (other / "a.txt").write_text("omega")
    shelf.write({"a.txt": "alpha"})
    shelf.index()
    with pytest.raises(SourceError, match=r"'a\.txt'.*--name"):
        shelf.index(other)
    assert shelf.found("omega") == []
    shelf.index(other, options=BuildOptions(name="second"))
    assert shelf.ids() == ["a.txt", "second/a.txt"]
    assert shelf.index(other).documents.unchanged == 1  # the name is remembered
    with pytest.raises(SourceError, match="under the name 'second', not 'third'"):
        shelf.index(other, options=BuildOptions(name="third"))
    (other / "a.txt").unlink()
    shelf.index(other, options=BuildOptions(allow_empty=True))
    assert shelf.ids() == ["a.txt"]


def test_a_root_is_the_same_by_any_way_to_write_it(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf.write({"a.txt": "alpha", "sub/b.txt": "beta"})
    shelf.index()
    monkeypatch.chdir(shelf.docs / "sub")
    for root in (Path(".."), Path("../../docs"), shelf.docs / "sub" / "..", shelf.docs / "."):
        assert shelf.index(root).documents.unchanged == 2


def test_a_single_file_is_a_root(shelf: Shelf) -> None:
    shelf.write({"only.txt": "alpha", "other.txt": "beta"})
    only = shelf.docs / "only.txt"
    shelf.index(only)
    assert shelf.ids() == ["only.txt"]
    later(only)
    assert shelf.search("alpha")[0].stale
    only.write_text("gamma")
    assert shelf.index(only).documents.changed == 1
    assert not shelf.search("gamma")[0].stale


# -- metadata, dates, staleness -------------------------------------------------------------------


def test_front_matter_and_dates_are_filterable(shelf: Shelf) -> None:
    head = "---\ntitle: {}\nauthor: {}\ntags: [water, {}]\ndate: {}\n---\nThe mill turns.\n"
    shelf.write(
        {
            "guide/a.md": head.format("Alpha", "Ada Lovelace", "stone", "2023-12-31"),
            "guide/b.md": head.format("Beta", "Grace Hopper", "wood", "2024-01-01"),
            "c.txt": "The mill of no author.",
        }
    )
    shelf.index()
    assert shelf.documents()["guide/a.md"].title == "Alpha"
    assert shelf.found("mill", 'author:"ada lovelace"') == ["guide/a.md"]
    assert shelf.found("mill", "tags:wood") == ["guide/b.md"]
    assert shelf.found("mill", "tags:water") == ["guide/a.md", "guide/b.md"]
    assert shelf.found("mill", "date:2024-01") == ["guide/b.md"]
    assert shelf.found("mill", "date:..2023") == ["guide/a.md"]
    assert shelf.found("mill", "type:txt") == ["c.txt"]
    assert shelf.found("mill", "path:guide") == ["guide/a.md", "guide/b.md"]


def test_a_file_without_a_date_has_that_of_its_last_change(shelf: Shelf) -> None:
    shelf.write({"a.txt": "alpha", "b.txt": "beta"})
    os.utime(shelf.docs / "a.txt", (0, 1_000_000_000))  # 2001-09-09
    shelf.index()
    assert shelf.found("alpha beta", "date:2001") == ["a.txt"]


def test_results_are_stale_when_their_file_changed_or_went(shelf: Shelf) -> None:
    shelf.write({"a.txt": "same alpha", "b.txt": "same beta", "c.txt": "same gamma"})
    shelf.index()
    shelf.write({"a.txt": "same alpha, and more"})
    (shelf.docs / "b.txt").unlink()
    assert {r.document: r.stale for r in shelf.search("same")} == {
        "a.txt": True,
        "b.txt": True,
        "c.txt": False,
    }


# -- the index and its encoder ------------------------------------------------------------------


def test_another_encoder_is_refused_and_both_are_named(shelf: Shelf) -> None:
    shelf.write({"a.txt": "alpha"})
    shelf.index()
    with pytest.raises(EncoderMismatch, match=r"'hash'.*'other'"):
        build(shelf.store, HashEncoder(name="other"), [shelf.docs])


def test_a_second_writer_is_refused_while_one_writes(shelf: Shelf) -> None:
    shelf.write({"a.txt": "alpha"})
    with shelf.store.writer(), pytest.raises(IndexLocked, match=str(os.getpid())):
        shelf.index()
    assert shelf.index().documents.added == 1


def test_commits_during_a_build_are_searchable_and_the_end_is_the_same(shelf: Shelf) -> None:
    shelf.write(files(12))
    committed: list[int] = []

    class Reader:
        """See Progress. A file is told of before the commit that comes after it."""

        def start(self, root: str, files: int, total_bytes: int) -> None:
            assert (root, files) == ("docs", 12)
            assert total_bytes == sum(p.stat().st_size for p in shelf.docs.rglob("*.txt"))

        def advance(self, path: str, done_bytes: int) -> None:
            committed.append(len(shelf.ids()) if committed else 0)

        def finish(self) -> None:
            committed.append(len(shelf.ids()))

    shelf.index(options=BuildOptions(commit_seconds=0), progress=Reader())
    assert committed == [*range(12), 12]
