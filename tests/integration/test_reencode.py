"""An index that gets another encoder: as one made with it, and whole whatever interrupts that."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from typing import TYPE_CHECKING, cast

import numpy as np
import pytest
from safetensors.numpy import load, save

from engine.answer import SearchRequest
from engine.assemble import open_engine, open_store
from engine.config import IndexSettings
from engine.local.store import LocalStore
from engine.local.verify import verify
from indexer.build import build
from tests.commands import environment, shortlist
from tests.fakes import HashEncoder
from tests.tiny_models import save_static

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from typing import IO

    from engine.types import FloatArray

WORDS = ["the", "red", "blue", "sea", "fish", "heart", "what", "is", "a", "of", "swims", "mill"]
# Encodes an index again by an encoder of other vectors, and says so after each batch by a byte.
DRIVER = """
import sys
from pathlib import Path
from engine.local.store import LocalStore
from indexer.reencoding import reencode
from tests.fakes import HashEncoder

class Say:
    def start(self, what, total, done): pass
    def advance(self, passages): print(end=".", flush=True)
    def finish(self): print(end="!", flush=True)

reencode(LocalStore(Path(sys.argv[1])), HashEncoder("other", dim=96), "there", Say())
"""


def vectors(index: Path) -> dict[tuple[str, int], tuple[str, bytes | None]]:
    """Return text and vector of every passage, by document and number."""
    snapshot = LocalStore(index).snapshot()
    try:
        return {
            (document.id, stored.passage.number): (stored.passage.text, _bytes(vector))
            for document in snapshot.documents(limit=10_000)
            for stored, vector in snapshot.document_passages(document.id)
        }
    finally:
        snapshot.close()


def _bytes(vector: FloatArray | None) -> bytes | None:
    return None if vector is None else vector.tobytes()


def answers(index: Path, queries: Sequence[str]) -> list[list[tuple[str, float]]]:
    engine = open_engine(index, "none")
    try:
        requests = [SearchRequest(query=query, k=20, sources="dense") for query in queries]
        return [[(r.document, r.score) for r in a.results] for a in engine.search_many(requests)]
    finally:
        engine.close()


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    docs = tmp_path / "docs"
    docs.mkdir()
    pick = random.Random(1)
    text = " ".join(pick.choices(WORDS, k=900))
    (docs / "guide.md").write_text(f"# The sea\n\n{text}\n\n## Fish of it\n\n{text[:2000]}\n")
    (docs / "empty.txt").write_text("")
    (docs / "unknown.txt").write_text("zzz qqq")
    # What cannot be stored as it is: a lone surrogate and NUL.
    records = [{"id": "s", "title": "red\udc80sea", "text": "the\u0000sea \ud800fish"}]
    records += [{"id": f"{n}", "text": " ".join(pick.choices(WORDS, k=30))} for n in range(600)]
    (docs / "records.jsonl").write_text("\n".join(json.dumps(row) for row in records))
    return docs


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    return save_static(tmp_path / "tiny")


def test_an_index_encoded_again_is_as_one_that_was_made_so(
    docs: Path, tiny: Path, tmp_path: Path
) -> None:
    index, fresh = tmp_path / "index", tmp_path / "fresh"
    assert shortlist("index", docs, "-i", index).code == 0
    assert shortlist("index", docs, "-i", fresh, "--encoder", tiny).code == 0
    before = LocalStore(index).snapshot()
    outcome = shortlist("index", "-i", index, "--encoder", tiny)
    assert outcome.code == 0, outcome.err
    assert "encoded again by tiny@" in outcome.err
    assert "shortlist-static@" in outcome.err
    assert outcome.out.startswith("passages: 6")
    assert LocalStore(index).settings() == LocalStore(fresh).settings()
    assert vectors(index) == vectors(fresh)
    queries = ["red fish", "what is the heart of the sea", "zzz"]
    assert answers(index, queries) == answers(fresh, queries)
    after = LocalStore(index).snapshot()
    assert after.generation == before.generation + 1
    assert after.parts.text == before.parts.text
    assert after.parts.dense != before.parts.dense
    assert verify(index).whole
    again = shortlist("index", "-i", index, "--encoder", tiny)
    assert (again.code, "already" in again.out) == (0, True)
    assert LocalStore(index).snapshot().generation == after.generation


def test_the_default_encoder_comes_back_and_an_update_goes_with_it(
    docs: Path, tiny: Path, tmp_path: Path
) -> None:
    index = tmp_path / "index"
    assert shortlist("index", docs, "-i", index, "--encoder", tiny).code == 0
    (docs / "new.txt").write_text("renew a passport")
    outcome = shortlist("index", docs, "-i", index, "--encoder", "", "--json")
    assert outcome.code == 0, outcome.err
    assert json.loads(outcome.out)["documents"]["added"] == 1
    settings = open_store(index).settings()
    assert settings is not None
    assert (settings.dim, settings.encoder_source) == (256, "")
    assert answers(index, ["passport renewal"])[0][0][0] == "new.txt"
    said = shortlist("index", "-i", index, "--encoder", tiny, "--json")
    assert json.loads(said.out)["encoded"] == sum(1 for _ in vectors(index))


def test_an_encoder_whose_folder_changed_is_mended_by_encoding_again(
    docs: Path, tiny: Path, tmp_path: Path
) -> None:
    index = tmp_path / "index"
    assert shortlist("index", docs, "-i", index, "--encoder", tiny).code == 0
    (tiny / "model.safetensors").write_bytes(_other_weights(tiny))
    outcome = shortlist("search", "sea", "-i", index, "--no-rerank")
    assert outcome.code == 1
    assert "--encoder" in outcome.err
    assert shortlist("index", "-i", index, "--encoder", tiny).code == 0
    assert shortlist("search", "sea", "-i", index, "--no-rerank").code == 0


def _other_weights(folder: Path) -> bytes:
    table = load((folder / "model.safetensors").read_bytes())["embedding.weight"]
    return save({"embedding.weight": np.ascontiguousarray(table[:, ::-1])})


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("-i", "nowhere", "--encoder", "TINY"), "give PATHS"),
        (("-i", "nowhere"), "PATHS"),
        (("-i", "nowhere", "--encoder", "TINY", "--watch"), "PATHS"),
    ],
)
def test_without_paths_there_must_be_an_index_and_an_encoder(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, args: tuple[str, ...], words: str
) -> None:
    monkeypatch.chdir(tmp_path)
    outcome = shortlist("index", *(str(tiny) if arg == "TINY" else arg for arg in args))
    assert outcome.code == 2
    assert words in outcome.err
    assert not (tmp_path / "nowhere").exists()


# -- kill -9 -------------------------------------------------------------------------------------


def run_and_kill(index: Path, bytes_seen: int, pause: float) -> bool:
    """Kill an encoding some time after so many batches; return whether it was done before."""
    driver = subprocess.Popen(
        [sys.executable, "-c", DRIVER, index], stdout=subprocess.PIPE, env=environment()
    )
    with cast("IO[bytes]", driver.stdout) as told:
        told.read(bytes_seen)
        time.sleep(pause)
        driver.kill()
        driver.wait()
    return driver.returncode == 0


def test_an_encoding_that_is_killed_leaves_the_index_as_it_was(docs: Path, tmp_path: Path) -> None:
    index = tmp_path / "index"
    (docs / "more.csv").write_text("id,text\n" + "".join(f"m{n},sea {n}\n" for n in range(2500)))
    settings = IndexSettings(encoder="hash", dim=64)
    build(LocalStore(index, settings), HashEncoder(), [docs])
    old = vectors(index)
    chance = random.Random(4)
    for batches in (1, 3, 6, 7, 7, 7):  # seven batches; what comes after is the commit
        done = run_and_kill(index, batches, chance.random() * 0.05)
        verdict = verify(index)
        assert verdict.whole, verdict.damage
        found = LocalStore(index).settings()
        if done or found != settings:
            break
        assert vectors(index) == old
        assert LocalStore(index).snapshot().generation == 1
    else:
        subprocess.run([sys.executable, "-c", DRIVER, index], env=environment(), check=True)
    assert verify(index).whole
    assert verify(index).strangers == []
    found = LocalStore(index).settings()
    assert found == IndexSettings(encoder="other", encoder_source="there", dim=96)
    new = vectors(index)
    assert {key: text for key, (text, _) in new.items()} == {k: t for k, (t, _) in old.items()}
    assert all(value is None or len(value) == 4 * 96 for _, value in new.values())
