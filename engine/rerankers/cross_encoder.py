# pyright: basic
"""LEAF (sentence-transformers): a CrossEncoder, which reads query and passage together."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from sentence_transformers import CrossEncoder

from engine.errors import ModelError
from engine.rerankers.batches import DTYPES, Network, Windows, quietly
from engine.rerankers.checkpoint import loadable
from engine.rerankers.joined import known_to_transformers
from engine.rerankers.settings import Calibration
from engine.tokens import RERANKER_RANGE, Fluency, well_formed
from engine.types import Scores

if TYPE_CHECKING:
    from collections.abc import Sequence

    from engine.rerankers.checkpoint import Checkpoint, Precision
    from engine.types import BoolArray, DoubleArray, FloatArray


class CrossEncoderReranker:
    """See Reranker. Logits equal to `CrossEncoder.predict` with no activation, to 1e-5.

    A pair that does not fit into the model's window is read in overlapping windows of its passage,
    each behind the query, and scores as its best one (MaxP: Dai & Callan 2019,
    doi:10.1145/3331184.3331303). A query is cut only in such a pair, at half the window.
    """

    def __init__(self, checkpoint: Checkpoint, *, precision: Precision = "float32") -> None:
        """Load a model that was trained to rank.

        Raises:
            ModelError: it cannot be loaded, gives several labels, or has no trained head.
        """
        model = _loaded(checkpoint, precision)
        _require_head(model, checkpoint)
        if len(model) != 1 or model.num_labels != 1:
            message = (
                f"{checkpoint.name} is no reranker: it gives {model.num_labels} labels to a pair"
                f" through {len(model)} modules, where one score from one transformer is needed"
            )
            raise ModelError(message)
        kind = "cross-encoder" + ("" if precision == "float32" else f", {precision}")
        self.name = f"{checkpoint.name} ({kind})"
        settings = checkpoint.settings
        self.weight = 1.0 if settings.weight is None else settings.weight
        self.parameters = checkpoint.parameters
        self._checkpoint = checkpoint
        self._precision: Precision = precision
        # Without a fitted calibration the sigmoid, as the library itself shows.
        self._settings = replace(settings, calibration=settings.calibration or Calibration())
        self._network = Network(model.eval(), "scores")
        self._windows = Windows(model.tokenizer, self._network.window())
        self._fluency = Fluency(self._windows.whole, RERANKER_RANGE)

    @property
    def fingerprint(self) -> str:
        """See Reranker."""
        return self._checkpoint.fingerprint(self._precision)

    def score(self, pairs: Sequence[tuple[str, str]]) -> Scores:
        """See Reranker. Equal pairs are read once."""
        return Scores(*read_pairs(self._network, self._windows, pairs))

    def relevance(self, logits: FloatArray) -> DoubleArray | None:
        """See Reranker."""
        return self._settings.relevance(logits)

    def relevance_among(self, logits: FloatArray) -> DoubleArray | None:
        """See Reranker."""
        return self._settings.relevance_among(logits)

    def fluency(self, text: str) -> float:
        """See Reranker."""
        return self._fluency(text)


def read_pairs(
    network: Network, windows: Windows, pairs: Sequence[tuple[str, str]]
) -> tuple[FloatArray, BoolArray]:
    """Return (n,) logits of pairs, and which were read in windows; equal pairs are read once."""
    distinct = {pair: number for number, pair in enumerate(dict.fromkeys(pairs))}
    texts = [(well_formed(query), well_formed(passage)) for query, passage in distinct]
    rows, windowed = windows.pairs(texts)
    best = np.full(len(distinct), -np.inf, dtype=np.float32)
    np.maximum.at(best, [row.owner for row in rows], network.run(rows).reshape(-1))
    numbers = [distinct[pair] for pair in pairs]
    return best[numbers], np.array([number in windowed for number in numbers], dtype=bool)


def _loaded(checkpoint: Checkpoint, precision: Precision) -> CrossEncoder:
    known_to_transformers()
    try:
        with quietly(), loadable(checkpoint.folder) as folder:
            return CrossEncoder(
                str(folder),
                local_files_only=True,
                trust_remote_code=False,
                # A sigmoid makes ties: in bfloat16 everything above 5.5 is 1.
                activation_fn=torch.nn.Identity(),
                model_kwargs={"use_safetensors": True, "dtype": DTYPES[precision]},
            )
    except Exception as error:  # transformers raises whatever its parts raise
        message = f"the model {checkpoint.name} cannot be loaded: {error}"
        raise ModelError(message) from error


def _require_head(model: CrossEncoder, checkpoint: Checkpoint) -> None:
    """Refuse a model whose last layers are not in its checkpoint: they would be random numbers.

    transformers only warns of that. The head is what lies outside the encoder, and the encoder's
    own pooler, which a plain encoder may lack; the encoder's names are left out, since transformers
    renames some of them while loading.
    """
    transformer = cast("Any", model[0]).model
    encoder = f"{transformer.base_model_prefix}."
    needed = [n for n in transformer.state_dict() if not n.startswith(encoder) or ".pooler." in n]
    missing = [
        name
        for name in needed
        if name not in checkpoint.tensors and name.removeprefix(encoder) not in checkpoint.tensors
    ]
    if missing:
        message = (
            f"{checkpoint.name} has no trained ranking head ({missing[0]} is not among its weights)"
            ": it would rank at random; train one with `shortlist train`"
        )
        raise ModelError(message)
