# pyright: basic
"""LEAF (sentence-transformers): its evaluators, by what held-out rows say.

labelled, 0 and 1       CrossEncoderClassificationEvaluator, of pairs
labelled, in between    CrossEncoderCorrelationEvaluator, of pairs
scored                  the same
tuples                  CrossEncoderRerankingEvaluator, of a query's texts

They read rows as they stand, whether an index has them or not. Of pairs nothing is said: without a
negative there is nothing to tell apart. What these say decides nothing (see gate).
"""

from __future__ import annotations

import contextlib
import io
import math
import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
from huggingface_hub import is_offline_mode
from sentence_transformers.base.evaluation import BaseEvaluator, SequentialEvaluator
from sentence_transformers.cross_encoder.evaluation import (
    CrossEncoderClassificationEvaluator,
    CrossEncoderCorrelationEvaluator,
    CrossEncoderNanoBEIREvaluator,
    CrossEncoderRerankingEvaluator,
)

from engine.errors import CollectionError
from engine.rerankers.batches import Network, Windows
from engine.rerankers.cross_encoder import read_pairs
from indexer.training.trainer import DevEvaluator

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from sentence_transformers import CrossEncoder

    from engine.protocols import Reranker
    from indexer.training.apart import Part
    from indexer.training.examples import Example, Kind

    Pair = tuple[str, str]

MEAN = "mean of all"
_MEAN = "sequential_score"  # as the library calls it


class Rows:
    """Held-out rows of several sets, each with its evaluators, one after the other.

    Attributes:
        pairs: all that are read.
    """

    def __init__(self, parts: Sequence[Part], *, nano_beir: bool = False) -> None:
        """Take sets with their held-out rows.

        Raises:
            CollectionError: if NanoBEIR, asked for, cannot be had.
        """
        found = [_evaluator(one.name, one.kind, rows) for one, rows in parts]
        self._evaluators = [one for one in found if one is not None]
        if nano_beir:
            self._evaluators += _nano_beir().evaluators
        self.pairs = [pair for one in self._evaluators for pair in _pairs_of(one)]

    def ask(self, reranker: Reranker) -> dict[str, float | None]:
        """Return measure -> value; None where it is no number, as of scores that are all equal."""
        found = _asked(self._evaluators, lambda pairs: reranker.score(pairs).logits)
        return {name: value for name, value in found.items() if name != _MEAN}

    def watching(self) -> DevEvaluator:
        """Return an evaluator of a model that learns: the mean of what each says first."""

        def score(model: CrossEncoder) -> dict[str, float]:
            network = Network(model, "scores")
            windows = Windows(model.tokenizer, network.window())
            found = _asked(self._evaluators, lambda pairs: read_pairs(network, windows, pairs)[0])
            return {MEAN: found[_MEAN] or 0.0}

        return DevEvaluator(score, MEAN)


def _nano_beir() -> CrossEncoderNanoBEIREvaluator:
    """Return NanoBEIR: 11 sets of 50 queries, a hundred documents for each.

    Raises:
        CollectionError: if it cannot be had.
    """
    try:
        with contextlib.redirect_stderr(io.StringIO()):  # bars
            return CrossEncoderNanoBEIREvaluator(write_csv=False)
    except Exception as error:
        reason = "HF_HUB_OFFLINE is set" if is_offline_mode() else str(error).splitlines()[0]
        raise CollectionError(
            f"--nano-beir: it is not on this machine and cannot be loaded ({reason}); leave it out,"
            " or load it where there is a network"
        ) from error


class _Reads:
    """What the evaluators ask of a CrossEncoder, answered by anything that scores pairs."""

    num_labels = 1

    def __init__(self, score: Any) -> None:  # noqa: ANN401 - pairs to numbers
        self._score = score
        self.model_card_data = self

    def predict(self, pairs: Sequence[Sequence[str]], **_: Any) -> np.ndarray:  # noqa: ANN401
        return np.asarray(self._score([(query, text) for query, text in pairs]), dtype=np.float64)

    def set_evaluation_metrics(self, *_: Any, **__: Any) -> None: ...  # noqa: ANN401


def _asked(evaluators: Sequence[BaseEvaluator], score: Any) -> dict[str, float | None]:  # noqa: ANN401
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of scores that are all equal
        found: Any = SequentialEvaluator(evaluators, np.mean)(_Reads(score))  # pyright: ignore[reportArgumentType]
    values = {name: float(value) for name, value in found.items()}
    return {name: value if math.isfinite(value) else None for name, value in values.items()}


def _evaluator(name: str, kind: Kind, examples: Sequence[Example]) -> BaseEvaluator | None:
    if kind == "tuples":
        samples: list[Any] = [
            {
                "query": example.query,
                "positive": [candidate.text for candidate in example.positives],
                "negative": [candidate.text for candidate in example.negatives],
            }
            for example in examples
            if example.positives and example.negatives
        ]
        if not samples:
            return None
        return CrossEncoderRerankingEvaluator(samples, name=name, write_csv=False)
    if kind not in ("labelled", "scored"):
        return None
    pairs = [[example.query, c.text] for example in examples for c in example.candidates]
    labels = [c.label for example in examples for c in example.candidates]
    different = set(labels)
    if len(different) < 2:
        return None
    if different == {0.0, 1.0}:
        whole = [int(label) for label in labels]
        return CrossEncoderClassificationEvaluator(pairs, whole, name=name, write_csv=False)
    return CrossEncoderCorrelationEvaluator(pairs, labels, name=name, write_csv=False)


def _pairs_of(evaluator: BaseEvaluator) -> Iterator[Pair]:
    if isinstance(evaluator, CrossEncoderRerankingEvaluator):
        samples: Any = evaluator.samples
        for sample in samples:
            texts = sample["positive"] + sample.get("negative", sample.get("documents"))
            yield from ((sample["query"], text) for text in texts)
    else:
        pairs: Any = getattr(evaluator, "sentence_pairs", ())
        yield from ((query, text) for query, text in pairs)
