"""The judged collections of `SHORTLIST_DATA`, and which splits serve for what.

They are folders in BEIR's layout, but for the sources of train-mix that no model learned from: of
these a collection is made, with the source as its split.
"""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from benchmarks.material import WATCHED, write_unseen
from engine.errors import CollectionError
from engine.evaluation.beir import read_beir

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.evaluation.collection import Collection

Split = tuple[str, str]  # collection, split

LANGUAGES: Final = ("ar", "de", "el", "en", "es", "hi", "ro", "ru", "th", "tr", "vi", "zh")
MULTILINGUAL: Final = "xquad-multi"
UNSEEN: Final = "train-mix"
# Where choices are made, and where they are reported; never the same.
DEV: Final[tuple[Split, ...]] = (
    ("scifact", "train"),
    ("squad", "dev"),
    ("medquad", "dev"),
    ("tldr-commands", "dev"),
)
TEST: Final[tuple[Split, ...]] = (
    ("scifact", "test"),
    ("cranfield", "test"),
    ("squad", "test1k"),
    ("medquad", "test"),
    ("tldr-commands", "test"),
    *((UNSEEN, source) for source in WATCHED),
    *((MULTILINGUAL, language) for language in LANGUAGES),
)


def data_folder() -> Path | None:
    """Return the folder of judged collections, or None where there is none."""
    place = os.environ.get("SHORTLIST_DATA")
    return Path(place) if place and Path(place).is_dir() else None


def folder_of(name: str) -> Path:
    """Return the folder of a collection.

    Raises:
        CollectionError: if SHORTLIST_DATA does not lead to it.
    """
    data = data_folder()
    if data is None:
        raise CollectionError("SHORTLIST_DATA does not name a folder of judged collections")
    return data / name


def load(name: str, split: str, cache: Path) -> Collection:
    """Return a collection; one that must be made is written into the cache.

    Raises:
        CollectionError: if it is not there or something in it is bad.
    """
    folder = folder_of(name)
    if name != UNSEEN:
        return read_beir(folder, split)
    if not (folder / f"{split}.jsonl.gz").is_file():
        raise CollectionError(f"there is no {split}.jsonl.gz in {folder}")
    made = cache / UNSEEN / split
    write_unseen(folder.parent, made, split)
    return replace(read_beir(made), name=UNSEEN, split=split)


def chosen(splits: Sequence[Split], only: Sequence[str]) -> list[Split]:
    """Return the splits of these names (`scifact`, `xquad-multi/de`), or all of them.

    Raises:
        CollectionError: naming what there is.
    """
    known = {label for name, split in splits for label in (name, f"{name}/{split}")}
    for label in only:
        if label not in known:
            raise CollectionError(f"there is no {label}; there are: {', '.join(sorted(known))}")
    return [
        (name, split)
        for name, split in splits
        if not only or name in only or f"{name}/{split}" in only
    ]
