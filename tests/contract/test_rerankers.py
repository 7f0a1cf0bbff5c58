# pyright: basic
"""Every reranker keeps the contract."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from engine.rerankers import load
from tests.contract.reranker import RerankerContract
from tests.tiny_models import save_bi_encoder, save_cross_encoder

if TYPE_CHECKING:
    from engine.protocols import Reranker


@pytest.fixture(scope="module")
def cross_encoder(tmp_path_factory: pytest.TempPathFactory) -> Reranker:
    return load(str(save_cross_encoder(tmp_path_factory.mktemp("cross"))))


@pytest.fixture(scope="module")
def bi_encoder(tmp_path_factory: pytest.TempPathFactory) -> Reranker:
    return load(str(save_bi_encoder(tmp_path_factory.mktemp("bi"))))


@pytest.fixture(scope="module")
def embedded() -> Reranker:
    return load()


class TestCrossEncoder(RerankerContract):
    @pytest.fixture
    def reranker(self, cross_encoder: Reranker) -> Reranker:
        return cross_encoder


class TestBiEncoder(RerankerContract):
    @pytest.fixture
    def reranker(self, bi_encoder: Reranker) -> Reranker:
        return bi_encoder


class TestDefault(RerankerContract):
    longest = 10_000  # 100,000 take half a minute on a busy machine

    @pytest.fixture
    def reranker(self, embedded: Reranker) -> Reranker:
        return embedded
