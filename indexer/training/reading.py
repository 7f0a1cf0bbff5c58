"""Read what a reranker can learn from: files of pairs, labels and tuples, and BEIR folders.

One row is one query with what was judged for it; the rows of a query are gathered. What a column
means is told by its name alone (`columns`), and what the rows are by what they hold:

    query, answer                           pairs: every answer is relevant
    query, answer, label                    labelled: numbers from 0 to 1, or truths
    query, positive, negative, negative_2   tuples
    query, [texts], [labels]                labelled, a list in each cell
    query, answer, score                    labelled; scored where a score lies outside of 0 to 1
    query                                   questions, for a teacher alone
"""

from __future__ import annotations

from dataclasses import replace
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import CollectionError
from engine.evaluation.judgements import Faults
from indexer.judged.rows import rows_of
from indexer.judged.written import checksum
from indexer.training import mined
from indexer.training.columns import answered
from indexer.training.examples import Candidate, Example, TrainingSet
from indexer.training.folder import read_folder
from indexer.training.gathered import Gathered, refuse_nothing
from indexer.training.groups import split
from indexer.training.judged_rows import JudgedRows
from indexer.training.questions import TEXT, lines_of, questions_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from indexer.judged.rows import Row
    from indexer.training.examples import Kind

__all__ = ["examples_of", "read_examples", "split"]


def read_examples(path: Path, *, lenient: bool = False, alone: bool = False) -> TrainingSet:
    """Return the examples of a file, or those of a BEIR folder's split `train`.

    Args:
        path: CSV, TSV, JSON lines, a JSON array, Parquet or Arrow; a mined set; or a folder.
        lenient: leave out what cannot be used, and note it; otherwise it is an error. Labels that
            are no numbers, or out of range, are always one: nobody knows what they mean.
        alone: whether questions without answers will do, also those of a text, one a line.

    Raises:
        CollectionError: naming file and line, or the columns of a file without the needed ones.
    """
    if path.is_dir():
        return read_folder(path, lenient=lenient)
    name = Path(path.name.removesuffix(".gz")).stem
    if mined.is_mined(path):
        return replace(_mined(path, name), checksums={path.name: checksum(path)})
    rows = _rows(path, alone=alone)
    training = examples_of(rows, place=str(path), name=name, lenient=lenient, alone=alone)
    return replace(training, checksums={path.name: checksum(path)})


def examples_of(
    rows: Iterable[Row], *, place: str, name: str, lenient: bool = False, alone: bool = False
) -> TrainingSet:
    """Return the examples of rows of any source; `place` stands in messages for the source.

    Raises:
        CollectionError: as `read_examples`.
    """
    faults = Faults(lenient=lenient)
    rows = iter(rows)
    first = list(islice(rows, 1))
    rows = chain(first, rows)
    if alone and first and not answered(list(first[0][1])):
        return questions_of(rows, place=place, name=name, faults=faults)
    judged = JudgedRows(place, faults)
    gathered = Gathered(lambda line: f"{place}:{line}", faults)
    for line, query, candidate in judged.read(rows):
        gathered.add(line, query, candidate)
    examples = gathered.examples()
    refuse_nothing(examples, place)
    labelled = judged.columns is not None and judged.columns.label is not None
    kind = _kind(examples, labelled=labelled)
    if labelled and kind == "pairs":
        faults.note("every label is 1, so the rows are pairs; examples", len(examples))
    return TrainingSet(name=name, kind=kind, examples=examples, notes=faults.notes)


def _mined(path: Path, name: str) -> TrainingSet:
    """Return a mined set as the tuples that it is.

    The ids of its texts are forgotten: it may be of another index, where they meant something else.
    What this one holds is found by its text, like any answer (see resolved).
    """
    examples = [
        Example(e.query, tuple(Candidate(c.text, c.label) for c in e.candidates))
        for e in mined.read(path).examples
    ]
    refuse_nothing(examples, str(path))
    graded = any(c.label not in (0, 1) for e in examples for c in e.candidates)
    return TrainingSet(name=name, kind=_kind(examples, labelled=graded), examples=examples)


def _rows(path: Path, *, alone: bool) -> Iterator[Row]:
    if path.suffix.lower() != TEXT:
        return rows_of(path)
    if not alone:
        raise CollectionError(
            f"{path}: a text can hold questions, but no answers: give a --teacher, which scores"
            " what the index has for them, or a table with a column of answers"
        )
    return lines_of(path)


def _kind(examples: Sequence[Example], *, labelled: bool) -> Kind:
    labels = {candidate.label for example in examples for candidate in example.candidates}
    if not labelled:
        return "tuples" if 0 in labels else "pairs"
    if min(labels) < 0 or max(labels) > 1:
        return "scored"
    return "pairs" if labels == {1.0} else "labelled"
