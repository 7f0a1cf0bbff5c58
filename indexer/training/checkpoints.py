"""Checkpoints of a training in a model's folder: which one is whole, and of what training it is."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from engine.errors import UsageError
from engine.jsonfile import read_json

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from indexer.training.options import FinetuneOptions

_STATE = "trainer_state.json"
_STARTED = "started.json"


@dataclass(frozen=True, slots=True)
class Saved:
    """A whole checkpoint: its folder, and the trainer's state in it."""

    folder: Path
    state: dict[str, Any]

    @property
    def finished(self) -> bool:
        """Whether nothing was left to train: all steps were done, or patience ended it."""
        control = self.state.get("stateful_callbacks", {}).get("TrainerControl", {})
        return bool(control.get("args", {}).get("should_training_stop"))

    @property
    def looks_in_vain(self) -> int:
        """How many looks in a row had found nothing better; the trainer itself would begin at 0."""
        stopping = self.state.get("stateful_callbacks", {}).get("EarlyStoppingCallback", {})
        return int(stopping.get("attributes", {}).get("early_stopping_patience_counter", 0))


def checkpoints_of(folder: Path) -> Path:
    """Return where the checkpoints of the model in a folder are kept."""
    return folder / "checkpoints"


def discard_checkpoints(folder: Path) -> None:
    """Remove the checkpoints of a model that was saved, three times its size each."""
    shutil.rmtree(checkpoints_of(folder), ignore_errors=True)


def last_checkpoint(folder: Path) -> Saved | None:
    """Return the newest checkpoint that is whole; what a kill left half written is passed over."""
    found = [
        (int(number), path)
        for path in checkpoints_of(folder).glob("checkpoint-*")
        if (number := path.name.removeprefix("checkpoint-")).isdecimal()
    ]
    for _, path in sorted(found, reverse=True):
        try:
            # The trainer writes this file last.
            state = json.loads((path / _STATE).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            continue
        return Saved(path, cast("dict[str, Any]", state))
    return None


def begin(folder: Path, options: FinetuneOptions, digests: Sequence[str]) -> Saved | None:
    """Return where to continue, None for the start, and note down what is trained.

    Raises:
        UsageError: an unfinished training is there that was not asked for, or another one.
    """
    saved = last_checkpoint(folder)
    started = checkpoints_of(folder) / _STARTED
    now = json.loads(json.dumps({"options": options.decisive(), "data": list(digests)}))
    if saved and options.resume and started.is_file():
        _require_same(read_json(started), now, folder)
        return saved
    if saved and not saved.finished and not options.resume:
        raise UsageError(
            f"{checkpoints_of(folder)} holds an unfinished training: continue it with --resume, or"
            " remove that folder"
        )
    discard_checkpoints(folder)
    started.parent.mkdir(parents=True)
    started.write_text(json.dumps(now, indent=1) + "\n", encoding="utf-8")
    return None


def _require_same(then: dict[str, Any], now: dict[str, Any], folder: Path) -> None:
    changed = [name for name, value in now["options"].items() if then["options"].get(name) != value]
    if then["data"] != now["data"]:
        changed.append("the examples")
    if changed:
        raise UsageError(
            f"the training in {folder} cannot be resumed: {', '.join(changed)} changed since it"
            " began; use what it began with, or remove its checkpoints"
        )
