# pyright: basic
"""LEAF (datasets): the pairs of GooAQ, split as the published experiment split them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import datasets

from engine.errors import CollectionError

if TYPE_CHECKING:
    from collections.abc import Iterable

_NAME: Final = "sentence-transformers/gooaq"
_PAIRS: Final = 100_000
_SEED: Final = 12


def pairs(held_out: int) -> tuple[Iterable[tuple[str, str]], set[str]]:
    """Return the first 100,000 pairs, and the questions of those that are held out.

    Raises:
        CollectionError: if the hub cannot be reached and nothing is cached.
    """
    try:
        found = datasets.load_dataset(_NAME, split=f"train[:{_PAIRS}]")
    except Exception as error:  # offline, a proxy, a full disk: a dozen types of several libraries
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise CollectionError(
            f"this recipe needs {_NAME} from the hub, which did not give it ({reason});"
            " run it where the hub can be reached, or try squad or medquad"
        ) from error
    test = found.train_test_split(test_size=held_out, seed=_SEED)["test"]
    return zip(found["question"], found["answer"], strict=True), set(test["question"])
