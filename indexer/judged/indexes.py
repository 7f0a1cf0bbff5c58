"""Indexes of judged collections, made once and found again by what they were made from."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from typing import TYPE_CHECKING, Final

from engine.assemble import open_store
from engine.errors import CollectionError, SourceError
from engine.local.schema import FORMAT
from indexer.build import build

if TYPE_CHECKING:
    from pathlib import Path

    from engine.config import IndexSettings
    from engine.evaluation.collection import Collection
    from engine.protocols import Encoder
    from indexer.report import Progress

_WHOLE: Final = "collection.json"  # stands in the index's folder once its build has ended


def index_of(
    collection: Collection,
    cache: Path,
    encoder: Encoder,
    settings: IndexSettings,
    progress: Progress | None = None,
) -> Path:
    """Return the index of a collection's corpus, built if it is not there.

    It lies in the cache under a name made of the corpus' content, the settings and the format of
    indexes, so a changed corpus, encoder or passage length gets another index. A build that was
    stopped goes on where it was.

    Raises:
        CollectionError: if the collection has no corpus.
    """
    if collection.corpus is None:
        raise CollectionError(f"{collection.label} has no corpus of its own; give an index (-i)")
    checksum = collection.checksums[collection.corpus.name]
    told = json.dumps([checksum, settings.to_json(), FORMAT])
    digest = hashlib.blake2b(told.encode(), digest_size=6).hexdigest()
    name = re.sub(r"[^\w.-]+", "-", collection.name).strip("-") or "collection"
    folder = cache / "indexes" / f"{name}-{digest}"
    if (folder / _WHOLE).exists():
        return folder
    try:
        build(open_store(folder, settings), encoder, [collection.corpus], progress=progress)
    except SourceError:  # it was begun from the same corpus in another place
        shutil.rmtree(folder)
        build(open_store(folder, settings), encoder, [collection.corpus], progress=progress)
    (folder / _WHOLE).write_text(json.dumps({"collection": collection.name, "corpus": checksum}))
    return folder
