# pyright: basic
"""LEAF (sentence-transformers): the model that a training starts from."""

from __future__ import annotations

import contextlib
import logging
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import torch
from sentence_transformers import CrossEncoder

from engine import bundled
from engine.errors import ModelError, UsageError
from engine.rerankers.batches import Network, quietly
from engine.rerankers.checkpoint import inspect, loadable, resolve
from engine.rerankers.joined import JoinedBert, known_to_transformers
from indexer.training.joining import write_joined

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.rerankers.checkpoint import Checkpoint

# On a model: whether its head holds nothing yet.
_NEW_HEAD = "_shortlist_new_head"


def load_base(
    source: str, *, max_length: int = 192, layers: int | None = None, seed: int = 0
) -> CrossEncoder:
    """Return a CrossEncoder of one score, in float32, ready to be trained.

    Args:
        source: folder or name of a cross-encoder, a bi-encoder or a plain encoder. What has no head
            of one score gets a new one. `bundled.JOINED` is all-MiniLM-L6-v2, joined late: it
            begins as good as the bi-encoder.
        max_length: tokens of a pair; cut at what the model can read.
        layers: how many of the encoder's layers are kept, evenly spaced; None is all.
        seed: of a new head.

    Raises:
        ModelError: there is no such model, it holds no safetensors, or it cannot be loaded.
        UsageError: the model has fewer layers than asked for.
    """
    with torch.random.fork_rng(devices=[]), _seeded(seed), _folder(source) as folder:
        checkpoint = inspect(folder, source)
        model = _loaded(checkpoint)
        if len(model) != 1 or model.num_labels != 1:
            message = f"{checkpoint.name} cannot be trained: it is more than one transformer"
            raise ModelError(message)
    object.__setattr__(model, _NEW_HEAD, _lacks_head(model, checkpoint))
    transformer = cast("Any", model[0]).model
    if isinstance(transformer, JoinedBert):
        transformer.freeze_apart()
    model.max_seq_length = min(max_length, Network(model, "scores").window())
    if layers is not None:
        _keep(model, layers)
    return model


@contextlib.contextmanager
def _seeded(seed: int) -> Iterator[None]:
    torch.manual_seed(seed)
    yield


@contextlib.contextmanager
def _folder(source: str) -> Iterator[Path]:
    """Give the folder of a base; that of `bundled.JOINED` is made here, of our own reranker's."""
    if source != bundled.JOINED:
        yield resolve(source)
        return
    with (
        tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as made,
        loadable(bundled.models()[bundled.RERANKER]) as encoder,
    ):
        write_joined(encoder, Path(made))
        yield Path(made)


def has_new_head(model: CrossEncoder) -> bool:
    """Tell whether `load_base` had to make the head, so that it has everything to learn."""
    return bool(getattr(model, _NEW_HEAD, False))


def layers_of(model: CrossEncoder) -> torch.nn.ModuleList:
    """Return the encoder's layers; the list may be changed in place.

    Raises:
        ModelError: the model is built in a way that hides them.
    """
    transformer = cast("Any", model[0]).model
    count = transformer.config.num_hidden_layers
    for module in transformer.base_model.modules():
        if isinstance(module, torch.nn.ModuleList) and len(module) == count:
            return module
    message = f"the layers of a {transformer.config.model_type} cannot be told apart: train all"
    raise ModelError(message)


def _loaded(checkpoint: Checkpoint) -> CrossEncoder:
    known_to_transformers()
    try:
        with quietly(), _unannounced(), loadable(checkpoint.folder) as folder:
            return CrossEncoder(
                str(folder),
                num_labels=1,
                local_files_only=True,
                trust_remote_code=False,
                activation_fn=torch.nn.Sigmoid(),
                # A head of other labels is replaced like a missing one.
                model_kwargs={
                    "use_safetensors": True,
                    "dtype": torch.float32,
                    "ignore_mismatched_sizes": True,
                    # A processor learns a quarter faster with plain products than with the fused
                    # attention, whose backward pass recomputes them (192 tokens, torch 2.13).
                    "attn_implementation": None if torch.cuda.is_available() else "eager",
                },
            )
    except Exception as error:  # transformers raises whatever its parts raise
        message = f"the model {checkpoint.name} cannot be loaded: {error}"
        raise ModelError(message) from error


def _lacks_head(model: CrossEncoder, checkpoint: Checkpoint) -> bool:
    transformer = cast("Any", model[0]).model
    encoder = f"{transformer.base_model_prefix}."
    return any(
        checkpoint.tensors.get(name) != weight.numel()
        for name, weight in transformer.named_parameters()
        if not name.startswith(encoder)
    )


@contextlib.contextmanager
def _unannounced() -> Iterator[None]:
    """Keep it to ourselves that a bi-encoder becomes a cross-encoder."""
    logger = logging.getLogger("sentence_transformers")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def _keep(model: CrossEncoder, count: int) -> None:
    """Keep so many layers: evenly spaced, the first and the last among them (Sanh 2019).

    Where what reads apart is not trained, a layer knows only the one before it: the first ones.
    """
    layers = layers_of(model)
    have = len(layers)
    if count > have:
        raise UsageError(f"the model has {have} layers, of which {count} cannot be kept")
    transformer = cast("Any", model[0]).model
    if isinstance(transformer, JoinedBert):
        transformer.keep(count)
        return
    step = (have - 1) / max(count - 1, 1)
    kept = [layers[int(number * step + 0.5)] for number in range(count)]
    del layers[count:]
    for number, layer in enumerate(kept):
        layers[number] = layer
    cast("Any", model[0]).model.config.num_hidden_layers = count
