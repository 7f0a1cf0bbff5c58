"""How a run of the indexer shows itself: a bar on a terminal, plain lines elsewhere."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Final, NoReturn

import click

if TYPE_CHECKING:
    from tqdm import tqdm

    from indexer.report import Progress
    from indexer.training.finetuned import Status

_EVERY: Final = 5.0  # seconds between plain lines


def make_progress() -> Progress:
    """Return a bar if stderr is a terminal, else lines."""
    return Bar() if sys.stderr.isatty() else Lines()


class Bar:
    """See Progress: rate and time left, by bytes."""

    def __init__(self) -> None:
        self._bar: tqdm[NoReturn] | None = None

    def start(self, root: str, files: int, total_bytes: int) -> None:
        """See Progress."""
        from tqdm import tqdm

        self.finish()
        if files:
            self._bar = tqdm(
                total=total_bytes,
                unit="B",
                unit_scale=True,
                desc=f"{root} ({files:,} files)",
                dynamic_ncols=True,
                leave=False,
            )

    def advance(self, path: str, done_bytes: int) -> None:
        """See Progress."""
        if self._bar is not None:
            self._bar.set_postfix_str(path[-40:], refresh=False)
            self._bar.update(done_bytes)

    def finish(self) -> None:
        """See Progress."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None


class Lines:
    """See Progress: a line every few seconds."""

    def __init__(self) -> None:
        self._total = self._done = 0
        self._began = self._said = time.monotonic()

    def start(self, root: str, files: int, total_bytes: int) -> None:
        """See Progress."""
        self._total, self._done = total_bytes, 0
        self._began = self._said = time.monotonic()
        if files:
            click.echo(f"{root}: {files:,} files to read, {total_bytes / 1e6:,.1f} MB", err=True)

    def advance(self, path: str, done_bytes: int) -> None:
        """See Progress."""
        del path
        self._done += done_bytes
        now = time.monotonic()
        if now - self._said < _EVERY:
            return
        self._said = now
        rate = self._done / (now - self._began)
        left = max(0, self._total - self._done) / rate if rate else 0
        click.echo(
            f"{self._done / 1e6:,.1f} of {self._total / 1e6:,.1f} MB,"
            f" {rate / 1e6:,.2f} MB/s, {left:,.0f} s left",
            err=True,
        )

    def finish(self) -> None:
        """See Progress."""


class QueryProgress:
    """See engine.evaluation.plan.Progress: a bar on a terminal, a line every few seconds else."""

    def __init__(self, unit: str = "queries") -> None:
        self._unit = unit
        self._bar: tqdm[NoReturn] | None = None
        self._total = self._done = 0.0
        self._began = self._said = time.monotonic()

    def start(self, what: str, queries: int, done: int) -> None:
        """See Progress."""
        self._total, self._done = queries, 0.0
        self._began = self._said = time.monotonic()
        if done:
            self.say(f"going on after {done:,} of {queries:,} {self._unit}")
        self._total -= done
        if sys.stderr.isatty() and self._total:
            from tqdm import tqdm

            self._bar = tqdm(
                total=self._total,
                desc=what,
                dynamic_ncols=True,
                leave=False,
                bar_format="{desc} {percentage:3.0f}%|{bar}| {n:.0f}/{total:.0f} "
                f"{self._unit} [{{elapsed}}<{{remaining}}]",
            )

    def advance(self, queries: float) -> None:
        """See Progress."""
        self._done += queries
        if self._bar is not None:
            self._bar.update(queries)
            return
        now = time.monotonic()
        if now - self._said >= _EVERY and self._done:
            self._said = now
            left = (self._total - self._done) * (now - self._began) / self._done
            self.say(
                f"{self._done:,.0f} of {self._total:,.0f} {self._unit}, {max(0, left):,.0f} s left"
            )

    def say(self, text: str) -> None:
        """See Progress."""
        click.echo(text, err=True)

    def finish(self) -> None:
        """See Progress."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None


class LearningProgress:
    """See indexer.training.finetuned.TrainingProgress: a bar, or a line every few seconds."""

    def __init__(self) -> None:
        self._bar: tqdm[NoReturn] | None = None
        self._said = 0.0

    def update(self, status: Status) -> None:
        """See TrainingProgress."""
        metric = "" if status.metric is None else f", dev {100 * status.metric:.1f}"
        told = f"loss {status.loss:.4f}{metric}"
        if sys.stderr.isatty():
            self._draw(status, told)
            return
        now = time.monotonic()
        if now - self._said >= _EVERY or status.step == status.steps:
            self._said = now
            left = "" if status.seconds_left is None else f", {status.seconds_left:,.0f} s left"
            click.echo(f"step {status.step:,} of {status.steps:,}, {told}{left}", err=True)

    def _draw(self, status: Status, told: str) -> None:
        if self._bar is None:
            from tqdm import tqdm

            self._bar = tqdm(
                total=status.steps, initial=status.step, desc="training", unit=" steps",
                dynamic_ncols=True, leave=False,
            )  # fmt: skip
        self._bar.set_postfix_str(told, refresh=False)
        self._bar.update(status.step - self._bar.n)
        if status.step >= status.steps:
            self._bar.close()
            self._bar = None
