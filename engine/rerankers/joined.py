# pyright: basic
"""LEAF (transformers): an encoder that reads query and passage first apart, then together.

All layers of a bi-encoder's BERT read the two texts apart, as they were trained to; from one of its
layers on, some layers more read them together. What the two readings say is added up:

    logit = signals(cosine, matched) + classifier(joined reading)

    cosine    of the two texts' mean vectors: what the bi-encoder itself would say
    matched   how well one window of the passage's tokens matches all of the query's: of each the
              best cosine within the window (MaxSim: Khattab & Zaharia 2020,
              doi:10.1145/3397271.3401075), of these a mean that leans to the worst (a token that is
              left out counts), by what each token is worth, and of all windows the best

Three small maps are learned with them: of the mean vectors, of the tokens' vectors (both add to
what they map), and of a query's token to what it is worth. They learn in seconds what a collection
calls alike; the layers that join take hours.

With no layers that join, it is what reads apart alone: smaller and faster.

A new one has maps of zero and a classifier of nearly zero: it begins as good as the bi-encoder,
and learns corrections.
Joining late costs little (PreTTR: MacAvaney et al. 2020, doi:10.1145/3397271.3401093), and what
reads apart is not trained, so it cannot forget.

A pair is `[CLS] query [SEP] [CLS] passage [SEP]`, of types 0 and 1; the
tokenizer of its folder makes it so.
"""

from __future__ import annotations

from typing import Any, Final, cast

import torch
from torch import nn
from torch.nn import functional
from transformers import AutoConfig, AutoModelForSequenceClassification, BertConfig
from transformers.modeling_outputs import SequenceClassifierOutput
from transformers.models.bert.modeling_bert import BertLayer, BertModel, BertPreTrainedModel

MODEL_TYPE: Final = "joined-bert"
# What the signals weigh before anything is learned, tokens of a window, and how far the mean leans:
# benchmarks/LOG.md, "The models that ship".
_SIGNALS: Final = (1.0, 10.0)
_SHIFT: Final = -6.0
_WINDOW: Final = 16
_STEP: Final = 4
_LEAN: Final = 8.0
# Adam moves all weights alike, by the learning rate: what reaches the logit in one step only would
# need a hundred steps to be heard.
_LOUD: Final = 10.0


class JoinedBertConfig(BertConfig):
    """BertConfig, and from which layer on how many layers read both texts together."""

    model_type = MODEL_TYPE

    def __init__(
        self,
        joined_from: int = 4,
        joined_layers: int = 2,
        **kwargs: Any,  # noqa: ANN401
    ) -> None:
        """See the class."""
        super().__init__(**kwargs)
        self.joined_from = joined_from
        self.joined_layers = joined_layers


class JoinedBert(BertPreTrainedModel):
    """One score for a pair; see the module."""

    # What learns as fast as a head: a name of a parameter begins with one of these.
    HEADS: Final = ("signals.", "text_map.", "token_map.", "token_worth.")

    config_class = JoinedBertConfig
    base_model_prefix = "bert"

    def __init__(self, config: JoinedBertConfig) -> None:
        """Make the layers; `begin` or a checkpoint gives them their numbers."""
        super().__init__(config)
        width = config.hidden_size
        self.num_labels = 1
        self.bert = BertModel(config, add_pooling_layer=False)
        self.signals = nn.Linear(2, 1)
        self.text_map = nn.Linear(width, width, bias=False)
        self.token_map = nn.Linear(width, width, bias=False)
        self.token_worth = nn.Linear(width, 1, bias=False)
        if config.joined_layers:
            self.joined = nn.ModuleList(
                BertLayer(config, layer_idx=n) for n in range(config.joined_layers)
            )
            self.kinds = nn.Embedding(2, width)
            self.mix = nn.Linear(4 * width, width)
            self.classifier = nn.Linear(width, 1)
        self.post_init()

    def begin(self, bert: BertModel) -> None:
        """Take over a bi-encoder's layers, and begin as good as it is."""
        self.bert.load_state_dict(bert.state_dict(), strict=False)  # its pooler is not needed
        layers = cast("Any", self.bert.encoder.layer)
        with torch.no_grad():
            for mapped in (self.text_map, self.token_map, self.token_worth):
                mapped.weight.zero_()
            self.signals.weight.copy_(torch.tensor([_SIGNALS]))
            self.signals.bias.fill_(_SHIFT)
            if not self.config.joined_layers:
                return
            for number, layer in enumerate(self.joined, start=cast("int", self.config.joined_from)):
                layer.load_state_dict(layers[min(number, len(layers) - 1)].state_dict())
            self.kinds.weight.zero_()
            # Zeros would stop the gradient on its way to the layers.
            self.classifier.weight.normal_(std=0.002)
            self.classifier.bias.zero_()

    def keep(self, count: int) -> None:
        """Keep the first layers that read apart, and none that joins."""
        del cast("Any", self.bert.encoder.layer)[count:]
        self.config.num_hidden_layers = count
        if self.config.joined_layers:
            self.config.joined_layers = 0
            del self.joined, self.kinds, self.mix, self.classifier

    def freeze_apart(self) -> None:
        """Leave what reads apart as it is."""
        self.bert.requires_grad_(False)

    def forward(
        self,
        input_ids: torch.Tensor,
        attention_mask: torch.Tensor,
        token_type_ids: torch.Tensor,
        **_: Any,  # noqa: ANN401
    ) -> SequenceClassifierOutput:
        """Return (pairs, 1) logits of (pairs, tokens) ids."""
        real = attention_mask.bool()
        second = token_type_ids.bool() & real
        first = real & ~second
        hidden = self.bert.embeddings(
            input_ids=input_ids,
            position_ids=self._places(first, second),
            token_type_ids=torch.zeros_like(input_ids),
        )
        same = second[:, None, :, None] == second[:, None, None, :]
        apart = _added(same & real[:, None, None, :], hidden.dtype)
        joint = hidden
        for number, layer in enumerate(cast("Any", self.bert.encoder.layer)):
            hidden = _read(layer, hidden, apart)
            if number + 1 == self.config.joined_from:
                joint = hidden
        logits = self._said(hidden, first, second)
        if self.config.joined_layers:
            joint = joint + self.kinds(token_type_ids).to(joint.dtype)
            together = _added(real[:, None, None, :].expand_as(same), hidden.dtype)
            logits = logits + self._read_together(joint, together, first, second)
        return SequenceClassifierOutput(logits=logits)

    def _read_together(
        self, joint: torch.Tensor, mask: torch.Tensor, first: torch.Tensor, second: torch.Tensor
    ) -> torch.Tensor:
        """Return what the layers that join have learned, nearly zero to begin with."""
        for layer in self.joined:
            joint = _read(layer, joint, mask)
        query, passage = _mean(joint, first), _mean(joint, second)
        seen = torch.cat([query, passage, query * passage, joint[:, 0]], -1)
        return _LOUD * self.classifier(functional.gelu(self.mix(seen)))

    def _places(self, first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
        """Return the position of each token in its own text."""
        places = torch.arange(first.shape[1], device=first.device).expand_as(first)
        return torch.where(second, places - first.sum(1, keepdim=True), places)

    def _said(
        self, hidden: torch.Tensor, first: torch.Tensor, second: torch.Tensor
    ) -> torch.Tensor:
        """Return what the reading apart says, in float32: half precision has cosines in steps."""
        with torch.autocast(hidden.device.type, enabled=False):
            hidden = hidden.float()
            texts = [_mean(hidden, tokens) for tokens in (first, second)]
            query, passage = (text + _mapped(self.text_map, text) for text in texts)
            cosine = functional.cosine_similarity(query, passage, dim=-1)
            matched = self._matched(hidden, first, second)
            said = torch.stack([cosine, matched], -1)
            return functional.linear(said, self.signals.weight.float(), self.signals.bias.float())

    def _matched(
        self, hidden: torch.Tensor, first: torch.Tensor, second: torch.Tensor
    ) -> torch.Tensor:
        """Return (pairs,) means of the query's tokens' best cosines, within the best window."""
        unit = functional.normalize(hidden + _mapped(self.token_map, hidden), dim=-1)
        longest = int(first.sum(1).amax())  # queries come first
        cosines = unit[:, :longest] @ unit.transpose(1, 2)
        cosines = cosines.masked_fill(~second[:, None, :], -1)
        short = max(0, _WINDOW - cosines.shape[-1])
        cosines = functional.pad(cosines, (0, short), value=-1)
        best = functional.max_pool1d(cosines, _WINDOW, _STEP, ceil_mode=True)
        words = _inner(first)
        worth = _mapped(self.token_worth, hidden)[..., 0].masked_fill(~words, -torch.inf)
        worth = worth.log_softmax(1)[:, :longest, None]
        return (torch.logsumexp(worth - _LEAN * best, 1) / -_LEAN).amax(-1)


def _mapped(by: nn.Linear, vectors: torch.Tensor) -> torch.Tensor:
    """Return what a map says in float32, whatever its weights are kept in."""
    return functional.linear(vectors, by.weight.float())


def _read(layer: nn.Module, hidden: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
    read = layer(hidden, mask)
    return read[0] if isinstance(read, tuple) else read


def _added(seen: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """Return what is added to attention: 0 where a token is seen."""
    return torch.zeros_like(seen, dtype=dtype).masked_fill(~seen, torch.finfo(dtype).min)


def _mean(hidden: torch.Tensor, tokens: torch.Tensor) -> torch.Tensor:
    chosen = tokens[..., None].to(hidden.dtype)
    return (hidden * chosen).sum(1) / chosen.sum(1).clamp(min=1)


def _inner(first: torch.Tensor) -> torch.Tensor:
    """Return the query's tokens without [CLS] and [SEP]; an empty query keeps them."""
    inner = first & first.roll(-1, dims=1)
    inner[:, 0] = False
    return torch.where(inner.any(1, keepdim=True), inner, first)


def known_to_transformers() -> None:
    """Make the architecture known, so that `CrossEncoder(folder)` loads it like any other."""
    AutoConfig.register(MODEL_TYPE, JoinedBertConfig, exist_ok=True)
    AutoModelForSequenceClassification.register(JoinedBertConfig, JoinedBert, exist_ok=True)
