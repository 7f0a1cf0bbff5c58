"""How long a training will take, said before it begins."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_TIMED: Final = 11  # questions that the gate asks once more of each reranker, to time it


@dataclass(frozen=True, slots=True, kw_only=True)
class Judging:
    """What is done with a trained model.

    Attributes:
        tuning: questions that choose the weight.
        judged: questions that the gate asks.
        depth: documents that are reranked for each.
        a_query: seconds of stage one.
        in_use: pairs that the reranker in use reads in a second; None where there is none.
        rows: pairs of held-out rows that are read besides.
    """

    tuning: int
    judged: int
    depth: int
    a_query: float
    in_use: float | None
    rows: int = 0

    def seconds(self, reads: float) -> float:
        """Return how long it takes, at most, with a model that reads so many pairs in a second."""
        timed = min(self.judged, _TIMED)
        rerankers = [reads] if self.in_use is None else [reads, self.in_use]
        pairs = self.depth * (self.judged + timed) + self.rows
        reading = sum(pairs / speed for speed in rerankers)
        asked = self.tuning + self.judged + timed * len(rerankers)
        return reading + self.depth * self.tuning / reads + asked * self.a_query


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """What is still to come; seconds are of this machine, as busy as it is.

    Attributes:
        steps: of the training.
        done: those before it was stopped.
        a_step: seconds.
        looking: seconds of looking at held-out questions while it learns.
        judging: seconds of choosing the weight and of the gate, at most: scores that are
            remembered cost nothing.
    """

    steps: int
    done: int = 0
    a_step: float
    looking: float
    judging: float

    @property
    def training(self) -> float:
        """Seconds of what is left to train, looks included."""
        return (self.steps - self.done) * self.a_step + self._looks

    @property
    def _looks(self) -> float:
        """Seconds of looking that is left."""
        return self.looking * (self.steps - self.done) / max(1, self.steps)

    def text(self) -> str:
        """Return a line for people."""
        left = self.steps - self.done
        of = f" of {self.steps:,}" if self.done else ""
        return (
            f"{left:,}{of} {'step' if left == 1 else 'steps'}, about {_time(self.training)} on this"
            f" machine ({_step(self.a_step)} a step, and {_time(self._looks)} of looking at"
            f" held-out questions), then {_time(self.judging)} to judge"
        )


def _time(seconds: float) -> str:
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def _step(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds >= 0.95 else f"{1000 * seconds:.0f} ms"
