# pyright: basic
"""The pairs that our own encoders learn from, and what all-MiniLM-L6-v2 says of their texts."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
import torch
from torch.nn import functional
from tqdm import tqdm
from transformers import AutoModel

from benchmarks.tables import markdown
from benchmarks.texts import Texts
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
    """Queries or passages, and what the teacher says of each.

    Attributes:
        texts: their tokens.
        taught: (texts, 384) unit vectors, float16.
    """

    texts: Texts
    taught: torch.Tensor


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


def table_of(learned: Sequence[Source]) -> str:
    """Return a card's table of sources, how many pairs of each are learned from, and checksums."""
    rows = [
        (source.name, f"{_count(source):,}", f"`{next(iter(source.checksums.values()))}`")
        for source in learned
    ]
    return markdown(("source", "pairs", "checksum of its first file"), rows)


def taught_pairs(learned: Sequence[Source], tokenizer: Path, work: Path, seed: int) -> Pairs:
    """Return the pairs with what the teacher says of their texts.

    Args:
        learned: sources.
        tokenizer: tokenizer.json of the vectors that learn.
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
        Side(
            Texts.read(texts[side], tokenizer, _READ[side], special=False),
            torch.from_numpy(np.concatenate(kept)),
        )
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


def _taught(texts: Sequence[str], work: Path, name: str) -> np.ndarray:
    """Return (texts, 384) what the teacher says; read in bfloat16, kept in float16."""
    digest = hashlib.blake2b("\0".join([str(_TAUGHT), *texts]).encode(), digest_size=6).hexdigest()
    kept = work / f"{name}-{digest}.npy"
    if kept.is_file():
        return np.load(kept)
    place = bundled.minilm_folder()
    model = AutoModel.from_pretrained(str(place), dtype=torch.bfloat16).eval()
    read = Texts.read(texts, place / "tokenizer.json", _TAUGHT, special=True)
    order = np.argsort(read.lengths, kind="stable")
    vectors = np.zeros((len(order), 384), dtype=np.float16)
    for batch in tqdm(np.array_split(order, len(order) // 32 + 1), desc=name, disable=None):
        rows, real = read.rows(batch)
        with torch.inference_mode():
            states = model(rows, attention_mask=real.long()).last_hidden_state.float()
        mean = (states * real[..., None]).sum(1) / real.sum(1, keepdim=True)
        vectors[batch] = functional.normalize(mean, dim=1).half().numpy()
    work.mkdir(parents=True, exist_ok=True)
    partial = kept.with_suffix(".part.npy")
    np.save(partial, vectors)
    partial.replace(kept)
    return vectors
