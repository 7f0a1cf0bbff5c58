# pyright: basic
"""Weights in a quarter of the space are nearly the same, and nothing else is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import load_file, save_file

from engine import compact
from engine.errors import ModelError
from engine.rerankers import load
from engine.rerankers.checkpoint import expand
from tests.tiny_models import save_cross_encoder

if TYPE_CHECKING:
    from pathlib import Path

PAIRS = [("heart", "a heart of the sea"), ("blue fish", "the red fish swims"), ("sea", "fish")]


def packed_model(folder: Path, coarse: tuple[str, ...] = ()) -> tuple[Path, Path]:
    plain = save_cross_encoder(folder / "plain")
    small = folder / "small"
    small.mkdir()
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json"):
        (small / name).write_bytes((plain / name).read_bytes())
    compact.pack(load_file(plain / "model.safetensors"), small / compact.FILE, coarse=coarse)
    return plain, small


@given(seed=st.integers(0, 10_000), rows=st.integers(1, 40), blocks=st.integers(1, 4))
def test_a_number_is_off_by_half_a_step_at_most(
    tmp_path_factory: pytest.TempPathFactory, seed: int, rows: int, blocks: int
) -> None:
    rng = np.random.default_rng(seed)
    spread = 10.0 ** rng.integers(-3, 3, (rows, 1))
    weights = {
        "fine": (rng.normal(size=(rows, 32 * blocks)) * spread).astype(np.float32),
        "coarse": (rng.normal(size=(rows, 32 * blocks)) * spread).astype(np.float32),
    }
    path = tmp_path_factory.mktemp("packed") / compact.FILE
    compact.pack(weights, path, coarse=("coarse",))
    read = compact.unpack(path)
    fine = np.abs(weights["fine"]).max(1, keepdims=True) / 127
    assert (np.abs(read["fine"] - weights["fine"]) <= 0.51 * fine + 1e-7).all()
    groups = weights["coarse"].reshape(rows, blocks, 32)
    step = np.abs(groups).max(-1, keepdims=True) / 7
    assert (np.abs(read["coarse"].reshape(groups.shape) - groups) <= 0.51 * step + 1e-7).all()


def test_rows_of_zeros_and_vectors_come_back(tmp_path: Path) -> None:
    weights = {
        "none": np.zeros((3, 32), dtype=np.float32),
        "bias": np.array([0.5, -2.0, 0.0], dtype=np.float32),
    }
    compact.pack(weights, tmp_path / "w", coarse=("none",))
    read = compact.unpack(tmp_path / "w")
    assert {name: values.tolist() for name, values in read.items()} == {
        name: values.tolist() for name, values in weights.items()
    }
    assert all(values.dtype == np.float32 for values in read.values())


def test_a_packed_model_is_a_quarter_and_scores_as_before(tmp_path: Path) -> None:
    plain, small = packed_model(tmp_path)
    size = (small / compact.FILE).stat().st_size
    assert size < 0.4 * (plain / "model.safetensors").stat().st_size
    np.testing.assert_allclose(
        load(str(small)).score(PAIRS).logits, load(str(plain)).score(PAIRS).logits, atol=0.15
    )


def test_a_packed_model_says_how_many_numbers_it_has(tmp_path: Path) -> None:
    words = "bert.embeddings.word_embeddings.weight"
    plain, small = packed_model(tmp_path, coarse=(words,))
    assert load(str(small)).parameters == load(str(plain)).parameters


def test_an_expanded_model_has_the_same_scores(tmp_path: Path) -> None:
    _, small = packed_model(tmp_path)
    (tmp_path / "expanded").mkdir()
    expand(small, tmp_path / "expanded")
    assert not (tmp_path / "expanded" / compact.FILE).exists()
    np.testing.assert_array_equal(
        load(str(tmp_path / "expanded")).score(PAIRS).logits, load(str(small)).score(PAIRS).logits
    )


def test_loading_a_packed_model_leaves_nothing_behind(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, small = packed_model(tmp_path)
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    load(str(small)).score(PAIRS)
    assert list((tmp_path / "temporary").iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"no weights", b"\xff" * 64])
def test_a_damaged_file_is_named(tmp_path: Path, content: bytes) -> None:
    _, small = packed_model(tmp_path)
    (small / compact.FILE).write_bytes(content)
    with pytest.raises(ModelError, match=r"compact\.safetensors cannot be read"):
        load(str(small))


def shared(folder: Path, beside: str = "small") -> Path:
    """Pack a model that has all but its head in common with the one in `small`."""
    plain, _ = packed_model(folder)
    weights = load_file(plain / "model.safetensors")
    weights["classifier.weight"] = weights["classifier.weight"] + 1
    other = folder / "other"
    other.mkdir()
    for name in ("config.json", "tokenizer.json", "tokenizer_config.json"):
        (other / name).write_bytes((plain / name).read_bytes())
    compact.pack(weights, other / compact.FILE, beside=beside)
    return other


def test_what_two_models_have_in_common_is_kept_once(tmp_path: Path) -> None:
    other = shared(tmp_path)
    small = tmp_path / "small" / compact.FILE
    assert (other / compact.FILE).stat().st_size < small.stat().st_size / 2
    read, expected = compact.unpack(other / compact.FILE), compact.unpack(small)
    assert read.keys() == expected.keys()
    changed = {name for name in read if not np.array_equal(read[name], expected[name])}
    assert changed == {"classifier.weight"}
    assert compact.sizes(other / compact.FILE) == compact.sizes(small)
    assert np.isfinite(load(str(other)).score(PAIRS).logits).all()


@pytest.mark.parametrize("beside", ["..", ".", "../small", "/small", "small/.."])
def test_weights_are_taken_from_the_folder_beside_and_nowhere_else(
    tmp_path: Path, beside: str
) -> None:
    with pytest.raises(ModelError, match="no name of a folder"):
        shared(tmp_path, beside=beside)


@pytest.mark.parametrize(
    "about",
    [
        {"of": "small"},
        {"of": "small", "takes": "no list"},
        {"of": "small", "takes": "5"},
        {"of": "small", "takes": "null"},
        {"of": "small", "takes": "[" * 100_000},
        {"of": "..", "takes": "[]"},
        {"of": "small", "takes": '["no such tensor"]'},
    ],
)
def test_a_file_that_says_wrongly_what_it_takes_is_named(
    tmp_path: Path, about: dict[str, str]
) -> None:
    _, small = packed_model(tmp_path)
    path = small / compact.FILE
    save_file(load_file(path), path, metadata=about)
    for read in (compact.sizes, compact.unpack):
        with pytest.raises(ModelError, match=r"compact\.safetensors"):
            read(path)


def test_a_model_with_other_weights_beside_it_is_another_one(tmp_path: Path) -> None:
    other = shared(tmp_path)
    before = load(str(other)).fingerprint
    small = tmp_path / "small" / compact.FILE
    weights = compact.unpack(small)
    compact.pack({name: values * 2 for name, values in weights.items()}, small)
    assert load(str(other)).fingerprint != before


def test_a_model_without_the_one_it_takes_weights_of_says_so(tmp_path: Path) -> None:
    other = shared(tmp_path)
    (tmp_path / "small" / compact.FILE).unlink()
    with pytest.raises(ModelError, match="cannot be read"):
        load(str(other))


@pytest.mark.parametrize(
    "tensors",
    [
        {"w.rows8": np.ones((1000, 1), np.int8), "w.scale": np.ones((1, 1000), np.float16)},
        {"w.rows8": np.ones((4, 8), np.float32), "w.scale": np.ones((4, 1), np.float16)},
        {"w.rows8": np.ones((4, 8), np.int8)},
        {"w.groups4": np.ones((4, 16), np.float32), "w.scale": np.ones((4, 1), np.float16)},
        {"w.groups4": np.ones((4, 15), np.uint8), "w.scale": np.ones((4, 1), np.float16)},
        {"w.groups4": np.ones((), np.uint8), "w.scale": np.ones((4, 1), np.float16)},
    ],
)
def test_numbers_that_do_not_fit_their_scales_are_refused(
    tmp_path: Path, tensors: dict[str, np.ndarray]
) -> None:
    path = tmp_path / compact.FILE
    save_file(tensors, path)
    with pytest.raises(ModelError, match=r"compact\.safetensors cannot be read"):
        compact.unpack(path)
