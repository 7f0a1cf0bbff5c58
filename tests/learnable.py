"""Examples that a tiny model learns in seconds: a passage is relevant iff it names the sea."""

from __future__ import annotations

import random

from indexer.training.examples import Candidate, Example

RELEVANT, IRRELEVANT = "the sea is blue", "the heart is red"


def learnable(count: int, negatives: int = 2, *, seed: int = 0) -> list[Example]:
    """Return so many queries with one relevant passage and some irrelevant ones each."""
    pick = random.Random(seed)
    examples: list[Example] = []
    for number in range(count):
        fillers = [pick.choice(["fish", "swims", "a b c", "what is"]) for _ in range(negatives + 1)]
        candidates = [Candidate(f"the sea {fillers[0]} {number}", 1.0)]
        candidates += [Candidate(f"the heart {words} {number}", 0.0) for words in fillers[1:]]
        examples.append(Example(f"what is {number}", tuple(candidates)))
    return examples
