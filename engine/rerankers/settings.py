"""What a model's folder says about its use here: `shortlist.json`, which `shortlist train` writes.

    {"weight": 0.7, "calibration": {"scale": 1.3, "shift": -2.0},
     "list_calibration": {"scale": 0.3, "lead": 1.8, "shift": -1.1}}

All are optional, and other keys are for other readers.
"""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Final, cast

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


@dataclass(frozen=True, slots=True)
class ListCalibration:
    """Turns logits of one query's candidates into probabilities: sigmoid(s * logit + l * lead + c).

    How high a logit is differs from collection to collection; that it stands out among the others
    means the same in all (benchmarks/LOG.md, "What a probability is worth").
    """

    scale: float
    lead: float
    shift: float

    def relevance(self, logits: FloatArray) -> DoubleArray:
        """Return (n,) probabilities of relevance in [0, 1]."""
        wide = self.scale * logits.astype(np.float64) + self.lead * leads(logits) + self.shift
        return np.exp(-np.logaddexp(0, -wide))


# Beyond it a lead says nothing more: e^-20 is nothing, and double precision ends at e^-745.
_FARTHEST: Final = 20.0


def leads(logits: FloatArray) -> DoubleArray:
    """Return (n,) how far each logit is above the best other one, negative if below.

    Equal logits are one: a passage that stands twice does not stand less for it. Where all are
    equal, or there is one, nobody leads: 0.
    """
    wide = logits.astype(np.float64)
    if not len(wide):
        return wide
    first = wide.max()
    led = wide - first
    behind = led[led < 0]
    led[led == 0] = -behind.max() if len(behind) else 0
    return led.clip(-_FARTHEST, _FARTHEST)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSettings:
    """How much of the final score is the model's, and how to read its logits; None: not said.

    Attributes:
        weight: in [0, 1].
        calibration: of a pair by itself.
        list_calibration: of a query's candidates, beside one another.
    """

    weight: float | None = None
    calibration: Calibration | None = None
    list_calibration: ListCalibration | None = None

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
        alone = beside = None
        if said.get("calibration") is not None:
            fitted = _object(path, said["calibration"])
            alone = Calibration(
                _number(path, fitted, "scale", 1.0), _number(path, fitted, "shift", 0.0)
            )
        if said.get("list_calibration") is not None:
            fitted = _object(path, said["list_calibration"])
            beside = ListCalibration(
                *(_number(path, fitted, key, 0.0) for key in ("scale", "lead", "shift"))
            )
        return cls(weight=weight, calibration=alone, list_calibration=beside)

    def to_json(self) -> dict[str, Any]:
        """Return what `read` reads."""
        return {key: value for key, value in asdict(self).items() if value is not None}

    def relevance(self, logits: FloatArray) -> DoubleArray | None:
        """See Reranker."""
        return self.calibration.relevance(logits) if self.calibration else None

    def relevance_among(self, logits: FloatArray) -> DoubleArray | None:
        """See Reranker. Where nothing can stand out each is by itself."""
        if self.list_calibration is None or len(np.unique(logits)) < 2:
            return self.relevance(logits)
        return self.list_calibration.relevance(logits)


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
