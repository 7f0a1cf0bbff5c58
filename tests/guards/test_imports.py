"""What may be imported where: a start stays quick, and half of the product needs no torch."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from tests.commands import process, shortlist

if TYPE_CHECKING:
    from pathlib import Path

HEAVY = {
    *("torch", "transformers", "sentence_transformers", "faiss", "tantivy", "datasets", "fastapi"),
    *("numpy", "uvicorn", "tokenizers", "watchfiles", "tqdm", "starlette", "pydantic"),
}
TORCH = {"torch", "transformers", "sentence_transformers", "datasets"}
# Runs a command, then writes what it has imported.
SPY = """
import json, sys
from server.cli import main
try:
    main(sys.argv[2:])
except SystemExit as end:
    assert not end.code, end.code
with open(sys.argv[1], "w") as file:
    json.dump(sorted(sys.modules), file)
"""


def imported(home: Path, *args: str | Path) -> set[str]:
    """Return the modules that a command imports."""
    seen = home / "modules.json"
    outcome = process(seen, *args, code=SPY)
    assert outcome.code == 0, outcome.err
    return set(json.loads(seen.read_text()))


def packages(modules: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in modules}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("imports")
    (home / "docs").mkdir()
    (home / "docs" / "a.txt").write_text("The mill grinds corn.")
    (home / "docs" / "b.html").write_text("<p>The miller sells flour.</p>")
    assert shortlist("index", home / "docs", "-i", home / "index").code == 0
    return home


def test_help_imports_nothing_heavy(tmp_path: Path) -> None:
    assert packages(imported(tmp_path, "--help")) & HEAVY == set()


@pytest.mark.parametrize("command", ["index", "search", "info", "verify", "doctor", "serve", "mcp"])
def test_help_of_a_command_imports_no_model(command: str, tmp_path: Path) -> None:
    heavy = {*TORCH, "faiss", "tantivy", "fastapi", "mcp"}
    assert packages(imported(tmp_path, command, "--help")) & heavy == set()


@pytest.mark.parametrize(
    "command",
    [
        ("index", "DOCS", "-i", "NEW"),
        ("index", "DOCS", "-i", "INDEX"),
        ("search", "corn", "-i", "INDEX", "--no-rerank"),
        ("search", "corn", "-i", "INDEX", "--reranker", "none"),
        ("info", "-i", "INDEX"),
        ("verify", "-i", "INDEX", "--repair"),
    ],
    ids=" ".join,
)
def test_stage_one_needs_no_torch(command: tuple[str, ...], home: Path) -> None:
    places = {"DOCS": home / "docs", "INDEX": home / "index", "NEW": home / "new"}
    args = [places.get(arg, arg) for arg in command]
    assert packages(imported(home, *args)) & TORCH == set()


@pytest.mark.parametrize("module", ["server.app", "server.mcp.stdio"])
def test_a_serving_process_loads_no_training_code(module: str) -> None:
    code = f"import json, sys, {module}, server.serving; print(json.dumps(list(sys.modules)))"
    modules: set[str] = set(json.loads(process(code=code).out))
    assert module in modules
    assert {name for name in modules if "train" in name or name == "indexer.finetune"} == set()
    assert packages(modules) & TORCH == set()
