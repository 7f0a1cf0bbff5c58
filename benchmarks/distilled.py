# pyright: basic
"""How shortlist-reranker-tiny is made: three layers that say what six would say.

The first, the third and the last layer of all-MiniLM-L6-v2 are the student's to begin with; its
token vectors stay as they are. It reads the queries and passages of the material, each alone, and
learns that what it says of every token, and of the mean of all, points where the teacher's points.
Maps and signals (engine/rerankers/joined.py) are those of the reranker that ships, whose faster
twin it is.

What came of it stands in benchmarks/LOG.md.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, cast

import numpy as np
import torch
from torch.nn import functional
from tqdm import tqdm
from transformers import AutoModel

from benchmarks.material import sources
from benchmarks.taught import chosen, table_of
from benchmarks.texts import Texts
from engine import bundled
from engine.rerankers.checkpoint import loadable
from engine.rerankers.joined import JoinedBert

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from transformers import BertModel

    from benchmarks.material import Source

_LAYERS: Final = (0, 2, 5)
_CUT = 192  # tokens of a text
_TOKENS, _SORTED = 3840, 3072  # of a batch; texts whose lengths are sorted at once
_RATE, _LEAST = 5e-4, 0.01


@dataclass(frozen=True)
class Schedule:
    """Steps in all, until the learning rate is whole, and between two that are kept."""

    steps: int = 2400
    warm: int = 200
    kept: int = 500


def batches_of(lengths: np.ndarray, draw: np.random.Generator) -> Iterator[np.ndarray]:
    """Give batches of texts of like lengths, about equally many tokens each, without end.

    Args:
        lengths: (texts,) tokens of each.
        draw: of the order.
    """
    while True:
        order = draw.permutation(len(lengths))
        for start in range(0, len(order), _SORTED):
            some = order[start : start + _SORTED]
            batches = _filled(some[np.argsort(lengths[some], kind="stable")], lengths)
            draw.shuffle(batches)
            yield from batches


def _filled(texts: np.ndarray, lengths: np.ndarray) -> list[np.ndarray]:
    """Cut texts, shortest first, into batches that have room for no more."""
    batches: list[list[int]] = [[]]
    for text in texts:
        if batches[-1] and lengths[text] * (len(batches[-1]) + 1) > _TOKENS:
            batches.append([])
        batches[-1].append(text)
    return [np.array(batch) for batch in batches]


def write_distilled(data: Path, work: Path, folder: Path, seed: int = 0) -> float:
    """Write a reranker of three layers, and its card; return the last loss.

    Args:
        data: the folder that SHORTLIST_DATA names.
        work: keeps tokens and what was learned so far: a run that was stopped goes on there.
        folder: is made: the reranker that ships, with the student in place of its encoder.
        seed: of the choice of texts; their order follows from it.
    """
    work.mkdir(parents=True, exist_ok=True)
    learned, watched = sources(data)
    student, loss = learn(_texts(learned, work, seed), work, Schedule(), seed)
    with loadable(bundled.models()[bundled.RERANKER]) as plain:
        model = JoinedBert.from_pretrained(str(plain))
        model.keep(len(_LAYERS))
        model.bert.load_state_dict(student.state_dict())
        model.save_pretrained(str(folder))
        for name in ("tokenizer.json", "tokenizer_config.json"):
            (folder / name).write_bytes((plain / name).read_bytes())
    card = _CARD.format(
        name=folder.name,
        teacher=bundled.RERANKER,
        steps=Schedule().steps,
        seed=seed,
        sources=table_of(learned),
        watched=", ".join(source.name for source in watched),
    )
    (folder / "README.md").write_text(card, "utf-8")
    return loss


_CARD: Final = """---
library_name: sentence-transformers
pipeline_tag: text-ranking
language: "en"
license: "apache-2.0"
tags: [cross-encoder, reranker, shortlist]
---

# {name}

A CrossEncoder that reranks passages: {teacher} with three layers in place of its six, so it
takes half the time.

## How it was made
The three layers learned to say of every token, and of the mean of all, what the six say. They read
the queries and passages of these sources, each alone, in {steps:,} steps of 3,840 tokens. What
{teacher} had learned of queries and passages together is taken over as it is.

```sh
python -m benchmarks distil --work WORK --output {name}    # seed {seed}
python -m benchmarks ship {name} --material MATERIAL --beside {teacher} --about ABOUT
```

{sources}

Watched, and never learned from: {watched}.
"""


def _texts(learned: Sequence[Source], work: Path, seed: int) -> Texts:
    kept = work / f"texts-{seed}.npz"
    if not kept.is_file():
        texts = [
            text
            for _, sides in chosen(learned, seed)
            for side in sides
            for text in dict.fromkeys(side)
        ]
        tokenizer = bundled.minilm_folder() / "tokenizer.json"
        read = Texts.read(texts, tokenizer, _CUT, special=True)
        partial = kept.with_suffix(".part.npz")
        np.savez(partial, tokens=read.tokens, starts=read.starts)
        partial.replace(kept)
    return Texts(**np.load(kept))


def learn(texts: Texts, work: Path, schedule: Schedule, seed: int) -> tuple[BertModel, float]:
    """Return the student and its last loss; what `work` keeps of a run that stopped goes on."""
    place = str(bundled.minilm_folder())
    teacher = AutoModel.from_pretrained(place, dtype=torch.bfloat16, add_pooling_layer=False).eval()
    student = AutoModel.from_pretrained(place, add_pooling_layer=False).eval()  # no dropout
    layers = cast("Any", student.encoder.layer)
    student.encoder.layer = torch.nn.ModuleList(copy.deepcopy(layers[n]) for n in _LAYERS)
    student.config.num_hidden_layers = len(_LAYERS)
    student.embeddings.requires_grad_(False)
    learns = [weight for weight in student.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(learns, lr=_RATE, betas=(0.9, 0.98))
    batches = batches_of(texts.lengths, np.random.default_rng(seed + 1))
    loss = torch.zeros(())
    begun = _resume(work / "student.pt", student, optimizer)
    for number in tqdm(range(schedule.steps), desc="learned", disable=None):
        batch = next(batches)
        if number < begun:
            continue
        rows, real = texts.rows(batch)
        with torch.no_grad():
            said = teacher(rows, attention_mask=real.long()).last_hidden_state.float()
        with torch.autocast("cpu", torch.bfloat16):
            own = student(rows, attention_mask=real.long()).last_hidden_state
        loss = _loss(own.float(), said, real)
        left = max(_LEAST, 1 - number / schedule.steps)
        optimizer.param_groups[0]["lr"] = _RATE * left * min(1, (number + 1) / schedule.warm)
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(learns, 1.0)
        optimizer.step()
        if (number + 1) % schedule.kept == 0 or number + 1 == schedule.steps:
            _save(work / "student.pt", student, optimizer, number + 1)
    return student, loss.item()


def _loss(own: torch.Tensor, said: torch.Tensor, real: torch.Tensor) -> torch.Tensor:
    """Return how far tokens, and texts, are from where they should point: 0 to 2 each."""
    tokens = functional.cosine_similarity(own, said, dim=-1)[real]
    weight = real[..., None].float()
    texts = functional.cosine_similarity((own * weight).sum(1), (said * weight).sum(1), dim=-1)
    return (1 - tokens).mean() + (1 - texts).mean()


def _save(path: Path, student: BertModel, optimizer: torch.optim.Optimizer, steps: int) -> None:
    partial = path.with_suffix(".part")
    kept = {"student": student.state_dict(), "optimizer": optimizer.state_dict(), "steps": steps}
    torch.save(kept, partial)
    partial.replace(path)


def _resume(path: Path, student: BertModel, optimizer: torch.optim.Optimizer) -> int:
    """Return how many steps were made before."""
    if not path.is_file():
        return 0
    kept = torch.load(path, weights_only=True)
    student.load_state_dict(kept["student"])
    optimizer.load_state_dict(kept["optimizer"])
    return int(kept["steps"])
