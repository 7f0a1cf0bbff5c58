# pyright: basic
"""What `train` learns from: files, mined sets, datasets of the hub and copies of them.

Nothing here reaches a network: `tests/conftest.py` says so to the hub's libraries.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from datasets import config

from engine.errors import CollectionError, UsageError
from indexer.training.examples import Candidate, Example
from indexer.training.guards import MiningOptions
from indexer.training.mined import write
from indexer.training.mining import mine
from indexer.training.resolved import resolve
from indexer.training.sources import Reading, read_sources
from tests.fakes import HashEncoder, make_engine
from tests.repositories import COMMIT, leave_in_cache, repository

LIBRARY = {"mill": "the mill grinds corn", "sea": "ships cross the sea", "moon": "a moon of cheese"}
PAIRS = {"answer": ["corn", "flour"], "question": ["a", "b"], "negative": ["sea", "moon"]}
CORPUS = {"_id": ["d1", "d2"], "title": ["Mill", None], "text": ["grinds corn", "flour"]}
QUERIES = {"_id": ["1", "2"], "text": ["who grinds", "who sells"]}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder of its own, where the cache of `datasets` is too."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(config, "HF_DATASETS_CACHE", tmp_path / "cache")
    return tmp_path


def error(*sources: str, **how: Any) -> str:  # noqa: ANN401
    with pytest.raises((CollectionError, UsageError)) as caught:
        read_sources([Path(one) for one in sources], Reading(**how))
    return str(caught.value)


# -- the hub -------------------------------------------------------------------------------------


def test_a_dataset_is_read_by_its_columns_and_its_commit_noted(home: Path) -> None:
    leave_in_cache(home / "cache", "own/pairs", PAIRS)
    for how in (Reading(), Reading(split="train", revision=COMMIT)):
        [one] = read_sources([Path("own/pairs")], how)
        assert one.name == "own/pairs"
        assert one.kind == "tuples"
        assert one.examples[1] == Example("b", (Candidate("flour", 1.0), Candidate("moon", 0.0)))
        assert one.notes == (f"own/pairs at {COMMIT}",)
        assert list(one.checksums) == ["own/pairs/train"]
    [part] = read_sources([Path("own/pairs")], Reading(split="train[:1]"))
    assert len(part.examples) == 1
    assert "revision" in error("own/pairs", revision="f" * 40)


def test_a_folder_or_file_of_that_name_comes_before_the_hub(home: Path) -> None:
    leave_in_cache(home / "cache", "own/pairs", PAIRS)
    repository("own/pairs", {"a.parquet": {"q": ["c"]} | PAIRS_OF_C}, {"x/train": "a.parquet"})
    [one] = read_sources([Path("own/pairs")])
    assert [example.query for example in one.examples] == ["c"]
    assert one.notes == ("columns ignored (q): 1",)


PAIRS_OF_C = {"question": ["c"], "answer": ["d"]}


def test_of_a_dataset_the_split_train_is_read_and_never_test_unasked() -> None:
    splits = {"default/train": "a.parquet", "default/test": "b.parquet"}
    repository("own/both", {"a.parquet": PAIRS, "b.parquet": PAIRS_OF_C}, splits)
    assert len(read_sources([Path("own/both")])[0].examples) == 2
    repository("own/test", {"b.parquet": PAIRS_OF_C}, {"default/test": "b.parquet"})
    assert "has no split 'train'; the splits there are: test" in error("own/test")
    assert read_sources([Path("own/test")], Reading(split="test"))[0].examples[0].query == "c"


def test_of_several_subsets_one_must_be_chosen() -> None:
    files = {"a.parquet": PAIRS, "b.parquet": PAIRS_OF_C}
    repository("own/many", files, {"pair/train": "a.parquet", "other/train": "b.parquet"})
    assert "choose a subset of: pair, other" in error("own/many")
    [one] = read_sources([Path("own/many")], Reading(subset="other"))
    assert one.name == "many/other"


def test_judged_tables_are_learned_from_as_a_folder_is() -> None:
    judged = {"query-id": [1, 2, 2], "corpus-id": ["d1", "d2", "d1"], "score": [2, 2, 0]}
    files = {"c.parquet": CORPUS, "q.parquet": QUERIES, "r.parquet": judged}
    cards = {"corpus/corpus": "c.parquet", "queries/queries": "q.parquet", "qrels/dev": "r.parquet"}
    repository("own/judged", files, cards)
    assert "no split 'train'" in error("own/judged")
    [one] = read_sources([Path("own/judged")], Reading(split="dev"))
    assert one.kind == "labelled"
    second = (Candidate("flour", 1.0, "d2"), Candidate("Mill\ngrinds corn", 0.0, "d1"))
    assert one.examples[1] == Example("who sells", second)


def test_without_a_network_it_is_said_how_to_go_on() -> None:
    said = error("owner/name")
    assert "the hub cannot be reached; download it elsewhere and give the folder or file" in said


@pytest.mark.parametrize(
    ("sources", "how", "words"),
    [
        (["nowhere"], {}, "there is no file or folder nowhere"),
        (["a/b.csv"], {}, "there is no file or folder a/b.csv"),
        (["nano-nfcorpus"], {}, "made to evaluate with"),
        (["pairs.csv"], {"subset": "x"}, "no source is one"),
    ],
)
def test_what_cannot_be_read_is_said(sources: list[str], how: dict[str, str], words: str) -> None:
    Path("pairs.csv").write_text("query,answer\na,b\n")
    assert words in error(*sources, **how)


# -- what was mined before -----------------------------------------------------------------------


def mined_file(home: Path, label: float = 1.0) -> Path:
    text = f"mill\n{LIBRARY['mill']}"
    examples = [Example("what grinds", (Candidate(text, label, "mill"),))]
    options = MiningOptions(num_negatives=1, random_negatives=1)
    mined = mine(make_engine(LIBRARY, rerank=False), examples, options)
    write(home / "mined.jsonl", mined)
    return home / "mined.jsonl"


def test_a_mined_set_is_learned_from_like_any_tuples(home: Path) -> None:
    [one] = read_sources([mined_file(home)])
    assert (one.name, one.kind) == ("mined", "tuples")
    assert len(one.examples[0].negatives) == 2
    found = resolve(make_engine(LIBRARY, rerank=False).snapshot, HashEncoder(), one)
    assert found.examples[0].candidates[0].document == "mill"
    assert all(c.document for c in found.examples[0].candidates)


def test_a_mined_set_of_another_index_is_learned_from_too(home: Path) -> None:
    [one] = read_sources([mined_file(home)])
    other = make_engine({"mill": "another text under this name", "owl": "it flies"}, rerank=False)
    found = resolve(other.snapshot, HashEncoder(), one)
    assert found.examples == one.examples
    assert any("not in the index" in note for note in found.notes)


def test_a_graded_mined_set_keeps_its_grades_and_a_damaged_one_is_refused(home: Path) -> None:
    path = mined_file(home, 0.5)
    [one] = read_sources([path])
    assert one.kind == "labelled"
    assert [c.label for c in one.examples[0].candidates] == [0.5, 0.0, 0.0]
    header, line = path.read_text().splitlines()
    path.write_text(header + "\n")
    with pytest.raises(UsageError, match="is damaged"):
        read_sources([path])
    path.write_text(json.dumps({"kind": "other"}) + "\n" + line)
    assert "columns are: kind" in error("mined.jsonl")


def test_two_mined_sets_have_names_of_their_own(home: Path) -> None:
    path = mined_file(home)
    (home / "more").mkdir()
    (home / "more/mined.jsonl").write_bytes(path.read_bytes())
    sets = read_sources([path, home / "more/mined.jsonl"])
    assert [one.name for one in sets] == ["mined", "mined-2"]
    assert replace(sets[1], name="mined") == sets[0]
