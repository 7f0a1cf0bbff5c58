# pyright: basic
"""A model learns, is saved whole, and comes out the same for the same seed."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from transformers import TrainerCallback

from engine.errors import ModelError, UsageError
from engine.rerankers import load
from indexer.training.base import has_new_head, layers_of, load_base
from indexer.training.checkpoints import checkpoints_of, discard_checkpoints
from indexer.training.datasets import rows_of
from indexer.training.examples import Candidate, Example
from indexer.training.finetune import finetune, trainer_of
from indexer.training.options import FinetuneOptions
from indexer.training.trainer import DevEvaluator
from tests import tiny_models
from tests.learnable import IRRELEVANT, RELEVANT, learnable

if TYPE_CHECKING:
    from pathlib import Path

    from sentence_transformers import CrossEncoder

    from indexer.training.examples import Loss
    from indexer.training.finetuned import Finetuned, Status
    from indexer.training.options import Mixing

# The rates are for models of 32 dimensions, and a second thread would only wait for the first.
FAST = FinetuneOptions(
    max_steps=40,
    batch_size=8,
    learning_rate=2e-3,
    head_rate=10,
    max_length=32,
    threads=1,
    precision="float32",
)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tiny_models.save_bi_encoder(tmp_path_factory.mktemp("source")))


def margin(model: CrossEncoder) -> float:
    """Return by how much a relevant passage beats an irrelevant one."""
    pairs = [("what is 1", RELEVANT), ("what is 1", IRRELEVANT)]
    relevant, irrelevant = model.predict(pairs, activation_fn=torch.nn.Identity())
    return float(relevant - irrelevant)


def inside(model: CrossEncoder) -> Any:  # noqa: ANN401
    """Return the transformer, whose parts no type checker knows."""
    return cast("Any", model[0]).model


def trained(
    source: str,
    folder: Path,
    options: FinetuneOptions,
    **more: Any,  # noqa: ANN401 - evaluator and progress
) -> Finetuned:
    base = load_base(source, max_length=options.max_length, seed=options.seed)
    return finetune(base, {"toy.csv": learnable(24)}, options, folder, **more)


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "model.safetensors")


def same(one: Path, other: Path) -> bool:
    theirs = weights(other)
    return all(torch.equal(value, theirs[name]) for name, value in weights(one).items())


def test_eight_labelled_pairs_train_save_and_reload(source: str, tmp_path: Path) -> None:
    examples = learnable(4, negatives=1)
    options = replace(FAST, max_steps=None)
    base = load_base(source, max_length=32)
    finetuned = finetune(base, {"pairs": examples}, options, tmp_path / "model")
    assert finetuned.steps == 1
    pairs = [(examples[0].query, candidate.text) for candidate in examples[0].candidates]
    expected = base.predict(pairs, activation_fn=torch.nn.Identity())
    plain = tiny_models.library_cross_encoder(tmp_path / "model")
    assert plain.max_seq_length == 32
    np.testing.assert_allclose(plain.predict(pairs), expected, atol=1e-6)
    ours = load(str(tmp_path / "model")).score(pairs).logits
    np.testing.assert_allclose(ours, expected, atol=1e-5)


@pytest.mark.parametrize("loss", ["bce", "lambda", "listnet", "mnrl", "distill"])
def test_every_loss_falls_and_puts_the_relevant_passage_first(
    loss: Loss, source: str, tmp_path: Path
) -> None:
    options = replace(FAST, loss=loss)
    base = load_base(source, max_length=32)
    before = margin(base)
    finetuned = finetune(base, {"toy.csv": learnable(24)}, options, tmp_path / "model")
    losses = [point.loss for point in finetuned.curves if point.loss is not None]
    assert np.mean(losses[-5:]) < np.mean(losses[:5])
    assert margin(base) > before + 0.1


def test_soft_teaching_learns_probabilities(source: str, tmp_path: Path) -> None:
    options = replace(FAST, loss="distill", teaching="soft")
    base = load_base(source, max_length=32)
    finetune(base, {"toy.csv": learnable(24)}, options, tmp_path / "model")
    assert margin(base) > 0.1


def test_the_same_seed_gives_the_same_weights_and_another_others(
    source: str, tmp_path: Path
) -> None:
    options = replace(FAST, max_steps=5)
    for name, seed in [("one", 3), ("again", 3), ("other", 4)]:
        trained(source, tmp_path / name, replace(options, seed=seed))
    assert same(tmp_path / "one", tmp_path / "again")
    assert not same(tmp_path / "one", tmp_path / "other")


@pytest.mark.parametrize("mixing", ["proportional", "round-robin"])
def test_several_sets_learn_each_by_its_own_loss(
    mixing: Mixing, source: str, tmp_path: Path
) -> None:
    options = replace(FAST, losses={"more.v2": "mnrl", "taught": "distill"}, mixing=mixing)
    sets = {
        "toy.csv": learnable(24),
        "more.v2": learnable(20, seed=1),
        "taught": learnable(20, seed=2),
    }
    base = load_base(source, max_length=32)
    before = margin(base)
    assert finetune(base, sets, options, tmp_path / "model").steps > 10
    assert margin(base) > before


def test_the_best_look_at_the_dev_set_is_kept(source: str, tmp_path: Path) -> None:
    looks = iter([0.3, 0.9, 0.5, 0.4, 0.1, 0.0])
    seen: list[dict[str, torch.Tensor]] = []

    def score(model: CrossEncoder) -> dict[str, float]:
        assert not model.training
        seen.append({name: value.clone() for name, value in inside(model).state_dict().items()})
        return {"nDCG@10": next(looks), "n": 1}

    finetuned = trained(
        source,
        tmp_path / "model",
        replace(FAST, max_steps=10, eval_steps=2),
        evaluator=DevEvaluator(score, "nDCG@10"),
    )
    assert (finetuned.steps, finetuned.best_step, finetuned.stopped_early) == (10, 4, False)
    metrics = [point.metrics["nDCG@10"] for point in finetuned.curves if point.metrics]
    assert metrics == [0.3, 0.9, 0.5, 0.4, 0.1]
    kept = weights(tmp_path / "model")
    assert all(torch.equal(value, seen[1][name]) for name, value in kept.items())


def test_it_stops_when_the_dev_metric_no_longer_rises(source: str, tmp_path: Path) -> None:
    looks = iter([0.5, 0.4, 0.3, 0.2, 0.1])
    finetuned = trained(
        source,
        tmp_path / "model",
        replace(FAST, max_steps=10, eval_steps=2, patience=2),
        evaluator=DevEvaluator(lambda _: {"m": next(looks)}, "m"),
    )
    assert (finetuned.steps, finetuned.best_step, finetuned.stopped_early) == (6, 2, True)


def test_a_loss_that_is_no_number_stops_with_its_step(source: str, tmp_path: Path) -> None:
    base = load_base(source, max_length=32)
    with torch.no_grad():
        inside(base).classifier.weight.fill_(torch.nan)
    with pytest.raises(ModelError, match=r"loss was nan at step 1.*lower learning rate"):
        finetune(base, {"toy.csv": learnable(8)}, FAST, tmp_path / "model")
    assert not (tmp_path / "model" / "model.safetensors").exists()


def test_progress_hears_of_every_step(source: str, tmp_path: Path) -> None:
    told: list[Status] = []

    class Told:
        def update(self, status: Status) -> None:
            told.append(status)

    trained(source, tmp_path / "model", replace(FAST, max_steps=4), progress=Told())
    assert [status.step for status in told] == [1, 2, 3, 4]
    assert {status.steps for status in told} == {4}
    assert all(status.loss > 0 for status in told)
    assert told[-1].seconds_left == 0


def test_nothing_is_printed_and_no_file_lies_outside_the_folder(
    source: str,
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    trained(source, tmp_path / "model", replace(FAST, max_steps=2))
    assert capfd.readouterr() == ("", "")
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
    assert not list((tmp_path / "model").rglob("*.bin"))
    discard_checkpoints(tmp_path / "model")
    assert not [path for path in (tmp_path / "model").iterdir() if path.is_dir()]
    load(str(tmp_path / "model"))


def test_frozen_word_vectors_stay_and_all_else_moves(source: str, tmp_path: Path) -> None:
    base = load_base(source, max_length=32)
    before = {name: value.clone() for name, value in inside(base).state_dict().items()}
    options = replace(FAST, max_steps=3, freeze_embeddings=True)
    finetune(base, {"toy.csv": learnable(24)}, options, tmp_path / "model")
    for name, value in inside(base).state_dict().items():
        assert torch.equal(value, before[name]) == ("word_embeddings" in name), name
    assert all(weight.requires_grad for weight in base.parameters())


def test_dropout_is_off_unless_asked_for_and_the_model_keeps_its_own(
    source: str, tmp_path: Path
) -> None:
    shares: dict[float, set[float]] = {}

    def look(model: CrossEncoder) -> dict[str, float]:
        modules = inside(model).modules()
        found = {module.p for module in modules if isinstance(module, torch.nn.Dropout)}
        shares.setdefault(asked, set()).update(found)
        return {"m": 0.0}

    base = load_base(source, max_length=32)
    own = {m.p for m in inside(base).modules() if isinstance(m, torch.nn.Dropout)}
    for asked in (0.0, 0.3):
        options = replace(FAST, max_steps=2, dropout=asked)
        place = tmp_path / f"model{asked}"
        finetune(
            base, {"toy.csv": learnable(24)}, options, place, evaluator=DevEvaluator(look, "m")
        )
    assert shares == {0.0: {0.0}, 0.3: {0.3}}
    assert {m.p for m in inside(base).modules() if isinstance(m, torch.nn.Dropout)} == own != {0.0}


def test_activations_computed_twice_change_no_weight(source: str, tmp_path: Path) -> None:
    counts: list[int] = []
    for name, again in (("kept", False), ("again", True)):
        base = load_base(source, max_length=32)
        counts.append(0)

        def count(*_: object) -> None:
            counts[-1] += 1

        parts: Any = layers_of(base)[0].modules()
        linear = next(part for part in parts if isinstance(part, torch.nn.Linear))
        linear.register_forward_pre_hook(count)
        options = replace(FAST, max_steps=3, gradient_checkpointing=again)
        finetune(base, {"toy.csv": learnable(24)}, options, tmp_path / name)
    assert counts == [3, 6]
    kept, again = weights(tmp_path / "kept"), weights(tmp_path / "again")
    for name, value in kept.items():
        np.testing.assert_allclose(value, again[name], atol=1e-5)


def test_options_reach_the_trainer_and_the_loss(source: str, tmp_path: Path) -> None:
    options = replace(FAST, pos_weight=7, mixing="round-robin", eval_steps=2, losses={"b": "mnrl"})
    base = load_base(source, max_length=32)
    rows = [rows_of(name, learnable(8), options) for name in ("a", "b")]
    looking = DevEvaluator(lambda _: {"m": 1.0}, "m")
    trainer = trainer_of(base, rows, options, tmp_path, looking)
    losses = cast("Any", trainer.loss)
    assert float(losses["set0"].pos_weight) == 7
    assert type(losses["set1"]).__name__ == "CachedMultipleNegativesRankingLoss"
    assert trainer.args.multi_dataset_batch_sampler == "round_robin"
    assert trainer.args.eval_steps == trainer.args.save_steps == 2


class Counting(TrainerCallback):
    """Counts steps."""

    steps = 0

    def on_step_end(self, *_: object, **__: object) -> None:
        self.steps += 1


def test_a_callback_of_transformers_is_told(source: str, tmp_path: Path) -> None:
    counting = Counting()
    trained(source, tmp_path / "model", replace(FAST, max_steps=3), callbacks=[counting])
    assert counting.steps == 3


def test_half_precision_learns_and_leaves_a_model_of_full_precision(
    source: str, tmp_path: Path
) -> None:
    base = load_base(source, max_length=32)
    options = replace(FAST, precision="bfloat16")
    finetune(base, {"toy.csv": learnable(24)}, options, tmp_path / "model")
    assert margin(base) > 0.1
    kept = weights(tmp_path / "model")
    assert {value.dtype for value in kept.values()} == {torch.float32}
    pairs = [(example.query, RELEVANT) for example in learnable(4)]
    reloaded = tiny_models.library_cross_encoder(tmp_path / "model")
    expected = reloaded.predict(pairs)
    given = base.to("cpu").predict(pairs, activation_fn=torch.nn.Identity())
    np.testing.assert_allclose(given, expected, atol=1e-6)


def test_torch_is_left_as_it_was(source: str, tmp_path: Path) -> None:
    threads = torch.get_num_threads()
    trained(source, tmp_path / "model", replace(FAST, max_steps=1))
    assert torch.get_num_threads() == threads
    assert not torch.are_deterministic_algorithms_enabled()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"patience": 2}, "dev set"),
        ({"eval_steps": 2}, "dev set"),
        ({"layers": 1}, "1 layers"),
        ({"report_to": "nobody"}, "nobody"),
    ],
)
def test_options_that_do_not_fit_are_refused_before_any_work(
    change: dict, words: str, source: str, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=words):
        trained(source, tmp_path / "model", replace(FAST, **change))
    assert not (tmp_path / "model").exists()


def test_an_evaluator_without_its_metric_is_an_error(source: str, tmp_path: Path) -> None:
    evaluator = DevEvaluator(lambda _: {"other": 1.0}, "m")
    with pytest.raises(UsageError, match="no number for m"):
        trained(source, tmp_path / "model", replace(FAST, max_steps=2), evaluator=evaluator)


def test_a_finished_training_makes_room_for_the_next(source: str, tmp_path: Path) -> None:
    options = replace(FAST, max_steps=2)
    trained(source, tmp_path / "model", options)
    trained(source, tmp_path / "model", replace(options, max_steps=1))
    kept = [path.name for path in checkpoints_of(tmp_path / "model").glob("checkpoint-*")]
    assert kept == ["checkpoint-1"]


# -- the model that a training starts from -------------------------------------------------------


def test_a_bi_encoder_keeps_its_weights_and_gets_a_head_by_seed(source: str) -> None:
    one, again, other = (inside(load_base(source, seed=seed)) for seed in (1, 1, 2))
    assert torch.equal(one.classifier.weight, again.classifier.weight)
    assert not torch.equal(one.classifier.weight, other.classifier.weight)
    for name, value in one.bert.encoder.state_dict().items():
        assert torch.equal(value, other.bert.encoder.state_dict()[name])


def test_a_cross_encoder_keeps_its_head_and_other_labels_get_a_new_one(tmp_path: Path) -> None:
    folder = tiny_models.save_cross_encoder(tmp_path / "one")
    pairs = [("what is a", RELEVANT), ("what is a", IRRELEVANT)]
    expected = tiny_models.library_cross_encoder(folder).predict(pairs)
    given = load_base(str(folder)).predict(pairs, activation_fn=torch.nn.Identity())
    np.testing.assert_allclose(given, expected, atol=1e-6)
    three = tiny_models.save_cross_encoder(tmp_path / "three", labels=3)
    assert load_base(str(three)).predict(pairs).shape == (2,)
    assert [has_new_head(load_base(str(path))) for path in (folder, three)] == [False, True]


@pytest.mark.parametrize("trained_head", [True, False])
def test_only_a_new_head_learns_faster_than_the_encoder(
    trained_head: bool, source: str, tmp_path: Path
) -> None:
    if trained_head:
        source = str(tiny_models.save_cross_encoder(tmp_path / "source"))
    base = load_base(source, max_length=32)
    before = inside(base).classifier.weight.detach().clone()
    options = replace(FAST, max_steps=1, warmup_ratio=0, learning_rate=None, head_rate=50)
    assert finetune(base, {"a": learnable(8)}, options, tmp_path / "model").learning_rate == 1e-4
    # The first step of Adam is as long as the learning rate.
    moved = float((inside(base).classifier.weight.detach() - before).abs().max())
    assert moved == pytest.approx(1e-4 if trained_head else 50e-4, rel=0.05)


def test_a_model_reads_no_more_than_it_can(source: str) -> None:
    assert load_base(source, max_length=32).max_seq_length == 32
    assert load_base(source, max_length=5000).max_seq_length == tiny_models.WINDOW


def test_a_student_keeps_the_first_and_the_last_layer(source: str, tmp_path: Path) -> None:
    whole, student = load_base(source), load_base(source, layers=1)
    assert [len(layers_of(model)) for model in (whole, student)] == [2, 1]
    options = replace(FAST, max_steps=2, layers=1)
    finetune(student, {"toy.csv": learnable(8)}, options, tmp_path / "model")
    assert len(layers_of(load_base(str(tmp_path / "model")))) == 1
    with pytest.raises(UsageError, match="2 layers"):
        load_base(source, layers=3)


def test_a_pickle_is_no_base(tmp_path: Path) -> None:
    folder = tiny_models.save_headless(tmp_path / "model")
    torch.save({}, folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    with pytest.raises(ModelError, match="pickle"):
        load_base(str(folder))


def test_long_texts_and_odd_characters_train(source: str, tmp_path: Path) -> None:
    texts = ("red " * 500, "水" * 300, "\x00\x01", "")
    examples = [
        Example("q" * 900, tuple(Candidate(text, n % 2) for n, text in enumerate(texts))),
        Example("", (Candidate("a", 1.0), Candidate("b", 0.0))),
    ]
    base = load_base(source, max_length=32)
    finetune(base, {"odd": examples}, replace(FAST, max_steps=2), tmp_path / "model")
