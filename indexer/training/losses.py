# pyright: basic
"""LEAF (sentence-transformers): the losses by their names on the command line."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from sentence_transformers.cross_encoder.losses import (
    BinaryCrossEntropyLoss,
    CachedMultipleNegativesRankingLoss,
    LambdaLoss,
    ListNetLoss,
    MarginMSELoss,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sentence_transformers import CrossEncoder
    from torch import nn

    from indexer.training.datasets import Rows
    from indexer.training.examples import Loss

# Pairs that go through the model together where a loss takes more of them: on a CPU what a batch
# works on must stay in the cache.
_TOGETHER = 16


def loss_of(model: CrossEncoder, rows: Rows) -> nn.Module:
    """Return the loss that learns from a set."""
    return _LOSSES[rows.loss](model, rows)


def _bce(model: CrossEncoder, rows: Rows) -> nn.Module:
    return BinaryCrossEntropyLoss(model, pos_weight=torch.tensor(float(rows.pos_weight or 1)))


def _lambda(model: CrossEncoder, rows: Rows) -> nn.Module:
    del rows
    return LambdaLoss(model, mini_batch_size=_TOGETHER)


def _listnet(model: CrossEncoder, rows: Rows) -> nn.Module:
    del rows
    return ListNetLoss(model, mini_batch_size=_TOGETHER)


def _mnrl(model: CrossEncoder, rows: Rows) -> nn.Module:
    del rows
    return CachedMultipleNegativesRankingLoss(model, mini_batch_size=_TOGETHER)


def _distill(model: CrossEncoder, rows: Rows) -> nn.Module:
    if "label" in rows.data.column_names:
        return BinaryCrossEntropyLoss(model)
    # Differences of probabilities are learnt as such, differences of logits as logits.
    activation = torch.nn.Sigmoid() if rows.chances else torch.nn.Identity()
    return MarginMSELoss(model, activation_fn=activation)


_LOSSES: Mapping[Loss, Callable[[CrossEncoder, Rows], nn.Module]] = {
    "bce": _bce,
    "lambda": _lambda,
    "listnet": _listnet,
    "mnrl": _mnrl,
    "distill": _distill,
}
