# pyright: basic
"""LEAF (sentence-transformers): a bi-encoder that stands in for a reranker."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from sentence_transformers import SentenceTransformer

from engine.errors import ModelError
from engine.rerankers.batches import DTYPES, Network, Windows, quietly
from engine.tokens import RERANKER_RANGE, Fluency, well_formed
from engine.types import Scores

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.rerankers.checkpoint import Checkpoint, Precision
    from engine.types import DoubleArray, FloatArray

# Share of the final score of a model whose folder says nothing, as the bundled one has it.
_WEIGHT = 0.5


class BiEncoderReranker:
    """See Reranker. The "logit" of a pair is the cosine of two vectors made apart, in [-1, 1].

    It has never seen a query beside a passage, hence "zero-shot" in its name. A passage longer than
    the model's window scores as its best window; of a query the first window is read, and its pairs
    count as windowed.
    """

    def __init__(self, checkpoint: Checkpoint, *, precision: Precision = "float32") -> None:
        """Load a sentence-transformers model.

        Raises:
            ModelError: it cannot be loaded.
        """
        model = _loaded(checkpoint, precision)
        kind = "bi-encoder, zero-shot" + ("" if precision == "float32" else f", {precision}")
        self.name = f"{checkpoint.name} ({kind})"
        settings = checkpoint.settings
        self.weight = _WEIGHT if settings.weight is None else settings.weight
        self.parameters = checkpoint.parameters
        self._checkpoint = checkpoint
        self._precision: Precision = precision
        self._settings = settings
        self._network = Network(model.eval(), "sentence_embedding")
        self._windows = Windows(model.tokenizer, self._network.window())
        self._fluency = Fluency(self._windows.whole, RERANKER_RANGE)
        self._query = model.prompts.get("query") or ""
        self._passage = model.prompts.get("document") or model.prompts.get("passage") or ""

    @property
    def fingerprint(self) -> str:
        """See Reranker."""
        return self._checkpoint.fingerprint(self._precision)

    def score(self, pairs: Sequence[tuple[str, str]]) -> Scores:
        """See Reranker. Each distinct query and passage is encoded once, in the same batches."""
        texts: dict[str, int] = {}
        sides = [
            (
                texts.setdefault(well_formed(self._query + query), len(texts)),
                texts.setdefault(well_formed(self._passage + passage), len(texts)),
            )
            for query, passage in pairs
        ]
        rows, windowed = self._windows.texts(list(texts))
        vectors = _unit(self._network.run(rows))
        windows: list[list[int]] = [[] for _ in texts]
        for number, row in enumerate(rows):
            windows[row.owner].append(number)
        cosines = [(vectors[windows[p]] @ vectors[windows[q][0]]).max() for q, p in sides]
        long = [not windowed.isdisjoint(side) for side in sides]
        return Scores(np.array(cosines, dtype=np.float32), np.array(long, dtype=bool))

    def relevance(self, logits: FloatArray) -> DoubleArray | None:
        """See Reranker. A cosine is no probability until it is calibrated on judged pairs."""
        return self._settings.relevance(logits)

    def relevance_among(self, logits: FloatArray) -> DoubleArray | None:
        """See Reranker."""
        return self._settings.relevance_among(logits)

    def fluency(self, text: str) -> float:
        """See Reranker."""
        return self._fluency(text)


def _loaded(checkpoint: Checkpoint, precision: Precision) -> SentenceTransformer:
    try:
        with quietly():
            return SentenceTransformer(
                str(checkpoint.folder),
                local_files_only=True,
                trust_remote_code=False,
                model_kwargs={"use_safetensors": True, "dtype": DTYPES[precision]},
            )
    except Exception as error:  # transformers raises whatever its parts raise
        message = f"the model {checkpoint.name} cannot be loaded: {error}"
        raise ModelError(message) from error


def _unit(vectors: FloatArray) -> FloatArray:
    norms = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.maximum(norms, 1e-12)
