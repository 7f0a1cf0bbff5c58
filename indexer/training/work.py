"""The folder beside a model where its training is under way.

MODEL.training/plan.json      what is trained on what; a training that goes on must have the same
mined.jsonl    the examples with their negatives; mined-1.jsonl those of the second set
model/NAME/    checkpoints, then the model
evaluation/    the report of the gate
"""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from engine.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

_PLAN: Final = "plan.json"


class Work:
    """A working folder."""

    def __init__(self, output: Path, plan: Mapping[str, Any], *, resume: bool, force: bool) -> None:
        """Look whether a training may begin there, or go on.

        Raises:
            UsageError: if the output is taken, an unfinished training is there that is not to be
                resumed, or it is another one.
        """
        output = Path(os.path.abspath(output))  # noqa: PTH100 - links stay as they are
        self.output = output
        self.folder = output.with_name(output.name + ".training")
        self.mined = self.folder / "mined.jsonl"
        self.model = self.folder / "model" / output.name
        self.evaluation = self.folder / "evaluation"
        if output.exists() and not output.is_dir():
            raise UsageError(f"{output} is a file; give the name of a folder")
        if output.exists() and not force:
            raise UsageError(f"{output} is there already; give another name, or --force")
        told = json.dumps(plan, indent=1, sort_keys=True, default=str)
        before = self._plan()
        if before and not resume:
            raise UsageError(
                f"an unfinished training is in {self.folder}: --resume goes on with it, or remove"
                " that folder"
            )
        if before and before != told:
            raise UsageError(
                f"the training in {self.folder} is another one ({_difference(before, told)}): give"
                " the same data and options, or remove that folder"
            )
        self.resumed = bool(before)
        self._told = told

    def begin(self) -> None:
        """Make the folder: from now on there is a training that can be resumed."""
        self.folder.mkdir(parents=True, exist_ok=True)
        (self.folder / _PLAN).write_text(self._told, encoding="utf-8")

    def _plan(self) -> str:
        try:
            return (self.folder / _PLAN).read_text("utf-8")
        except OSError:
            return ""

    def place(self, *, passed: bool) -> Path:
        """Move the model to its place with all that is worth keeping; return where it is."""
        place = self.output if passed else self.output.with_name(self.output.name + ".rejected")
        kept = self.model / "training"
        kept.mkdir(exist_ok=True)
        for mined in self.folder.glob(f"{self.mined.stem}*.jsonl"):
            mined.replace(kept / mined.name)
        shutil.rmtree(kept / self.evaluation.name, ignore_errors=True)
        if self.evaluation.exists():
            self.evaluation.replace(kept / self.evaluation.name)
        shutil.rmtree(self.model / "checkpoints", ignore_errors=True)
        if place.exists():
            shutil.rmtree(place)
        self.model.replace(place)
        shutil.rmtree(self.folder)
        return place


def _difference(before: str, now: str) -> str:
    """Return the names of what differs."""
    try:
        was, is_ = json.loads(before), json.loads(now)
        return ", ".join(sorted(k for k in {*was, *is_} if was.get(k) != is_.get(k)))
    except (ValueError, AttributeError):
        return "its plan is damaged"
