# pyright: basic
"""An encoder that joins late begins as the bi-encoder it is made of, and keeps it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pytest
import torch
from torch.nn import functional
from transformers import BertModel

from engine import bundled
from engine.rerankers import load
from engine.rerankers.joined import JoinedBert, known_to_transformers
from indexer.training.base import load_base
from indexer.training.exact import adapted
from indexer.training.joining import write_joined
from indexer.training.options import FinetuneOptions
from tests.tiny_models import WINDOW, library_cross_encoder, save_headless, tokenizer

if TYPE_CHECKING:
    from pathlib import Path

known_to_transformers()
PAIRS = [
    ("what is the sea", "the red fish swims"),
    ("heart", "a heart of the sea is blue and red and a fish is what swims"),
    ("blue fish", "fish"),
    ("", "the sea"),
    ("the sea", ""),
    ("blue heart", "red fish is what swims " * 3 + "a blue heart of the sea " + "and fish " * 4),
]


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_headless(tmp_path_factory.mktemp("plain"))


@pytest.fixture(scope="module")
def joined(plain: Path) -> Path:
    folder = plain.parent / "joined"
    folder.mkdir()
    write_joined(plain, folder, start=1, layers=1, window=WINDOW)
    return folder


def network(folder: Path) -> JoinedBert:
    model = cast("JoinedBert", library_cross_encoder(folder)[0].model).eval()
    return model.requires_grad_(False)


def features(folder: Path, pairs: list[tuple[str, str]]) -> dict[str, torch.Tensor]:
    return cast("Any", library_cross_encoder(folder)[0]).preprocess(pairs)


def apart(folder: Path, query: str, passage: str) -> list[float]:
    """The two signals, from each text read on its own by the plain encoder: the slow twin."""
    bert = BertModel.from_pretrained(str(folder), add_pooling_layer=False).eval()
    with torch.no_grad():
        q, p = (
            bert(**tokenizer()(text, return_tensors="pt")).last_hidden_state[0]
            for text in (query, passage)
        )
    cosine = functional.cosine_similarity(q.mean(0), p.mean(0), dim=0)
    words = q[1:-1] if len(q) > 2 else q
    cosines = functional.normalize(words, dim=-1) @ functional.normalize(p, dim=-1).T
    # A window begins at every fourth token of query and passage together.
    starts = range(-len(q), len(p), 4)
    windows = [cosines[:, max(0, at) : at + 16] for at in starts if at + 16 > 0]
    leaning = [float(-(-8 * window.amax(1)).exp().mean().log() / 8) for window in windows]
    return [float(cosine), max(leaning)]


@pytest.mark.parametrize(("query", "passage"), PAIRS)
def test_it_begins_with_what_the_texts_say_when_they_are_read_apart(
    plain: Path, joined: Path, query: str, passage: str
) -> None:
    model = network(joined)
    model.classifier.weight.zero_()
    said = float(model(**features(joined, [(query, passage)])).logits)
    weights = model.signals.weight[0].tolist()
    expected = sum(w * s for w, s in zip(weights, apart(plain, query, passage), strict=True))
    assert said == pytest.approx(expected + float(model.signals.bias), abs=1e-4)


def test_what_it_has_yet_to_learn_hardly_counts(plain: Path, joined: Path) -> None:
    logits = load(str(joined)).score(PAIRS[:3]).logits
    model = network(joined)
    weights, shift = model.signals.weight[0].tolist(), float(model.signals.bias)
    for logit, pair in zip(logits, PAIRS, strict=False):
        expected = shift + sum(w * s for w, s in zip(weights, apart(plain, *pair), strict=True))
        assert logit == pytest.approx(expected, abs=0.5)


def test_a_pair_scores_the_same_beside_others(joined: Path) -> None:
    reranker = load(str(joined))
    together = reranker.score(PAIRS).logits
    alone = [reranker.score([pair]).logits[0] for pair in PAIRS]
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_the_library_gives_the_same_scores(joined: Path) -> None:
    expected = library_cross_encoder(joined).predict(PAIRS)
    np.testing.assert_allclose(load(str(joined)).score(PAIRS).logits, expected, atol=1e-4)


def test_a_long_passage_is_read_in_windows(joined: Path) -> None:
    reranker = load(str(joined))
    scores = reranker.score([("heart", "red " * 200), ("heart", "red")])
    assert cast("Any", scores.in_windows).tolist() == [True, False]
    assert np.isfinite(scores.logits).all()


def test_the_passage_counts_where_the_texts_are_read_together(joined: Path) -> None:
    model = network(joined)
    model.signals.weight.zero_()
    model.classifier.weight.normal_(std=1.0, generator=torch.Generator().manual_seed(1))
    one, other = model(**features(joined, [("sea", "red"), ("sea", "blue")])).logits[:, 0].tolist()
    assert one != pytest.approx(other, abs=1e-3)


def test_training_leaves_what_reads_apart_as_it_is(joined: Path) -> None:
    model = cast("JoinedBert", load_base(str(joined), max_length=32)[0].model)
    trained = {name for name, weight in model.named_parameters() if weight.requires_grad}
    assert not any(name.startswith("bert.") for name in trained)
    assert {"classifier.weight", "signals.weight", "kinds.weight", "token_map.weight"} <= trained
    assert any(name.startswith("joined.0.") for name in trained)


def test_what_was_frozen_stays_so_when_a_training_is_over(joined: Path) -> None:
    base = load_base(str(joined), max_length=32)
    with adapted(base, FinetuneOptions(freeze_embeddings=True)):
        pass
    model = cast("JoinedBert", base[0].model)
    assert not any(weight.requires_grad for weight in model.bert.parameters())


def test_what_reads_apart_learns_where_it_is_thawed_and_for_one_training_alone(
    joined: Path,
) -> None:
    base = load_base(str(joined), max_length=32)
    model = cast("JoinedBert", base[0].model)
    words = model.get_input_embeddings().weight
    with adapted(base, FinetuneOptions(thaw=True)):
        assert all(weight.requires_grad for weight in model.parameters())
    with adapted(base, FinetuneOptions(thaw=True, freeze_embeddings=True)):
        assert [w for w in model.parameters() if not w.requires_grad] == [words]
    assert not any(weight.requires_grad for weight in model.bert.parameters())
    assert model.signals.weight.requires_grad


def test_a_first_step_reaches_the_layers_that_join(joined: Path) -> None:
    base = load_base(str(joined), max_length=32)
    model = cast("JoinedBert", base[0].model)
    functional.softplus(-model(**features(joined, PAIRS[:1])).logits).sum().backward()
    layer = next(model.joined.parameters())
    assert layer.grad is not None
    assert float(layer.grad.abs().sum()) > 0


def test_the_one_of_minilm_is_the_same_for_the_same_seed_and_scores_before_it_learns() -> None:
    one, same, other = (load_base(bundled.JOINED, seed=seed) for seed in (1, 1, 2))
    weights = [cast("Any", model[0]).model.classifier.weight for model in (one, same, other)]
    assert torch.equal(weights[0], weights[1])
    assert not torch.equal(weights[0], weights[2])
    right, wrong = one.predict(
        [("red planet", "Mars is red of rust."), ("red planet", "Bread rises.")]
    )
    assert right > 0.5 > wrong


def test_the_first_layers_are_kept_as_they_were_and_nothing_joins(joined: Path) -> None:
    base = load_base(str(joined), max_length=32, layers=1)
    model = cast("JoinedBert", base[0].model)
    whole = network(joined)
    asked = features(joined, PAIRS[:3])
    whole.bert.encoder.layer = whole.bert.encoder.layer[:1]
    whole.classifier.weight.zero_()
    assert torch.allclose(model.eval()(**asked).logits, whole(**asked).logits)
    assert not any(name.startswith(("joined", "mix")) for name, _ in model.named_parameters())


def test_a_model_without_joined_layers_is_saved_and_served(joined: Path, tmp_path: Path) -> None:
    base = load_base(str(joined), max_length=32, layers=1)
    cast("JoinedBert", base[0].model).token_map.weight.data.fill_(0.01)
    base.save_pretrained(str(tmp_path))
    expected = base.predict(PAIRS[:3], activation_fn=torch.nn.Identity())
    np.testing.assert_allclose(load(str(tmp_path)).score(PAIRS[:3]).logits, expected, atol=1e-4)
    again = load_base(str(tmp_path), max_length=32)
    trained = {
        n for n, weight in cast("Any", again[0]).model.named_parameters() if weight.requires_grad
    }
    assert "signals.weight" in trained
    assert not any(name.startswith(("bert.", "joined.")) for name in trained)
