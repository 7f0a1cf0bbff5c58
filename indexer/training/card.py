"""The model card: what a trained reranker was made of, and what it did on held-out queries.

It stands beside the weights as README.md, in the form that model hubs read.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from indexer.training.examples import TrainingSet
    from indexer.training.gate import Verdict

_NOTHING_DECIDED: Final = """## Before and after

The index had no answer to the held-out questions, so the gate had nothing to decide. **Nobody knows
whether this model is better than what is in use.**"""
VERBATIM: Final = (
    "The held-out questions were made from the index and stand in it word for word, which real ones"
    " do not: what is said here holds for such questions alone."
)
_COLUMNS: Final = (
    ("base", "stage one"), ("realistic", "realistic"),
    ("always_rerank_positives", "always-rerank-positives"), ("ceiling", "ceiling"),
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Card:
    """What a card tells.

    Attributes:
        name: of the model.
        repository: on the hub, empty where it is not to be published.
        base: the model that training began with.
        joined: whether sentence-transformers alone does not know its architecture.
        verdict: of the gate; None if it had nothing to decide.
        measures: what the evaluators of sentence-transformers say of held-out rows: measure ->
            before, after.
        in_use: the reranker that was asked before; None if none is in use.
        license: an SPDX name, empty where nobody said.
        language: a code, empty where nobody said.
        data: each source, see source_of.
        hyperparameters: option -> value.
        mining: what was mined, in lines.
        curve: (step, loss or None, dev metric or None) while it learned.
        looked: the dev metric.
        weights: weight between the stages -> nDCG@10 on the queries that it was fitted on; empty
            where these were too few to choose one.
        weight: the one that was taken.
        seconds: of training alone.
        teachers: (name, fingerprint) of those whose scores it learned.
        speeds: (name, pairs per second) of the model, and then of its teachers.
        command: what was typed.
        versions: package -> version.
    """

    name: str
    base: str
    verdict: Verdict | None
    measures: Mapping[str, tuple[float | None, float | None]] = field(
        default_factory=dict[str, tuple[float | None, float | None]]
    )
    joined: bool = False
    in_use: str | None = None
    repository: str = ""
    license: str = ""
    language: str = ""
    data: Sequence[Mapping[str, Any]] = ()
    hyperparameters: Mapping[str, Any] = field(default_factory=dict[str, Any])
    mining: str = ""
    curve: Sequence[tuple[int, float | None, float | None]] = ()
    looked: str = "nDCG@10"
    weights: Mapping[float, float] = field(default_factory=dict[float, float])
    weight: float | None = None
    seconds: float = 0.0
    teachers: Sequence[tuple[str, str]] = ()
    speeds: Sequence[tuple[str, float]] = ()
    command: str = ""
    versions: Mapping[str, str] = field(default_factory=dict[str, str])

    def text(self) -> str:
        """Return the card as Markdown."""
        parts = [
            front_matter("text-ranking", "cross-encoder, reranker", self.license, self.language),
            f"# {self.name}\n\nA CrossEncoder that reranks passages, trained by `shortlist train`"
            f" from {self.base}.",
            _NOTHING_DECIDED if self.verdict is None else _before_and_after(self.verdict),
            measures_section(self.measures, self.in_use),
            _USE.format(
                name=self.repository or self.name,
                note=_JOINED_NOTE if self.joined else "",
                lines=_JOINED_LINES if self.joined else "",
            ),
            data_section(self.data, self.mining),
            self._training(),
        ]
        return "\n\n".join(part for part in parts if part) + "\n"

    def _training(self) -> str:
        lines = ["## Training", "", f"{self.seconds:,.0f} s."]
        for name, fingerprint in self.teachers:
            lines += ["", f"Taught by **{name}**, fingerprint `{fingerprint}`."]
        for line in compared_speeds(self.speeds):
            lines += ["", line]
        if self.command:
            lines += ["", "```sh", self.command, "```"]
        lines += ["", "| option | value |", "|---|---|"]
        lines += [f"| {name} | {value} |" for name, value in self.hyperparameters.items()]
        if self.curve:
            lines += ["", f"| step | loss | {self.looked} on held-out queries |", "|---|---|---|"]
            lines += [f"| {step} | {'' if loss is None else f'{loss:.4f}'} | {percent(dev)} |"
                      for step, loss, dev in self.curve]  # fmt: skip
        if self.weights:
            lines += ["", f"Its share of the final score is {self.weight}; nDCG@10 at other"
                      " shares, on held-out queries that the gate did not see:", ""]  # fmt: skip
            lines += ["| " + " | ".join(f"{weight:.1f}" for weight in self.weights) + " |",
                      "|" + "---|" * len(self.weights),
                      "| " + " | ".join(map(percent, self.weights.values())) + " |"]  # fmt: skip
        elif self.weight is not None:
            lines += ["", f"Its share of the final score is {self.weight}, the usual one: there"
                      " were too few held-out queries to choose it."]  # fmt: skip
        if self.versions:
            told = ", ".join(f"{name} {version}" for name, version in self.versions.items())
            lines += ["", f"Versions: {told}."]
        return "\n".join(lines)


def _before_and_after(verdict: Verdict) -> str:
    lines = [
        f"## Before and after, on {verdict.queries:,} held-out queries",
        "",
        "nDCG@10 in percent, by ir-measures; the report beside this file has the rest.",
        "",
        "| reranker | " + " | ".join(title for _, title in _COLUMNS) + " |",
        "|---|" + "---|" * len(_COLUMNS),
    ]
    for row in verdict.rows:
        cells = [percent(row[key]["nDCG@10"] if row[key] else None) for key, _ in _COLUMNS]
        lines.append(f"| {row['reranker']} | " + " | ".join(cells) + " |")
    return "\n".join([*lines, "", *said(verdict)])


def measures_section(
    measures: Mapping[str, tuple[float | None, float | None]], in_use: str | None
) -> str:
    """Return what the library's evaluators say, but for thresholds; nothing if they say nothing."""
    shown = {name: both for name, both in measures.items() if not name.endswith("_threshold")}
    if not shown:
        return ""
    lines = [
        "## Held-out rows as they stand",
        "",
        "By the evaluators of sentence-transformers; nothing was decided by these.",
        "",
        f"| measure | before ({in_use or 'no reranker in use'}) | after |",
        "|---|---|---|",
    ]
    lines += [
        f"| {name} | {_decimal(one)} | {_decimal(two)} |" for name, (one, two) in shown.items()
    ]
    return "\n".join(lines)


def _decimal(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def compared_speeds(speeds: Sequence[tuple[str, float]]) -> list[str]:
    """Return lines about a model, the first, and its teachers; none of a model without any."""
    if not speeds:
        return []
    (name, own), *teachers = speeds
    return [
        f"{name} reads {own:,.1f} pairs/s, its teacher {teacher} {speed:,.1f}: {own / speed:.1f}"
        " times as fast."
        for teacher, speed in teachers
    ]


_USE: Final = """## Use

```sh
shortlist search "a question" -i INDEX --reranker {name}
```
{note}
```python
from sentence_transformers import CrossEncoder
{lines}
scores = CrossEncoder("{name}").predict([("a question", "a passage")])
```

`shortlist.json` holds its share of the final score and the calibration of its logits."""

_JOINED_NOTE: Final = """
It reads question and passage first apart, then together. sentence-transformers does not know this
architecture by itself: Shortlist has to be installed too, and makes it known.
"""
_JOINED_LINES: Final = """from engine.rerankers.joined import known_to_transformers  # of Shortlist

known_to_transformers()"""


def front_matter(task: str, tags: str, licence: str, language: str) -> str:
    """Return the head that model hubs read; `licence` and `language` may be empty."""
    lines = ["library_name: sentence-transformers", f"pipeline_tag: {task}"]
    if language:
        lines.append(f"language: {json.dumps(language)}")
    if licence:
        lines.append(f"license: {json.dumps(licence)}")
    lines.append(f"tags: [{tags}, shortlist]")
    return "---\n" + "\n".join(lines) + "\n---"


def said(verdict: Verdict) -> list[str]:
    """Return what the gate said, in lines."""
    low, high = (100 * end for end in verdict.interval)
    change = 100 * (verdict.after - verdict.before)
    lines = [
        f"{change:+.1f} points against {verdict.against} (95 % interval {low:+.1f} to"
        f" {high:+.1f}, p {'< 0.001' if verdict.p < 0.001 else f'= {verdict.p:.3f}'})."
    ]
    if verdict.few:
        lines.append(f"So few queries ({verdict.queries}) prove little.")
    if verdict.verbatim:
        lines.append(VERBATIM)
    if not verdict.passed:
        lines.append("**It did not pass the gate**: it may be worse than what is in use.")
    return lines


def source_of(training: TrainingSet, learned: int, held_out: int) -> dict[str, Any]:
    """Return what data_section tells of a set, of which so many questions were for what."""
    return {
        "name": training.name,
        "kind": training.kind,
        "learned": learned,
        "held_out": held_out,
        "checksums": dict(training.checksums),
        "notes": list(training.notes),
    }


def data_section(data: Sequence[Mapping[str, Any]], mining: str) -> str:
    """Return what was learned from, and what was mined."""
    lines = ["## Data"]
    for source in data:
        lines += ["", f"* **{source['name']}**: {source['learned']:,} questions learned,"
                  f" {source['held_out']:,} held out, rows of {source['kind']}."]  # fmt: skip
        lines += [f"  * `{name}` BLAKE2b {digest}"
                  for name, digest in source["checksums"].items()]  # fmt: skip
        lines += [f"  * {note}" for note in source.get("notes", ())]
    if mining:
        lines += ["", "Mined:", "", "```", mining.rstrip(), "```"]
    return "\n".join(lines)


def percent(value: float | None) -> str:
    """Return a figure in percent; empty where there is none."""
    return "" if value is None else f"{100 * value:.1f}"
