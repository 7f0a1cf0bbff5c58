"""Everything before the first step: what is learned from, what is held out, and how long it takes.

Whatever can be wrong with examples, options or models comes to light here.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from indexer.training.apart import apart, held_out_parts
from indexer.training.checkpoints import last_checkpoint
from indexer.training.estimate import Estimate, Judging
from indexer.training.heldout import HeldOut
from indexer.training.mining import identity
from indexer.training.negatives import require_one_mined, with_negatives
from indexer.training.options import FinetuneOptions
from indexer.training.speed import SOME, distinct, pairs_per_second
from indexer.training.teaching import load_teachers, taught
from indexer.training.work import Work

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from engine.evaluation.collection import Collection
    from engine.evaluation.plan import Progress
    from engine.protocols import Reranker
    from engine.search import SearchEngine
    from indexer.training.examples import Example, TrainingSet
    from indexer.training.teaching import RerankerTeacher
    from indexer.training.train_options import TrainOptions

_WATCHED: Final = 40  # held-out questions that are ranked while the model learns
_WATCHED_DEPTH: Final = 20
_LOOKS: Final = 5  # at them, unless asked otherwise


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A training before its first step.

    Attributes:
        work: where it goes on.
        sets: what is learned from, as it was read.
        learned: the same with negatives, by name, or a teacher's scores of all candidates.
        tuning: questions that choose the weight.
        judged: questions that the gate asks.
        watched: questions that are ranked while the model learns.
        told: what mining and teachers have to tell, for the card.
        teachers: whose scores are learned; none where labels are.
        estimate: of what is to come.
    """

    work: Work
    sets: Sequence[TrainingSet]
    learned: Mapping[str, Sequence[Example]]
    tuning: Collection
    judged: Collection
    watched: HeldOut
    told: str
    teachers: Sequence[RerankerTeacher]
    estimate: Estimate


def prepare(  # noqa: PLR0913 - what is trained on what, beside what, and where to
    engine: SearchEngine,
    sets: Sequence[TrainingSet],
    in_use: Reranker | None,
    options: TrainOptions,
    output: Path,
    scores: Path,
    progress: Progress,
) -> Prepared:
    """Hold out, mine, have teachers score, and estimate; see train.train for arguments and errors.

    What was mined lies in the working folder, and what teachers said among the remembered scores:
    a training that goes on there, or is prepared again, does neither anew.
    """
    options.finetune.require_fitting(sets, taught=bool(options.teachers))
    require_one_mined(engine, sets, options)
    teachers = load_teachers(options.teachers, options.finetune.teaching, scores)
    plan = _plan(engine, sets, options, teachers)
    work = Work(output, plan, resume=options.resume, force=options.force)
    parts = apart(sets, options)
    tuning, judged = held_out_parts([dev for _, dev in parts], options)
    learned_from = [one for one, _ in parts]
    progress.say(
        f"{sum(len(one.examples) for one in learned_from):,} questions to learn from,"
        f" {len(judged.queries):,} held out for the gate"
    )
    work.begin()
    learned, told = with_negatives(engine, learned_from, options, work, progress)
    if teachers:
        lesson = taught(learned, teachers, options.finetune.teaching, progress)
        progress.say(lesson.told)
        learned, told = lesson.sets, f"{told}\n\n{lesson.told}"
    began = time.monotonic()
    watched = HeldOut(engine, tuning.sample(_WATCHED), _WATCHED_DEPTH)
    a_query = (time.monotonic() - began) / len(watched.collection.queries)
    some = distinct(watched.pairs, SOME)
    judging = Judging(
        tuning=len(tuning.queries), judged=len(judged.queries),
        depth=min(options.dev_depth, engine.snapshot.count()[0]), a_query=a_query,
        in_use=None if in_use is None else pairs_per_second(in_use.score, some),
    )  # fmt: skip
    estimate = _estimate(learned, options, work, watched, judging)
    progress.say(estimate.text())
    return Prepared(
        work=work, sets=learned_from, learned=learned, tuning=tuning, judged=judged,
        watched=watched, told=told, teachers=teachers, estimate=estimate,
    )  # fmt: skip


def _estimate(
    learned: Mapping[str, Sequence[Example]],
    options: TrainOptions,
    work: Work,
    watched: HeldOut,
    judging: Judging,
) -> Estimate:
    from indexer.training.pace import pace_of

    how = options.finetune
    pace = pace_of(options.base, learned, how, distinct(watched.pairs, SOME))
    saved = last_checkpoint(work.model) if work.resumed else None
    every = how.eval_steps or how.save_steps
    looks = pace.steps // every if every else min(_LOOKS, pace.steps)
    return Estimate(
        steps=pace.steps,
        done=int(saved.state.get("global_step", 0)) if saved else 0,
        a_step=pace.a_step,
        looking=looks * len(watched.pairs) / pace.pairs_per_second,
        judging=judging.seconds(pace.pairs_per_second),
    )


def _plan(
    engine: SearchEngine,
    sets: Sequence[TrainingSet],
    options: TrainOptions,
    teachers: Sequence[RerankerTeacher],
) -> dict[str, Any]:
    """Return what decides a training: another plan is another training."""
    free = replace(
        options, resume=False, force=False, output_format=None, teachers=(),
        finetune=FinetuneOptions(),
    )  # fmt: skip
    return {
        **asdict(free),
        "finetune": options.finetune.decisive(),
        "data": {one.name: dict(one.checksums) for one in sets},
        "index": identity(engine),
        "teachers": [teacher.fingerprint for teacher in teachers],
    }
