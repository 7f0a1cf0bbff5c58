"""Stage two: models that rate (query, passage) pairs.

    settings       how a model is used here: its weight and calibration
    checkpoint     what a model's folder holds, read without torch; refuses what must not be loaded
    batches        LEAF (torch): rows of tokens through a model, sorted by length
    cross_encoder  LEAF (sentence-transformers): query and passage read together
    bi_encoder     LEAF (sentence-transformers): a cosine standing in for a reranker
    joined         LEAF (transformers): the architecture of those that come along

`load` is the only factory. It imports the leaf that it needs when it is called: torch,
transformers and sentence-transformers take 6 s to import even from a warm file cache.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from engine import bundled
from engine.rerankers.checkpoint import inspect, resolve
from engine.rerankers.settings import Calibration, ModelSettings

if TYPE_CHECKING:
    from engine.protocols import Reranker
    from engine.rerankers.checkpoint import Precision

# What a shortlist.json would say of all-MiniLM-L6-v2, fitted on the dev splits (benchmarks/LOG.md):
# the sum of nDCG@10 over four of them is best from 0.5 to 0.6, 2 points lower at 0.4 and 0.7.
_MINILM: Final = ModelSettings(weight=0.5, calibration=Calibration(scale=10.8, shift=-8.9))


def load(model: str = "", *, precision: Precision = "float32") -> Reranker:
    """Return the reranker of a folder, a hub name or a name that comes along; empty: the default.

    Raises:
        ModelError: there is no such model, it holds no safetensors, or it cannot rank.
    """
    model = model or bundled.RERANKER
    checkpoint = inspect(resolve(model), _name(model))
    if model == bundled.MINILM:
        checkpoint = replace(checkpoint, settings=_MINILM)
    if checkpoint.kind == "bi-encoder":
        from engine.rerankers.bi_encoder import BiEncoderReranker

        return BiEncoderReranker(checkpoint, precision=precision)
    from engine.rerankers.cross_encoder import CrossEncoderReranker

    return CrossEncoderReranker(checkpoint, precision=precision)


def _name(model: str) -> str:
    """Return a hub name as it is, a folder by its last part: outputs show no private paths."""
    path = Path(model)
    return path.resolve().name if path.is_dir() else model
