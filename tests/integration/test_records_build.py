from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from engine.errors import SourceError, UsageError
from indexer.build import BuildOptions
from indexer.columns import Columns
from tests.indexing import Shelf, later

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path)


def corpus(count: int) -> list[dict[str, object]]:
    return [
        {"_id": f"d{n}", "title": f"Title{n}", "text": f"The text of record{n}.", "year": 2000 + n}
        for n in range(count)
    ]


def write(path: Path, records: Sequence[dict[str, object] | str]) -> Path:
    lines = [r if isinstance(r, str) else json.dumps(r) for r in records]
    path.write_text("\n".join(lines) + "\n")
    return path


def test_records_of_a_corpus_named_directly_keep_their_ids(shelf: Shelf) -> None:
    path = write(shelf.docs / "corpus.jsonl", corpus(3))
    assert shelf.index(path).documents.added == 3
    found = shelf.documents()
    assert sorted(found) == ["d0", "d1", "d2"]
    assert (found["d1"].title, found["d1"].path) == ("Title1", "corpus.jsonl")
    assert (found["d1"].type, found["d1"].metadata) == ("jsonl", {"year": 2001})
    assert shelf.found("text", "year:2001") == ["d1"]


def test_records_of_a_file_in_a_folder_have_its_path_before_their_ids(shelf: Shelf) -> None:
    shelf.write({"a.txt": "alpha", "sets/x.csv": "id,text\n7,seven\n8,eight\n"})
    assert shelf.index().documents.added == 3
    assert shelf.ids() == ["a.txt", "sets/x.csv#7", "sets/x.csv#8"]
    assert shelf.found("seven eight", "path:sets") == ["sets/x.csv#7", "sets/x.csv#8"]


def test_the_same_corpus_under_two_names_is_two_roots(shelf: Shelf) -> None:
    first = write(shelf.docs / "corpus.jsonl", corpus(2))
    (shelf.home / "more").mkdir()
    second = write(shelf.home / "more" / "corpus.jsonl", corpus(2))
    shelf.index(first)
    with pytest.raises(SourceError, match=r"'d0'.*--name"):
        shelf.index(second)
    shelf.index(second, options=BuildOptions(name="more"))
    assert shelf.ids() == ["d0", "d1", "more/d0", "more/d1"]


def test_one_changed_record_of_a_hundred_costs_one(shelf: Shelf) -> None:
    records = corpus(100)
    path = write(shelf.docs / "corpus.jsonl", records)
    shelf.index(path)
    records[41]["text"] = "Something else entirely."
    write(path, records)
    counts = (report := shelf.index(path)).documents
    assert (counts.changed, counts.unchanged, counts.added, counts.removed) == (1, 99, 0, 0)
    assert report.encoded == len(shelf.encoder.read) == 1
    assert shelf.found("entirely") == ["d41"]


def test_records_in_another_order_are_the_same_records(shelf: Shelf) -> None:
    path = write(shelf.docs / "corpus.jsonl", corpus(10))
    shelf.index(path)
    write(path, corpus(10)[::-1])
    counts = shelf.index(path).documents
    assert (counts.unchanged, counts.changed) == (10, 0)
    assert shelf.encoder.read == []


def test_an_untouched_record_file_is_not_read(shelf: Shelf) -> None:
    path = write(shelf.docs / "corpus.jsonl", corpus(10))
    shelf.index(path)
    assert shelf.index(path).documents.unchanged == 10
    later(path)
    assert shelf.index(path).documents.unchanged == 10
    assert shelf.encoder.read == []


def test_new_metadata_replaces_a_record_without_encoding_it(shelf: Shelf) -> None:
    records = corpus(3)
    path = write(shelf.docs / "corpus.jsonl", records)
    shelf.index(path)
    records[1]["year"] = 1999
    write(path, records)
    report = shelf.index(path)
    assert (report.documents.changed, report.encoded) == (1, 0)
    assert shelf.found("text", "year:1999") == ["d1"]


def test_vanished_records_are_removed(shelf: Shelf) -> None:
    path = write(shelf.docs / "corpus.jsonl", corpus(5))
    shelf.index(path)
    write(path, [corpus(5)[0], corpus(5)[4]])
    counts = shelf.index(path).documents
    assert (counts.removed, counts.unchanged) == (3, 2)
    assert shelf.ids() == ["d0", "d4"]


def test_records_of_a_vanished_file_are_removed(shelf: Shelf) -> None:
    shelf.write({"a.txt": "alpha", "x.csv": "id,text\n7,seven\n8,eight\n"})
    shelf.index()
    (shelf.docs / "x.csv").unlink()
    assert shelf.index().documents.removed == 2
    assert shelf.ids() == ["a.txt"]


def test_bad_lines_are_reported_with_their_number_and_the_rest_is_indexed(shelf: Shelf) -> None:
    one, two = corpus(2)
    path = write(shelf.docs / "corpus.jsonl", [one, "{not json", "[1]", two, {"_id": "d0"}, one])
    report = shelf.index(path)
    assert (report.documents.added, report.documents.failed) == (2, 4)
    assert [failure.path for failure in report.failures] == [
        f"corpus.jsonl:{line}" for line in (2, 3, 5, 6)
    ]
    assert "not JSON" in report.failures[0].reason
    assert shelf.ids() == ["d0", "d1"]


def test_a_file_without_any_record_fails_and_keeps_what_it_had(shelf: Shelf) -> None:
    path = write(shelf.docs / "corpus.jsonl", corpus(2))
    shelf.index(path)
    path.write_text("no json at all\n")
    report = shelf.index(path)
    assert report.documents.removed == 0
    assert any(f.path == "corpus.jsonl" for f in report.failures)
    assert shelf.ids() == ["d0", "d1"]


def test_an_interrupted_record_file_goes_on_where_it_stopped(shelf: Shelf) -> None:
    path = write(shelf.docs / "corpus.jsonl", corpus(40))

    class Killed:
        """See Progress. Ends the build after some records."""

        done = 0

        def start(self, root: str, files: int, total_bytes: int) -> None:
            pass

        def advance(self, path: str, done_bytes: int) -> None:
            self.done += 1
            if self.done == 25:
                raise KeyboardInterrupt

        def finish(self) -> None:
            pass

    with pytest.raises(KeyboardInterrupt):
        shelf.index(path, options=BuildOptions(commit_seconds=0), progress=Killed())
    assert shelf.ids() == sorted(f"d{n}" for n in range(24))
    report = shelf.index(path)
    assert (report.documents.unchanged, report.documents.added) == (24, 16)
    assert report.encoded == 16
    assert shelf.index(path).documents.unchanged == 40


def test_columns_are_remembered_and_another_choice_is_read_again(shelf: Shelf) -> None:
    shelf.write({"x.csv": "key,body,remark\n1,first,apple\n2,second,pear\n", "a.txt": "alpha"})
    shelf.index()
    assert shelf.found("first") == ["x.csv#1"]
    shelf.encoder.read.clear()
    changed = shelf.index(options=BuildOptions(columns=Columns(text="remark")))
    assert (changed.documents.changed, changed.documents.unchanged) == (2, 1)
    assert shelf.found("first") == []
    assert shelf.found("apple", "body:first") == ["x.csv#1"]
    shelf.write({"x.csv": "key,body,remark\n1,first,plum\n"})
    shelf.index()  # the choice is remembered
    assert shelf.found("plum", "body:first") == ["x.csv#1"]


def test_a_new_id_column_gives_the_records_new_ids(shelf: Shelf) -> None:
    path = shelf.docs / "x.csv"
    shelf.write({"x.csv": "id,code,text\n1,x,first\n2,y,second\n"})
    shelf.index(path)
    report = shelf.index(path, options=BuildOptions(columns=Columns(id="code")))
    assert (report.documents.added, report.documents.removed) == (2, 2)
    assert shelf.ids() == ["x", "y"]


def test_a_column_that_is_not_there_is_wrong_use_of_a_file_but_no_end_of_a_folder(
    shelf: Shelf,
) -> None:
    shelf.write({"x.csv": "id,body\n1,first\n", "y.csv": "id,text\n1,other\n", "a.txt": "alpha"})
    options = BuildOptions(columns=Columns(text="body"))
    with pytest.raises(UsageError, match=r"no column 'body'.*columns are: id, text"):
        shelf.index(shelf.docs / "y.csv", options=options)
    report = shelf.index(options=options)
    assert [f.path for f in report.failures] == ["y.csv"]
    assert shelf.ids() == ["a.txt", "x.csv#1"]


def test_dates_and_lists_of_records_are_filterable(shelf: Shelf) -> None:
    records: list[dict[str, object]] = [
        {"_id": "1", "text": "mill", "date": "2024-02-29", "tags": ["Water", "stone"]},
        {"_id": "2", "text": "mill", "date": "2025-01-01", "open": True},
    ]
    shelf.index(write(shelf.docs / "corpus.jsonl", records))
    assert shelf.found("mill", "date:2024-02") == ["1"]
    assert shelf.found("mill", "tags:water") == ["1"]
    assert shelf.found("mill", "open:true") == ["2"]
