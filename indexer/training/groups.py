"""A dev set of its own: queries that share an answer never stand on both sides."""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING

from engine.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from indexer.training.examples import Candidate, Example


def split(
    examples: Sequence[Example],
    share: float = 0.1,
    seed: int = 0,
    *,
    least: int = 1,
    most: int = 1000,
) -> tuple[list[Example], list[Example]]:
    """Return (train, dev), each in the given order; who is where does not depend on that order.

    A group is what hangs together by queries that are the same but for white space and case, or by
    positives with the same text or document. Dev gets whole groups until the next would be too
    many, at least one of two or more; groups without a positive stay in train.

    Args:
        examples: see Example.
        share: of the queries, that dev gets.
        seed: another one draws other groups.
        least: queries that dev gets at least, but never for this more than half of them.
        most: queries that dev gets at most, unless the smallest group has more.

    Raises:
        UsageError: If the share is no part of a whole.
    """
    if not 0 < share < 1:
        raise UsageError(f"a dev set has a share between 0 and 1 of the queries, not {share}")
    groups = _groups(examples)
    judgeable = [group for group in groups if any(_relevant(examples[at]) for at in group)]
    drawn = sorted(
        judgeable if len(judgeable) > 1 else groups,
        key=lambda group: min(_digest(str(seed), examples[at].query) for at in group),
    )
    count = len(examples)
    wanted = min(most, max(round(share * count), min(least, count // 2)))
    dev: set[int] = set()
    for group in drawn[:-1]:  # never everything
        if len(dev) + len(group) <= wanted:
            dev.update(group)
    if not dev and len(groups) > 1:
        dev.update(min(drawn, key=len))
    return (
        [example for at, example in enumerate(examples) if at not in dev],
        [example for at, example in enumerate(examples) if at in dev],
    )


def _groups(examples: Sequence[Example]) -> list[list[int]]:
    """Return the places of the examples of each group."""
    parents = list(range(len(examples)))

    def root(at: int) -> int:
        while parents[at] != at:
            parents[at] = parents[parents[at]]
            at = parents[at]
        return at

    owners: dict[bytes, int] = {}
    for at, example in enumerate(examples):
        for tie in ties(example):
            one, other = root(owners.setdefault(tie, at)), root(at)
            parents[max(one, other)] = min(one, other)
    groups: dict[int, list[int]] = {}
    for at in range(len(examples)):
        groups.setdefault(root(at), []).append(at)
    return list(groups.values())


def ties(example: Example) -> Iterator[bytes]:
    """Yield what two examples of one group share."""
    yield _digest("query", plain(example.query))
    for candidate in _relevant(example):
        if candidate.document:
            yield _digest("document", candidate.document)
        if candidate.text:
            yield _digest("text", plain(candidate.text))


def _relevant(example: Example) -> Sequence[Candidate]:
    """Return the positives; of a teacher who scores nothing above zero, what it likes best."""
    best = max((candidate.label for candidate in example.candidates), default=0.0)
    if best < 0:
        return [candidate for candidate in example.candidates if candidate.label == best]
    return example.positives


def plain(text: str) -> str:
    """Return a text without what makes no other question of it: white space and case."""
    return " ".join(text.split()).casefold()


def _digest(*texts: str) -> bytes:
    return blake2b("\0".join(texts).encode(), digest_size=16).digest()
