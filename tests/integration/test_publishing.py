# pyright: basic
"""Publishing a model, to a hub on this machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from huggingface_hub import HfApi, ModelCard, constants

from engine.errors import ModelError, UsageError
from indexer.training.card import front_matter
from indexer.training.publishing import Publication
from tests.hub import hub_here

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.hub import Hub


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    with hub_here(monkeypatch) as found:
        monkeypatch.setattr(HfApi, "_whoami_cache", {}, raising=False)
        yield found


def head(license: str = "mit") -> str:
    return front_matter("text-ranking", "reranker", license, "en")


def test_a_model_is_uploaded_without_what_it_was_trained_on(hub: Hub, tmp_path: Path) -> None:
    (tmp_path / "training").mkdir()
    (tmp_path / "training/mined.jsonl").write_text("my own questions")
    (tmp_path / "README.md").write_text(head())
    (tmp_path / "shortlist.json").write_text("{}")
    model = Publication(repository="ann/mill", private=True)
    model.require_possible(head())
    assert model.upload(tmp_path) == f"{hub.address}/ann/mill"
    assert hub.files == {"README.md": head().encode(), "shortlist.json": b"{}"}
    assert hub.created["visibility"] == "private"


def test_the_head_of_the_card_is_what_the_library_reads() -> None:
    data = ModelCard(head() + "\n\n# A model\n").data.to_dict()
    assert data["license"] == "mit"
    assert data["language"] == "en"
    assert data["pipeline_tag"] == "text-ranking"
    assert "reranker" in data["tags"]


@pytest.mark.parametrize(
    ("repository", "private", "license", "words"),
    [
        ("bob/mill", False, "mit", "ann may write to ann, mill, not to bob"),
        ("sea/mill", False, "mit", "not to sea"),
        ("ann/there", True, "mit", "there already and public"),
        ("ann/mill", False, "nonsense", "must be one of a long list"),
    ],
)
def test_what_the_hub_would_not_take_is_known_before(
    repository: str, private: bool, license: str, words: str, hub: Hub
) -> None:
    hub.public.add("ann/there")
    with pytest.raises(UsageError, match=words):
        Publication(repository=repository, private=private).require_possible(head(license))


def test_one_may_publish_for_an_organisation_and_again(hub: Hub) -> None:
    hub.public.add("mill/there")
    Publication(repository="mill/there").require_possible(head())


def test_a_token_that_may_not_write_is_known_before(
    hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    hub.role = "read"
    with pytest.raises(UsageError, match="the token may only read"):
        Publication(repository="ann/mill").require_possible(head())
    monkeypatch.setenv("HF_TOKEN", "hf_bad")
    with pytest.raises(ModelError, match="Invalid user token"):
        Publication(repository="ann/mill").require_possible(head())
    monkeypatch.delenv("HF_TOKEN")
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", "/nowhere")
    with pytest.raises(UsageError, match="nobody is logged in"):
        Publication(repository="ann/mill").require_possible(head())


def test_without_a_network_it_is_said_at_once(
    hub: Hub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "README.md").write_text(head())
    hub.refuses = True
    with pytest.raises(ModelError, match=r"saved, but not published; try again with: hf upload"):
        Publication(repository="ann/mill").upload(tmp_path)
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:1")
    with pytest.raises(ModelError, match="the hub cannot be asked"):
        Publication(repository="ann/mill").require_possible(head())
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(UsageError, match="needs a network, and HF_HUB_OFFLINE is set"):
        Publication(repository="ann/mill").require_possible(head())


@pytest.mark.parametrize("repository", ["mill", "a/b/c", "ann/-mill", "ann/m ill", "ann/"])
def test_a_name_that_no_repository_can_have_is_refused(repository: str) -> None:
    with pytest.raises(UsageError, match="--push-to-hub"):
        Publication(repository=repository)
