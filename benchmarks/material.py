"""What the models that ship learn from: pairs of openly licensed sources, with their texts.

    material/corpus.jsonl       passages of all sources, to be indexed: the gate asks there
    material/corpora/NAME.jsonl those of each source: its negatives are mined there
    material/pairs/NAME.jsonl   query, document_id: what is learned, of each source its share
    material/watched/NAME/      sources that are never learned from, as judged collections
    material/sources.json       counts and checksums, for the card

A small source says as much about a kind of question as a large one, so shares follow the square
root of the sources' sizes; those that are reported as learned get more. Nothing that a test or dev
split judges is in here.
"""

from __future__ import annotations

import gzip
import json
import random
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from engine.evaluation.beir import read_beir
from indexer.judged.written import checksum, written

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

# Judged collections whose licence allows it; xquad-multi is squad's test split, translated.
JUDGED: Final = ("squad", "medquad", "tldr-commands")
# Pairs of them: what is reported as in domain must have been learned.
AT_HOME: Final = {"squad": 6000, "medquad": 4000, "tldr-commands": 4000}
# Kept apart, one of each kind, to see how a model does on what it never saw.
WATCHED: Final = ("wiki-claims", "desktop-answers", "security-guides", "man-pages", "recipes")
_WATCHED_QUERIES: Final = 150
_UNSEEN_QUERIES: Final = 300
_EXPONENT: Final = 0.5


@dataclass(frozen=True, slots=True)
class Source:
    """Documents, and queries with the id of the document that answers each."""

    name: str
    documents: Sequence[tuple[str, str, str]]  # id, title, text
    pairs: Sequence[tuple[str, str]]  # query, id
    checksums: dict[str, str] = field(default_factory=dict[str, str])


def write_material(data: Path, folder: Path, queries: int, seed: int = 0) -> dict[str, Any]:
    """Write the material and return what sources.json says of it.

    Args:
        data: the folder that SHORTLIST_DATA names.
        folder: is made, or written over.
        queries: to learn from, of all sources together.
        seed: of the choice.
    """
    learned, watched = sources(data)
    sizes = [len(source.pairs) for source in learned]
    shares = [
        min(size, AT_HOME.get(source.name, share))
        for source, size, share in zip(learned, sizes, _shares(sizes, queries), strict=True)
    ]
    told: dict[str, Any] = {"seed": seed, "learned": {}, "watched": {}}
    for source, share in zip(learned, shares, strict=True):
        pairs = _sample(source, share, seed)
        _write(
            folder / "pairs" / f"{source.name}.jsonl",
            ({"query": query, "document_id": document} for query, document in pairs),
        )
        _write(folder / "corpora" / f"{source.name}.jsonl", _records(source.documents))
        told["learned"][source.name] = {"pairs": share, "of": len(source.pairs), **source.checksums}
    _write(folder / "corpus.jsonl", _records([d for source in learned for d in source.documents]))
    for source in watched:
        chosen = [(query, [document]) for query, document in _watched(source, seed)]
        _write_collection(folder / "watched" / source.name, source, chosen)
        told["watched"][source.name] = {"documents": len(source.documents), **source.checksums}
    _write(folder / "sources.json", [told])
    return told


def sources(data: Path) -> tuple[list[Source], list[Source]]:
    """Return what is learned from, and what is watched."""
    mixed = [_mixed(path) for path in sorted((data / "train-mix").glob("*.jsonl.gz"))]
    learned = [source for source in mixed if source.name not in WATCHED]
    learned += [_judged(data / name, name) for name in JUDGED]
    return learned, [source for source in mixed if source.name in WATCHED]


def write_unseen(data: Path, folder: Path, name: str, seed: int = 0) -> None:
    """Write a watched source as a collection of the questions that chose nothing.

    No model learned from the source, but what ships was chosen by its watched questions: none of
    them is here, nor any that one of their documents answers.

    Args:
        data: the folder that SHORTLIST_DATA names.
        folder: is made, or written over.
        name: of the source.
        seed: of the choice; that of the material.
    """
    source = _mixed(data / "train-mix" / f"{name}.jsonl.gz")
    watched = _watched(source, seed)
    queries = {query for query, _ in watched}
    documents = {document for _, document in watched}
    answers: dict[str, list[str]] = {}
    for query, document in source.pairs:
        answers.setdefault(query, []).append(document)
    left = [q for q, found in answers.items() if q not in queries and not documents & {*found}]
    chosen = random.Random(seed).sample(left, min(_UNSEEN_QUERIES, len(left)))  # noqa: S311
    _write_collection(folder, source, [(query, answers[query]) for query in chosen])


def _mixed(path: Path) -> Source:
    """Read a source of train-mix; a text that stands twice is one document."""
    name = path.name.removesuffix(".jsonl.gz")
    with gzip.open(path, "rt", encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    ids: dict[tuple[str, str], str] = {}
    pairs: list[tuple[str, str]] = []
    for row in rows:
        key = (row.get("title", ""), row["positive"])
        pairs.append((row["query"], ids.setdefault(key, f"{name}/{len(ids)}")))
    documents = [(document, title, text) for (title, text), document in ids.items()]
    return Source(name, documents, pairs, {path.name: checksum(path)})


def _judged(folder: Path, name: str) -> Source:
    """Read a collection's split train, without the documents that its other splits judge."""
    train = read_beir(folder, "train")
    others = sorted(path.stem for path in (folder / "qrels").glob("*.tsv") if path.stem != "train")
    kept_out = {
        d for split in others for row in read_beir(folder, split).qrels.values() for d in row
    }
    assert train.corpus is not None  # noqa: S101 - a folder in BEIR's layout has one
    with train.corpus.open(encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    documents = [
        (f"{name}/{row['_id']}", str(row.get("title", "")), str(row["text"]))
        for row in rows
        if row["_id"] not in kept_out
    ]
    known = {document for document, _, _ in documents}
    pairs = [
        (train.queries[query], f"{name}/{document}")
        for query, row in train.qrels.items()
        for document, grade in row.items()
        if grade > 0 and f"{name}/{document}" in known
    ]
    return Source(name, documents, pairs, dict(train.checksums))


def _shares(sizes: Sequence[int], total: int) -> list[int]:
    """Return how many of each are taken: by the root of its size, and not more than there are."""
    taken = [0] * len(sizes)
    while (left := total - sum(taken)) > 0:
        room = {n: size**_EXPONENT for n, size in enumerate(sizes) if taken[n] < size}
        if not room:
            break
        whole = sum(room.values())
        for n, weight in room.items():
            taken[n] = min(sizes[n], taken[n] + max(1, int(left * weight / whole)))
    return taken


def _sample(source: Source, count: int, seed: int) -> list[tuple[str, str]]:
    return random.Random(seed).sample(source.pairs, count)  # noqa: S311 - a fixed choice


def _watched(source: Source, seed: int) -> list[tuple[str, str]]:
    return _sample(source, min(_WATCHED_QUERIES, len(source.pairs)), seed)


def _write_collection(
    folder: Path, source: Source, answers: Sequence[tuple[str, Sequence[str]]]
) -> None:
    _write(folder / "corpus.jsonl", _records(source.documents))
    queries = ({"_id": f"q{n}", "text": query} for n, (query, _) in enumerate(answers))
    _write(folder / "queries.jsonl", queries)
    lines = [f"q{n}\t{document}\t1" for n, (_, found) in enumerate(answers) for document in found]
    with written(folder / "qrels" / "test.tsv") as file:
        file.write("\n".join(["query-id\tcorpus-id\tscore", *lines, ""]))


def _records(documents: Iterable[tuple[str, str, str]]) -> Iterable[dict[str, str]]:
    return ({"_id": d, "title": title, "text": text} for d, title, text in documents)


def _write(path: Path, rows: Iterable[dict[str, Any]]) -> None:
    with written(path) as file:
        for row in rows:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
