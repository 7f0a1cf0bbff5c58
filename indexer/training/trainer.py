# pyright: basic
"""LEAF (sentence-transformers, transformers): their trainer, made quiet, exact and honest."""

from __future__ import annotations

import math
import time
from collections import deque
from typing import TYPE_CHECKING, Any

from sentence_transformers.base.evaluation import BaseEvaluator
from sentence_transformers.cross_encoder.trainer import CrossEncoderTrainer
from transformers import TrainerCallback, TrainerState

from engine.errors import ModelError, UsageError
from indexer.training.finetuned import Status

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch
    from sentence_transformers import CrossEncoder

    from indexer.training.checkpoints import Saved
    from indexer.training.finetuned import TrainingProgress

# Steps whose mean is shown as the loss.
_RECENT = 20


class DevEvaluator(BaseEvaluator):
    """A function of the model, as an evaluator of sentence-transformers; more is better.

    `score` gets the model in evaluation mode and returns metrics; `primary` names the one that
    decides which checkpoint is the best.
    """

    def __init__(self, score: Callable[[CrossEncoder], dict[str, float]], primary: str) -> None:
        """Keep both."""
        super().__init__()
        self._score = score
        self.primary_metric = primary
        self.greater_is_better = True

    def __call__(
        self,
        model: CrossEncoder,
        output_path: str | None = None,  # noqa: ARG002
        epoch: float = -1,  # noqa: ARG002
        steps: int = -1,  # noqa: ARG002
    ) -> dict[str, float]:
        """Return the metrics."""
        training = model.training
        model.eval()
        try:
            metrics = {name: float(value) for name, value in self._score(model).items()}
        finally:
            model.train(training)
        if not math.isfinite(metrics.get(str(self.primary_metric), math.nan)):
            raise UsageError(f"the evaluator gave no number for {self.primary_metric}")
        return metrics


class QuietTrainer(CrossEncoderTrainer):
    """CrossEncoderTrainer that writes no model card and no pickle, and stops at a NaN.

    `before` are the seconds that the training took before it was killed.
    """

    before = 0.0

    def __init__(self, **kwargs: Any) -> None:  # noqa: ANN401 - the library's
        """See CrossEncoderTrainer."""
        self.began = time.monotonic()
        self.recent: deque[float] = deque(maxlen=_RECENT)
        super().__init__(**kwargs)

    def training_step(self, *args: Any, **kwargs: Any) -> torch.Tensor:  # noqa: ANN401
        """Compute the gradients of one batch, and refuse those of a loss that is no number."""
        loss = super().training_step(*args, **kwargs)
        value = loss.item()
        if not math.isfinite(value):
            message = (
                f"the loss was {value} at step {self.state.global_step + 1}: the training is lost;"
                f" try a lower learning rate than {self.args.learning_rate:g}, and float32"
            )
            raise ModelError(message)
        self.recent.append(value)
        return loss

    def seconds(self) -> float:
        """Return the seconds of training so far, those before a kill included."""
        return self.before + time.monotonic() - self.began

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Note the seconds beside every point of the curves."""
        super().log({**logs, "seconds": round(self.seconds(), 3)}, start_time)

    def restore(self, saved: Saved) -> None:
        """Take the weights and the state of a training that had ended when it was killed."""
        self.state = TrainerState.load_from_json(str(saved.folder / "trainer_state.json"))
        best = self.state.best_model_checkpoint
        self._load_from_checkpoint(best if best else str(saved.folder))

    def add_model_card_callback(self, default_args_dict: dict[str, Any]) -> None:
        """Add none: it would measure the examples and ask the hub about them."""

    def _save(self, output_dir: str | None = None, state_dict: object = None) -> None:  # noqa: ARG002
        self.model.save(output_dir or str(self.args.output_dir), create_model_card=False)

    def _load_best_model(self) -> None:
        # The original only logs a failure, and goes on with other weights.
        self._load_from_checkpoint(str(self.state.best_model_checkpoint))


class Telling(TrainerCallback):
    """Tells a TrainingProgress where the training stands."""

    def __init__(self, trainer: QuietTrainer, progress: TrainingProgress) -> None:
        """Know whom to ask and whom to tell."""
        self._trainer = trainer
        self._progress = progress
        self._first = 0
        self._metric: float | None = None

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ANN401, ARG002
        """Remember where this run began."""
        self._first = state.global_step

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ANN401, ARG002
        """Tell of a step."""
        done = state.global_step - self._first
        spent = time.monotonic() - self._trainer.began
        recent = self._trainer.recent
        self._progress.update(
            Status(
                step=state.global_step,
                steps=state.max_steps,
                loss=math.fsum(recent) / len(recent) if recent else math.nan,
                metric=self._metric,
                seconds_left=spent / done * (state.max_steps - state.global_step) if done else None,
            )
        )

    def on_evaluate(self, args: Any, state: Any, control: Any, **told: Any) -> None:  # noqa: ANN401
        """Remember the dev metric, and tell of it."""
        self._metric = told.get("metrics", {}).get(str(args.metric_for_best_model))
        self.on_step_end(args, state, control)
