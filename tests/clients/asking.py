"""What every client is asked to rank, and how to ask without one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.request import Request, urlopen

import pytest

if TYPE_CHECKING:
    from collections.abc import Sequence

HOME: Final = Path(__file__).parents[2]
KEY: Final = "a-key"
QUERY: Final = "what is the heart of a fish"
TEXTS: Final = ["the blue sea", "a red fish swims", "the heart of a fish", "what is red"]


def assert_ranked(found: Sequence[tuple[int, float]], scores: dict[int, float]) -> None:
    """Check that texts are in the order of `scores`, each with its own."""
    assert [number for number, _ in found] == list(scores)
    # What a batch of the model is made of changes the seventh digit.
    assert [score for _, score in found] == pytest.approx(list(scores.values()), abs=1e-5)


def post(url: str, body: object) -> Any:  # noqa: ANN401 - JSON
    headers = {"Content-Type": "application/json", "X-API-Key": KEY}
    request = Request(url, json.dumps(body).encode(), headers)
    with urlopen(request) as response:
        return json.load(response)
