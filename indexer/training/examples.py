"""The nouns of training: a query with what is relevant to it, and what is not.

Everything that can be learned from is a list of candidates with labels. A pair is a list of one
positive, a triple one of two, a teacher's scores are labels of any size; mining makes lists longer.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal, get_args

from engine.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

Loss = Literal["bce", "lambda", "listnet", "mnrl", "distill"]
LOSSES: Final[tuple[Loss, ...]] = get_args(Loss)
Kind = Literal["pairs", "labelled", "tuples", "scored"]


@dataclass(frozen=True, slots=True)
class Candidate:
    """One text that was judged for a query.

    Attributes:
        text: as stage two reads it: title and headings stand before it.
        label: 1 relevant, 0 not; a grade in [0, 1]; or a teacher's score of any size.
        document: id in the index, empty where the text came from elsewhere.
    """

    text: str
    label: float
    document: str = ""


@dataclass(frozen=True, slots=True)
class Example:
    """A query and its candidates, in the order of the file; at least one."""

    query: str
    candidates: tuple[Candidate, ...]

    @property
    def positives(self) -> tuple[Candidate, ...]:
        """The candidates that are relevant."""
        return tuple(candidate for candidate in self.candidates if candidate.label > 0)

    @property
    def negatives(self) -> tuple[Candidate, ...]:
        """The candidates that are not."""
        return tuple(candidate for candidate in self.candidates if candidate.label <= 0)


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingSet:
    """Examples of one source, one for each distinct query.

    Attributes:
        name: of the file or folder.
        kind: `pairs` positives alone, `labelled` each with a label in [0, 1], `tuples` positives
            and negatives, `scored` a teacher's scores.
        examples: see Example.
        dev: held-out examples that the source itself names (a BEIR folder's dev split).
        checksums: file name -> hex digest of what was read.
        notes: what reading ignored or left out, for the user's eyes.
    """

    name: str
    kind: Kind
    examples: Sequence[Example]
    dev: Sequence[Example] = ()
    checksums: Mapping[str, str] = field(default_factory=dict[str, str])
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not self.examples:
            raise UsageError(f"{self.name} holds nothing to learn from")


# What a loss learns from. Mined negatives make tuples of pairs, so that every loss but `distill`
# fits pairs; a teacher's scores are needed for `distill` alone.
FITTING: Final[Mapping[Kind, tuple[Loss, ...]]] = {
    "pairs": ("bce", "lambda", "listnet", "mnrl"),
    "tuples": ("bce", "lambda", "listnet", "mnrl"),
    "labelled": ("bce", "lambda", "listnet"),
    "scored": ("distill", "listnet"),
}


def require_fitting(loss: Loss, training: TrainingSet) -> None:
    """Raise UsageError, naming the losses that fit, if a loss cannot learn from a set."""
    fitting = FITTING[training.kind]
    if loss not in fitting:
        raise UsageError(
            f"--loss {loss} cannot learn from {training.name}, whose rows are {training.kind};"
            f" what fits: {', '.join(fitting)}"
        )
