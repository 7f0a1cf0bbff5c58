"""The lists that the reranker that ships learns from: a question, its answer, five others.

The others are mined within the question's own source, in an index of that source alone. Mined in
one index of everything, half of them were of other sources, and a model learned to tell sources
apart (benchmarks/LOG.md).
"""

from __future__ import annotations

import json
import random
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from tqdm import tqdm

from benchmarks.evaluated import Places, engine_over
from benchmarks.material import AT_HOME
from engine.evaluation.collection import Collection
from indexer.judged.written import checksum, written
from indexer.training.guards import MiningOptions
from indexer.training.mining import mine
from indexer.training.reading import read_examples
from indexer.training.resolved import resolve

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from indexer.training.examples import Example, TrainingSet

_MINED: Final = 900  # questions of a source that are mined; of those at home all
_KEPT: Final = 130  # lists of a source
_KEPT_AT_HOME: Final[Mapping[str, int]] = {
    "squad": 1500,
    "medquad": 1200,
    "tldr-commands": 1200,
}
_HARD, _TAKEN, _RANDOM = 5, 4, 1
_OPTIONS: Final = MiningOptions(
    sampling="random", num_negatives=_HARD, random_negatives=_RANDOM, range_max=40
)


def write_lists(material: Path, output: Path, seed: int = 7) -> dict[str, int]:
    """Write lists as rows of JSON (`query, positive, negative_1, ...`); return how many of each.

    Args:
        material: as `benchmarks.material` wrote it; indexes of its sources are cached in it.
        output: of the rows, in an order of the seed.
        seed: of the choice of questions and negatives.
    """
    draw = random.Random(seed)  # noqa: S311 - a fixed choice
    rows: list[tuple[str, dict[str, str]]] = []
    for path in tqdm(sorted((material / "pairs").glob("*.jsonl")), desc="sources", disable=None):
        examples = _mined(path.stem, read_examples(path), material)
        draw.shuffle(examples)
        whole = [e for e in examples if len(e.negatives) == _HARD + _RANDOM]
        kept = _KEPT_AT_HOME.get(path.stem, _KEPT)
        rows += [(path.stem, _row(example, draw)) for example in whole[:kept]]
    draw.shuffle(rows)
    with written(output) as file:
        for _, row in rows:
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
    names = [name for name, _ in rows]
    return {name: names.count(name) for name in sorted(set(names))}


def _mined(name: str, given: TrainingSet, material: Path) -> list[Example]:
    examples = given.examples if name in AT_HOME else given.examples[:_MINED]
    corpus = material / "corpora" / f"{name}.jsonl"
    collection = Collection(
        name=name,
        split="train",
        queries={f"q{n}": example.query for n, example in enumerate(examples)},
        qrels={
            f"q{n}": {c.document: 1 for c in example.candidates}
            for n, example in enumerate(examples)
        },
        corpus=corpus,
        checksums={corpus.name: checksum(corpus)},
    )
    engine = engine_over(collection, Places(material / "cache", material / "reports"))
    resolved = resolve(engine.snapshot, engine.encoder, replace(given, examples=examples))
    return list(mine(engine, resolved.examples, _OPTIONS).examples)


def _row(example: Example, draw: random.Random) -> dict[str, str]:
    negatives = [candidate.text for candidate in example.negatives]
    chosen = [*draw.sample(negatives[:_HARD], _TAKEN), *negatives[_HARD:]]
    return {
        "query": example.query,
        "positive": example.positives[0].text,
        **{f"negative_{place}": text for place, text in enumerate(chosen, 1)},
    }
