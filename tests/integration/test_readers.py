"""Readers beside a writer in another process: each sees one commit, whole, and keeps it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from engine.config import IndexSettings
from engine.errors import NoIndex
from engine.local.store import LocalStore
from tests.contract.store import DIM, ask, commit
from tests.integration.test_crash import ROOT, start_writer, state_of

if TYPE_CHECKING:
    from collections.abc import Iterator

READER: Final = """
import os, sys
import numpy.ma  # imported late by numpy, when this user may not be able to read it any more
from pathlib import Path
from engine.errors import ShortlistError
from engine.local.store import LocalStore
from engine.local.verify import verify
from tests.contract.store import ask

if os.geteuid() == 0:
    os.setuid(65534)  # nobody; root may write everything
try:
    asker = ask(LocalStore(Path(sys.argv[1])))
except ShortlistError as error:
    print(type(error).__name__, error)
else:
    print(asker.text("alpha"), asker.near("alpha"), sep="\\n")
    asker.snapshot.close()
    print(verify(Path(sys.argv[1])).damage)
"""


def test_every_read_beside_a_writer_sees_one_whole_commit(tmp_path: Path) -> None:
    folder = tmp_path / "index"
    writer = start_writer(folder, 40)

    def read() -> list[int]:
        states: list[int] = []
        while writer.poll() is None:
            try:
                states.append(state_of(folder))
            except NoIndex:
                time.sleep(0.01)  # before the first commit
        return states

    with ThreadPoolExecutor(2) as pool:
        readers = [pool.submit(read) for _ in range(2)]
        _, errors = writer.communicate(timeout=100)
        seen = [reader.result() for reader in readers]
    assert errors == ""
    assert state_of(folder) == 40
    for states in seen:
        assert states == sorted(states)
        assert len(set(states)) >= 3


def test_a_snapshot_stays_what_it_was_while_another_process_writes(tmp_path: Path) -> None:
    folder = tmp_path / "index"
    start_writer(folder, 3).communicate(timeout=60)
    old = ask(LocalStore(folder))
    before = [old.both("common batch3 temporary", 99), old.snapshot.count()]
    start_writer(folder, 12).communicate(timeout=60)
    assert state_of(folder) == 15
    assert [old.both("common batch3 temporary", 99), old.snapshot.count()] == before
    assert old.snapshot.document_passages("d0")[0][0].passage.text == "common batch3"
    old.snapshot.close()


def test_threads_share_a_snapshot(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "index", IndexSettings(dim=DIM))
    texts = [f"alpha {'beta ' * (n % 5)}{'gamma ' * (n % 3)}" for n in range(400)]
    commit(store, {f"{'xyz'[n % 3]}/{n}": [text] for n, text in enumerate(texts)})
    asker = ask(store)
    asked = [
        (query, where)
        for query in ("alpha beta", "gamma -beta", '"alpha beta"', "bet*", "path:x gamma")
        for where in ("", "path:x", "path:y path:z")
    ]
    alone = [asker.both(query, 20, where) for query, where in asked]
    stored = asker.snapshot.passages(range(1, 400, 7))
    wrong: list[str] = []

    def work() -> None:
        for n in range(3):
            for (query, where), expected in zip(asked, alone, strict=True):
                if asker.both(query, 20, where) != expected:
                    wrong.append(query)
            if asker.snapshot.passages(range(1, 400, 7)) != stored:
                wrong.append(f"passages {n}")

    threads = [threading.Thread(target=work) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


# -- folders that cannot be written ----------------------------------------------------------------


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that every user may read, which pytest's own is not."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def read_without_rights(index: Path) -> list[str]:
    """What a process sees that may only read the index."""
    for path in [index, *index.rglob("*")]:
        path.chmod(0o555 if path.is_dir() else 0o444)
    command = [sys.executable, "-c", READER, str(index)]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        command, cwd="/", env=environment, capture_output=True, text=True, timeout=60
    )
    assert done.stderr == ""
    return done.stdout.splitlines()


def test_an_index_on_a_read_only_medium_answers_the_same(open_folder: Path) -> None:
    store = LocalStore(open_folder / "index", IndexSettings(dim=DIM))
    commit(store, {f"{n}": [f"alpha {n}"] * 60 for n in range(5)})
    commit(store, {"3": ["alpha again"]})
    asker = ask(store)
    expected = [str(hits) for hits in asker.both("alpha")]
    asker.snapshot.close()
    with store.writer():
        pass
    before = sorted(p.name for p in store.folder.rglob("*"))
    assert read_without_rights(store.folder) == [*expected, "[]"]
    assert sorted(p.name for p in store.folder.rglob("*")) == before
    for path in [store.folder, *store.folder.rglob("*")]:
        path.chmod(0o755)


def test_a_read_only_copy_of_an_index_being_written_says_what_to_do(open_folder: Path) -> None:
    store = LocalStore(open_folder / "index", IndexSettings(dim=DIM))
    commit(store, {"a": ["alpha"]})
    reader = store.snapshot()
    commit(store, {"b": ["alpha"]})  # its commit stays in the log, which the reader holds
    copy = open_folder / "copy"
    shutil.copytree(store.folder, copy, ignore=shutil.ignore_patterns("*-shm"))
    reader.close()
    [line] = read_without_rights(copy)
    assert line.startswith("IndexFault")
    assert "writable" in line
    for path in [copy, *copy.rglob("*")]:
        path.chmod(0o755)
