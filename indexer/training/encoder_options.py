"""How a static encoder is trained, and what comes out: nothing heavy is imported here."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final

from engine.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from indexer.training.examples import Example

LEAST: Final = 2  # pairs: with one there is nothing to tell it from; steps: the first has rate 0
# Batches. On MedQuAD, one epoch, nDCG@10 of stage one (55.9 before): 224 pairs in 1, 7, 14 and 28
# steps 55.9, 57.1, 57.5, 58.4; 2,298 in 5, 18, 36 and 72 steps 58.9, 60.9, 60.6, 61.0; 13,729 in 27
# and 108 steps 63.1, 63.3.
LARGEST: Final = 512
_SMALLEST: Final = 8
_STEPS: Final = 25


@dataclass(frozen=True, slots=True, kw_only=True)
class EncoderOptions:
    """How a static encoder is trained.

    Attributes:
        epochs: passes over the pairs.
        max_steps: so many steps, in place of `epochs`.
        batch_size: pairs of a step; the positives of the others are each query's negatives. None is
            a 25th of the pairs, from 8 to 512: few large steps teach less than many small ones.
        learning_rate: of Adam, its peak. It moves a number of the table by about as much in a step,
            and those of the default model have a standard deviation of 0.9.
        warmup_ratio: share of the steps in which the learning rate rises.
        dimensions: first numbers of a vector that must do alone (Matryoshka); all of them always
            count, and those that a model does not have are left out.
        negatives: hard negatives read of each example that has some.
        scale: of the cosine in the loss.
        share: of the trained vectors in what is saved; the rest is the original, against forgetting
            what the pairs do not speak of.
        max_tokens: of a text, while it trains; the trained model reads all.
        seed: of the order; the same one gives the same vectors.
    """

    epochs: float = 1.0
    max_steps: int | None = None
    batch_size: int | None = None
    learning_rate: float = 3e-2
    warmup_ratio: float = 0.1
    dimensions: tuple[int, ...] = (128, 64)
    negatives: int = 1
    scale: float = 20.0
    share: float = 1.0
    max_tokens: int = 512
    seed: int = 0

    def __post_init__(self) -> None:
        """Raise UsageError if an option cannot be."""
        for name, least in _LEAST.items():
            value = getattr(self, name)
            if value is not None and value < least:
                raise UsageError(f"{name} must be at least {least}, not {value}")
        for name in ("epochs", "learning_rate", "scale", "share"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value > 0):
                raise UsageError(f"{name} must be a number above 0, not {value}")
        self._require_within()

    def _require_within(self) -> None:
        if not 0 <= self.warmup_ratio < 1:
            raise UsageError(f"warmup_ratio must be from 0 to below 1, not {self.warmup_ratio}")
        if self.share > 1:
            raise UsageError(f"share must be at most 1, not {self.share}")
        if not 0 <= self.seed < 2**32:
            raise UsageError(f"seed must be from 0 to 2**32 - 1, not {self.seed}")
        if min(self.dimensions, default=1) < 1:
            raise UsageError(f"dimensions must be 1 or more, not {min(self.dimensions)}")

    def batch_of(self, pairs: int) -> int:
        """Return the pairs of a step of a training on so many."""
        return min(pairs, self.batch_size or max(_SMALLEST, min(LARGEST, pairs // _STEPS)))

    def to_dict(self) -> dict[str, Any]:
        """Return all options, for a model card."""
        return asdict(self)


_LEAST: Final = {"max_steps": 1, "batch_size": 2, "negatives": 0, "max_tokens": 8}


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainedEncoder:
    """A trained static encoder.

    Attributes:
        folder: engine.static.StaticEncoder and sentence-transformers load it.
        name: which an index made with it will have; it ends with a checksum of the vectors.
        base: name of the encoder that training began with.
        options: as they were given, with the batch size that was taken.
        pairs: learned from.
        steps: done.
        seconds: from the first token to the saved folder, without imports.
        losses: (step, mean loss since the last one).
        moved: token vectors that are not what they were, as a share of all.
    """

    folder: Path
    name: str
    base: str
    options: EncoderOptions
    pairs: int
    steps: int
    seconds: float
    losses: tuple[tuple[int, float], ...]
    moved: float


@dataclass(frozen=True, slots=True)
class Row:
    """A query, a text that answers, and hard negatives (all rows of a set have equally many)."""

    query: str
    positive: str
    negatives: tuple[str, ...] = ()


def require_enough(examples: Sequence[Example], options: EncoderOptions) -> None:
    """Raise UsageError if nothing can be learned: of too few pairs, or in one step."""
    pairs = sum(map(len, rows_of(examples, 0)))
    steps = math.ceil(math.ceil(pairs / options.batch_of(pairs)) * options.epochs)
    if (options.max_steps or steps) < LEAST:
        raise UsageError(
            f"nothing is learned from {pairs} pairs in one step: give more --epochs, or a smaller"
            " --batch-size"
        )


def rows_of(examples: Sequence[Example], negatives: int) -> tuple[list[Row], list[Row]]:
    """Return a row for each positive: (without negatives, with exactly `negatives`).

    An example that has fewer repeats the ones it has.

    Raises:
        UsageError: If there are fewer than two.
    """
    bare: list[Row] = []
    hard: list[Row] = []
    for example in examples:
        texts = [c.text for c in example.negatives]
        some = tuple(texts[n % len(texts)] for n in range(negatives)) if texts else ()
        for positive in example.positives:
            if example.query.strip() and positive.text.strip():
                row = Row(example.query, positive.text, some)
                (hard if some else bare).append(row)
    if len(bare) + len(hard) < LEAST:
        raise UsageError(
            f"an encoder learns from questions with answers, two at least; here are"
            f" {len(bare) + len(hard)}"
        )
    return bare, hard
