# pyright: basic
"""Snowball stemmers by name (LEAF: PyStemmer)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import Stemmer

if TYPE_CHECKING:
    from collections.abc import Callable


def stemmer(algorithm: str) -> Callable[[str], str]:
    """Return the function that stems one lower-case word; `none` changes nothing."""
    return str if algorithm == "none" else Stemmer.Stemmer(algorithm).stemWord
