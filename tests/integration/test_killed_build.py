"""`kill -9` at random moments of a build: nothing is lost, and every rerun gets further."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from typing import TYPE_CHECKING, cast

import pytest

from engine.answer import SearchRequest
from engine.config import IndexSettings
from engine.local.store import LocalStore
from engine.local.verify import verify
from engine.search import SearchEngine
from indexer.build import build
from tests.commands import environment
from tests.fakes import HashEncoder

if TYPE_CHECKING:
    from pathlib import Path
    from typing import IO

# Commits after every document, and says so after each by a byte.
DRIVER = """
import sys
from pathlib import Path
from engine.config import IndexSettings
from engine.local.store import LocalStore
from indexer.build import BuildOptions, build
from tests.fakes import HashEncoder

class Say:
    def start(self, root, files, total_bytes): pass
    def advance(self, path, done_bytes): print(end=".", flush=True)
    def finish(self): pass

docs, index = map(Path, sys.argv[1:])
store = LocalStore(index, IndexSettings(encoder="hash", dim=64))
build(store, HashEncoder(), [docs], BuildOptions(commit_seconds=0), Say())
"""
WORDS = [f"word{n}" for n in range(60)]


def fill(docs: Path, chance: random.Random, count: int) -> None:
    """Write so many files, and a record file of as many records."""
    docs.mkdir()
    lines = [" ".join(chance.choices(WORDS, k=40)) for _ in range(2 * count)]
    for number, line in enumerate(lines[:count]):
        (docs / f"note{number}.txt").write_text(line)
    records = "".join(f"{number},{line}\n" for number, line in enumerate(lines[count:]))
    (docs / "records.csv").write_text(f"id,text\n{records}")


def run_and_kill(docs: Path, index: Path, dots: int, pause: float) -> bool:
    """Kill a build some time after so many documents; return whether it was done before."""
    driver = subprocess.Popen(
        [sys.executable, "-c", DRIVER, docs, index], stdout=subprocess.PIPE, env=environment()
    )
    with cast("IO[bytes]", driver.stdout) as told:
        told.read(dots)
        time.sleep(pause)
        driver.kill()
        driver.wait()
    return driver.returncode == 0


def documents(index: Path) -> int:
    """Return how many documents are committed."""
    snapshot = LocalStore(index).snapshot()
    try:
        return snapshot.count()[0]
    finally:
        snapshot.close()


def answers(index: Path) -> list[list[tuple[str, float]]]:
    """Return documents and scores for 50 queries."""
    engine = SearchEngine(LocalStore(index).snapshot(), HashEncoder(), None)
    chance = random.Random(50)
    try:
        queries = [" ".join(chance.choices(WORDS, k=3)) for _ in range(50)]
        found = engine.search_many([SearchRequest(query=query, k=20) for query in queries])
        return [[(r.document, r.score) for r in answer.results] for answer in found]
    finally:
        engine.close()


def survive(home: Path, *, kills: int, count: int) -> None:
    """Kill a build so often, finish it, and compare it with one made in one go."""
    chance = random.Random(kills)
    docs, index = home / "docs", home / "index"
    fill(docs, chance, count)
    before = 0
    for _ in range(kills):
        done = run_and_kill(docs, index, chance.randrange(2, 8), chance.random() * 0.05)
        verdict = verify(index)
        assert verdict.whole, verdict.damage
        now = documents(index)
        assert now > before or done, "the run got no further"
        before = now
    plain = LocalStore(home / "plain", IndexSettings(encoder="hash", dim=64))
    report = build(LocalStore(index), HashEncoder(), [docs])
    assert (report.documents.changed, report.documents.removed) == (0, 0)
    assert report.documents.added + report.documents.unchanged == 2 * count
    build(plain, HashEncoder(), [docs])
    assert verify(index).whole
    assert not verify(index).strangers
    assert documents(index) == 2 * count
    for killed, whole in zip(answers(index), answers(home / "plain"), strict=True):
        assert [document for document, _ in killed] == [document for document, _ in whole]
        for (_, one), (_, other) in zip(killed, whole, strict=True):
            assert abs(one - other) < 1e-4


def test_a_build_killed_four_times_ends_as_one_made_in_one_go(tmp_path: Path) -> None:
    survive(tmp_path, kills=4, count=20)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_build_killed_twenty_times_ends_as_one_made_in_one_go(tmp_path: Path) -> None:
    survive(tmp_path, kills=20, count=100)


def test_a_first_build_killed_before_its_first_commit_left_no_index(tmp_path: Path) -> None:
    fill(tmp_path / "docs", random.Random(1), 3)
    code = DRIVER.replace("commit_seconds=0", "commit_seconds=60").replace(
        'print(end=".", flush=True)', "__import__('os').kill(__import__('os').getpid(), 9)"
    )
    index = tmp_path / "index"
    subprocess.run([sys.executable, "-c", code, tmp_path / "docs", index], env=environment())
    assert (index / "catalog.sqlite").exists()
    assert LocalStore(index).settings() is None
    other = IndexSettings(encoder="hash", dim=64, language="de")
    build(LocalStore(index, other), HashEncoder(), [tmp_path / "docs"])
    assert LocalStore(index).settings() == other
    assert documents(index) == 6
