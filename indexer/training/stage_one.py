"""From examples to an encoder with which stage one finds more, or to one that did not pass.

As with a reranker (see train), everything happens in a working folder beside the model. Training
takes seconds, so one that was stopped begins again; only what was mined is kept.
"""

from __future__ import annotations

import shutil
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any

from engine import bundled
from engine.assemble import load_encoder, open_store
from engine.errors import UsageError
from engine.evaluation.environment import Environment
from engine.evaluation.plan import Silent
from indexer.training.apart import apart, held_out_once
from indexer.training.card import source_of
from indexer.training.encoder_card import EncoderCard
from indexer.training.encoder_gate import judge_encoder
from indexer.training.encoder_options import require_enough
from indexer.training.mining import identity
from indexer.training.negatives import require_one_mined, with_negatives
from indexer.training.options import FinetuneOptions
from indexer.training.work import Work

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from engine.evaluation.plan import Progress
    from engine.search import SearchEngine
    from indexer.reencoding import Progress as EncodingProgress
    from indexer.reencoding import Reencoded
    from indexer.training.encoder_options import EncoderOptions, TrainedEncoder
    from indexer.training.examples import Example, TrainingSet
    from indexer.training.finetuned import TrainingProgress
    from indexer.training.gate import Verdict
    from indexer.training.train_options import TrainOptions


@dataclass(frozen=True, slots=True, kw_only=True)
class EncoderOutcome:
    """What a training ended with.

    Attributes:
        folder: of the encoder: where it was wanted, or `.rejected` beside that.
        verdict: of the gate.
        trained: pairs, steps, seconds.
        encoded: passages of the index, and how long it took to encode them again.
    """

    folder: Path
    verdict: Verdict
    trained: TrainedEncoder
    encoded: Reencoded


def require_answers(sets: Sequence[TrainingSet]) -> None:
    """Raise UsageError unless an encoder can learn from each set."""
    for one in sets:
        if one.kind in ("scored", "questions"):
            what = "a teacher's scores" if one.kind == "scored" else "questions without answers"
            raise UsageError(
                f"an encoder learns from questions with answers, and {one.name} has {what}"
            )


def train_stage_one(  # noqa: PLR0913 - what is trained on what, beside what, and where to
    engine: SearchEngine,
    index: Path,
    sets: Sequence[TrainingSet],
    options: TrainOptions,
    how: EncoderOptions,
    output: Path,
    *,
    mine: bool = False,
    about: Mapping[str, str] | None = None,
    environment: Environment | None = None,
    progress: Progress | None = None,
    learning: TrainingProgress | None = None,
    encoding: EncodingProgress | None = None,
) -> EncoderOutcome:
    """Train a static encoder, judge stage one with it, and save it if it passes.

    Args:
        engine: over the index.
        index: its folder; it is not changed.
        sets: what it learns from, each text as the encoder will read it (see resolved.resolve).
        options: data, mining and gate; without a base training begins with the index's encoder.
        how: of the training.
        output: folder of the encoder.
        mine: whether hard negatives are mined; those that examples bring along are read anyway.
        about: `license`, `language` and `name`, for the card.
        environment: machine, versions and command, for the record.
        progress: told while mining and judging.
        learning: told after each step of training.
        encoding: told while a copy of the index is encoded.

    Raises:
        UsageError: if there is nothing to learn from, the output is taken, or a training is
            unfinished there that is not to be resumed.
        CollectionError: if no held-out answer is in the index.
        ModelError: if the base is no static encoder, or training fails.
    """
    progress, environment = progress or Silent(), environment or Environment.here()
    require_answers(sets)
    require_one_mined(engine, sets, options)
    source = options.base or _source(index)
    load_encoder(source)  # what is none is an error before any work
    work = Work(output, _plan(engine, sets, options, how, mine=mine), resume=options.resume,
                force=options.force)  # fmt: skip
    parts = apart(sets, options)
    learned = {one.name: one.examples for one, _ in parts}
    require_enough(_all(learned), how)
    judged = held_out_once([dev for _, dev in parts], options)
    progress.say(
        f"{sum(map(len, learned.values())):,} questions to learn from,"
        f" {len(judged.queries):,} held out for the gate"
    )
    work.begin()
    told = ""
    if mine:
        learned, told = with_negatives(engine, [one for one, _ in parts], options, work, progress)
    trained = _trained(source, _all(learned), how, work, learning)
    progress.say("a copy of the index is encoded again, and both are asked")
    shutil.rmtree(work.evaluation, ignore_errors=True)
    verdict, encoded = judge_encoder(
        engine, index, judged, work.model,
        depth=options.dev_depth, folder=work.evaluation, seed=options.finetune.seed,
        environment=environment, progress=progress, encoding=encoding,
    )  # fmt: skip
    verdict = replace(verdict, verbatim=any(one.verbatim for one in sets))
    about = about or {}
    card = EncoderCard(
        trained=trained, default=source in {"", bundled.ENCODER}, verdict=verdict,
        name=about.get("name", ""), license=about.get("license", ""),
        language=about.get("language", ""),
        data=[source_of(one, len(learned[one.name]), len(dev)) for one, dev in parts],
        mining=told, command=environment.command, versions=environment.versions,
    )  # fmt: skip
    (work.model / "README.md").write_text(card.text(), encoding="utf-8")
    folder = work.place(passed=verdict.passed or options.force)
    return EncoderOutcome(folder=folder, verdict=verdict, trained=trained, encoded=encoded)


def _source(index: Path) -> str:
    settings = open_store(index).settings()
    return settings.encoder_source if settings else ""


def _all(learned: Mapping[str, Sequence[Example]]) -> list[Example]:
    return [example for examples in learned.values() for example in examples]


def _plan(
    engine: SearchEngine,
    sets: Sequence[TrainingSet],
    options: TrainOptions,
    how: EncoderOptions,
    *,
    mine: bool,
) -> dict[str, Any]:
    """Return what decides a training: another plan is another training."""
    free = replace(options, resume=False, force=False, finetune=FinetuneOptions())
    return {
        **asdict(free),
        "encoder": how.to_dict(),
        "mine": mine,
        "data": {one.name: dict(one.checksums) for one in sets},
        "index": identity(engine),
    }


def _trained(
    source: str,
    examples: Sequence[Example],
    how: EncoderOptions,
    work: Work,
    learning: TrainingProgress | None,
) -> TrainedEncoder:
    from indexer.training.encoder import train_encoder

    shutil.rmtree(work.model, ignore_errors=True)  # of a training that was stopped
    work.model.parent.mkdir(exist_ok=True)
    return train_encoder(source, examples, how, work.model, learning)
