from __future__ import annotations

import os
from pathlib import Path

import pytest

from engine.errors import SourceError
from engine.types import FileState
from indexer.plan import Plan, content_hash, is_record_file, make_plan, state_of
from indexer.walk import FoundFile


def plan(root: Path, known: dict[str, FileState], **options: bool) -> Plan:
    return make_plan(root, known, (), (), allow_empty=options.get("allow_empty", False))


def states(root: Path) -> dict[str, FileState]:
    """Return the states of all files, as a run before would have kept them."""
    return {
        path.relative_to(root).as_posix(): FileState(
            size=path.stat().st_size, mtime_ns=path.stat().st_mtime_ns, hash=content_hash(path)
        )
        for path in root.rglob("*")
        if path.is_file()
    }


@pytest.fixture
def root(tmp_path: Path) -> Path:
    for name in ("a.txt", "b/c.txt", "b/d.txt"):
        path = tmp_path / "root" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    return tmp_path / "root"


def test_every_file_of_a_new_root_is_new(root: Path) -> None:
    found = plan(root, {})
    assert [file.relative for file in found.new] == ["a.txt", "b/c.txt", "b/d.txt"]
    assert found.work == found.new
    assert not (found.stirred or found.unchanged or found.vanished or found.skipped)


def test_files_of_the_same_size_and_time_are_unchanged(root: Path) -> None:
    found = plan(root, states(root))
    assert found.unchanged == ["a.txt", "b/c.txt", "b/d.txt"]
    assert found.work == []


@pytest.mark.parametrize("what", ["size", "time"])
def test_another_size_or_time_is_stirred(what: str, root: Path) -> None:
    known = states(root)
    if what == "size":
        before = (root / "a.txt").stat().st_mtime_ns
        (root / "a.txt").write_text("longer than it was")
        os.utime(root / "a.txt", ns=(before, before))
    else:
        os.utime(root / "a.txt", ns=(0, 0))
    found = plan(root, known)
    assert [file.relative for file in found.stirred] == ["a.txt"]
    assert (found.new, found.vanished) == ([], [])


def test_an_older_time_is_another_time(root: Path) -> None:
    known = states(root)
    os.utime(root / "a.txt", ns=(1, known["a.txt"].mtime_ns - 1))
    assert [file.relative for file in plan(root, known).stirred] == ["a.txt"]


def test_work_is_in_the_order_of_names_whatever_is_new(root: Path) -> None:
    known = states(root)
    del known["b/c.txt"]
    os.utime(root / "a.txt", ns=(0, 0))
    os.utime(root / "b/d.txt", ns=(0, 0))
    assert [file.relative for file in plan(root, known).work] == ["a.txt", "b/c.txt", "b/d.txt"]


def test_known_files_that_are_not_found_have_vanished(root: Path) -> None:
    known = states(root)
    (root / "b/c.txt").unlink()
    assert plan(root, known).vanished == ["b/c.txt"]


def test_what_is_below_a_skipped_name_has_not_vanished(root: Path) -> None:
    known = states(root)
    gone = root / "b"
    gone.rename(root.parent / "away")
    gone.symlink_to(root.parent / "nowhere")
    found = plan(root, known)
    assert [failure.path for failure in found.skipped] == ["b"]
    assert found.vanished == []


def test_a_skipped_name_protects_no_other_that_begins_so(root: Path) -> None:
    known = states(root) | {"bee.txt": FileState(size=1, mtime_ns=1, hash=b"")}
    (root / "b").rename(root.parent / "away")
    (root / "b").symlink_to(root.parent / "nowhere")
    assert plan(root, known).vanished == ["bee.txt"]


def test_a_missing_root_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="not there"):
        plan(tmp_path / "missing", {})


def test_an_empty_root_is_an_error_only_where_something_was(root: Path, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert plan(tmp_path / "empty", {}) == Plan()
    with pytest.raises(SourceError, match="the index knows 3; nothing was removed"):
        plan(tmp_path / "empty", states(root))
    assert len(plan(tmp_path / "empty", states(root), allow_empty=True).vanished) == 3


@pytest.mark.parametrize(
    ("name", "records"),
    [("a.jsonl", True), ("A.CSV", True), ("a.tsv", True), ("a.ndjson", True), ("a.json", False),
     ("jsonl", False), ("a.csv.txt", False)],
)  # fmt: skip
def test_record_files_are_known_by_their_suffix(name: str, records: bool) -> None:
    assert is_record_file(Path(name)) is records


def test_the_hash_depends_on_the_content_alone(tmp_path: Path) -> None:
    for name, text in (("a", "same"), ("b", "same"), ("c", "else")):
        (tmp_path / name).write_text(text)
    one, two, three = (content_hash(tmp_path / name) for name in "abc")
    assert len(one) == 16
    assert one == two != three


def test_the_state_is_that_of_the_walk_not_of_now(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text("written after the walk")
    assert state_of(FoundFile(path, "a", 3, 4), b"h") == FileState(size=3, mtime_ns=4, hash=b"h")
