"""The nouns of training: a query with what is relevant to it, and what is not.

Everything that can be learned from is a list of candidates with labels. A pair is a list of one
positive, a triple one of two, a teacher's scores are labels of any size; mining makes lists longer.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, Literal, get_args

from engine.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

Loss = Literal["bce", "lambda", "listnet", "mnrl", "distill"]
LOSSES: Final[tuple[Loss, ...]] = get_args(Loss)
Kind = Literal["pairs", "labelled", "tuples", "scored", "questions"]


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
    """A query and its candidates, in the order of the file; at least one, but of `questions`."""

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
            and negatives, `scored` a teacher's scores, `questions` queries without candidates, for
            which mining finds some and a teacher scores them.
        examples: see Example.
        dev: held-out examples that the source itself names (a BEIR folder's dev split).
        checksums: file name -> hex digest of what was read.
        notes: what reading ignored or left out, for the user's eyes.
        verbatim: whether its questions stand word for word in the index, being made from it.
    """

    name: str
    kind: Kind
    examples: Sequence[Example]
    dev: Sequence[Example] = ()
    checksums: Mapping[str, str] = field(default_factory=dict[str, str])
    notes: tuple[str, ...] = ()
    verbatim: bool = False

    def __post_init__(self) -> None:
        if not self.examples:
            raise UsageError(f"{self.name} holds nothing to learn from")


def checksum_of(examples: Iterable[Example]) -> str:
    """Return a hex digest of examples that are in no file."""
    digest = hashlib.blake2b(digest_size=16)
    for example in examples:
        digest.update(repr(example).encode("utf-8", "surrogatepass"))
    return digest.hexdigest()


# What a loss learns from. Mined negatives make tuples of pairs, so that every loss but `distill`
# fits pairs; a teacher's scores are needed for `distill` alone.
FITTING: Final[Mapping[Kind, tuple[Loss, ...]]] = {
    "pairs": ("bce", "lambda", "listnet", "mnrl"),
    "tuples": ("bce", "lambda", "listnet", "mnrl"),
    "labelled": ("bce", "lambda", "listnet"),
    "scored": ("distill", "listnet"),
    "questions": (),
}


def require_fitting(loss: Loss, training: TrainingSet, *, taught: bool = False) -> None:
    """Raise UsageError, naming what fits, if a loss cannot learn from a set.

    Args:
        loss: see FITTING.
        training: as it was read.
        taught: whether a teacher scores it, so that the loss gets scores whatever it is.
    """
    if taught and training.kind == "scored":
        raise UsageError(
            f"{training.name} brings a teacher's scores along: train on it without --teacher, or"
            " leave its column of scores out"
        )
    if training.kind == "questions" and not taught:
        raise UsageError(
            f"{training.name} has questions without answers: give a --teacher, which scores what"
            " the index has for them, or a column of answers"
        )
    fitting = FITTING["scored" if taught else training.kind]
    if loss not in fitting:
        what = (
            "a teacher's scores" if taught else f"{training.name}, whose rows are {training.kind}"
        )
        raise UsageError(f"--loss {loss} cannot learn from {what}; what fits: {', '.join(fitting)}")
