"""What a training tells while it runs, and what it leaves."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A point of the curves: the mean loss since the last one, or the metrics on the dev set.

    Attributes:
        step: steps done.
        seconds: of training so far, looks at the dev set included.
        loss: None where the dev set was looked at.
        learning_rate: of this step.
        metrics: name -> value on the dev set.
    """

    step: int
    seconds: float
    loss: float | None = None
    learning_rate: float | None = None
    metrics: Mapping[str, float] = field(default_factory=dict[str, float])


@dataclass(frozen=True, slots=True, kw_only=True)
class Finetuned:
    """A trained model.

    Attributes:
        folder: a sentence-transformers CrossEncoder; `checkpoints` in it until they are discarded.
        steps: done, those before a kill included.
        best_step: whose weights were kept; `steps` where nothing looked at a dev set.
        seconds: of training, looks at the dev set included.
        curves: in the order of the steps.
        learning_rate: the peak that was taken.
        stopped_early: whether the dev metric stopped it.
    """

    folder: Path
    steps: int
    best_step: int
    seconds: float
    learning_rate: float
    curves: tuple[Point, ...]
    stopped_early: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """Where a training stands.

    Attributes:
        step: steps done, of `steps` in all.
        steps: fewer are done where patience ends it.
        loss: mean of the last twenty steps; NaN before the first.
        metric: the last value of the dev metric, None before the first.
        seconds_left: estimated from the steps done in this run; None before the first.
    """

    step: int
    steps: int
    loss: float = math.nan
    metric: float | None = None
    seconds_left: float | None = None


class TrainingProgress(Protocol):
    """Told after each step and each look at the dev set."""

    def update(self, status: Status) -> None:
        """A step is done."""
        ...


class Silent:
    """See TrainingProgress; says nothing."""

    def update(self, status: Status) -> None:
        """See TrainingProgress."""
