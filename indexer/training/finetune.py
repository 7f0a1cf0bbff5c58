# pyright: basic
"""LEAF (sentence-transformers, transformers): examples into a trained CrossEncoder.

One seed gives one model: the order of the rows, dropout and a new head follow from it, and a
training that was killed and resumed ends with the weights of one that was not.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, cast

import torch
from datasets import DatasetDict
from sentence_transformers.cross_encoder.training_args import CrossEncoderTrainingArguments
from transformers import EarlyStoppingCallback, PrinterCallback
from transformers.integrations.integration_utils import get_available_reporting_integrations

from engine.errors import ModelError, UsageError
from engine.rerankers.batches import quietly
from engine.rerankers.joined import JoinedBert
from indexer.training.base import has_new_head, layers_of
from indexer.training.buckets import batches_of
from indexer.training.checkpoints import begin, checkpoints_of
from indexer.training.datasets import Rows, rows_of
from indexer.training.exact import adapted, exact
from indexer.training.finetuned import Finetuned, Point, Silent, TrainingProgress
from indexer.training.losses import loss_of
from indexer.training.trainer import DevEvaluator, QuietTrainer, Telling

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from sentence_transformers import CrossEncoder
    from transformers import TrainerCallback

    from indexer.training.checkpoints import Saved
    from indexer.training.examples import Example
    from indexer.training.options import FinetuneOptions

# Points on the curve of the loss, and looks at the dev set, unless asked otherwise.
_POINTS = 0.02
_LOOKS = 0.2
# Dimensions up to which a model is small, and the learning rates of small and large ones.
_SMALL = 512
_SMALL_RATE, _LARGE_RATE = 1e-4, 2e-5


def finetune(  # noqa: PLR0913 - what is trained on what, how, and who is told
    base: CrossEncoder,
    sets: Mapping[str, Sequence[Example]],
    options: FinetuneOptions,
    folder: Path,
    *,
    evaluator: DevEvaluator | None = None,
    progress: TrainingProgress | None = None,
    callbacks: Sequence[TrainerCallback] = (),
) -> Finetuned:
    """Train a model in place and save it in a folder, where its checkpoints are kept meanwhile.

    Args:
        base: of base.load_base.
        sets: name -> examples. Each has its loss in the options.
        options: how.
        folder: of the model; nothing is written anywhere else.
        evaluator: looks at the dev set; the best of the looks is what is kept.
        progress: told after every step.
        callbacks: of transformers, for the trainer.

    Raises:
        UsageError: the examples do not fit their loss, the options do not fit the model or the
            machine, or an unfinished training is in the folder that is not to be resumed.
        ModelError: the loss became NaN, or the memory was not enough.
    """
    require_possible(base, options)
    if evaluator is None and (options.patience or options.eval_steps):
        raise UsageError("patience and eval_steps need a dev set to look at")
    rows = [rows_of(name, examples, options) for name, examples in sets.items()]
    saved = begin(folder, options, [part.digest for part in rows])
    with exact(options), adapted(base, options), quietly():
        trainer = trainer_of(base, rows, options, folder, evaluator)
        for callback in (Telling(trainer, progress or Silent()), *callbacks):
            trainer.add_callback(callback)
        _train(trainer, saved)
        # Autocast stays around a model's forward otherwise.
        trainer.accelerator.unwrap_model(base, keep_fp32_wrapper=False)
        base.eval()
        base.save(str(folder), create_model_card=False)
    return _finetuned(trainer, folder)


def _train(trainer: QuietTrainer, saved: Saved | None) -> None:
    if saved:
        points = saved.state.get("log_history", [])
        trainer.before = max((point.get("seconds", 0.0) for point in points), default=0.0)
        for callback in trainer.callback_handler.callbacks:
            if isinstance(callback, EarlyStoppingCallback):
                callback.early_stopping_patience_counter = saved.looks_in_vain
    try:
        if saved and saved.finished:
            trainer.restore(saved)
        else:
            trainer.train(resume_from_checkpoint=str(saved.folder) if saved else None)
    except torch.OutOfMemoryError as error:
        message = "the memory is not enough: use a smaller batch, or gradient checkpointing"
        raise ModelError(message) from error


def trainer_of(
    base: CrossEncoder,
    rows: Sequence[Rows],
    options: FinetuneOptions,
    folder: Path,
    evaluator: DevEvaluator | None,
) -> QuietTrainer:
    """Return a trainer of a base on rows, whose checkpoints would go into a folder."""
    # Names of users' files may have dots, which torch allows in no name of a module.
    data = {f"set{number}": part.data for number, part in enumerate(rows)}
    losses = {f"set{number}": loss_of(base, part) for number, part in enumerate(rows)}
    single = len(rows) == 1
    trainer = QuietTrainer(
        model=base,
        args=_arguments(base, options, folder, evaluator),
        train_dataset=data["set0"] if single else cast("Any", DatasetDict)(data),
        loss=losses["set0"] if single else losses,
        evaluator=evaluator,
        callbacks=[EarlyStoppingCallback(options.patience)] if options.patience else [],
    )
    trainer.remove_callback(PrinterCallback)
    return trainer


def _arguments(
    base: CrossEncoder,
    options: FinetuneOptions,
    folder: Path,
    evaluator: DevEvaluator | None,
) -> CrossEncoderTrainingArguments:
    gpu = torch.cuda.is_available()
    precision = _precision(options)
    looks = options.eval_steps or options.save_steps or _LOOKS
    watched: dict[str, Any] = {}
    if evaluator:
        watched = {
            "eval_strategy": "steps",
            "eval_steps": looks,
            "load_best_model_at_end": True,
            "metric_for_best_model": f"eval_{evaluator.primary_metric}",
            "greater_is_better": True,
        }
    rate = options.learning_rate or _usual_rate(base)
    head = _head_of(base)
    if head:
        watched["learning_rate_mapping"] = {head: rate * options.head_rate}
    return CrossEncoderTrainingArguments(
        output_dir=str(checkpoints_of(folder)),
        num_train_epochs=options.epochs,
        max_steps=options.max_steps or -1,
        per_device_train_batch_size=options.batch_size,
        learning_rate=rate,
        warmup_steps=options.warmup_ratio,
        seed=options.seed,
        data_seed=options.seed,
        bf16=precision == "bfloat16",
        fp16=precision == "float16",
        use_cpu=not gpu and precision == "bfloat16",
        save_strategy="steps",
        save_steps=options.save_steps or looks,
        save_total_limit=2,
        logging_steps=_POINTS,
        logging_nan_inf_filter=False,
        disable_tqdm=True,
        report_to=options.report_to,
        dataloader_pin_memory=gpu,
        batch_sampler=batches_of,
        multi_dataset_batch_sampler=options.mixing.replace("-", "_"),
        **watched,
    )


def _usual_rate(base: CrossEncoder) -> float:
    """Return the learning rate for a model's width.

    2e-5 is what one reads of base and large models. On all-MiniLM-L6-v2 with a new head it does
    nothing in the time of a CPU. 960 pairs of SQuAD, half of them hard negatives of the same
    article, 120 steps; MRR of one positive among five on 40 held-out questions, where chance is
    0.46: 2e-5 0.52, 1e-4 0.83, 1e-4 with a head 10 times as fast 0.87, 2e-4 and 5 times 0.86, 5e-5
    and 20 times 0.84. Its pooler was never trained: from a CLS vector of 0.37 (root mean square) it
    makes 0.06, so that a head at the encoder's pace hears little.
    """
    width = cast("Any", base[0]).model.config.hidden_size
    return _SMALL_RATE if width <= _SMALL else _LARGE_RATE


def _precision(options: FinetuneOptions) -> str:
    if options.precision != "auto":
        return options.precision
    if torch.cuda.is_available():
        return "bfloat16" if torch.cuda.is_bf16_supported() else "float32"
    # 1.5 times as fast on a processor that multiplies it, and slow on one that does not.
    multiplies = getattr(torch.cpu, "_is_avx512_bf16_supported", lambda: False)
    return "bfloat16" if multiplies() else "float32"


def require_possible(base: CrossEncoder, options: FinetuneOptions) -> None:
    """Raise UsageError if the options do not fit the model or the machine."""
    if options.precision == "float16" and not torch.cuda.is_available():
        raise UsageError("float16 needs a GPU; bfloat16 and float32 do not")
    if options.layers is not None and len(layers_of(base)) != options.layers:
        raise UsageError(f"the model was not loaded with {options.layers} layers")
    known = get_available_reporting_integrations()
    if options.report_to != "none" and options.report_to not in known:
        raise UsageError(
            f"nothing can be reported to {options.report_to!r}, which is not installed or not"
            f" known; what is: {', '.join(known) or 'none'}"
        )


def _head_of(base: CrossEncoder) -> str:
    """Return a pattern of the names of what learns fast; empty where all learns alike.

    A new head: what lies outside the encoder, and its pooler. Of an encoder that joins late: what
    is no layer, each time that it is trained.
    """
    transformer = cast("Any", base[0]).model
    names = [name for name, _ in transformer.named_parameters()]
    if isinstance(transformer, JoinedBert):
        head = [name for name in names if name.startswith(JoinedBert.HEADS)]
    elif has_new_head(base):
        encoder = f"{transformer.base_model_prefix}."
        head = [name for name in names if not name.startswith(encoder) or ".pooler." in name]
    else:
        return ""
    return rf"\.model\.({'|'.join(map(re.escape, head))})$"


def _finetuned(trainer: QuietTrainer, folder: Path) -> Finetuned:
    state = trainer.state
    best = state.best_model_checkpoint
    return Finetuned(
        folder=folder,
        steps=state.global_step,
        best_step=int(best.rsplit("-", 1)[1]) if best else state.global_step,
        seconds=trainer.seconds(),
        learning_rate=trainer.args.learning_rate,
        curves=tuple(_points(state.log_history)),
        stopped_early=state.global_step < state.max_steps,
    )


def _points(history: Sequence[Mapping[str, Any]]) -> Iterator[Point]:
    skipped = ("eval_runtime", "eval_samples_per_second", "eval_steps_per_second")
    for entry in history:
        metrics = {
            name.removeprefix("eval_"): float(value)
            for name, value in entry.items()
            if name.startswith("eval_") and name not in skipped
        }
        if metrics or "loss" in entry:
            yield Point(
                step=int(entry["step"]),
                seconds=float(entry.get("seconds", 0.0)),
                loss=entry.get("loss"),
                learning_rate=entry.get("learning_rate"),
                metrics=metrics,
            )
