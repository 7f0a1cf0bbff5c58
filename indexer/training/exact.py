# pyright: basic
"""LEAF (torch, transformers): the surroundings of a training, and what is left when it is over."""

from __future__ import annotations

import contextlib
import warnings
from typing import TYPE_CHECKING, Any, cast

import torch
import torch.utils.deterministic
from transformers import set_seed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from sentence_transformers import CrossEncoder

    from indexer.training.options import FinetuneOptions


@contextlib.contextmanager
def exact(options: FinetuneOptions) -> Iterator[None]:
    """Have torch compute the same numbers every time, and leave it as it was."""
    threads = torch.get_num_threads()
    strict = torch.are_deterministic_algorithms_enabled()
    warns = torch.is_deterministic_algorithms_warn_only_enabled()
    filling = cast("Any", torch.utils.deterministic)
    fills = filling.fill_uninitialized_memory
    try:
        if options.threads:
            torch.set_num_threads(options.threads)
        # What has no exact twin (some on a GPU) is computed all the same.
        torch.use_deterministic_algorithms(True, warn_only=True)
        filling.fill_uninitialized_memory = False
        set_seed(options.seed)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*deterministic")
            yield
    finally:
        torch.set_num_threads(threads)
        torch.use_deterministic_algorithms(strict, warn_only=warns)
        filling.fill_uninitialized_memory = fills


@contextlib.contextmanager
def adapted(base: CrossEncoder, options: FinetuneOptions) -> Iterator[None]:
    """Freeze, thaw, drop and checkpoint what the options ask for, and undo it."""
    transformer = cast("Any", base[0]).model
    weights = list(transformer.parameters())
    learned = [weight.requires_grad for weight in weights]
    if options.thaw:
        transformer.requires_grad_(True)
    if options.freeze_embeddings:
        transformer.get_input_embeddings().requires_grad_(False)
    dropouts = [m for m in transformer.modules() if isinstance(m, torch.nn.Dropout)]
    before = [dropout.p for dropout in dropouts]
    for dropout in dropouts:
        dropout.p = options.dropout
    if options.gradient_checkpointing:
        transformer.activation_checkpointing_enable({"use_reentrant": False})
    try:
        yield
    finally:
        for weight, learns in zip(weights, learned, strict=True):
            weight.requires_grad_(learns)
        for dropout, share in zip(dropouts, before, strict=True):
            dropout.p = share
        if options.gradient_checkpointing:
            transformer.activation_checkpointing_disable()
