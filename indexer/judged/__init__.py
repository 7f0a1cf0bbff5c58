"""Open judged collections: whatever people have, as queries, judgements and a corpus.

rows           question and answer files of any format, row by row
pairs          rows as a collection: each answer is relevant to its question
tables         corpus, queries and judgements of any source, as a folder in BEIR's layout
known          the collections that have a name
hub            LEAF (datasets): collections and rows of repositories
arrow          LEAF (pyarrow)
written        files that are there whole or not at all
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Final

from engine.errors import CollectionError
from engine.evaluation.beir import CORPUS, QUERIES, read_beir, splits
from indexer.judged.known import NAMES, known
from indexer.judged.pairs import read_pairs
from indexer.judged.rows import SUFFIXES
from indexer.judged.tables import choose_split

if TYPE_CHECKING:
    from engine.evaluation.collection import Collection

__all__ = ["open_collection"]

_REPOSITORY: Final = re.compile(r"\w[\w.-]*/\w[\w.-]*")


def open_collection(
    what: str,
    *,
    split: str | None,
    into: Path,
    lenient: bool = False,
    subset: str | None = None,
    revision: str | None = None,
) -> Collection:
    """Return a judged collection, of a folder, a file, or the hub.

    Args:
        what: a folder in BEIR's layout, a file of questions and answers, a known name, a dataset
            of the hub (`owner/name`), or the folder of a copy of one.
        split: None: `test`, or the only one there is.
        into: the folder that gets the corpus where what was given is none.
        lenient: leave out what cannot be used, and note it; otherwise it is an error.
        subset: of a dataset of the hub.
        revision: of a dataset of the hub.

    Raises:
        CollectionError: naming file and line, or saying what `what` may be.
    """
    path = Path(what)
    if _is_beir(path):
        there = splits(path)
        chosen = choose_split(there, None, what) if there and split is None else split or "test"
        return read_beir(path, chosen, lenient=lenient)
    if path.is_file():
        if split is not None:
            raise CollectionError(f"{what} has no splits; ask for none")
        return read_pairs(path, into, lenient=lenient)
    if not _may_be_dataset(path, what):
        raise CollectionError(
            f"{what} is no collection: it may be a folder with {CORPUS}, {QUERIES} and qrels, a"
            f" file of questions and answers ({', '.join(SUFFIXES)}), a dataset of the hub"
            f" (owner/name), or one of {', '.join(NAMES[:5])}, ..."
        )
    from indexer.judged.hub import load_hub

    return load_hub(what, into, split=split, subset=subset, revision=revision, lenient=lenient)


def _is_beir(path: Path) -> bool:
    """Tell a folder in BEIR's layout, also one that lacks a part."""
    return any((path / name).is_file() for name in (CORPUS, QUERIES)) or bool(splits(path))


def _may_be_dataset(path: Path, what: str) -> bool:
    if path.is_dir():
        return any(one.suffix.lower() in SUFFIXES for one in path.rglob("*"))
    if path.suffix.lower() in SUFFIXES:
        return False  # a file that is not there
    return known(what) is not None or _REPOSITORY.fullmatch(what) is not None
