# pyright: basic
"""Datasets of the hub as `datasets` reads them: copies of repositories, and what it has cached.

Nothing here reaches a network: `tests/conftest.py` says so to the hub's libraries.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest
from datasets import Dataset, config

from engine.errors import CollectionError
from indexer.judged import open_collection
from indexer.judged.hub import load_hub
from indexer.judged.tables import Tables, as_collection
from tests.repositories import COMMIT, leave_in_cache, repository

if TYPE_CHECKING:
    from indexer.judged.tables import Rows
    from tests.repositories import Columns

CORPUS: Columns = {"_id": ["d1", "d2"], "title": ["Mill", None], "text": ["grinds corn", "flour"]}
QUERIES: Columns = {"_id": ["1", "2", "3"], "text": ["who grinds", "who sells", "nobody asks"]}
QRELS: Columns = {"query-id": [1, 2], "corpus-id": ["d1", "d2"], "score": [1, 2]}
JUDGED = {"1": {"d1": 1}, "2": {"d2": 2}}


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a folder of its own, where the cache of `datasets` is too."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(config, "HF_DATASETS_CACHE", tmp_path / "cache")
    return tmp_path


def table(columns: Columns) -> Rows:
    return cast("Rows", Dataset.from_dict(dict(columns)))


def beir(name: str = "BeIR/small") -> Path:
    """Make a repository as BEIR has them, with its judgements in another one."""
    judged = Path(f"{name}-qrels")
    judged.mkdir(parents=True)
    (judged / "test.tsv").write_text("query-id\tcorpus-id\tscore\n1\td1\t1\n2\td2\t2\n")
    (judged / "dev.tsv").write_text("query-id\tcorpus-id\tscore\n3\td1\t1\n")
    return repository(
        name,
        {"corpus/c.parquet": CORPUS, "queries/q.parquet": QUERIES},
        {"corpus/corpus": "corpus/*", "queries/queries": "queries/*"},
    )


def error(name: str, **asked: str | None) -> str:
    with pytest.raises(CollectionError) as caught:
        load_hub(name, Path("into"), **{"split": None, **asked})
    return str(caught.value)


def test_tables_in_memory_become_a_folder_that_is_read_as_any_other(home: Path) -> None:
    tables = Tables(table(CORPUS), table(QUERIES), table(QRELS))
    collection = as_collection(tables, home / "into", name="small", split="test")
    assert collection.label == "small/test"
    assert collection.qrels == JUDGED
    assert list(collection.queries.values()) == ["who grinds", "who sells"]
    corpus = home / "into" / "corpus.jsonl"
    assert collection.corpus == corpus
    documents = [json.loads(line) for line in corpus.read_text().splitlines()]
    assert documents[1] == {"_id": "d2", "title": "", "text": "flour"}
    assert set(collection.checksums) == {"corpus.jsonl", "queries.jsonl", "qrels/test.tsv"}


@pytest.mark.parametrize(
    ("qrels", "message"),
    [
        ({**QRELS, "corpus-id": ["d1", "d9"]}, r"qrels/test\.tsv:3: judges the document 'd9'"),
        ({**QRELS, "score": [1, -1]}, r"qrels/test\.tsv:3: the grade -1 is negative"),
        ({"query-id": ["1"], "score": [1]}, r"no column for the document .*: query-id, score$"),
    ],
)
def test_tables_that_cannot_be_used_are_named_by_file_and_line(
    qrels: Columns, message: str, home: Path
) -> None:
    tables = Tables(table(CORPUS), table(QUERIES), table(qrels))
    with pytest.raises(CollectionError, match=message):
        as_collection(tables, home / "into", name="small", split="test")


def test_judgements_without_grades_may_list_documents(home: Path) -> None:
    qrels = [{"query-id": "1", "corpus-id": ["d1", "d2"]}, {"query-id": "2", "corpus-id": ["d2"]}]
    tables = Tables(table(CORPUS), table(QUERIES), qrels)
    collection = as_collection(tables, home / "into", name="small", split="test")
    assert collection.qrels == {"1": {"d1": 1, "d2": 1}, "2": {"d2": 1}}


def test_the_judgements_may_stand_in_another_repository(home: Path) -> None:
    beir()
    collection = load_hub("BeIR/small", home / "into", split=None)
    assert collection.label == "small/test"
    assert collection.qrels == JUDGED
    assert list(load_hub("BeIR/small", home / "into", split="dev").queries) == ["3"]
    said = error("BeIR/small", split="train")
    assert said == "small has no split 'train'; the splits there are: validation, test"


def test_a_known_collection_is_read_leniently_from_its_repositories(home: Path) -> None:
    beir("BeIR/scifact")
    judgements = "query-id\tcorpus-id\tscore\n1\td1\t-1\n2\td9\t1\n"
    Path("BeIR/scifact-qrels/test.tsv").write_text(judgements)
    collection = load_hub("SciFact", home / "into", split=None)
    assert collection.label == "scifact/test"
    assert collection.qrels == {"1": {"d1": 0}}
    assert collection.notes[0] == "negative grades, read as 0: 1"


def test_a_known_collection_without_splits_has_none(home: Path) -> None:
    files = {"c.parquet": CORPUS, "q.parquet": QUERIES, "r.parquet": QRELS}
    cards = {"corpus/train": "c.parquet", "queries/train": "q.parquet", "qrels/train": "r.parquet"}
    repository("zeta-alpha-ai/NanoSciFact", files, cards)
    for split in (None, "test", "train"):
        collection = load_hub("nano-scifact", home / "into", split=split)
        assert collection.label == "nano-scifact"
        assert collection.qrels == JUDGED
    assert error("nano-scifact", split="dev").endswith("the splits there are: train")


def test_the_folder_of_a_repository_is_a_collection_too(home: Path) -> None:
    folder = beir()
    collection = open_collection(str(folder.resolve()), split=None, into=home / "into")
    assert collection.qrels == JUDGED
    assert collection.name == "small"


def test_a_repository_of_several_collections_has_one_for_each_split(home: Path) -> None:
    splits = {
        f"{table}/{split}": f"{table}/{split}.parquet"
        for table in ("corpus", "queries", "qrels")
        for split in ("NanoA", "NanoB")
    }
    tables = {"corpus": CORPUS, "queries": QUERIES, "qrels": QRELS}
    files = {path: tables[path.partition("/")[0]] for path in splits.values()}
    repository("own/NanoBEIR-en", files, splits)
    collection = load_hub("own/NanoBEIR-en", home / "into", split=None, subset="NanoB")
    assert collection.label == "NanoBEIR-en/NanoB"
    assert collection.qrels == JUDGED
    said = error("own/NanoBEIR-en")
    assert said == "NanoBEIR-en has several splits; the splits there are: NanoA, NanoB"
    said = error("own/NanoBEIR-en", split="NanoA")
    assert said == "there are several collections; choose a subset of: NanoA, NanoB"


def test_a_language_may_be_a_part_of_the_names_of_configurations(home: Path) -> None:
    files = {"c.parquet": CORPUS, "q.parquet": QUERIES, "r.parquet": QRELS}
    cards = {
        "de-corpus/corpus": "c.parquet",
        "de-queries/queries": "q.parquet",
        "de-qrels/test": "r.parquet",
    }
    repository("own/many", files, cards)
    assert load_hub("own/many", home / "into", split=None, subset="de").qrels == JUDGED


def test_pairs_are_read_by_their_columns(home: Path) -> None:
    pairs = {"answer": ["corn", "flour", ""], "question": ["a", "b", "c"]}
    repository("own/pairs", {"data.parquet": pairs}, {"pair/train": "data.parquet"})
    said = error("own/pairs")
    assert said == "pairs/train:3: has no answer in the column 'answer'"
    collection = load_hub("own/pairs", home / "into", split="train[:2]")
    assert collection.label == "pairs/train[:2]"
    assert list(collection.queries.values()) == ["a", "b"]
    lenient = load_hub("own/pairs", home / "into", split=None, lenient=True)
    assert lenient.notes == ("rows without answer, left out: 1",)
    assert error("own/pairs", subset="x").endswith("has no subset 'x'; choose a subset of: pair")
    assert error("own/pairs", split="dev").endswith("no split 'dev'; the splits there are: train")


def test_of_several_subsets_one_must_be_chosen(home: Path) -> None:
    pairs = {"answer": ["corn"], "question": ["a"]}
    cards = {"pair/train": "a.parquet", "triplet/train": "a.parquet"}
    repository("own/pairs", {"a.parquet": pairs}, cards)
    said = error("own/pairs")
    assert said == "own/pairs has several subsets; choose a subset of: pair, triplet"
    assert load_hub("own/pairs", home / "into", split=None, subset="pair").name == "pairs/pair"


@pytest.mark.parametrize("name", ["nfcorpus", "NanoMSMARCO", "owner/name"])
def test_without_a_network_one_sentence_says_so(name: str) -> None:
    assert error(name) == (
        f"no collection {name}: there is no such folder, and the hub cannot be reached;"
        " download it elsewhere and give the folder or file"
    )


def test_a_folder_without_data_is_named() -> None:
    folder = Path("own/empty")
    folder.mkdir(parents=True)
    (folder / "notes.jsonl").write_text("no JSON\n")
    assert error("own/empty").startswith("own/empty cannot be read as a dataset: ")


def cached(home: Path) -> None:
    """Leave a dataset in the cache as if it had come from the hub, at a commit."""
    leave_in_cache(home / "cache", "own/pairs", {"answer": ["corn"], "question": ["a"]})


def test_what_is_cached_is_used_offline_and_its_commit_noted(home: Path) -> None:
    cached(home)
    collection = load_hub("own/pairs", home / "into", split="train")
    assert list(collection.queries.values()) == ["a"]
    assert collection.notes == (f"own/pairs at {COMMIT}",)
    assert load_hub("own/pairs", home / "into", split="train", revision=COMMIT) == collection


def test_another_revision_than_the_one_asked_for_is_never_taken_from_the_cache(home: Path) -> None:
    cached(home)
    said = error("own/pairs", split="train", revision="f" * 40)
    assert said == (
        f"the hub cannot be reached, and of own/pairs the revision {COMMIT} is cached,"
        f" not {'f' * 40}"
    )
