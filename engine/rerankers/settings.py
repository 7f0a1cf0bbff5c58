"""What a model's folder says about its use here: `shortlist.json`, which `shortlist train` writes.

    {"weight": 0.7, "calibration": {"scale": 1.3, "shift": -2.0}}

Both are optional, and other keys are for other readers.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np

from engine.errors import ModelError
from engine.jsonfile import read_json

if TYPE_CHECKING:
    from pathlib import Path

    from engine.types import DoubleArray, FloatArray


@dataclass(frozen=True, slots=True)
class Calibration:
    """Turns a logit into a probability: sigmoid(scale * logit + shift) (Platt 1999).

    scale 1 and shift 0 are right for a model trained with binary cross-entropy on the pairs that it
    now meets; any other needs the two fitted on judged pairs.
    """

    scale: float = 1.0
    shift: float = 0.0

    def relevance(self, logits: FloatArray) -> DoubleArray:
        """Return (n,) probabilities of relevance in [0, 1]."""
        # In float32 all above 17 would be 1; `1 / (1 + exp(-x))` overflows at a logit of -710.
        wide = self.scale * logits.astype(np.float64) + self.shift
        return np.exp(-np.logaddexp(0, -wide))


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSettings:
    """How much of the final score is the model's (None: not said), and how to read its logits."""

    weight: float | None = None
    calibration: Calibration | None = None

    @classmethod
    def read(cls, folder: Path) -> ModelSettings:
        """Return what a model's folder says; a folder without the file says nothing.

        Raises:
            ModelError: the file does not say what it should.
        """
        path = folder / "shortlist.json"
        if not path.is_file():
            return cls()
        said = _object(path, read_json(path))
        weight = None if said.get("weight") is None else _number(path, said, "weight", 1.0)
        if weight is not None and not 0 <= weight <= 1:
            message = f"{path}: weight must be from 0 to 1, not {weight}"
            raise ModelError(message)
        if said.get("calibration") is None:
            return cls(weight=weight)
        fitted = _object(path, said["calibration"])
        scale, shift = _number(path, fitted, "scale", 1.0), _number(path, fitted, "shift", 0.0)
        return cls(weight=weight, calibration=Calibration(scale, shift))


def _object(path: Path, value: object) -> dict[str, object]:
    if not isinstance(value, dict):
        message = f"{path}: expected an object, not {value!r}"
        raise ModelError(message)
    return cast("dict[str, object]", value)


def _number(path: Path, said: dict[str, object], key: str, default: float) -> float:
    value = said.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        message = f"{path}: {key} must be a number, not {value!r}"
        raise ModelError(message)
    return float(value)
