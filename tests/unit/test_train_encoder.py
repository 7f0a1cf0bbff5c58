# pyright: basic
"""Training the static encoder, on a vocabulary of a dozen words."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from sentence_transformers import SentenceTransformer
from tokenizers import Tokenizer, models, pre_tokenizers

from engine.errors import ModelError, UsageError
from engine.static import StaticEncoder
from indexer.training.encoder import train_encoder
from indexer.training.encoder_card import EncoderCard
from indexer.training.encoder_options import EncoderOptions, rows_of
from indexer.training.examples import Candidate, Example

if TYPE_CHECKING:
    from pathlib import Path

    from indexer.training.encoder_options import TrainedEncoder
    from indexer.training.finetuned import Status

WORDS = ["[UNK]", "corn", "maize", "mill", "grinder", "sea", "ocean", "ship", "boat", "rare", "?"]
PAIRS = [("corn", "maize"), ("mill", "grinder"), ("sea", "ocean"), ("ship", "boat")]
FAST = EncoderOptions(epochs=20, batch_size=4, learning_rate=0.05, dimensions=(4,))


def example(query: str, positive: str, *negatives: str) -> Example:
    texts = [Candidate(positive, 1.0), *(Candidate(text, 0.0) for text in negatives)]
    return Example(query, tuple(texts))


EXAMPLES = [example(query, positive) for query, positive in PAIRS]


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return save_base(tmp_path / "base")


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> TrainedEncoder:
    """What most tests look at, and nothing changes; its base lies beside it."""
    return trained(save_base(tmp_path_factory.mktemp("encoder") / "base"))


def save_base(folder: Path) -> Path:
    """Save a static model of a dozen words in 8 dimensions as sentence-transformers does."""
    folder.mkdir()
    tokenizer = Tokenizer(models.WordLevel({word: n for n, word in enumerate(WORDS)}, "[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.enable_truncation(2)
    tokenizer.save(str(folder / "tokenizer.json"))
    table = np.random.default_rng(1).standard_normal((len(WORDS), 8)).astype(np.float16)
    save_file({"embedding.weight": table}, folder / "model.safetensors")
    kind = "sentence_transformers.sentence_transformer.modules.StaticEmbedding"
    listing = [{"idx": 0, "name": "0", "path": "", "type": kind}]
    (folder / "modules.json").write_text(json.dumps(listing))
    return folder


def trained(base: Path, name: str = "new", **options: Any) -> TrainedEncoder:  # noqa: ANN401
    chosen = EncoderOptions(**{**FAST.to_dict(), **options})
    return train_encoder(str(base), EXAMPLES, chosen, base.parent / name)


def table(folder: Path) -> np.ndarray:
    return load_file(folder / "model.safetensors")["embedding.weight"]


def cosines(encoder: StaticEncoder, dim: int = 8) -> np.ndarray:
    """Return the cosines of all queries with all positives, from the first numbers of a vector."""
    queries, texts = (
        encoder.encode_passages([pair[side] for pair in PAIRS])[:, :dim] for side in (0, 1)
    )
    unit = [rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in (queries, texts)]
    return unit[0] @ unit[1].T


def base_of(done: TrainedEncoder) -> Path:
    return done.folder.parent / "base"


def test_what_belongs_together_comes_closer_at_every_length(done: TrainedEncoder) -> None:
    before, after = StaticEncoder.load(base_of(done)), StaticEncoder.load(done.folder)
    for dim in (8, 4):
        assert np.diag(cosines(after, dim)).min() > np.diag(cosines(before, dim)).max()
        assert (cosines(after, dim).argmax(axis=1) == range(4)).all()


def test_sentence_transformers_loads_the_same_vectors(done: TrainedEncoder) -> None:
    folder = done.folder
    texts = ["corn mill", "sea", "rare ship ? ? ? ?", "corn " * 100]
    expected = SentenceTransformer(str(folder), device="cpu").encode(
        texts, normalize_embeddings=True
    )
    np.testing.assert_allclose(
        StaticEncoder.load(folder).encode_passages(texts), expected, atol=1e-6
    )


def test_its_name_tells_it_from_every_other(base: Path, done: TrainedEncoder) -> None:
    other = trained(base, learning_rate=0.04)
    assert done.name == StaticEncoder.load(done.folder).name
    assert done.base == other.base == StaticEncoder.load(base).name
    assert len({name.partition("@")[2] for name in (done.name, other.name, done.base)}) == 3


def test_the_same_seed_gives_the_same_vectors(base: Path) -> None:
    first, again = trained(base, "a", batch_size=2), trained(base, "b", batch_size=2)
    assert (table(first.folder) == table(again.folder)).all()
    other = trained(base, "c", batch_size=2, seed=1)
    assert (table(first.folder) != table(other.folder)).any()


def test_tokens_that_no_pair_has_stay_as_they_were(done: TrainedEncoder) -> None:
    before, after = table(base_of(done)).astype(np.float32), table(done.folder)
    assert (before[[0, 9, 10]] == after[[0, 9, 10]]).all()
    assert done.moved == pytest.approx(8 / 11)


def test_a_share_of_the_original_is_kept(base: Path, done: TrainedEncoder) -> None:
    mixed = 0.25 * table(done.folder) + 0.75 * table(base).astype(np.float32)
    found = table(trained(base, share=0.25).folder)
    np.testing.assert_allclose(found, mixed, atol=1e-6)


def test_hard_negatives_are_pushed_away(base: Path) -> None:
    def cosine(folder: Path) -> float:
        corn, rare = StaticEncoder.load(folder).encode_passages(["corn", "rare"])
        return float(corn @ rare)

    mixed = [example("corn", "maize", "rare"), *EXAMPLES[1:]]
    with_it = train_encoder(str(base), mixed, FAST, base.parent / "hard")
    without = train_encoder(
        str(base), mixed, EncoderOptions(**{**FAST.to_dict(), "negatives": 0}), base.parent / "none"
    )
    assert cosine(with_it.folder) < cosine(without.folder) - 0.1
    assert with_it.pairs == without.pairs == 4


def test_prompts_of_the_model_are_learned_with_and_kept(base: Path) -> None:
    config = base / "config_sentence_transformers.json"
    config.write_text(json.dumps({"prompts": {"query": "? ", "document": ""}}))
    done = trained(base)
    assert (table(base)[10] != table(done.folder)[10]).any()
    texts = ["corn", "sea"]
    ours, plain = (
        StaticEncoder.load(done.folder),
        SentenceTransformer(str(done.folder), device="cpu"),
    )
    np.testing.assert_allclose(
        ours.encode_queries(texts), plain.encode_query(texts, normalize_embeddings=True), atol=1e-6
    )
    assert (ours.encode_queries(texts) != ours.encode_passages(texts)).any()


def test_a_model_of_model2vec_is_a_base_too(base: Path) -> None:
    (base / "modules.json").unlink()
    save_file({"embeddings": table(base).astype(np.float32)}, base / "model.safetensors")
    done = trained(base)
    assert (cosines(StaticEncoder.load(done.folder)).argmax(axis=1) == range(4)).all()


def test_progress_is_told_after_every_step_and_nothing_else(
    base: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    class Told:
        def __init__(self) -> None:
            self.statuses: list[Status] = []

        def update(self, status: Status) -> None:
            self.statuses.append(status)

    told = Told()
    done = train_encoder(str(base), EXAMPLES, FAST, base.parent / "new", told)
    assert [status.step for status in told.statuses] == list(range(1, 21))
    assert {status.steps for status in told.statuses} == {20}
    assert told.statuses[-1].seconds_left == 0
    assert told.statuses[-1].loss < told.statuses[0].loss
    assert done.steps == done.losses[-1][0] == 20
    assert capfd.readouterr().out == ""


def test_max_steps_end_it(base: Path) -> None:
    assert trained(base, max_steps=3).steps == 3


def test_the_card_says_where_the_vectors_come_from(done: TrainedEncoder) -> None:
    text = (done.folder / "README.md").read_text()
    assert done.base in text
    assert "| learning_rate | 0.05 |" in text
    assert "shortlist-static" not in text
    ours = EncoderCard(trained=done, default=True).text()
    assert "shortlist-static" in ours


def test_a_folder_that_is_taken_is_refused_and_left_alone(base: Path) -> None:
    with pytest.raises(UsageError, match="is there already"):
        train_encoder(str(base), EXAMPLES, FAST, base)
    (base.parent / "empty").mkdir()
    assert trained(base, "empty").folder.is_dir()


def test_a_training_that_fails_leaves_nothing(base: Path) -> None:
    with pytest.raises(ModelError, match="lower learning rate than 1e"):
        trained(base, learning_rate=1e38)
    assert [path.name for path in base.parent.iterdir()] == ["base"]


def test_what_is_no_static_embedding_is_refused(base: Path) -> None:
    (base / "modules.json").write_text(json.dumps([{"type": "x.Transformer", "path": ""}]))
    with pytest.raises(ModelError, match="not a static embedding model"):
        trained(base)


@pytest.mark.parametrize(
    ("pairs", "batch"), [(2, 2), (7, 7), (100, 8), (1000, 40), (13_000, 512), (10**6, 512)]
)
def test_few_pairs_make_small_batches(pairs: int, batch: int) -> None:
    assert EncoderOptions().batch_of(pairs) == batch
    assert EncoderOptions(batch_size=64).batch_of(pairs) == min(64, pairs)


def test_the_batch_that_was_taken_stands_in_the_card(base: Path) -> None:
    done = trained(base, batch_size=None)
    assert done.options.batch_size == 4
    assert "| batch_size | 4 |" in (done.folder / "README.md").read_text()


def test_one_step_which_only_warms_up_is_refused(base: Path) -> None:
    with pytest.raises(UsageError, match="from 4 pairs in one step"):
        trained(base, max_steps=1)
    assert [path.name for path in base.parent.iterdir()] == ["base"]


class TestRows:
    def test_each_positive_is_a_row_and_negatives_fill_theirs(self) -> None:
        two = Example("q", (Candidate("a", 1.0), Candidate("b", 0.5), Candidate("c", 0.0)))
        bare, hard = rows_of([two, EXAMPLES[0]], 2)
        assert [(row.query, row.positive, row.negatives) for row in hard] == [
            ("q", "a", ("c", "c")),
            ("q", "b", ("c", "c")),
        ]
        assert [(row.query, row.negatives) for row in bare] == [("corn", ())]

    def test_without_negatives_wanted_all_rows_are_alike(self) -> None:
        bare, hard = rows_of([example("q", "a", "b"), EXAMPLES[0]], 0)
        assert (len(bare), len(hard)) == (2, 0)

    def test_one_pair_or_empty_texts_are_refused(self) -> None:
        with pytest.raises(UsageError, match="two at least; here are 1"):
            rows_of([EXAMPLES[0], example("q", " "), example("", "a")], 1)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("epochs", 0), ("max_steps", 0), ("batch_size", 1), ("learning_rate", float("nan")),
        ("warmup_ratio", 1), ("dimensions", (0,)), ("negatives", -1), ("scale", 0), ("share", 0),
        ("share", 1.1), ("max_tokens", 1), ("seed", -1),
    ],
)  # fmt: skip
def test_an_option_that_cannot_be_is_refused(name: str, value: object) -> None:
    with pytest.raises(UsageError, match=name):
        EncoderOptions(**{name: value})  # type: ignore[arg-type]
