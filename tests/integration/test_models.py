# pyright: basic
"""`shortlist models` lists what comes along, and writes it out for other programs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from engine import bundled
from engine.jsonfile import read_json
from engine.rerankers import load
from engine.rerankers.joined import known_to_transformers
from tests.commands import shortlist
from tests.tiny_models import library_cross_encoder

if TYPE_CHECKING:
    from pathlib import Path


def test_each_model_is_listed_with_what_it_is_for() -> None:
    told = shortlist("models")
    assert told.code == 0
    for name in bundled.models():
        assert name in told.out
    assert f"{bundled.RERANKER} (default), " in told.out
    assert ": \n" not in told.out


@pytest.mark.parametrize("name", bundled.models())
def test_each_model_says_what_it_was_made_of_and_under_which_licence(name: str) -> None:
    folder = bundled.models()[name]
    card = (folder / "README.md").read_text("utf-8")
    assert 'license: "apache-2.0"' in card
    assert "all-MiniLM-L6-v2" in card
    said = read_json(folder / "shortlist.json")
    assert said["about"]
    assert (folder / "ATTRIBUTION.md").is_file()


def test_all_models_together_are_small_enough_for_a_package() -> None:
    folders = bundled.models().values()
    assert sum(file.stat().st_size for folder in folders for file in folder.iterdir()) < 30e6


def test_an_exported_model_is_read_by_sentence_transformers(tmp_path: Path) -> None:
    told = shortlist("models", "--export", bundled.RERANKER, "-o", tmp_path / "plain")
    assert told.code == 0
    known_to_transformers()
    pairs = [("red planet", "Mars looks red because of rust."), ("red planet", "Bread rises.")]
    expected = library_cross_encoder(tmp_path / "plain").predict(pairs)
    np.testing.assert_allclose(load().score(pairs).logits, expected, atol=1e-4)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--export", "shortlist-reranker-small"], "belong together"),
        (["-o", "somewhere"], "belong together"),
        (["--export", "no-such", "-o", "somewhere"], "no model no-such comes along"),
    ],
)
def test_a_wrong_export_says_what_is_wrong(options: list[str], message: str) -> None:
    told = shortlist("models", *options)
    assert told.code == 2
    assert message in told.err


def test_an_export_writes_over_nothing(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    told = shortlist("models", "--export", bundled.RERANKER, "-o", tmp_path)
    assert told.code == 2
    assert "there already" in told.err
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
