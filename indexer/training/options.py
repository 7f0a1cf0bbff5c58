"""How a model is trained: options that are checked before anything heavy is imported."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

from engine.errors import UsageError
from indexer.training.examples import LOSSES, Loss, require_fitting

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from indexer.training.examples import TrainingSet

TrainingPrecision = Literal["auto", "float32", "bfloat16", "float16"]
Mixing = Literal["proportional", "round-robin"]
Teaching = Literal["margin", "soft"]

# What changes no weight, and so may differ when a training is resumed.
_FREE: Final = frozenset({"resume", "report_to"})


@dataclass(frozen=True, slots=True, kw_only=True)
class FinetuneOptions:
    """How a model is trained.

    Attributes:
        loss: for every set that `losses` does not name.
        losses: name of a set -> its own loss.
        mixing: of several sets: `proportional` uses all rows of all, `round-robin` takes equally
            many batches of each until the smallest is used up.
        epochs: passes over the rows.
        max_steps: so many steps, in place of `epochs`.
        batch_size: rows of a step. A row is a pair for bce and soft teaching, and otherwise a query
            with all of its passages: a list of 8 in 16 rows is 128 pairs a step.
        learning_rate: its peak; None is 1e-4 for a model of up to 512 dimensions, else 2e-5.
        head_rate: how many times as fast a head learns that starts from nothing; others learn as
            fast as the encoder.
        warmup_ratio: share of the steps in which the learning rate rises.
        max_length: tokens of a pair; the trained model reads as many.
        pos_weight: of a positive in bce; None is negatives / positives.
        teaching: `margin` learns a teacher's differences (MarginMSE), `soft` its probabilities.
        seed: of the order, the dropout and a new head: the same one gives the same weights.
        layers: what base.load_base kept; None is all.
        freeze_embeddings: whether the word vectors stay as they are.
        thaw: whether the layers of a joined base that read apart learn too; others learn whole.
        dropout: share of the activations that are left out at random. A pass or two over a few
            thousand pairs does not overfit, and a processor learns a quarter faster without it.
        precision: of the products, weights being float32 in any case; `auto` is bfloat16 on a GPU
            or processor that multiplies it, and float32 anywhere else.
        gradient_checkpointing: whether activations are computed twice rather than kept.
        eval_steps: steps between two looks at the dev set; None is a fifth of the training.
        patience: looks without a better metric after which training stops; None is never.
        save_steps: steps between two checkpoints; None is as `eval_steps`, or a fifth.
        resume: whether a training that was killed in the same folder continues.
        report_to: a tracker of transformers that is installed, or `none`.
        threads: of the processor; None leaves torch as it is. Weights are equal only for equal
            numbers of threads.
    """

    loss: Loss = "bce"
    losses: Mapping[str, Loss] = field(default_factory=dict[str, Loss])
    mixing: Mixing = "proportional"
    epochs: float = 1.0
    max_steps: int | None = None
    batch_size: int = 16
    learning_rate: float | None = None
    head_rate: float = 10.0
    warmup_ratio: float = 0.1
    max_length: int = 192
    pos_weight: float | None = None
    teaching: Teaching = "margin"
    seed: int = 0
    layers: int | None = None
    freeze_embeddings: bool = False
    thaw: bool = False
    dropout: float = 0.0
    precision: TrainingPrecision = "auto"
    gradient_checkpointing: bool = False
    eval_steps: int | None = None
    patience: int | None = None
    save_steps: int | None = None
    resume: bool = False
    report_to: str = "none"
    threads: int | None = None

    def __post_init__(self) -> None:
        """Raise UsageError if an option, or two together, cannot be."""
        for name in ("max_steps", "layers", "eval_steps", "patience", "save_steps", "threads"):
            _at_least(name, getattr(self, name), 1)
        _at_least("batch_size", self.batch_size, 1)
        # Two special tokens at the end, one at the start, and something to read on both sides.
        _at_least("max_length", self.max_length, 8)
        for name in ("epochs", "learning_rate", "head_rate", "pos_weight"):
            _positive(name, getattr(self, name))
        if not 0 <= self.dropout < 1:
            raise UsageError(f"dropout must be from 0 to below 1, not {self.dropout}")
        if not 0 <= self.warmup_ratio < 1:
            raise UsageError(f"warmup_ratio must be from 0 to below 1, not {self.warmup_ratio}")
        if not 0 <= self.seed < 2**32:
            raise UsageError(f"seed must be from 0 to 2**32 - 1, not {self.seed}")
        for name, known in _CHOICES.items():
            _among(name, getattr(self, name), known)
        for name, loss in self.losses.items():
            _among(f"the loss of {name}", loss, LOSSES)
        self._require_together()

    def _require_together(self) -> None:
        used = {self.loss, *self.losses.values()}
        if self.pos_weight is not None and "bce" not in used:
            raise UsageError("pos_weight belongs to the loss bce alone")
        if self.teaching != "margin" and "distill" not in used:
            raise UsageError("teaching belongs to the loss distill alone")
        if self.eval_steps and self.save_steps and self.save_steps % self.eval_steps:
            raise UsageError(
                f"save_steps ({self.save_steps}) must be a multiple of eval_steps"
                f" ({self.eval_steps}), so that the best model is one that was saved"
            )

    def loss_of(self, name: str) -> Loss:
        """Return the loss of a set."""
        return self.losses.get(name, self.loss)

    def require_fitting(self, sets: Sequence[TrainingSet], *, taught: bool = False) -> None:
        """Raise UsageError unless each set has a loss that fits, and each loss of a set its set.

        `taught` is whether a teacher scores them all.
        """
        names = [one.name for one in sets]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise UsageError(f"two sets are called {twice}; each has a name of its own")
        unknown = next((name for name in self.losses if name not in names), None)
        if unknown is not None:
            raise UsageError(
                f"--loss {unknown}={self.losses[unknown]}: there is no set {unknown}; the sets are:"
                f" {', '.join(names)}"
            )
        for one in sets:
            require_fitting(self.loss_of(one.name), one, taught=taught)

    def to_dict(self) -> dict[str, Any]:
        """Return all options, for a model card."""
        return {**asdict(self), "losses": dict(self.losses)}

    def decisive(self) -> dict[str, Any]:
        """Return what the weights depend on: a resumed training must have the same."""
        return {name: value for name, value in self.to_dict().items() if name not in _FREE}


_CHOICES: Final[Mapping[str, tuple[str, ...]]] = {
    "loss": LOSSES,
    "mixing": get_args(Mixing),
    "teaching": get_args(Teaching),
    "precision": get_args(TrainingPrecision),
}


def _at_least(name: str, value: int | None, least: int) -> None:
    if value is not None and value < least:
        raise UsageError(f"{name} must be at least {least}, not {value}")


def _positive(name: str, value: float | None) -> None:
    if value is not None and not (math.isfinite(value) and value > 0):
        raise UsageError(f"{name} must be a number above 0, not {value}")


def _among(name: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise UsageError(f"{name} must be one of {', '.join(known)}, not {value!r}")
