# pyright: basic
"""How shortlist-static is made: token vectors whose sum says what a whole encoder would say.

    begin   each token of all-MiniLM-L6-v2's vocabulary is read alone by it; the vectors are turned
            to the main directions of what it says of texts, so that the first numbers of a vector
            say most, and the more often a token is seen the less it counts (SIF: Arora et al.
            2017, "A Simple but Tough-to-Beat Baseline for Sentence Embeddings")
    teach   all-MiniLM-L6-v2 reads each query and passage once: that takes an hour of one core, and
            is kept, source by source
    learn   batches of one source; each query is to be nearest to its own passage (InfoNCE), all of
            a batch as alike as the teacher has them (Kullback-Leibler divergence), and each vector
            near the teacher's

What each part brought stands in benchmarks/LOG.md.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import numpy as np
import torch
from tokenizers import Tokenizer
from torch.nn import functional
from tqdm import tqdm
from transformers import AutoModel

from benchmarks.material import sources
from benchmarks.models import attribution
from benchmarks.tables import markdown
from benchmarks.taught import taught_pairs
from engine import bundled, compact

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from benchmarks.taught import Pairs

WIDTH: Final = 256
# The mean of the teacher's vectors, and (384, WIDTH) their main directions.
Aims = tuple[torch.Tensor, torch.Tensor]
_RARE: Final = 1e-3
_EXPONENT, _REPEATS = 0.75, 3
_EPOCHS, _BATCH, _RATE, _WARM = 4, 512, 1e-2, 0.05
_TEMPERATURE, _ALIKE, _NEAR = 0.05, 0.5, 2.0


def write_static(data: Path, work: Path, folder: Path, seed: int = 0) -> tuple[int, float]:
    """Make the encoder and write it compactly; return how many pairs it learned, and its last loss.

    Args:
        data: the folder that SHORTLIST_DATA names.
        work: keeps what the teacher said, so that a run that was stopped goes on there.
        folder: of the package, written over; `python -m benchmarks report` fills its table.
        seed: of the choice of pairs and their order.
    """
    learned, watched = sources(data)
    tokenizer = Tokenizer.from_file(str(bundled.minilm_folder() / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    pairs = taught_pairs(learned, tokenizer, work, seed)
    aims = _aims(pairs)
    begun = _begin(tokenizer, pairs.passages.tokens, aims[1])
    table, loss = _learn(begun, pairs, aims, seed)
    folder.mkdir(parents=True, exist_ok=True)
    weights = {"embedding.weight": table}
    compact.pack(weights, folder / compact.FILE, coarse=tuple(weights))
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "modules.json").write_text(json.dumps([_MODULE], indent=2) + "\n")
    (folder / "shortlist.json").write_text(json.dumps({"about": _ABOUT}, indent=2) + "\n")
    (folder / "ATTRIBUTION.md").write_text(attribution(data, [s.name for s in learned]), "utf-8")
    counts = np.bincount(pairs.source)
    rows = [
        (source.name, f"{counts[number]:,}", f"`{checksum}`")
        for number, source in enumerate(learned)
        for checksum in list(source.checksums.values())[:1]
    ]
    card = _CARD.format(
        pairs=len(pairs.query),
        sources=markdown(("source", "pairs", "checksum of its first file"), rows),
        watched=", ".join(source.name for source in watched),
        seed=seed,
    )
    (folder / "README.md").write_text(card, "utf-8")
    return len(pairs.query), loss


_ABOUT: Final = "token vectors of stage one, 256 numbers; English"
_CARD: Final = """---
license: "apache-2.0"
language: en
tags: [sentence-transformers, static-embeddings, shortlist]
---

# shortlist-static

One vector of 256 numbers for each of 30,522 tokens; what a text says is their sum, scaled to length
1. No network of layers is run: some thousand passages a second on one core. The first 128 or 64
numbers of a vector can be used alone.

## What was measured
Zero-shot is what was never learned from, in no split: SciFact and Cranfield. SQuAD, MedQuAD and
tldr-commands were learned from (their train splits alone). all-MiniLM-L6-v2, which was the teacher,
had read MS MARCO, Natural Questions, SQuAD 2.0 and code search, among others.

<!-- quality -->
<!-- /quality -->

## Use
It comes along with Shortlist, which takes it where nothing else is named. For other programs:

```sh
shortlist models --export shortlist-static -o plain
```

```python
from sentence_transformers import SentenceTransformer

vectors = SentenceTransformer("plain").encode(["a question"], normalize_embeddings=True)
```

## Training
Begun with the token vectors of all-MiniLM-L6-v2 and taught by it, on {pairs:,} pairs:

```sh
python -m benchmarks static --work WORK    # seed {seed}
```

{sources}

Watched, and never learned from: {watched}.

## Limits
It knows English. Languages that share its letters are spelled out in more pieces, others letter by
letter; Shortlist gives its vectors less weight there.

## Licence
Apache-2.0, as all-MiniLM-L6-v2. The sources and their licences: ATTRIBUTION.md.
"""


_MODULE: Final = {
    "idx": 0,
    "name": "0",
    "path": "",
    "type": "sentence_transformers.sentence_transformer.modules.StaticEmbedding",
}


# -- begin ---------------------------------------------------------------------------------------


def _begin(tokenizer: Tokenizer, seen: torch.Tensor, directions: torch.Tensor) -> torch.Tensor:
    """Return (vocabulary, WIDTH) vectors of tokens read alone, in the directions of the aims."""
    size = tokenizer.get_vocab_size()
    first, last = (tokenizer.token_to_id(token) for token in ("[CLS]", "[SEP]"))
    model = AutoModel.from_pretrained(str(bundled.minilm_folder())).eval()
    with torch.inference_mode():
        alone = torch.cat(
            [
                model(torch.tensor([[first, n, last] for n in part])).last_hidden_state.mean(1)
                for part in np.array_split(np.arange(size), size // 512 + 1)
            ]
        )
    share = torch.bincount(seen, minlength=size) + 0.5
    share = share / share.sum()
    rare = _RARE / (_RARE + share)
    vectors = functional.normalize(alone - share @ alone, dim=1)
    table = (vectors @ directions) * rare[:, None]
    for special in tokenizer.get_added_tokens_decoder():
        table[special] = 0
    return table.contiguous()


# -- learn ---------------------------------------------------------------------------------------


def _learn(begun: torch.Tensor, pairs: Pairs, aims: Aims, seed: int) -> tuple[np.ndarray, float]:
    torch.manual_seed(seed)
    draw = np.random.default_rng(seed)
    table = torch.nn.Parameter(begun.clone())
    silent = (begun == 0).all(1)  # special tokens, [UNK] among them, say nothing
    optimizer = torch.optim.Adam([table], lr=_RATE)
    batches = [batch for _ in range(_EPOCHS) for batch in _epoch(pairs.source, draw)]
    loss = torch.zeros(())
    for number, batch in enumerate(bar := tqdm(batches, desc="learned", disable=None)):
        left = max(0.02, 1 - number / len(batches))
        optimizer.param_groups[0]["lr"] = (
            _RATE * left * min(1, (number + 1) / (_WARM * len(batches)))
        )
        loss = _loss(table, pairs, torch.from_numpy(batch), aims)
        optimizer.zero_grad()
        loss.backward()
        assert table.grad is not None  # noqa: S101 - it has just been given
        table.grad[silent] = 0
        optimizer.step()
        if number % 50 == 0:
            bar.set_postfix(loss=f"{loss.item():.3f}")
    return table.detach().numpy(), loss.item()


def _epoch(source: np.ndarray, draw: np.random.Generator) -> Iterator[np.ndarray]:
    """Give batches of one source each, the rest mixed; small sources more often than their size."""
    sizes = np.bincount(source)
    wanted = (sizes.max() * (sizes / sizes.max()) ** _EXPONENT).astype(int)
    batches: list[np.ndarray] = []
    rest: list[np.ndarray] = []
    for number, count in enumerate(np.minimum(wanted, _REPEATS * sizes)):
        own = np.flatnonzero(source == number)
        rows = np.concatenate([draw.permutation(own) for _ in range(_REPEATS)])[:count]
        whole = len(rows) // _BATCH * _BATCH
        batches += list(rows[:whole].reshape(-1, _BATCH))
        rest.append(rows[whole:])
    mixed = draw.permutation(np.concatenate(rest))
    batches += list(mixed[: len(mixed) // _BATCH * _BATCH].reshape(-1, _BATCH))
    draw.shuffle(batches)
    yield from batches


def _aims(pairs: Pairs) -> Aims:
    """Return the mean of the teacher's vectors, and (384, WIDTH) their main directions."""
    some = torch.cat([pairs.queries.taught[::7], pairs.passages.taught[::5]]).float()
    mean = some.mean(0)
    return mean, torch.linalg.svd(some - mean, full_matrices=False).Vh[:WIDTH].T


def _loss(
    table: torch.Tensor,
    pairs: Pairs,
    batch: torch.Tensor,
    aims: Aims,
) -> torch.Tensor:
    mean, directions = aims
    vectors, taught = [], []
    near = torch.zeros(())
    for side, texts in ((pairs.queries, pairs.query), (pairs.passages, pairs.passage)):
        tokens, starts = side.bags(texts[batch])
        own = functional.normalize(
            functional.embedding_bag(tokens, table, starts, mode="sum"), dim=1
        )
        teacher = side.taught[texts[batch]].float()
        aim = functional.normalize((teacher - mean) @ directions, dim=1)
        near = near + (1 - (own * aim).sum(1)).mean()
        vectors.append(own)
        taught.append(teacher)
    said = vectors[0] @ vectors[1].T / _TEMPERATURE
    wanted = taught[0] @ taught[1].T / _TEMPERATURE
    passage = pairs.passage[batch]
    same = passage[:, None] == passage[None, :]
    others = said.masked_fill(same & ~torch.eye(len(batch), dtype=torch.bool), -1e4)
    right = torch.arange(len(batch))
    contrast = torch.stack([functional.cross_entropy(way, right) for way in (others, others.T)])
    alike = torch.stack(
        [
            functional.kl_div(ours.log_softmax(1), theirs.softmax(1), reduction="batchmean")
            for ours, theirs in ((said, wanted), (said.T, wanted.T))
        ]
    )
    return (1 - _ALIKE) * contrast.mean() + _ALIKE * alike.mean() + _NEAR * near
