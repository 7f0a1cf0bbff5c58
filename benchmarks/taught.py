# pyright: basic
"""The pairs that our own encoders learn from, and what all-MiniLM-L6-v2 says of their texts."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import torch
from tokenizers import Tokenizer
from torch.nn import functional
from tqdm import tqdm
from transformers import AutoModel

from benchmarks.tables import markdown
from engine import bundled

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from benchmarks.material import Source

_SIDES: Final = ("queries", "passages")
# Of these a part is learned from: who has most must not drown the others.
_MOST: Final = {"squad": 20_000, "medquad": 9_000}
_TAUGHT = 128  # tokens that the teacher reads
_READ = (64, 256)  # tokens of a query and of a passage that are learned from
_ALMOST: Final = 0.95  # of the right passage's cosine: what has more is no negative
_MINED: Final = 1024  # queries at once


@dataclass(frozen=True)
class Side:
    """Queries or passages: their tokens, one after the other, and what the teacher says of each.

    Attributes:
        tokens: of all texts.
        starts: (texts + 1,) where each begins.
        taught: (texts, 384) unit vectors, float16.
    """

    tokens: torch.Tensor
    starts: torch.Tensor
    taught: torch.Tensor

    def bags(self, texts: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the tokens of some texts, and where each begins among them."""
        starts, counts = self.starts[texts], self.starts[texts + 1] - self.starts[texts]
        offsets = counts.cumsum(0) - counts
        places = torch.arange(int(counts.sum())) + (starts - offsets).repeat_interleave(counts)
        return self.tokens[places], offsets


@dataclass(frozen=True)
class Pairs:
    """What is learned.

    Attributes:
        queries: all of them.
        passages: all of them.
        query: (pairs,) the query of each pair.
        passage: (pairs,) the passage that answers it.
        negative: (pairs,) a passage that looks like an answer and is none; see `_negatives`.
        source: (pairs,) number of the source that the pair is of.
    """

    queries: Side
    passages: Side
    query: torch.Tensor
    passage: torch.Tensor
    negative: torch.Tensor
    source: np.ndarray


def chosen(
    learned: Sequence[Source], seed: int
) -> Iterator[tuple[Source, tuple[list[str], list[str]]]]:
    """Give each source with the queries and the passages of the pairs that are learned from."""
    draw = np.random.default_rng(seed)
    for source in tqdm(learned, desc="sources", disable=None):
        shown = {d: f"{title}\n{text}".strip() for d, title, text in source.documents}
        order = draw.permutation(len(source.pairs))[: _count(source)]
        pairs = [source.pairs[n] for n in order]
        yield source, ([query for query, _ in pairs], [shown[d] for _, d in pairs])


def _count(source: Source) -> int:
    """Return how many pairs of a source are learned from."""
    return min(len(source.pairs), _MOST.get(source.name, len(source.pairs)))


def checksums(learned: Sequence[Source]) -> str:
    """Return a table of sources for a card, with how many pairs of each are learned from."""
    rows = [
        (source.name, f"{_count(source):,}", f"`{next(iter(source.checksums.values()))}`")
        for source in learned
    ]
    return markdown(("source", "pairs", "checksum of its first file"), rows)


def taught_pairs(learned: Sequence[Source], tokenizer: Tokenizer, work: Path, seed: int) -> Pairs:
    """Return the pairs with what the teacher says of their texts.

    Args:
        learned: sources.
        tokenizer: of the vectors that learn.
        work: keeps what the teacher said, source by source.
        seed: of the choice of pairs.
    """
    texts: tuple[list[str], list[str]] = ([], [])
    taught: tuple[list[np.ndarray], list[np.ndarray]] = ([], [])
    numbers: tuple[list[int], list[int]] = ([], [])
    owners: list[int] = []
    for number, (source, sides) in enumerate(chosen(learned, seed)):
        for side, own in enumerate(sides):
            place = {text: len(texts[side]) + n for n, text in enumerate(dict.fromkeys(own))}
            numbers[side].extend(place[text] for text in own)
            texts[side].extend(place)
            taught[side].append(_taught(list(place), work, f"{source.name}-{_SIDES[side]}"))
        owners += [number] * len(sides[0])
    queries, passages = [
        Side(*_tokens(texts[side], tokenizer, _READ[side]), torch.from_numpy(np.concatenate(kept)))
        for side, kept in enumerate(taught)
    ]
    query, passage = (torch.tensor(of) for of in numbers)
    source = np.array(owners)
    negative = _negatives(queries.taught[query], passages.taught, passage, source)
    return Pairs(queries, passages, query, passage, negative, source)


def _negatives(
    queries: torch.Tensor, passages: torch.Tensor, passage: torch.Tensor, source: np.ndarray
) -> torch.Tensor:
    """Return for each pair the passage of its source that the teacher takes for the best answer.

    What it takes for nearly as good as the right one, or better, may be right too and is left out
    (NV-Retriever: Moreira et al. 2024, TopK-PercPos). Where nothing is left, a pair has its own
    passage.

    Args:
        queries: (pairs, 384) what the teacher says of each pair's query.
        passages: (passages, 384) what it says of each passage.
        passage: (pairs,) the right one.
        source: (pairs,) number of each pair's source.
    """
    found = passage.clone()
    for number in np.unique(source):
        own = torch.from_numpy(np.flatnonzero(source == number))
        there = passage[own].unique()
        vectors = passages[there].float()
        for part in own.split(_MINED):
            asked, right = queries[part].float(), passage[part]
            score = asked @ vectors.T
            best = (asked * passages[right].float()).sum(1, keepdim=True)
            wrong = (score <= _ALMOST * best) & (there[None, :] != right[:, None])
            most, place = score.masked_fill(~wrong, -2).max(1)
            found[part] = torch.where(most > -2, there[place], right)
    return found


def _tokens(
    texts: Sequence[str], tokenizer: Tokenizer, most: int
) -> tuple[torch.Tensor, torch.Tensor]:
    found: list[np.ndarray] = []
    for start in range(0, len(texts), 2048):
        encoded = tokenizer.encode_batch_fast(texts[start : start + 2048], add_special_tokens=False)
        found += [np.array(encoding.ids[:most], dtype=np.int64) for encoding in encoded]
    starts = np.cumsum([0, *map(len, found)])
    return torch.from_numpy(np.concatenate(found)), torch.from_numpy(starts)


def _taught(texts: Sequence[str], work: Path, name: str) -> np.ndarray:
    """Return (texts, 384) what the teacher says; read in bfloat16, kept in float16."""
    digest = hashlib.blake2b("\0".join([str(_TAUGHT), *texts]).encode(), digest_size=6).hexdigest()
    kept = work / f"{name}-{digest}.npy"
    if kept.is_file():
        return np.load(kept)
    place = bundled.minilm_folder()
    tokenizer = Tokenizer.from_file(str(place / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.enable_truncation(_TAUGHT)
    model = AutoModel.from_pretrained(str(place), dtype=torch.bfloat16).eval()
    ids = [encoding.ids for encoding in tokenizer.encode_batch_fast(list(texts))]
    order = sorted(range(len(ids)), key=lambda n: len(ids[n]))
    vectors = np.zeros((len(ids), 384), dtype=np.float16)
    for batch in tqdm(np.array_split(order, len(order) // 32 + 1), desc=name, disable=None):
        length = len(ids[batch[-1]])
        rows = torch.tensor([ids[n] + [0] * (length - len(ids[n])) for n in batch])
        real = torch.arange(length) < torch.tensor([[len(ids[n])] for n in batch])
        with torch.inference_mode():
            states = model(rows, attention_mask=real.long()).last_hidden_state.float()
        mean = (states * real[..., None]).sum(1) / real.sum(1, keepdim=True)
        vectors[batch] = functional.normalize(mean, dim=1).half().numpy()
    work.mkdir(parents=True, exist_ok=True)
    partial = kept.with_suffix(".part.npy")
    np.save(partial, vectors)
    partial.replace(kept)
    return vectors
