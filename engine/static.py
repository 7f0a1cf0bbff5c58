# pyright: basic
"""LEAF (tokenizers, safetensors): static embeddings without torch.

A text's vector is the mean of one learned vector per token, scaled to length 1. It is what
sentence-transformers' `StaticEmbedding` computes, which is its oracle in the tests and its trainer;
here it needs 0.1 s of imports in place of torch's and sentence-transformers' 16.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt
from safetensors import SafetensorError
from safetensors.numpy import load_file
from tokenizers import Tokenizer

from engine import bundled, compact
from engine.errors import ModelError
from engine.jsonfile import read_json
from engine.tokens import Fluency, well_formed

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from engine.types import FloatArray

# Texts tokenized at once. `encode_batch_fast` spreads a batch over the cores, so it must be large,
# and small enough that its tokens stay a few MB: of 1, 32, 128, 512 and 2,048 it was the fastest
# (4,030 passages of 100 words a second on two busy cores; 1 and 32: 3,100; `encode_batch`: 2,700).
_BATCH = 512


@dataclass(frozen=True)
class Prompts:
    """What is put before a query and before a passage, by the model's own configuration."""

    query: str = ""
    passage: str = ""


class StaticEncoder:
    """See Encoder. Mean of token vectors; thread-safe, deterministic, no length limit.

    Attributes:
        tokenizer: without padding, without truncation.
        table: (vocabulary, dim) float32 token vectors.
        prompts: what is put before a text.
    """

    def __init__(
        self, name: str, tokenizer: Tokenizer, table: FloatArray, prompts: Prompts | None = None
    ) -> None:
        """Take a tokenizer and (vocabulary, dim) float32 token vectors.

        Raises:
            ModelError: the table has fewer rows than the tokenizer has tokens.
        """
        if table.ndim != 2 or len(table) < tokenizer.get_vocab_size():
            message = (
                f"{name}: {table.shape} token vectors for a vocabulary of"
                f" {tokenizer.get_vocab_size()}: the weights belong to another tokenizer"
            )
            raise ModelError(message)
        tokenizer.no_padding()
        tokenizer.no_truncation()
        self.name = name
        self.dim = int(table.shape[1])
        self.tokenizer = tokenizer
        self.table = np.ascontiguousarray(table, dtype=np.float32)
        self.prompts = prompts or Prompts()
        self._unknown = _unknown_id(tokenizer)
        self._fluency = Fluency(tokenizer)

    @classmethod
    def default(cls) -> Self:
        """Return the model that comes along.

        Raises:
            ModelError: its files are damaged.
        """
        return cls.load(bundled.models()[bundled.ENCODER])

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Return a static model of a folder: sentence-transformers', model2vec's, or a compact one.

        Its name ends with a checksum, since an index must not be opened with other weights that
        happen to lie in a folder of the same name.

        Raises:
            ModelError: the folder holds no static embedding, or a damaged one.
        """
        place = _module_folder(folder)
        packed = place / compact.FILE
        weights = packed if packed.is_file() else place / "model.safetensors"
        tokenizer = place / "tokenizer.json"
        for path in (weights, tokenizer):
            if not path.is_file():
                message = f"{folder} is not a static embedding model: {path} is missing"
                raise ModelError(message)
        return cls(
            _name(folder.resolve().name, weights),
            _read_tokenizer(tokenizer),
            _read_table(weights),
            _read_prompts(folder),
        )

    def encode_queries(self, texts: Sequence[str]) -> FloatArray:
        """See Encoder."""
        return self._encode(self.prompts.query, texts)

    def encode_passages(self, texts: Sequence[str]) -> FloatArray:
        """See Encoder."""
        return self._encode(self.prompts.passage, texts)

    def fluency(self, text: str) -> float:
        """See Encoder."""
        return self._fluency(text)

    def _encode(self, prompt: str, texts: Sequence[str]) -> FloatArray:
        vectors = np.zeros((len(texts), self.dim), dtype=np.float32)
        for start in range(0, len(texts), _BATCH):
            batch = [prompt + well_formed(text) for text in texts[start : start + _BATCH]]
            encodings = self.tokenizer.encode_batch_fast(batch, add_special_tokens=False)
            for row, encoding in enumerate(encodings, start=start):
                self._pool(encoding.ids, out=vectors[row])
        norms = np.linalg.norm(vectors, axis=1, keepdims=True)
        np.divide(vectors, norms, out=vectors, where=norms > 0)
        return vectors

    def _pool(self, ids: list[int], out: npt.NDArray[np.float32]) -> None:
        """Write the sum of the ids' vectors; the mean differs by a factor that scaling removes.

        A row of ones times the gathered rows is one BLAS call: 39,000 passages of 100 words a
        second, where `table[ids].sum(axis=0)` did 22,400, `mean` 18,700 and `np.add.reduceat` over
        a batch 1,200; torch's EmbeddingBag did 0.8 times as many. `take` of an array is 1.8 times
        as fast as indexing with the list. Tokenizing (4,000/s there) is the rest; a cache of words'
        tokens made it 1.5 times as fast once warm and no faster cold, so there is none.
        """
        if self._unknown is not None and ids.count(self._unknown) == len(ids):
            # Texts of nothing but [UNK] would all be each other's best match.
            return
        # A text of 1 MB has 300,000 tokens: gathering them at once would take 300 MB.
        for start in range(0, len(ids), 8192):
            chosen = np.array(ids[start : start + 8192], dtype=np.intp)
            rows = self.table.take(chosen, axis=0)  # (tokens, dim)
            out += np.ones(len(rows), dtype=np.float32) @ rows


def _name(stem: str, weights: Path) -> str:
    """Return a name that no other weights have."""
    files = compact.files(weights) if weights.name == compact.FILE else [weights]
    digest, *more = map(bundled.sha256, files)
    for other in more:
        digest = hashlib.sha256((digest + other).encode()).hexdigest()
    return f"{stem}@{digest[:12]}"


def _unknown_id(tokenizer: Tokenizer) -> int | None:
    token = getattr(tokenizer.model, "unk_token", None)
    return tokenizer.token_to_id(token) if token else None


def _module_folder(folder: Path) -> Path:
    """Return where the StaticEmbedding of a saved model lies; a bare folder is its own."""
    listing = folder / "modules.json"
    if not listing.is_file():
        if not folder.is_dir():
            message = f"no static embedding model at {folder}: there is no such folder"
            raise ModelError(message)
        return folder
    said = read_json(listing)
    if not isinstance(said, list) or not all(isinstance(module, dict) for module in said):
        message = f"{listing} cannot be read: it holds no list of modules"
        raise ModelError(message)
    modules = [(str(m.get("type")).rsplit(".", 1)[-1], str(m.get("path", ""))) for m in said]
    if [kind for kind, _ in modules if kind != "Normalize"] != ["StaticEmbedding"]:
        kinds = ", ".join(kind for kind, _ in modules)
        message = (
            f"{folder} is not a static embedding model but one of {kinds}: the first stage takes"
            " sentence-transformers' StaticEmbedding only, other models can rerank"
        )
        raise ModelError(message)
    place = folder / next(path for kind, path in modules if kind == "StaticEmbedding")
    if not place.resolve().is_relative_to(folder.resolve()):
        message = f"{listing} names a folder outside its own"
        raise ModelError(message)
    return place


def _read_tokenizer(path: Path) -> Tokenizer:
    try:
        return Tokenizer.from_file(str(path))
    except Exception as error:  # tokenizers raises bare Exception
        message = f"the tokenizer {path} cannot be read: {error}"
        raise ModelError(message) from error


def _read_table(path: Path) -> FloatArray:
    """Return (vocabulary, dim) float32, as sentence-transformers or model2vec names it."""
    tensors: dict[str, Any]
    try:
        tensors = compact.unpack(path) if path.name == compact.FILE else load_file(path)
        table = _table(tensors)
    except (SafetensorError, OSError, IndexError, TypeError, ValueError) as error:
        message = f"the weights {path} cannot be read: {error}"
        raise ModelError(message) from error
    if table is None:
        message = f"{path} holds no static embedding (found: {', '.join(sorted(tensors)[:5])})"
        raise ModelError(message)
    if not table.size or not np.isfinite(table).all():
        message = f"the weights {path} cannot be used: they hold nothing, or what is no number"
        raise ModelError(message)
    return table


def _table(tensors: dict[str, Any]) -> FloatArray | None:
    if "embedding.weight" in tensors:
        return tensors["embedding.weight"].astype(np.float32)
    if "embeddings" not in tensors:
        return None
    table = tensors["embeddings"].astype(np.float32)
    if "mapping" in tensors:
        table = table[tensors["mapping"]]
    return table * tensors["weights"].astype(np.float32)[:, None] if "weights" in tensors else table


def _read_prompts(folder: Path) -> Prompts:
    path = folder / "config_sentence_transformers.json"
    said = read_json(path) if path.is_file() else {}
    prompts = said.get("prompts") or {} if isinstance(said, dict) else None
    if not isinstance(prompts, dict):
        message = f"{path} cannot be read: its prompts are no names with texts"
        raise ModelError(message)
    return Prompts(
        query=str(prompts.get("query") or ""),
        passage=str(prompts.get("document") or prompts.get("passage") or ""),
    )
