# pyright: basic
"""LEAF (tokenizers): what every model asks of its tokenizer."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_READ = 4000


def well_formed(text: str) -> str:
    """Return the text with lone surrogates replaced by `?`: tokenizers refuses them."""
    return text.encode("utf-8", "replace").decode("utf-8")


def fluency(tokenizer: Tokenizer, text: str) -> float:
    """Return in [0, 1] how well the vocabulary knows the text's language (1 = as English)."""
    words = len(text[:_READ].split())
    pieces = len(tokenizer.encode(well_formed(text[:_READ]), add_special_tokens=False).ids)
    return float(min(max(2.0 - pieces / max(words, 1) / 2, 0.0), 1.0))
