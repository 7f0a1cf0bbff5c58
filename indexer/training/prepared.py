"""Everything before the first step: what is learned from, what is held out, and how long it takes.

Whatever can be wrong with examples, options or models comes to light here.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, Final

from indexer.training.apart import apart
from indexer.training.asking import asked_of
from indexer.training.checkpoints import last_checkpoint
from indexer.training.estimate import Estimate, Judging
from indexer.training.mining import identity
from indexer.training.negatives import require_one_mined, with_negatives
from indexer.training.options import FinetuneOptions
from indexer.training.speed import SOME, distinct, pairs_per_second
from indexer.training.teaching import load_teachers, taught
from indexer.training.work import Work

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from engine.evaluation.plan import Progress
    from engine.protocols import Reranker
    from engine.search import SearchEngine
    from indexer.training.asking import Asked
    from indexer.training.examples import Example, TrainingSet
    from indexer.training.teaching import RerankerTeacher
    from indexer.training.train_options import TrainOptions

NOTHING_TO_DECIDE: Final = (
    "the index has no answer to the held-out questions, so the gate has nothing to decide: the"
    " model will be kept aside, unless --force saves it"
)
_LOOKS: Final = 5  # at them, unless asked otherwise


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A training before its first step.

    Attributes:
        work: where it goes on.
        sets: what is learned from, as it was read.
        held_out: how many questions of each set are not.
        learned: the same with negatives, by name, or a teacher's scores of all candidates.
        asked: what the model is asked, while it learns and then.
        told: what mining and teachers have to tell, for the card.
        teachers: whose scores are learned; none where labels are.
        estimate: of what is to come.
    """

    work: Work
    sets: Sequence[TrainingSet]
    held_out: Sequence[int]
    learned: Mapping[str, Sequence[Example]]
    asked: Asked
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
    _require_base(options)
    teachers = load_teachers(options.teachers, options.finetune.teaching, scores)
    plan = _plan(engine, sets, options, teachers)
    work = Work(output, plan, resume=options.resume, force=options.force)
    parts = apart(sets, options)
    asked = asked_of(engine, parts, options)
    learned_from = [one for one, _ in parts]
    progress.say(
        f"{sum(len(one.examples) for one in learned_from):,} questions to learn from,"
        f" {len(asked.in_index.judged.queries) if asked.in_index else 0:,} held out for the gate"
    )
    if asked.in_index is None:
        progress.say(NOTHING_TO_DECIDE)
    work.begin()
    learned, told = with_negatives(engine, learned_from, options, work, progress)
    if teachers:
        lesson = taught(learned, teachers, options.finetune.teaching, progress)
        progress.say(lesson.told)
        learned, told = lesson.sets, f"{told}\n\n{lesson.told}"
    estimate = _estimate(engine, in_use, learned, options, work, asked)
    progress.say(estimate.text())
    return Prepared(
        work=work, sets=learned_from, held_out=[len(dev) for _, dev in parts], learned=learned,
        asked=asked, told=told, teachers=teachers, estimate=estimate,
    )  # fmt: skip


def _require_base(options: TrainOptions) -> None:
    """Load the base once: what cannot be trained is an error before hours of mining."""
    from indexer.training.base import load_base
    from indexer.training.finetune import require_possible

    how = options.finetune
    base = load_base(
        options.begins_with, max_length=how.max_length, layers=how.layers, seed=how.seed
    )
    require_possible(base, how)


def _estimate(
    engine: SearchEngine,
    in_use: Reranker | None,
    learned: Mapping[str, Sequence[Example]],
    options: TrainOptions,
    work: Work,
    asked: Asked,
) -> Estimate:
    from indexer.training.pace import pace_of

    how = options.finetune
    some = distinct(asked.pairs, SOME)
    pace = pace_of(options.begins_with, learned, how, some)
    judging = Judging(
        tuning=len(asked.in_index.tuning.queries) if asked.in_index else 0,
        judged=len(asked.in_index.judged.queries) if asked.in_index else 0,
        depth=min(options.dev_depth, engine.snapshot.count()[0]),
        a_query=asked.in_index.a_query if asked.in_index else 0.0,
        in_use=None if in_use is None else pairs_per_second(in_use.score, some),
        rows=len(asked.rows.pairs),
    )
    saved = last_checkpoint(work.model) if work.resumed else None
    every = how.eval_steps or how.save_steps
    looks = pace.steps // every if every else min(_LOOKS, pace.steps)
    return Estimate(
        steps=pace.steps,
        done=int(saved.state.get("global_step", 0)) if saved else 0,
        a_step=pace.a_step,
        looking=looks * len(asked.pairs) / pace.pairs_per_second,
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
        options, resume=False, force=False, output_format=None, nano_beir=False, teachers=(),
        finetune=FinetuneOptions(),
    )  # fmt: skip
    return {
        **asdict(free),
        "finetune": options.finetune.decisive(),
        "data": {one.name: dict(one.checksums) for one in sets},
        "index": identity(engine),
        "teachers": [teacher.fingerprint for teacher in teachers],
    }
