"""What mining found, in numbers: the table of `mine_hard_negatives`, and what was left out."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, get_args

import numpy as np

from indexer.training.guards import Reason

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

REASONS: Final[tuple[Reason, ...]] = get_args(Reason)
_TOLD: Final[Mapping[Reason, str]] = {
    "positive_document": "from a positive's document",
    "labelled": "labelled already",
    "near_duplicate": "near-duplicates of a positive",
    "max_score": "above the maximum score",
    "margin": "within the margin of a positive",
    "relative_margin": "within the relative margin of a positive",
    "same_text": "twice the same text",
}
_ROWS: Final = ("mean", "median", "std", "min", "25%", "50%", "75%", "max")


@dataclass(frozen=True, slots=True)
class Spread:
    """How scores lie: mean, median, std, min, 25%, 50%, 75% and max; none of no scores."""

    count: int
    values: Mapping[str, float]

    @classmethod
    def of(cls, scores: Sequence[float]) -> Spread:
        """Return the spread of scores; `std` is that of a sample."""
        if not scores:
            return cls(0, {})
        low, first, middle, third, high = np.quantile(scores, [0, 0.25, 0.5, 0.75, 1]).tolist()
        std = float(np.std(scores, ddof=1)) if len(scores) > 1 else 0.0
        numbers = (float(np.mean(scores)), middle, std, low, first, middle, third, high)
        return cls(len(scores), {n: round(v, 6) for n, v in zip(_ROWS, numbers, strict=True)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """What mining did.

    Attributes:
        queries: that negatives were mined for.
        kept: that stay as they came, with negatives of their own or without a positive.
        positives: of the queries that were mined.
        missed: positives that are not among the first `range_max` of stage one; None where it was
            not asked. No reranker that reads so many can win them back: the retrieval loss.
        hard: negatives from stage one.
        random: negatives from the whole index.
        pairs: of a positive and a hard negative of the same query.
        short: queries that got fewer negatives than were asked for.
        skipped: candidates that a guard left out.
        scores: of `positive`, `negative` (hard), `random`, and `difference` of each pair.
        model: whose cosines the scores are.
    """

    queries: int
    kept: int
    positives: int
    missed: int | None
    hard: int
    random: int
    pairs: int
    short: int
    skipped: Mapping[Reason, int]
    scores: Mapping[str, Spread]
    model: str


@dataclass(slots=True)
class Tally:
    """Counts while mining goes on."""

    model: str
    queries: int = 0
    kept: int = 0
    missed: int | None = None
    short: int = 0
    skipped: Counter[Reason] = field(default_factory=Counter[Reason])
    positive: list[float] = field(default_factory=list[float])
    negative: list[float] = field(default_factory=list[float])
    random: list[float] = field(default_factory=list[float])
    difference: list[float] = field(default_factory=list[float])

    def miss(self, positives: int) -> None:
        """Count positives that stage one, which was asked, does not have."""
        self.missed = (self.missed or 0) + positives

    def count(
        self, positives: Sequence[float], hard: Sequence[float], random: Sequence[float]
    ) -> None:
        """Count the scores of one query."""
        self.queries += 1
        self.positive += positives
        self.negative += hard
        self.random += random
        self.difference += [one - other for one in positives for other in hard]

    def statistics(self) -> Statistics:
        """Return what was counted."""
        scores = {
            "positive": self.positive,
            "negative": self.negative,
            "random": self.random,
            "difference": self.difference,
        }
        # Sorted: a sum depends on the order of what is added, and examples may come in any.
        return Statistics(
            queries=self.queries,
            kept=self.kept,
            positives=len(self.positive),
            missed=self.missed,
            hard=len(self.negative),
            random=len(self.random),
            pairs=len(self.difference),
            short=self.short,
            skipped={reason: self.skipped[reason] for reason in REASONS if self.skipped[reason]},
            scores={name: Spread.of(sorted(values)) for name, values in scores.items()},
            model=self.model,
        )


def table(statistics: Statistics) -> str:
    """Return what a person reads: how the scores lie, and what was left out.

    Where every query brought its negatives along there are no scores, and no table of them.
    """
    if not statistics.queries:
        return "\n".join(_sentences(statistics))
    columns = [statistics.scores[name] for name in ("positive", "negative", "random", "difference")]
    lines = [f"{'Metric':<6} {'Positive':>14} {'Negative':>14} {'Random':>14} {'Difference':>14}"]
    lines.append("Count  " + " ".join(f"{column.count:>14,}" for column in columns))
    for name in _ROWS:
        cells = (column.values.get(name) for column in columns)
        shown = " ".join(f"{'-' if cell is None else f'{cell:.4f}':>14}" for cell in cells)
        lines.append(f"{name.capitalize():<6} {shown}")
    return "\n".join([*lines, *_sentences(statistics)])


def _sentences(statistics: Statistics) -> list[str]:
    s = statistics
    told: list[str] = []
    if s.queries or not s.kept:
        told.append(
            f"{s.queries:,} queries with {s.positives:,} positives got {s.hard:,} hard and"
            f" {s.random:,} random negatives; the scores are cosines of {s.model}."
        )
    if s.missed is not None and s.positives:
        share = s.missed / s.positives
        told.append(
            f"{s.missed:,} positives ({share:.1%}) are not in the range of stage one's ranking: as"
            " long as it misses them no reranker can show them."
        )
    if s.skipped:
        parts = ", ".join(f"{count:,} {_TOLD[reason]}" for reason, count in s.skipped.items())
        told.append(f"Left out: {parts}.")
    if s.short:
        told.append(f"{s.short:,} queries got fewer negatives than asked for.")
    if s.kept:
        told.append(f"{s.kept:,} queries stay as they came: negatives stand there already.")
    return told
