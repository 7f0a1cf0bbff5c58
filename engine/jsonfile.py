"""The JSON files of a model's folder."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from engine.errors import ModelError

if TYPE_CHECKING:
    from pathlib import Path


def read_json(path: Path) -> Any:  # noqa: ANN401 - the caller knows what the file should hold
    """Return what a file holds.

    Raises:
        ModelError: it is no JSON.
    """
    try:
        return json.loads(path.read_text("utf-8"))
    except ValueError as error:
        message = f"{path} cannot be read: {error}"
        raise ModelError(message) from error
