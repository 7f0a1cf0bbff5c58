from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.commands import shortlist
from tests.make_files import SENTENCES, TEXTS, make_all, make_damaged

if TYPE_CHECKING:
    from pathlib import Path

BROKEN = set(SENTENCES) - TEXTS
OTHER_NAMES = {"cp1252": "latin.txt", "sjis": "japanese.txt", "utf16": "wide.txt"}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("mixed")
    make_all(home / "docs" / "good")
    make_damaged(home / "docs" / "damaged")
    return home


@pytest.fixture(scope="module")
def report(home: Path) -> dict[str, Any]:
    outcome = shortlist("index", home / "docs", "-i", home / "index", "--json")
    assert outcome.code == 0
    return json.loads(outcome.out)


def test_every_good_file_is_indexed_and_nothing_is_lost(report: dict[str, Any]) -> None:
    failed = [failure["path"] for failure in report["failures"]]
    assert [path for path in failed if not path.startswith("damaged/")] == []
    counts = report["documents"]
    assert counts["added"] + counts["failed"] == 2 * len(SENTENCES)
    assert counts["failed"] == len(failed)
    assert report["skipped"] == []


def test_damaged_files_are_reported_by_path_and_reason(report: dict[str, Any]) -> None:
    reasons = {failure["path"]: failure["reason"] for failure in report["failures"]}
    assert {path.rpartition(".")[2] for path in reasons} == BROKEN
    for path, reason in reasons.items():
        assert reason, path
        assert "/" not in reason  # neither a path nor code
        assert "\n" not in reason


@pytest.mark.usefixtures("report")
@pytest.mark.parametrize("name", sorted(SENTENCES))
def test_a_file_is_found_by_its_sentence(name: str, home: Path) -> None:
    query = f'"{SENTENCES[name].rstrip(".")}"'
    outcome = shortlist(
        *("search", query, "-i", home / "index", "--sources", "lexical", "--no-rerank"),
        *("--filter", "path:good", "--json"),
    )
    assert outcome.code == 0
    results = json.loads(outcome.out)["results"]
    file = OTHER_NAMES.get(name, f"sample.{name}")
    assert {result["document"] for result in results} == {f"good/{file}"}


@pytest.mark.usefixtures("report")
def test_failed_files_end_a_strict_run_with_one_and_others_with_none(home: Path) -> None:
    index = ("index", home / "docs", "-i", home / "index")
    lax, strict = shortlist(*index), shortlist(*index, "--strict")
    assert (lax.code, strict.code) == (0, 1)
    for outcome in (lax, strict):
        assert "failed: damaged/sample.docx: " in outcome.out
        assert "Traceback" not in outcome.err
    assert shortlist(*index, "--strict", "--exclude", "damaged").code == 0
