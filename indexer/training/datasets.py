# pyright: basic
"""LEAF (datasets): examples in the shape that each loss of sentence-transformers reads.

bce              (query, passage, label)                 a row for each candidate
lambda, listnet  (query, passages, labels)               a row for each query
mnrl             (anchor, positive, negative_1 ... n)    a row for each positive
distill, margin  (query, passage_0 ... n, scores)        a row for each query, the best first
distill, soft    (query, passage, label)                 a row for each candidate, in [0, 1]
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from datasets import Dataset

from engine.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from indexer.training.examples import Candidate, Example, Loss
    from indexer.training.options import FinetuneOptions

Row = dict[str, Any]

# ListNet's target is the softmax of the labels: of 1 and five times 0 the positive would be to get
# a third, which shrinks what a model already tells apart. Times this it gets all but nothing.
_SURE: Final = 8.0


@dataclass(frozen=True)
class Rows:
    """One set, ready for its loss.

    Attributes:
        name: of the set.
        loss: what learns from it.
        data: see the head of this module.
        pos_weight: negatives / positives, for bce.
        chances: whether a teacher's scores are probabilities rather than logits.
    """

    name: str
    loss: Loss
    data: Dataset
    pos_weight: float | None = None
    chances: bool = False

    @property
    def digest(self) -> str:
        """Return a digest of every row."""
        digest = hashlib.blake2b(f"{self.name} {self.loss}".encode(), digest_size=16)
        for batch in self.data.iter(batch_size=1000):
            digest.update(repr(batch).encode(errors="surrogatepass"))
        return digest.hexdigest()


def rows_of(name: str, examples: Sequence[Example], options: FinetuneOptions) -> Rows:
    """Return examples in the shape of their loss.

    Raises:
        UsageError: the loss cannot learn from them: nothing differs, or a label is out of range.
    """
    loss = options.loss_of(name)
    if not examples:
        raise UsageError(f"{name} holds nothing to learn from")
    _require_labels(name, examples, loss)
    return _SHAPES[loss](name, examples, options)


def _require_labels(name: str, examples: Sequence[Example], loss: Loss) -> None:
    labels = [candidate.label for example in examples for candidate in example.candidates]
    if not all(math.isfinite(label) for label in labels):
        raise UsageError(f"{name} has a label that is no number")
    graded = loss in ("bce", "lambda", "mnrl")
    if graded and not all(0 <= label <= 1 for label in labels):
        raise UsageError(
            f"--loss {loss} needs labels from 0 to 1, and {name} has {min(labels):g} to"
            f" {max(labels):g}: use --loss distill or listnet for a teacher's scores"
        )


def _pairs(name: str, examples: Sequence[Example], options: FinetuneOptions) -> Rows:
    data = _flat(examples, lambda label: label)
    relevant = math.fsum(data["label"])
    irrelevant = len(data) - relevant
    if not relevant or not irrelevant:
        missing = "negatives" if relevant else "positives"
        raise UsageError(f"--loss bce learns nothing from {name}, which has no {missing}")
    weight = irrelevant / relevant if options.pos_weight is None else options.pos_weight
    return Rows(name, "bce", data, pos_weight=weight)


def _lists(name: str, examples: Sequence[Example], options: FinetuneOptions) -> Rows:
    rows: list[Row] = []
    for example in examples:
        # These losses do not care about the order; by length, neighbours need little padding.
        candidates = sorted(example.candidates, key=lambda candidate: len(candidate.text))
        if len({candidate.label for candidate in candidates}) > 1:
            rows.append(
                {
                    "query": example.query,
                    "passages": [candidate.text for candidate in candidates],
                    "labels": [float(candidate.label) for candidate in candidates],
                }
            )
    loss = options.loss_of(name)
    if loss == "listnet" and all(0 <= label <= 1 for row in rows for label in row["labels"]):
        for row in rows:
            row["labels"] = [_SURE * label for label in row["labels"]]
    if not rows:
        raise UsageError(
            f"--loss {loss} learns nothing from {name}: no query has passages of different labels"
        )
    return Rows(name, loss, Dataset.from_list(rows))


def _contrasts(name: str, examples: Sequence[Example], _: FinetuneOptions) -> Rows:
    """Return anchors with positives and equally many negatives each.

    Of a query with fewer than others some negatives come twice; one with none takes positives of
    others, as the loss itself does for every query.
    """
    examples = [example for example in examples if example.positives]
    if len(examples) < 2:
        raise UsageError(f"--loss mnrl needs two queries with positives, {name} has fewer")
    width = max(len(example.negatives) for example in examples)
    rows: list[Row] = []
    for number, example in enumerate(examples):
        negatives = example.negatives or _others(examples, number)
        for positive in example.positives:
            row = {"anchor": example.query, "positive": positive.text}
            for place in range(width):
                row[f"negative_{place + 1}"] = negatives[place % len(negatives)].text
            rows.append(row)
    return Rows(name, "mnrl", Dataset.from_list(rows))


def _others(examples: Sequence[Example], number: int) -> list[Candidate]:
    own = {candidate.text for candidate in examples[number].positives}
    for step in range(1, len(examples)):
        other = examples[(number + step) % len(examples)].positives[0]
        if other.text not in own:
            return [other]
    raise UsageError("--loss mnrl needs positives that differ from query to query")


def _taught(name: str, examples: Sequence[Example], options: FinetuneOptions) -> Rows:
    scores = [candidate.label for example in examples for candidate in example.candidates]
    chances = all(0 <= score <= 1 for score in scores)
    if len(set(scores)) < 2:
        raise UsageError(f"--loss distill learns nothing from {name}: all of its scores are equal")
    if options.teaching == "soft":
        data = _flat(examples, lambda score: score if chances else _sigmoid(score))
        return Rows(name, "distill", data, chances=chances)
    rows = _margins([example for example in examples if len(example.candidates) > 1])
    if not rows:
        raise UsageError(
            f"--loss distill learns differences between passages of a query, and {name} has one"
            " passage for each: score more of them, or choose the teaching soft"
        )
    return Rows(name, "distill", Dataset.from_list(rows), chances=chances)


def _margins(examples: Sequence[Example]) -> list[Row]:
    width = max((len(example.candidates) for example in examples), default=0) - 1
    rows: list[Row] = []
    for example in examples:
        best, *others = sorted(example.candidates, key=lambda candidate: -candidate.label)
        row: Row = {"query": example.query, "passage_0": best.text}
        # Shorter lists come round again: a difference learnt twice.
        taken = [others[place % len(others)] for place in range(width)]
        for place, candidate in enumerate(taken):
            row[f"passage_{place + 1}"] = candidate.text
        row["scores"] = [float(best.label), *(float(candidate.label) for candidate in taken)]
        rows.append(row)
    return rows


def _flat(examples: Sequence[Example], label: Callable[[float], float]) -> Dataset:
    pairs = [(example.query, candidate) for example in examples for candidate in example.candidates]
    return Dataset.from_dict(
        {
            "query": [query for query, _ in pairs],
            "passage": [candidate.text for _, candidate in pairs],
            "label": [float(label(candidate.label)) for _, candidate in pairs],
        }
    )


def _sigmoid(score: float) -> float:
    return 0.5 * (1 + math.tanh(0.5 * score))


_SHAPES: Mapping[Loss, Callable[[str, Sequence[Example], FinetuneOptions], Rows]] = {
    "bce": _pairs,
    "lambda": _lists,
    "listnet": _lists,
    "mnrl": _contrasts,
    "distill": _taught,
}
