# pyright: basic
"""LEAF (sentence-transformers, torch): the static encoder learns from pairs.

What stage one does not find, no reranker can repair; and a table of token vectors learns in a
minute on a processor. The table is that of engine.static, the loss contrasts each query with the
answers of its batch (and with hard negatives), at several lengths of the vector.

Only tokens that the pairs have can learn, and what was learned of them counts in all texts. So a
share of the original may be kept (`EncoderOptions.share`).
"""

from __future__ import annotations

import math
import shutil
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from datasets import Dataset
from sentence_transformers import (
    SentenceTransformer,
    SentenceTransformerTrainer,
    SentenceTransformerTrainingArguments,
)
from sentence_transformers.sentence_transformer.losses import (
    MatryoshkaLoss,
    MultipleNegativesRankingLoss,
)
from sentence_transformers.sentence_transformer.modules import StaticEmbedding
from transformers import PrinterCallback

from engine import bundled
from engine.errors import ModelError, UsageError
from engine.rerankers.batches import quietly
from engine.rerankers.checkpoint import loadable, resolve
from engine.static import StaticEncoder
from indexer.training.encoder_card import EncoderCard
from indexer.training.encoder_options import LARGEST, TrainedEncoder, require_enough, rows_of
from indexer.training.finetuned import Silent, Status

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from indexer.training.encoder_options import EncoderOptions, Row
    from indexer.training.examples import Example
    from indexer.training.finetuned import TrainingProgress


def train_encoder(
    source: str,
    examples: Sequence[Example],
    options: EncoderOptions,
    folder: Path,
    progress: TrainingProgress | None = None,
) -> TrainedEncoder:
    """Train a static encoder and save it in a new folder.

    Args:
        source: folder or hub name of the encoder to begin with; empty for the default.
        examples: queries with positives, and negatives if there are some.
        options: see EncoderOptions.
        folder: must not be there, or be empty. A training that is stopped leaves nothing in it.
        progress: told after each step.

    Raises:
        UsageError: if there is too little to learn from, or the folder is taken.
        ModelError: if the encoder cannot be loaded.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise UsageError(f"{folder} is there already; give the encoder a new folder")
    require_enough(examples, options)
    bare, hard = rows_of(examples, options.negatives)
    options = replace(options, batch_size=options.batch_of(len(bare) + len(hard)))
    base, model = _load(source)
    static = _static_module(model)
    start = time.monotonic()
    original = static.embedding.weight.detach().cpu().numpy().copy()
    partial = folder.with_name(f"{folder.name}.partial")
    try:
        trainer = _train(model, [bare, hard], options, partial, progress or Silent())
        moved = _settle(static, original, options.share)
        model.to("cpu").save(str(partial), create_model_card=False)
        # Its name ends with the checksum of its weights, so nothing is known of it before.
        folder.mkdir(parents=True, exist_ok=True)
        folder.rmdir()
        partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    trained = TrainedEncoder(
        folder=folder,
        name=StaticEncoder.load(folder).name,
        base=base,
        options=options,
        pairs=len(bare) + len(hard),
        steps=trainer.state.global_step,
        seconds=time.monotonic() - start,
        losses=trainer.losses(),
        moved=moved,
    )
    card = EncoderCard(trained=trained, default=source in {"", bundled.ENCODER})
    (folder / "README.md").write_text(card.text(), "utf-8")
    return trained


# -- the model -----------------------------------------------------------------------------------


def _load(source: str) -> tuple[str, SentenceTransformer]:
    """Return the name of an encoder and the same in sentence-transformers."""
    place = resolve(source) if source else bundled.models()[bundled.ENCODER]
    name = StaticEncoder.load(place).name  # refuses all that is no static embedding
    with loadable(place) as plain:
        if (plain / "modules.json").is_file():
            model = SentenceTransformer(str(plain), local_files_only=True)
        else:
            model = SentenceTransformer(modules=[StaticEmbedding.load(str(plain))])
    return name, model.float()


def _static_module(model: SentenceTransformer) -> StaticEmbedding:
    module = next(module for module in model if isinstance(module, StaticEmbedding))
    module.tokenizer.no_padding()
    module.tokenizer.no_truncation()
    return module


def _settle(static: StaticEmbedding, original: np.ndarray, share: float) -> float:
    """Mix the original in; return which share of the token vectors is another now."""
    weight = static.embedding.weight
    trained = weight.detach().cpu().numpy()
    mixed = share * trained + (1 - share) * original if share < 1 else trained
    with torch.no_grad():
        weight.copy_(torch.from_numpy(np.ascontiguousarray(mixed)))
    return float((mixed != original).any(axis=1).mean())


# -- the training --------------------------------------------------------------------------------


class _Trainer(SentenceTransformerTrainer):
    """The library's, without a model card, with a progress, and it stops at a NaN."""

    def __init__(self, progress: TrainingProgress, **kwargs: Any) -> None:  # noqa: ANN401
        """See SentenceTransformerTrainer."""
        self.progress = progress
        self.began = time.monotonic()
        super().__init__(**kwargs)

    def training_step(self, *args: Any, **kwargs: Any) -> torch.Tensor:  # noqa: ANN401
        """Compute the gradients of one batch, and tell."""
        loss = super().training_step(*args, **kwargs)
        value = loss.item()
        step, steps = self.state.global_step + 1, self.state.max_steps
        if not math.isfinite(value):
            message = (
                f"the loss was {value} at step {step}: the training is lost; try a lower learning"
                f" rate than {self.args.learning_rate:g}"
            )
            raise ModelError(message)
        left = (steps - step) * (time.monotonic() - self.began) / step
        self.progress.update(Status(step=step, steps=steps, loss=value, seconds_left=left))
        return loss

    def add_model_card_callback(self, default_args_dict: dict[str, Any]) -> None:
        """Add none: it would measure the examples and ask the hub about them."""

    def losses(self) -> tuple[tuple[int, float], ...]:
        """Return (step, mean loss since the last one)."""
        history = self.state.log_history
        return tuple((int(p["step"]), float(p["loss"])) for p in history if "loss" in p)


def _train(
    model: SentenceTransformer,
    sets: Sequence[Sequence[Row]],
    options: EncoderOptions,
    partial: Path,
    progress: TrainingProgress,
) -> _Trainer:
    """Train a model in place; the tokenizer is left as it was."""
    static = _static_module(model)
    datasets = {f"set{n}": _dataset(rows) for n, rows in enumerate(sets) if rows}
    dim = static.embedding_dim
    lengths = sorted({dim, *(d for d in options.dimensions if d < dim)}, reverse=True)
    ranking = MultipleNegativesRankingLoss(model, scale=options.scale)
    static.tokenizer.enable_truncation(options.max_tokens)
    with quietly():
        trainer = _Trainer(
            progress,
            model=model,
            args=_arguments(model, options, partial),
            train_dataset=datasets if len(datasets) > 1 else next(iter(datasets.values())),
            loss=MatryoshkaLoss(model, ranking, lengths),
        )
        trainer.remove_callback(PrinterCallback)  # writes to stdout
        trainer.train()
    static.tokenizer.no_truncation()
    return trainer


def _dataset(rows: Sequence[Row]) -> Dataset:
    columns = {"anchor": [row.query for row in rows], "positive": [row.positive for row in rows]}
    for n in range(len(rows[0].negatives)):
        columns[f"negative_{n}"] = [row.negatives[n] for row in rows]
    return Dataset.from_dict(columns)


def _arguments(
    model: SentenceTransformer, options: EncoderOptions, partial: Path
) -> SentenceTransformerTrainingArguments:
    return SentenceTransformerTrainingArguments(
        output_dir=str(partial),
        num_train_epochs=options.epochs,
        max_steps=options.max_steps or -1,
        per_device_train_batch_size=options.batch_size or LARGEST,
        learning_rate=options.learning_rate,
        warmup_steps=options.warmup_ratio,
        weight_decay=0.0,
        seed=options.seed,
        data_seed=options.seed,
        # A text that stands twice in a batch would be its own negative.
        batch_sampler="no_duplicates",
        multi_dataset_batch_sampler="proportional",
        prompts=_prompts(model, options),
        logging_steps=0.02,
        logging_nan_inf_filter=False,
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
        dataloader_pin_memory=False,
    )


def _prompts(model: SentenceTransformer, options: EncoderOptions) -> dict[str, str] | None:
    """Return by column what the model puts before queries and passages when it is served."""
    prompts: dict[str, Any] = model.prompts or {}
    query = prompts.get("query") or ""
    passage = prompts.get("document") or prompts.get("passage") or ""
    if not (query or passage):
        return None
    negatives = {f"negative_{n}": passage for n in range(options.negatives)}
    return {"anchor": query, "positive": passage, **negatives}
