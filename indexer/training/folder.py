"""Training examples of a folder in BEIR's layout: its split `train`, and `dev` to hold out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from engine.errors import CollectionError, ExtractionError
from engine.evaluation.beir import CORPUS, read_beir, splits
from engine.evaluation.judgements import Faults
from engine.types import context_text
from indexer.records import Record, read_records
from indexer.training.examples import Candidate, TrainingSet
from indexer.training.gathered import Gathered, refuse_nothing

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from engine.evaluation.collection import Collection
    from indexer.training.examples import Example

TRAIN: Final = "train"
_DEV: Final = ("dev", "validation")


def read_folder(folder: Path, *, lenient: bool = False) -> TrainingSet:
    """Return the examples of a folder; nothing of any other split is read.

    Grades are divided by the highest. Each candidate has the text of the corpus, title first.

    Raises:
        CollectionError: If there is no `train`, or naming file and line of what is wrong.
    """
    there = splits(folder)
    if TRAIN not in there:
        listed = f"the splits there are: {', '.join(there)}" if there else "there are no splits"
        raise CollectionError(
            f"{folder} has no qrels/{TRAIN}.tsv, which alone is trained on; {listed}"
        )
    train = read_beir(folder, TRAIN, lenient=lenient)
    held_out = next((name for name in _DEV if name in there), None)
    dev = None if held_out is None else read_beir(folder, held_out, lenient=lenient)
    both = [train] if dev is None else [train, dev]
    grades = [g for one in both for judged in one.qrels.values() for g in judged.values()]
    highest = max(1, *grades)
    texts = _texts(folder, {d for one in both for judged in one.qrels.values() for d in judged})
    faults = Faults(lenient=lenient)
    examples = _examples(folder, train, texts, highest, faults)
    refuse_nothing(examples, str(folder))
    return TrainingSet(
        name=train.name,
        kind="labelled" if any(e.negatives for e in examples) else "pairs",
        examples=examples,
        dev=[] if dev is None else _examples(folder, dev, texts, highest, faults),
        checksums={name: digest for one in both for name, digest in one.checksums.items()},
        notes=(*(f"{one.split}: {note}" for one in both for note in one.notes), *faults.notes),
    )


def _texts(folder: Path, wanted: set[str]) -> Mapping[str, str]:
    """Return the texts of some documents, as stage two reads a whole one."""
    try:
        return {
            record.id: context_text(record.title, (), record.text)
            for record in read_records(folder / CORPUS)
            if isinstance(record, Record) and record.id in wanted
        }
    except ExtractionError as error:
        raise CollectionError(f"{folder / CORPUS}: {error}") from error


def _examples(
    folder: Path, judged: Collection, texts: Mapping[str, str], highest: int, faults: Faults
) -> list[Example]:
    queries = list(judged.queries)
    path = folder / "qrels" / f"{judged.split}.tsv"
    gathered = Gathered(lambda at: f"{path}: query {queries[at]!r}", faults)
    for at, query in enumerate(queries):
        for document, grade in judged.qrels[query].items():
            if document in texts:
                candidate = Candidate(texts[document], grade / highest, document)
                gathered.add(at, judged.queries[query], candidate)
            else:  # noted by `read_beir` as what nothing can find; an index cannot hold it either
                faults.note("judgements of documents without text, left out")
    return gathered.examples()
