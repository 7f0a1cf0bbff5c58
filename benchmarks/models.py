# pyright: basic
"""The rerankers that ship: how one is put into the package, and fitted to what stage one finds."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

import numpy as np
from safetensors.numpy import load_file
from tqdm import tqdm

from benchmarks.evaluated import Places, engine_over
from benchmarks.material import WATCHED
from benchmarks.tables import markdown
from engine import compact
from engine.errors import UsageError
from engine.evaluation.beir import read_beir
from engine.jsonfile import read_json
from engine.rerankers import load
from indexer.training.fitting import WEIGHTS, fit
from indexer.training.heldout import HeldOut

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from engine.rerankers.settings import ModelSettings
    from engine.types import DoubleArray, FloatArray

Curve = dict[float, float]
_SHIPPED: Final = ("config.json", "tokenizer.json", "tokenizer_config.json", "README.md")
# 4 bits are enough for what a layer norm follows: benchmarks/LOG.md.
_COARSE: Final = re.compile(r"word_embeddings\.weight")
_COARSER: Final = re.compile(
    r"word_embeddings\.weight|layer\.\d+\.(intermediate|output)\.dense\.weight"
)
_WINDOW: Final = 512
_QUERIES, _DEPTH = 40, 50  # of each held-out source
_WIDE: Final = 40  # characters of a plot


def ship(
    model: Path, folder: Path, material: Path, data: Path, about: str, beside: str = ""
) -> Curve:
    """Pack a model into a folder of the package, fit it; return its nDCG@10 at each weight.

    Args:
        model: as `shortlist train` or `python -m benchmarks distil` saved it.
        folder: is written over.
        material: as `benchmarks.material` wrote it.
        data: the folder that SHORTLIST_DATA names.
        about: a line for `shortlist models`.
        beside: a model that ships already, whose weights it takes where they are the same; its own
            feed-forward layers are kept in 4 bits.
    """
    missing = [name for name in _SHIPPED if not (model / name).is_file()]
    if missing:
        raise UsageError(f"{model} is no trained model: {missing[0]} is missing")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name in _SHIPPED:
        shutil.copyfile(model / name, folder / name)
    _widen(folder / "tokenizer_config.json")
    weights = load_file(model / "model.safetensors")
    coarse = tuple(name for name in weights if (_COARSER if beside else _COARSE).search(name))
    compact.pack(weights, folder / compact.FILE, coarse=coarse, beside=beside)
    (folder / "ATTRIBUTION.md").write_text(attribution(data, _learned(material)), "utf-8")
    (folder / "shortlist.json").write_text(json.dumps({"about": about}))
    card = folder / "README.md"
    card.write_text(_shipped_card(card.read_text("utf-8"), folder.name), "utf-8")
    return refit(folder, material)


def refit(folder: Path, material: Path) -> Curve:
    """Fit weight and calibration of a model that ships to stage one as it is now.

    Both are fitted on the watched sources, each counting alike: it never learned from them, and
    what it is asked by whoever takes it as it comes it has not learned either. Who trains it on
    questions of their own gets a weight of their own. `shortlist.json` and the card say both.

    Args:
        folder: as `ship` wrote it.
        material: as `benchmarks.material` wrote it.

    Returns:
        Weight -> mean nDCG@10, in [0, 1].
    """
    settings, curve, said = _fitted(folder, material)
    kept = {"about": read_json(folder / "shortlist.json")["about"], **settings.to_json()}
    (folder / "shortlist.json").write_text(json.dumps(kept, indent=2) + "\n")
    rows = [[f"{100 * curve[weight]:.1f}" for weight in curve]]
    beside = _BESIDE.format(
        weight=settings.weight,
        queries=_QUERIES,
        curve=markdown([f"{weight:.1f}" for weight in curve], rows) if curve else "",
        reliability=said,
    )
    card = folder / "README.md"
    head, begun, rest = card.read_text("utf-8").partition(_BEGUN)
    _, use, tail = rest.partition("\n## Use\n")
    card.write_text(f"{head}{begun}{beside}{use}{tail}", "utf-8")
    return curve


def _shipped_card(card: str, name: str) -> str:
    """Return a card that begins with what is measured, and says how a packed model is used."""
    measured = _CARD + _BEGUN
    used = _USED.format(name=name)
    head, distilled, rest = card.partition("## How it was made")
    if distilled:
        return f"{head}{measured}\n{used}\n{distilled}{rest}"
    head, before, rest = card.partition("## Before and after")
    _, use, data = rest.partition("## Data")
    if not before or not use:
        raise UsageError("the model's README.md is no card that shortlist train or distil wrote")
    kept = rest.partition("## Use")[0]
    learned, share, after = data.partition("Its share of the final score is")
    if share:  # what the training chose has been fitted anew
        data = learned + "Versions:" + after.partition("Versions:")[2]
    return f"{head}{measured}\n{used}\n{before}{kept}{_GATE}\n{use}{data}"


def _widen(config: Path) -> None:
    """Have pairs read as far as the encoder can: it learned from their first words alone."""
    said = read_json(config) | {"model_max_length": _WINDOW}
    config.write_text(json.dumps(said, indent=2) + "\n")


def _fitted(folder: Path, material: Path) -> tuple[ModelSettings, Curve, str]:
    """Return weight and calibration, the curve, and a table of what a probability is worth."""
    reranker = load(str(folder))
    places = Places(material / "cache", material / "reports")
    parts: list[tuple[HeldOut, FloatArray]] = []
    collections = [read_beir(material / "watched" / name) for name in WATCHED]
    for collection in tqdm(collections, desc="held-out sources", disable=None):
        held = HeldOut(engine_over(collection, places), collection.sample(_QUERIES), _DEPTH)
        parts.append((held, reranker.score(held.pairs).logits))
    settings, curve = fit(*parts)
    settings = replace(settings, weight=_careful(parts) if curve else settings.weight)
    calibration = settings.list_calibration or settings.calibration
    if calibration is None:
        raise UsageError(f"{folder.name} ranks the held-out sources upside down")
    served = [one for held, logits in parts for one in held.served(logits)]
    chances = [calibration.relevance(logits) for logits, _ in served]
    relevant = np.concatenate([right for _, right in served])
    return settings, curve, reliability(np.concatenate(chances), relevant)


def _careful(parts: Sequence[tuple[HeldOut, FloatArray]]) -> float:
    """Return the smallest weight that is worse than the best one by a standard error at most.

    What a collection that nobody has seen is like, a mean over five does not say; stage one is
    known. The rule is Breiman et al.'s, Classification and Regression Trees, 1984, section 3.4.3.
    """
    values = [
        np.array([list(held.measure(logits, weight).values()) for weight in WEIGHTS])
        for held, logits in parts
    ]
    best = np.argmax(np.mean([part.mean(1) for part in values], 0))
    for number, weight in enumerate(WEIGHTS):
        behind = [part[best] - part[number] for part in values]
        error = np.sqrt(sum(some.var(ddof=1) / len(some) for some in behind)) / len(behind)
        if np.mean([some.mean() for some in behind]) <= error:
            return weight
    return WEIGHTS[best]


def reliability(chances: DoubleArray, relevant: np.ndarray) -> str:
    """Return a plot: candidates by the probability that was said, and how many are relevant.

    Args:
        chances: (n,) in [0, 1].
        relevant: (n,) bool.
    """
    place = np.minimum((10 * chances).astype(int), 9)
    lines = ["  relevance said  candidates  relevant"]
    for n in range(10):
        within = place == n
        if not within.any():
            continue
        share = float(relevant[within].mean())
        bar = list(("#" * round(_WIDE * share)).ljust(_WIDE + 1))
        bar[round(_WIDE * float(chances[within].mean()))] = "|"
        said = f"{10 * n} to {10 * n + 10} %"
        lines.append(f"{said:>16}{within.sum():12,}{share:10.0%}  {''.join(bar).rstrip()}")
    return "\n".join(lines)


def _learned(material: Path) -> list[str]:
    told: dict[str, Any] = read_json(material / "sources.json")["learned"]
    return list(told)


def attribution(data: Path, learned: Iterable[str]) -> str:
    """Return who made what a model learned from, and under which licence.

    Args:
        data: the folder that SHORTLIST_DATA names.
        learned: names of sources.
    """
    described = _sections((data / "train-mix" / "SOURCES.md").read_text("utf-8")) | _JUDGED
    parts = [_HEAD]
    for name in sorted(learned):
        lines = "\n".join(f"* {line}" for line in described[name])
        parts.append(f"## {name}\n{lines}\n")
    return "\n".join(parts)


def _sections(text: str) -> dict[str, list[str]]:
    """Return where each source is from and its licence, as SOURCES.md says."""
    found: dict[str, list[str]] = {}
    for section in text.split("\n## ")[1:]:
        name, _, body = section.partition("\n")
        lines = [line.removeprefix("* ") for line in body.splitlines()]
        found[name.strip()] = [line for line in lines if line.startswith(("From:", "Licence:"))]
    return found


_HEAD: Final = """# What this model is made of

**Weights**: begun with all-MiniLM-L6-v2 (sentence-transformers/all-MiniLM-L6-v2, Apache-2.0),
whose own card lists what it was trained on, among others MS MARCO, Natural Questions, SQuAD 2.0,
GooAQ, Yahoo Answers, Stack Exchange and code search. What was learned here is Apache-2.0 too. No
text of the sources below is in the weights' files; whether share-alike terms of a text reach the
weights of a model that read it is unsettled, so all sources are named.

**Changed**: passages were cut to at most 300 words, markup was dropped, questions were taken from
headings, titles, glossaries, FAQs and the like, and other passages were added as negatives.
"""
_JUDGED: Final = {
    "squad": [
        "From: SQuAD (Rajpurkar et al. 2016), rajpurkar/SQuAD-explorer, articles of train alone.",
        "Licence: CC BY-SA 4.0",
    ],
    "medquad": [
        "From: MedQuAD (Ben Abacha and Demner-Fushman 2019), abachaa/MedQuAD, the split train.",
        "Licence: CC BY 4.0",
    ],
    "tldr-commands": [
        "From: tldr pages, tldr-pages/tldr, the split train.",
        "Licence: CC BY 4.0",
    ],
}
_CARD: Final = """## What was measured
Zero-shot is what was never learned from, in no split: SciFact, Cranfield and the sources kept apart
(claims, desktop answers, security guides, man pages, recipes; other questions of these five chose
what ships, those of the table chose nothing). SQuAD, MedQuAD and tldr-commands were learned
from (their train splits alone). all-MiniLM-L6-v2, with which this model
began, had read MS MARCO, Natural Questions, SQuAD 2.0 and code search, among others.

No test question was learned from. But not all choices were blind: thirty of SciFact's train
questions were looked at when matching token by token was first tried, and Cranfield had been
measured with an earlier model when the rule for the weight (below) was written.

<!-- quality -->
<!-- /quality -->

"""
_BEGUN: Final = "## Beside the first stage\n"
_BESIDE: Final = """Its share of the final score is {weight}, the smallest that is within a standard
error of the best, and its logits are calibrated: both on five sources that it never learned from
(claims, answers, guides, manuals, recipes), {queries} questions of each. Mean nDCG@10 of the five
at each share:

{curve}

What a probability is worth: of the candidates that were said to be relevant with so much, how many
are (`#`; `|` stands where it should end). The sources name one right answer to most questions, so
other right ones count as wrong here.

```
{reliability}
```
"""
_USED: Final = """## Use
It comes along with Shortlist: `--reranker {name}`. For other programs:

```sh
shortlist models --export {name} -o plain
```

```python
from engine.rerankers.joined import known_to_transformers  # of Shortlist
from sentence_transformers import CrossEncoder

known_to_transformers()
scores = CrossEncoder("plain").predict([("a question", "a passage")])
```
"""
_GATE: Final = """The gate of its training asked few questions; what decided stands above.
"""
