"""Questions that nobody has answered: what a teacher is asked about, and nothing else can use."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from engine.errors import CollectionError
from engine.evaluation.judgements import SHOWN, lines
from indexer.judged.pairs import QUESTION
from indexer.judged.rows import find_column
from indexer.training.columns import answered
from indexer.training.examples import Example, TrainingSet
from indexer.training.judged_rows import plain_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from engine.evaluation.judgements import Faults
    from indexer.judged.rows import Row

TEXT: Final = ".txt"  # a question a line, with or without the name of the column at its head


def questions_of(rows: Iterable[Row], *, place: str, name: str, faults: Faults) -> TrainingSet:
    """Return queries without candidates, each once, in the order in which they came.

    Raises:
        CollectionError: naming the line that holds no query, or an answer where others have none.
    """
    queries: dict[str, None] = {}
    ignored: dict[str, None] = {}
    column = ""
    for line, row in rows:
        column = column or find_column(list(row), QUESTION, f"query in {place}")
        if answered(list(row)):
            raise CollectionError(
                f"{place}:{line}: has an answer, where the first row has none; give every row the"
                " same columns, or two files"
            )
        ignored |= dict.fromkeys(other for other in row if other != column)
        query = plain_text(row.get(column), f"{place}:{line}: the query")
        if query.strip():
            queries[query] = None
        else:
            problem = f"{place}:{line}: has no query in the column {column!r}"
            faults.found(problem, "rows without a query, left out")
    if not queries:
        raise CollectionError(f"{place} holds no question")
    if ignored:
        listed = ", ".join(other[:SHOWN] for other in ignored)
        faults.note(f"columns ignored ({listed})", len(ignored))
    faults.note("questions without answers, of which none is held out", len(queries))
    examples = [Example(query, ()) for query in queries]
    return TrainingSet(name=name, kind="questions", examples=examples, notes=faults.notes)


def lines_of(path: Path) -> Iterator[Row]:
    """Yield the lines of a text as rows.

    Raises:
        CollectionError: If the file cannot be read.
    """
    for number, text in lines(path):
        if number > 1 or text.strip().lower() not in QUESTION:
            yield number, {QUESTION[0]: text.strip()}
