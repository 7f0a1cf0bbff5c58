"""The examples of docs/http.md, run as they stand there against a real server."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from engine.feedback import place
from engine.feedback.log import FeedbackLog
from tests.commands import shortlist

ROOT = Path(__file__).parents[2]
HERE = "http://127.0.0.1:8000"
# Every answer but that of a 4xx or 5xx is a success.
CURL = 'curl() { command curl --silent --show-error --fail-with-body "$@"; }\nset -e\n'


def examples() -> list[str]:
    text = (ROOT / "docs" / "http.md").read_text()
    return re.findall(r"^```sh\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not here")
def test_the_examples_work(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "photo.md").write_text("A passport photo is 35 mm wide.")
    index = tmp_path / "index"
    assert shortlist("index", tmp_path / "docs", "-i", index).code == 0
    command = ["serve", "-i", str(index), "--port", "0", "--no-rerank", "--writable", "--feedback"]
    process = subprocess.Popen(
        [sys.executable, "-c", "from server.cli import main; main()", *command],
        env={**os.environ, "PYTHONPATH": str(ROOT)}, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert process.stderr
        url = process.stderr.readline().split()[-1]
        wait = f"until curl {url}/readyz; do sleep 0.1; done >/dev/null 2>&1\n"
        said: list[str] = []
        for example in examples():
            script = CURL + (wait if not said else "") + example.replace(HERE, url)
            outcome = subprocess.run(
                ["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=60
            )
            assert outcome.returncode == 0, f"{example}\n{outcome.stdout}\n{outcome.stderr}"
            said.append(outcome.stdout)
    finally:
        process.terminate()
        process.communicate()
    said_at_all = "\n".join(said)
    assert '"document":"photo.md"' in said[0]
    for expected in ('"status": 422', '"title":"Visa"', '"text":"old passport"', '"snapshot":4'):
        assert expected in said_at_all
    with FeedbackLog(place(index)) as log:
        counts = log.counts()
    assert (counts.clicks, counts.judgements) == (1, 1)
