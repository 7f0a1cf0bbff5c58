# pyright: basic
"""LEAF (torch, tokenizers): rows of tokens through a model, fast and without loss.

Three rules, the same for every model:

* Rows are sorted by length and cut into batches by a budget of tokens, so that little of the work
  is padding and the working set of a batch stays in the processor's cache.
* A text longer than the model's window becomes several overlapping rows. Nothing is cut off.
* What a row gives does not depend on the rows beside it (to 1e-6 in float32).
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, cast

import numpy as np
import torch
from tokenizers import Tokenizer
from transformers.utils import logging as transformers_logging

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from sentence_transformers import CrossEncoder, SentenceTransformer
    from tokenizers import Encoding
    from transformers import PreTrainedTokenizerBase

    from engine.rerankers.checkpoint import Precision
    from engine.types import FloatArray

# Tokens in a batch, padding included. On a CPU small batches win, since what a batch works on must
# stay in the cache. 24 pairs of 140 words through 6 layers of 384, pairs per CPU second (AMD EPYC,
# torch 2.13, one run): `CrossEncoder.predict` 8.9 in its batches of 32 and 12.3 in batches of 8;
# here 14.9 with a budget of 512, 14.6 with 1,024, 14.0 with 2,048, 8.3 with 8,192. In bfloat16 23.0
# with 512, 24.5 with 1,024, 20.3 with 4,096.
_CPU_BUDGET = 1024
_GPU_BUDGET = 32_768
# Tokens of padding that cost as much as another batch. 6 layers of 384 on one thread of a CPU: 9 ms
# for a batch and 0.31 ms for each token, so a short query of a bi-encoder is not padded to a long
# passage. Calls of 50 pairs gain 2-4 %, of 4 pairs 20-28 %; within 1 % of the best cuts there are.
_CPU_PADDING = 28
# A window when neither the tokenizer nor the model names one.
_WINDOW = 512

DTYPES: dict[Precision, torch.dtype] = {"float32": torch.float32, "bfloat16": torch.bfloat16}


class Row(NamedTuple):
    """Tokens of one window of one text or pair, special tokens included."""

    owner: int
    ids: Sequence[int]
    types: Sequence[int]


class Windows:
    """Turns texts and pairs into rows that fit into a model's window."""

    def __init__(self, tokenizer: PreTrainedTokenizerBase, window: int) -> None:
        """Take copies of the fast tokenizer behind a model's; neither pads."""
        described = cast("Tokenizer", tokenizer.backend_tokenizer).to_str()
        self.window = window
        self.whole = Tokenizer.from_str(described)
        self.whole.no_padding()
        self.whole.no_truncation()
        # An eighth of overlap (64 of 512 tokens): a sentence at a seam is whole in one of the two.
        self._overlap = window // 8
        self._texts = self._cutting(described, "longest_first")
        self._pairs = self._cutting(described, "only_second")

    def texts(self, texts: Sequence[str]) -> tuple[list[Row], set[int]]:
        """Return the rows of texts, and the numbers of the texts that took more than one."""
        return self._rows(texts, lambda text: self._texts.encode(text))

    def pairs(self, pairs: Sequence[tuple[str, str]]) -> tuple[list[Row], set[int]]:
        """Return the rows of pairs, and the numbers of the pairs not read in one piece.

        A pair that does not fit repeats its query before each window of its passage. Such a query
        is itself cut at half the window, so that a passage always has the other half.
        """
        return self._rows(pairs, lambda pair: self._pairs.encode(self._cut(pair[0]), pair[1]))

    def _cutting(self, described: str, strategy: str) -> Tokenizer:
        tokenizer = Tokenizer.from_str(described)
        tokenizer.no_padding()
        tokenizer.enable_truncation(self.window, stride=self._overlap, strategy=strategy)
        return tokenizer

    def _rows(self, inputs: Sequence, split: Callable[..., Encoding]) -> tuple[list[Row], set[int]]:
        rows: list[Row] = []
        windowed: set[int] = set()
        for owner, whole in enumerate(self.whole.encode_batch_fast(inputs)):
            if len(whole) <= self.window:
                rows.append(Row(owner, whole.ids, whole.type_ids))
                continue
            windowed.add(owner)
            first = split(inputs[owner])
            rows += [Row(owner, part.ids, part.type_ids) for part in (first, *first.overflowing)]
        return rows, windowed

    def _cut(self, query: str) -> str:
        limit = self.window // 2 - self.whole.num_special_tokens_to_add(is_pair=True)
        encoding = self.whole.encode(query, add_special_tokens=False)
        return query if len(encoding) <= limit else query[: encoding.offsets[limit - 1][1]]


@dataclass(frozen=True)
class Network:
    """A loaded model as a function of rows; `output` names what is read off it."""

    model: SentenceTransformer | CrossEncoder
    output: str

    def window(self) -> int:
        """Return the tokens that the model reads at once: the least of the limits that it names."""
        config = cast("Any", self.model[0]).model.config
        positions = getattr(config, "max_position_embeddings", None)
        if positions and "roberta" in config.model_type:
            # Its positions count from the padding token's id + 1: 514 of them hold 512 tokens.
            positions -= (config.pad_token_id or 0) + 1
        # A tokenizer without a limit says 1e30.
        limits = (positions, self.model.tokenizer.model_max_length)
        return min((int(limit) for limit in limits if limit and limit < 1e6), default=_WINDOW)

    def run(self, rows: Sequence[Row]) -> FloatArray:
        """Return what the model says of each row: (n, width) float32; (0, 0) for no rows."""
        if not rows:
            return np.empty((0, 0), dtype=np.float32)
        lengths = np.array([len(row.ids) for row in rows])
        order = np.argsort(-lengths, kind="stable")
        slow = self.model.device.type == "cpu"
        budget, padding = (_CPU_BUDGET, _CPU_PADDING) if slow else (_GPU_BUDGET, _GPU_BUDGET)
        given: list[FloatArray] = []
        with torch.inference_mode():
            for start, stop in cuts(lengths[order], budget, padding):
                batch = self._batch([rows[number] for number in order[start:stop]])
                # (rows, width), or (rows,) from a head that squeezes
                values = self.model(batch)[self.output].float().cpu().numpy()
                given.append(values.reshape(stop - start, -1))
        results = np.concatenate(given)
        results[order] = results.copy()
        return results

    def _batch(self, rows: Sequence[Row]) -> dict[str, torch.Tensor]:
        shape = (len(rows), max(1, *(len(row.ids) for row in rows)))
        tokenizer = self.model.tokenizer
        arrays = {
            "input_ids": np.full(shape, tokenizer.pad_token_id or 0, dtype=np.int64),
            "attention_mask": np.zeros(shape, dtype=np.int64),
            "token_type_ids": np.zeros(shape, dtype=np.int64),
        }
        for number, row in enumerate(rows):
            end = len(row.ids)
            arrays["input_ids"][number, :end] = row.ids
            arrays["attention_mask"][number, :end] = 1
            arrays["token_type_ids"][number, :end] = row.types
        if "token_type_ids" not in tokenizer.model_input_names:
            # XLM-RoBERTa's tokenizer says 1 for a passage where its model has only type 0.
            del arrays["token_type_ids"]
        device = self.model.device
        return {name: torch.from_numpy(array).to(device) for name, array in arrays.items()}


@contextlib.contextmanager
def quietly() -> Iterator[None]:
    """Keep transformers' progress bars and load reports off the user's terminal."""
    verbosity, bars = (
        transformers_logging.get_verbosity(),
        transformers_logging.is_progress_bar_enabled(),
    )
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    try:
        yield
    finally:
        transformers_logging.set_verbosity(verbosity)
        if bars:
            transformers_logging.enable_progress_bar()


def cuts(lengths: np.ndarray, budget: int, padding: int) -> Iterator[tuple[int, int]]:
    """Yield the bounds of batches of descending lengths.

    A batch holds at most `budget` tokens and `padding` of them for nothing; a row longer than the
    budget is alone.
    """
    start = 0
    while start < len(lengths):
        longest = max(int(lengths[start]), 1)
        wasted = np.cumsum(longest - lengths[start : start + max(1, budget // longest)])
        stop = start + max(1, int(np.searchsorted(wasted, padding, side="right")))
        yield start, stop
        start = stop
