"""The card of a trained encoder: what it was made of, and what stage one finds with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from indexer.training.card import data_section, front_matter, percent, said

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from indexer.training.encoder_options import TrainedEncoder
    from indexer.training.gate import Verdict


@dataclass(frozen=True, slots=True, kw_only=True)
class EncoderCard:
    """What a card tells.

    Attributes:
        trained: the encoder.
        default: whether training began with the encoder that comes along.
        verdict: of the gate, None where nothing was asked; its rows are those of stage one alone,
            before and after.
        name: of the model; that of its folder if empty.
        license: an SPDX name, empty where nobody said.
        language: a code, empty where nobody said.
        data: each source: name, kind, examples, checksums, notes.
        mining: what was mined, in lines.
        command: what was typed.
        versions: package -> version.
    """

    trained: TrainedEncoder
    default: bool
    verdict: Verdict | None = None
    name: str = ""
    license: str = ""
    language: str = ""
    data: Sequence[Mapping[str, Any]] = ()
    mining: str = ""
    command: str = ""
    versions: Mapping[str, str] | None = None

    def text(self) -> str:
        """Return the card as Markdown."""
        trained = self.trained
        tags = "static-embedding"
        parts = [
            front_matter("sentence-similarity", tags, self.license, self.language),
            f"# {self.name or trained.folder.name}\n\nA static embedding (the mean of one vector"
            " per token) for stage one, trained by\n`shortlist train --encoder` from"
            f" {trained.base} on {trained.pairs:,} pairs.",
            self._before_and_after(),
            _USE.format(name=trained.folder.name),
            data_section(self.data, self.mining) if self.data else "",
            self._training(),
            _LICENCE if self.default else _OTHER,
        ]
        return "\n\n".join(part for part in parts if part)

    def _before_and_after(self) -> str:
        verdict = self.verdict
        if verdict is None:
            return ""
        depth = verdict.rows[0]["depth"]
        lines = [
            f"## Before and after, on {verdict.queries:,} held-out queries",
            "",
            "Stage one as it is served (BM25 and vectors, fused), in percent, by ir-measures. The"
            " ceiling is the",
            f"nDCG@10 of a perfect reranker of {depth} documents.",
            "",
            "| index | nDCG@10 | recall@100 | ceiling |",
            "|---|---|---|---|",
        ]
        for what, row in zip(("as it was", "encoded again"), verdict.rows, strict=True):
            base, ceiling = row["base"], row["ceiling"]
            cells = (base["nDCG@10"], base["R@100"], ceiling["nDCG@10"])
            lines.append(f"| {what} | " + " | ".join(map(percent, cells)) + " |")
        return "\n".join([*lines, "", *said(verdict)])

    def _training(self) -> str:
        trained = self.trained
        lines = [
            "## Training",
            "",
            "MultipleNegativesRankingLoss in MatryoshkaLoss, of sentence-transformers:"
            f" {trained.steps:,} steps in {trained.seconds:,.0f} s.",
        ]
        if self.command:
            lines += ["", "```sh", self.command, "```"]
        lines += ["", "| option | value |", "|---|---|"]
        lines += [f"| {name} | {value} |" for name, value in trained.options.to_dict().items()]
        lines += ["", "| step | loss |", "|---|---|"]
        lines += [f"| {step} | {loss:.4f} |" for step, loss in trained.losses]
        if self.versions:
            told = ", ".join(f"{name} {version}" for name, version in self.versions.items())
            lines += ["", f"Versions: {told}."]
        return "\n".join(lines)


_USE: Final = """## Use

```sh
shortlist index -i INDEX --encoder {name}    # encodes an index that is there again
```

```python
from sentence_transformers import SentenceTransformer

vectors = SentenceTransformer("{name}").encode(["a question"], normalize_embeddings=True)
```"""
_LICENCE: Final = """## Licence

These vectors derive from shortlist-static (Apache-2.0; its ATTRIBUTION.md names what it learned
from), and from the training texts: see their licences before you pass them on.
"""
_OTHER: Final = """## Licence

These vectors derive from the model that training began with, and from the training texts: see
their licences before you pass them on.
"""
