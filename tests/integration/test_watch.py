from __future__ import annotations

import json
import queue
import signal
import subprocess
import sys
import threading
from typing import IO, TYPE_CHECKING, cast

import pytest

from engine.local.store import LocalStore
from tests.commands import START, environment, shortlist

if TYPE_CHECKING:
    from collections.abc import Generator
    from pathlib import Path

PATIENCE = 30  # seconds; a change is seen within two


class Watch:
    """`shortlist index --watch --json` in a process of its own."""

    def __init__(self, docs: Path, index: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", START, "index", docs, "-i", index, "--watch", "--json"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(),
        )
        self.lines: queue.Queue[str] = queue.Queue()
        self.errors: queue.Queue[str] = queue.Queue()
        streams = (self.process.stdout, self.lines), (self.process.stderr, self.errors)
        for stream, kept in streams:
            threading.Thread(
                target=self._read, args=(cast("IO[str]", stream), kept), daemon=True
            ).start()

    @staticmethod
    def _read(stream: IO[str], kept: queue.Queue[str]) -> None:
        with stream:
            for line in stream:
                kept.put(line)

    def counts(self) -> dict[str, int]:
        """Return what the next run did with documents."""
        counts: dict[str, int] = json.loads(self.lines.get(timeout=PATIENCE))["documents"]
        return {what: number for what, number in counts.items() if number}

    def wait_until_it_says(self, words: str) -> None:
        """Read messages until one holds the words."""
        while words not in self.errors.get(timeout=PATIENCE):
            pass

    def end(self, sig: signal.Signals) -> int:
        self.process.send_signal(sig)
        return self.process.wait(PATIENCE)


@pytest.fixture
def watch(tmp_path: Path) -> Generator[Watch]:
    docs = tmp_path / "docs"
    docs.mkdir()
    (docs / "a.txt").write_text("alpha")
    (docs / "b.txt").write_text("beta")
    # Inside of what is watched: its own commits must not wake it.
    watch = Watch(docs, docs / "index")
    try:
        yield watch
    finally:
        watch.process.kill()
        watch.process.wait()


def test_watch_follows_new_changed_and_deleted_files(watch: Watch, tmp_path: Path) -> None:
    docs = tmp_path / "docs"
    assert watch.counts() == {"added": 2}
    watch.wait_until_it_says("watching")
    (docs / "c.txt").write_text("gamma")
    assert watch.counts() == {"added": 1, "unchanged": 2}
    (docs / "a.txt").write_text("delta, once alpha")
    assert watch.counts() == {"changed": 1, "unchanged": 2}
    (docs / "b.txt").unlink()
    assert watch.counts() == {"removed": 1, "unchanged": 2}
    found = shortlist("search", "delta", "-i", docs / "index", "--no-rerank", "-k", "1", "--json")
    assert json.loads(found.out)["results"][0]["document"] == "a.txt"
    (docs / "a.txt").unlink()
    (docs / "c.txt").unlink()
    watch.wait_until_it_says("nothing was removed")  # and it stays
    (docs / "d.txt").write_text("omega")
    assert watch.counts() == {"added": 1, "removed": 2}
    assert watch.end(signal.SIGINT) == 0
    assert watch.lines.empty()
    assert not any("Traceback" in line for line in list(watch.errors.queue))


def test_what_changes_before_the_watch_begins_is_not_missed(watch: Watch, tmp_path: Path) -> None:
    assert watch.counts() == {"added": 2}
    (tmp_path / "docs" / "c.txt").write_text("gamma")  # the run is over, the watch begins later
    assert watch.counts() == {"added": 1, "unchanged": 2}


def test_a_change_while_another_process_writes_is_indexed_afterwards(
    watch: Watch, tmp_path: Path
) -> None:
    assert watch.counts() == {"added": 2}
    watch.wait_until_it_says("watching")
    with LocalStore(tmp_path / "docs" / "index").writer():
        (tmp_path / "docs" / "c.txt").write_text("gamma")
        watch.wait_until_it_says("another process is writing")
    assert watch.counts() == {"added": 1, "unchanged": 2}
