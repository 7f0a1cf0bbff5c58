# pyright: basic
"""The models that ship: what one begins as, and how it is put into the package."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any, Final

from safetensors.numpy import load_file

from engine import bundled
from engine.errors import UsageError
from engine.jsonfile import read_json
from engine.rerankers import compact
from indexer.training.joining import write_joined

if TYPE_CHECKING:
    from pathlib import Path

_SHIPPED: Final = ("config.json", "tokenizer.json", "tokenizer_config.json", "README.md")
# 4 bits are enough for what a layer norm follows: benchmarks/LOG.md.
_COARSE: Final = ("bert.embeddings.word_embeddings.weight",)


def write_base(folder: Path) -> None:
    """Write what the reranker begins as, before it has learned anything."""
    folder.mkdir(parents=True)
    write_joined(bundled.minilm_folder(), folder)


def ship(
    model: Path, folder: Path, said: dict[str, Any], attribution: str, *, coarse: bool = False
) -> None:
    """Pack a trained model into a folder of the package.

    Args:
        model: as `shortlist train` saved it.
        folder: is written over.
        said: what its shortlist.json says beside what is there already.
        attribution: who made what it learned from.
        coarse: whether word vectors are stored in 4 bits.
    """
    missing = [name for name in _SHIPPED if not (model / name).is_file()]
    if missing:
        raise UsageError(f"{model} is no trained model: {missing[0]} is missing")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name in _SHIPPED:
        shutil.copyfile(model / name, folder / name)
    compact.pack(
        load_file(model / "model.safetensors"),
        folder / compact.FILE,
        coarse=_COARSE if coarse else (),
    )
    (folder / "ATTRIBUTION.md").write_text(attribution, "utf-8")
    settings = read_json(model / "shortlist.json") | said
    (folder / "shortlist.json").write_text(json.dumps(settings, indent=2) + "\n")


def attribution(data: Path, material: Path) -> str:
    """Return who made what a model learned from, and under which licence.

    Args:
        data: the folder that SHORTLIST_DATA names.
        material: as `benchmarks.material` wrote it.
    """
    learned: dict[str, Any] = read_json(material / "sources.json")["learned"]
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
