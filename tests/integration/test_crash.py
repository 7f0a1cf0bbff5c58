"""`kill -9` at any moment loses only the batch that was not committed, and wedges nothing."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Final

import pytest

from engine.errors import NoIndex
from engine.local.store import LocalStore
from engine.local.verify import verify
from tests.contract.store import ask, documents

ROOT: Final = Path(__file__).parents[2]
# Commit n replaces five documents, adds t<n> and deletes t<n-3>: deletes are what wedged tantivy.
WRITER: Final = """
import sys
from pathlib import Path
from engine.config import IndexSettings
from engine.local.writer import LocalWriter
from tests.contract.store import DIM, put

class Folding(LocalWriter):
    smallest_fold = 8

print("ready", flush=True)
with Folding(Path(sys.argv[1]), IndexSettings(dim=DIM)) as writer:
    stored = writer.document_passages("d0")
    n = int(stored[0][0].passage.text.removeprefix("common batch")) if stored else 0
    last = n + int(sys.argv[2])
    while n < last:
        n += 1
        for d in range(5):
            put(writer, f"d{d}", f"common batch{n}", f"common more{n}")
        put(writer, f"t{n}", "temporary")
        writer.delete_document(f"t{n - 3}")
        writer.commit()
        print(n, flush=True)
"""


def start_writer(folder: Path, commits: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", WRITER, str(folder), str(commits)],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def killed_after(writer: subprocess.Popen[str], acknowledged: int, seconds: float) -> list[int]:
    """Kill a writer some time after its nth commit (0: after its imports); return its commits."""
    assert writer.stdout is not None
    seen: list[int] = []
    while writer.poll() is None and len(seen) <= acknowledged:
        line = writer.stdout.readline().strip()
        if line:
            seen.append(0 if line == "ready" else int(line))
    time.sleep(seconds)
    with contextlib.suppress(ProcessLookupError):
        writer.send_signal(signal.SIGKILL)
    rest, errors = writer.communicate()
    assert errors == ""
    return [*seen, *map(int, rest.split())][1:]


def state_of(folder: Path) -> int:
    """The number of the one commit that everything in the index shows, which is checked."""
    asker = ask(LocalStore(folder))
    snapshot = asker.snapshot
    texts = {d: snapshot.document_passages(f"d{d}") for d in range(5)}
    [n] = {int(stored[0][0].passage.text.removeprefix("common batch")) for stored in texts.values()}
    everything = sorted(f"d{d}" for d in range(5))
    for word in (f"batch{n}", f"more{n}"):
        assert sorted(documents(asker.text(word))) == everything
        nearest = asker.near(word, 5)
        assert len(nearest) == 5
    assert asker.text(f"batch{n - 1}") == asker.text(f"batch{n + 1}") == []
    live = {f"t{m}" for m in range(max(1, n - 2), n + 1)}
    assert set(documents(asker.text("temporary", 99))) == live
    found = documents(asker.near("common", 99, query="common"))
    assert sorted(set(found)) == sorted([*everything, *live])
    assert snapshot.count() == (5 + len(live), 10 + len(live))
    snapshot.close()
    return n


def survive(folder: Path, kills: int, seed: int) -> int:
    """Kill a writer again and again; return how many commits there were in the end."""
    chance = random.Random(seed)
    acknowledged = 0
    for round_ in range(kills):
        writer = start_writer(folder, 10_000)
        commits = killed_after(writer, chance.choice([0, 1, 1, 2]), chance.uniform(0, 0.25))
        acknowledged = max([acknowledged, *commits])
        acknowledged = checked(folder, acknowledged, round_)
    return acknowledged


def checked(folder: Path, acknowledged: int, round_: int) -> int:
    """The commit that a killed writer left: all that it acknowledged, at most one more."""
    try:
        verdict = verify(folder)
    except NoIndex:
        assert acknowledged == 0
        return 0
    assert verdict.damage == [], round_
    n = state_of(folder)
    assert acknowledged <= n <= acknowledged + 1
    return n


def check_that_writing_goes_on(folder: Path, before: int) -> None:
    writer = start_writer(folder, 2)
    out, errors = writer.communicate(timeout=60)
    assert (writer.returncode, errors) == (0, "")
    assert out.split() == ["ready", str(before + 1), str(before + 2)]
    assert state_of(folder) == before + 2
    assert verify(folder).strangers == []
    parts = {p.name for p in (folder / "text").iterdir()}
    assert len(parts) <= 4
    assert not list((folder / "dense").glob("*.tmp"))
    assert LocalStore(folder).snapshot().parts.dense != ""


def test_eight_kills_lose_no_acknowledged_commit_and_progress_is_made(tmp_path: Path) -> None:
    seed = random.randrange(10**6)
    reached = survive(tmp_path / "index", 8, seed)
    assert reached >= 4, f"seed {seed}"
    check_that_writing_goes_on(tmp_path / "index", reached)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", [1, 2])
def test_sixty_kills_lose_no_acknowledged_commit_and_progress_is_made(
    tmp_path: Path, seed: int
) -> None:
    reached = survive(tmp_path / "index", 60, seed)
    assert reached >= 60
    check_that_writing_goes_on(tmp_path / "index", reached)
