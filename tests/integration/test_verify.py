"""Damage is told, never answered from; what is derived can be made anew."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from typing import TYPE_CHECKING, Final

import pytest

from engine.config import IndexSettings
from engine.errors import DamagedIndex, IndexFault
from engine.local.store import LocalStore
from engine.local.verify import verify
from tests.contract.store import DIM, ask, commit, put
from tests.integration.test_crash import ROOT

if TYPE_CHECKING:
    from pathlib import Path

QUERIES: Final = ["alpha", "beta gamma", '"alpha beta"', "gam*", "-alpha"]
# Damages every file in every way, and says what verify and a search make of it.
DAMAGER: Final = """
import json, shutil, sys
from pathlib import Path
from engine.errors import IndexFault
from engine.local.store import LocalStore
from engine.local.verify import verify
from tests.contract.store import ask

source, work, queries = Path(sys.argv[1]), Path(sys.argv[2]), json.loads(sys.argv[3])
flips = int(sys.argv[4])
names = sorted(p.relative_to(source) for p in source.rglob("*") if p.is_file())
named = LocalStore(source).snapshot().parts
names = [n for n in names if str(n).startswith((named.text, named.dense)) and n.suffix != ".lock"]
for name in names:
    size = (source / name).stat().st_size
    ways = ["missing", "short", *(f"flip {size * n // flips}" for n in range(flips))]
    for way in ways:
        shutil.rmtree(work, ignore_errors=True)
        shutil.copytree(source, work)
        data = bytearray((work / name).read_bytes())
        if way == "missing":
            (work / name).unlink()
        elif way == "short":
            (work / name).write_bytes(data[: len(data) // 2])
        else:
            data[int(way.split()[1])] ^= 0x5A
            (work / name).write_bytes(data)
        verdict = verify(work)
        try:
            asker = ask(LocalStore(work))
            found = [asker.both(query, 50) for query in queries]
            opened = "answered"
        except IndexFault as error:
            opened = "refused"  # anything else, a Rust panic too, ends this process
        print(json.dumps([str(name), way, verdict.damage, verdict.beyond_repair, opened]))
        if way != "missing":
            continue
        with LocalStore(work).writer() as writer:
            writer.rebuild()
        assert verify(work).damage == [], name
        repaired = [ask(LocalStore(work)).both(query, 50) for query in queries]
        assert repaired == [ask(LocalStore(source)).both(query, 50) for query in queries], name
"""


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    """300 passages in a dense file, some of them gone, and a tail; no deleted text."""
    store = LocalStore(tmp_path / "index", IndexSettings(dim=DIM))
    commit(store, {f"{n:02}": [f"alpha {'beta ' * (n % 4)} gamma{n}"] * 15 for n in range(20)})
    with store.writer() as writer:
        writer.delete_document("07")
        put(writer, "new", "alpha beta newer")
        writer.commit()
    with store.writer() as writer:
        writer.rebuild()
    with store.writer() as writer:
        put(writer, "newest", "alpha beta newest")
        writer.commit()
    return store


def test_a_whole_index_is_whole(store: LocalStore) -> None:
    verdict = verify(store.folder)
    assert verdict.whole
    assert (verdict.documents, verdict.passages, verdict.vectors) == (21, 287, 287)
    assert verdict.generation == store.snapshot().generation == 4
    assert verdict.strangers == []
    assert verdict.files > 5


@pytest.mark.parametrize("flips", [3, pytest.param(60, marks=pytest.mark.slow)])
def test_every_damage_to_a_derived_file_is_told_and_repaired(
    store: LocalStore, tmp_path: Path, flips: int
) -> None:
    command = [sys.executable, "-c", DAMAGER, str(store.folder), str(tmp_path / "work")]
    done = subprocess.run(
        [*command, json.dumps(QUERIES), str(flips)],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=110,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    told = [json.loads(line) for line in done.stdout.splitlines()]
    assert len({name for name, *_ in told}) > 5
    for name, way, damage, beyond_repair, opened in told:
        assert any(line.startswith(name) for line in damage), (name, way)
        assert not beyond_repair
        if name.startswith("dense") or way == "missing":
            assert opened == "refused" or name.endswith(".managed.json"), (name, way)


def test_a_missing_part_is_damage_to_readers_and_writers(store: LocalStore) -> None:
    shutil.rmtree(store.folder / store.snapshot().parts.text)
    assert any("missing" in line for line in verify(store.folder).damage)
    with pytest.raises(DamagedIndex):
        store.snapshot()
    with store.writer() as writer, pytest.raises(DamagedIndex, match="repair"):
        put(writer, "more", "alpha")
    with store.writer() as writer:
        writer.rebuild()
    assert verify(store.folder).damage == []
    assert len(ask(store).text("alpha", 999)) == 287


def test_passages_that_the_text_part_lacks_are_found_out(store: LocalStore) -> None:
    """Its files are whole, but of another index: only counting every passage tells."""
    other = LocalStore(store.folder.with_name("other"), IndexSettings(dim=DIM))
    commit(other, {"a": ["alpha"] * 3})
    mine, theirs = (s.folder / s.snapshot().parts.text for s in (store, other))
    shutil.rmtree(mine)
    shutil.copytree(theirs, mine)
    connection = sqlite3.connect(store.folder / "catalog.sqlite")
    connection.execute("DELETE FROM part WHERE name LIKE 'text/%'")
    connection.commit()
    connection.close()
    assert any("passages missing" in line for line in verify(store.folder).damage)


def test_vectors_that_differ_from_the_catalogue_s_are_found_out(store: LocalStore) -> None:
    connection = sqlite3.connect(store.folder / "catalog.sqlite")
    [(through,)] = connection.execute("SELECT max(passage) FROM vector WHERE passage < 250")
    value = b"\x00\x3c" + b"\x00\x00" * (DIM - 1)
    connection.execute("UPDATE vector SET value = ? WHERE passage = ?", (value, through))
    connection.commit()
    connection.close()
    assert verify(store.folder).damage == ["dense: vectors differ from the catalogue's"]


def test_rows_that_belong_to_nothing_are_beyond_repair(store: LocalStore) -> None:
    connection = sqlite3.connect(store.folder / "catalog.sqlite")
    connection.execute("DELETE FROM document WHERE key = '03'")  # foreign keys are off here
    connection.commit()
    connection.close()
    verdict = verify(store.folder)
    assert verdict.beyond_repair
    assert "belong to nothing" in verdict.damage[0]


@pytest.mark.parametrize("share", [0.0, 0.1, 0.5, 0.9])
def test_a_truncated_catalogue_is_told(store: LocalStore, share: float) -> None:
    path = store.folder / "catalog.sqlite"
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    if not share:  # an empty catalogue is as good as none
        with pytest.raises(IndexFault, match="no index"):
            verify(store.folder)
        return
    verdict = verify(store.folder)
    assert verdict.beyond_repair
    assert not verdict.whole


def test_a_catalogue_with_flipped_bytes_never_raises_what_is_not_ours(store: LocalStore) -> None:
    path = store.folder / "catalog.sqlite"
    data = path.read_bytes()
    told = 0
    for at in range(0, len(data), max(1, len(data) // 60)):
        flipped = bytearray(data)
        flipped[at : at + 16] = bytes(b ^ 0xFF for b in flipped[at : at + 16])
        path.write_bytes(flipped)
        try:
            told += not verify(store.folder).whole
            ask(store).both("alpha")
        except IndexFault:
            told += 1
    assert told > 10
