"""The examples of docs/clients.md, as they stand there."""

from __future__ import annotations

import re
from importlib.util import find_spec

import pytest

from tests.clients.asking import HOME, KEY

BLOCKS = re.findall(r"```python\n(.*?)```", (HOME / "docs" / "clients.md").read_text(), re.DOTALL)


def packages(code: str) -> list[str]:
    return re.findall(r"^(?:import|from) (\w+)", code, re.MULTILINE)


@pytest.mark.parametrize("code", BLOCKS, ids=lambda code: packages(code)[-1])
def test_an_example_runs(url: str, code: str, capsys: pytest.CaptureFixture[str]) -> None:
    missing = [name for name in packages(code) if find_spec(name) is None]
    if missing:
        pytest.skip(f"{', '.join(missing)} is for the other environment")
    exec(re.sub(r"\bKEY\b", KEY, code.replace("http://127.0.0.1:8000", url)), {})
    assert capsys.readouterr().out.strip()
