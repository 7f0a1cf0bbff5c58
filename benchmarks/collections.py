"""Judged collections in BEIR's layout, reached by path (`SHORTLIST_DATA`)."""

from __future__ import annotations

import json
import os
import random
from dataclasses import dataclass
from pathlib import Path

# Where choices are made, and where they are reported; never the same.
DEV = (("scifact", "train"), ("squad", "dev"), ("medquad", "dev"), ("tldr-commands", "dev"))
TEST = (
    ("scifact", "test"),
    ("cranfield", "test"),
    ("squad", "test1k"),
    ("medquad", "test"),
    ("tldr-commands", "test"),
)


@dataclass(frozen=True, slots=True)
class Collection:
    """A corpus file, the queries of one split and their judgements (grade > 0: relevant)."""

    name: str
    split: str
    corpus: Path
    queries: dict[str, str]
    qrels: dict[str, dict[str, int]]


def data_folder() -> Path | None:
    """Return the folder of judged collections, or None where there is none."""
    place = os.environ.get("SHORTLIST_DATA")
    return Path(place) if place and Path(place).is_dir() else None


def load(name: str, split: str, most: int | None = None) -> Collection:
    """Return a collection; at most so many of its queries, the same sample each time.

    Raises:
        FileNotFoundError: if SHORTLIST_DATA does not lead to it.
    """
    folder = (data_folder() or Path("SHORTLIST_DATA is not set")) / name
    qrels: dict[str, dict[str, int]] = {}
    for line in (folder / "qrels" / f"{split}.tsv").read_text("utf-8").splitlines()[1:]:
        query, document, grade = line.split("\t")
        qrels.setdefault(query, {})[document] = int(grade)
    judged = sorted(qrels)
    if most is not None and most < len(judged):
        judged = sorted(random.Random(0).sample(judged, most))  # noqa: S311
    with (folder / "queries.jsonl").open(encoding="utf-8") as file:
        texts = {q["_id"]: q["text"] for q in map(json.loads, file)}
    return Collection(
        name,
        split,
        folder / "corpus.jsonl",
        {q: texts[q] for q in judged},
        {q: qrels[q] for q in judged},
    )
