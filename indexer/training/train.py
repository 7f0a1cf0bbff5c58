"""From examples to a model that passed the gate, or to one that did not and says so.

Everything happens in a working folder beside the model: what was mined, checkpoints, the trained
model, its evaluation. A training that was stopped goes on there; at the end the folder is gone and
the model lies at its place, or at `MODEL.rejected`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.evaluation.environment import Environment
from engine.evaluation.plan import Silent
from engine.jsonfile import read_json
from engine.rerankers import load
from engine.rerankers.settings import ModelSettings
from indexer.training.card import Card, source_of
from indexer.training.gate import judge
from indexer.training.heldout import HeldOut
from indexer.training.prepared import prepare
from indexer.training.speed import compared

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from transformers import TrainerCallback

    from engine.evaluation.plan import Progress
    from engine.protocols import Reranker
    from engine.search import SearchEngine
    from indexer.training.asking import Measures
    from indexer.training.examples import TrainingSet
    from indexer.training.finetuned import Finetuned, TrainingProgress
    from indexer.training.gate import Verdict
    from indexer.training.prepared import Prepared
    from indexer.training.train_options import TrainOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What a training ended with.

    Attributes:
        folder: of the model: where it was wanted, or `.rejected` beside that.
        verdict: of the gate; None if it had nothing to decide.
        measures: what the evaluators of sentence-transformers say of held-out rows, before (None
            without a reranker in use) and after.
        finetuned: steps, seconds, curves.
        weight: the model's share of the final score.
        speeds: (name, pairs per second) of the model and of its teachers; none without any.
    """

    folder: Path
    verdict: Verdict | None
    measures: Measures
    finetuned: Finetuned
    weight: float
    speeds: Sequence[tuple[str, float]]

    @property
    def passed(self) -> bool:
        """Whether the gate let the model pass."""
        return self.verdict is not None and self.verdict.passed


def train(  # noqa: PLR0913 - what is trained on what, beside what, and where to
    engine: SearchEngine,
    sets: Sequence[TrainingSet],
    in_use: Reranker | None,
    options: TrainOptions,
    output: Path,
    scores: Path,
    *,
    about: Mapping[str, str] | None = None,
    environment: Environment | None = None,
    progress: Progress | None = None,
    learning: TrainingProgress | None = None,
    callbacks: Sequence[TrainerCallback] = (),
) -> Outcome:
    """Train a reranker, judge it, and save it where it is wanted if it passes.

    Args:
        engine: over the index that it will rerank; its own reranker is not used.
        sets: what it learns from, each text as stage two will read it (see resolved.resolve).
        in_use: the reranker that it has to match; None for stage one alone.
        options: see TrainOptions.
        output: folder of the model.
        scores: where scores of pairs are remembered.
        about: `license`, `language`, `name` and `repository` (on the hub), for the card.
        environment: machine, versions and command, for the record.
        progress: told while mining and judging.
        learning: told after each step of training.
        callbacks: of transformers, for the trainer.

    Raises:
        UsageError: if the examples do not fit the loss, the output is taken, or a training is
            unfinished there that is not to be resumed.
        CollectionError: if nothing that is held out can tell anything, see asking.asked_of.
        ModelError: if the base cannot be trained, or training fails.
    """
    progress, environment = progress or Silent(), environment or Environment.here()
    prepared = prepare(engine, sets, in_use, options, output, scores, progress)
    work = prepared.work
    finetuned = _finetuned(prepared, options, learning, callbacks)
    curve, weight = _fitted(engine, prepared, options)
    model = load(str(work.model))
    progress.say("the held-out questions are asked before and after")
    verdict = None
    if prepared.asked.in_index is not None:
        verdict = judge(
            engine, prepared.asked.in_index.judged, in_use, model,
            depth=options.dev_depth, folder=work.evaluation, scores=scores,
            seed=options.finetune.seed, environment=environment, progress=progress,
        )  # fmt: skip
        verdict = replace(verdict, verbatim=any(one.verbatim for one in sets))
    measures = prepared.asked.measures(in_use, model)
    speeds = _speeds(prepared, model)
    passed = verdict is not None and verdict.passed
    about, looked = about or {}, prepared.asked.measure
    card = Card(
        name=about.get("name") or work.output.name,
        repository=about.get("repository", "") if passed else "",
        base=_base_name(options.begins_with),
        joined=_joins_late(work.model),
        verdict=verdict,
        measures=measures,
        in_use=None if in_use is None else in_use.name,
        license=about.get("license", ""),
        language=about.get("language", ""),
        data=[
            source_of(one, len(prepared.learned[one.name]), held)
            for one, held in zip(prepared.sets, prepared.held_out, strict=True)
        ],
        hyperparameters=_hyperparameters(options, finetuned),
        mining=prepared.told,
        curve=[(p.step, p.loss, p.metrics.get(looked)) for p in finetuned.curves],
        looked=looked,
        weights=curve,
        weight=weight,
        seconds=finetuned.seconds,
        teachers=[(teacher.name, teacher.fingerprint) for teacher in prepared.teachers],
        speeds=speeds,
        command=environment.command,
        versions=environment.versions,
    )
    (work.model / "README.md").write_text(card.text(), encoding="utf-8")
    folder = work.place(passed=passed or options.force)
    return Outcome(
        folder=folder, verdict=verdict, measures=measures, finetuned=finetuned, weight=weight,
        speeds=speeds,
    )  # fmt: skip


def _finetuned(
    prepared: Prepared,
    options: TrainOptions,
    learning: TrainingProgress | None,
    callbacks: Sequence[TrainerCallback],
) -> Finetuned:
    from indexer.training.base import load_base
    from indexer.training.finetune import finetune

    work = prepared.work
    how = replace(options.finetune, resume=work.resumed)
    base = load_base(
        options.begins_with, max_length=how.max_length, layers=how.layers, seed=how.seed
    )
    return finetune(
        base, prepared.learned, how, work.model,
        evaluator=prepared.asked.watching(), progress=learning, callbacks=callbacks,
    )  # fmt: skip


def _fitted(
    engine: SearchEngine, prepared: Prepared, options: TrainOptions
) -> tuple[dict[float, float], float]:
    """Fit weight and calibration, write them beside the weights, and return curve and weight."""
    from indexer.training.fitting import USUAL, fit

    if prepared.asked.in_index is None:
        _write_settings(prepared.work.model / "shortlist.json", ModelSettings(weight=USUAL))
        return {}, USUAL
    held = HeldOut(engine, prepared.asked.in_index.tuning, options.dev_depth)
    logits = load(str(prepared.work.model)).score(held.pairs).logits
    settings, curve = fit((held, np.asarray(logits)))
    _write_settings(prepared.work.model / "shortlist.json", settings)
    return curve, settings.weight or 0.0


def _base_name(base: str) -> str:
    """Return a hub name as it is, a folder by its last part: a card is read elsewhere."""
    return Path(base).resolve().name if Path(base).is_dir() else base


def _joins_late(model: Path) -> bool:
    """Tell whether a model has the architecture that is made known by this package alone."""
    from engine.rerankers.joined import MODEL_TYPE

    return read_json(model / "config.json").get("model_type") == MODEL_TYPE


def _speeds(prepared: Prepared, model: Reranker) -> list[tuple[str, float]]:
    """Return how fast a model and its teachers read: what a student is for."""
    if not prepared.teachers:
        return []
    rerankers = [model, *(teacher.reranker for teacher in prepared.teachers)]
    speeds = compared(rerankers, prepared.asked.pairs)
    return [(one.name, speed) for one, speed in zip(rerankers, speeds, strict=True)]


def _write_settings(path: Path, settings: ModelSettings) -> None:
    path.write_text(json.dumps(settings.to_json(), indent=1) + "\n", encoding="utf-8")


def _hyperparameters(options: TrainOptions, finetuned: Finetuned) -> dict[str, Any]:
    """Return what differs from nothing: every option that is set."""
    told = {
        **options.finetune.decisive(),
        "learning_rate": finetuned.learning_rate,
        "miner": options.miner,
        "limit": options.limit,
        "dev_depth": options.dev_depth,
    }
    return {name: value for name, value in told.items() if value not in (None, {}, "")}
