"""What `shortlist train` says in the end."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from indexer.training.card import VERBATIM
from indexer.training.finetuned import Finetuned
from indexer.training.gate import Verdict
from indexer.training.train import Outcome
from server.cli.train_show import show_outcome, unproven

if TYPE_CHECKING:
    import pytest

    from indexer.training.asking import Measures

FINETUNED = Finetuned(
    folder=Path("mine"), steps=3, best_step=3, seconds=1.5, learning_rate=1e-4, curves=(),
    stopped_early=False,
)  # fmt: skip
MEASURES: Measures = {"faq_f1": (None, 0.5), "faq_f1_threshold": (0.1, 0.2), "faq_r": (0.25, None)}


def said(
    capsys: pytest.CaptureFixture[str], verdict: Verdict | None, *, as_json: bool = False
) -> str:
    outcome = Outcome(
        folder=Path("mine"), verdict=verdict, measures=MEASURES, finetuned=FINETUNED, weight=0.7,
        speeds=(),
    )  # fmt: skip
    show_outcome(outcome, as_json=as_json)
    return capsys.readouterr().out


def verdict(*, passed: bool, verbatim: bool = False) -> Verdict:
    return Verdict(
        passed=passed, queries=20, against="stage one", before=0.5, after=0.6, interval=(0.0, 0.2),
        p=0.01, rows=[], verbatim=verbatim,
    )  # fmt: skip


def test_the_verdict_is_said_and_what_the_library_says(capsys: pytest.CaptureFixture[str]) -> None:
    told = said(capsys, verdict(passed=True))
    assert "50.0 (stage one) -> 60.0, +10.0 (95 % interval +0.0 to +20.0)" in told
    assert "20 questions prove little" in told
    assert "faq_f1: ? -> 0.500\nfaq_r: 0.250 -> ?\nsaved: mine\n" in told
    assert VERBATIM not in told
    told = said(capsys, verdict(passed=False, verbatim=True))
    assert VERBATIM in told
    assert told.endswith("(--force): mine\n")


def test_a_model_that_did_not_pass_is_kept_aside_or_saved_by_force() -> None:
    assert unproven(Path("mine.rejected")).endswith("kept aside: mine.rejected")
    assert unproven(Path("mine")).startswith("saved although it may be worse")


def test_one_question_is_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert "1 question proves little" in said(capsys, replace(verdict(passed=True), queries=1))


def test_a_gate_with_nothing_to_decide_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    assert "not judged, since the index has no answer" in said(capsys, None)
    told = json.loads(said(capsys, None, as_json=True))
    assert (told["passed"], told["queries"], told["after"]) == (False, 0, None)
    assert told["measures"] == {name: list(both) for name, both in MEASURES.items()}


def test_json_has_all_numbers(capsys: pytest.CaptureFixture[str]) -> None:
    told = json.loads(said(capsys, verdict(passed=True, verbatim=True), as_json=True))
    assert (told["passed"], told["verbatim"], told["weight"]) == (True, True, 0.7)
    assert (told["before"], told["after"], told["interval"]) == (0.5, 0.6, [0.0, 0.2])
