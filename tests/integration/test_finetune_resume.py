# pyright: basic
"""A training that was killed ends, once resumed, as if nothing had happened."""

from __future__ import annotations

import math
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pytest
import torch
from sentence_transformers import CrossEncoder

from engine.errors import UsageError
from indexer.training.base import load_base
from indexer.training.checkpoints import checkpoints_of, last_checkpoint
from indexer.training.finetune import finetune
from indexer.training.options import FinetuneOptions
from indexer.training.trainer import DevEvaluator
from tests import tiny_models
from tests.learnable import learnable

if TYPE_CHECKING:
    from indexer.training.examples import Loss
    from indexer.training.finetuned import Finetuned, Status

EXAMPLES = learnable(24)
# An epoch is 9 steps, so that a kill after 12 falls into the second one.
OPTIONS = FinetuneOptions(
    max_steps=20,
    batch_size=8,
    learning_rate=2e-3,
    head_rate=10,
    max_length=32,
    threads=1,
    save_steps=5,
    precision="float32",
)


class Killer:
    """See TrainingProgress; kills this process after so many steps, as `kill -9` does."""

    def __init__(self, step: int) -> None:
        self._step = step

    def update(self, status: Status) -> None:
        if status.step == self._step:
            signal.raise_signal(signal.SIGKILL)


class StoppedError(Exception):
    """Raised by Stopper."""


class Stopper:
    """See TrainingProgress; ends the training after so many steps."""

    def __init__(self, step: int) -> None:
        self._step = step

    def update(self, status: Status) -> None:
        if status.step == self._step:
            raise StoppedError


def evaluator() -> DevEvaluator:
    """Return one that follows the weights up and down, so that the last is rarely the best."""

    def score(model: CrossEncoder) -> dict[str, float]:
        head = cast("Any", model[0]).model.classifier.weight
        return {"m": math.sin(1000 * float(head.detach().norm()))}

    return DevEvaluator(score, "m")


def train(
    source: str,
    folder: Path,
    options: FinetuneOptions,
    *,
    watched: bool = False,
    killed_after: int | None = None,
) -> Finetuned:
    return finetune(
        load_base(source, max_length=32),
        {"toy": EXAMPLES},
        options,
        folder,
        evaluator=evaluator() if watched else None,
        progress=None if killed_after is None else Killer(killed_after),
    )


def kill(source: str, folder: Path, step: int, *, loss: str, watched: bool) -> None:
    """Train in a process of its own that is killed after a step."""
    code = (
        "from dataclasses import replace; from pathlib import Path;"
        " from tests.integration.test_finetune_resume import OPTIONS, train;"
        f" train({source!r}, Path({str(folder)!r}), replace(OPTIONS, loss={loss!r}),"
        f" watched={watched}, killed_after={step})"
    )
    root = Path(__file__).parents[2]
    done = subprocess.run([sys.executable, "-c", code], cwd=root, check=False, capture_output=True)
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()


def logits(folder: Path) -> np.ndarray:
    pairs = [(example.query, c.text) for example in EXAMPLES for c in example.candidates]
    model = CrossEncoder(str(folder), activation_fn=torch.nn.Identity(), device="cpu")
    return model.predict(pairs)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tiny_models.save_bi_encoder(tmp_path_factory.mktemp("source")))


@pytest.mark.parametrize(
    ("loss", "step", "watched"),
    # In the first epoch, in the second, and at the seam with the dropout of a cached loss.
    [("bce", 7, False), ("bce", 12, True), ("mnrl", 6, False)],
)
def test_killed_and_resumed_training_equals_uninterrupted_training(
    loss: Loss, step: int, watched: bool, source: str, tmp_path: Path
) -> None:
    options = replace(OPTIONS, loss=loss)
    whole = train(source, tmp_path / "whole", options, watched=watched)
    kill(source, tmp_path / "killed", step, loss=loss, watched=watched)
    assert not (tmp_path / "killed" / "model.safetensors").exists()
    resumed = train(source, tmp_path / "killed", replace(options, resume=True), watched=watched)
    assert (resumed.steps, resumed.best_step) == (whole.steps, whole.best_step)
    np.testing.assert_allclose(
        logits(tmp_path / "killed"), logits(tmp_path / "whole"), atol=1e-4, rtol=0
    )
    assert [point.step for point in resumed.curves] == [point.step for point in whole.curves]


def test_patience_goes_on_where_it_was_when_a_training_is_resumed(
    source: str, tmp_path: Path
) -> None:
    def looks(*values: float) -> DevEvaluator:
        left = iter(values)
        return DevEvaluator(lambda _: {"m": next(left)}, "m")

    def run(
        name: str, options: FinetuneOptions, looked: DevEvaluator, killed: int = 0
    ) -> Finetuned:
        model = load_base(source, max_length=32)
        progress = Stopper(killed) if killed else None
        return finetune(model, {"toy": EXAMPLES}, options, tmp_path / name,
                        evaluator=looked, progress=progress)  # fmt: skip

    options = replace(OPTIONS, save_steps=None, eval_steps=2, patience=3)
    whole = run("whole", options, looks(0.5, 0.4, 0.3, 0.2, 0.9))
    assert (whole.steps, whole.best_step) == (8, 2)
    with pytest.raises(StoppedError):
        run("stopped", options, looks(0.5, 0.4, 0.3), killed=7)
    resumed = run("stopped", replace(options, resume=True), looks(0.2, 0.9))
    assert (resumed.steps, resumed.best_step) == (8, 2)


def test_a_half_written_checkpoint_is_passed_over(source: str, tmp_path: Path) -> None:
    train(source, tmp_path / "whole", OPTIONS)
    shutil.copytree(tmp_path / "whole", tmp_path / "killed")
    newest = checkpoints_of(tmp_path / "killed") / "checkpoint-20"
    state = newest / "trainer_state.json"
    state.write_text(state.read_text()[:100])
    (newest / "optimizer.pt").write_bytes(b"half")
    saved = last_checkpoint(tmp_path / "killed")
    assert saved is not None
    assert saved.folder.name == "checkpoint-15"
    train(source, tmp_path / "killed", replace(OPTIONS, resume=True))
    np.testing.assert_allclose(logits(tmp_path / "killed"), logits(tmp_path / "whole"), atol=1e-4)


@pytest.mark.parametrize("watched", [False, True])
def test_a_training_that_had_ended_is_not_trained_further(
    watched: bool, source: str, tmp_path: Path
) -> None:
    whole = train(source, tmp_path / "model", OPTIONS, watched=watched)
    before = logits(tmp_path / "model")
    (tmp_path / "model" / "model.safetensors").unlink()
    resumed = train(source, tmp_path / "model", replace(OPTIONS, resume=True), watched=watched)
    assert (resumed.steps, resumed.best_step) == (whole.steps, whole.best_step)
    assert resumed.seconds >= whole.curves[-1].seconds
    np.testing.assert_array_equal(logits(tmp_path / "model"), before)


def test_an_unfinished_training_is_neither_overwritten_nor_continued_with_other_options(
    source: str, tmp_path: Path
) -> None:
    train(source, tmp_path / "model", OPTIONS)
    shutil.rmtree(checkpoints_of(tmp_path / "model") / "checkpoint-20")
    with pytest.raises(UsageError, match="--resume"):
        train(source, tmp_path / "model", OPTIONS)
    with pytest.raises(UsageError, match="learning_rate changed"):
        train(source, tmp_path / "model", replace(OPTIONS, resume=True, learning_rate=1e-3))
    with pytest.raises(UsageError, match="the examples changed"):
        finetune(
            load_base(source, max_length=32),
            {"toy": EXAMPLES[1:]},
            replace(OPTIONS, resume=True),
            tmp_path / "model",
        )


def test_resuming_where_nothing_was_begun_begins(source: str, tmp_path: Path) -> None:
    options = replace(OPTIONS, max_steps=2, resume=True)
    assert train(source, tmp_path / "model", options).steps == 2
