"""The benchmarks of a server, each over a small one in a process of its own."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

from benchmarks.hostile import attack_all
from benchmarks.rewriting import rewrite_under_load
from benchmarks.schema import WAYS, check_all, table
from tests.tiny_models import save_cross_encoder

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(save_cross_encoder(tmp_path_factory.mktemp("tiny") / "model"))


@pytest.mark.parametrize("way", [way.name for way in WAYS])
def test_a_server_answers_as_it_says_that_it_does(model: str, way: str) -> None:
    if shutil.which("schemathesis", path=Path(sys.executable).parent) is None:
        pytest.skip("schemathesis is not installed")
    found = check_all(examples=2, seed=1, reranker=model, only=[way])
    assert found["ways"][0]["failures"] == []
    assert found["ways"][0]["operations"] > 5
    assert found["requests"] > 100
    assert way in table(found)


def test_hostile_requests_do_a_real_server_no_harm(model: str) -> None:
    found = attack_all(count=180, seed=2, reranker=model)
    assert found["faults"] == []
    assert found["requests"] == 180
    before, *after = [found["resident_mb"]["before"], *found["resident_mb"]["after_each_third"]]
    assert after[-1] < 1.5 * before


def test_no_search_fails_or_mixes_commits_while_the_index_is_rewritten(
    tmp_path: Path, model: str
) -> None:
    rows = rewrite_under_load(tmp_path / "rewriting", model, seconds=20)
    assert [row["by"] for row in rows] == ["shortlist index", "PUT /documents"]
    for row in rows:
        assert (row["failed"], row["refused_503"], row["mixed"], row["faults"]) == (0, 0, 0, [])
        assert row["commits_seen"] > 1
        assert row["results_compared"] > 100
