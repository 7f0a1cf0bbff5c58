# pyright: basic
"""The static encoder: equal to sentence-transformers, robust, honest about what it cannot load."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save_file
from tokenizers import Tokenizer, models, pre_tokenizers

from engine import bundled, compact
from engine.errors import ModelError
from engine.rerankers.checkpoint import expand
from engine.static import StaticEncoder

HARD = [
    "",
    " ",
    "\n\n",
    "a  b",
    "🙂" * 50,
    "\ud800 lone",
    "<s> </s> <unk>",
    "x" * 100_000,
    "ไทย 中文",
]


def run_python(code: str) -> tuple[str, str]:
    """Return what a fresh interpreter prints, on stdout and on stderr."""
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True
    )
    return done.stdout, done.stderr


@pytest.fixture(scope="module")
def encoder() -> StaticEncoder:
    return StaticEncoder.default()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A static model of four words as sentence-transformers 6 saves it."""
    tokenizer = Tokenizer(models.WordLevel({"[UNK]": 0, "red": 1, "blue": 2, "sea": 3}, "[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.enable_truncation(2)
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    table = np.array([[1, 1], [2, 0], [0, 3], [0, -3]], dtype=np.float16)
    save_file({"embedding.weight": table}, tmp_path / "model.safetensors")
    listing = [
        {"idx": 0, "name": "0", "path": "", "type": "sentence_transformers.x.StaticEmbedding"}
    ]
    (tmp_path / "modules.json").write_text(json.dumps(listing))
    return tmp_path


def test_vectors_equal_those_of_sentence_transformers(
    encoder: StaticEncoder, tmp_path: Path
) -> None:
    from sentence_transformers import SentenceTransformer

    expand(bundled.models()[bundled.ENCODER], tmp_path)
    oracle = SentenceTransformer(str(tmp_path), device="cpu")
    texts = [text for text in HARD if "\ud800" not in text and len(text) < 10_000]
    texts += [Path(__file__).read_text("utf-8"), "What causes heart attacks?"]
    expected = oracle.encode(texts, normalize_embeddings=True)
    assert np.abs(encoder.encode_passages(texts) - expected).max() < 1e-6


def test_a_text_of_25000_tokens_equals_the_sum_in_double_precision(encoder: StaticEncoder) -> None:
    # sentence-transformers is no oracle here: torch adds row by row and is 8e-5 off.
    words = ["heart", "sea", "red", "blue", "ship", "wave", "storm", "sail", "fish", "bird"]
    text = " ".join(np.random.default_rng(1).choice(words, 25_000))
    ids = encoder.tokenizer.encode(text, add_special_tokens=False).ids
    assert len(ids) == 25_000
    total = encoder.table[ids].astype(np.float64).sum(axis=0)
    vector = encoder.encode_passages([text])[0]
    np.testing.assert_allclose(vector, total / np.linalg.norm(total), atol=1e-6)


def test_a_folder_saved_by_sentence_transformers_gives_the_same_vectors(tmp_path: Path) -> None:
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding

    tokenizer = Tokenizer(models.WordLevel({"[UNK]": 0, "red": 1, "sea": 2}, "[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    table = np.array([[1, 1, 0], [2, 0, 1], [0, 3, 2]], dtype=np.float32)
    module = StaticEmbedding(tokenizer, embedding_weights=table)
    oracle = SentenceTransformer(
        modules=[module], device="cpu", prompts={"query": "red ", "document": ""}
    )
    oracle.save(str(tmp_path), create_model_card=False)
    ours = StaticEncoder.load(tmp_path)
    texts = ["red sea", "sea", "sea green"]
    queries = oracle.encode_query(texts, normalize_embeddings=True)
    passages = oracle.encode_document(texts, normalize_embeddings=True)
    np.testing.assert_allclose(ours.encode_queries(texts), queries, atol=1e-6)
    np.testing.assert_allclose(ours.encode_passages(texts), passages, atol=1e-6)


def test_rows_are_unit_vectors_or_zero(encoder: StaticEncoder) -> None:
    vectors = encoder.encode_queries(HARD)
    assert vectors.shape == (len(HARD), encoder.dim)
    assert vectors.dtype == np.float32
    norms = np.linalg.norm(vectors, axis=1)
    # Nothing to read, or nothing but [UNK]: WordPiece takes a word of 100 letters for one.
    silent = {"", " ", "\n\n", "🙂" * 50, "x" * 100_000}
    expected = [0.0 if text in silent else 1.0 for text in HARD]
    np.testing.assert_allclose(norms, expected, atol=1e-5)


def test_no_text_gives_no_row(encoder: StaticEncoder) -> None:
    assert encoder.encode_passages([]).shape == (0, encoder.dim)


def test_a_vector_does_not_depend_on_the_texts_beside_it(encoder: StaticEncoder) -> None:
    texts = [f"passage number {n} of many" for n in range(1000)]
    together = encoder.encode_passages(texts)
    np.testing.assert_array_equal(together[777], encoder.encode_passages([texts[777]])[0])


def test_a_text_of_a_megabyte_has_the_vector_of_its_repeated_sentence(
    encoder: StaticEncoder,
) -> None:
    sentence = "the quick brown fox jumps over the lazy dog "
    once, often = encoder.encode_passages([sentence * 2, sentence * 23_000])
    assert once @ often > 0.999


def test_texts_about_the_same_thing_are_nearer_than_others(encoder: StaticEncoder) -> None:
    query = encoder.encode_queries(["heart attack symptoms"])[0]
    near, far = encoder.encode_passages(["signs of cardiac arrest", "how to bake sourdough bread"])
    assert query @ near > query @ far + 0.1


def test_a_local_model_pools_and_is_never_truncated(folder: Path) -> None:
    vectors = StaticEncoder.load(folder).encode_passages(["red", "red blue", "red red red red sea"])
    expected = np.array([[1, 0], [2 / 13**0.5, 3 / 13**0.5], [8 / 73**0.5, -3 / 73**0.5]])
    np.testing.assert_allclose(vectors, expected, atol=1e-6)


def test_a_text_without_a_known_token_gives_a_zero_row(folder: Path) -> None:
    assert not StaticEncoder.load(folder).encode_passages(["green lake"]).any()


def test_the_name_changes_with_the_weights(folder: Path) -> None:
    before = StaticEncoder.load(folder).name
    save_file({"embedding.weight": np.ones((4, 2), np.float32)}, folder / "model.safetensors")
    assert before.startswith(folder.name)
    assert StaticEncoder.load(folder).name != before


def test_a_model2vec_folder_is_folded(folder: Path) -> None:
    tensors = {
        "embeddings": np.array([[1, 0], [0, 1]], np.float32),
        "mapping": np.array([0, 0, 1, 1]),
        "weights": np.array([1, 3, 4, 1], np.float32),
    }
    save_file(tensors, folder / "model.safetensors")
    (folder / "modules.json").unlink()
    vector = StaticEncoder.load(folder).encode_passages(["red blue"])[0]
    np.testing.assert_allclose(vector, [0.6, 0.8], atol=1e-6)


def test_a_transformer_is_refused_as_a_static_model() -> None:
    with pytest.raises(ModelError, match="one of Transformer, Pooling, Normalize"):
        StaticEncoder.load(bundled.minilm_folder())


@pytest.mark.parametrize("missing", ["model.safetensors", "tokenizer.json"])
def test_an_incomplete_folder_is_refused(folder: Path, missing: str) -> None:
    (folder / missing).unlink()
    with pytest.raises(ModelError, match="is missing"):
        StaticEncoder.load(folder)


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json", "modules.json"])
def test_a_damaged_file_is_refused(folder: Path, name: str) -> None:
    (folder / name).write_text("{ not what it says")
    with pytest.raises(ModelError, match="cannot be read"):
        StaticEncoder.load(folder)


def test_weights_of_another_tokenizer_are_refused(folder: Path) -> None:
    save_file({"embedding.weight": np.ones((2, 2), np.float32)}, folder / "model.safetensors")
    with pytest.raises(ModelError, match="another tokenizer"):
        StaticEncoder.load(folder)


def test_weights_without_an_embedding_are_refused(folder: Path) -> None:
    save_file({"dense.weight": np.ones((4, 2), np.float32)}, folder / "model.safetensors")
    with pytest.raises(ModelError, match="no static embedding"):
        StaticEncoder.load(folder)


def test_a_missing_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="no such folder"):
        StaticEncoder.load(tmp_path / "nowhere")


@pytest.mark.parametrize(
    ("low", "text", "high"),
    [
        (0.95, "Which symptoms does a heart attack have in young people?", 1.0),
        (0.95, "def encode(self, texts): return [well_formed(text) for text in texts]", 1.0),
        (0.5, "Welche Symptome hat ein Herzinfarkt bei jungen Menschen?", 1.0),
        (0.05, "Gençlerde kalp krizinin belirtileri nelerdir?", 0.6),
        (0.0, "Ποια είναι τα συμπτώματα της καρδιακής προσβολής;", 0.1),
        (0.0, "อาการหัวใจวายในคนหนุ่มสาวมีอะไรบ้าง", 0.1),
        (0.0, "年轻人心脏病发作有哪些症状", 0.1),
        (0.0, "युवाओं में दिल के दौरे के लक्षण क्या हैं?", 0.1),
        (1.0, "12.5 + 7 = ?", 1.0),
        (1.0, "", 1.0),
    ],
)
def test_fluency_is_high_for_english_and_low_for_a_script_that_is_spelt_out(
    encoder: StaticEncoder, low: float, text: str, high: float
) -> None:
    assert low <= encoder.fluency(text) <= high


def test_fluency_takes_any_text(encoder: StaticEncoder) -> None:
    assert all(0 <= encoder.fluency(text) <= 1 for text in HARD)


def test_the_encoder_never_imports_torch() -> None:
    code = (
        "import sys; from engine.static import StaticEncoder; StaticEncoder.default();"
        "print([m for m in ('torch', 'transformers', 'scipy') if m in sys.modules])"
    )
    assert run_python(code) == ("[]\n", "")


@pytest.mark.parametrize("said", ["null", "3", '["a"]', "{}"])
def test_a_listing_of_modules_that_is_none_is_refused(folder: Path, said: str) -> None:
    (folder / "modules.json").write_text(said)
    with pytest.raises(ModelError, match=r"cannot be read|holds no list of modules"):
        StaticEncoder.load(folder)


def test_a_listing_of_modules_names_no_folder_outside_its_own(folder: Path) -> None:
    outside = folder.with_name(folder.name + "-outside")
    outside.mkdir()
    for path in folder.iterdir():
        if path.is_file():
            shutil.copyfile(path, outside / path.name)
    listing = [{"type": "x.StaticEmbedding", "path": f"../{outside.name}"}]
    (folder / "modules.json").write_text(json.dumps(listing))
    with pytest.raises(ModelError, match="names a folder outside its own"):
        StaticEncoder.load(folder)


@pytest.mark.parametrize("said", ["[]", '{"prompts": ["query"]}', '{"prompts": 3}'])
def test_prompts_that_are_none_are_refused(folder: Path, said: str) -> None:
    (folder / "config_sentence_transformers.json").write_text(said)
    with pytest.raises(ModelError, match="prompts"):
        StaticEncoder.load(folder)


@pytest.mark.parametrize(
    "tensors",
    [
        {"embedding.weight": np.full((4, 2), np.nan, dtype=np.float32)},
        {"embedding.weight": np.zeros((4, 0), dtype=np.float32)},
        {"embeddings": np.ones((4, 2), np.float32), "mapping": np.array([0, 1, 2, 9])},
        {"embeddings": np.ones((4, 2), np.float32), "weights": np.ones(3, np.float32)},
    ],
)
def test_vectors_that_cannot_be_used_are_refused(
    folder: Path, tensors: dict[str, np.ndarray]
) -> None:
    save_file(tensors, folder / "model.safetensors")
    with pytest.raises(ModelError, match=r"model\.safetensors"):
        StaticEncoder.load(folder)


def test_other_weights_beside_it_make_another_encoder(tmp_path: Path, folder: Path) -> None:
    table = np.ones((4, 32), dtype=np.float32)
    folders = [tmp_path / name for name in ("first", "second")]
    for place, beside in zip(folders, ("", "first"), strict=True):
        place.mkdir()
        (place / "tokenizer.json").write_bytes((folder / "tokenizer.json").read_bytes())
        compact.pack({"embedding.weight": table}, place / compact.FILE, beside=beside)
    before = StaticEncoder.load(folders[1]).name
    compact.pack({"embedding.weight": 2 * table}, folders[0] / compact.FILE)
    assert StaticEncoder.load(folders[1]).name != before
