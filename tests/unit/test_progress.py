from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING

from indexer.report import Silent
from server.cli import progress
from server.cli.progress import Bar, Lines, make_progress

if TYPE_CHECKING:
    import pytest

    from indexer.report import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def run(told: Progress) -> None:
    """Tell of two roots, the second of which has nothing new."""
    told.start("docs", 2, 3_000_000)
    told.advance("a.txt", 1_000_000)
    told.advance("b.txt", 2_000_000)
    told.start("other", 0, 0)
    told.finish()
    told.finish()


def test_a_terminal_gets_a_bar_and_a_file_gets_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", Terminal())
    assert isinstance(make_progress(), Bar)
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    assert isinstance(make_progress(), Lines)


def test_lines_say_what_there_is_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    run(Lines())
    captured = capsys.readouterr()
    assert captured.err == "docs: 2 files to read, 3.0 MB\n"
    assert captured.out == ""


def test_lines_say_how_far_they_are(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "_EVERY", 0.0)
    run(Lines())
    lines = capsys.readouterr().err.splitlines()
    assert lines[1].startswith("1.0 of 3.0 MB, ")
    assert lines[2].startswith("3.0 of 3.0 MB, ")
    assert lines[2].endswith(" 0 s left")


def test_a_bar_shows_the_folder_and_leaves_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    run(Bar())
    assert "docs (2 files)" in screen.getvalue()
    assert "other" not in screen.getvalue()
    assert screen.getvalue().endswith("\r")


def test_silence_is_silent(capsys: pytest.CaptureFixture[str]) -> None:
    run(Silent())
    assert capsys.readouterr() == ("", "")
