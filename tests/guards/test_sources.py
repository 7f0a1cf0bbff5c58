"""Rules for the text of the project itself."""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from server.cli import cli

if TYPE_CHECKING:
    from collections.abc import Iterator

HOME = Path(__file__).parents[2]
SHIPPED = ("engine", "indexer", "server")
LONGEST = 300  # lines
FORBIDDEN = {"pickle", "cPickle", "dill", "cloudpickle", "marshal", "shelve", "joblib"}
# Third-party packages that only developers install; the import name is not always theirs.
ONLY_DEVELOPERS = {
    *("bm25s", "docx", "httpx2", "hypothesis", "openpyxl", "pptx", "pytest"),
}


def sources(*folders: str) -> Iterator[Path]:
    for folder in folders:
        yield from sorted((HOME / folder).rglob("*.py"))


def name_of(path: Path) -> str:
    return path.relative_to(HOME).as_posix()


def imports(path: Path) -> set[str]:
    """Return the full names of all modules that a file imports, wherever it does."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return names


def test_no_file_is_long() -> None:
    lengths = {name_of(path): path.read_text().count("\n") for path in sources(*SHIPPED)}
    assert len(lengths) > 50
    assert {name: count for name, count in lengths.items() if count > LONGEST} == {}


def test_nothing_is_unpickled_and_nothing_is_patched() -> None:
    for path in sources(*SHIPPED, "benchmarks", "tests"):
        found = imports(path)
        assert {name.partition(".")[0] for name in found} & FORBIDDEN == set(), name_of(path)
        assert not any(name.startswith("unittest") for name in found), name_of(path)


def test_no_code_of_a_model_is_trusted() -> None:
    trusting = re.compile(
        r"trust_remote_code\s*=\s*True|allow_pickle\s*=\s*True|weights_only\s*=\s*False"
    )
    for path in sources(*SHIPPED, "benchmarks"):
        assert not trusting.search(path.read_text()), name_of(path)


def test_the_product_imports_nothing_that_only_developers_install() -> None:
    for path in sources(*SHIPPED):
        packages = {name.partition(".")[0] for name in imports(path)}
        assert packages & ONLY_DEVELOPERS == set(), name_of(path)


def test_nothing_below_the_server_reads_the_environment() -> None:
    reading = re.compile(r"os\.environ|os\.getenv")
    for path in sources("engine", "indexer"):
        assert not reading.search(path.read_text()), name_of(path)


def test_every_command_stands_in_the_readme() -> None:
    text = (HOME / "README.md").read_text()
    commands = cli.list_commands(cli.make_context("shortlist", [], resilient_parsing=True))
    assert [name for name in commands if f"shortlist {name}" not in text] == []


def test_import_contracts_hold() -> None:
    linter = shutil.which("lint-imports", path=Path(sys.executable).parent)
    if linter is None:
        pytest.skip("import-linter is not installed")
    done = subprocess.run(
        [linter, "--no-cache"], cwd=HOME, capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
