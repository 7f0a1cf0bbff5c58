"""Read a folder in BEIR's layout: `corpus.jsonl`, `queries.jsonl`, `qrels/SPLIT.tsv`."""

from __future__ import annotations

import json
from array import array
from typing import TYPE_CHECKING, cast

import numpy as np

from engine.analysis import clean
from engine.errors import CollectionError
from engine.evaluation.collection import Collection
from engine.evaluation.judgements import SHOWN, Faults, Judgements, lines, new_digest

if TYPE_CHECKING:
    import hashlib
    from collections.abc import Iterator, Mapping
    from pathlib import Path

CORPUS, QUERIES = "corpus.jsonl", "queries.jsonl"


def read_beir(folder: Path, split: str = "test", *, lenient: bool = False) -> Collection:
    """Return the queries that a split judges, in their file's order, and their judgements.

    The corpus is read once and not kept: of its millions of lines only the hash of each id.

    Args:
        folder: holds the three files.
        split: names the file in `qrels`.
        lenient: Leave out judgements of unknown documents and queries and queries without text,
            and read negative grades as 0; `notes` counts them. Otherwise they are errors.

    Raises:
        CollectionError: naming file and line of the first thing that is wrong.
    """
    faults = Faults(lenient=lenient)
    judged = _judgements_file(folder, split)
    digests = {name: new_digest() for name in (CORPUS, QUERIES, f"qrels/{split}.tsv")}
    judgements = Judgements(judged, faults, digests[f"qrels/{split}.tsv"])
    queries = _queries(folder / QUERIES, judgements, faults, digests[QUERIES])
    missing = _missing_documents(folder / CORPUS, judgements.documents, faults, digests[CORPUS])
    judgements.check_documents(missing, CORPUS)
    judgements.note_hopeless()
    kept = {query: text for query, text in queries.items() if query in judgements.qrels}
    return Collection(
        name=folder.resolve().name,
        split=split,
        queries=kept,
        qrels={query: judgements.qrels[query] for query in kept},
        corpus=folder / CORPUS,
        checksums={name: digest.hexdigest() for name, digest in digests.items()},
        notes=faults.notes,
    )


def splits(folder: Path) -> list[str]:
    """Return the splits of a BEIR folder that have judgements."""
    return sorted(path.stem for path in (folder / "qrels").glob("*.tsv"))


def _judgements_file(folder: Path, split: str) -> Path:
    if not folder.is_dir():
        raise CollectionError(f"there is no folder {folder}")
    for name in (CORPUS, QUERIES):
        if not (folder / name).is_file():
            packed = (folder / f"{name}.gz").is_file()
            cure = f"; unpack {name}.gz" if packed else "; BEIR's layout needs one"
            raise CollectionError(f"{folder} has no {name}{cure}")
    path = folder / "qrels" / f"{split}.tsv"
    if not path.is_file():
        there = ", ".join(splits(folder)) or "none"
        raise CollectionError(f"{folder} has no qrels/{split}.tsv; the splits there are: {there}")
    return path


def _queries(
    path: Path, judgements: Judgements, faults: Faults, digest: hashlib.blake2b
) -> dict[str, str]:
    """Return the judged queries; of the others only hashes are kept."""
    queries: dict[str, str] = {}
    blank: set[str] = set()
    ids = _Ids(path, "query")
    for number, values in _objects(path, digest):
        id = _id(values, f"{path}:{number}")
        text = clean(_text(values, f"{path}:{number}"))
        ids.add(id)
        if id not in judgements.qrels:
            continue
        if text.strip():
            queries[id] = text
        else:
            problem = f"{path}:{number}: the query {id[:SHOWN]!r} has no text"
            faults.found(problem, "queries without text, left out")
            blank.add(id)
    ids.refuse_repeats()
    judgements.drop(blank)
    judgements.check_queries(queries.__contains__, path.name)
    return queries


def _missing_documents(
    path: Path, judged: set[str], faults: Faults, digest: hashlib.blake2b
) -> set[str]:
    """Return which of some documents a corpus lacks; notes which nothing can find."""
    missing = set(judged)
    ids = _Ids(path, "document")
    for number, values in _objects(path, digest):
        id = _id(values, f"{path}:{number}")
        text = _text(values, f"{path}:{number}")
        ids.add(id)
        if id in missing:
            missing.remove(id)
            if not text.strip() and not str(values.get("title") or "").strip():
                faults.note("judged documents without text, which nothing can find")
    ids.refuse_repeats()
    return missing


def _objects(
    path: Path, digest: hashlib.blake2b | None = None
) -> Iterator[tuple[int, Mapping[str, object]]]:
    for number, line in lines(path, digest):
        try:
            value: object = json.loads(line)
        except (ValueError, RecursionError) as error:
            raise CollectionError(f"{path}:{number}: is not JSON: {error}") from error
        if not isinstance(value, dict):
            raise CollectionError(f"{path}:{number}: is not a JSON object")
        yield number, cast("dict[str, object]", value)


def _id(values: Mapping[str, object], place: str) -> str:
    """Return an id as the index of the same file has it (`indexer.records`)."""
    id = values.get("_id")
    if isinstance(id, str | int | float) and not isinstance(id, bool):
        text = str(id)
        if not text.isascii():  # half of a pair, which UTF-8 cannot say
            text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
        if text := text.strip():
            return text
    raise CollectionError(f'{place}: has no "_id"')


def _text(values: Mapping[str, object], place: str) -> str:
    text = values.get("text")
    if not isinstance(text, str):
        raise CollectionError(f'{place}: has no "text"')
    return text


class _Ids:
    """Finds ids that come twice, with 8 bytes of memory for each.

    Only where two hashes are equal is the file read again, with the ids that have them.
    """

    def __init__(self, path: Path, what: str) -> None:
        self._path = path
        self._what = what
        self._hashes = array("q")

    def add(self, id: str) -> None:
        self._hashes.append(hash(id))

    def refuse_repeats(self) -> None:
        """Raise CollectionError at the first id that came before."""
        hashes, counts = np.unique(np.frombuffer(self._hashes, np.int64), return_counts=True)
        suspects: set[int] = set(hashes[counts > 1].tolist())
        if not suspects:
            return
        seen: set[str] = set()
        repeats: list[tuple[int, str]] = []
        for number, values in _objects(self._path):
            id = _id(values, f"{self._path}:{number}")
            if hash(id) in suspects:
                if id in seen:
                    repeats.append((number, id))
                seen.add(id)
        if repeats:
            number, id = repeats[0]
            more = f" ({len(repeats) - 1:,} more of the kind follow)" if len(repeats) > 1 else ""
            raise CollectionError(
                f"{self._path}:{number}: the {self._what} id {id[:SHOWN]!r} comes twice{more}"
            )
