# pyright: basic
"""LEAF (sentence-transformers, datasets, faiss): the published recipe, `mine_hard_negatives`.

The library ranks all passages of the index by the cosine of a bi-encoder, so what it finds is what
that model confuses, not what our stage one hands to the reranker. Options mean what they mean
there. Our guards look at what it chose; so that none is missing then, it is asked for some more.
"""

from __future__ import annotations

import contextlib
import io
import os
import random
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import faiss
import numpy as np
from datasets import Dataset
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import StaticEmbedding
from sentence_transformers.util import mine_hard_negatives

from engine.errors import ModelError, UsageError
from engine.rerankers.batches import quietly
from engine.rerankers.checkpoint import inspect, resolve
from engine.static import StaticEncoder
from indexer.training.drawn import list_documents
from indexer.training.guards import Found, MiningOptions
from indexer.training.mining import Collector
from indexer.training.places import Ranking

if TYPE_CHECKING:
    from collections.abc import Generator, Sequence
    from typing import Any

    from engine.protocols import Encoder, Snapshot
    from engine.search import SearchEngine
    from engine.types import FloatArray
    from indexer.training.examples import Example
    from indexer.training.guards import Judged
    from indexer.training.mined import Mined
    from indexer.training.mining import Progress

# sentence-transformers' own recipe for rerankers (examples/cross_encoder/training/rerankers).
PUBLISHED: Final = MiningOptions(num_negatives=5, random_negatives=0, range_max=100, margin=0.0)
_SPARE: Final = 10  # negatives asked for beyond what is wanted
_BATCH: Final = 32


def mine_dense(
    engine: SearchEngine,
    examples: Sequence[Example],
    options: MiningOptions | None = None,
    progress: Progress | None = None,
    known: Sequence[Example] | None = None,
    *,
    model: str = "",
) -> Mined:
    """Return examples with negatives of mine_hard_negatives, in the order given; see mining.mine.

    `unit` and `sources` play no part. Scores are cosines of the model.

    Args:
        engine: over the index, whose passages are ranked.
        examples: see mining.mine.
        options: see MiningOptions; PUBLISHED is the recipe.
        progress: told of the guards' work; the library's goes before it and takes longer.
        known: see mining.mine.
        model: folder or hub name of a bi-encoder; the index's static encoder if empty.

    Raises:
        UsageError: if no model is named and the index's encoder is none for this library.
        ModelError: if the model cannot be loaded.
    """
    options = options or PUBLISHED
    ranker = static_model(engine.encoder) if not model else load_model(model)
    encoder = engine.encoder if not model else _Named(model, ranker)
    # The library has applied these; the guards' own would choose among what is left.
    left = replace(options, margin=None, relative_margin=None, max_score=None)
    collector = Collector(engine, left, examples if known is None else known, encoder)
    passages = _passages(engine.snapshot)
    wanted = [example for example in examples if collector.wants(example)]
    ranked = _ranked(ranker, wanted, passages, options)

    def rank(query: str, judged: Judged) -> Ranking:
        found = [passages.get(text) or Found(text) for text in ranked.get(query, ())]
        if not options.include_positives:
            return Ranking(found)
        by_text = {positive.text: positive for positive in judged.positives}
        return Ranking([by_text.get(one.text, one) for one in found])

    return replace(collector.collect(examples, rank, progress), options=options, miner="dense")


def _mined(
    model: SentenceTransformer, pairs: Dataset, corpus: Sequence[str], how: dict[str, Any]
) -> Dataset:
    """Return what mine_hard_negatives makes of (query, positive) pairs, without its bars."""
    # engine.local.dense sets one thread for its own searches.
    faiss.omp_set_num_threads(os.cpu_count() or 1)
    with contextlib.redirect_stderr(io.StringIO()):  # two bars that nothing switches off
        return mine_hard_negatives(
            pairs, model, corpus=list(corpus), use_faiss=True, verbose=False, batch_size=_BATCH,
            **how,
        )  # fmt: skip


def arguments(options: MiningOptions) -> dict[str, Any]:
    """Return the options by the names of mine_hard_negatives."""
    return {
        "num_negatives": options.num_negatives,
        "range_min": options.range_min,
        "range_max": options.range_max,
        "max_score": options.max_score,
        "absolute_margin": options.margin,
        "relative_margin": options.relative_margin,
        "sampling_strategy": options.sampling,
        "include_positives": options.include_positives,
    }


def _ranked(
    model: SentenceTransformer,
    examples: Sequence[Example],
    corpus: dict[str, Found],
    options: MiningOptions,
) -> dict[str, list[str]]:
    """Return query -> the texts that the library chose, best first."""
    # Sorted, because it draws for one query after the other.
    pairs = sorted({(e.query, p.text) for e in examples for p in e.positives})
    if not pairs or not options.num_negatives:
        return {}
    more = min(options.num_negatives + _SPARE, options.range_max - options.range_min)
    exact = options.include_positives  # then the ranking itself is wanted
    columns = {"query": [q for q, _ in pairs], "positive": [text for _, text in pairs]}
    how = arguments(options) | {
        "num_negatives": options.num_negatives if exact else more,
        "output_format": "n-tuple" if exact else "labeled-list",
    }
    with _seeded(options.seed):
        found = _mined(model, Dataset.from_dict(columns), list(corpus), how)
    rows: list[dict[str, Any]] = found.to_list()
    # Rows of one query, one for each positive, have the same negatives.
    if exact:
        return {row["query"]: [row[name] for name in found.column_names[2:]] for row in rows}
    return {row["query"]: row["positive"][1:] for row in rows}


def _passages(snapshot: Snapshot) -> dict[str, Found]:
    """Return text as stage two reads it -> passage, of a whole index."""
    found: dict[str, Found] = {}
    for document in list_documents(snapshot):
        for stored, _ in snapshot.document_passages(document):
            found.setdefault(stored.context, Found.stored(stored))
    return found


@contextlib.contextmanager
def _seeded(seed: int) -> Generator[None]:
    """Let the library, which draws from the generator of the process, draw the same again."""
    state = random.getstate()
    random.seed(seed)
    try:
        yield
    finally:
        random.setstate(state)


# -- models --------------------------------------------------------------------------------------


def static_model(encoder: Encoder) -> SentenceTransformer:
    """Return an index's static encoder as the library's model.

    Raises:
        UsageError: if it is no static encoder of ours.
    """
    if not isinstance(encoder, StaticEncoder):
        raise UsageError(f"{encoder.name} cannot mine; name a sentence-transformers model instead")
    module = StaticEmbedding(encoder.tokenizer, embedding_weights=encoder.table)
    prompts = {"query": encoder.prompts.query, "document": encoder.prompts.passage}
    return SentenceTransformer(modules=[module], prompts=prompts, device="cpu")


def load_model(name: str) -> SentenceTransformer:
    """Return a bi-encoder from a folder or the hub.

    Raises:
        ModelError: if it is none, must not be loaded, or cannot be.
    """
    folder = resolve(name)
    if inspect(folder, name).kind != "bi-encoder":
        raise ModelError(f"{name} cannot mine: it reads pairs; a bi-encoder is needed")
    try:
        with quietly():
            return SentenceTransformer(
                str(folder),
                local_files_only=True,
                trust_remote_code=False,
                model_kwargs={"use_safetensors": True},
            )
    except Exception as error:  # transformers raises whatever its parts raise
        raise ModelError(f"the model {name} cannot be loaded: {error}") from error


class _Named:
    """See Encoder: a model of the library, for the scores that the statistics show."""

    def __init__(self, name: str, model: SentenceTransformer) -> None:
        self.name = name
        self.dim = model.get_embedding_dimension() or 0
        self._model = model

    def encode_queries(self, texts: Sequence[str]) -> FloatArray:
        """See Encoder."""
        return self._unit(self._model.encode_query, texts)

    def encode_passages(self, texts: Sequence[str]) -> FloatArray:
        """See Encoder."""
        return self._unit(self._model.encode_document, texts)

    def fluency(self, text: str) -> float:  # noqa: ARG002 - nobody asks a miner
        """See Encoder."""
        return 1.0

    def _unit(self, encode: Any, texts: Sequence[str]) -> FloatArray:  # noqa: ANN401
        vectors = encode(list(texts), normalize_embeddings=True, show_progress_bar=False)
        return np.asarray(vectors, dtype=np.float32)
