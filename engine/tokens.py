# pyright: basic
"""LEAF (tokenizers): what every model asks of its tokenizer.

**Fluency.** A model cannot read a language that its vocabulary only spells out letter by letter,
and the vocabulary tells so without the model: the mean number of letters in a piece. Measured on
XQuAD's 240 paragraphs in 12 languages and on five English collections (means of passages; in
brackets the fifth percentile):

    letters a piece      Llama 2's pieces      MiniLM's, ours
    English, 6 kinds     3.7 .. 4.4 (3.2)      4.0 .. 4.8 (3.2)
    Python source        3.9 (3.4)             3.9 (3.4)
    German, Spanish      3.4, 3.2              2.8, 2.8
    Romanian             2.7                   2.6
    Turkish              2.0                   2.2
    Vietnamese           1.4                   2.1
    Russian              2.7                   1.1
    Arabic, Greek        1.1, 1.0              1.0, 1.1
    Thai, Hindi, Chinese 1.0, 0.9, 0.8         0.1, 0.9, 0.4

Only letters count, since digits and punctuation are one piece each in any language: with them
command pages looked like German. Pieces per word, the usual measure of fertility, needs words,
which Thai and Chinese do not write, and has English command pages (2.0) beside German (2.1).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from tokenizers import Tokenizer

# Letters a piece at which fluency is 0 and 1.
# An encoder's vectors still help a little where its vocabulary half knows the language (XQuAD:
# hybrid is not below BM25 in any of 12 languages at these, with our vectors and with wordllama's).
ENCODER_RANGE: Final = (1.5, 3.0)
# A model that has read one language alone misjudges its neighbours: MiniLM at weight 0.5 took
# Spanish from 96.0 to 95.0, at 0.2 it gained 0.1. Between German and every kind of English.
RERANKER_RANGE: Final = (2.5, 3.5)
# So many tokens are made for many languages: there a short piece says nothing (XLM-R 250,000,
# mBERT 120,000, Qwen 151,000; English models have 30,000 to 50,000).
_MULTILINGUAL: Final = 100_000
# Characters read: enough to tell a language, tokenized in 0.4 ms (Thai 0.8).
_READ = 1500


def well_formed(text: str) -> str:
    """Return the text with lone surrogates replaced by `?`: tokenizers refuses them."""
    return text.encode("utf-8", "replace").decode("utf-8")


class Fluency:
    """Says how well a tokenizer's vocabulary knows the language of a text."""

    def __init__(
        self, tokenizer: Tokenizer, letters_a_piece: tuple[float, float] = ENCODER_RANGE
    ) -> None:
        """Count the letters of each token once: 15 ms for 32,000 tokens."""
        self._tokenizer = tokenizer
        self._shredded, self._fluent = letters_a_piece
        self._multilingual = tokenizer.get_vocab_size() >= _MULTILINGUAL
        self._letters = np.zeros(tokenizer.get_vocab_size(), dtype=np.int32)
        added = {token.content for token in tokenizer.get_added_tokens_decoder().values()}
        for token, number in tokenizer.get_vocab().items():
            # A byte (`<0xE0>`) or `[UNK]` stands for letters that the vocabulary does not have.
            if token not in added and not (token.startswith("<0x") and len(token) == 6):
                self._letters[number] = _letters(token)

    def __call__(self, text: str) -> float:
        """Return in [0, 1] the fluency of the first 1,500 characters; 1 if none is a letter."""
        text = well_formed(text[:_READ])
        letters = _letters(text)
        if not letters or self._multilingual:
            return 1.0
        ids = self._tokenizer.encode(text, add_special_tokens=False).ids
        known = self._letters[ids]
        covered = int(known.sum())
        # A letter that no piece covers counts as a piece of its own.
        pieces = np.count_nonzero(known) + max(letters - covered, 0)
        mean = covered / max(pieces, 1)
        return float(np.clip((mean - self._shredded) / (self._fluent - self._shredded), 0.0, 1.0))


def _letters(text: str) -> int:
    return len(text) if text.isalpha() else sum(map(str.isalpha, text))
