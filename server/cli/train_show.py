"""What `shortlist train` says in the end."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from pathlib import Path

    from indexer.training.estimate import Estimate
    from indexer.training.gate import Verdict
    from indexer.training.train import Outcome


def show_estimate(estimate: Estimate, *, as_json: bool) -> None:
    """Say how long a training would take."""
    if as_json:
        told = {
            "steps": estimate.steps, "done": estimate.done, "a_step": estimate.a_step,
            "training": estimate.training, "judging": estimate.judging,
        }  # fmt: skip
        click.echo(json.dumps(told))
        return
    click.echo("nothing is trained yet: with --resume in place of --dry-run it goes on from here")


def show_outcome(outcome: Outcome, *, as_json: bool) -> None:
    """Say what came out of a training."""
    from indexer.training.card import compared_speeds

    if as_json:
        told = {
            "folder": str(outcome.folder), "passed": outcome.passed, **_numbers(outcome.verdict),
            "measures": {name: list(both) for name, both in outcome.measures.items()},
            "weight": outcome.weight, "steps": outcome.finetuned.steps,
            "seconds": outcome.finetuned.seconds,
            "pairs_per_second": [list(speed) for speed in outcome.speeds],
        }  # fmt: skip
        click.echo(json.dumps(told, ensure_ascii=False))
        return
    if outcome.verdict is not None:
        _show_verdict(outcome.verdict)
    for name, (before, after) in outcome.measures.items():
        if not name.endswith("_threshold"):
            click.echo(f"{name}: {_decimal(before)} -> {_decimal(after)}")
    for line in compared_speeds(outcome.speeds):
        click.echo(line)
    if outcome.passed:
        click.echo(f"saved: {outcome.folder}")
    elif outcome.verdict is None:
        click.echo(f"not judged, since the index has no answer that was held out: {outcome.folder}")
    else:
        click.echo(unproven(outcome.folder))


def _numbers(verdict: Verdict | None) -> dict[str, Any]:
    if verdict is None:
        names = ("against", "before", "after", "interval", "p")
        return {"queries": 0, **dict.fromkeys(names), "verbatim": False}
    return {
        "queries": verdict.queries, "against": verdict.against, "before": verdict.before,
        "after": verdict.after, "interval": list(verdict.interval), "p": verdict.p,
        "verbatim": verdict.verbatim,
    }  # fmt: skip


def _show_verdict(verdict: Verdict) -> None:
    low, high = (100 * end for end in verdict.interval)
    click.echo(
        f"nDCG@10 on {verdict.queries:,} held-out questions: {100 * verdict.before:.1f}"
        f" ({verdict.against}) -> {100 * verdict.after:.1f},"
        f" {100 * (verdict.after - verdict.before):+.1f} (95 % interval {low:+.1f} to {high:+.1f})"
    )
    show_doubts(verdict)


def unproven(folder: Path) -> str:
    """Return where a model lies that did not pass the gate."""
    if folder.suffix == ".rejected":
        return f"it may be worse than what is in use, so it is kept aside: {folder}"
    return f"saved although it may be worse than what is in use (--force): {folder}"


def show_doubts(verdict: Verdict) -> None:
    """Say why a verdict may not hold, if anything speaks against it."""
    from indexer.training.card import VERBATIM

    if verdict.few:
        prove = "question proves" if verdict.queries == 1 else "questions prove"
        click.echo(f"{verdict.queries} {prove} little: judge more (shortlist label)")
    if verdict.verbatim:
        click.echo(VERBATIM)


def _decimal(value: float | None) -> str:
    return "?" if value is None else f"{value:.3f}"
