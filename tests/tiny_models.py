# pyright: basic
"""Untrained models of 32 dimensions, saved like real ones: what tests load in milliseconds."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import torch
from safetensors.torch import save_file
from sentence_transformers import CrossEncoder, SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    BertModel,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)

if TYPE_CHECKING:
    from pathlib import Path

WINDOW = 64
_SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
_WORDS = ["the", "red", "blue", "sea", "fish", "heart", "what", "is", "a", "of", "swims"]


def tokenizer() -> PreTrainedTokenizerFast:
    """Return a WordPiece tokenizer of a dozen words and every ASCII letter."""
    letters = [chr(code) for code in range(33, 127)]
    tokens = dict.fromkeys([*_SPECIAL, *_WORDS, *letters, *(f"##{letter}" for letter in letters)])
    vocabulary = {token: number for number, token in enumerate(tokens)}
    made = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    made.normalizer = normalizers.BertNormalizer()
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 2), ("[SEP]", 3)],
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=made,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        model_max_length=WINDOW,
    )


def save_cross_encoder(folder: Path, labels: int = 1) -> Path:
    """Save a CrossEncoder whose head gives scores that differ; return the folder."""
    model = BertForSequenceClassification(_config(num_labels=labels))
    _save(model, folder)
    return folder


def save_headless(folder: Path) -> Path:
    """Save an encoder without a ranking head; return the folder."""
    _save(BertModel(_config()), folder)
    return folder


def save_bi_encoder(folder: Path) -> Path:
    """Save a SentenceTransformer of mean pooling; return the folder."""
    encoder = save_headless(folder / "encoder")
    transformer = Transformer(str(encoder))
    model = SentenceTransformer(
        modules=[transformer, Pooling(transformer.get_embedding_dimension(), "mean")], device="cpu"
    )
    model.save(str(folder / "bi"), create_model_card=False)
    return folder / "bi"


def library_cross_encoder(folder: Path) -> CrossEncoder:
    """Return the same model in the plain library, as an oracle."""
    return CrossEncoder(
        str(folder), activation_fn=torch.nn.Identity(), local_files_only=True, device="cpu"
    )


def save_static(folder: Path) -> Path:
    """Save a static embedding of those words in 8 dimensions; return the folder."""
    folder.mkdir(parents=True)
    vocabulary = {word: number for number, word in enumerate(["[UNK]", *_WORDS])}
    made = Tokenizer(models.WordLevel(vocabulary, "[UNK]"))
    made.pre_tokenizer = pre_tokenizers.Whitespace()
    made.save(str(folder / "tokenizer.json"))
    generator = torch.Generator().manual_seed(7)
    table = torch.randn((len(_WORDS) + 1, 8), generator=generator)
    save_file({"embedding.weight": table}, folder / "model.safetensors")
    kind = "sentence_transformers.sentence_transformer.modules.StaticEmbedding"
    listing = [{"idx": 0, "name": "0", "path": "", "type": kind}]
    (folder / "modules.json").write_text(json.dumps(listing))
    return folder


def _config(num_labels: int = 1) -> BertConfig:
    config = BertConfig(
        vocab_size=len(tokenizer()),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        max_position_embeddings=WINDOW,
    )
    config.num_labels = num_labels
    return config


def _save(model: PreTrainedModel, folder: Path) -> None:
    generator = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for weight in model.parameters():
            if weight.ndim > 1:
                # The usual 0.02 would give all pairs nearly the same score.
                weight.copy_(torch.randn(weight.shape, generator=generator) * 0.2)
    model.save_pretrained(folder)
    tokenizer().save_pretrained(folder)
