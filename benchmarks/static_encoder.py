# pyright: basic
"""How shortlist-static is made: token vectors whose sum says what a whole encoder would say.

    begin   each token of all-MiniLM-L6-v2's vocabulary is read alone by it; the vectors are turned
            to the main directions of what it says of texts, so that the first numbers of a vector
            say most, and the more often a token is seen the less it counts (SIF: Arora et al.
            2017, "A Simple but Tough-to-Beat Baseline for Sentence Embeddings")
    teach   all-MiniLM-L6-v2 reads each query and passage once: that takes an hour of one core, and
            is kept, source by source
    learn   batches of one source, with a hard negative for each query; a query is to be nearest to
            its own passage (InfoNCE), all of a batch as alike as the teacher has them
            (Kullback-Leibler divergence), and each vector near the teacher's; so are the first
            numbers of the vectors alone

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
from benchmarks.taught import table_of, taught_pairs
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
# The first numbers of a vector are to say as much as they can (Matryoshka: Kusupati et al. 2022).
_WIDTHS: Final = (256, 128, 64)


def write_static(data: Path, work: Path, folder: Path, seed: int = 0) -> tuple[int, float]:
    """Make the encoder and write it compactly; return how many pairs it learned, and its last loss.

    Args:
        data: the folder that SHORTLIST_DATA names.
        work: keeps what the teacher said, so that a run that was stopped goes on there.
        folder: of the package, written over; `python -m benchmarks report` fills its table.
        seed: of the choice of pairs and their order.
    """
    learned, watched = sources(data)
    place = bundled.minilm_folder() / "tokenizer.json"
    tokenizer = Tokenizer.from_file(str(place))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    pairs = taught_pairs(learned, place, work, seed)
    aims = _aims(pairs)
    begun = _begin(tokenizer, torch.from_numpy(pairs.passages.texts.tokens), aims[1])
    table, loss = _learn(begun, pairs, aims, seed)
    folder.mkdir(parents=True, exist_ok=True)
    weights = {"embedding.weight": table}
    compact.pack(weights, folder / compact.FILE, coarse=tuple(weights))
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / "modules.json").write_text(json.dumps([_MODULE], indent=2) + "\n")
    (folder / "shortlist.json").write_text(json.dumps({"about": _ABOUT}, indent=2) + "\n")
    (folder / "ATTRIBUTION.md").write_text(attribution(data, [s.name for s in learned]), "utf-8")
    card = _CARD.format(
        pairs=len(pairs.query),
        sources=table_of(learned),
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
Zero-shot is what was never learned from, in no split: SciFact, Cranfield and the sources kept apart
(claims, desktop answers, security guides, man pages, recipes; other questions of these five chose
what ships, those of the table chose nothing). SQuAD, MedQuAD and tldr-commands were learned
from (their train splits alone). all-MiniLM-L6-v2, which was the teacher,
had read MS MARCO, Natural Questions, SQuAD 2.0 and code search, among others.

No test question was learned from. But not all choices were blind: the settings were chosen on ten
sets of other questions, SciFact's train questions among them, and an earlier version with the same
teacher had been measured on the test splits.

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
Begun with the token vectors of all-MiniLM-L6-v2 and taught by it, on {pairs:,} pairs in batches
of one source, each with a hard negative; the first 128 and 64 numbers learned to stand alone:

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


def _loss(table: torch.Tensor, pairs: Pairs, batch: torch.Tensor, aims: Aims) -> torch.Tensor:
    """Return the mean loss of the vectors' first numbers, at each of the widths."""
    mean, directions = aims
    right = pairs.passage[batch]
    texts = (pairs.query[batch], torch.cat([right, pairs.negative[batch]]))
    sides = (pairs.queries, pairs.passages)
    own = [
        functional.embedding_bag(tokens, table, starts, mode="sum")
        for tokens, starts in (
            side.texts.bags(some.numpy()) for side, some in zip(sides, texts, strict=True)
        )
    ]
    taught = [side.taught[some].float() for side, some in zip(sides, texts, strict=True)]
    wanted = taught[0] @ taught[1].T / _TEMPERATURE
    same = _same(*texts[1].split(len(batch)))
    points = [(vectors - mean) @ directions for vectors in taught]
    losses = [
        _at_width([v[:, :width] for v in own], [v[:, :width] for v in points], wanted, same)
        for width in _WIDTHS
    ]
    return torch.stack(losses).mean()


def _same(right: torch.Tensor, negative: torch.Tensor) -> torch.Tensor:
    """Return (n, 2n) bool: where a passage of another query is the right one of this query too."""
    same = right[:, None] == torch.cat([right, negative])[None, :]
    same[:, : len(right)].fill_diagonal_(fill_value=False)
    return same


def _at_width(
    own: list[torch.Tensor], points: list[torch.Tensor], wanted: torch.Tensor, same: torch.Tensor
) -> torch.Tensor:
    """Return the loss of queries and passages, of which the first are the right ones in order.

    Args:
        own: sums of (n, width) queries and (2n, width) passages, the hard negatives last.
        points: where the teacher points, in the same shapes.
        wanted: (n, 2n) what the teacher says of each query and passage.
        same: (n, 2n) bool, pairs that are neither right nor wrong.
    """
    count = len(wanted)
    query, passage = (functional.normalize(vectors, dim=1) for vectors in own)
    near = torch.stack(
        [
            functional.cosine_similarity(mine[:count], point[:count]).mean()
            for mine, point in zip((query, passage), points, strict=True)
        ]
    )
    said = query @ passage.T / _TEMPERATURE
    others = said.masked_fill(same, -1e4)
    right = torch.arange(count)
    contrast = torch.stack(
        [functional.cross_entropy(way, right) for way in (others, others[:, :count].T)]
    )
    alike = torch.stack(
        [
            functional.kl_div(mine.log_softmax(1), theirs.softmax(1), reduction="batchmean")
            for mine, theirs in ((said, wanted), (said[:, :count].T, wanted[:, :count].T))
        ]
    )
    far = (1 - near).sum()
    return (1 - _ALIKE) * contrast.mean() + _ALIKE * alike.mean() + _NEAR * far
