"""A mined set as a file, to be read by a person, used again, or given to another tool.

The first line tells how it was made. Each further one is a query with its texts as the columns that
other tools know, best first:

    {"query": "...", "positive": "...", "negative_1": "...", "negative_2": "...", ...}

A second positive is `positive_2`. `candidate_documents` are the ids of the texts in the order of
their columns, and `candidate_labels` stand where a label is not 1 for a positive and 0 for a
negative. It can be given to `train` like any file of tuples, and without the first line (`tail -n
+2`) to anything that reads those.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any, Final, Literal, cast

from engine.errors import UsageError
from indexer.judged.written import written
from indexer.training.examples import Candidate, Example
from indexer.training.guards import MiningOptions
from indexer.training.statistics import REASONS, Spread, Statistics

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from indexer.training.guards import Reason

Format = Literal["triplet", "n-tuple", "labeled-pair", "labeled-list"]
Row = dict[str, Any]

_KIND: Final = "shortlist mined negatives"
_FORMAT: Final = 1


@dataclass(frozen=True, slots=True)
class Mined:
    """Examples with negatives, and where these came from.

    Attributes:
        examples: in the order in which they were given.
        statistics: what was found and what was left out.
        options: that they were mined with.
        index: what tells the index from others, see mining.identity.
        miner: `own` stage one, or `dense` by mine_hard_negatives.
        checksums: file name -> hex digest of what the examples were read from.
    """

    examples: Sequence[Example]
    statistics: Statistics
    options: MiningOptions
    index: Mapping[str, str | int]
    miner: str = "own"
    checksums: Mapping[str, str] = field(default_factory=dict[str, str])


# -- the file ------------------------------------------------------------------------------------


def write(path: Path, mined: Mined) -> None:
    """Write a mined set; the file is there whole or not at all.

    Raises:
        CollectionError: if it cannot be written.
    """
    header = {
        "kind": _KIND,
        "format": _FORMAT,
        "miner": mined.miner,
        "examples": len(mined.examples),
        "index": dict(mined.index),
        "checksums": dict(mined.checksums),
        "options": asdict(mined.options),
        "statistics": asdict(mined.statistics),
    }
    with written(path) as file:
        file.write(_line(header))
        for example in mined.examples:
            file.write(_line(_row(example)))


def is_mined(path: Path) -> bool:
    """Whether a file begins as those do that `write` makes."""
    begin = f'{{"kind": "{_KIND}"'.encode()
    try:
        with path.open("rb") as file:
            return file.read(len(begin)) == begin
    except OSError:
        return False


def read(path: Path) -> Mined:
    """Return the mined set of a file.

    Raises:
        UsageError: if it is none, damaged or of another format; the message names the line.
    """
    try:
        with path.open(encoding="utf-8", newline="\n") as lines:
            return _read(path, enumerate(lines, 1))
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise UsageError(f"{path} cannot be read: {reason}") from error
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is no file of mined negatives: it is not UTF-8") from error


def _read(path: Path, lines: Iterator[tuple[int, str]]) -> Mined:
    _, first = next(lines, (1, ""))
    header = _header(path, first)
    examples = [_example(path, number, line) for number, line in lines if line.strip()]
    wanted = header["examples"]
    if len(examples) != wanted:
        raise UsageError(
            f"{path} is damaged: its first line tells of {wanted:,} examples, and there are"
            f" {len(examples):,}; mine again"
        )
    try:
        return Mined(
            tuple(examples),
            _statistics(header["statistics"]),
            MiningOptions(**header["options"]),
            _mapping(header["index"]),
            str(header["miner"]),
            {name: str(digest) for name, digest in _mapping(header["checksums"]).items()},
        )
    except UsageError as error:
        raise UsageError(f"{path}, line 1: {error}") from error
    except (KeyError, TypeError, ValueError) as error:
        raise UsageError(f"{path}, line 1 is damaged ({error!r}); mine again") from error


def _header(path: Path, line: str) -> Row:
    header = _json(line)
    if header is None or header.get("kind") != _KIND:
        raise UsageError(
            f"{path} is no file of mined negatives: its first line does not say so; a file of"
            " examples is given to train itself"
        )
    if header.get("format") != _FORMAT:
        raise UsageError(
            f"{path} has format {header.get('format')!r}, this version reads {_FORMAT}: mine again"
        )
    if not isinstance(header.get("examples"), int):
        raise UsageError(f"{path}, line 1 does not tell the number of examples; mine again")
    return header


def _row(example: Example) -> Row:
    row: Row = {"query": example.query}
    counts = {"positive": 0, "negative": 0}
    for candidate in example.candidates:
        kind = "positive" if candidate.label > 0 else "negative"
        counts[kind] += 1
        first = kind == "positive" and counts[kind] == 1
        row[kind if first else f"{kind}_{counts[kind]}"] = candidate.text
    if any(candidate.document for candidate in example.candidates):
        row["candidate_documents"] = [candidate.document for candidate in example.candidates]
    if any(candidate.label not in (0, 1) for candidate in example.candidates):
        row["candidate_labels"] = [candidate.label for candidate in example.candidates]
    return row


def _example(path: Path, number: int, line: str) -> Example:
    row = _json(line)
    texts = {} if row is None else {n: v for n, v in row.items() if n.startswith(("pos", "neg"))}
    if row is None or not texts or not _all_are(str, [row.get("query"), *texts.values()]):
        raise UsageError(
            f"{path}, line {number} is no example: it needs a query and texts; mine again"
        )
    documents = row.get("candidate_documents", [""] * len(texts))
    labels = row.get("candidate_labels", [float(name.startswith("pos")) for name in texts])
    if not (_is_list(documents, str, len(texts)) and _is_list(labels, (int, float), len(texts))):
        raise UsageError(
            f"{path}, line {number}: candidate_documents and candidate_labels have an entry for"
            " each text; mine again"
        )
    for name, label in zip(texts, labels, strict=True):
        if not math.isfinite(label) or (label > 0) != name.startswith("pos"):
            raise UsageError(f"{path}, line {number}: {label} is no label of {name}; mine again")
    found = zip(texts.values(), labels, documents, strict=True)
    return Example(row["query"], tuple(Candidate(t, float(n), d) for t, n, d in found))


def _statistics(values: Row) -> Statistics:
    known = {f.name for f in fields(Statistics)}
    if set(values) != known:
        raise ValueError("statistics")
    scores = {
        name: Spread(int(spread["count"]), {n: float(v) for n, v in spread["values"].items()})
        for name, spread in values["scores"].items()
    }
    counts = {name: int(values[name]) for name in known - {"scores", "skipped", "model", "missed"}}
    left_out = values["skipped"]
    skipped: dict[Reason, int] = {
        reason: int(left_out[reason]) for reason in REASONS if reason in left_out
    }
    missed = None if values["missed"] is None else int(values["missed"])
    model = str(values["model"])
    return Statistics(**counts, missed=missed, skipped=skipped, scores=scores, model=model)


def _line(row: Mapping[str, Any]) -> str:
    text = json.dumps(row, ensure_ascii=False, allow_nan=False)
    if not text.isascii() and any("\ud800" <= c <= "\udfff" for c in text):
        text = json.dumps(row, allow_nan=False)  # half a character is written as its number
    return text + "\n"


def _json(line: str) -> Row | None:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return cast("Row", value) if isinstance(value, dict) else None


def _mapping(value: object) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise TypeError("not an object")
    return cast("Mapping[str, Any]", value)


def _is_list(value: object, kind: type | tuple[type, ...], length: int) -> bool:
    if not isinstance(value, list):
        return False
    found = cast("list[object]", value)
    return len(found) == length and _all_are(kind, found)


def _all_are(kind: type | tuple[type, ...], values: Sequence[object]) -> bool:
    return all(isinstance(value, kind) for value in values)


# -- the formats of mine_hard_negatives ----------------------------------------------------------


def as_rows(examples: Sequence[Example], output: Format) -> Iterator[Row]:
    """Yield examples in a format of `mine_hard_negatives`, row by row as it does.

    As there, a row of `n-tuple` and `labeled-list` has one positive, and tuples that have fewer
    negatives than others are left out, since all have the same columns.
    """
    most = max((len(example.negatives) for example in examples), default=0)
    for example in examples:
        query, negatives = example.query, [c.text for c in example.negatives]
        if output == "labeled-pair":
            for label, some in ((1, example.positives), (0, example.negatives)):
                yield from ({"query": query, "passage": c.text, "label": label} for c in some)
            continue
        for positive in example.positives:
            yield from _rows_of(query, positive.text, negatives, most, output)


def write_as(path: Path, examples: Sequence[Example], output: Format) -> None:
    """Write the rows of `as_rows`, a line of JSON each, for tools that read nothing else."""
    with written(path) as file:
        for row in as_rows(examples, output):
            file.write(_line(row))


def _rows_of(
    query: str, positive: str, negatives: list[str], most: int, output: Format
) -> Iterator[Row]:
    if output == "labeled-list" and negatives:
        labels = [1] + [0] * len(negatives)
        yield {"query": query, "passages": [positive, *negatives], "labels": labels}
    elif output == "triplet":
        for negative in negatives:
            yield {"query": query, "positive": positive, "negative": negative}
    elif output == "n-tuple" and len(negatives) == most:
        numbered = {f"negative_{number}": text for number, text in enumerate(negatives, 1)}
        yield {"query": query, "positive": positive, **numbered}
