# pyright: basic
"""LEAF (sentence-transformers): which rows make a batch.

transformers' own length grouping does not reach a CrossEncoderTrainer: it makes its batches itself,
of texts that are tokenized only inside the loss.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from sentence_transformers.base.sampler import DefaultBatchSampler, NoDuplicatesBatchSampler

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from datasets import Dataset

# Batches that are sorted together: enough that neighbours are alike in length, few enough that
# batches stay mixed.
_TOGETHER = 32


class BucketBatchSampler(DefaultBatchSampler):
    """Batches of rows alike in length, in an order that seed and epoch decide.

    Shuffled rows are cut into buckets, each is sorted by length and cut into batches, and the
    batches are shuffled. Every row comes once an epoch.

    Relevant rows are sorted apart from irrelevant ones and mixed evenly: where the ones are longer
    than the others, sorting all together would make batches of one label, which teach nothing (a
    tiny model with bce learned a task not at all so, and in 40 steps like this).
    """

    def __init__(self, dataset: Dataset, **kwargs: Any) -> None:  # noqa: ANN401 - the library's
        """See DefaultBatchSampler."""
        super().__init__(dataset, **kwargs)
        self._lengths = lengths(dataset)
        self._relevant = np.zeros(len(self._lengths), dtype=bool)
        if "label" in dataset.column_names:
            self._relevant = np.array(dataset.with_format(None)["label"][:]) > 0

    def __iter__(self) -> Iterator[list[int]]:
        """Yield the rows of each batch."""
        generator = torch.Generator().manual_seed((self.seed or 0) + self.epoch)
        order = torch.randperm(len(self._lengths), generator=generator).numpy()
        size = self.batch_size * _TOGETHER
        batches: list[list[int]] = []
        for start in range(0, len(order), size):
            ranked = self._ranked(order[start : start + size])
            batches += [
                ranked[first : first + self.batch_size].tolist()
                for first in range(0, len(ranked), self.batch_size)
            ]
        for number in torch.randperm(len(batches), generator=generator).tolist():
            yield batches[number]

    def _ranked(self, bucket: np.ndarray) -> np.ndarray:
        """Return rows from long to short, judged by their place among those of their label."""
        places = np.empty(len(bucket))
        for label in (False, True):
            among = np.flatnonzero(self._relevant[bucket] == label)
            longest = np.argsort(-self._lengths[bucket[among]], kind="stable")
            places[among[longest]] = (np.arange(len(among)) + 0.5) / max(len(among), 1)
        return bucket[np.argsort(places, kind="stable")]

    def __len__(self) -> int:
        """Return the batches of an epoch."""
        return -(-len(self._lengths) // self.batch_size)


def lengths(dataset: Dataset) -> np.ndarray:
    """Return the bytes of text in each row: of all scripts the best guess at tokens that is free.

    A letter of Latin script is a quarter of a token, a Chinese character a whole one of 3 bytes.
    """
    plain = dataset.with_format(None)
    total = np.zeros(len(plain), dtype=np.int64)
    for column in plain.column_names:
        if column not in ("label", "labels", "scores"):
            total += [_bytes(value) for value in plain[column]]
    return total


def batches_of(dataset: Dataset, **kwargs: Any) -> DefaultBatchSampler:  # noqa: ANN401
    """Return how a dataset is cut into batches: without duplicates where others' rows count."""
    if "anchor" in dataset.column_names:
        return NoDuplicatesBatchSampler(dataset, **kwargs)
    return BucketBatchSampler(dataset, **kwargs)


def _bytes(value: str | Sequence[str]) -> int:
    if isinstance(value, str):
        return len(value.encode(errors="surrogatepass"))
    return sum(_bytes(part) for part in value)
