from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from engine.config import IndexSettings
from engine.errors import CollectionError
from engine.evaluation.beir import read_beir
from indexer.judged.indexes import index_of
from tests.indexing import CountingEncoder
from tests.judged import write_collection

if TYPE_CHECKING:
    from pathlib import Path

SETTINGS = IndexSettings(encoder="hash", dim=64)


def test_an_index_is_made_once(tmp_path: Path) -> None:
    collection = read_beir(write_collection(tmp_path / "small"))
    encoder = CountingEncoder()
    folder = index_of(collection, tmp_path / "cache", encoder, SETTINGS)
    read = len(encoder.read)
    assert read > 0
    mark = (folder / "catalog.sqlite").stat().st_mtime_ns
    assert index_of(collection, tmp_path / "cache", encoder, SETTINGS) == folder
    assert (len(encoder.read), (folder / "catalog.sqlite").stat().st_mtime_ns) == (read, mark)


def test_other_settings_or_another_corpus_have_another_index(tmp_path: Path) -> None:
    folder = write_collection(tmp_path / "small")
    collection, cache = read_beir(folder), tmp_path / "cache"
    first = index_of(collection, cache, CountingEncoder(), SETTINGS)
    assert index_of(collection, cache, CountingEncoder(), replace(SETTINGS, language="de")) != first
    with (folder / "corpus.jsonl").open("a") as file:
        file.write('{"_id": "new", "title": "", "text": "a new document"}\n')
    assert index_of(read_beir(folder), cache, CountingEncoder(), SETTINGS) != first


def test_an_index_whose_build_was_stopped_is_built_to_its_end(tmp_path: Path) -> None:
    folder = write_collection(tmp_path / "small")
    cache = tmp_path / "cache"
    place = index_of(read_beir(folder), cache, CountingEncoder(), SETTINGS)
    (place / "collection.json").unlink()
    encoder = CountingEncoder()
    assert index_of(read_beir(folder), cache, encoder, SETTINGS) == place
    assert (place / "collection.json").exists()
    assert encoder.read == []
    # and where the collection moved meanwhile
    (place / "collection.json").unlink()
    folder.rename(tmp_path / "moved")
    moved = replace(read_beir(tmp_path / "moved"), name="small")
    assert index_of(moved, cache, encoder, SETTINGS) == place
    assert (place / "collection.json").exists()


def test_a_collection_without_a_corpus_has_no_index_of_its_own(tmp_path: Path) -> None:
    collection = replace(read_beir(write_collection(tmp_path / "small")), corpus=None)
    with pytest.raises(CollectionError, match="give an index"):
        index_of(collection, tmp_path, CountingEncoder(), SETTINGS)
