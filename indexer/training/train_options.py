"""What a training is asked to do, from the examples to the gate."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, get_args

from engine import bundled
from engine.errors import UsageError
from indexer.training.guards import MiningOptions
from indexer.training.mined import Format
from indexer.training.options import FinetuneOptions

if TYPE_CHECKING:
    from pathlib import Path

Miner = Literal["own", "dense"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainOptions:
    """What is trained, on what, and how it is judged.

    Attributes:
        base: the model to begin with; empty is all-MiniLM-L6-v2, joined late.
        finetune: how.
        mining: which negatives.
        miner: `own` stage one, or the published recipe's dense search.
        mined: a file of examples that were mined before, in place of mining; of one set alone.
        teachers: folders or hub names of rerankers, or `default`, whose scores are learned in place
            of labels.
        output_format: a format of mine_hard_negatives, in which the mined set is written besides.
        dev_queries: at most so many held-out queries are asked by the gate.
        dev_depth: fused documents that are reranked for them.
        nano_beir: whether NanoBEIR is asked too, of the reranker in use and of the new one.
        limit: at most so many questions of each set are trained on.
        resume: go on with a training that was stopped.
        force: save the model also if it does not pass.
    """

    base: str = ""
    finetune: FinetuneOptions = field(default_factory=FinetuneOptions)
    mining: MiningOptions = field(default_factory=MiningOptions)
    miner: Miner = "own"
    mined: Path | None = None
    teachers: tuple[str, ...] = ()
    output_format: Format | None = None
    dev_queries: int = 200
    dev_depth: int = 30
    nano_beir: bool = False
    limit: int | None = None
    resume: bool = False
    force: bool = False

    def __post_init__(self) -> None:
        for name in ("dev_queries", "dev_depth", "limit"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise UsageError(f"{name} is at least 1, not {value}")
        if self.output_format not in (None, *get_args(Format)):
            raise UsageError(f"output_format is one of {', '.join(get_args(Format))}")

    @property
    def begins_with(self) -> str:
        """Folder or name of the model that is trained."""
        return self.base or bundled.JOINED
