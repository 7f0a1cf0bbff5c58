"""A teacher scores every candidate, and a student learns its scores (knowledge distillation).

Margins (`--teaching margin`, MarginMSE: Hofstätter et al. 2020, arXiv:2010.02666). Teachers do not
agree on what a score is: a logit, a cosine. So each one's scores are divided by their spread within
a query, which is what margins are made of, and the student learns the mean, at the spread of a
cross-encoder's logits. Where teachers disagree margins shrink.

Chances (`--teaching soft`). The mean of the teachers' calibrated probabilities; one that has none
cannot teach so.

A known answer never stands below what nobody labelled an answer: where the teachers say so, it gets
the score of the best of those. They may be right about that one, a negative that answers after all,
but not about the answer.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Final, Protocol

import numpy as np

from engine.errors import UsageError
from engine.evaluation.scored import RememberedReranker
from engine.rerankers import load

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from engine.evaluation.plan import Progress
    from engine.protocols import Reranker
    from engine.types import FloatArray
    from indexer.training.examples import Example
    from indexer.training.options import Teaching

# Of the logits of a cross-encoder within a query, roughly: of one trained on MedQuAD with binary
# cross-entropy it is 2.6.
SPREAD: Final = 3.0
_DECIMALS: Final = 4  # the last bits of a logit depend on the machine


class Teacher(Protocol):
    """Scores candidates, by whatever it knows of them: their texts, or the index that has them."""

    @property
    def name(self) -> str:
        """What it is, as every output shows it."""
        ...

    @property
    def fingerprint(self) -> str:
        """Another one whenever its scores could be others."""
        ...

    def scores(self, examples: Sequence[Example], advance: Callable[[int], None]) -> FloatArray:
        """Return (n,) scores of all candidates in order: higher is better, of any scale.

        `advance` is told how many candidates are done, as they are; first, how many were before.
        """
        ...

    def chances(self, scores: FloatArray) -> np.ndarray | None:
        """Return (n,) probabilities in [0, 1] of relevance, or None if it is not calibrated."""
        ...


class RerankerTeacher:
    """See Teacher: a reranker, whose scores are remembered as those of an evaluation are."""

    def __init__(self, reranker: Reranker, folder: Path) -> None:
        """Keep scores in a folder."""
        self.reranker = reranker
        self.name = reranker.name
        self.fingerprint = reranker.fingerprint
        self._folder = folder

    def scores(self, examples: Sequence[Example], advance: Callable[[int], None]) -> FloatArray:
        """See Teacher."""
        pairs = [(example.query, c.text) for example in examples for c in example.candidates]
        return RememberedReranker(self.reranker, self._folder).score(pairs, advance).logits

    def chances(self, scores: FloatArray) -> np.ndarray | None:
        """See Teacher."""
        return self.reranker.relevance(scores)


def load_teachers(names: Sequence[str], teaching: Teaching, scores: Path) -> list[RerankerTeacher]:
    """Return rerankers as teachers; `default` is the one that comes along.

    Raises:
        ModelError: if one cannot be loaded, or is no reranker.
        UsageError: if one is named twice, or gives no probabilities where they are wanted.
    """
    found: dict[str, RerankerTeacher] = {}
    for name in names:
        teacher = RerankerTeacher(load("" if name == "default" else name), scores)
        if teacher.fingerprint in found:
            raise UsageError(f"the teacher {teacher.name} is named twice; every one counts once")
        if teaching == "soft" and teacher.chances(np.zeros(1, np.float32)) is None:
            raise UsageError(
                f"{teacher.name} gives no probabilities, which --teaching soft learns; --teaching"
                " margin needs none"
            )
        found[teacher.fingerprint] = teacher
    return list(found.values())


@dataclass(frozen=True, slots=True)
class Taught:
    """Examples whose labels are what a student learns, by set; what there is to tell, in lines."""

    sets: Mapping[str, Sequence[Example]]
    told: str


def taught(
    sets: Mapping[str, Sequence[Example]],
    teachers: Sequence[Teacher],
    teaching: Teaching,
    progress: Progress,
) -> Taught:
    """Return examples with the teachers' scores in place of labels.

    Args:
        sets: name -> examples with all of their candidates.
        teachers: one or more.
        teaching: `margin`, or `soft` for probabilities.
        progress: told while they score.

    Raises:
        UsageError: if a teacher scores all candidates of every query alike.
    """
    every = [example for examples in sets.values() for example in examples]
    counts = [len(example.candidates) for example in every]
    ends = np.cumsum(counts)
    said: list[FloatArray] = []
    for teacher in teachers:
        found = teacher.scores(every, _Scoring(progress, teacher.name, len(every), sum(counts)))
        progress.finish()
        said.append(_chances(teacher, found) if teaching == "soft" else _even(teacher, found, ends))
    mean = np.mean(said, axis=0).round(_DECIMALS)
    corrected = [
        _corrected(e, part) for e, part in zip(every, np.split(mean, ends[:-1]), strict=True)
    ]
    raised = sum(below for _, below in corrected)
    scored = iter([example for example, _ in corrected])
    names = ", ".join(teacher.name for teacher in teachers)
    told = f"{names} scored {sum(counts):,} candidates of {len(every):,} questions."
    if raised:
        told += (
            f" For {raised:,} of them something that is no known answer stood above one that is,"
            " which was raised to it."
        )
    return Taught({name: [next(scored) for _ in examples] for name, examples in sets.items()}, told)


class _Scoring:
    """Tells of candidates that are done as of queries."""

    def __init__(self, progress: Progress, name: str, queries: int, candidates: int) -> None:
        self._progress = progress
        self._name = name
        self._queries = queries
        self._share = queries / max(1, candidates)
        self._began = False

    def __call__(self, candidates: int) -> None:
        done = self._share * candidates
        if self._began:
            self._progress.advance(done)
        else:
            self._progress.start(f"{self._name} teaches", self._queries, int(done))
            self._began = True


def _even(teacher: Teacher, scores: FloatArray, ends: np.ndarray) -> np.ndarray:
    """Return scores with a mean of 0 and the common spread within a query."""
    wide = scores.astype(np.float64)
    parts = [wide[start:end] for start, end in pairwise([0, *ends.tolist()]) if end - start > 1]
    within = np.concatenate([part - part.mean() for part in parts]) if parts else np.zeros(1)
    spread = float(np.sqrt(np.mean(within**2)))
    if not spread:
        raise UsageError(
            f"{teacher.name} scores all candidates of a question alike: none is taught"
        )
    return SPREAD * (wide - wide.mean()) / spread


def _chances(teacher: Teacher, scores: FloatArray) -> np.ndarray:
    chances = teacher.chances(scores)
    if chances is None:
        raise UsageError(f"{teacher.name} gives no probabilities: choose --teaching margin")
    return chances.astype(np.float64)


def _corrected(example: Example, scores: np.ndarray) -> tuple[Example, bool]:
    """Return an example with its scores, and whether an answer had to be raised."""
    labels = [candidate.label for candidate in example.candidates]
    known = np.array(labels) > 0
    least = scores[~known].max() if known.any() and not known.all() else -np.inf
    raised = np.where(known, np.maximum(scores, least), scores)
    candidates = zip(example.candidates, raised.tolist(), strict=True)
    learned = tuple(replace(candidate, label=score) for candidate, score in candidates)
    return replace(example, candidates=learned), bool((raised > scores).any())
