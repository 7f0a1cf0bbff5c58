from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from engine.errors import ShortlistError, UsageError
from engine.evaluation.journal import Journal

if TYPE_CHECKING:
    from pathlib import Path


def test_what_was_appended_is_there_and_the_next_run_goes_on_after_it(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "r", "same")
    journal.append({"runs/a.trec": "one\n", "per_query.jsonl": "{}\n"}, 1)
    again = Journal(tmp_path / "r", "same")
    assert again.done == 1
    again.append({"runs/a.trec": "two\n"}, 2)
    assert again.done == 3
    assert (tmp_path / "r/runs/a.trec").read_text() == "one\ntwo\n"


def test_what_a_kill_left_behind_the_last_note_is_cut_off(tmp_path: Path) -> None:
    Journal(tmp_path / "r", "same").append({"a": "whole\n"}, 5)
    with (tmp_path / "r/a").open("a") as file:
        file.write("half a li")
    (tmp_path / "r/unnoted").write_text("stays: it is not of this run")
    assert Journal(tmp_path / "r", "same").done == 5
    assert (tmp_path / "r/a").read_text() == "whole\n"


def test_a_file_that_grew_first_in_the_batch_that_was_killed_is_not_read_twice(
    tmp_path: Path,
) -> None:
    Journal(tmp_path / "r", "same").append({"per_query.jsonl": "{}\n"}, 1)
    (tmp_path / "r/runs").mkdir()
    (tmp_path / "r/runs/new.trec").write_text("not noted\n")
    Journal(tmp_path / "r", "same").append({"runs/new.trec": "noted\n"}, 1)
    assert (tmp_path / "r/runs/new.trec").read_text() == "noted\n"


def test_another_evaluation_begins_anew(tmp_path: Path) -> None:
    Journal(tmp_path / "r", "one").append({"runs/a.trec": "one\n"}, 1)
    assert Journal(tmp_path / "r", "other").done == 0
    assert not (tmp_path / "r/runs").exists()


def test_the_report_of_another_evaluation_is_gone_before_the_first_query(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "r", "one")
    journal.append({"per_query.jsonl": "{}\n"}, 1)
    journal.finish({"rows": []})
    Journal(tmp_path / "r", "other")
    assert {path.name for path in (tmp_path / "r").iterdir()} == {"unfinished.json"}


def test_a_finished_run_has_its_report_and_no_note(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "r", "same")
    journal.append({"per_query.jsonl": "{}\n"}, 1)
    journal.finish({"rows": []})
    assert json.loads((tmp_path / "r/report.json").read_text()) == {"rows": []}
    assert not (tmp_path / "r/unfinished.json").exists()


@pytest.mark.parametrize("damage", ["", "{", "[1]", '{"fingerprint": "same"}'])
def test_a_note_that_cannot_be_read_begins_anew(tmp_path: Path, damage: str) -> None:
    Journal(tmp_path / "r", "same").append({"a": "one\n"}, 1)
    (tmp_path / "r/unfinished.json").write_text(damage)
    assert Journal(tmp_path / "r", "same").done == 0


def test_a_file_that_vanished_begins_anew(tmp_path: Path) -> None:
    Journal(tmp_path / "r", "same").append({"runs/a.trec": "one\n", "b": "x"}, 1)
    (tmp_path / "r/runs/a.trec").unlink()
    assert Journal(tmp_path / "r", "same").done == 0


def test_a_file_that_lost_its_end_begins_anew(tmp_path: Path) -> None:
    Journal(tmp_path / "r", "same").append({"runs/a.trec": "one\n", "b": "x"}, 1)
    (tmp_path / "r/runs/a.trec").write_text("on")
    assert Journal(tmp_path / "r", "same").done == 0
    assert not (tmp_path / "r/runs").exists()


def test_a_folder_of_other_things_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(UsageError, match="holds other things"):
        Journal(tmp_path, "same")
    assert (tmp_path / "thesis.tex").read_text() == "years of work"


def test_a_file_is_no_place_for_a_report(tmp_path: Path) -> None:
    (tmp_path / "r").write_text("")
    with pytest.raises(UsageError, match="is a file"):
        Journal(tmp_path / "r", "same")


def test_what_cannot_be_written_is_said_with_the_place_and_the_way_on(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "r", "same")
    journal.append({"a": "one\n"}, 1)
    (tmp_path / "r/runs").write_text("where a folder should be")
    with pytest.raises(ShortlistError, match=r"cannot be written to .*/r: .*goes on from there"):
        journal.append({"a": "two\n", "runs/b": "x"}, 1)
    (tmp_path / "r/runs").unlink()
    again = Journal(tmp_path / "r", "same")
    assert again.done == 1
    assert (tmp_path / "r/a").read_text() == "one\n"


def test_a_file_that_is_written_in_one_go_lies_in_the_report(tmp_path: Path) -> None:
    with Journal(tmp_path / "r", "same").file("qrels.trec") as file:
        file.write("q 0 d 1\n")
    assert (tmp_path / "r/qrels.trec").read_bytes() == b"q 0 d 1\n"
