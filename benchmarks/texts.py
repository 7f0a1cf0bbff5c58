# pyright: basic
"""Many texts as tokens, one after the other: what our own encoders learn from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
import torch
from tokenizers import Tokenizer

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

_AT_ONCE = 4096  # texts


@dataclass(frozen=True)
class Texts:
    """See the module.

    Attributes:
        tokens: of all texts, int32.
        starts: (texts + 1,) where each begins.
    """

    tokens: np.ndarray
    starts: np.ndarray

    @classmethod
    def read(cls, texts: Sequence[str], tokenizer: Path, most: int, *, special: bool) -> Self:
        """Return texts as the tokens of a tokenizer.json.

        Args:
            texts: at least one.
            tokenizer: the file.
            most: tokens of a text.
            special: whether `[CLS]` and `[SEP]` are among them.
        """
        reads = Tokenizer.from_file(str(tokenizer))
        reads.no_padding()
        reads.enable_truncation(most)
        found: list[np.ndarray] = []
        for start in range(0, len(texts), _AT_ONCE):
            some = list(texts[start : start + _AT_ONCE])
            encoded = reads.encode_batch_fast(some, add_special_tokens=special)
            found += [np.array(encoding.ids, dtype=np.int32) for encoding in encoded]
        return cls(np.concatenate(found), np.cumsum([0, *map(len, found)]))

    @property
    def lengths(self) -> np.ndarray:
        """(texts,) tokens of each."""
        return np.diff(self.starts)

    def bags(self, texts: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the tokens of some texts, and where each begins among them."""
        counts = self.starts[texts + 1] - self.starts[texts]
        offsets = np.cumsum(counts) - counts
        places = np.arange(counts.sum()) + np.repeat(self.starts[texts] - offsets, counts)
        return torch.from_numpy(self.tokens[places]).long(), torch.from_numpy(offsets)

    def rows(self, texts: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
        """Return (texts, longest) tokens, and which of them are real."""
        counts = self.starts[texts + 1] - self.starts[texts]
        real = torch.from_numpy(np.arange(counts.max()) < counts[:, None])
        rows = torch.zeros(real.shape, dtype=torch.long)
        rows[real] = self.bags(texts)[0]
        return rows, real
